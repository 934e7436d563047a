//! The places and organisations that rows refer to by number. Numbers are never
//! given anew, so that chunks of older snapshots keep their meaning.

use std::collections::HashMap;

use uuid::Uuid;
use wayin_vocabulary::{OrganisationKind, PlaceKind};

/// A place as the index sees it.
#[derive(Clone, Debug)]
pub struct IndexedPlace {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What sort of place it is.
    pub kind: PlaceKind,
    /// The place that stands in its stead now: itself, unless its code was retired.
    pub current: u32,
    /// The places that it leads to: itself and those that took over its code.
    pub current_numbers: Vec<u32>,
    /// Those, and all that it lies within.
    pub ancestors: Vec<u32>,
    /// The regions that it lies within, or else the nations that have no regions.
    pub regions: Vec<u32>,
}

/// A place as it is stored.
#[derive(Clone, Debug)]
pub struct StoredPlace {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// What sort of place it is.
    pub kind: PlaceKind,
    /// The place that took over its code; none while its code is in use.
    pub successor_id: Option<Uuid>,
}

/// Every place, by number.
#[derive(Clone, Debug, Default)]
pub struct PlaceDictionary {
    numbers: HashMap<Uuid, u32>,
    by_number: Vec<IndexedPlace>,
    regions: Vec<u32>,
}

impl PlaceDictionary {
    /// The places, with the numbers that `before` gave them. `parents` are pairs of a place and one that it lies
    /// directly within.
    pub fn build(before: &Self, places: &[StoredPlace], parents: &[(Uuid, Uuid)]) -> Self {
        let mut numbers = before.numbers.clone();
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
        let reach = |start: Uuid, next: &dyn Fn(Uuid) -> Vec<Uuid>| {
            let mut reached = vec![start];
            let mut at = 0;
            while let Some(here) = reached.get(at).copied() {
                for one in next(here) {
                    if !reached.contains(&one) {
                        reached.push(one);
                    }
                }
                at += 1;
            }
            reached
        };
        let succeeded = |id: Uuid| successors.get(&id).copied().into_iter().collect::<Vec<_>>();
        let larger = |id: Uuid| [succeeded(id), parents_of.get(&id).cloned().unwrap_or_default()].concat();
        let number = |id: &Uuid| numbers.get(id).copied();
        let all_within: HashMap<Uuid, Vec<Uuid>> = places
            .iter()
            .map(|place| (place.id, reach(place.id, &larger)))
            .collect();
        let of_kind = |ids: &[Uuid], kind: PlaceKind| {
            ids.iter()
                .filter(|id| kinds.get(id) == Some(&kind))
                .copied()
                .collect::<Vec<_>>()
        };
        let nations_with_regions: Vec<Uuid> = places
            .iter()
            .filter(|place| place.kind == PlaceKind::Region)
            .flat_map(|region| of_kind(&all_within[&region.id], PlaceKind::Nation))
            .collect();
        let regions_of = |ids: &[Uuid]| {
            let regions = of_kind(ids, PlaceKind::Region);
            if !regions.is_empty() {
                return regions;
            }
            let mut nations = of_kind(ids, PlaceKind::Nation);
            nations.retain(|nation| !nations_with_regions.contains(nation));
            nations
        };
        let mut all: Vec<IndexedPlace> = places
            .iter()
            .map(|place| {
                let within = &all_within[&place.id];
                let leads_to = reach(place.id, &succeeded);
                let to_numbers = |ids: &[Uuid]| ids.iter().filter_map(number).collect::<Vec<_>>();
                IndexedPlace {
                    id: place.id,
                    name: place.name.clone(),
                    kind: place.kind,
                    current: leads_to.last().and_then(number).unwrap_or_default(),
                    current_numbers: to_numbers(&leads_to),
                    ancestors: to_numbers(within),
                    regions: to_numbers(&regions_of(within)),
                }
            })
            .collect();
        all.sort_unstable_by_key(|place| numbers[&place.id]);
        let mut regions: Vec<u32> = places
            .iter()
            .filter(|place| place.successor_id.is_none())
            .filter(|place| match place.kind {
                PlaceKind::Region => true,
                PlaceKind::Nation => !nations_with_regions.contains(&place.id),
                _ => false,
            })
            .filter_map(|place| number(&place.id))
            .collect();
        regions.sort_unstable();
        Self {
            numbers,
            by_number: all,
            regions,
        }
    }

    /// A place's number.
    pub fn number(&self, id: Uuid) -> Option<u32> {
        self.numbers.get(&id).copied()
    }

    /// The place of a number.
    pub fn get(&self, number: u32) -> &IndexedPlace {
        &self.by_number[number as usize]
    }

    /// Every place, in the order of the numbers.
    pub fn all(&self) -> &[IndexedPlace] {
        &self.by_number
    }

    /// The regions, and the nations that have none, by number.
    pub fn regions(&self) -> &[u32] {
        &self.regions
    }
}

/// An organisation as the index sees it.
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
    /// What sort of organisation it is.
    pub kind: Option<OrganisationKind>,
}

/// Every organisation, by number.
#[derive(Clone, Debug, Default)]
pub struct OrganisationDictionary {
    numbers: HashMap<Uuid, u32>,
    by_number: Vec<IndexedOrganisation>,
}

impl OrganisationDictionary {
    /// Adds an organisation, or puts it in the place of what was known of it.
    pub fn upsert(&mut self, organisation: IndexedOrganisation) {
        if let Some(number) = self.numbers.get(&organisation.id) {
            self.by_number[*number as usize] = organisation;
            return;
        }
        let number = u32::try_from(self.by_number.len()).unwrap_or(u32::MAX - 1);
        self.numbers.insert(organisation.id, number);
        self.by_number.push(organisation);
    }

    /// An organisation's number.
    pub fn number(&self, id: Uuid) -> Option<u32> {
        self.numbers.get(&id).copied()
    }

    /// The organisation of a number.
    pub fn get(&self, number: u32) -> &IndexedOrganisation {
        &self.by_number[number as usize]
    }

    /// Every organisation, in the order of the numbers.
    pub fn all(&self) -> &[IndexedOrganisation] {
        &self.by_number
    }
}
