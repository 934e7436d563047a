//! Putting crises into the base.

use std::collections::BTreeSet;

use chrono::NaiveDate;
use sea_orm::{ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use wayin_entity::{ChangeKind, ChangeSubject, KeptSubject, crisis, crisis_place};

use crate::change::{self, Act, Entry};
use crate::database::insert_all;
use crate::error::Result;
use crate::keeping::{self, Save, Standing, Target, document};
use crate::mutation::Refusal;
use crate::place::{self, PlaceKey};
use wayin_records::finding::{FindingCode, Findings};
use wayin_records::spelling;

/// The most places that a crisis is said to bear on: one that bears on more bears on larger ones.
const MOST_PLACES: usize = 500;

/// A crisis as a steward writes it.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The crisis that is there, and the version that it was written from.
    pub target: Target,
    /// The short name in addresses and conditions.
    pub slug: String,
    /// What it is called.
    pub name: String,
    /// The first day.
    pub from: NaiveDate,
    /// The last day; none while it goes on.
    pub to: Option<NaiveDate>,
    /// The places that it bears on; none where it bears on all.
    pub places: Vec<PlaceKey>,
}

/// Adds a crisis, or writes one that is there anew, with the log: conditions hang on it.
pub async fn save(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    draft: Draft,
) -> Result<Result<crisis::Model, Refusal>> {
    let before = match draft.target.id {
        Some(id) => crisis::Entity::find_by_id(id).lock_exclusive().one(db).await?,
        None => None,
    };
    let row = crisis::Model {
        id: before
            .as_ref()
            .map_or_else(|| act.clock.new_id(), |before| before.id),
        slug: draft.slug.trim().to_owned(),
        name: spelling::name(&draft.name),
        from_on: draft.from,
        to_on: draft.to,
        created_at: before
            .as_ref()
            .map_or_else(|| act.now(), |before| before.created_at),
        updated_at: act.now(),
    };
    let mut found = Findings::default();
    keeping::check_slug(&mut found, &row.slug);
    let slug = (crisis::Column::Slug, row.slug.as_str());
    let own = (crisis::Column::Id, draft.target.id);
    keeping::check_unique::<crisis::Entity>(db, &mut found, "slug", slug, own).await?;
    keeping::check_text(&mut found, "name", &row.name, 200);
    found.date("from", Some(row.from_on));
    found.date("to", row.to_on);
    found.in_order("to", Some(row.from_on), row.to_on, "from");
    let mut places = BTreeSet::new();
    if draft.places.len() > MOST_PLACES {
        let reason = format!("{} are given; at most {MOST_PLACES} can be", draft.places.len());
        found.error(FindingCode::TooLong, "places", reason);
    } else {
        for (at, key) in draft.places.iter().enumerate() {
            places.extend(place::named_at(db, &mut found, &format!("places/{at}"), key).await?);
        }
    }
    let stood_at = match &before {
        Some(before) => places_of(db, before).await?,
        None => BTreeSet::new(),
    };
    let standing = before
        .as_ref()
        .map(|before| document::of_crisis(before, &stood_at));
    if let Some(refusal) = keeping::refusal(db, draft.target, standing.as_ref(), "crisis", found).await? {
        return Ok(Err(refusal));
    }
    keeping::store(db, before.is_some(), row.clone()).await?;
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
    change::append(db, act, &[Entry::new(kind, ChangeSubject::Crisis, row.id)]).await?;
    let save = Save {
        subject: KeptSubject::Crisis,
        id: row.id,
        before: Standing::of(standing, before.map(|before| before.updated_at)),
        after: document::of_crisis(&row, &places),
    };
    keeping::write(db, act, vec![save]).await?;
    Ok(Ok(row))
}

async fn places_of(db: &impl ConnectionTrait, crisis: &crisis::Model) -> Result<BTreeSet<uuid::Uuid>> {
    let rows = crisis_place::Entity::find()
        .filter(crisis_place::Column::CrisisId.eq(crisis.id))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| row.place_id).collect())
}
