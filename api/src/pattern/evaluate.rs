//! Conditions on the index: prepared once against its dictionaries, then worked
//! out chunk by chunk as sets of rows, UNKNOWN carried all the way.

use std::collections::HashSet;

use uuid::Uuid;
use wayin_entity::Perspective;

use super::index::{Chunk, Organisations, Places, Snapshot, Truths};
use crate::condition::{
    Condition, CrisisPeriod, InitiativeCondition, InitiativeTest, OrganisationCondition, OrganisationTest,
    Quantifier, SetComparison, TermCondition, TermTest, WayInComparison,
};
use crate::truth::Truth;

/// A condition on initiatives, prepared against a snapshot's dictionaries.
pub struct Prepared<'a> {
    condition: Condition<PreparedTest<'a>>,
}

enum PreparedTest<'a> {
    Id(HashSet<Uuid>),
    /// By place number, whether an initiative there is in it.
    Place(Vec<bool>),
    /// By organisation number.
    Lead(Vec<Truth>),
    Overlaps(&'a CrisisPeriod, Option<Vec<bool>>),
    FundingTerms(Quantifier, Condition<PreparedTermTest<'a>>),
    Plain(&'a InitiativeTest),
}

enum PreparedTermTest<'a> {
    /// By organisation number.
    Funder(Vec<Truth>),
    Plain(&'a TermTest),
}

impl<'a> Prepared<'a> {
    /// Looks up what a condition names in the dictionaries of a snapshot.
    pub fn new(condition: &'a InitiativeCondition, snapshot: &Snapshot) -> Self {
        let condition = mapped(condition, &|test| match test {
            InitiativeTest::Id(ids) => PreparedTest::Id(ids.iter().copied().collect()),
            InitiativeTest::PlaceIs(place) => {
                PreparedTest::Place(places_leading_to(&snapshot.places, place.id, false))
            }
            InitiativeTest::PlaceWithin(place) => {
                PreparedTest::Place(places_leading_to(&snapshot.places, place.id, true))
            }
            InitiativeTest::LeadOrganisation(condition) => {
                PreparedTest::Lead(by_organisation(condition, &snapshot.organisations))
            }
            InitiativeTest::Overlaps(crisis) => {
                let places = (!crisis.places.is_empty()).then(|| {
                    crisis
                        .places
                        .iter()
                        .map(|place| places_leading_to(&snapshot.places, *place, true))
                        .reduce(|a, b| a.iter().zip(&b).map(|(a, b)| *a || *b).collect())
                        .unwrap_or_default()
                });
                PreparedTest::Overlaps(crisis, places)
            }
            InitiativeTest::FundingTerms(quantifier, condition) => {
                PreparedTest::FundingTerms(*quantifier, prepared_terms(condition, snapshot))
            }
            plain => PreparedTest::Plain(plain),
        });
        Self { condition }
    }

    /// What the condition says of every initiative of a chunk.
    pub fn of(&self, chunk: &Chunk) -> Truths {
        joined(&self.condition, chunk.len(), &|test| test_of(test, chunk))
    }
}

fn mapped<'a, T, P>(condition: &'a Condition<T>, prepare: &impl Fn(&'a T) -> P) -> Condition<P> {
    let all = |parts: &'a [Condition<T>]| parts.iter().map(|part| mapped(part, prepare)).collect();
    match condition {
        Condition::All(parts) => Condition::All(all(parts)),
        Condition::Any(parts) => Condition::Any(all(parts)),
        Condition::Not(part) => mapped(part, prepare).negated(),
        Condition::Test(test) => Condition::Test(prepare(test)),
    }
}

fn joined<T>(condition: &Condition<T>, rows: usize, test: &impl Fn(&T) -> Truths) -> Truths {
    let parts = |parts: &[Condition<T>], join: fn(&Truths, &Truths) -> Truths| {
        parts
            .iter()
            .map(|part| joined(part, rows, test))
            .reduce(|a, b| join(&a, &b))
    };
    match condition {
        Condition::All(all) => parts(all, Truths::and).unwrap_or_else(|| Truths::everywhere(rows, true)),
        Condition::Any(any) => parts(any, Truths::or).unwrap_or_else(|| Truths::everywhere(rows, false)),
        Condition::Not(part) => !joined(part, rows, test),
        Condition::Test(one) => test(one),
    }
}

fn prepared_terms<'a>(condition: &'a TermCondition, snapshot: &Snapshot) -> Condition<PreparedTermTest<'a>> {
    mapped(condition, &|test| match test {
        TermTest::Funder(condition) => {
            PreparedTermTest::Funder(by_organisation(condition, &snapshot.organisations))
        }
        plain => PreparedTermTest::Plain(plain),
    })
}

