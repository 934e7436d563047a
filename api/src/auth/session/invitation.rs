//! Invitations: a steward offers a role and an organisation to a person, who accepts with a link. Accepting adds the member
//! and signs the browser in.

use chrono::{DateTime, TimeDelta, Utc};
use sea_orm::{
    ActiveModelTrait,
    ActiveValue::{Set, Unchanged},
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, IntoActiveModel, QueryFilter,
    QuerySelect, Select,
    sea_query::Expr,
};
use serde_json::json;
use uuid::Uuid;
use wayin_entity::{Capability, Role, invitation, member, organisation};

use super::{CreatedSession, create_session, end_session};
use crate::audit::{self, AuditRecord};
use crate::auth::jwt::TokenSubject;
use crate::auth::member::{MemberDraft, save_member};
use crate::change_log::ActionContext;
use crate::database;
use crate::error::{Error, Result};
use crate::id::NodeKind;
use crate::idempotency::{MutationContext, Rejection};
use crate::paging::{Paged, SortOrder};
use crate::reference_data::{self, check_text};
use crate::secret::{SecretKind, digest_secret};
use wayin_records::problem::{ProblemCode, Problems};

pub const MAX_INVITATION_DAYS: i64 = 30;
pub const DEFAULT_INVITATION_DAYS: i64 = 7;
/// The path of an invitation without its code.
pub const INVITATION_PATH: &str = "/invitation/";
/// The issuer of members that were invited, if the service issues no tokens itself. No token has this issuer.
pub const INVITED_ISSUER: &str = "wayin";
const LONGEST_NAME: usize = 200;

const INVITATION_CODE: SecretKind = SecretKind::new("wayin_invitation_");

#[derive(Clone, Debug)]
pub struct InvitationDraft {
    /// The name of the person, for the list and for the pages.
    pub name: String,
    pub role: Role,
    pub organisation: Option<Uuid>,
    /// How many days the invitation can be accepted.
    pub days: i64,
}

/// An invitation with its code, which only its creator gets.
#[derive(Clone)]
pub struct CreatedInvitation {
    pub code: String,
    pub row: invitation::Model,
}

impl CreatedInvitation {
    /// The path that opens the page of the invitation.
    pub fn path(&self) -> String {
        format!("{INVITATION_PATH}{}", self.code)
    }
}

/// Whether a text could be the code of an invitation.
pub fn is_invitation_code(text: &str) -> bool {
    INVITATION_CODE.matches(text)
}

/// What an invitation offers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvitationOffer {
    pub id: Uuid,
    pub name: String,
    pub role: Role,
    /// The name of the organisation that the member will act for.
    pub organisation: Option<String>,
    pub expires_at: DateTime<Utc>,
}

/// Who accepts an invitation.
#[derive(Clone, Debug)]
pub enum AcceptingIdentity {
    /// Somebody whom only the invitation identifies. The member gets a new subject of this issuer.
    OwnIssuer(String),
    /// Somebody whom an issuer has identified. There may be such a member already, who gets the role and the organisation of the
    /// invitation, and is active again if the member was revoked.
    Subject(TokenSubject),
}

impl AcceptingIdentity {
    fn into_subject(self, new_id: Uuid) -> TokenSubject {
        match self {
            Self::OwnIssuer(issuer) => TokenSubject {
                issuer,
                subject: format!("invited-{new_id}"),
            },
            Self::Subject(subject) => subject,
        }
    }
}

