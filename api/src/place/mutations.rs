//! Mutations of places, for stewards.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use serde_json::json;
use wayin_entity::{PlaceKind, place};

use super::{PlaceInput, save_place};
use crate::graphql::mutation;
use crate::id::NodeKind;
use crate::initiative::graphql::Place;
use crate::initiative::place_grants::assign_missing_places;
use crate::place::filter_input::{PlaceRef, into_place_keys};
use crate::reference_data::graphql::{
    ChangeLogging, begin_save, finish_save, parse_reason, reference_payload, reject_save,
};
use crate::reference_data::partial::PartialUpdate;

/// Input to add or change a place. If you change a place, a field that you leave out stays the same, and
/// null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SavePlaceInput {
    /// The place to change. Leave it out to add a place.
    id: Option<ID>,
    /// The version that your edit is based on. If the object has been saved since, the input is rejected
    /// and `conflicts` lists the differences. If you leave the version out, your edit replaces whatever is
    /// stored.
    version: Option<i32>,
    /// The current name, at most 200 characters.
    name: MaybeUndefined<String>,
    /// The kind of place.
    kind: MaybeUndefined<PlaceKind>,
    /// The GSS code, such as E08000025. Unique. The code of a place cannot change: for a new code, add a
    /// new place and make it the successor of this one.
    code: MaybeUndefined<String>,
    /// The places that directly contain it. There can be several, such as a region and a combined
    /// authority. Places can be nested up to 12 levels deep. A place cannot contain itself.
    parents: MaybeUndefined<Vec<PlaceRef>>,
    /// The place that replaced this one when its code was retired. Null if the code is current.
    successor: MaybeUndefined<PlaceRef>,
    /// The reason, stored with the new version.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

reference_payload! {
    /// The result of saving a place.
    SavePlacePayload { place: Place of place::Model } logged
}

#[derive(Default)]
pub struct PlaceMutation;

#[Object]
impl PlaceMutation {
    /// Adds or changes a place. A field that you leave out stays the same. Null clears it. Places are not
    /// deleted: if a place no longer exists, give its successor. For stewards.
    async fn save_place(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The values to save.")] mut input: SavePlaceInput,
    ) -> Result<SavePlacePayload> {
        let key = input.idempotency_key.take();
        let running = match begin_save::<place::Model>(ctx, "savePlace", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, wrong) = parse_reason(input.reason.as_deref());
        let target = mutation::decode_target(NodeKind::Place, input.id.as_ref(), input.version)?;
        let mut partial = PartialUpdate::load(running.db(), NodeKind::Place, target.id).await?;
        let (name, kind) = (
            partial.required_field("name", input.name)?,
            partial.required_field("kind", input.kind)?,
        );
        let code = partial.optional_field("code", input.code)?;
        let within = partial
            .optional_field("parents", input.parents)?
            .unwrap_or_default();
        let successor = partial.optional_field("successor", input.successor)?;
        let (Some(name), Some(kind)) = (name, kind) else {
            return Ok(reject_save(partial.into_problems("place"), wrong).into());
        };
        let draft = PlaceInput {
            target,
            name,
            kind,
            code,
            parents: into_place_keys("parents", within)?,
            successor: successor
                .map(|place| place.into_key("input.successor"))
                .transpose()?,
        };
        let act = running.action(&reason);
        let saved = save_place(running.db(), &act, draft).await?;
        if saved.is_ok() && wrong.is_empty() {
            assign_missing_places(running.db(), &act).await?;
        }
        let detail = json!({"reason": reason});
        Ok(finish_save(*running, saved, wrong, ChangeLogging::Logged, detail)
            .await?
            .into())
    }
}
