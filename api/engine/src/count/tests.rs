//! Counts are as counted row by row, by cells and by pairs, and hidden rows are decided by their classes.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;
use wayin_vocabulary::{Challenge, ChallengeStep, ChangeExtent, Condition, Dimension, Visibility};

use super::layout::{ByGroupLayout, IllustrativeApartLayout};
use super::*;
use crate::answer::{ComparisonQuery, compute_comparison, compute_pattern};
use crate::disclosure::classes::description::DescribedTest;
use crate::disclosure::protected::ProtectedAnswer;
use crate::index::{IndexedFundingTerm, IndexedInitiative, PerspectiveEntryPoints};
use crate::predicate::{Comparison, FundingTermTest, InitiativeTest, Predicate, Quantifier};
use crate::query::{PatternQuery, RecordScope};
use crate::three_valued_logic::Truth;
use crate::visibility::{Audience, Reader};

fn pick_optional<T: Copy>(random: &mut StdRng, of: &[T]) -> Option<T> {
    of.get(random.random_range(0..=of.len())).copied()
}

fn first_day(year: i32) -> NaiveDate {
    NaiveDate::from_ymd_opt(year, 1, 1).unwrap()
}

fn random_row(random: &mut StdRng, id: u128, organisations: u32) -> IndexedInitiative {
    // One organisation leads many.
    let lead = if random.random_ratio(1, 4) {
        0
    } else {
        random.random_range(0..organisations)
    };
    IndexedInitiative {
        id: Uuid::from_u128(id),
        cell_key: random.random(),
        place: None,
        lead,
        title: "".into(),
        published_at: DateTime::UNIX_EPOCH,
        updated_at: DateTime::UNIX_EPOCH,
        started_on: pick_optional(random, &[2015, 2019, 2022]).map(first_day),
        ended_on: None,
        ongoing: None,
        visibility: Visibility::ALL[random.random_range(0..3)],
        shared_with_funders: false,
        illustrative: random.random(),
        entry_points: [PerspectiveEntryPoints::default(); 4],
        steps: std::array::from_fn(|_| pick_optional(random, ChallengeStep::ALL)),
        reasons: [0; 3],
        changes: std::array::from_fn(|_| pick_optional(random, ChangeExtent::ALL)),
        terms: (0..random.random_range(0..3))
            .map(|_| IndexedFundingTerm {
                funder: organisations + random.random_range(0..9),
                duration_months: pick_optional(random, &[6, 12, 24]),
                ..IndexedFundingTerm::default()
            })
            .collect(),
        missing: Vec::new(),
        missing_in_terms: Vec::new(),
    }
}

fn list_predicates() -> Vec<InitiativePredicate> {
    let step = |of, found| Predicate::Test(InitiativeTest::Step(of, Comparison::OneOf(vec![found])));
    let short = Predicate::Test(FundingTermTest::DurationMonths(Comparison::AtMost(12)));
    vec![
        step(Challenge::DefiningAmbitions, ChallengeStep::Skipped),
        step(Challenge::UnderstandingLocalSystem, ChallengeStep::Taken).negated(),
        Predicate::Test(InitiativeTest::FundingTerms(Quantifier::Some, short)),
        Predicate::Any(vec![
            step(Challenge::FosteringConditions, ChallengeStep::Rushed),
            step(Challenge::DefiningAmbitions, ChallengeStep::Taken),
        ]),
    ]
}

/// A snapshot of random rows with its classes, and what is needed to query it.
struct TestBase {
    snapshot: Snapshot,
    classes: [Arc<HiddenClasses>; 2],
    truth_cache: TruthCache,
    noise: PerturbationTable,
    cancellation: CancellationToken,
}

impl TestBase {
    fn new(rows: Vec<IndexedInitiative>) -> Self {
        let mut snapshot = Snapshot::default();
        snapshot.apply(rows, Vec::new());
        Self {
            classes: HiddenClasses::form_all(&snapshot),
            snapshot,
            truth_cache: TruthCache::default(),
            noise: PerturbationTable::default(),
            cancellation: CancellationToken::default(),
        }
    }

    /// Random rows that also have reasons, and terms with months of research and choices.
    fn random_with_details(random: &mut StdRng, count: u128, organisations: u32) -> Self {
        let row = |id| {
            let mut row = random_row(random, id, organisations);
            row.reasons = std::array::from_fn(|_| random.random_range(0..8));
            for term in &mut row.terms {
                term.research_months = pick_optional(random, &[2, 6, 24]);
                term.choices = std::array::from_fn(|_| pick_optional(random, &[0, 1]));
            }
            row
        };
        Self::new((1..=count).map(row).collect())
    }

