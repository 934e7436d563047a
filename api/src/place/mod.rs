//! Places: finding them by id, code or name, and saving them with their hierarchy.

pub mod filter;
pub mod filter_input;
pub mod graphql;
pub mod hierarchy;
pub mod loaders;
mod match_drafts;
pub mod mutations;
mod save;
pub mod small_areas;

use std::collections::{HashMap, HashSet};

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder};
use uuid::Uuid;
use wayin_entity::place;

pub use self::save::{PlaceInput, PlaceSaveOutcome, save_place, save_places};
use crate::error::{Error, Result};
use crate::id::{self, NodeKind};
use crate::name_suggestions::{describe_nearest, find_similar};
use crate::paging::{Paged, SortOrder};
use wayin_records::normalisation;
use wayin_records::normalisation::fold_name;
use wayin_records::problem::{ProblemCode, Problems};
use wayin_records::record::PlaceReference;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PlaceKey {
    Id(Uuid),
    /// The GSS code. A retired code leads to the successor.
    Code(String),
}

/// Why a reference does not identify a place.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlaceReferenceError {
    /// It has more than one of code, id and name, or none.
    #[error("give exactly one of the code, the id and the name of a place")]
    NotExactlyOne,
    #[error("no place has the code {0}")]
    UnknownCode(String),
    #[error("no place has the id {0}")]
    UnknownId(String),
    #[error("no place is called {name}{}", describe_nearest(.alike))]
    UnknownName {
        name: String,
        /// Similar names.
        alike: Vec<String>,
    },
    #[error("{} places are called {name}; give a code: {}", .places.len(), .places.join(", "))]
    Ambiguous { name: String, places: Vec<String> },
}

/// All places by id, code and name. Small enough for memory while a file is read.
#[derive(Debug, Default)]
pub struct Gazetteer {
    places: HashMap<Uuid, place::Model>,
    by_code: HashMap<String, Uuid>,
    /// The codes of small areas with the place of each. Empty unless they were requested.
    small_areas: HashMap<String, Uuid>,
    current_by_name: HashMap<String, Vec<Uuid>>,
}

