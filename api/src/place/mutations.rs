//! Keeping places over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use serde_json::json;
use wayin_entity::{PlaceKind, place};

use super::{Draft, save};
use crate::graphql::mutating;
use crate::id::NodeKind;
use crate::initiative::graphql::Place;
use crate::initiative::place_grants::place_unplaced;
use crate::keeping::graphql::{Log, begin, finish, kept_payload, refuse, why};
use crate::keeping::partial::Partial;
use crate::place::filter_input::{PlaceRef, place_keys};

/// A place that is to be added or changed. Of one that is there, a field that is left out stays as it is, and null
/// clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SavePlaceInput {
    /// The place that is there; a new one where nothing is said.
    id: Option<ID>,
    /// The version that you wrote from; where it was saved meanwhile you are told, and nothing is lost.
    version: Option<i32>,
    /// The name in use, at most 200 characters.
    name: MaybeUndefined<String>,
    /// What sort of place it is.
    kind: MaybeUndefined<PlaceKind>,
    /// The GSS code, such as E08000025; unique. One that a place has stays: a new code is a new place, and the
    /// successor of this one.
    code: MaybeUndefined<String>,
    /// The places that it lies directly within, several where they stand beside each other. At most 12 places
    /// lie around one another, and none within itself.
    parents: MaybeUndefined<Vec<PlaceRef>>,
    /// The place that took over when this one's code was retired; none while it is in use.
    successor: MaybeUndefined<PlaceRef>,
    /// Why, in a few words, for its history.
    reason: Option<String>,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

kept_payload! {
    /// What came of saving a place.
    SavePlacePayload { place: Place of place::Model } logged
}

/// The mutations of places.
#[derive(Default)]
pub struct PlaceMutation;

#[Object]
impl PlaceMutation {
    /// Adds a place, or changes one that is there: a field that is left out stays as it is, null clears it. Places are not deleted: one that is no more
    /// names its successor. For stewards.
    async fn save_place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to keep.")] mut input: SavePlaceInput,
    ) -> Result<SavePlacePayload> {
        let key = input.idempotency_key.take();
        let running = match begin::<place::Model>(ctx, "savePlace", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, wrong) = why(input.reason.as_deref());
        let target = mutating::target(NodeKind::Place, input.id.as_ref(), input.version)?;
        let mut partial = Partial::load(running.db(), NodeKind::Place, target.id).await?;
        let (name, kind) = (
            partial.needed("name", input.name)?,
            partial.needed("kind", input.kind)?,
        );
        let code = partial.optional("code", input.code)?;
        let within = partial.optional("parents", input.parents)?.unwrap_or_default();
        let successor = partial.optional("successor", input.successor)?;
        let (Some(name), Some(kind)) = (name, kind) else {
            return Ok(refuse(partial.refusals("place"), wrong).into());
        };
        let draft = Draft {
            target,
            name,
            kind,
            code,
            within: place_keys("parents", within)?,
            successor: successor.map(|place| place.key("input.successor")).transpose()?,
        };
        let act = running.act(&reason);
        let saved = save(running.db(), &act, draft).await?;
        if saved.is_ok() && wrong.is_empty() {
            place_unplaced(running.db(), &act).await?;
        }
        let detail = json!({"reason": reason});
        Ok(finish(*running, saved, wrong, Log::Grows, detail).await?.into())
    }
}
