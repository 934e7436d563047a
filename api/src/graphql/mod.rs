//! The shared kit of the GraphQL side: what every domain's types are made with.

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

/// The running service, of a request.
pub fn app_from_context<'a>(ctx: &Context<'a>) -> &'a Arc<App> {
    ctx.data_unchecked::<Arc<App>>()
}

/// The member who asks.
///
/// # Errors
/// [`crate::error::Error::Unauthenticated`] where nobody said who is asking.
pub fn require_member<'a>(ctx: &Context<'a>) -> Result<&'a AuthenticatedMember> {
    ctx.data_unchecked::<Requester>().member()
}

/// What the one who asks may read.
pub fn require_reader(ctx: &Context<'_>) -> Result<Reader> {
    Ok(require_member(ctx)?.reader())
}
