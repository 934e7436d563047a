//! Begins the mutations that clients send.

use async_graphql::{Context, ID, InputType};
use serde::de::DeserializeOwned;

use super::{app, decode, member};
use crate::error::Result;
use crate::id::NodeKind;
use crate::keeping::Target;
use crate::mutation::{self, Begun, Sent};

/// Begins a mutation of the member who asks. `input` comes without its key, which stands by itself.
pub async fn begin<'a, A: DeserializeOwned>(
    ctx: &Context<'a>,
    name: &'static str,
    key: Option<&'a str>,
    input: &impl InputType,
) -> Result<Begun<'a, A>> {
    begin_written(ctx, name, key, input.to_value().to_string()).await
}

/// [`begin`], with the input written out.
pub async fn begin_written<'a, A: DeserializeOwned>(
    ctx: &Context<'a>,
    name: &'static str,
    key: Option<&'a str>,
    input: String,
) -> Result<Begun<'a, A>> {
    let sent = Sent {
        member: member(ctx)?,
        name,
        key,
        input,
    };
    mutation::begin(app(ctx).mutation_context(), sent).await
}

/// What a save names: the object of an id, and the version that was written from.
pub fn target(kind: NodeKind, id: Option<&ID>, version: Option<i32>) -> Result<Target> {
    let id = id.map(|id| decode(kind, "input.id", id)).transpose()?;
    Ok(Target { id, version })
}