fn places_leading_to(places: &Places, place: Uuid, and_within: bool) -> Vec<bool> {
    let wanted = places.number(place);
    let leads = |to: &[u32]| wanted.is_some_and(|wanted| to.contains(&wanted));
    places
        .all()
        .iter()
        .map(|place| {
            leads(if and_within {
                &place.within
            } else {
                &place.leads_to
            })
        })
        .collect()
}

fn by_organisation(condition: &OrganisationCondition, organisations: &Organisations) -> Vec<Truth> {
    let of = |organisation: &super::index::Organisation| {
        condition.evaluate(&mut |test| match test {
            OrganisationTest::Id(named) => Truth::from(named.iter().any(|one| one.id == organisation.id)),
            OrganisationTest::Name(comparison) => comparison.of(Some(&organisation.name_folded)),
            OrganisationTest::Identifier(comparison) => {
                comparison.of(organisation.identifier_folded.as_deref())
            }
            OrganisationTest::Kind(comparison) => comparison.of(organisation.kind.as_ref()),
        })
    };
    organisations.all().iter().map(of).collect()
}

fn test_of(test: &PreparedTest<'_>, chunk: &Chunk) -> Truths {
    let each = |truth: &dyn Fn(usize) -> Truth| Truths::of(chunk.len(), truth);
    let place_in = |places: &[bool], row: usize| {
        Truth::from(
            chunk
                .place(row)
                .map(|place| places.get(place as usize).copied().unwrap_or(false)),
        )
    };
    match test {
        PreparedTest::Id(ids) => each(&|row| ids.contains(&chunk.ids()[row]).into()),
        PreparedTest::Place(places) => each(&|row| place_in(places, row)),
        PreparedTest::Lead(truths) => each(&|row| of_number(truths, chunk.lead(row))),
        PreparedTest::Overlaps(crisis, places) => each(&|row| {
            at_work_during(crisis, chunk, row).and(
                places
                    .as_ref()
                    .map_or(Truth::True, |places| place_in(places, row)),
            )
        }),
        PreparedTest::FundingTerms(quantifier, condition) => funding_terms(*quantifier, condition, chunk),
        PreparedTest::Plain(test) => each(&|row| plain_test(test, chunk, row)),
    }
}

fn of_number(truths: &[Truth], number: u32) -> Truth {
    truths.get(number as usize).copied().unwrap_or(Truth::Unknown)
}

/// A start on or after the crisis's first day decides that it had not ended
/// before, an end on or before its last day that it had begun by then, as no
/// initiative ends before it starts.
fn at_work_during(crisis: &CrisisPeriod, chunk: &Chunk, row: usize) -> Truth {
    let (started, ended) = (chunk.started_on(row), chunk.ended_on(row));
    let not_over_before = if chunk.ongoing(row) == Some(true) || started.is_some_and(|day| day >= crisis.from)
    {
        Truth::True
    } else {
        Truth::from(ended.map(|day| day >= crisis.from))
    };
    let begun_by_its_end = match crisis.to {
        None => Truth::True,
        Some(to) if ended.is_some_and(|day| day <= to) => Truth::True,
        Some(to) => Truth::from(started.map(|day| day <= to)),
    };
    not_over_before.and(begun_by_its_end)
}

fn plain_test(test: &InitiativeTest, chunk: &Chunk, row: usize) -> Truth {
    match test {
        InitiativeTest::Title(comparison) => comparison.of(Some(chunk.title(row))),
        InitiativeTest::PlaceKnown(known) => Truth::from(chunk.place(row).is_some() == *known),
        InitiativeTest::StartedOn(comparison) => comparison.of(chunk.started_on(row).as_ref()),
        InitiativeTest::EndedOn(comparison) => comparison.of(chunk.ended_on(row).as_ref()),
        InitiativeTest::WayIn(perspective, comparison) => {
            let recorded = ways_in(*perspective, chunk, row);
            match comparison {
                WayInComparison::OneOf(_) if recorded == 0 => Truth::Unknown,
                WayInComparison::OneOf(listed) => {
                    listed.iter().any(|code| recorded >> *code as u8 & 1 == 1).into()
                }
                WayInComparison::Known(known) => Truth::from((recorded != 0) == *known),
            }
        }
        InitiativeTest::EntryPoints(perspective, comparison) => {
            let taken = perspectives(*perspective).map(|one| chunk.entry_points(one, row).taken());
            set_truth(comparison, taken.fold(0, |all, one| all | one), |code| code as u8)
        }
        InitiativeTest::Step(challenge, comparison) => comparison.of(chunk.step(*challenge, row).as_ref()),
        InitiativeTest::Reasons(challenge, comparison) => {
            set_truth(comparison, chunk.reasons(*challenge, row), |code| code as u8)
        }
        InitiativeTest::Change(condition, comparison) => {
            comparison.of(chunk.change(*condition, row).as_ref())
        }
        InitiativeTest::AnyTermRecorded(recorded) => Truth::from(chunk.terms_of(row).is_empty() != *recorded),
        InitiativeTest::Id(_)
        | InitiativeTest::PlaceIs(_)
        | InitiativeTest::PlaceWithin(_)
        | InitiativeTest::LeadOrganisation(_)
        | InitiativeTest::Overlaps(_)
        | InitiativeTest::FundingTerms(..) => unreachable!("prepared against the dictionaries"),
    }
}