    fn random(random: &mut StdRng, count: u128, organisations: u32) -> Self {
        Self::new(
            (1..=count)
                .map(|id| random_row(random, id, organisations))
                .collect(),
        )
    }

    fn context(&self) -> EvaluationContext<'_> {
        EvaluationContext {
            newest: &self.snapshot,
            classes: self.classes.each_ref().map(|classes| &**classes),
            truth_cache: &self.truth_cache,
            noise: &self.noise,
            cancellation: &self.cancellation,
        }
    }

    fn rows(&self) -> Vec<IndexedInitiative> {
        self.snapshot
            .chunks
            .iter()
            .flat_map(|chunk| chunk.unpack())
            .collect()
    }
}

static EVERYTHING: InitiativePredicate = Predicate::ALWAYS_TRUE;

const DASHBOARD: Viewpoint = Viewpoint {
    reader: Reader::Dashboard,
    scope: RecordScope::All,
};

/// The values of a predicate for each row, in the order of the snapshot: as they are for visible rows, and as the classes
/// decide for hidden ones. None for hidden rows without a class.
fn decide_naively(
    base: &TestBase,
    counter: &PopulationCounter<'_>,
    predicate: &InitiativePredicate,
) -> Vec<Option<Truth>> {
    let classes = &base.classes[Audience::Dashboards as usize];
    let coarsening = &counter.decisions.as_ref().expect("it has decided").coarsening;
    let mut raw: HashMap<InitiativeTest, Vec<Truth>> = HashMap::new();
    predicate.for_each_test(&mut |test| {
        let alone = Predicate::Test(test.clone());
        let prepared = PreparedPredicate::new(
            &alone,
            &base.snapshot,
            &base.truth_cache,
            base.snapshot.chunks.len(),
        );
        let of_chunk = |(position, chunk): (usize, &Arc<Chunk>)| {
            let truths = prepared.evaluate(position, chunk).into_owned();
            (0..chunk.len())
                .map(move |row| truths.get(row))
                .collect::<Vec<_>>()
        };
        let truths = base.snapshot.chunks.iter().enumerate().flat_map(of_chunk);
        raw.insert(test.clone(), truths.collect());
    });
    let mut class_of: Vec<Option<u32>> = Vec::new();
    for (position, chunk) in base.snapshot.chunks.iter().enumerate() {
        let classed = classes.find_classed_rows(position);
        class_of.extend((0..chunk.len()).map(|row| {
            classed
                .contains(row)
                .then(|| classes.class_of_rows(position)[row])
        }));
    }
    let decide_test = |test: &InitiativeTest, row: usize, class: u32| {
        if ProtectedAnswer::of_test(test).is_some() {
            return if coarsening.leaves_out(class) {
                Truth::Unknown
            } else {
                raw[test][row]
            };
        }
        let group = coarsening.group_of(class);
        let described = DescribedTest::new(test, &base.snapshot.places);
        let of_group = (0..)
            .take(classes.class_count())
            .filter(|other| coarsening.group_of(*other) == group);
        let values: Vec<Truth> = of_group
            .filter_map(|other| classes.description_of(other))
            .map(|description| described.decide(&classes.descriptions()[description]))
            .collect();
        if values.iter().all(|value| *value == values[0]) {
            values[0]
        } else {
            Truth::Unknown
        }
    };
    let rows = base.rows();
    (0..rows.len())
        .map(|row| match class_of[row] {
            None if rows[row].visibility == Visibility::Open => {
                Some(predicate.evaluate(&mut |test| raw[test][row]))
            }
            None => None,
            Some(class) => Some(predicate.evaluate(&mut |test| decide_test(test, row, class))),
        })
        .collect()
}

/// A published cell, from its rows one by one.
fn count_naively<'a>(rows: impl Iterator<Item = &'a IndexedInitiative>) -> RawCell {
    let mut cell = RawCell::default();
    for row in rows {
        if row.visibility == Visibility::Open {
            cell.visible += 1;
        } else {
            cell.hidden += 1;
            cell.key = cell.key.wrapping_add(row.cell_key);
        }
    }
    cell
}

