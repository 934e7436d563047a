//! Pages and counts agree with lists that are filtered and sorted row by row.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, Days, NaiveDate, TimeDelta};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use uuid::Uuid;
use wayin_vocabulary::Visibility;

use super::row_order::compare_in_list;
use super::*;
use crate::cancellation::CancellationToken;
use crate::disclosure::cell_key::PerturbationTable;
use crate::disclosure::classes::HiddenClasses;
use crate::index::{
    IndexedFundingTerm, IndexedInitiative, IndexedOrganisation, OrganisationDictionary, Snapshot,
};
use crate::predicate::{Comparison, InitiativeTest, Predicate};
use crate::predicate_cache::TruthCache;

const ORGANISATION_COUNT: u32 = 4;

fn organisation_id(number: u32) -> Uuid {
    Uuid::from_u128(1_000 + u128::from(number))
}

fn first_day() -> NaiveDate {
    NaiveDate::from_ymd_opt(2020, 1, 1).unwrap()
}

/// Rows with few different values, so that many are equal.
fn random_row(random: &mut StdRng, id: u128) -> IndexedInitiative {
    let day = |random: &mut StdRng| {
        let day = first_day() + Days::new(random.random_range(0..5));
        random.random_ratio(2, 3).then_some(day)
    };
    IndexedInitiative {
        title: ["", "a", "ä", "b", "B"][random.random_range(0..5)].into(),
        published_at: DateTime::UNIX_EPOCH + TimeDelta::microseconds(random.random_range(0..50)),
        updated_at: DateTime::UNIX_EPOCH + TimeDelta::microseconds(random.random_range(0..50)),
        started_on: day(random),
        ended_on: day(random),
        lead: random.random_range(0..ORGANISATION_COUNT),
        visibility: Visibility::ALL[random.random_range(0..3)],
        shared_with_funders: random.random(),
        terms: (0..random.random_range(0..3))
            .map(|_| IndexedFundingTerm {
                funder: random.random_range(0..ORGANISATION_COUNT),
                ..IndexedFundingTerm::default()
            })
            .collect(),
        ..IndexedInitiative::open_without_answers(id)
    }
}

fn random_snapshot(random: &mut StdRng, row_count: u128) -> Snapshot {
    let mut organisations = OrganisationDictionary::default();
    for number in 0..ORGANISATION_COUNT {
        organisations.upsert(IndexedOrganisation {
            id: organisation_id(number),
            name: String::new(),
            name_folded: String::new(),
            identifier_folded: None,
            kind: None,
        });
    }
    let mut snapshot = Snapshot {
        organisations: organisations.into(),
        ..Snapshot::default()
    };
    // In several steps, so that some chunks are small.
    for start in [0, row_count / 3, row_count / 2] {
        let rows = (start..row_count).filter(|id| id % 7 != start % 7);
        snapshot.apply(rows.map(|id| random_row(random, id)).collect(), Vec::new());
    }
    snapshot
}

fn random_query(random: &mut StdRng) -> ListQuery {
    let day = first_day() + Days::new(random.random_range(0..5));
    let conditions = [
        Predicate::ALWAYS_TRUE,
        Predicate::Test(InitiativeTest::StartedOn(Comparison::AtLeast(day))),
        Predicate::Test(InitiativeTest::EndedOn(Comparison::Known(false))).negated(),
        Predicate::Test(InitiativeTest::UpdatedAt(Comparison::Less(
            DateTime::UNIX_EPOCH + TimeDelta::microseconds(random.random_range(0..50)),
        ))),
        Predicate::Test(InitiativeTest::Id(
            (0..6_000).step_by(300).map(Uuid::from_u128).collect(),
        )),
    ];
    let organisation = organisation_id(random.random_range(0..=ORGANISATION_COUNT));
    let readers = [
        Reader::Steward,
        Reader::Dashboard,
        Reader::Member { organisation },
    ];
    ListQuery {
        condition: conditions[random.random_range(0..conditions.len())].clone(),
        reader: readers[random.random_range(0..3)],
        required: [VisiblePart::Whole, VisiblePart::Any][random.random_range(0..2)],
    }
}

fn random_order(random: &mut StdRng) -> ListOrder {
    ListOrder {
        field: SortField::ALL[random.random_range(0..SortField::ALL.len())],
        descending: random.random(),
    }
}

/// Whether a row is in a list, by the rules of [`Reader`] for a single record.
fn is_listed(query: &ListQuery, row: &IndexedInitiative) -> bool {
    let own = query.reader.organisation();
    let is_own = |number: u32| own == Some(organisation_id(number));
    let funds = row.terms.iter().any(|term| is_own(term.funder));
    let is_whole =
        query
            .reader
            .can_view_fully(row.visibility, row.shared_with_funders, is_own(row.lead), funds);
    let is_true = query.condition.evaluate(&mut |test| match test {
        InitiativeTest::StartedOn(comparison) => comparison.evaluate(row.started_on.as_ref()),
        InitiativeTest::EndedOn(comparison) => comparison.evaluate(row.ended_on.as_ref()),
        InitiativeTest::UpdatedAt(comparison) => comparison.evaluate(Some(&row.updated_at)),
        InitiativeTest::Id(ids) => ids.contains(&row.id).into(),
        other => panic!("{other:?} is not in these lists"),
    });
    is_true == crate::three_valued_logic::Truth::True
        && (is_whole || (query.required == VisiblePart::Any && funds))
}

