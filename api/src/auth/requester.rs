//! Who sends a request. Determined once for each request.

use uuid::Uuid;
use wayin_entity::Role;

use crate::error::{Error, Result, TokenError};
use wayin_engine::visibility::Reader;

#[derive(Clone, Debug)]
pub enum Requester {
    Anonymous(TokenError),
    Member(AuthenticatedMember),
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthenticatedMember {
    pub id: Uuid,
    pub subject: String,
    pub role: Role,
    pub organisation: Option<Uuid>,
    /// The listed token of the request. None for a token that is not listed.
    pub token: Option<Uuid>,
}

impl Requester {
    /// Returns the member.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] if there is none.
    pub const fn member(&self) -> Result<&AuthenticatedMember> {
        match self {
            Self::Anonymous(reason) => Err(Error::Unauthenticated(*reason)),
            Self::Member(member) => Ok(member),
        }
    }
}

impl AuthenticatedMember {
    /// Returns the member as a reader of records.
    pub fn reader(&self) -> Reader {
        Reader::from_role(self.role, self.organisation)
    }
}