fn is_in_published_cell(at: usize, when: Truth, then: Truth) -> bool {
    use Truth::{False, True, Unknown};
    match at {
        0 => true,
        1 => (when, then) == (True, True),
        2 => (when, then) == (True, False),
        3 => (when, then) == (False, True),
        4 => (when, then) == (False, False),
        5 => when == Unknown || then == Unknown,
        6 => when == Unknown,
        _ => then == Unknown,
    }
}

#[test]
fn counts_match_row_by_row_counts() {
    let mut random = StdRng::seed_from_u64(14);
    for (count, organisations) in [(30, 4), (300, 40), (900, 20), (1_500, 400)] {
        let base = TestBase::random(&mut random, count, organisations);
        let rows = base.rows();
        let conditions = list_predicates();
        let among = Predicate::Test(InitiativeTest::StartedOn(Comparison::AtMost(first_day(2020)))).negated();
        for among in [&Predicate::ALWAYS_TRUE, &among] {
            let counter = PopulationCounter::new(base.context(), DASHBOARD, among);
            let prepared: Vec<PreparedPredicate<'_>> =
                conditions.iter().map(|one| counter.prepare(one)).collect();
            let pairs = counter.count_pairs(&prepared.iter().collect::<Vec<_>>()).unwrap();
            for ((one, other), cells) in list_pairs(conditions.len()).into_iter().zip(pairs.chunks(8)) {
                let decided = counter.decide(&[&prepared[one], &prepared[other]], &[]).unwrap();
                let values = [among, &conditions[one], &conditions[other]]
                    .map(|predicate| decide_naively(&base, &decided, predicate));
                let nowhere = decided.domain(Dimension::Region);
                let by_cells = counter
                    .decide(&[&prepared[one], &prepared[other]], &[&nowhere])
                    .unwrap();
                let layout = ByGroupLayout {
                    when: &prepared[one],
                    then: &prepared[other],
                    by: &nowhere,
                };
                let by_cells = by_cells.count_layout(&layout).unwrap();
                for (published, cell) in cells.iter().enumerate() {
                    let is_in = |row: &usize| {
                        values[0][*row] == Some(Truth::True)
                            && values[1][*row]
                                .zip(values[2][*row])
                                .is_some_and(|(when, then)| is_in_published_cell(published, when, then))
                    };
                    let expected = count_naively((0..rows.len()).filter(is_in).map(|row| &rows[row]));
                    assert_eq!(
                        *cell, expected,
                        "{count} rows, {one} with {other}, cell {published}"
                    );
                    assert_eq!(
                        by_cells[published], expected,
                        "{count} rows, {one} with {other}, cell {published} by cells"
                    );
                }
            }
        }
    }
}

#[test]
fn sets_of_rows_match_cells_and_groups_add_up() {
    let mut random = StdRng::seed_from_u64(16);
    for (count, organisations) in [(300, 40), (9_000, 60)] {
        let base = TestBase::random_with_details(&mut random, count, organisations);
        let counter = PopulationCounter::new(base.context(), DASHBOARD, &EVERYTHING);
        for dimension in Dimension::ALL {
            let domain = counter.domain(*dimension);
            let counter = counter.decide(&[], &[&domain]).unwrap();
            let of_sets = counter
                .count_row_sets(domain.groups().len(), |position, _| {
                    counter.group_bitmaps(&domain, position)
                })
                .unwrap();
            let marked = counter
                .count_layout(&IllustrativeApartLayout { by: Some(&domain) })
                .unwrap();
            assert_eq!(of_sets.len(), domain.groups().len());
            for (group, cell) in of_sets.iter().enumerate() {
                assert_eq!(*cell, marked[group * 2], "{dimension:?}, group {group}");
            }
            if !domain.has_overlap() {
                let visible: u64 = of_sets.iter().map(|cell| cell.visible).sum();
                let hidden: u64 = of_sets.iter().map(|cell| cell.hidden).sum();
                let classed = |position| counter.find_hidden_rows(position).count();
                assert_eq!(hidden, (0..base.snapshot.chunks.len()).map(classed).sum::<u64>());
                let open = base
                    .rows()
                    .iter()
                    .filter(|row| row.visibility == Visibility::Open)
                    .count();
                assert_eq!(visible, open as u64, "{dimension:?}");
            }
        }
    }
}