/// The perspective asked for, or all of them.
pub fn perspectives(perspective: Option<Perspective>) -> impl Iterator<Item = Perspective> {
    Perspective::ALL
        .iter()
        .copied()
        .filter(move |one| perspective.is_none_or(|wanted| wanted == *one))
}

/// The ways in that a perspective, or any, recorded: bit `code as u8`.
pub fn ways_in(perspective: Option<Perspective>, chunk: &Chunk, row: usize) -> u8 {
    perspectives(perspective)
        .filter_map(|one| chunk.entry_points(one, row).way_in)
        .fold(0, |all, way_in| all | 1 << way_in as u8)
}

/// What a comparison says of a set of codes that is given as bits.
fn set_truth<T: Copy>(comparison: &SetComparison<T>, recorded: u8, bit: impl Fn(T) -> u8) -> Truth {
    let includes = |code: &T| recorded >> bit(*code) & 1 == 1;
    match comparison {
        SetComparison::Known(known) => Truth::from((recorded != 0) == *known),
        _ if recorded == 0 => Truth::Unknown,
        SetComparison::IncludesAll(codes) => codes.iter().all(includes).into(),
        SetComparison::IncludesAny(codes) => codes.iter().any(includes).into(),
    }
}

/// Worked out term by term, all parts of the condition on the same term, then
/// told of the initiative: TRUE by one term that is, else UNKNOWN by one that may be.
fn funding_terms(
    quantifier: Quantifier,
    condition: &Condition<PreparedTermTest<'_>>,
    chunk: &Chunk,
) -> Truths {
    let of_terms = joined(condition, chunk.term_count(), &|test| {
        Truths::of(chunk.term_count(), |term| match test {
            PreparedTermTest::Funder(truths) => of_number(truths, chunk.funder(term)),
            PreparedTermTest::Plain(test) => term_test(test, chunk, term),
        })
    });
    // `every P` is `not some (not P)`, `none P` is `not some P`.
    let of_terms = if quantifier == Quantifier::Every {
        !of_terms
    } else {
        of_terms
    };
    let some = Truths::of(chunk.len(), |row| {
        let terms = chunk.terms_of(row);
        if terms.is_empty() {
            Truth::Unknown
        } else {
            Truth::any(terms.map(|term| of_terms.at(term)))
        }
    });
    if quantifier == Quantifier::Some {
        some
    } else {
        !some
    }
}

fn term_test(test: &TermTest, chunk: &Chunk, term: usize) -> Truth {
    let of = chunk.term(term);
    match test {
        TermTest::DurationMonths(comparison) => comparison.of(of.duration_months.as_ref()),
        TermTest::AmountMinor(comparison) => comparison.of(of.amount_minor.as_ref()),
        TermTest::Currency(comparison) => comparison.of(of
            .currency
            .as_ref()
            .and_then(|letters| std::str::from_utf8(letters).ok())),
        TermTest::StartsOn(comparison) => comparison.of(of.starts_on.as_ref()),
        TermTest::UpfrontResearch(comparison) => comparison.of(of.upfront_research.as_ref()),
        TermTest::CollaborationResourced(comparison) => comparison.of(of.collaboration_resourced.as_ref()),
        TermTest::IntendedFocus(comparison) => comparison.of(of.intended_focus.as_ref()),
        TermTest::Restriction(comparison) => comparison.of(of.restriction.as_ref()),
        TermTest::ReportingFrequency(comparison) => comparison.of(of.reporting_frequency.as_ref()),
        TermTest::ReportingBasis(comparison) => comparison.of(of.reporting_basis.as_ref()),
        TermTest::DeliveryTimeline(comparison) => comparison.of(of.delivery_timeline.as_ref()),
        TermTest::Renewable(comparison) => comparison.of(of.renewable.as_ref()),
        TermTest::Funder(_) => unreachable!("prepared against the dictionaries"),
    }
}
