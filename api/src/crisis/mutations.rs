//! Keeping crises over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, MaybeUndefined, Object, Result};
use serde_json::json;
use wayin_entity::crisis;

use super::graphql::Crisis;
use super::save::{Draft, save};
use crate::graphql::comparison::Date;
use crate::graphql::mutating;
use crate::id::NodeKind;
use crate::keeping::graphql::{Log, begin, finish, kept_payload, refuse, why};
use crate::keeping::partial::Partial;
use crate::place::filter_input::{PlaceRef, place_keys};

/// A crisis that is to be added or changed. Of one that is there, a field that is left out stays as it is, and null
/// clears it.
#[derive(Clone, Debug, InputObject)]
pub struct SaveCrisisInput {
    /// The crisis that is there; a new one where nothing is said.
    id: Option<ID>,
    /// The version that you wrote from; where it was saved meanwhile you are told, and nothing is lost.
    version: Option<i32>,
    /// The short name that conditions use, such as `cost-of-living`; unique, at most 100 characters.
    slug: MaybeUndefined<String>,
    /// What it is called, at most 200 characters.
    name: MaybeUndefined<String>,
    /// The first day.
    from: MaybeUndefined<Date>,
    /// The last day; it goes on where nothing is said.
    to: MaybeUndefined<Date>,
    /// The places that it bears on, at most 500; on all where none is named.
    places: MaybeUndefined<Vec<PlaceRef>>,
    /// Why, in a few words, for its history.
    reason: Option<String>,
    /// A key of your choice, by which the same mutation is known again for 24 hours.
    idempotency_key: Option<String>,
}

kept_payload! {
    /// What came of saving a crisis.
    SaveCrisisPayload { crisis: Crisis of crisis::Model } logged
}

/// The mutations of crises.
#[derive(Default)]
pub struct CrisisMutation;

#[Object]
impl CrisisMutation {
    /// Adds a crisis, or changes one that is there: a field that is left out stays as it is, null clears it: what asks for `activeDuring` is answered by it
    /// from then on. For stewards.
    async fn save_crisis(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to keep.")] mut input: SaveCrisisInput,
    ) -> Result<SaveCrisisPayload> {
        let key = input.idempotency_key.take();
        let running = match begin::<crisis::Model>(ctx, "saveCrisis", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let (reason, wrong) = why(input.reason.as_deref());
        let target = mutating::target(NodeKind::Crisis, input.id.as_ref(), input.version)?;
        let mut partial = Partial::load(running.db(), NodeKind::Crisis, target.id).await?;
        let slug = partial.needed("slug", input.slug)?;
        let name = partial.needed("name", input.name)?;
        let from = partial.needed("from", input.from)?;
        let to = partial.optional("to", input.to)?;
        let places = partial.optional("places", input.places)?.unwrap_or_default();
        let (Some(slug), Some(name), Some(from)) = (slug, name, from) else {
            return Ok(refuse(partial.refusals("crisis"), wrong).into());
        };
        let draft = Draft {
            target,
            slug,
            name,
            from: from.0,
            to: to.map(|to| to.0),
            places: place_keys("places", places)?,
        };
        let saved = save(running.db(), &running.act(&reason), draft).await?;
        let detail = json!({"reason": reason});
        Ok(finish(*running, saved, wrong, Log::Grows, detail).await?.into())
    }
}
