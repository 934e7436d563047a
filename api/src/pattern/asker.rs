//! Who asks a question: which permissions apply, and how much of the records the answer shows.

use uuid::Uuid;
use wayin_entity::Dimension;

use crate::auth::permission::{Permissions, RequesterKind};
use crate::auth::requester::{AuthenticatedMember, Requester};
use crate::error::{Error, Result};
use crate::graphql::filter::AskerOrganisation;
use wayin_engine::query::RecordScope;
use wayin_engine::visibility::Reader;

/// Who asks a question.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asker {
    /// Whose permissions to check.
    pub kind: RequesterKind,
    pub reader: Reader,
    /// What filters such as `fundedByMe` mean.
    pub organisation: AskerOrganisation,
    /// The member whose questions are counted for the audit. None if nobody is known to ask.
    pub member: Option<Uuid>,
}

impl Asker {
    /// A claim that is saved: everybody must be able to read its answer.
    pub const CLAIM: Self = Self {
        kind: RequesterKind::Claim,
        reader: Reader::Dashboard,
        organisation: AskerOrganisation::Claim,
        member: None,
    };

    /// Someone without a token. The answer is that of a dashboard.
    const VISITOR: Self = Self {
        kind: RequesterKind::Visitor,
        reader: Reader::Dashboard,
        organisation: AskerOrganisation::Unidentified,
        member: None,
    };

    /// A member, whose questions are counted.
    pub fn from_member(member: &AuthenticatedMember) -> Self {
        Self {
            kind: RequesterKind::Member(member.role),
            reader: member.reader(),
            organisation: AskerOrganisation::from_member(member),
            member: Some(member.id),
        }
    }

    /// Finds out who asks a question about the records of a scope.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the requester cannot ask it without a token.
    pub fn from_requester(
        permissions: &Permissions,
        requester: &Requester,
        scope: RecordScope,
    ) -> Result<Self> {
        match permissions.identify(requester) {
            RequesterKind::Visitor => Self::find(requester, scope),
            _ => requester.member().map(Self::from_member),
        }
    }

    /// Finds out who asks the question of a stored claim, which needs no token.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if the requester cannot ask it without a token.
    pub fn of_claim(requester: &Requester, scope: RecordScope) -> Result<Self> {
        let asker = Self::find(requester, scope)?;
        Ok(Self {
            organisation: AskerOrganisation::Claim,
            ..asker
        })
    }

    /// The member, or a visitor, who sees figures of all records but none of the records.
    fn find(requester: &Requester, scope: RecordScope) -> Result<Self> {
        match requester {
            Requester::Member(member) => Ok(Self::from_member(member)),
            Requester::Anonymous(_) if scope == RecordScope::All => Ok(Self::VISITOR),
            Requester::Anonymous(cause) => Err(Error::Unauthenticated(*cause)),
        }
    }

    /// Whether the asker can group by a dimension. Groups name places and organisations, which cannot be read without
    /// a token.
    pub const fn can_group_by(self, by: Dimension) -> bool {
        let is_visitor = matches!(self.kind, RequesterKind::Visitor);
        let names_objects = matches!(
            by,
            Dimension::Place | Dimension::LeadOrganisation | Dimension::Funder
        );
        !(is_visitor && names_objects)
    }

    /// Checks whether the asker can group by a dimension, which `argument` names.
    ///
    /// # Errors
    /// [`Error::Forbidden`].
    pub fn require_dimension(self, argument: &str, by: Dimension) -> Result<()> {
        if self.can_group_by(by) {
            return Ok(());
        }
        let dimension = by.code();
        Err(Error::Forbidden(format!(
            "{argument}: groups by {dimension} name single places or organisations, which needs a token; group by another \
             dimension, such as REGION"
        )))
    }
}
