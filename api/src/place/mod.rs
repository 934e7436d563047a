//! Places: finding them by id, code or name, and keeping what lies within what.

pub mod graphql;
pub mod within;

use std::collections::{HashMap, HashSet};

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder,
};
use uuid::Uuid;
use wayin_entity::{ChangeKind, ChangeSubject, PlaceKind, place, place_within};

use crate::change::{self, Act, Entry};
use crate::condition::fold;
use crate::error::{Error, Result};
use crate::id::{self, NodeKind};
use crate::initiative::record::PlaceReference;
use crate::paging::{Key, Paged, Sort};

/// What a place is asked for by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PlaceKey {
    /// Its id in this base.
    Id(Uuid),
    /// Its GSS code; a retired one leads to the place that took over.
    Code(String),
}

/// Why a reference names no place.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unclear {
    /// It gives both an id and a code, or neither.
    #[error("give either the code or the id of a place")]
    NotOne,
    /// No place has that code.
    #[error("no place has the code {0}")]
    NoSuchCode(String),
    /// No place has that id.
    #[error("no place has the id {0}")]
    NoSuchId(String),
}

/// Every place by id, code and name: small enough to be held while a file is read.
#[derive(Debug, Default)]
pub struct Gazetteer {
    places: HashMap<Uuid, place::Model>,
    by_code: HashMap<String, Uuid>,
    current_by_name: HashMap<String, Vec<Uuid>>,
}

impl Gazetteer {
    /// Reads every place.
    pub async fn read(db: &impl ConnectionTrait) -> Result<Self> {
        let mut all = Self::default();
        for place in place::Entity::find()
            .order_by_asc(place::Column::Id)
            .all(db)
            .await?
        {
            if let Some(code) = &place.code {
                all.by_code.insert(code.clone(), place.id);
            }
            if place.successor_id.is_none() {
                all.current_by_name
                    .entry(place.name_folded.clone())
                    .or_default()
                    .push(place.id);
            }
            all.places.insert(place.id, place);
        }
        Ok(all)
    }

    /// The place that stands in a place's stead now.
    pub fn current(&self, id: Uuid) -> Option<&place::Model> {
        let mut place = self.places.get(&id)?;
        // A chain of successors is no longer than there are places.
        for _ in 0..self.places.len() {
            let Some(successor) = place.successor_id.and_then(|id| self.places.get(&id)) else {
                break;
            };
            place = successor;
        }
        Some(place)
    }

    /// The current place of a code.
    pub fn by_code(&self, code: &str) -> Option<&place::Model> {
        self.by_code.get(code.trim()).and_then(|id| self.current(*id))
    }

    /// Whether a place has this code, retired or not.
    pub fn has_code(&self, code: &str) -> bool {
        self.by_code.contains_key(code)
    }

    /// The current place of a name, where exactly one has it; letters' case does not count.
    pub fn by_name(&self, name: &str) -> Option<&place::Model> {
        match self.current_by_name.get(&fold(name.trim()))?.as_slice() {
            [one] => self.places.get(one),
            _ => None,
        }
    }

    /// The current place that a record names.
    pub fn resolve(&self, reference: &PlaceReference) -> Result<&place::Model, Unclear> {
        match (&reference.code, &reference.id) {
            (Some(code), None) => self
                .by_code(code)
                .ok_or_else(|| Unclear::NoSuchCode(code.clone())),
            (None, Some(id)) => id::decode_as(NodeKind::Place, id)
                .and_then(|id| self.current(id))
                .ok_or_else(|| Unclear::NoSuchId(id.clone())),
            _ => Err(Unclear::NotOne),
        }
    }
}

/// How a record names a place: by its code, or else by its id.
pub fn reference_to(place: &place::Model) -> PlaceReference {
    match &place.code {
        Some(code) => PlaceReference {
            code: Some(code.clone()),
            id: None,
        },
        None => PlaceReference {
            code: None,
            id: Some(NodeKind::Place.id(place.id)),
        },
    }
}

