//! What is gathered of hidden initiatives is as counted one by one, by cells and by pairs.

use std::collections::HashMap;
use std::sync::Arc;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;
use wayin_vocabulary::{Challenge, ChallengeStep, ChangeExtent, Dimension, Visibility};

use super::layout::{ByStratum, Layout, Marked};
use super::*;
use crate::index::{EntryPoints, Row, Term};
use crate::predicate::{Comparison, Condition, InitiativeTest, Quantifier, TermTest};
use crate::query::RecordScope;
use crate::three_valued::Truth;
use crate::visibility::Reader;

fn maybe<T: Copy>(random: &mut StdRng, of: &[T]) -> Option<T> {
    of.get(random.random_range(0..=of.len())).copied()
}

fn row(random: &mut StdRng, id: u128, organisations: u32) -> Row {
    // One organisation leads many.
    let lead = if random.random_ratio(1, 2) {
        0
    } else {
        random.random_range(0..organisations)
    };
    Row {
        id: Uuid::from_u128(id),
        key: random.random(),
        place: None,
        lead,
        title: "".into(),
        started_on: None,
        ended_on: None,
        ongoing: None,
        visibility: Visibility::ALL[random.random_range(0..3)],
        shared_with_funders: false,
        illustrative: random.random(),
        entry_points: [EntryPoints::default(); 4],
        steps: std::array::from_fn(|_| maybe(random, ChallengeStep::ALL)),
        reasons: [0; 3],
        changes: std::array::from_fn(|_| maybe(random, ChangeExtent::ALL)),
        terms: (0..random.random_range(0..3))
            .map(|_| Term {
                duration_months: maybe(random, &[6, 12, 24]),
                ..Term::default()
            })
            .collect(),
        missing: Vec::new(),
        terms_missing: Vec::new(),
    }
}

fn conditions() -> Vec<InitiativeCondition> {
    let step = |of, found| Condition::Test(InitiativeTest::Step(of, Comparison::OneOf(vec![found])));
    let short = Condition::Test(TermTest::DurationMonths(Comparison::AtMost(12)));
    vec![
        step(Challenge::DefiningAmbitions, ChallengeStep::Skipped),
        step(Challenge::UnderstandingLocalSystem, ChallengeStep::Taken).negated(),
        Condition::Test(InitiativeTest::FundingTerms(Quantifier::Some, short)),
        Condition::Any(vec![
            step(Challenge::FosteringConditions, ChallengeStep::Rushed),
            step(Challenge::DefiningAmbitions, ChallengeStep::Taken),
        ]),
    ]
}

/// What is so of one row, by the index's own evaluation: other tests see to that.
fn truths(conditions: &[InitiativeCondition], snapshot: &Snapshot) -> HashMap<Uuid, Vec<Truth>> {
    let kept = Kept::new(0);
    let mut of_rows: HashMap<Uuid, Vec<Truth>> = HashMap::new();
    for condition in conditions {
        let prepared = Prepared::new(condition, snapshot, &kept, snapshot.chunks.len());
        for (position, chunk) in snapshot.chunks.iter().enumerate() {
            let truths = prepared.of(position, chunk);
            for (row, id) in chunk.ids().iter().enumerate() {
                of_rows.entry(*id).or_default().push(truths.at(row));
            }
        }
    }
    of_rows
}

/// A published cell, from its rows one by one.
fn naive<'a>(readable: u64, hidden: impl Iterator<Item = &'a Row>) -> RawCell {
    let rows: Vec<&Row> = hidden.collect();
    let mut led: HashMap<u32, u64> = HashMap::new();
    rows.iter().for_each(|row| *led.entry(row.lead).or_default() += 1);
    RawCell {
        readable,
        hidden: rows.len() as u64,
        key: rows.iter().fold(0, |key, row| key.wrapping_add(row.key)),
        organisations: u8::try_from(led.len().min(5)).unwrap(),
        largest: led.values().copied().max().unwrap_or(0),
    }
}

/// Where an organisation leads no majority, who leads most does not matter and is not told.
fn told(mut cell: RawCell) -> RawCell {
    if cell.largest * 2 <= cell.hidden {
        cell.largest = 0;
    }
    cell
}