/// The whole list, with the position of each row.
fn list_rows(snapshot: &Snapshot, query: &ListQuery, order: ListOrder) -> Vec<Position> {
    let rows = snapshot.chunks.iter().flat_map(|chunk| {
        let rows = chunk.unpack().into_iter().enumerate();
        rows.filter(|(_, row)| is_listed(query, row))
            .map(|(number, row)| Position {
                key: chunk.sort_key(order.field, number).to_owned(),
                id: row.id,
            })
    });
    let mut rows: Vec<Position> = rows.collect();
    rows.sort_by(|one, other| {
        let position = |row: &'_ Position| (row.key.clone(), row.id);
        let ((one, one_id), (other, other_id)) = (position(one), position(other));
        compare_in_list(
            order.descending,
            (one.borrow(), one_id),
            (other.borrow(), other_id),
        )
    });
    rows
}

fn with_context<T>(snapshot: &Snapshot, test: impl FnOnce(EvaluationContext<'_>) -> T) -> T {
    let (truth_cache, noise, cancellation) = (
        TruthCache::default(),
        PerturbationTable::default(),
        CancellationToken::default(),
    );
    let classes = HiddenClasses::form_all(snapshot);
    test(EvaluationContext {
        newest: snapshot,
        classes: classes.each_ref().map(|classes| &**classes),
        truth_cache: &truth_cache,
        noise: &noise,
        cancellation: &cancellation,
    })
}

#[test]
fn pages_and_counts_agree_with_lists_sorted_row_by_row() {
    let mut random = StdRng::seed_from_u64(19);
    let snapshot = random_snapshot(&mut random, 6_000);
    with_context(&snapshot, |context| {
        for case in 0..150 {
            let (query, order) = (random_query(&mut random), random_order(&mut random));
            let expected = list_rows(&snapshot, &query, order);
            let with_total: bool = random.random();
            let total = with_total.then_some(expected.len() as u64);
            // Positions of rows in the list, and of rows that are no longer in it.
            let everything = ListQuery {
                condition: Predicate::ALWAYS_TRUE,
                reader: Reader::Steward,
                required: VisiblePart::Whole,
            };
            let all = list_rows(&snapshot, &everything, order);
            let position = |random: &mut StdRng| {
                let row = random.random_range(0..all.len());
                random.random_ratio(1, 2).then(|| (row, all[row].clone()))
            };
            let (after, before) = (position(&mut random), position(&mut random));
            let ranks: HashMap<Uuid, usize> = all.iter().zip(0..).map(|(row, rank)| (row.id, rank)).collect();
            let rank = |row: &Position| ranks[&row.id];
            let in_window: Vec<Position> = expected
                .into_iter()
                .filter(|row| after.as_ref().is_none_or(|(after, _)| rank(row) > *after))
                .filter(|row| before.as_ref().is_none_or(|(before, _)| rank(row) < *before))
                .collect();
            let window = PageWindow {
                order,
                after: after.map(|(_, position)| position),
                before: before.map(|(_, position)| position),
                size: random.random_range(0..60),
                from_end: random.random(),
            };
            let has_more = in_window.len() > window.size;
            let start = if window.from_end {
                in_window.len().saturating_sub(window.size)
            } else {
                0
            };
            let rows = in_window.into_iter().skip(start).take(window.size).collect();
            assert_eq!(
                find_page(context, &query, &window, with_total),
                Ok(Page {
                    rows,
                    has_more,
                    total
                }),
                "case {case}: {query:?} {window:?}"
            );
        }
    });
}

#[test]
fn a_list_that_changes_between_pages_repeats_no_row_and_skips_none_that_stays() {
    let mut random = StdRng::seed_from_u64(20);
    for case in 0..10 {
        let mut snapshot = random_snapshot(&mut random, 3_000);
        let (query, order) = (random_query(&mut random), random_order(&mut random));
        let mut seen: Vec<Position> = Vec::new();
        // The rows that were in the list all along, in the same position.
        let mut lasting = list_rows(&snapshot, &query, order);
        let mut window = PageWindow {
            order,
            after: None,
            before: None,
            size: 97,
            from_end: false,
        };
        loop {
            let page = with_context(&snapshot, |context| {
                find_page(context, &query, &window, false).unwrap()
            });
            window.after = page.rows.last().cloned();
            seen.extend(page.rows);
            if !page.has_more {
                break;
            }
            for _ in 0..5 {
                let id = random.random_range(0..4_000);
                let upserted = random_row(&mut random, id);
                let removed = Uuid::from_u128(random.random_range(0..4_000));
                snapshot.apply(vec![upserted], vec![removed]);
            }
            let now = list_rows(&snapshot, &query, order);
            let ids: HashMap<_, _> = now.iter().map(|row| (row.id, &row.key)).collect();
            lasting.retain(|row| ids.get(&row.id) == Some(&&row.key));
        }
        let positions: HashSet<&Position> = seen.iter().collect();
        assert_eq!(positions.len(), seen.len(), "case {case}: a row is repeated");
        let skipped: Vec<_> = lasting.iter().filter(|row| !positions.contains(row)).collect();
        assert!(skipped.is_empty(), "case {case}: {skipped:?}");
    }
}
