//! Begins the mutations that clients send.

use async_graphql::{Context, ID, InputType};
use serde::de::DeserializeOwned;

use super::{app_from_context, decode_argument, require_member};
use crate::error::Result;
use crate::id::NodeKind;
use crate::idempotency::{self, MutationRequest, MutationStart};
use crate::reference_data::SaveTarget;

/// Begins a mutation of the member who asks. `input` comes without its key, which stands by itself.
pub async fn begin_mutation<'a, A: DeserializeOwned>(
    ctx: &Context<'a>,
    name: &'static str,
    key: Option<&'a str>,
    input: &impl InputType,
) -> Result<MutationStart<'a, A>> {
    begin_mutation_with_text(ctx, name, key, input.to_value().to_string()).await
}

/// [`begin_mutation`], with the input written out.
pub async fn begin_mutation_with_text<'a, A: DeserializeOwned>(
    ctx: &Context<'a>,
    name: &'static str,
    key: Option<&'a str>,
    input: String,
) -> Result<MutationStart<'a, A>> {
    let sent = MutationRequest {
        member: require_member(ctx)?,
        name,
        key,
        input,
    };
    idempotency::begin_mutation(app_from_context(ctx).mutation_context(), sent).await
}

/// What a save names: the object of an id, and the version that was written from.
pub fn decode_target(kind: NodeKind, id: Option<&ID>, version: Option<i32>) -> Result<SaveTarget> {
    let id = id.map(|id| decode_argument(kind, "input.id", id)).transpose()?;
    Ok(SaveTarget { id, version })
}
