//! The codes of small areas, such as LSOAs and constituencies, with the place that each lies in.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QuerySelect};
use uuid::Uuid;
use wayin_entity::small_area;

use super::Gazetteer;
use crate::change_log::ActionContext;
use crate::database::insert_all;
use crate::error::Result;
use wayin_records::gss_code;

const CODES_PER_STATEMENT: usize = 1_000;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SmallAreasSaved {
    pub added: usize,
    /// The codes that were in another place before.
    pub moved: Vec<String>,
    /// The codes that lie in several places, which lead to none.
    pub in_several: Vec<String>,
}

/// Loads all codes, each with its place. None if a code lies in several places.
pub async fn load_small_areas(db: &impl ConnectionTrait) -> Result<HashMap<String, Option<Uuid>>> {
    let all: Vec<(String, Option<Uuid>)> = small_area::Entity::find()
        .select_only()
        .columns([small_area::Column::Code, small_area::Column::PlaceId])
        .into_tuple()
        .all(db)
        .await?;
    Ok(all.into_iter().collect())
}

/// Stores codes with the places that they lie in, as far as those are known. A code that lies in several
/// places is stored without a place. Codes that the file does not name stay unchanged.
pub async fn save_small_areas(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    places: &Gazetteer,
    listed: impl IntoIterator<Item = (String, String)>,
) -> Result<SmallAreasSaved> {
    let mut place_by_code: HashMap<String, Option<Uuid>> = HashMap::new();
    for (code, place) in listed {
        let Some(place) = places.find_by_code(&place) else {
            continue;
        };
        let known = place_by_code.entry(code).or_insert(Some(place.id));
        if *known != Some(place.id) {
            *known = None;
        }
    }
    let mut saved = SmallAreasSaved::default();
    if place_by_code.is_empty() {
        return Ok(saved);
    }
    let known = load_small_areas(db).await?;
    let mut rows = Vec::new();
    for (code, mut place_id) in place_by_code {
        let before = known.get(&code).copied();
        let current = before.map(|place| place.and_then(|id| places.find_current(id)).map(|place| place.id));
        // Another file may name the other places of a constituency, which then lies in several.
        if !gss_code::is_within_one_authority(&code) && current.is_some_and(|current| current != place_id) {
            place_id = None;
        }
        if place_id.is_none() {
            saved.in_several.push(code.clone());
        } else if current.is_some_and(|current| current.is_some() && current != place_id) {
            saved.moved.push(code.clone());
        }
        if before == Some(place_id) {
            continue;
        }
        saved.added += usize::from(before.is_none());
        rows.push(small_area::Model {
            code,
            place_id,
            created_at: act.now(),
            updated_at: act.now(),
        });
    }
    saved.moved.sort_unstable();
    saved.in_several.sort_unstable();
    for piece in rows.chunks(CODES_PER_STATEMENT) {
        let codes = piece.iter().map(|row| row.code.as_str());
        small_area::Entity::delete_many()
            .filter(small_area::Column::Code.is_in(codes))
            .exec(db)
            .await?;
    }
    insert_all(db, rows.into_iter().map(IntoActiveModel::into_active_model)).await?;
    Ok(saved)
}
