//! Assigns places to records that come from published grants.

use std::collections::BTreeMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde::Deserialize as _;
use uuid::Uuid;
use wayin_entity::{funding_term, initiative};

use super::publish::{Proposal, PublicationOutcome, publish_records};
use crate::change_log::ActionContext;
use crate::database::is_in;
use crate::error::{Error, Result};
use crate::grant_detail;
use crate::instance::DisclosureKeys;
use crate::place::Gazetteer;
use crate::store::revisions::load_newest_documents;
use crate::store::whole_records::place_reference;
use wayin_records::record::InitiativeRecord;

const INITIATIVES_PER_BATCH: u64 = 500;

/// Assigns a place to records that come only from grants and have no place, if all locations of the grant are
/// in one known place. Returns their number.
pub async fn assign_missing_places(db: &impl ConnectionTrait, act: &ActionContext<'_>) -> Result<u64> {
    let (mut placed, mut after) = (0, Uuid::nil());
    let (mut places, mut keys) = (None, None);
    loop {
        let page: Vec<Uuid> = initiative::Entity::find()
            .select_only()
            .column(initiative::Column::Id)
            .filter(initiative::Column::Id.gt(after))
            .filter(initiative::Column::MadeFromGrant.eq(true))
            .filter(initiative::Column::PlaceId.is_null())
            .filter(initiative::Column::WithdrawnAt.is_null())
            .order_by_asc(initiative::Column::Id)
            .limit(INITIATIVES_PER_BATCH)
            .into_tuple()
            .all(db)
            .await?;
        let Some(last) = page.last() else {
            return Ok(placed);
        };
        after = *last;
        if places.is_none() {
            places = Some(Gazetteer::load_with_small_areas(db).await?);
            keys = Some(DisclosureKeys::load(db).await?);
        }
        let (Some(places), Some(keys)) = (&places, &keys) else {
            return Ok(placed);
        };
        let proposals = propose_places(db, places, page).await?;
        let outcomes = publish_records(db, act, places, keys, proposals).await?;
        let altered = outcomes
            .iter()
            .filter(|outcome| matches!(outcome, PublicationOutcome::Updated { .. }));
        placed += altered.count() as u64;
    }
}

/// Proposes records with a place for the initiatives whose grants are in one known place.
async fn propose_places(
    db: &impl ConnectionTrait,
    places: &Gazetteer,
    initiatives: Vec<Uuid>,
) -> Result<Vec<Proposal>> {
    let terms: Vec<(Uuid, Option<String>)> = funding_term::Entity::find()
        .select_only()
        .columns([
            funding_term::Column::InitiativeId,
            funding_term::Column::GrantIdentifier,
        ])
        .filter(is_in(
            db,
            funding_term::Column::InitiativeId.into_expr(),
            initiatives,
        ))
        .order_by_asc(funding_term::Column::InitiativeId)
        .into_tuple()
        .all(db)
        .await?;
    let identifiers = terms.iter().filter_map(|(_, identifier)| identifier.clone());
    let details = grant_detail::load_details(db, identifiers).await?;
    let found = terms.into_iter().filter_map(|(id, identifier)| {
        let place = details.get(&identifier?)?.find_place(places)?;
        Some((id, place_reference(place)))
    });
    let found: BTreeMap<Uuid, _> = found.collect();
    let mut documents = load_newest_documents(db, found.keys().copied()).await?;
    let proposals = found.into_iter().filter_map(|(id, place)| {
        let document = documents.remove(&id)?;
        let record = InitiativeRecord::deserialize(document)
            .map_err(|cause| Error::Internal(format!("revision of {id}: {cause}")));
        Some(record.map(|record| Proposal {
            record: InitiativeRecord {
                place: Some(place),
                ..record
            },
            grant: None,
            corrects: Some(id),
            base_version: None,
            omitted: None,
        }))
    });
    proposals.collect()
}
