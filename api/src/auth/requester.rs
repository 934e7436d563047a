//! The one who asks: made once per request.

use uuid::Uuid;
use wayin_entity::Role;

use crate::error::{Error, Result, TokenError};
use wayin_engine::visibility::Reader;

/// The member who asks, or why there is none.
#[derive(Clone, Debug)]
pub enum Requester {
    /// Nobody that we know.
    Anonymous(TokenError),
    /// A member.
    Member(AuthenticatedMember),
}

/// A member who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct AuthenticatedMember {
    /// The member's id.
    pub id: Uuid,
    /// The subject of the member's tokens.
    pub subject: String,
    /// What the member may do.
    pub role: Role,
    /// The organisation that the member acts for.
    pub organisation: Option<Uuid>,
    /// The token that they ask with, where it was issued here and is listed; none for any other.
    pub token: Option<Uuid>,
}

impl Requester {
    /// The member.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] where there is none.
    pub const fn member(&self) -> Result<&AuthenticatedMember> {
        match self {
            Self::Anonymous(reason) => Err(Error::Unauthenticated(*reason)),
            Self::Member(member) => Ok(member),
        }
    }
}

impl AuthenticatedMember {
    /// What the member may read.
    pub fn reader(&self) -> Reader {
        Reader::from_role(self.role, self.organisation)
    }
}