/// Finds a place; a retired code leads to the place that took over, an id to that very place.
pub async fn find(db: &impl ConnectionTrait, key: &PlaceKey) -> Result<Option<place::Model>> {
    let found = match key {
        PlaceKey::Id(id) => return Ok(place::Entity::find_by_id(*id).one(db).await?),
        PlaceKey::Code(code) => {
            place::Entity::find()
                .filter(place::Column::Code.eq(code.trim()))
                .one(db)
                .await?
        }
    };
    let Some(mut place) = found else {
        return Ok(None);
    };
    let mut seen = HashSet::from([place.id]);
    while let Some(successor) = place.successor_id.filter(|id| seen.insert(*id)) {
        let Some(next) = place::Entity::find_by_id(successor).one(db).await? else {
            break;
        };
        place = next;
    }
    Ok(Some(place))
}

/// A place as it is to stand in the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlaceDraft {
    /// The GSS code; without one a place is known again by its name, its kind and what it lies within.
    pub code: Option<String>,
    /// The name.
    pub name: String,
    /// What sort of place it is.
    pub kind: PlaceKind,
    /// The codes of the places that it lies directly within.
    pub within: Vec<String>,
    /// The code of the place that took over when this one's was retired.
    pub successor: Option<String>,
}

/// What became of a draft.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saved {
    /// It is new.
    Added,
    /// It was altered.
    Altered,
    /// It stood so already.
    Unchanged,
}

/// Puts places into the base, in any order. A draft that names a place that is
/// neither in the base nor among the drafts, or that would close a circle, is
/// refused with the reason and leaves the others as they are.
pub async fn save_all(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    drafts: &[PlaceDraft],
) -> Result<Vec<Result<Saved, String>>> {
    let mut places = Gazetteer::read(db).await?;
    let mut links: HashMap<Uuid, HashSet<Uuid>> = HashMap::new();
    for link in place_within::Entity::find().all(db).await? {
        links.entry(link.place_id).or_default().insert(link.within_id);
    }
    // Ids first, so that drafts may name each other in any order.
    let mut new = HashSet::new();
    let mut ids: Vec<Uuid> = Vec::with_capacity(drafts.len());
    for draft in drafts {
        let known = draft
            .code
            .as_ref()
            .and_then(|code| places.by_code.get(code))
            .copied()
            .or_else(|| {
                let same_name = draft
                    .code
                    .is_none()
                    .then(|| places.current_by_name.get(&fold(&draft.name)))
                    .flatten()?;
                same_name.iter().copied().find(|id| {
                    places
                        .places
                        .get(id)
                        .is_some_and(|place| place.kind == draft.kind)
                })
            });
        let id = known.unwrap_or_else(|| act.clock.new_id());
        if known.is_none() {
            new.insert(id);
        }
        if let Some(code) = &draft.code {
            places.by_code.insert(code.clone(), id);
        } else if known.is_none() {
            places
                .current_by_name
                .entry(fold(&draft.name))
                .or_default()
                .push(id);
        }
        ids.push(id);
    }
    let mut outcomes = Vec::with_capacity(drafts.len());
    let (mut rows, mut rewritten, mut entries) = (Vec::new(), Vec::new(), Vec::new());
    let mut successors: HashMap<Uuid, Uuid> = places
        .places
        .values()
        .filter_map(|place| Some((place.id, place.successor_id?)))
        .collect();
    for (draft, id) in drafts.iter().zip(ids) {
        let named = |code: &String| {
            places
                .by_code
                .get(code)
                .copied()
                .ok_or_else(|| Unclear::NoSuchCode(code.clone()).to_string())
        };
        let within: Result<HashSet<Uuid>, String> = draft.within.iter().map(named).collect();
        let successor = draft.successor.as_ref().map(named).transpose();
        let (within, successor) = match (within, successor) {
            (Ok(within), Ok(successor)) => (within, successor),
            (Err(reason), _) | (_, Err(reason)) => {
                outcomes.push(Err(reason));
                continue;
            }
        };
        let larger = |from: Uuid| {
            links
                .get(&from)
                .into_iter()
                .flatten()
                .chain(successors.get(&from))
                .copied()
                .collect()
        };
        if within
            .iter()
            .chain(&successor)
            .any(|up| reaches(*up, id, &larger))
        {
            outcomes.push(Err(format!("{} would lie within itself", draft.name)));
            continue;
        }
        let before = places.places.get(&id);
        let row = place::Model {
            id,
            name: draft.name.clone(),
            name_folded: fold(&draft.name),
            kind: draft.kind,
            code: draft.code.clone(),
            successor_id: successor,
            created_at: before.map_or_else(|| act.now(), |before| before.created_at),
            updated_at: before.map_or_else(|| act.now(), |before| before.updated_at),
        };
        let same_links = links.get(&id).map_or(within.is_empty(), |links| *links == within);
        if before == Some(&row) && same_links {
            outcomes.push(Ok(Saved::Unchanged));
            continue;
        }
        links.insert(id, within.clone());
        if let Some(successor) = successor {
            successors.insert(id, successor);
        }
        let added = new.remove(&id);
        entries.push(Entry::new(
            if added {
                ChangeKind::Published
            } else {
                ChangeKind::Altered
            },
            ChangeSubject::Place,
            id,
        ));
        outcomes.push(Ok(if added { Saved::Added } else { Saved::Altered }));
        rewritten.push((id, within));
        rows.push((row.clone(), added));
        places.places.insert(id, row);
    }
    write(db, act, rows, rewritten).await?;
    change::append(db, act, &entries).await?;
    Ok(outcomes)
}