/// Invites a person.
pub async fn invite_member(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    draft: InvitationDraft,
) -> Result<Result<CreatedInvitation, Rejection>> {
    let mut found = Problems::default();
    check_text(&mut found, "name", &draft.name, LONGEST_NAME);
    match draft.organisation {
        None if draft.role.can(Capability::ActForOrganisation) => {
            let reason = format!("is required for a {}", draft.role.code());
            found.add_error(ProblemCode::Required, "organisation", reason);
        }
        Some(id) if find_organisation_name(db, id).await?.is_none() => {
            let reason = "there is no such organisation";
            found.add_error(ProblemCode::NotFound, "organisation", reason);
        }
        _ => {}
    }
    if !(1..=MAX_INVITATION_DAYS).contains(&draft.days) {
        let reason = format!(
            "is {}; an invitation can be accepted for 1 to {MAX_INVITATION_DAYS} days",
            draft.days
        );
        found.add_error(ProblemCode::OutOfRange, "days", reason);
    }
    if !found.errors.is_empty() {
        return Ok(Err(found.errors.into()));
    }
    let code = INVITATION_CODE.generate()?;
    let now = act.now();
    let row = invitation::Model {
        id: act.clock.new_id(),
        name: draft.name,
        role: draft.role,
        organisation_id: draft.organisation,
        code_digest: digest_secret(&code),
        created_by: act.member,
        expires_at: now + TimeDelta::days(draft.days),
        accepted_at: None,
        member_id: None,
        revoked_at: None,
        created_at: now,
        updated_at: now,
    };
    invitation::Entity::insert(row.clone().into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;
    Ok(Ok(CreatedInvitation { code, row }))
}

/// Finds what an invitation offers. None if there is no such invitation, or if it was accepted, was revoked or has ended.
pub async fn find_invitation(
    db: &impl ConnectionTrait,
    code: &str,
    now: DateTime<Utc>,
) -> Result<Option<InvitationOffer>> {
    if !INVITATION_CODE.matches(code) {
        return Ok(None);
    }
    let Some(row) = select_open(has_code(code), now).one(db).await? else {
        return Ok(None);
    };
    let organisation = match row.organisation_id {
        Some(id) => find_organisation_name(db, id).await?,
        None => None,
    };
    Ok(Some(InvitationOffer {
        id: row.id,
        name: row.name,
        role: row.role,
        organisation,
        expires_at: row.expires_at,
    }))
}

/// Selects an invitation, if it can be accepted.
fn select_open(which: Expr, now: DateTime<Utc>) -> Select<invitation::Entity> {
    use invitation::Column;
    invitation::Entity::find()
        .filter(which)
        .filter(Column::AcceptedAt.is_null())
        .filter(Column::RevokedAt.is_null())
        .filter(Column::ExpiresAt.gt(now))
}

fn has_code(code: &str) -> Expr {
    invitation::Column::CodeDigest.eq(digest_secret(code))
}

async fn find_organisation_name(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<String>> {
    let found = organisation::Entity::find_by_id(id).one(db).await?;
    Ok(found.map(|organisation| organisation.name))
}

/// Accepts an invitation: adds the member, or gives an existing one the role and the organisation, creates a session, and ends
/// `earlier`, the session that the browser had. None if [`find_invitation`] finds nothing. Of two requests with one invitation,
/// one is accepted.
///
/// # Errors
/// [`Error::Conflict`] if the member cannot be saved. The invitation can then still be accepted.
pub async fn accept_invitation(
    context: MutationContext<'_>,
    code: &str,
    identity: AcceptingIdentity,
    earlier: Option<Uuid>,
) -> Result<Option<CreatedSession>> {
    if !INVITATION_CODE.matches(code) {
        return Ok(None);
    }
    accept_open(context, has_code(code), identity, earlier).await
}

/// Accepts an invitation by its id, as [`accept_invitation`] does. The page of the invitation was opened with the code before.
pub async fn accept_invitation_by_id(
    context: MutationContext<'_>,
    id: Uuid,
    identity: AcceptingIdentity,
    earlier: Option<Uuid>,
) -> Result<Option<CreatedSession>> {
    accept_open(context, invitation::Column::Id.eq(id), identity, earlier).await
}

async fn accept_open(
    context: MutationContext<'_>,
    which: Expr,
    identity: AcceptingIdentity,
    earlier: Option<Uuid>,
) -> Result<Option<CreatedSession>> {
    let now = context.clock.now();
    // Nothing is locked for an invitation that has ended.
    if select_open(which.clone(), now).one(context.db).await?.is_none() {
        return Ok(None);
    }
    let transaction = database::begin_write(context.db).await?;
    let Some(row) = select_open(which, now).lock_exclusive().one(&transaction).await? else {
        return Ok(None);
    };
    let member = save_invited_member(&transaction, context, &row, identity).await?;
    let accepted = invitation::ActiveModel {
        id: Unchanged(row.id),
        accepted_at: Set(Some(now)),
        member_id: Set(Some(member.id)),
        updated_at: Set(now),
        ..Default::default()
    };
    accepted.update(&transaction).await?;
    let created = create_session(&transaction, context.clock, member.id).await?;
    if let Some(earlier) = earlier {
        end_session(&transaction, context.clock, earlier).await?;
    }
    let _notifies = context.notifier.guard_commit();
    database::commit(transaction).await?;
    Ok(Some(created))
}

/// Saves the member, and records the event. The steward who invited is the author of the member's version, and the member is
/// the actor of the event.
async fn save_invited_member(
    transaction: &DatabaseTransaction,
    context: MutationContext<'_>,
    row: &invitation::Model,
    identity: AcceptingIdentity,
) -> Result<member::Model> {
    let act = ActionContext {
        clock: context.clock,
        member: row.created_by,
        reason: "accepted an invitation",
    };
    let draft = MemberDraft {
        subject: identity.into_subject(context.clock.new_id()),
        version: None,
        role: row.role,
        organisation: row.organisation_id,
    };
    let member = save_member(transaction, &act, draft).await?.map_err(|refusal| {
        let reasons: Vec<String> = refusal.problems.iter().map(ToString::to_string).collect();
        Error::Conflict(format!(
            "you cannot accept this invitation: {}; ask the steward who invited you",
            reasons.join(", ")
        ))
    })?;
    let version = reference_data::load_version(transaction, member.id).await?;
    let event = AuditRecord {
        kind: NodeKind::Member,
        id: member.id,
        before: (version > 1).then_some(version - 1),
        after: Some(version),
        detail: json!({
            "reason": act.reason,
            "invitation": NodeKind::Invitation.encode_id(row.id),
            "organisation": member.organisation_id.map(|id| NodeKind::Organisation.encode_id(id)),
        }),
    };
    let by_member = ActionContext {
        member: Some(member.id),
        ..act
    };
    audit::append_event(transaction, &by_member, "acceptInvitation", event).await?;
    Ok(member)
}

/// Revokes an invitation. It cannot be accepted any more.
pub async fn revoke_invitation(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    id: Uuid,
) -> Result<Result<invitation::Model, Rejection>> {
    let row = invitation::Entity::find_by_id(id)
        .lock_exclusive()
        .one(db)
        .await?;
    let refused = |code, reason| Ok(Err(Rejection::from_problem(code, "id", reason)));
    let Some(mut row) = row else {
        return refused(ProblemCode::NotFound, "there is no such invitation");
    };
    if row.accepted_at.is_some() {
        let reason = "is accepted already; revoke the member instead";
        return refused(ProblemCode::WrongState, reason);
    }
    if row.revoked_at.is_some() {
        return refused(ProblemCode::WrongState, "is revoked already");
    }
    row.revoked_at = Some(act.now());
    row.updated_at = act.now();
    let revoked = invitation::ActiveModel {
        id: Unchanged(row.id),
        revoked_at: Set(row.revoked_at),
        updated_at: Set(row.updated_at),
        ..Default::default()
    };
    revoked.update(db).await?;
    Ok(Ok(row))
}

pub async fn find_by_id(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<invitation::Model>> {
    Ok(invitation::Entity::find_by_id(id).one(db).await?)
}

impl Paged for invitation::Entity {
    type Order = ();
    const ID: Self::Column = invitation::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "invited-",
            column: invitation::Column::CreatedAt,
            descending: true,
        }
    }
}
