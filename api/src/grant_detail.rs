//! What published grants say that their records have no room for: it is kept beside them for the export of grants,
//! and so that a place that becomes known later can still be given to them.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use sea_orm::{
    ActiveModelTrait as _, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter,
};
use serde::{Deserialize, Serialize};
use wayin_entity::{grant_detail, place};

use crate::change_log::ActionContext;
use crate::database::{insert_all, is_in};
use crate::error::{Error, Result};
use crate::place::Gazetteer;
use wayin_records::formats::grants::{AdditionalItems, Grant, Location};
use wayin_records::text::quote;

/// What a grant says beyond its record.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GrantDetail {
    /// All its locations, as published.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// What it says more than once where a record has room for one.
    #[serde(flatten)]
    pub further: AdditionalItems,
}

impl GrantDetail {
    /// That of a grant.
    pub fn from_grant(grant: &Grant) -> Self {
        Self {
            locations: grant.locations.clone(),
            further: grant.additional.clone(),
        }
    }

    /// One that is kept.
    pub fn from_row(row: &grant_detail::Model) -> Result<Self> {
        Self::deserialize(&row.document)
            .map_err(|cause| Error::Internal(format!("details of {}: {cause}", row.grant_identifier)))
    }

    /// Whether it says nothing.
    pub const fn is_empty(&self) -> bool {
        self.locations.is_empty() && self.further.is_empty()
    }

    /// The one place that all locations are in; none where they name several places, or one that the base does not know.
    pub fn find_place<'a>(&self, places: &'a Gazetteer) -> Option<&'a place::Model> {
        let mut named = self
            .locations
            .iter()
            .map(|location| find_location_place(location, places));
        let first = named.next()??;
        named
            .all(|other| other.is_some_and(|other| other.id == first.id))
            .then_some(first)
    }

    /// What the locations are named by, with their positions, where no place has it.
    pub fn unknown_locations(&self, places: &Gazetteer) -> impl Iterator<Item = (usize, LocationKey)> {
        let keys = self.locations.iter().map(LocationKey::from_location).enumerate();
        keys.filter_map(|(position, key)| Some((position, key?)))
            .filter(|(_, key)| !key.is_known(places))
    }
}

/// What a location is known by: its code, or its name where it has none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LocationKey {
    /// A geographic code.
    Code(String),
    /// A name alone.
    Name(String),
}

impl LocationKey {
    fn from_location(location: &Location) -> Option<Self> {
        match location {
            Location { code: Some(code), .. } => Some(Self::Code(code.clone())),
            Location { name: Some(name), .. } => Some(Self::Name(name.clone())),
            _ => None,
        }
    }

    fn is_known(&self, places: &Gazetteer) -> bool {
        match self {
            Self::Code(code) => places.find_by_code(code).is_some(),
            Self::Name(name) => places.find_by_name(name).is_some(),
        }
    }

    /// The field of the location, as the standard calls it.
    pub const fn field_name(&self) -> &'static str {
        match self {
            Self::Code(_) => "geoCode",
            Self::Name(_) => "name",
        }
    }
}

impl std::fmt::Display for LocationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Code(code) => write!(f, "{code} is not the code of a place of this base"),
            Self::Name(name) => write!(f, "{} is not the name of one place of this base", quote(name)),
        }
    }
}

/// What the grants of a file name as their locations, each with the number of grants that name it.
#[derive(Clone, Debug, Default)]
pub struct LocationCounts(BTreeMap<LocationKey, u64>);

impl LocationCounts {
    /// Whether no grant names a location.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Counts the locations of a grant.
    pub fn add_grant(&mut self, grant: &Grant) {
        let keys: BTreeSet<LocationKey> = grant
            .locations
            .iter()
            .filter_map(LocationKey::from_location)
            .collect();
        for key in keys {
            *self.0.entry(key).or_default() += 1;
        }
    }

    /// One sentence for each that no place has, the one that most grants name first; of more than `most` the others
    /// are counted.
    pub fn into_notes(self, places: &Gazetteer, most: usize) -> Vec<String> {
        let mut unknown: Vec<_> = self
            .0
            .into_iter()
            .filter(|(key, _)| !key.is_known(places))
            .collect();
        unknown.sort_by_key(|(_, grants)| std::cmp::Reverse(*grants));
        let others = unknown.len().saturating_sub(most);
        unknown.truncate(most);
        let notes = unknown.into_iter().map(|(key, grants)| {
            let names_it = if grants == 1 {
                "grant names it"
            } else {
                "grants name it"
            };
            format!("{key}: {grants} {names_it}.")
        });
        let mut notes: Vec<_> = notes.collect();
        if others > 0 {
            notes.push(format!(
                "Other codes and names that no place of this base has: {others}."
            ));
        }
        notes
    }
}

/// The place of a location, by its code or else by its name.
fn find_location_place<'a>(location: &Location, places: &'a Gazetteer) -> Option<&'a place::Model> {
    let by_code = location
        .code
        .as_deref()
        .and_then(|code| places.find_by_code(code));
    by_code.or_else(|| {
        location
            .name
            .as_deref()
            .and_then(|name| places.find_by_name(name))
    })
}

/// What is kept of some grants, by their identifiers.
pub async fn load_details(
    db: &impl ConnectionTrait,
    identifiers: impl IntoIterator<Item = String>,
) -> Result<HashMap<String, GrantDetail>> {
    let rows = load_rows(db, identifiers).await?;
    rows.into_iter()
        .map(|row| Ok((row.grant_identifier.clone(), GrantDetail::from_row(&row)?)))
        .collect()
}

async fn load_rows(
    db: &impl ConnectionTrait,
    identifiers: impl IntoIterator<Item = String>,
) -> Result<Vec<grant_detail::Model>> {
    Ok(grant_detail::Entity::find()
        .filter(is_in(
            db,
            grant_detail::Column::GrantIdentifier.into_expr(),
            identifiers,
        ))
        .all(db)
        .await?)
}

/// Keeps what grants say, each with its identifier, in place of what was kept of them; of one that comes twice the
/// last.
pub async fn save_details(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    details: Vec<(String, GrantDetail)>,
) -> Result<()> {
    if details.is_empty() {
        return Ok(());
    }
    let details: BTreeMap<String, GrantDetail> = details.into_iter().collect();
    let kept = load_rows(db, details.keys().cloned()).await?;
    let mut kept: HashMap<String, grant_detail::Model> = kept
        .into_iter()
        .map(|row| (row.grant_identifier.clone(), row))
        .collect();
    let (mut new, mut gone) = (Vec::new(), Vec::new());
    for (grant_identifier, detail) in details {
        let document = serde_json::to_value(&detail).map_err(|cause| Error::Internal(cause.to_string()))?;
        match kept.remove(&grant_identifier) {
            Some(row) if detail.is_empty() => gone.push(row.id),
            Some(row) if row.document == document => {}
            Some(row) => {
                let row = grant_detail::Model {
                    document,
                    updated_at: act.now(),
                    ..row
                };
                row.into_active_model().reset_all().update(db).await?;
            }
            None if detail.is_empty() => {}
            None => new.push(
                grant_detail::Model {
                    id: act.clock.new_id(),
                    grant_identifier,
                    document,
                    created_at: act.now(),
                    updated_at: act.now(),
                }
                .into_active_model(),
            ),
        }
    }
    if !gone.is_empty() {
        grant_detail::Entity::delete_many()
            .filter(grant_detail::Column::Id.is_in(gone))
            .exec(db)
            .await?;
    }
    insert_all(db, new).await?;
    Ok(())
}
