//! The answers that the attacks are after, and the conditions that they ask with.

use chrono::NaiveDate;
use uuid::Uuid;
use wayin_engine::index::{IndexedInitiative, OrganisationDictionary, PlaceDictionary};
use wayin_engine::predicate::{
    Comparison, FundingTermTest, InitiativePredicate, InitiativeTest, NamedReference, OrganisationTest,
    Predicate, Quantifier,
};
use wayin_entity::{Challenge, ChallengeStep, ChangeExtent, Condition};

/// The number of values of a step: those of the vocabulary, and not recorded. A change has as many.
pub const VALUE_COUNT: usize = ChallengeStep::ALL.len() + 1;
/// The value of an answer that is not recorded.
pub const NOT_RECORDED: usize = ChallengeStep::ALL.len();
const _: () = assert!(ChangeExtent::ALL.len() == ChallengeStep::ALL.len());

/// A count for each value of an answer.
pub type Values = [i64; VALUE_COUNT];

/// One less the other, value by value.
pub fn subtract(counts: Values, less: Values) -> Values {
    std::array::from_fn(|value| counts[value] - less[value])
}

/// The sum of both, value by value.
pub fn add(counts: Values, more: Values) -> Values {
    std::array::from_fn(|value| counts[value] + more[value])
}

/// The step of a challenge, as a value.
pub fn find_step(row: &IndexedInitiative, challenge: Challenge) -> usize {
    row.steps[challenge as usize].map_or(NOT_RECORDED, |step| step as usize)
}

/// The change of a condition, as a value.
pub fn find_change(row: &IndexedInitiative, condition: Condition) -> usize {
    row.changes[condition as usize].map_or(NOT_RECORDED, |change| change as usize)
}

/// The secret of a record: its step of `DEFINING_AMBITIONS`.
pub fn find_secret(row: &IndexedInitiative) -> usize {
    find_step(row, Challenge::DefiningAmbitions)
}

/// Every record.
pub const fn everyone() -> InitiativePredicate {
    Predicate::ALWAYS_TRUE
}

/// One record.
pub fn is_record(id: Uuid) -> InitiativePredicate {
    Predicate::Test(InitiativeTest::Id(vec![id]))
}

/// Every record but one.
pub fn everyone_but(id: Uuid) -> InitiativePredicate {
    is_record(id).negated()
}

/// The step of a challenge has a value.
pub fn has_step(challenge: Challenge, value: usize) -> InitiativePredicate {
    let step = ChallengeStep::ALL.get(value);
    let comparison = step.map_or(Comparison::Known(false), |step| Comparison::OneOf(vec![*step]));
    Predicate::Test(InitiativeTest::Step(challenge, comparison))
}

/// The secret has a value.
pub fn has_secret(value: usize) -> InitiativePredicate {
    has_step(Challenge::DefiningAmbitions, value)
}

/// The change of a condition has a value.
pub fn has_change(condition: Condition, value: usize) -> InitiativePredicate {
    let change = ChangeExtent::ALL.get(value);
    let comparison = change.map_or(Comparison::Known(false), |change| {
        Comparison::OneOf(vec![*change])
    });
    Predicate::Test(InitiativeTest::Change(condition, comparison))
}

fn name_place(places: &PlaceDictionary, number: u32) -> NamedReference {
    let place = places.get(number);
    NamedReference {
        id: place.id,
        name: place.name.clone(),
    }
}

/// The place is the one with this number.
pub fn is_in_place(places: &PlaceDictionary, number: u32) -> InitiativePredicate {
    Predicate::Test(InitiativeTest::PlaceIs(name_place(places, number)))
}

/// The place lies within the one with this number.
pub fn is_within(places: &PlaceDictionary, number: u32) -> InitiativePredicate {
    Predicate::Test(InitiativeTest::PlaceWithin(name_place(places, number)))
}

/// Some funder is one of those with these numbers.
pub fn is_funded_by(
    organisations: &OrganisationDictionary,
    numbers: impl IntoIterator<Item = u32>,
) -> InitiativePredicate {
    let name = |number| {
        let organisation = organisations.get(number);
        NamedReference {
            id: organisation.id,
            name: organisation.name.clone(),
        }
    };
    let funders = numbers.into_iter().map(name).collect();
    let funder = FundingTermTest::Funder(Predicate::Test(OrganisationTest::Id(funders)));
    Predicate::Test(InitiativeTest::FundingTerms(
        Quantifier::Some,
        Predicate::Test(funder),
    ))
}

/// It started in one of these years.
pub fn started_in(first_year: i32, last_year: i32) -> InitiativePredicate {
    let first_day = |year: i32| NaiveDate::from_ymd_opt(year, 1, 1).unwrap_or_default();
    Predicate::All(vec![
        Predicate::Test(InitiativeTest::StartedOn(Comparison::AtLeast(first_day(
            first_year,
        )))),
        Predicate::Test(InitiativeTest::StartedOn(Comparison::Less(first_day(
            last_year + 1,
        )))),
    ])
}
