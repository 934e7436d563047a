//! Random populations, by what an attacker knows of every record.

use std::collections::BTreeSet;

use chrono::Datelike as _;
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use wayin_engine::evaluate::PreparedPredicate;
use wayin_engine::index::Bitmap;
use wayin_engine::predicate::{InitiativePredicate, Predicate};

use crate::bases::{Session, World, list_funders};
use crate::conditions::{is_funded_by, is_in_place, is_within, started_in};

/// The most single places of one population. Each is a test of its own.
const MAX_PLACES: usize = 12;

/// A population, and which records are in it as far as an attacker knows.
pub struct RandomPopulation {
    pub condition: InitiativePredicate,
    /// The rows of each chunk.
    pub members: Vec<Bitmap>,
}

impl RandomPopulation {
    fn new(world: &World, condition: InitiativePredicate) -> Self {
        let snapshot = &world.release.snapshot;
        let chunk_count = snapshot.chunks.len();
        let prepared = PreparedPredicate::new(&condition, snapshot, &world.tools.truth_cache, chunk_count);
        let chunks = snapshot.chunks.iter().enumerate();
        let members = chunks
            .map(|(position, chunk)| prepared.evaluate(position, chunk).true_rows.clone())
            .collect();
        drop(prepared);
        Self { condition, members }
    }

    /// Whether a record is in the population, given the position of its chunk and its row.
    pub fn contains(&self, (position, row): (usize, usize)) -> bool {
        self.members[position].contains(row)
    }
}

/// The values of the key variables that populations are drawn from: those of the hidden records.
pub struct PopulationSource<'s> {
    world: &'s World,
    places: Vec<u32>,
    regions: Vec<u32>,
    funders: Vec<u32>,
    years: Vec<i32>,
}

impl<'s> PopulationSource<'s> {
    pub fn new(session: &Session<'s>) -> Self {
        let places: BTreeSet<u32> = session.hidden_rows().filter_map(|row| row.place).collect();
        let funders: BTreeSet<u32> = session.hidden_rows().flat_map(list_funders).collect();
        let years = session.hidden_rows().filter_map(|row| row.started_on);
        let years: BTreeSet<i32> = years.map(|day| day.year()).collect();
        Self {
            world: session.world,
            places: places.into_iter().collect(),
            regions: session.world.release.snapshot.places.regions().to_vec(),
            funders: funders.into_iter().collect(),
            years: years.into_iter().collect(),
        }
    }

    /// The records in any of some random places: some single ones, and half of the regions.
    pub fn draw_places(&self, random: &mut StdRng) -> RandomPopulation {
        let parts = [self.choose_places(random), self.choose_regions(random)].concat();
        RandomPopulation::new(self.world, Predicate::Any(parts))
    }

    /// The records in random places with random funders or years of start. The places are either single ones or half of
    /// the regions; the funders are half of all.
    pub fn draw(&self, random: &mut StdRng) -> RandomPopulation {
        let places = if random.random_bool(0.5) {
            self.choose_places(random)
        } else {
            self.choose_regions(random)
        };
        let other = if random.random_bool(0.5) || self.years.is_empty() {
            let funders = choose_half(&self.funders, random);
            is_funded_by(&self.world.release.snapshot.organisations, funders)
        } else {
            let mut choose_year = || self.years[random.random_range(0..self.years.len())];
            let (one, other) = (choose_year(), choose_year());
            started_in(one.min(other), one.max(other))
        };
        RandomPopulation::new(self.world, Predicate::Any(places).and(other))
    }

    fn choose_places(&self, random: &mut StdRng) -> Vec<InitiativePredicate> {
        let count = MAX_PLACES.min(self.places.len() / 2);
        let chosen = self.places.choose_multiple(random, count);
        let places = &self.world.release.snapshot.places;
        chosen.map(|place| is_in_place(places, *place)).collect()
    }

    fn choose_regions(&self, random: &mut StdRng) -> Vec<InitiativePredicate> {
        let chosen = choose_half(&self.regions, random).into_iter();
        let places = &self.world.release.snapshot.places;
        chosen.map(|region| is_within(places, region)).collect()
    }
}

/// Chooses each value with a probability of one half.
fn choose_half(values: &[u32], random: &mut StdRng) -> Vec<u32> {
    let values = values.iter().copied();
    values.filter(|_| random.random_bool(0.5)).collect()
}
