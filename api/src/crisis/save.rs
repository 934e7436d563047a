//! Saves crises.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use wayin_entity::{ChangeKind, ChangeSubject, ReferenceKind, crisis, crisis_place};

use crate::change_log::{self, ActionContext, ChangeEntry};
use crate::database::insert_all;
use crate::error::Result;
use crate::idempotency::Rejection;
use crate::place::{self, PlaceKey};
use crate::reference_data::{self, CurrentDocument, SaveTarget, SavedChange, document};
use wayin_records::normalisation;
use wayin_records::problem::{ProblemCode, Problems};

/// The maximum number of places. A crisis with more places affects a larger place that contains them.
const MAX_CRISIS_PLACES: usize = 500;

#[derive(Clone, Debug)]
pub struct CrisisDraft {
    pub target: SaveTarget,
    /// The short name in URLs and filters.
    pub slug: String,
    pub name: String,
    pub from: NaiveDate,
    /// The last day. None if the crisis continues.
    pub to: Option<NaiveDate>,
    /// The places that it affects. Empty for all places.
    pub places: Vec<PlaceKey>,
}

/// Adds or changes a crisis. The change is logged, as filters depend on it.
pub async fn save_crisis(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    draft: CrisisDraft,
) -> Result<Result<crisis::Model, Rejection>> {
    let before = match draft.target.id {
        Some(id) => crisis::Entity::find_by_id(id).lock_exclusive().one(db).await?,
        None => None,
    };
    let row = crisis::Model {
        id: before
            .as_ref()
            .map_or_else(|| act.clock.new_id(), |before| before.id),
        slug: draft.slug.trim().to_owned(),
        name: normalisation::normalise_name(&draft.name),
        from_on: draft.from,
        to_on: draft.to,
        created_at: before
            .as_ref()
            .map_or_else(|| act.now(), |before| before.created_at),
        updated_at: act.now(),
    };
    let mut found = Problems::default();
    reference_data::check_slug(&mut found, &row.slug);
    let slug = (crisis::Column::Slug, row.slug.as_str());
    let own = (crisis::Column::Id, draft.target.id);
    reference_data::check_unique::<crisis::Entity>(db, &mut found, "slug", slug, own).await?;
    reference_data::check_text(&mut found, "name", &row.name, 200);
    found.check_date("from", Some(row.from_on));
    found.check_date("to", row.to_on);
    found.check_date_order("to", Some(row.from_on), row.to_on, "from");
    let mut places = BTreeSet::new();
    if draft.places.len() > MAX_CRISIS_PLACES {
        let reason = format!(
            "there are {}; the maximum is {MAX_CRISIS_PLACES}",
            draft.places.len()
        );
        found.add_error(ProblemCode::TooLong, "places", reason);
    } else {
        for (at, key) in draft.places.iter().enumerate() {
            places.extend(place::find_id_at_path(db, &mut found, &format!("places/{at}"), key).await?);
        }
    }
    let stood_at = match &before {
        Some(before) => load_place_ids(db, before).await?,
        None => BTreeSet::new(),
    };
    let current = before
        .as_ref()
        .map(|before| document::crisis_document(before, &stood_at));
    if let Some(refusal) =
        reference_data::find_save_error(db, draft.target, current.as_ref(), "crisis", found).await?
    {
        return Ok(Err(refusal));
    }
    reference_data::upsert_row(db, before.is_some(), row.clone()).await?;
    crisis_place::Entity::delete_many()
        .filter(crisis_place::Column::CrisisId.eq(row.id))
        .exec(db)
        .await?;
    let named = places.iter().map(|place_id| crisis_place::ActiveModel {
        crisis_id: Set(row.id),
        place_id: Set(*place_id),
        created_at: Set(act.now()),
        updated_at: Set(act.now()),
    });
    insert_all(db, named).await?;
    let kind = match &before {
        Some(_) => ChangeKind::Altered,
        None => ChangeKind::Published,
    };
    change_log::append_changes(db, act, &[ChangeEntry::new(kind, ChangeSubject::Crisis, row.id)]).await?;
    let save = SavedChange {
        subject: ReferenceKind::Crisis,
        id: row.id,
        before: CurrentDocument::from_parts(current, before.map(|before| before.updated_at)),
        after: document::crisis_document(&row, &places),
    };
    reference_data::write_revisions(db, act, vec![save]).await?;
    Ok(Ok(row))
}

async fn load_place_ids(db: &impl ConnectionTrait, crisis: &crisis::Model) -> Result<BTreeSet<uuid::Uuid>> {
    let rows = crisis_place::Entity::find()
        .filter(crisis_place::Column::CrisisId.eq(crisis.id))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| row.place_id).collect())
}