/// A random predicate on key variables, with `and`, `or` and `not`.
fn random_key_predicate(random: &mut StdRng, depth: usize) -> InitiativePredicate {
    let day = first_day(random.random_range(2014..2026));
    match random.random_range(0..if depth == 0 { 5 } else { 8 }) {
        0 => Predicate::Test(InitiativeTest::StartedOn(Comparison::AtMost(day))),
        1 => Predicate::Test(InitiativeTest::StartedOn(Comparison::Known(random.random()))),
        2 => Predicate::Test(InitiativeTest::FundingTerms(
            [Quantifier::Some, Quantifier::Every, Quantifier::None][random.random_range(0..3)],
            Predicate::Test(FundingTermTest::DurationMonths(Comparison::AtMost(
                random.random_range(1..30),
            ))),
        )),
        3 => Predicate::Test(InitiativeTest::Id(vec![Uuid::from_u128(
            random.random_range(1..400),
        )])),
        4 => Predicate::Test(InitiativeTest::FundingTermsRecorded(random.random())),
        5 => random_key_predicate(random, depth - 1).negated(),
        one => {
            let parts = (0..random.random_range(0..4))
                .map(|_| random_key_predicate(random, depth - 1))
                .collect();
            if one == 6 {
                Predicate::All(parts)
            } else {
                Predicate::Any(parts)
            }
        }
    }
}

#[test]
fn populations_differ_by_all_classes_with_a_description() {
    let mut random = StdRng::seed_from_u64(17);
    for (count, organisations) in [(60, 20), (400, 40), (5_000, 60)] {
        let base = TestBase::random(&mut random, count, organisations);
        for (reader, audience) in [
            (Reader::Dashboard, Audience::Dashboards),
            (
                Reader::Member {
                    organisation: Uuid::nil(),
                },
                Audience::Members,
            ),
        ] {
            let classes = &base.classes[audience as usize];
            let viewpoint = Viewpoint {
                reader,
                scope: RecordScope::All,
            };
            for _ in 0..120 {
                let among = random_key_predicate(&mut random, 3);
                let counter = PopulationCounter::new(base.context(), viewpoint, &among);
                let counter = counter.decide(&[], &[]).unwrap();
                let mut is_in: HashMap<usize, bool> = HashMap::new();
                for position in 0..base.snapshot.chunks.len() {
                    let population = counter.find_hidden_population(position);
                    for row in counter.find_hidden_rows(position).iter() {
                        let class = classes.class_of_rows(position)[row];
                        let description = classes.description_of(class).expect("the row is in a class");
                        let known = is_in.entry(description).or_insert(population.contains(row));
                        assert_eq!(
                            *known,
                            population.contains(row),
                            "{among:?} divides the records of {audience:?} with the description {:?}",
                            classes.descriptions()[description]
                        );
                    }
                }
            }
        }
    }
}