fn reaches(from: Uuid, to: Uuid, larger: &impl Fn(Uuid) -> Vec<Uuid>) -> bool {
    let mut seen = HashSet::from([from]);
    let mut ahead = vec![from];
    while let Some(here) = ahead.pop() {
        if here == to {
            return true;
        }
        ahead.extend(larger(here).into_iter().filter(|next| seen.insert(*next)));
    }
    false
}

async fn write(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    rows: Vec<(place::Model, bool)>,
    rewritten: Vec<(Uuid, HashSet<Uuid>)>,
) -> Result<()> {
    // A place may name a successor that stands after it: all are put in first, the successors then.
    let successors: Vec<place::Model> = rows
        .iter()
        .filter(|(place, _)| place.successor_id.is_some())
        .map(|(place, _)| place.clone())
        .collect();
    let (added, altered): (Vec<_>, Vec<_>) = rows.into_iter().partition(|(_, added)| *added);
    let added: Vec<_> = added
        .into_iter()
        .map(|(place, _)| {
            place::Model {
                successor_id: None,
                ..place
            }
            .into_active_model()
        })
        .collect();
    for piece in added.chunks(1_000) {
        place::Entity::insert_many(piece.to_vec())
            .exec_without_returning(db)
            .await?;
    }
    for place in altered.into_iter().map(|(place, _)| place).chain(successors) {
        let place = place::Model {
            updated_at: act.now(),
            ..place
        };
        place.into_active_model().reset_all().update(db).await?;
    }
    let ids: Vec<Uuid> = rewritten.iter().map(|(id, _)| *id).collect();
    for piece in ids.chunks(1_000) {
        let ours = place_within::Column::PlaceId.is_in(piece.iter().copied());
        place_within::Entity::delete_many().filter(ours).exec(db).await?;
    }
    let now = act.now();
    let links: Vec<_> = rewritten
        .into_iter()
        .flat_map(|(place_id, within)| within.into_iter().map(move |within_id| (place_id, within_id)))
        .map(|(place_id, within_id)| {
            place_within::Model {
                place_id,
                within_id,
                created_at: now,
                updated_at: now,
            }
            .into_active_model()
        })
        .collect();
    for piece in links.chunks(1_000) {
        place_within::Entity::insert_many(piece.to_vec())
            .exec_without_returning(db)
            .await?;
    }
    Ok(())
}

/// An error for a reference in a filter that names no place.
pub fn not_found(path: &str, key: &PlaceKey) -> Error {
    match key {
        PlaceKey::Code(code) => Error::bad_input(path, Unclear::NoSuchCode(code.clone())),
        PlaceKey::Id(id) => Error::bad_input(path, Unclear::NoSuchId(NodeKind::Place.id(*id))),
    }
}

/// The orders of a list of places.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlaceOrdering {
    /// From the last to the first.
    pub descending: bool,
}

impl Paged for place::Entity {
    type Order = PlaceOrdering;
    const ID: Self::Column = place::Column::Id;

    fn sort(order: Self::Order) -> Sort<Self::Column> {
        Sort {
            tag: if order.descending { "name-" } else { "name" },
            column: Some(place::Column::NameFolded),
            looks: |key| matches!(key, Key::Text(_)),
            descending: order.descending,
        }
    }

    fn key(_: Self::Order, row: &Self::Model) -> Key {
        Key::Text(row.name_folded.clone())
    }

    fn id(row: &Self::Model) -> Uuid {
        row.id
    }
}
