//! Key variables that single out a record, and how many hidden records share them.

use std::collections::HashMap;

use chrono::Datelike as _;
use rand::rngs::StdRng;
use wayin_engine::index::IndexedInitiative;
use wayin_engine::predicate::{InitiativePredicate, Predicate};

use crate::bases::{Session, Target, list_funders};
use crate::conditions::{is_funded_by, is_in_place, started_in};

/// Values of some key variables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    place: Option<u32>,
    funder: Option<u32>,
    year: Option<i32>,
}

impl Key {
    /// The place of a record.
    pub fn of_place(row: &IndexedInitiative) -> Vec<Self> {
        let place = row.place.map(|place| Self {
            place: Some(place),
            ..Self::default()
        });
        place.into_iter().collect()
    }

    /// Each funder of a record.
    pub fn of_funders(row: &IndexedInitiative) -> Vec<Self> {
        let key = |funder| Self {
            funder: Some(funder),
            ..Self::default()
        };
        list_funders(row).into_iter().map(key).collect()
    }

    /// The place of a record with each of its funders.
    pub fn of_place_and_funders(row: &IndexedInitiative) -> Vec<Self> {
        let with_place = |key| Self {
            place: row.place,
            ..key
        };
        let keys = Self::of_funders(row).into_iter().map(with_place);
        keys.filter(|key| key.place.is_some()).collect()
    }

    /// The place of a record with the year in which it started.
    pub fn of_place_and_year(row: &IndexedInitiative) -> Vec<Self> {
        let year = row.started_on.map(|day| day.year());
        let with_year = |key| Self { year, ..key };
        let keys = Self::of_place(row).into_iter().map(with_year);
        keys.filter(|key| key.year.is_some()).collect()
    }

    /// The same values with the place of another key.
    pub fn with_place_of(self, other: Self) -> Self {
        Self {
            place: other.place,
            ..self
        }
    }

    /// The region of its place.
    pub fn find_region(self, session: &Session<'_>) -> Option<u32> {
        let places = &session.world.release.snapshot.places;
        places.get(self.place?).regions.first().copied()
    }

    /// The records with these values.
    pub fn to_condition(self, session: &Session<'_>) -> InitiativePredicate {
        let snapshot = &session.world.release.snapshot;
        let place = self.place.map(|place| is_in_place(&snapshot.places, place));
        let funder = self
            .funder
            .map(|funder| is_funded_by(&snapshot.organisations, [funder]));
        let year = self.year.map(|year| started_in(year, year));
        Predicate::All([place, funder, year].into_iter().flatten().collect())
    }
}

/// Lists the keys of a record.
pub type ListKeys = fn(&IndexedInitiative) -> Vec<Key>;

/// A target with the key that fewest hidden records share.
pub struct KeyedTarget<'w> {
    pub target: Target<'w>,
    pub key: Key,
    /// How many hidden records have the key.
    pub sharing: usize,
}

/// Draws targets with the keys that fewest hidden records share. Takes those first that are alone with their key.
pub fn pick_by_key<'w>(
    session: &Session<'w>,
    random: &mut StdRng,
    list_keys: ListKeys,
) -> Vec<KeyedTarget<'w>> {
    let mut sharing: HashMap<Key, usize> = HashMap::new();
    for key in session.hidden_rows().flat_map(list_keys) {
        *sharing.entry(key).or_default() += 1;
    }
    let find_key = |row: &IndexedInitiative| list_keys(row).into_iter().min_by_key(|key| sharing[key]);
    let targets = session.pick(
        random,
        |target| find_key(target.row).is_some(),
        |target| find_key(target.row).is_some_and(|key| sharing[&key] == 1),
    );
    let with_key = |target: Target<'w>| {
        let key = find_key(target.row)?;
        Some(KeyedTarget {
            target,
            key,
            sharing: sharing[&key],
        })
    };
    targets.into_iter().filter_map(with_key).collect()
}
