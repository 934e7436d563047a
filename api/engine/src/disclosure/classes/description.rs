//! What the published description of a class says about a question.
//!
//! A test of key variables is TRUE if it is TRUE for every record that could be described so, whether it is there or not,
//! FALSE if it is FALSE for every such record, and otherwise UNKNOWN. So the records of a class decide nothing beyond the
//! description, and nobody learns whether a certain record is there.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use chrono::NaiveDate;
use wayin_vocabulary::Dimension;

use super::key_variables::{ClassDescription, SHORT_FUNDING_MONTHS};
use crate::dimension::Domain;
use crate::index::{IndexedPlace, PlaceDictionary, to_day_number};
use crate::predicate::{CrisisPeriod, FundingTermPredicate, FundingTermTest, InitiativeTest, Quantifier};
use crate::three_valued_logic::Truth;

/// A test of key variables, prepared to be decided for descriptions.
pub struct DescribedTest<'q> {
    test: &'q InitiativeTest,
    /// For a test of places: its value by region, if all places of the region have the same.
    truth_by_region: HashMap<u32, Truth>,
}

impl<'q> DescribedTest<'q> {
    /// Prepares a test.
    pub fn new(test: &'q InitiativeTest, places: &PlaceDictionary) -> Self {
        let truth_by_region = match test {
            InitiativeTest::PlaceIs(place) => {
                let number = places.number(place.id);
                find_truth_by_region(places, |place| {
                    number.is_some_and(|number| place.current_numbers.contains(&number))
                })
            }
            InitiativeTest::PlaceWithin(place) => {
                let number = places.number(place.id);
                find_truth_by_region(places, |place| {
                    number.is_some_and(|number| place.ancestors.contains(&number))
                })
            }
            InitiativeTest::ActiveDuring(crisis)
            | InitiativeTest::StartedDuring(crisis)
            | InitiativeTest::FundedDuring(crisis)
                if !crisis.places.is_empty() =>
            {
                let affected: Vec<u32> = crisis
                    .places
                    .iter()
                    .filter_map(|place| places.number(*place))
                    .collect();
                find_truth_by_region(places, |place| {
                    affected.iter().any(|number| place.ancestors.contains(number))
                })
            }
            _ => HashMap::new(),
        };
        Self {
            test,
            truth_by_region,
        }
    }

    /// The value of the test for the records with a description.
    pub fn decide(&self, described: &ClassDescription) -> Truth {
        match self.test {
            InitiativeTest::PlaceIs(_) | InitiativeTest::PlaceWithin(_) => self.decide_place(described),
            InitiativeTest::PlaceKnown(known) => match described.region {
                Some(_) => (*known).into(),
                None => Truth::Unknown,
            },
            InitiativeTest::StartedOn(comparison) => match &described.started_in {
                Some(days) => comparison.evaluate_range(days.start(), days.end()),
                None => Truth::Unknown,
            },
            InitiativeTest::ActiveDuring(crisis) => decide_active(crisis, described.started_in.as_ref())
                .and(self.decide_affected(crisis, described)),
            InitiativeTest::StartedDuring(crisis) => {
                let started = match &described.started_in {
                    Some(days) => crisis.contains_range(*days.start(), *days.end()),
                    None => Truth::Unknown,
                };
                started.and(self.decide_affected(crisis, described))
            }
            // A description does not say when funding starts, so only the place can decide.
            InitiativeTest::FundedDuring(crisis) => {
                Truth::Unknown.and(self.decide_affected(crisis, described))
            }
            InitiativeTest::FundingTermsRecorded(recorded) => match described.is_funded_for_short {
                Some(_) => (*recorded).into(),
                None => Truth::Unknown,
            },
            InitiativeTest::FundingTerms(quantifier, terms) => {
                described.is_funded_for_short.map_or(Truth::Unknown, |is_short| {
                    decide_terms(*quantifier, terms, is_short)
                })
            }
            InitiativeTest::Id(_)
            | InitiativeTest::Title(_)
            | InitiativeTest::LeadOrganisation(_)
            | InitiativeTest::EndedOn(_)
            | InitiativeTest::UpdatedAt(_)
            | InitiativeTest::WayIn(..)
            | InitiativeTest::EntryPoints(..)
            | InitiativeTest::Step(..)
            | InitiativeTest::Reasons(..)
            | InitiativeTest::Change(..) => Truth::Unknown,
        }
    }

    /// Whether the place is one that a crisis affected.
    fn decide_affected(&self, crisis: &CrisisPeriod, described: &ClassDescription) -> Truth {
        if crisis.places.is_empty() {
            Truth::True
        } else {
            self.decide_place(described)
        }
    }

