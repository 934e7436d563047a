//! The places and organisations that rows refer to by number. A number is never reused, so it stays valid for chunks of
//! older snapshots.

use std::collections::HashMap;

use uuid::Uuid;
use wayin_vocabulary::{OrganisationKind, PlaceKind};

/// A place in the index.
#[derive(Clone, Debug)]
pub struct IndexedPlace {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: PlaceKind,
    /// The place that is in use: its last successor if its code is retired, otherwise itself.
    pub current: u32,
    /// Itself and its successors, in order.
    pub current_numbers: Vec<u32>,
    /// Itself, its successors, and all places that they lie within.
    pub ancestors: Vec<u32>,
    /// The regions that it lies within. If there are none, the nations without regions.
    pub regions: Vec<u32>,
}

/// A place in the database.
#[derive(Clone, Debug)]
pub struct StoredPlace {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: PlaceKind,
    /// The place that succeeded it; none if its code is in use.
    pub successor_id: Option<Uuid>,
}

/// All places, by number.
#[derive(Clone, Debug, Default)]
pub struct PlaceDictionary {
    numbers: HashMap<Uuid, u32>,
    by_number: Vec<IndexedPlace>,
    regions: Vec<u32>,
}

/// A node and all nodes that can be reached from it, breadth first.
fn reach(start: Uuid, next: impl Fn(Uuid) -> Vec<Uuid>) -> Vec<Uuid> {
    let mut reached = vec![start];
    let mut index = 0;
    while let Some(id) = reached.get(index).copied() {
        for id in next(id) {
            if !reached.contains(&id) {
                reached.push(id);
            }
        }
        index += 1;
    }
    reached
}

impl PlaceDictionary {
    /// Builds the dictionary. Places keep their numbers from `previous`. `parents` are pairs of a place and a place that
    /// it lies directly within.
    pub fn build(previous: &Self, places: &[StoredPlace], parents: &[(Uuid, Uuid)]) -> Self {
        let mut numbers = previous.numbers.clone();
        for place in places {
            let next = u32::try_from(numbers.len()).unwrap_or(u32::MAX - 1);
            numbers.entry(place.id).or_insert(next);
        }
        let mut parents_of: HashMap<Uuid, Vec<Uuid>> = HashMap::new();
        for (place, parent) in parents {
            parents_of.entry(*place).or_default().push(*parent);
        }
        let successors: HashMap<Uuid, Uuid> = places
            .iter()
            .filter_map(|place| Some((place.id, place.successor_id?)))
            .collect();
        let kinds: HashMap<Uuid, PlaceKind> = places.iter().map(|place| (place.id, place.kind)).collect();
        let successor = |id: Uuid| Vec::from_iter(successors.get(&id).copied());
        let successor_and_parents =
            |id: Uuid| [successor(id), parents_of.get(&id).cloned().unwrap_or_default()].concat();
        let ancestors: HashMap<Uuid, Vec<Uuid>> = places
            .iter()
            .map(|place| (place.id, reach(place.id, successor_and_parents)))
            .collect();
        let select = |ids: &[Uuid], kind: PlaceKind| -> Vec<Uuid> {
            ids.iter()
                .copied()
                .filter(|id| kinds.get(id) == Some(&kind))
                .collect()
        };
        let nations_with_regions: Vec<Uuid> = places
            .iter()
            .filter(|place| place.kind == PlaceKind::Region)
            .flat_map(|region| select(&ancestors[&region.id], PlaceKind::Nation))
            .collect();
        let regions_of = |ids: &[Uuid]| {
            let regions = select(ids, PlaceKind::Region);
            if !regions.is_empty() {
                return regions;
            }
            let mut nations = select(ids, PlaceKind::Nation);
            nations.retain(|nation| !nations_with_regions.contains(nation));
            nations
        };
        let to_numbers =
            |ids: &[Uuid]| -> Vec<u32> { ids.iter().filter_map(|id| numbers.get(id).copied()).collect() };
        let index_place = |place: &StoredPlace| {
            let ancestors = &ancestors[&place.id];
            let current_numbers = to_numbers(&reach(place.id, successor));
            IndexedPlace {
                id: place.id,
                name: place.name.clone(),
                kind: place.kind,
                current: current_numbers.last().copied().unwrap_or_default(),
                current_numbers,
                ancestors: to_numbers(ancestors),
                regions: to_numbers(&regions_of(ancestors)),
            }
        };
        let mut by_number: Vec<IndexedPlace> = places.iter().map(index_place).collect();
        by_number.sort_unstable_by_key(|place| numbers[&place.id]);
        let is_region = |place: &&StoredPlace| match place.kind {
            PlaceKind::Region => place.successor_id.is_none(),
            PlaceKind::Nation => place.successor_id.is_none() && !nations_with_regions.contains(&place.id),
            _ => false,
        };
        let mut regions: Vec<u32> = places
            .iter()
            .filter(is_region)
            .filter_map(|place| numbers.get(&place.id).copied())
            .collect();
        regions.sort_unstable();
        Self {
            numbers,
            by_number,
            regions,
        }
    }

    /// The number of a place.
    pub fn number(&self, id: Uuid) -> Option<u32> {
        self.numbers.get(&id).copied()
    }

    /// The place with a number.
    pub fn get(&self, number: u32) -> &IndexedPlace {
        &self.by_number[number as usize]
    }

    /// All places, by number.
    pub fn all(&self) -> &[IndexedPlace] {
        &self.by_number
    }

    /// The regions in use, and the nations without regions, sorted by number.
    pub fn regions(&self) -> &[u32] {
        &self.regions
    }
}

/// An organisation in the index.
#[derive(Clone, Debug)]
pub struct IndexedOrganisation {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its name in lower case.
    pub name_folded: String,
    /// Its identifier in lower case.
    pub identifier_folded: Option<String>,
    /// Its kind.
    pub kind: Option<OrganisationKind>,
}

/// All organisations, by number.
#[derive(Clone, Debug, Default)]
pub struct OrganisationDictionary {
    numbers: HashMap<Uuid, u32>,
    by_number: Vec<IndexedOrganisation>,
}

impl OrganisationDictionary {
    /// Inserts or replaces an organisation.
    pub fn upsert(&mut self, organisation: IndexedOrganisation) {
        if let Some(number) = self.numbers.get(&organisation.id) {
            self.by_number[*number as usize] = organisation;
            return;
        }
        let number = u32::try_from(self.by_number.len()).unwrap_or(u32::MAX - 1);
        self.numbers.insert(organisation.id, number);
        self.by_number.push(organisation);
    }

    /// The number of an organisation.
    pub fn number(&self, id: Uuid) -> Option<u32> {
        self.numbers.get(&id).copied()
    }

    /// The organisation with a number.
    pub fn get(&self, number: u32) -> &IndexedOrganisation {
        &self.by_number[number as usize]
    }

    /// All organisations, by number.
    pub fn all(&self) -> &[IndexedOrganisation] {
        &self.by_number
    }
}
