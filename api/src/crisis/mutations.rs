//! Keeping crises over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, Object, Result};
use chrono::NaiveDate;
use serde_json::json;
use wayin_entity::crisis;

use super::graphql::Crisis;
use super::save::{Draft, save};
use crate::graphql::mutating;
use crate::id::NodeKind;
use crate::initiative::filter_input::PlaceRef;
use crate::keeping::graphql::{Log, begin, finish, kept_payload, why};

/// A crisis that is to be added, or written anew.
#[derive(Clone, Debug, InputObject)]
pub struct SaveCrisisInput {
    /// The crisis that is there; a new one where nothing is said.
    id: Option<ID>,
    /// The version that you wrote from; where it was saved meanwhile you are told, and nothing is lost.
    version: Option<i32>,
    /// The short name that conditions use, such as `cost-of-living`; unique, at most 100 characters.
    slug: String,
    /// What it is called, at most 200 characters.
    name: String,
    /// The first day.
    from: NaiveDate,
    /// The last day; it goes on where nothing is said.
    to: Option<NaiveDate>,
    /// The places that it bears on, at most 500; on all where none is named.
    #[graphql(default)]
    places: Vec<PlaceRef>,
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
    /// Adds a crisis, or writes one that is there anew, whole: what asks for `overlaps` is answered by it
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
        let draft = Draft {
            target: mutating::target(NodeKind::Crisis, input.id.as_ref(), input.version)?,
            slug: input.slug,
            name: input.name,
            from: input.from,
            to: input.to,
            places: mutating::place_keys("places", input.places)?,
        };
        let saved = save(running.db(), &running.act(&reason), draft).await?;
        let detail = json!({"reason": reason});
        Ok(finish(*running, saved, wrong, Log::Grows, detail).await?.into())
    }
}
