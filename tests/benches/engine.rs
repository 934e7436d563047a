//! What the engine promises, over 100,000 initiatives made in memory:
//! `cargo bench -p wayin-tests --bench engine`. The table of `docs/performance.md`, against
//! SQL and for other sizes, is `against_sql`'s.

#![allow(missing_docs, reason = "a program of its own")]

#[allow(dead_code, reason = "shared with the other bench")]
mod made;

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use wayin_engine::answer::{AssociationsQuestion, GridQuestion, associations, grid, pattern};
use wayin_engine::cancellation::Run;
use wayin_engine::count::Base;
use wayin_engine::disclosure::cell_key::Noise;
use wayin_engine::predicate::Condition;
use wayin_engine::query::{Question, RecordScope, Viewpoint};
use wayin_engine::statistics::{FourCounts, fisher};
use wayin_engine::truth_cache::Kept;
use wayin_engine::visibility::Reader;
use wayin_entity::Dimension;

const INITIATIVES: usize = 100_000;

fn questions(criterion: &mut Criterion) {
    let snapshot = made::snapshot(INITIATIVES);
    let (kept, noise, run) = (Kept::default(), Noise::default(), Run::default());
    let base = Base {
        live: &snapshot,
        released: [&snapshot; 2],
        kept: &kept,
        noise: &noise,
        run: &run,
    };
    let viewpoint = |reader| Viewpoint {
        reader,
        scope: RecordScope::All,
    };
    let readers = [("exact", Reader::Steward), ("under control", Reader::Dashboard)];
    for (name, reader) in readers {
        for (by, dimension) in [("overall", None), ("by 400 places", Some(Dimension::Place))] {
            let question = Question {
                when: made::short_funding(18),
                then: made::skipped_ambitions(),
                among: Condition::EVERYTHING,
                by: dimension,
                viewpoint: viewpoint(reader),
            };
            criterion.bench_function(&format!("pattern {by}, {name}"), |bencher| {
                bencher.iter(|| black_box(pattern(base, &question, false)));
            });
        }
        let question = GridQuestion {
            rows: Dimension::Region,
            columns: Dimension::ChallengeAmbitions,
            among: Condition::EVERYTHING,
            viewpoint: viewpoint(reader),
        };
        criterion.bench_function(&format!("grid, {name}"), |bencher| {
            bencher.iter(|| black_box(grid(base, &question)));
        });
        let question = AssociationsQuestion {
            conditions: made::conditions(12),
            among: Condition::EVERYTHING,
            viewpoint: viewpoint(reader),
        };
        criterion.bench_function(&format!("associations of 12, {name}"), |bencher| {
            bencher.iter(|| black_box(associations(base, &question)));
        });
    }
    let row = snapshot.chunks[0].row(0);
    criterion.bench_function("one change", |bencher| {
        bencher.iter(|| {
            let mut next = snapshot.clone();
            next.apply(vec![row.clone()], Vec::new());
            next
        });
    });
}

fn tests(criterion: &mut Criterion) {
    let counts = FourCounts::exact([10_000_000, 9_990_000, 9_995_000, 10_000_000]);
    criterion.bench_function("Fisher's test of 40 million", |bencher| {
        bencher.iter(|| fisher::p_two_sided(black_box(&counts)));
    });
    criterion.bench_function("conditional odds ratio of 40 million", |bencher| {
        bencher.iter(|| fisher::conditional_odds_ratio(black_box(&counts)));
    });
}

criterion_group!(benches, questions, tests);
criterion_main!(benches);
