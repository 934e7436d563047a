//! The demonstration's evidence: made up, the same each time, and marked as
//! illustrative wherever it shows. The places are real; the organisations, the
//! initiatives and the money are not.

mod claims;
mod initiatives;
mod rng;

mod funding;
mod glossary;
mod meeting;
mod missing;
mod organisations;
mod places;

#[cfg(test)]
mod tests;

use chrono::NaiveDate;
use serde_json::Value;
use wayin_vocabulary::{Challenge, EntryPoint, Perspective};

use wayin_records::record::InitiativeRecord;

/// The places of the United Kingdom that the evidence is set in: a file that an import of places takes.
pub const PLACES_CSV: &str = include_str!("../data/places/area_all_codes.csv");

/// How many initiatives there are.
pub const INITIATIVE_COUNT: u32 = 2_000;

/// Any seed gives evidence of the same kind; with this one, what chance adds
/// does not get in the way of what the claims are there to show.
const SEED: u64 = 23;

/// What a demonstration base is filled with.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The initiatives' records, each marked as illustrative.
    pub records: Vec<InitiativeRecord>,
    /// The periods that bear on them.
    pub crises: Vec<ExampleCrisis>,
    /// What the community of practice talked about.
    pub meetings: Vec<ExampleMeeting>,
    /// Reflections made testable, in the order in which they are shown.
    pub claims: Vec<ExampleClaim>,
    /// The field's words.
    pub terms: Vec<ExampleTerm>,
}

/// A period that bears on the work.
#[derive(Clone, Debug)]
pub struct ExampleCrisis {
    /// The name that conditions use.
    pub slug: &'static str,
    /// What it is called.
    pub name: &'static str,
    /// The first day.
    pub from_on: NaiveDate,
    /// The last day; none while it goes on.
    pub to_on: Option<NaiveDate>,
    /// The GSS codes of the places it bears on; all places where there are none.
    pub place_codes: &'static [&'static str],
}

/// A meeting of the community of practice.
#[derive(Clone, Debug)]
pub struct ExampleMeeting {
    /// What it is called.
    pub title: &'static str,
    /// What it is about.
    pub theme: &'static str,
    /// The day it was held.
    pub held_on: NaiveDate,
    /// Where one registers, for a meeting that lies ahead.
    pub registration_url: Option<&'static str>,
    /// What members said, in order, with nobody named.
    pub reflections: Vec<ExampleReflection>,
}

/// What members said, from one perspective.
#[derive(Clone, Copy, Debug)]
pub struct ExampleReflection {
    /// Whose view it is.
    pub perspective: Perspective,
    /// The entry point it is about.
    pub entry_point: Option<EntryPoint>,
    /// The challenge it is about.
    pub challenge: Option<Challenge>,
    /// The GSS code of the place it is about.
    pub place_code: Option<&'static str>,
    /// What was said.
    pub text: &'static str,
}

/// A sentence in plain words, with the pattern that answers it.
#[derive(Clone, Debug)]
pub struct ExampleClaim {
    /// The name in addresses.
    pub slug: &'static str,
    /// The claim.
    pub statement: &'static str,
    /// The reflection that it comes from: its meeting's place in [`Evidence::meetings`], and its own in that meeting.
    pub reflection: Option<(usize, usize)>,
    /// The condition, as an `InitiativeFilter` document.
    pub when: Value,
    /// What it is crossed with, as an `InitiativeFilter` document.
    pub then: Value,
    /// Among which initiatives, as an `InitiativeFilter` document; all where there is none.
    pub among: Option<Value>,
    /// The code of the dimension that it is told apart by.
    pub by: Option<&'static str>,
}

/// A word of the field.
#[derive(Clone, Copy, Debug)]
pub struct ExampleTerm {
    /// The name in addresses.
    pub slug: &'static str,
    /// The word.
    pub name: &'static str,
    /// What it means, plainly.
    pub definition: &'static str,
    /// Other words that people use for it.
    pub synonyms: &'static [&'static str],
    /// What to mind when using it, where the word shuts people out.
    pub usage_note: Option<&'static str>,
    /// The vocabulary code that it explains.
    pub code: Option<&'static str>,
}

/// The whole of the example evidence. Every call gives the same.
pub fn generate_evidence() -> Evidence {
    Evidence {
        records: initiatives::generate_records(SEED, INITIATIVE_COUNT),
        crises: vec![meeting::COST_OF_LIVING],
        meetings: vec![meeting::generate_meeting()],
        claims: claims::list_claims(),
        terms: glossary::TERMS.to_vec(),
    }
}

/// A calendar day that is known to exist: a constant is made of it, so a wrong one does not compile.
const fn date(year: i32, month: u32, day: u32) -> NaiveDate {
    match NaiveDate::from_ymd_opt(year, month, day) {
        Some(date) => date,
        None => panic!("no such day"),
    }
}
