//! What is gathered of hidden initiatives is as counted one by one, by cells and by pairs.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::DateTime;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;
use wayin_vocabulary::{Challenge, ChallengeStep, ChangeExtent, Dimension, Visibility};

use super::layout::{ByGroupLayout, IllustrativeApartLayout, Layout};
use super::*;
use crate::index::{IndexedFundingTerm, IndexedInitiative, PerspectiveEntryPoints};
use crate::predicate::{Comparison, FundingTermTest, InitiativeTest, Predicate, Quantifier};
use crate::query::RecordScope;
use crate::three_valued_logic::Truth;
use crate::visibility::Reader;

fn pick_optional<T: Copy>(random: &mut StdRng, of: &[T]) -> Option<T> {
    of.get(random.random_range(0..=of.len())).copied()
}

fn random_row(random: &mut StdRng, id: u128, organisations: u32) -> IndexedInitiative {
    // One organisation leads many.
    let lead = if random.random_ratio(1, 2) {
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
        started_on: None,
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

/// What is so of one row, by the index's own evaluation: other tests see to that.
fn evaluate_all(conditions: &[InitiativePredicate], snapshot: &Snapshot) -> HashMap<Uuid, Vec<Truth>> {
    let kept = TruthCache::new(0);
    let mut of_rows: HashMap<Uuid, Vec<Truth>> = HashMap::new();
    for condition in conditions {
        let prepared = PreparedPredicate::new(condition, snapshot, &kept, snapshot.chunks.len());
        for (position, chunk) in snapshot.chunks.iter().enumerate() {
            let truths = prepared.evaluate(position, chunk);
            for (row, id) in chunk.ids().iter().enumerate() {
                of_rows.entry(*id).or_default().push(truths.get(row));
            }
        }
    }
    of_rows
}

/// A published cell, from its rows one by one.
fn count_naively<'a>(readable: u64, hidden: impl Iterator<Item = &'a IndexedInitiative>) -> RawCell {
    let rows: Vec<&IndexedInitiative> = hidden.collect();
    let mut led: HashMap<u32, u64> = HashMap::new();
    rows.iter().for_each(|row| *led.entry(row.lead).or_default() += 1);
    RawCell {
        visible: readable,
        hidden: rows.len() as u64,
        key: rows.iter().fold(0, |key, row| key.wrapping_add(row.cell_key)),
        organisations: u8::try_from(led.len().min(5)).unwrap(),
        largest_lead_count: led.values().copied().max().unwrap_or(0),
    }
}

/// Clears the largest lead if it is not a majority: then it is not disclosed.
fn normalise_largest_lead(mut cell: RawCell) -> RawCell {
    if cell.largest_lead_count * 2 <= cell.hidden {
        cell.largest_lead_count = 0;
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
#[allow(clippy::too_many_lines, reason = "one base, counted in every way there is")]
fn hidden_counts_match_row_by_row_counts() {
    let mut random = StdRng::seed_from_u64(14);
    for round in 0..12 {
        let organisations = [1, 4, 6, 400][round % 4];
        let count = [30, 900, 9_000][round % 3];
        let rows: Vec<IndexedInitiative> = (1..=count)
            .map(|id| random_row(&mut random, id, organisations))
            .collect();
        let mut live = Snapshot::default();
        live.apply(rows.clone(), Vec::new());
        // The released snapshot knows some of them otherwise.
        let mut released = live.clone();
        let changed: Vec<IndexedInitiative> = (1..=count / 20)
            .map(|id| random_row(&mut random, id, organisations))
            .collect();
        released.apply(changed.clone(), Vec::new());
        let (kept, noise, run) = (
            TruthCache::default(),
            PerturbationTable::default(),
            CancellationToken::default(),
        );
        let base = EvaluationContext {
            newest: &live,
            staged: [&released; 2],
            truth_cache: &kept,
            noise: &noise,
            cancellation: &run,
        };
        let viewpoint = Viewpoint {
            reader: Reader::Dashboard,
            scope: RecordScope::All,
        };
        let conditions = list_predicates();
        let everything = Predicate::ALWAYS_TRUE;
        let counting = PopulationCounter::new(base, viewpoint, &everything);
        let prepared: Vec<PreparedPredicate<'_>> =
            conditions.iter().map(|one| counting.prepare(one)).collect();
        let (of_live, of_released) = (
            evaluate_all(&conditions, &live),
            evaluate_all(&conditions, &released),
        );
        let as_released: HashMap<Uuid, &IndexedInitiative> =
            rows.iter().chain(&changed).map(|row| (row.id, row)).collect();
        let expected = |one: usize, other: usize, at: usize| {
            let is_in = |of: &HashMap<Uuid, Vec<Truth>>, id: &Uuid| {
                is_in_published_cell(at, of[id][one], of[id][other])
            };
            let open = |row: &&IndexedInitiative| row.visibility == Visibility::Open;
            let readable = rows
                .iter()
                .filter(open)
                .filter(|row| is_in(&of_live, &row.id))
                .count() as u64;
            let hidden = as_released
                .values()
                .copied()
                .filter(|row| !open(row) && is_in(&of_released, &row.id));
            normalise_largest_lead(count_naively(readable, hidden))
        };
        let pairs = counting
            .count_pairs(&prepared.iter().collect::<Vec<_>>())
            .unwrap();
        let mut at = pairs.iter();
        for one in 0..conditions.len() {
            for other in one + 1..conditions.len() {
                for published in 0..8 {
                    let expected = expected(one, other, published);
                    let found = normalise_largest_lead(*at.next().unwrap());
                    assert_eq!(
                        found, expected,
                        "round {round}, {one} with {other}, cell {published}"
                    );
                }
            }
        }
        // A single group, that of those that do not say, is the whole; several add up to it.
        let nowhere = counting.domain(Dimension::Region);
        let whole = ByGroupLayout {
            when: &prepared[0],
            then: &prepared[1],
            by: &nowhere,
        };
        for (published, cell) in counting.count_layout(&whole).unwrap().iter().enumerate() {
            assert_eq!(
                normalise_largest_lead(*cell),
                expected(0, 1, published),
                "round {round}, cell {published} by cells"
            );
        }
        // Sets of rows give the same as cells of a layout.
        let domain = counting.domain(Dimension::ChallengeConditions);
        let of_sets = counting
            .count_row_sets(|_, chunk| domain.group_bitmaps(chunk))
            .unwrap();
        let marked = counting
            .count_layout(&IllustrativeApartLayout { by: Some(&domain) })
            .unwrap();
        assert_eq!(of_sets.len(), domain.groups().len());
        for (group, cell) in of_sets.iter().enumerate() {
            assert_eq!(
                normalise_largest_lead(*cell),
                normalise_largest_lead(marked[group * 2]),
                "round {round}, group {group} by sets"
            );
        }
        let by = ByGroupLayout {
            when: &prepared[0],
            then: &prepared[1],
            by: &domain,
        };
        let cells = counting.count_layout(&by).unwrap();
        assert_eq!(cells.len(), by.block_count() * 8);
        for published in 0..8 {
            let of_groups = cells.iter().skip(published).step_by(8);
            let (readable, hidden, key) = of_groups.fold((0, 0, 0_u8), |sum, cell| {
                (
                    sum.0 + cell.visible,
                    sum.1 + cell.hidden,
                    sum.2.wrapping_add(cell.key),
                )
            });
            let whole = expected(0, 1, published);
            assert_eq!(
                (readable, hidden, key),
                (whole.visible, whole.hidden, whole.key),
                "round {round}"
            );
        }
    }
}

#[test]
fn abandoned_work_is_cancelled() {
    let mut random = StdRng::seed_from_u64(15);
    let mut live = Snapshot::default();
    live.apply(
        (1..=100).map(|id| random_row(&mut random, id, 9)).collect(),
        Vec::new(),
    );
    let live = Arc::new(live);
    let stopped = |run: &CancellationToken| {
        let (kept, noise) = (TruthCache::default(), PerturbationTable::default());
        let base = EvaluationContext {
            newest: &live,
            staged: [&live; 2],
            truth_cache: &kept,
            noise: &noise,
            cancellation: run,
        };
        let viewpoint = Viewpoint {
            reader: Reader::Steward,
            scope: RecordScope::All,
        };
        let conditions = list_predicates();
        let everything = Predicate::ALWAYS_TRUE;
        let counting = PopulationCounter::new(base, viewpoint, &everything);
        let (when, then) = (counting.prepare(&conditions[0]), counting.prepare(&conditions[1]));
        counting.count_3x3(&when, &then).err()
    };
    let (run, waiting) = CancellationToken::with_timeout(std::time::Duration::from_mins(1));
    assert_eq!(stopped(&run), None);
    drop(waiting);
    assert_eq!(stopped(&run), Some(Cancelled::Abandoned));
    let (late, _waiting) = CancellationToken::with_timeout(std::time::Duration::ZERO);
    std::thread::sleep(std::time::Duration::from_millis(1));
    assert_eq!(stopped(&late), Some(Cancelled::DeadlineExceeded));
}
