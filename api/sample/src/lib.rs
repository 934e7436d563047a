//! The illustrative evidence of the demonstration. It is generated from a fixed seed, and marked as illustrative wherever
//! readers see it. The places are real; the organisations, the initiatives and the money are invented.
//!
//! The texts are data files: the claims, the reflections of a meeting and the glossary.

mod funding;
mod initiatives;
mod missing;
mod organisations;
mod places;
mod rng;

#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use wayin_records::record::InitiativeRecord;
use wayin_vocabulary::{Challenge, EntryPoint, Perspective};

/// The places of the United Kingdom, as a file for the import of places.
pub const PLACES_CSV: &str = include_str!("../data/places/area_all_codes.csv");

/// The number of initiatives.
pub const INITIATIVE_COUNT: u32 = 2_000;

/// With this seed, random variation does not hide what the claims demonstrate.
const SEED: u64 = 23;

/// The content of a demonstration database.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The records of the initiatives.
    pub records: Vec<InitiativeRecord>,
    /// The crises.
    pub crises: Vec<ExampleCrisis>,
    /// The meetings of the community of practice.
    pub meetings: Vec<ExampleMeeting>,
    /// The claims, in order.
    pub claims: Vec<ExampleClaim>,
    /// The entries of the glossary, sorted by slug.
    pub terms: Vec<ExampleTerm>,
}

/// A crisis.
#[derive(Clone, Debug)]
pub struct ExampleCrisis {
    /// The name that filters use.
    pub slug: &'static str,
    /// Its name.
    pub name: &'static str,
    /// The first day.
    pub from_on: NaiveDate,
    /// The last day; none if it has not ended.
    pub to_on: Option<NaiveDate>,
    /// The GSS codes of the places that it affects; empty for all places.
    pub place_codes: &'static [&'static str],
}

/// The cost-of-living crisis has no official dates. Prices began to rise faster than pay in the autumn of 2021, and no
/// longer did by the end of 2023.
const COST_OF_LIVING: ExampleCrisis = ExampleCrisis {
    slug: "cost-of-living",
    name: "The cost-of-living crisis",
    from_on: date(2021, 10, 1),
    to_on: Some(date(2023, 12, 31)),
    place_codes: &[],
};

/// A meeting of the community of practice.
#[derive(Clone, Debug)]
pub struct ExampleMeeting {
    /// Its title.
    pub title: &'static str,
    /// Its theme.
    pub theme: &'static str,
    /// The day it was held.
    pub held_on: NaiveDate,
    /// The address to register at, for a future meeting.
    pub registration_url: Option<&'static str>,
    /// What members said, in order, without names.
    pub reflections: Vec<ExampleReflection>,
}

/// What a member said.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleReflection {
    /// Whose view it is.
    pub perspective: Perspective,
    /// The entry point that it is about.
    pub entry_point: Option<EntryPoint>,
    /// The challenge that it is about.
    pub challenge: Option<Challenge>,
    /// The GSS code of the place that it is about.
    pub place_code: Option<String>,
    /// What was said.
    pub text: String,
}

/// A claim: a sentence with the pattern that tests it.
///
/// Six of the ten claims hold, overall and within places. One reverses within places, two do not hold, and one holds
/// although little is known.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleClaim {
    /// Its name in addresses.
    pub slug: String,
    /// The sentence.
    pub statement: String,
    /// The index of the reflection that it comes from, counted over all meetings.
    pub reflection: Option<usize>,
    /// The first condition, as an `InitiativeFilter` document.
    pub when: Value,
    /// The second condition, as an `InitiativeFilter` document.
    pub then: Value,
    /// The population, as an `InitiativeFilter` document; none for all initiatives.
    pub among: Option<Value>,
    /// The code of the dimension to group by.
    pub by: Option<String>,
}

/// An entry of the glossary.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExampleTerm {
    /// Its name in addresses.
    pub slug: String,
    /// The word.
    pub name: String,
    /// What it means.
    pub definition: String,
    /// Other words for it.
    #[serde(default)]
    pub synonyms: Vec<String>,
    /// What to consider before using it, if the word can exclude people.
    pub usage_note: Option<String>,
    /// The vocabulary code that it explains.
    pub code: Option<String>,
}

/// Generates the evidence. Every call returns the same.
pub fn generate_evidence() -> Evidence {
    let meeting = ExampleMeeting {
        title: "Ways in to systems change in places (illustrative), November 2022",
        theme: "Where people start, and what gets skipped on the way. Illustrative: retold in other words, with nobody named.",
        // Only the month is known.
        held_on: date(2022, 11, 15),
        registration_url: None,
        reflections: parse_list(include_str!("../data/reflections.json")),
    };
    Evidence {
        records: initiatives::generate_records(SEED, INITIATIVE_COUNT),
        crises: vec![COST_OF_LIVING],
        meetings: vec![meeting],
        claims: parse_list(include_str!("../data/claims.json")),
        terms: parse_list(include_str!("../data/terms.json")),
    }
}

/// Parses a data file. A test counts the items of each, so a malformed file cannot be released.
fn parse_list<T: DeserializeOwned>(json: &str) -> Vec<T> {
    serde_json::from_str(json).unwrap_or_default()
}

/// A date that must exist. Constants use it, so a wrong date does not compile.
const fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => panic!("no such day"),
    }
}