impl Gazetteer {
    pub async fn load(db: &impl ConnectionTrait) -> Result<Self> {
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

    /// Loads all places and the codes of small areas, which files can use for the place that they lie in.
    pub async fn load_with_small_areas(db: &impl ConnectionTrait) -> Result<Self> {
        let mut all = Self::load(db).await?;
        all.small_areas = small_areas::load_small_areas(db)
            .await?
            .into_iter()
            .filter_map(|(code, place)| Some((code, place?)))
            .collect();
        Ok(all)
    }

    /// Finds the current place: the place itself or its last successor.
    pub fn find_current(&self, id: Uuid) -> Option<&place::Model> {
        let mut place = self.places.get(&id)?;
        // A chain of successors has at most as many steps as there are places.
        for _ in 0..self.places.len() {
            let Some(successor) = place.successor_id.and_then(|id| self.places.get(&id)) else {
                break;
            };
            place = successor;
        }
        Some(place)
    }

    /// Finds the current place of a code: a place's own code or that of a small area within it.
    pub fn find_by_code(&self, code: &str) -> Option<&place::Model> {
        let code = normalisation::normalise_gss_code(code);
        let id = self.by_code.get(&code).or_else(|| self.small_areas.get(&code))?;
        self.find_current(*id)
    }

    /// Finds the place with exactly this code, retired or not.
    pub fn find_by_exact_code(&self, code: &str) -> Option<&place::Model> {
        self.places.get(self.by_code.get(code)?)
    }

    /// Whether a place has this code, retired or not.
    pub fn has_code(&self, code: &str) -> bool {
        self.by_code
            .contains_key(&normalisation::normalise_gss_code(code))
    }

    /// Finds the current place with a name. None unless exactly one has it. Ignores case.
    pub fn find_by_name(&self, name: &str) -> Option<&place::Model> {
        match self.current_by_name.get(&fold_name(name))?.as_slice() {
            [one] => self.places.get(one),
            _ => None,
        }
    }

    /// Finds the current place of a reference.
    pub fn resolve(&self, reference: &PlaceReference) -> Result<&place::Model, PlaceReferenceError> {
        match (&reference.code, &reference.id, &reference.name) {
            (Some(code), None, None) => self
                .find_by_code(code)
                .ok_or_else(|| PlaceReferenceError::UnknownCode(code.clone())),
            (None, Some(id), None) => id::decode_as(NodeKind::Place, id)
                .and_then(|id| self.find_current(id))
                .ok_or_else(|| PlaceReferenceError::UnknownId(id.clone())),
            (None, None, Some(name)) => self.find_by_name_or_error(name),
            _ => Err(PlaceReferenceError::NotExactlyOne),
        }
    }

    fn find_by_name_or_error(&self, name: &str) -> Result<&place::Model, PlaceReferenceError> {
        let of_name = self.current_by_name.get(&fold_name(name));
        match of_name.map_or(&[][..], Vec::as_slice) {
            [one] => self.places.get(one).ok_or(PlaceReferenceError::NotExactlyOne),
            [] => {
                let names = self.current_by_name.iter().filter_map(|(folded, ids)| {
                    let place = self.places.get(ids.first()?)?;
                    Some((folded.as_str(), describe_place(place)))
                });
                Err(PlaceReferenceError::UnknownName {
                    name: name.to_owned(),
                    alike: find_similar(name, names),
                })
            }
            several => {
                let places = several.iter().filter_map(|id| self.places.get(id));
                Err(PlaceReferenceError::Ambiguous {
                    name: name.to_owned(),
                    places: places.map(describe_place).collect(),
                })
            }
        }
    }
}

/// Describes a place for suggestions.
fn describe_place(place: &place::Model) -> String {
    match &place.code {
        Some(code) => format!("{} ({code})", place.name),
        None => place.name.clone(),
    }
}

/// Finds a place. A retired code leads to the successor, an id to exactly that place.
pub async fn find_place(db: &impl ConnectionTrait, key: &PlaceKey) -> Result<Option<place::Model>> {
    let found = match key {
        PlaceKey::Id(id) => return Ok(place::Entity::find_by_id(*id).one(db).await?),
        PlaceKey::Code(code) => {
            place::Entity::find()
                .filter(place::Column::Code.eq(normalisation::normalise_gss_code(code)))
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

/// Finds the id of a place at a path of an input. An unknown place becomes a problem.
pub async fn find_id_at_path(
    db: &impl ConnectionTrait,
    found: &mut Problems,
    path: &str,
    key: &PlaceKey,
) -> Result<Option<Uuid>> {
    let place = find_place(db, key).await?;
    if place.is_none() {
        found.add_error(ProblemCode::NotFound, path, reference_error(key).to_string());
    }
    Ok(place.map(|place| place.id))
}

/// Why a key identifies no place.
fn reference_error(key: &PlaceKey) -> PlaceReferenceError {
    match key {
        PlaceKey::Code(code) => PlaceReferenceError::UnknownCode(code.clone()),
        PlaceKey::Id(id) => PlaceReferenceError::UnknownId(NodeKind::Place.encode_id(*id)),
    }
}

/// The error of a filter that refers to an unknown place.
pub fn not_found_error(path: &str, key: &PlaceKey) -> Error {
    Error::bad_input(path, reference_error(key))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PlaceOrdering {
    /// From last to first.
    pub descending: bool,
}

impl Paged for place::Entity {
    type Order = PlaceOrdering;
    const ID: Self::Column = place::Column::Id;

    fn sort(order: Self::Order) -> SortOrder<Self::Column> {
        SortOrder {
            tag: if order.descending { "name-" } else { "name" },
            column: place::Column::NameFolded,
            descending: order.descending,
        }
    }
}
