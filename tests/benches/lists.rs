//! Measures pages and totals of lists over a million initiatives in memory: `cargo bench -p wayin-tests --bench lists`.
//! Places, cursors and conditions vary from call to call.

#![allow(missing_docs, reason = "a program of its own")]

#[allow(dead_code, reason = "shared with the other benches")]
mod fixtures;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use wayin_engine::cancellation::CancellationToken;
use wayin_engine::count::EvaluationContext;
use wayin_engine::disclosure::cell_key::PerturbationTable;
use wayin_engine::disclosure::classes::HiddenClasses;
use wayin_engine::index::Snapshot;
use wayin_engine::list::{
    ListOrder, ListQuery, PageWindow, SortField, count_listed, find_page, required_part,
};
use wayin_engine::predicate::{
    InitiativePredicate, InitiativeTest, NamedReference, Predicate, TextComparison,
};
use wayin_engine::predicate_cache::TruthCache;
use wayin_engine::visibility::Reader;
use wayin_entity::{Challenge, ChallengeStep};

const INITIATIVE_COUNT: usize = 1_000_000;
const NEWEST_FIRST: ListOrder = ListOrder {
    field: SortField::Published,
    descending: true,
};

fn new_query(condition: InitiativePredicate, order: ListOrder, reader: Reader) -> ListQuery {
    ListQuery {
        required: required_part(&condition, order),
        condition,
        reader,
    }
}

const fn first_page(order: ListOrder, size: usize) -> PageWindow {
    PageWindow {
        order,
        after: None,
        before: None,
        size,
        from_end: false,
    }
}

/// A random town, or a random region.
fn random_place(random: &mut StdRng, snapshot: &Snapshot, is_region: bool) -> InitiativePredicate {
    let number = if is_region {
        snapshot.places.regions()[random.random_range(0..snapshot.places.regions().len())]
    } else {
        random.random_range(0..fixtures::PLACE_COUNT)
    };
    let place = snapshot.places.get(number);
    Predicate::Test(InitiativeTest::PlaceWithin(NamedReference {
        id: place.id,
        name: place.name.clone(),
    }))
}

/// Three conditions, the last of which is new each time.
fn three_conditions(random: &mut StdRng) -> InitiativePredicate {
    Predicate::All(vec![
        fixtures::short_funding_predicate(random.random_range(1..60)),
        fixtures::skipped_ambitions_predicate(),
        fixtures::step_predicate(Challenge::UnderstandingLocalSystem, ChallengeStep::Rushed).negated(),
    ])
}

fn bench_lists(criterion: &mut Criterion) {
    let snapshot = fixtures::build_snapshot(INITIATIVE_COUNT);
    let classes = HiddenClasses::form_all(&snapshot);
    let (truth_cache, noise, cancellation) = (
        TruthCache::default(),
        PerturbationTable::default(),
        CancellationToken::default(),
    );
    let context = EvaluationContext {
        newest: &snapshot,
        classes: classes.each_ref().map(|classes| &**classes),
        truth_cache: &truth_cache,
        noise: &noise,
        cancellation: &cancellation,
    };
    let mut random = StdRng::seed_from_u64(1);
    let member = Reader::Member {
        organisation: snapshot.organisations.get(0).id,
    };
    for (name, reader) in [("steward", Reader::Steward), ("member", member)] {
        for (place, is_region) in [("town", false), ("region", true)] {
            criterion.bench_function(&format!("page of 50 of a {place}, {name}"), |bencher| {
                bencher.iter(|| {
                    let condition = random_place(&mut random, &snapshot, is_region);
                    let query = new_query(condition, NEWEST_FIRST, reader);
                    black_box(find_page(context, &query, &first_page(NEWEST_FIRST, 50), false))
                });
            });
        }
    }
    for field in SortField::ALL {
        let order = ListOrder {
            field,
            descending: false,
        };
        let query = new_query(Predicate::ALWAYS_TRUE, order, Reader::Steward);
        let mut window = first_page(order, 50);
        criterion.bench_function(&format!("next page of all by {field:?}"), |bencher| {
            bencher.iter(|| {
                let page = find_page(context, &query, &window, false);
                window.after = page.iter().flat_map(|page| &page.rows).last().cloned();
            });
        });
    }
    criterion.bench_function("total of three conditions", |bencher| {
        bencher.iter(|| {
            let query = new_query(three_conditions(&mut random), NEWEST_FIRST, Reader::Steward);
            black_box(count_listed(context, &query))
        });
    });
    criterion.bench_function("page of 50 whose title contains a number", |bencher| {
        bencher.iter(|| {
            let part = random.random_range(10_000..99_999_u32).to_string();
            let title = Predicate::Test(InitiativeTest::Title(TextComparison::Contains(part)));
            let query = new_query(title, NEWEST_FIRST, Reader::Steward);
            black_box(find_page(context, &query, &first_page(NEWEST_FIRST, 50), false))
        });
    });
    criterion.bench_function("first 5 of each of 50 towns", |bencher| {
        bencher.iter(|| {
            for _ in 0..50 {
                let condition = random_place(&mut random, &snapshot, false);
                let query = new_query(condition, NEWEST_FIRST, Reader::Steward);
                let _ = black_box(find_page(context, &query, &first_page(NEWEST_FIRST, 5), false));
            }
        });
    });
}

criterion_group!(benches, bench_lists);
criterion_main!(benches);
