//! What the GraphQL types of all domains share.

pub mod as_of;
pub mod comparison;
pub mod connection;
pub mod error;
pub mod filter;
mod global_id;
pub mod input;
pub mod list;
pub mod loader;
pub mod mutation;
pub mod node;
pub mod operation;
pub mod order;
pub mod problem;
pub mod request;
pub mod revision;

use std::sync::Arc;

use async_graphql::Context;

pub use self::global_id::decode_argument;
use crate::app::App;
use crate::auth::requester::{AuthenticatedMember, Requester};
use crate::error::Result;
use wayin_engine::visibility::Reader;

/// Returns the service that handles the request.
pub fn app_from_context<'a>(ctx: &Context<'a>) -> &'a Arc<App> {
    ctx.data_unchecked::<Arc<App>>()
}

/// Returns the member who sends the request.
///
/// # Errors
/// [`crate::error::Error::Unauthenticated`] if the request does not identify a member.
pub fn require_member<'a>(ctx: &Context<'a>) -> Result<&'a AuthenticatedMember> {
    ctx.data_unchecked::<Requester>().member()
}

/// Returns the requester as a reader of records.
pub fn require_reader(ctx: &Context<'_>) -> Result<Reader> {
    Ok(require_member(ctx)?.reader())
}