/// For each group of merged classes: the answers of each record.
#[test]
fn merged_classes_have_diverse_answers() {
    let mut random = StdRng::seed_from_u64(18);
    let mut merged = 0;
    for (count, organisations) in [(60, 20), (400, 40), (3_000, 60)] {
        let base = TestBase::random(&mut random, count, organisations);
        let classes = &base.classes[Audience::Dashboards as usize];
        let step = |of| InitiativeTest::Step(of, Comparison::OneOf(vec![ChallengeStep::Skipped]));
        let change = InitiativeTest::Change(Condition::ALL[0], Comparison::OneOf(vec![ChangeExtent::ALL[0]]));
        let tests = [
            step(Challenge::DefiningAmbitions),
            step(Challenge::UnderstandingLocalSystem),
            change,
        ];
        let mut coarser_than: Vec<HashMap<u32, u32>> = Vec::new();
        for answer_count in 1..=3 {
            let key_variable = InitiativeTest::FundingTermsRecorded(true);
            let asked = tests[..answer_count].iter().chain([&key_variable]);
            let among = Predicate::All(asked.cloned().map(Predicate::Test).collect());
            let counter = PopulationCounter::new(base.context(), DASHBOARD, &among);
            let counter = counter.decide(&[], &[]).unwrap();
            let coarsening = &counter.decisions.as_ref().unwrap().coarsening;
            let mut groups: HashMap<u32, Vec<(Vec<Truth>, u32)>> = HashMap::new();
            let mut group_of: HashMap<u32, u32> = HashMap::new();
            for (position, chunk) in base.snapshot.chunks.iter().enumerate() {
                let truths: Vec<_> = tests[..answer_count]
                    .iter()
                    .map(|test| {
                        let alone = Predicate::Test(test.clone());
                        let prepared = PreparedPredicate::new(
                            &alone,
                            &base.snapshot,
                            &base.truth_cache,
                            base.snapshot.chunks.len(),
                        );
                        prepared.evaluate(position, chunk).into_owned()
                    })
                    .collect();
                for row in counter.find_hidden_rows(position).iter() {
                    let class = classes.class_of_rows(position)[row];
                    group_of.insert(class, coarsening.group_of(class));
                    if !coarsening.leaves_out(class) {
                        let profile = truths.iter().map(|truths| truths.get(row)).collect();
                        groups
                            .entry(coarsening.group_of(class))
                            .or_default()
                            .push((profile, chunk.leads[row]));
                    }
                }
            }
            merged += usize::from(groups.len() < group_of.len());
            for rows in groups.values() {
                for (profile, _) in rows {
                    for answer in 0..answer_count {
                        let agrees = |other: &[Truth], one: usize| other[one] == profile[one];
                        let leads: HashSet<u32> = rows
                            .iter()
                            .filter(|(other, _)| {
                                (0..answer_count).all(|one| agrees(other, one) == (one != answer))
                            })
                            .map(|(_, lead)| *lead)
                            .collect();
                        assert!(
                            leads.len() >= 3,
                            "answer {answer} of {profile:?} is shared by nearly all: {rows:?}"
                        );
                    }
                }
            }
            // Without key variables, all classes are looked at together: the same are left out.
            let among = Predicate::All(
                tests[..answer_count]
                    .iter()
                    .cloned()
                    .map(Predicate::Test)
                    .collect(),
            );
            let whole = PopulationCounter::new(base.context(), DASHBOARD, &among);
            let whole = whole.decide(&[], &[]).unwrap();
            let of_whole = &whole.decisions.as_ref().unwrap().coarsening;
            for class in group_of.keys() {
                assert_eq!(
                    of_whole.leaves_out(*class),
                    coarsening.leaves_out(*class),
                    "{answer_count} answers, class {class}"
                );
            }
            // More answers merge whole groups of fewer answers.
            for finer in &coarser_than {
                for (class, group) in finer {
                    let together = finer.iter().filter(|(_, other)| *other == group);
                    let coarser: HashSet<u32> = together.map(|(other, _)| group_of[other]).collect();
                    assert_eq!(
                        coarser.len(),
                        1,
                        "the group of class {class} is divided by another answer"
                    );
                }
            }
            coarser_than.push(group_of);
        }
    }
    assert!(merged > 0, "no classes were merged");
}

/// Each value of a set of answers is concealed by records with other values.
#[test]
fn merged_classes_conceal_each_value_of_a_set() {
    let mut random = StdRng::seed_from_u64(19);
    let mut counted = HashMap::new();
    for (count, organisations) in [(400, 40), (3_000, 60)] {
        let base = TestBase::random_with_details(&mut random, count, organisations);
        let classes = &base.classes[Audience::Dashboards as usize];
        for dimension in [
            Dimension::Challenge,
            Dimension::Reason,
            Dimension::ConditionChanged,
            Dimension::UpfrontResearchMonthsBand,
        ] {
            let answer = ProtectedAnswer::of_dimension(dimension).unwrap();
            let alternatives = answer.list_alternatives().unwrap();
            let counter = PopulationCounter::new(base.context(), DASHBOARD, &EVERYTHING);
            let domain = counter.domain(dimension);
            let counter = counter.decide(&[], &[&domain]).unwrap();
            let coarsening = &counter.decisions.as_ref().unwrap().coarsening;
            let mut groups: HashMap<u32, Vec<(u16, u32)>> = HashMap::new();
            for (position, chunk) in base.snapshot.chunks.iter().enumerate() {
                let sets = answer.find_value_sets(chunk).unwrap();
                for row in counter.find_hidden_rows(position).iter() {
                    let class = classes.class_of_rows(position)[row];
                    if !coarsening.leaves_out(class) {
                        let of_group = groups.entry(coarsening.group_of(class)).or_default();
                        of_group.push((sets[row], chunk.leads[row]));
                    }
                }
            }
            for rows in groups.values() {
                for (set, _) in rows {
                    for (mask, bit) in alternatives
                        .iter()
                        .flat_map(|mask| (0..16).map(move |bit| (mask, 1 << bit)))
                    {
                        let others = rows
                            .iter()
                            .filter(|(other, _)| other & mask != 0 && other & bit == 0);
                        let leads: HashSet<u32> = others.map(|(_, lead)| *lead).collect();
                        assert!(
                            set & mask & bit == 0 || leads.len() >= 3,
                            "{dimension:?}: nearly all have the value {bit:b} of {set:b}"
                        );
                    }
                }
            }
            *counted.entry(dimension).or_insert(0) += groups.len();
        }
        // Crossed with itself, it would count two values together.
        let counter = PopulationCounter::new(base.context(), DASHBOARD, &EVERYTHING);
        let domain = counter.domain(Dimension::Challenge);
        let counter = counter.decide(&[], &[&domain, &domain]).unwrap();
        let coarsening = &counter.decisions.as_ref().unwrap().coarsening;
        let mut numbers = (0..).take(classes.class_count());
        assert!(numbers.all(|class| classes.description_of(class).is_none() || coarsening.leaves_out(class)));
    }
    assert!(counted.values().all(|count| *count > 0), "{counted:?}");
}

