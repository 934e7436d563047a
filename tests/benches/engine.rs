//! Checks the targets of the engine over 100,000 initiatives in memory: `cargo bench -p wayin-tests --bench
//! engine`. The bench `sql_baseline` prints the table of `docs/performance.md`, which compares the engine with
//! SQL and has other sizes.

#![allow(missing_docs, reason = "a program of its own")]

#[allow(dead_code, reason = "shared with the other bench")]
mod fixtures;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use wayin_engine::answer::{
    AssociationsQuery, GridQuery, compute_associations, compute_grid, compute_pattern,
};
use wayin_engine::cancellation::CancellationToken;
use wayin_engine::count::EvaluationContext;
use wayin_engine::disclosure::cell_key::PerturbationTable;
use wayin_engine::disclosure::classes::HiddenClasses;
use wayin_engine::predicate::Predicate;
use wayin_engine::predicate_cache::TruthCache;
use wayin_engine::query::{PatternQuery, RecordScope, Viewpoint};
use wayin_engine::statistics::{TwoByTwoCounts, fisher};
use wayin_engine::visibility::Reader;
use wayin_entity::Dimension;

const INITIATIVE_COUNT: usize = 100_000;

fn bench_queries(criterion: &mut Criterion) {
    let snapshot = fixtures::build_snapshot(INITIATIVE_COUNT);
    let classes = HiddenClasses::form_all(&snapshot);
    let (kept, noise, run) = (
        TruthCache::default(),
        PerturbationTable::default(),
        CancellationToken::default(),
    );
    let base = EvaluationContext {
        newest: &snapshot,
        classes: classes.each_ref().map(|classes| &**classes),
        truth_cache: &kept,
        noise: &noise,
        cancellation: &run,
    };
    let viewpoint = |reader| Viewpoint {
        reader,
        scope: RecordScope::All,
    };
    let readers = [("exact", Reader::Steward), ("under control", Reader::Dashboard)];
    for (name, reader) in readers {
        for (by, dimension) in [("overall", None), ("by 400 places", Some(Dimension::Place))] {
            let question = PatternQuery {
                when: fixtures::short_funding_predicate(18),
                then: fixtures::skipped_ambitions_predicate(),
                among: Predicate::ALWAYS_TRUE,
                by: dimension,
                viewpoint: viewpoint(reader),
            };
            criterion.bench_function(&format!("pattern {by}, {name}"), |bencher| {
                bencher.iter(|| black_box(compute_pattern(base, &question, false)));
            });
        }
        let question = GridQuery {
            rows: Dimension::Region,
            columns: Dimension::ChallengeAmbitions,
            among: Predicate::ALWAYS_TRUE,
            viewpoint: viewpoint(reader),
        };
        criterion.bench_function(&format!("grid, {name}"), |bencher| {
            bencher.iter(|| black_box(compute_grid(base, &question)));
        });
        let question = AssociationsQuery {
            conditions: fixtures::list_predicates(12),
            among: Predicate::ALWAYS_TRUE,
            viewpoint: viewpoint(reader),
        };
        criterion.bench_function(&format!("associations of 12, {name}"), |bencher| {
            bencher.iter(|| black_box(compute_associations(base, &question)));
        });
    }
    let row = snapshot.chunks[0].unpack_row(0);
    criterion.bench_function("one change", |bencher| {
        bencher.iter(|| {
            let mut next = snapshot.clone();
            next.apply(vec![row.clone()], Vec::new());
            next
        });
    });
}

fn bench_tests(criterion: &mut Criterion) {
    let counts = TwoByTwoCounts::exact([10_000_000, 9_990_000, 9_995_000, 10_000_000]);
    criterion.bench_function("Fisher's test of 40 million", |bencher| {
        bencher.iter(|| fisher::two_sided_p_value(black_box(&counts)));
    });
    criterion.bench_function("conditional odds ratio of 40 million", |bencher| {
        bencher.iter(|| fisher::conditional_odds_ratio(black_box(&counts)));
    });
}

criterion_group!(benches, bench_queries, bench_tests);
criterion_main!(benches);