    fn decide_place(&self, described: &ClassDescription) -> Truth {
        let of_region = described
            .region
            .and_then(|region| self.truth_by_region.get(&region));
        of_region.copied().unwrap_or(Truth::Unknown)
    }
}

/// The region by which a place is described.
fn find_region(place: &IndexedPlace) -> Option<u32> {
    place.regions.first().copied()
}

fn find_truth_by_region(
    places: &PlaceDictionary,
    contains: impl Fn(&IndexedPlace) -> bool,
) -> HashMap<u32, Truth> {
    let mut truths: HashMap<u32, Truth> = HashMap::new();
    for place in places.all() {
        let Some(region) = find_region(place) else {
            continue;
        };
        let truth = Truth::from(contains(place));
        let shared = truths.entry(region).or_insert(truth);
        if *shared != truth {
            *shared = Truth::Unknown;
        }
    }
    truths
}

/// Whether initiatives were active during a crisis, given when they started. No initiative ends before it starts.
fn decide_active(crisis: &CrisisPeriod, started_in: Option<&RangeInclusive<NaiveDate>>) -> Truth {
    let Some(started_in) = started_in else {
        return Truth::Unknown;
    };
    if crisis.to.is_some_and(|to| *started_in.start() > to) {
        return Truth::False;
    }
    let is_by_the_end = crisis.to.is_none_or(|to| *started_in.end() <= to);
    if *started_in.start() >= crisis.from && is_by_the_end {
        return Truth::True;
    }
    Truth::Unknown
}

/// A test of funding terms, for initiatives of which some term is of [`SHORT_FUNDING_MONTHS`] or less, or none is.
fn decide_terms(quantifier: Quantifier, terms: &FundingTermPredicate, is_short: bool) -> Truth {
    let some = |of_term: Truth, of_any_term: Truth| {
        // A short term is one of several, and a long one like all others.
        let is_false = if is_short { of_any_term } else { of_term } == Truth::False;
        match of_term {
            Truth::True => Truth::True,
            _ if is_false => Truth::False,
            _ => Truth::Unknown,
        }
    };
    let months = if is_short {
        0..=SHORT_FUNDING_MONTHS
    } else {
        SHORT_FUNDING_MONTHS + 1..=i32::MAX
    };
    let of_term = decide_term(terms, Some(&months));
    let of_any_term = decide_term(terms, None);
    match quantifier {
        Quantifier::Some => some(of_term, of_any_term),
        Quantifier::Every => !some(!of_term, !of_any_term),
        Quantifier::None => !some(of_term, of_any_term),
    }
}

/// A predicate on a funding term of which only the range of its duration is known, if that.
fn decide_term(terms: &FundingTermPredicate, months: Option<&RangeInclusive<i32>>) -> Truth {
    terms.evaluate(&mut |test| match (test, months) {
        (FundingTermTest::DurationMonths(comparison), Some(months)) => {
            comparison.evaluate_range(months.start(), months.end())
        }
        _ => Truth::Unknown,
    })
}

/// A dimension of key variables, prepared to be decided for descriptions.
pub struct DescribedDomain<'q> {
    domain: &'q Domain,
    /// For a dimension of places: the groups that all places of a region share, by region.
    groups_by_region: HashMap<u32, Vec<u32>>,
}

impl<'q> DescribedDomain<'q> {
    /// Prepares a dimension.
    pub fn new(domain: &'q Domain, places: &PlaceDictionary) -> Self {
        let mut groups_by_region: HashMap<u32, Vec<u32>> = HashMap::new();
        for (place, groups) in places.all().iter().zip(domain.groups_by_place()) {
            let Some(region) = find_region(place) else {
                continue;
            };
            groups_by_region
                .entry(region)
                .and_modify(|shared| shared.retain(|group| groups.contains(group)))
                .or_insert_with(|| groups.clone());
        }
        Self {
            domain,
            groups_by_region,
        }
    }

