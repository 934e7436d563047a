//! Details of published grants that records have no field for. They are stored for the export of grants, and
//! to assign places that become known later.

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

/// The details of a grant that its record has no field for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GrantDetail {
    /// All locations, as published.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub locations: Vec<Location>,
    /// Values of which the record has the first only.
    #[serde(flatten)]
    pub further: AdditionalItems,
}

impl GrantDetail {
    pub fn from_grant(grant: &Grant) -> Self {
        Self {
            locations: grant.locations.clone(),
            further: grant.additional.clone(),
        }
    }

    pub fn from_row(row: &grant_detail::Model) -> Result<Self> {
        Self::deserialize(&row.document)
            .map_err(|cause| Error::Internal(format!("details of {}: {cause}", row.grant_identifier)))
    }

    /// Whether there are no details.
    pub const fn is_empty(&self) -> bool {
        self.locations.is_empty() && self.further.is_empty()
    }

    /// The place that contains all locations. None if they are in several places or in an unknown one.
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

    /// The locations that no place matches, with their positions.
    pub fn unknown_locations(&self, places: &Gazetteer) -> impl Iterator<Item = (usize, LocationKey)> {
        let keys = self.locations.iter().map(LocationKey::from_location).enumerate();
        keys.filter_map(|(position, key)| Some((position, key?)))
            .filter(|(_, key)| !key.is_known(places))
    }
}

/// The code of a location, or its name if it has no code.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LocationKey {
    Code(String),
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

    /// The name of the field in the standard.
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
            Self::Code(code) => write!(f, "{code} is not the code of a known place"),
            Self::Name(name) => write!(f, "{} is not the name of exactly one known place", quote(name)),
        }
    }
}

/// The locations of the grants of a file, with the number of grants that name each.
#[derive(Clone, Debug, Default)]
pub struct LocationCounts(BTreeMap<LocationKey, u64>);

impl LocationCounts {
    /// Whether no grant names a location.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

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

    /// Returns one sentence for each location that no place matches, the most frequent first, and counts
    /// those beyond `most`.
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
            notes.push(format!("Other codes and names of unknown places: {others}."));
        }
        notes
    }
}

/// Finds the place of a location by its code, or else by its name.
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

/// Loads the stored details of grants by their identifiers.
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

/// Replaces the stored details of grants. If an identifier is listed twice, the last one counts.
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
    let (mut new, mut outdated) = (Vec::new(), Vec::new());
    for (grant_identifier, detail) in details {
        let document = serde_json::to_value(&detail).map_err(|cause| Error::Internal(cause.to_string()))?;
        match kept.remove(&grant_identifier) {
            Some(row) if detail.is_empty() => outdated.push(row.id),
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
    if !outdated.is_empty() {
        grant_detail::Entity::delete_many()
            .filter(grant_detail::Column::Id.is_in(outdated))
            .exec(db)
            .await?;
    }
    insert_all(db, new).await?;
    Ok(())
}