fn in_published(at: usize, when: Truth, then: Truth) -> bool {
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
fn hidden_initiatives_are_gathered_as_one_by_one() {
    let mut random = StdRng::seed_from_u64(14);
    for round in 0..12 {
        let organisations = [1, 4, 6, 400][round % 4];
        let count = [30, 900, 9_000][round % 3];
        let rows: Vec<Row> = (1..=count)
            .map(|id| row(&mut random, id, organisations))
            .collect();
        let mut live = Snapshot::default();
        live.apply(rows.clone(), Vec::new());
        // The released snapshot knows some of them otherwise.
        let mut released = live.clone();
        let changed: Vec<Row> = (1..=count / 20)
            .map(|id| row(&mut random, id, organisations))
            .collect();
        released.apply(changed.clone(), Vec::new());
        let (kept, noise, run) = (Kept::default(), Noise::default(), Run::default());
        let base = Base {
            live: &live,
            released: [&released; 2],
            kept: &kept,
            noise: &noise,
            run: &run,
        };
        let viewpoint = Viewpoint {
            reader: Reader::Dashboard,
            scope: RecordScope::All,
        };
        let conditions = conditions();
        let everything = Condition::EVERYTHING;
        let counting = Counting::new(base, viewpoint, &everything);
        let prepared: Vec<Prepared<'_>> = conditions.iter().map(|one| counting.prepare(one)).collect();
        let (of_live, of_released) = (truths(&conditions, &live), truths(&conditions, &released));
        let as_released: HashMap<Uuid, &Row> = rows.iter().chain(&changed).map(|row| (row.id, row)).collect();
        let expected = |one: usize, other: usize, at: usize| {
            let is_in =
                |of: &HashMap<Uuid, Vec<Truth>>, id: &Uuid| in_published(at, of[id][one], of[id][other]);
            let open = |row: &&Row| row.visibility == Visibility::Open;
            let readable = rows
                .iter()
                .filter(open)
                .filter(|row| is_in(&of_live, &row.id))
                .count() as u64;
            let hidden = as_released
                .values()
                .copied()
                .filter(|row| !open(row) && is_in(&of_released, &row.id));
            told(naive(readable, hidden))
        };
        let pairs = counting.pairs(&prepared.iter().collect::<Vec<_>>()).unwrap();
        let mut at = pairs.iter();
        for one in 0..conditions.len() {
            for other in one + 1..conditions.len() {
                for published in 0..8 {
                    let expected = expected(one, other, published);
                    let found = told(*at.next().unwrap());
                    assert_eq!(
                        found, expected,
                        "round {round}, {one} with {other}, cell {published}"
                    );
                }
            }
        }
        // A single group, that of those that do not say, is the whole; several add up to it.
        let nowhere = counting.domain(Dimension::Region);
        let whole = ByStratum {
            when: &prepared[0],
            then: &prepared[1],
            by: &nowhere,
        };
        for (published, cell) in counting.cells(&whole).unwrap().iter().enumerate() {
            assert_eq!(
                told(*cell),
                expected(0, 1, published),
                "round {round}, cell {published} by cells"
            );
        }
        // Sets of rows give the same as cells of a layout.
        let domain = counting.domain(Dimension::ChallengeConditions);
        let of_sets = counting.sets(|_, chunk| domain.sets(chunk)).unwrap();
        let marked = counting.cells(&Marked { by: Some(&domain) }).unwrap();
        assert_eq!(of_sets.len(), domain.groups().len());
        for (group, cell) in of_sets.iter().enumerate() {
            assert_eq!(
                told(*cell),
                told(marked[group * 2]),
                "round {round}, group {group} by sets"
            );
        }
        let by = ByStratum {
            when: &prepared[0],
            then: &prepared[1],
            by: &domain,
        };
        let cells = counting.cells(&by).unwrap();
        assert_eq!(cells.len(), by.groups() * 8);
        for published in 0..8 {
            let of_groups = cells.iter().skip(published).step_by(8);
            let (readable, hidden, key) = of_groups.fold((0, 0, 0_u8), |sum, cell| {
                (
                    sum.0 + cell.readable,
                    sum.1 + cell.hidden,
                    sum.2.wrapping_add(cell.key),
                )
            });
            let whole = expected(0, 1, published);
            assert_eq!(
                (readable, hidden, key),
                (whole.readable, whole.hidden, whole.key),
                "round {round}"
            );
        }
    }
}

#[test]
fn work_that_nobody_waits_for_ends() {
    let mut random = StdRng::seed_from_u64(15);
    let mut live = Snapshot::default();
    live.apply((1..=100).map(|id| row(&mut random, id, 9)).collect(), Vec::new());
    let live = Arc::new(live);
    let stopped = |run: &Run| {
        let (kept, noise) = (Kept::default(), Noise::default());
        let base = Base {
            live: &live,
            released: [&live; 2],
            kept: &kept,
            noise: &noise,
            run,
        };
        let viewpoint = Viewpoint {
            reader: Reader::Steward,
            scope: RecordScope::All,
        };
        let conditions = conditions();
        let everything = Condition::EVERYTHING;
        let counting = Counting::new(base, viewpoint, &everything);
        let (when, then) = (counting.prepare(&conditions[0]), counting.prepare(&conditions[1]));
        counting.nine(&when, &then).err()
    };
    let (run, waiting) = Run::within(std::time::Duration::from_mins(1));
    assert_eq!(stopped(&run), None);
    drop(waiting);
    assert_eq!(stopped(&run), Some(Stopped::Abandoned));
    let (late, _waiting) = Run::within(std::time::Duration::ZERO);
    std::thread::sleep(std::time::Duration::from_millis(1));
    assert_eq!(stopped(&late), Some(Stopped::Late));
}
