//! Mutations of crises, for stewards.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use serde_json::json;
use wayin_entity::crisis;

use super::graphql::Crisis;
use super::save::{CrisisDraft, save_crisis};
use crate::graphql::comparison::Date;
use crate::graphql::mutation;
use crate::id::NodeKind;
use crate::place::filter_input::{PlaceRef, into_place_keys};
use crate::reference_data::graphql::{
    ChangeLogging, begin_save, finish_save, parse_reason, reference_payload, reject_save,
};
use crate::reference_data::partial::PartialUpdate;

/// Input to add or change a crisis. If you change a crisis, a field that you leave out stays the same, and
/// null clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SaveCrisisInput {
    /// The crisis to change. Leave it out to add a crisis.
    id: Option<ID>,
    /// The version that your edit is based on. If the object has been saved since, the input is rejected
    /// and `conflicts` lists the differences. If you leave the version out, your edit replaces whatever is
    /// stored.
    version: Option<i32>,
    /// The short name for filters, such as `cost-of-living`. Unique, at most 100 characters.
    slug: MaybeUndefined<String>,
    /// The name, at most 200 characters.
    name: MaybeUndefined<String>,
    /// The first day.
    from: MaybeUndefined<Date>,
    /// The last day. Null if the crisis is continuing.
    to: MaybeUndefined<Date>,
    /// The places that the crisis affects, at most 500. Empty if it affects all places.
    places: MaybeUndefined<Vec<PlaceRef>>,
    /// The reason, stored with the new version.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

reference_payload! {
    /// The result of saving a crisis.
    SaveCrisisPayload { crisis: Crisis of crisis::Model } logged
}

#[derive(Default)]
pub struct CrisisMutation;

#[Object]
impl CrisisMutation {
    /// Adds or changes a crisis. A field that you leave out stays the same. Null clears it. Filters with
    /// `activeDuring`, `startedDuring` or `fundedDuring` use the new values at once. For stewards.
    async fn save_crisis(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The values to save.")] mut input: SaveCrisisInput,
    ) -> Result<SaveCrisisPayload> {
        let key = input.idempotency_key.take();
        let running = match begin_save::<crisis::Model>(ctx, "saveCrisis", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, wrong) = parse_reason(input.reason.as_deref());
        let target = mutation::decode_target(NodeKind::Crisis, input.id.as_ref(), input.version)?;
        let mut partial = PartialUpdate::load(running.db(), NodeKind::Crisis, target.id).await?;
        let slug = partial.required_field("slug", input.slug)?;
        let name = partial.required_field("name", input.name)?;
        let from = partial.required_field("from", input.from)?;
        let to = partial.optional_field("to", input.to)?;
        let places = partial
            .optional_field("places", input.places)?
            .unwrap_or_default();
        let (Some(slug), Some(name), Some(from)) = (slug, name, from) else {
            return Ok(reject_save(partial.into_problems("crisis"), wrong).into());
        };
        let draft = CrisisDraft {
            target,
            slug,
            name,
            from: from.0,
            to: to.map(|to| to.0),
            places: into_place_keys("places", places)?,
        };
        let saved = save_crisis(running.db(), &running.action(&reason), draft).await?;
        let detail = json!({"reason": reason});
        Ok(finish_save(*running, saved, wrong, ChangeLogging::Logged, detail)
            .await?
            .into())
    }
}