#[test]
fn comparison_equals_a_pattern_for_each_group() {
    let mut random = StdRng::seed_from_u64(52);
    let base = TestBase::random(&mut random, 2_000, 40);
    let [skipped, not_taken, short, mixed] = <[_; 4]>::try_from(list_predicates()).unwrap();
    let in_year = Predicate::Test(InitiativeTest::StartedOn(Comparison::AtLeast(first_day(2019))));
    let mut suppressed = 0;
    for (reader, scope) in [
        (Reader::Dashboard, RecordScope::All),
        (Reader::Dashboard, RecordScope::Visible),
        (Reader::Steward, RecordScope::All),
    ] {
        let viewpoint = Viewpoint { reader, scope };
        for groups in [
            vec![short.clone()],
            vec![not_taken.clone()],
            vec![in_year.clone(), short.clone(), mixed.clone()],
            vec![short.clone(), short.clone().negated()],
        ] {
            let query = ComparisonQuery {
                groups,
                then: skipped.clone(),
                among: in_year.clone(),
                viewpoint,
            };
            let answer = compute_comparison(base.context(), &query).unwrap();
            let mut visible_overlap = false;
            for (at, group) in query.groups.iter().enumerate() {
                let pattern = |then: &InitiativePredicate, scope| {
                    let query = PatternQuery {
                        when: group.clone(),
                        then: then.clone(),
                        among: in_year.clone(),
                        by: None,
                        viewpoint: Viewpoint { reader, scope },
                    };
                    compute_pattern(base.context(), &query, false).unwrap()
                };
                let expected = pattern(&skipped, scope);
                assert_eq!(answer.tables[at], expected.table, "{query:?}");
                assert_eq!(answer.illustrative, expected.illustrative);
                suppressed += expected.table.counts().filter(|one| one.count.is_none()).count();
                if query.groups.len() == 1 {
                    assert_eq!(answer.figures_basis, expected.figures_basis());
                    assert_eq!(answer.basis, expected.basis);
                }
                let readable = if reader == Reader::Steward {
                    scope
                } else {
                    RecordScope::Visible
                };
                visible_overlap |= query.groups[at + 1..]
                    .iter()
                    .any(|other| pattern(other, readable).table.both.count != Some(0));
            }
            assert_eq!(answer.overlap, visible_overlap, "{query:?}");
        }
    }
    assert!(suppressed > 0, "the test compares suppressed counts too");
}

#[test]
fn abandoned_work_is_cancelled() {
    let mut random = StdRng::seed_from_u64(15);
    let base = TestBase::random(&mut random, 100, 9);
    let stopped = |run: &CancellationToken| {
        let context = EvaluationContext {
            cancellation: run,
            ..base.context()
        };
        let viewpoint = Viewpoint {
            reader: Reader::Steward,
            scope: RecordScope::All,
        };
        let conditions = list_predicates();
        let counter = PopulationCounter::new(context, viewpoint, &EVERYTHING);
        let (when, then) = (counter.prepare(&conditions[0]), counter.prepare(&conditions[1]));
        counter.count_3x3(&when, &then).err()
    };
    let (run, waiting) = CancellationToken::with_timeout(std::time::Duration::from_mins(1));
    assert_eq!(stopped(&run), None);
    drop(waiting);
    assert_eq!(stopped(&run), Some(Cancelled::Abandoned));
    let (late, _waiting) = CancellationToken::with_timeout(std::time::Duration::ZERO);
    std::thread::sleep(std::time::Duration::from_millis(1));
    assert_eq!(stopped(&late), Some(Cancelled::DeadlineExceeded));
}