    /// The groups that all records with a description are in; none if they may be in different ones.
    pub fn decide(&self, described: &ClassDescription) -> Vec<u32> {
        let of_region = described
            .region
            .and_then(|region| self.groups_by_region.get(&region));
        match (self.domain.dimension(), &described.started_in) {
            (Dimension::YearStarted, Some(days)) => {
                let [first, last] =
                    [days.start(), days.end()].map(|day| self.domain.find_year_group(to_day_number(*day)));
                if first == last { vec![first] } else { Vec::new() }
            }
            _ => of_region.cloned().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::Datelike;
    use rand::rngs::StdRng;
    use rand::seq::IndexedRandom;
    use rand::{Rng, SeedableRng};
    use uuid::Uuid;
    use wayin_vocabulary::{PlaceKind, Visibility};

    use super::*;
    use crate::disclosure::classes::HiddenClasses;
    use crate::evaluate::PreparedPredicate;
    use crate::index::{IndexedFundingTerm, IndexedInitiative, Snapshot, StoredPlace};
    use crate::predicate::{Comparison, InitiativePredicate, NamedReference, Predicate};
    use crate::predicate_cache::TruthCache;

    const PLACE_COUNT: u128 = 9;

    /// Three regions of a nation, with two towns each. One of the towns has been succeeded by another of its region.
    fn three_regions() -> PlaceDictionary {
        let place = |number: u128, kind, successor: Option<u128>| StoredPlace {
            id: Uuid::from_u128(number),
            name: format!("Place {number}"),
            kind,
            successor_id: successor.map(Uuid::from_u128),
        };
        let regions = [0, 3, 6].map(|region| {
            [
                place(region, PlaceKind::Region, None),
                place(region + 1, PlaceKind::LocalAuthority, None),
                place(
                    region + 2,
                    PlaceKind::LocalAuthority,
                    (region == 3).then_some(region + 1),
                ),
            ]
        });
        let nation = place(PLACE_COUNT, PlaceKind::Nation, None);
        let places: Vec<StoredPlace> = regions.into_iter().flatten().chain([nation]).collect();
        let parents: Vec<(Uuid, Uuid)> = (0..PLACE_COUNT)
            .map(|place| {
                (
                    place,
                    if place % 3 == 0 {
                        PLACE_COUNT
                    } else {
                        place - place % 3
                    },
                )
            })
            .map(|(place, parent)| (Uuid::from_u128(place), Uuid::from_u128(parent)))
            .collect();
        PlaceDictionary::build(&PlaceDictionary::default(), &places, &parents)
    }

    fn random_day(random: &mut StdRng) -> NaiveDate {
        NaiveDate::from_yo_opt(random.random_range(2008..2024), random.random_range(1..=365)).unwrap()
    }

    fn random_row(random: &mut StdRng, id: u128) -> IndexedInitiative {
        let term = |random: &mut StdRng| IndexedFundingTerm {
            funder: random.random_range(30..40),
            duration_months: [None, Some(12), Some(18), Some(36)][random.random_range(0..4)],
            starts_on: random.random::<bool>().then(|| random_day(random)),
            ..IndexedFundingTerm::default()
        };
        let started_on = random.random_ratio(9, 10).then(|| random_day(random));
        IndexedInitiative {
            lead: random.random_range(0..30),
            place: random.random_ratio(9, 10).then(|| random.random_range(0..9)),
            started_on,
            ended_on: started_on
                .and_then(|day| day.checked_add_days(chrono::Days::new(random.random_range(0..2_000)))),
            ongoing: [None, Some(false)][random.random_range(0..2)],
            visibility: Visibility::AggregateOnly,
            terms: (0..random.random_range(0..3)).map(|_| term(random)).collect(),
            ..IndexedInitiative::open_without_answers(id)
        }
    }

    fn random_snapshot(random: &mut StdRng) -> Snapshot {
        let mut snapshot = Snapshot {
            places: three_regions().into(),
            ..Snapshot::default()
        };
        let rows = (1..=4_000).map(|id| random_row(random, id)).collect();
        snapshot.apply(rows, Vec::new());
        snapshot
    }

    fn random_test(random: &mut StdRng) -> InitiativeTest {
        let place = NamedReference {
            id: Uuid::from_u128(random.random_range(0..=PLACE_COUNT)),
            name: String::new(),
        };
        let day = random_day(random);
        let months = random.random_range(1..40);
        match random.random_range(0..9) {
            0 => InitiativeTest::PlaceIs(place),
            1 => InitiativeTest::PlaceWithin(place),
            2 => InitiativeTest::PlaceKnown(random.random()),
            3 => InitiativeTest::StartedOn(match random.random_range(0..5) {
                0 => Comparison::Less(day),
                1 => Comparison::AtMost(day),
                2 => Comparison::More(day),
                3 => Comparison::Known(random.random()),
                _ => Comparison::OneOf(vec![day, day.with_year(1990).unwrap_or(day)]),
            }),
            4 => {
                let crisis = CrisisPeriod {
                    name: String::new(),
                    from: day,
                    to: random
                        .random::<bool>()
                        .then(|| day.with_year(day.year() + 4).unwrap_or(day)),
                    places: Vec::from_iter(random.random::<bool>().then_some(place.id)),
                };
                match random.random_range(0..4) {
                    0 => InitiativeTest::StartedDuring(crisis),
                    1 => InitiativeTest::FundedDuring(crisis),
                    _ => InitiativeTest::ActiveDuring(crisis),
                }
            }
            5 => InitiativeTest::FundingTermsRecorded(random.random()),
            6 => InitiativeTest::EndedOn(Comparison::AtMost(day)),
            _ => {
                let duration = |comparison| Predicate::Test(FundingTermTest::DurationMonths(comparison));
                let terms = match random.random_range(0..5) {
                    0 => duration(Comparison::AtMost(months)),
                    1 => duration(Comparison::More(18)),
                    2 => duration(Comparison::Known(random.random())),
                    3 => Predicate::ALWAYS_TRUE,
                    _ => Predicate::Any(vec![
                        duration(Comparison::AtMost(18)).negated(),
                        Predicate::Test(FundingTermTest::AmountMinor(Comparison::More(5))),
                    ]),
                };
                let quantifiers = [Quantifier::Some, Quantifier::Every, Quantifier::None];
                InitiativeTest::FundingTerms(*quantifiers.choose(random).unwrap(), terms)
            }
        }
    }

    #[test]
    fn what_a_description_decides_is_so_for_each_record() {
        let mut random = StdRng::seed_from_u64(51);
        let snapshot = random_snapshot(&mut random);
        let [_, classes] = &HiddenClasses::form_all(&snapshot);
        let descriptions = classes.descriptions();
        assert!(
            descriptions.len() > 20,
            "there are few descriptions: {descriptions:?}"
        );
        let cache = TruthCache::default();
        let mut decided_count = [0; 2];
        for _ in 0..300 {
            let test = random_test(&mut random);
            let described = DescribedTest::new(&test, &snapshot.places);
            let alone: InitiativePredicate = Predicate::Test(test.clone());
            let prepared = PreparedPredicate::new(&alone, &snapshot, &cache, snapshot.chunks.len());
            for (position, chunk) in snapshot.chunks.iter().enumerate() {
                let truths = prepared.evaluate(position, chunk);
                for row in classes.find_classed_rows(position).iter() {
                    let class = classes.class_of_rows(position)[row];
                    let description = &descriptions[classes.description_of(class).unwrap()];
                    let decided = described.decide(description);
                    if decided != Truth::Unknown {
                        decided_count[usize::from(decided == Truth::True)] += 1;
                        let row = chunk.unpack_row(row);
                        let own = truths.get(snapshot.find_row(row.id).unwrap().1);
                        assert_eq!(decided, own, "{test:?} for {description:?}: {row:?}");
                    }
                }
            }
        }
        assert!(
            decided_count.iter().all(|count| *count > 10_000),
            "{decided_count:?}"
        );
    }

    #[test]
    fn the_groups_of_a_description_are_those_of_each_record() {
        let mut random = StdRng::seed_from_u64(52);
        let snapshot = random_snapshot(&mut random);
        let [_, classes] = &HiddenClasses::form_all(&snapshot);
        for (dimension, is_ever_decided) in [
            (Dimension::Region, true),
            (Dimension::YearStarted, true),
            (Dimension::Place, false),
            (Dimension::PlaceKind, false),
            (Dimension::LeadOrganisationKind, false),
            (Dimension::Funder, false),
            (Dimension::FundingDurationBand, false),
        ] {
            let everything = |_: usize, chunk: &crate::index::Chunk| crate::index::Bitmap::full(chunk.len());
            let domain = Domain::new(dimension, &snapshot, &everything);
            let described = DescribedDomain::new(&domain, &snapshot.places);
            let mut is_decided = false;
            for (position, chunk) in snapshot.chunks.iter().enumerate() {
                let mut own = crate::count::layout::RowCells::default();
                domain.groups_of_rows(chunk, &mut own);
                for row in classes.find_classed_rows(position).iter() {
                    let class = classes.class_of_rows(position)[row];
                    let description = &classes.descriptions()[classes.description_of(class).unwrap()];
                    for group in described.decide(description) {
                        is_decided = true;
                        let own = own.get(row);
                        assert!(
                            own.contains(&group),
                            "{dimension:?}, {description:?}: {group} is not in {own:?}"
                        );
                    }
                }
            }
            assert_eq!(is_decided, is_ever_decided, "{dimension:?}");
        }
    }
}
