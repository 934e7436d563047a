//! Global ids in arguments.

use async_graphql::ID;
use uuid::Uuid;

use crate::error::{Error, Result};
use crate::id::{self, NodeKind};

/// Decodes the global id of one type from an argument.
pub fn decode_argument(kind: NodeKind, argument: &str, id: &ID) -> Result<Uuid> {
    id::decode_as(kind, id).ok_or_else(|| {
        Error::bad_input(
            argument,
            format!("{} is not the id of a {}", id.as_str(), kind.name()),
        )
    })
}
