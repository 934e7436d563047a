//! Begins mutations.

use async_graphql::{Context, ID, InputType};
use serde::de::DeserializeOwned;

use super::loader::operation_loader;
use super::{app_from_context, decode_argument, require_member};
use crate::error::Result;
use crate::id::NodeKind;
use crate::idempotency::{self, MutationRequest, MutationStart};
use crate::reference_data::SaveTarget;

/// Begins a mutation of the requester. `input` does not include the idempotency key, which is passed as
/// `key`.
pub async fn begin_mutation<'a, A: DeserializeOwned>(
    ctx: &Context<'a>,
    name: &'static str,
    key: Option<&'a str>,
    input: &impl InputType,
) -> Result<MutationStart<'a, A>> {
    begin_mutation_with_text(ctx, name, key, input.to_value().to_string()).await
}

/// [`begin_mutation`] with the input as text.
pub async fn begin_mutation_with_text<'a, A: DeserializeOwned>(
    ctx: &Context<'a>,
    name: &'static str,
    key: Option<&'a str>,
    input: String,
) -> Result<MutationStart<'a, A>> {
    // The payload of the mutation reads the change that the mutation made.
    operation_loader(ctx).view().forget().await;
    let sent = MutationRequest {
        member: require_member(ctx)?,
        name,
        key,
        input,
    };
    idempotency::begin_mutation(app_from_context(ctx).mutation_context(), sent).await
}

/// Decodes the target of a save: the id of the object and the base version of the edit.
pub fn decode_target(kind: NodeKind, id: Option<&ID>, version: Option<i32>) -> Result<SaveTarget> {
    let id = id.map(|id| decode_argument(kind, "input.id", id)).transpose()?;
    Ok(SaveTarget { id, version })
}
