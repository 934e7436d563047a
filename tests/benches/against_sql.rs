//! The engine against SQL over the same rows, in one run: what the engine takes, what the
//! best of a few statements takes on SQLite and on PostgreSQL, and the ratios between them.
//!
//! `cargo bench -p wayin-tests --bench against_sql -- --sizes 10000,1000000,10000000` prints
//! the table of `docs/performance.md`. Sizes over a million are measured for the engine alone.

#![allow(missing_docs, reason = "a program of its own")]

mod made;
#[path = "../it/support/postgres.rs"]
#[allow(dead_code, reason = "shared with the stories")]
mod postgres;

mod database {
    pub use wayin::database::connect;
}

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use sea_orm_migration::MigratorTrait;
use wayin::pattern::engine::{Engine, Settings};
use wayin::pattern::loader;
use wayin_engine::answer::{AssociationsQuestion, GridQuestion, associations, grid, pattern};
use wayin_engine::cancellation::Run;
use wayin_engine::count::Base;
use wayin_engine::disclosure::cell_key::Noise;
use wayin_engine::index::Snapshot;
use wayin_engine::predicate::{Condition, InitiativeCondition};
use wayin_engine::query::{Question, RecordScope, Viewpoint};
use wayin_engine::truth_cache::Kept;
use wayin_engine::visibility::Reader;
use wayin_entity::Dimension;
use wayin_migration::Migrator;

use self::postgres::{Cluster, find_programs};

/// Beyond this no database is filled.
const MOST_IN_SQL: usize = 1_000_000;

type Failure = Box<dyn std::error::Error>;

fn main() -> Result<(), Failure> {
    let mut sizes = vec![10_000, 1_000_000];
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--sizes" {
            let list = arguments.next().unwrap_or_default();
            sizes = list
                .split(',')
                .map(|size| size.trim().parse())
                .collect::<Result<_, _>>()?;
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    for size in sizes {
        println!("\n## {size} initiatives\n");
        println!("| what | took |\n|---|---|");
        let of_engine = engine(size);
        if size > MOST_IN_SQL {
            continue;
        }
        runtime.block_on(async {
            let folder = tempfile::tempdir()?;
            let url = format!("sqlite://{}?mode=rwc", folder.path().join("made.db").display());
            let sqlite = filled(&url, size).await?;
            against(&sqlite, "SQLite", &of_engine).await?;
            reading(&sqlite, size).await?;
            following(sqlite).await?;
            let Some(programs) = find_programs() else {
                println!("| PostgreSQL | no server was found |");
                return Ok::<(), Failure>(());
            };
            let cluster = Cluster::start(&programs)
                .await
                .map_err(|failed| format!("{failed:?}"))?;
            let postgres = filled(&cluster.copy("made").await?, size).await?;
            against(&postgres, "PostgreSQL", &of_engine).await?;
            postgres.close().await?;
            Ok(())
        })?;
    }
    Ok(())
}

/// The median time of several runs, after one that is not counted.
fn median(runs: usize, mut work: impl FnMut()) -> Duration {
    work();
    let mut times: Vec<Duration> = (0..runs)
        .map(|_| {
            let start = Instant::now();
            work();
            start.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn tell(what: &str, took: Duration) -> Duration {
    println!("| {what} | {:.3} ms |", took.as_secs_f64() * 1e3);
    took
}

/// What the engine took for the same four counts that SQL is asked for, and what they were.
struct OfEngine {
    overall: Duration,
    by_place: Duration,
    counts: [u64; 4],
}

fn question(when: InitiativeCondition, by: Option<Dimension>, reader: Reader) -> Question {
    Question {
        when,
        then: made::skipped_ambitions(),
        among: Condition::EVERYTHING,
        by,
        viewpoint: Viewpoint {
            reader,
            scope: RecordScope::All,
        },
    }
}

fn engine(size: usize) -> OfEngine {
    let start = Instant::now();
    let snapshot = made::snapshot(size);
    tell("rows made and packed in memory", start.elapsed());
    println!(
        "| memory of the index | {:.1} MB |",
        snapshot.bytes() as f64 / 1e6
    );
    let (noise, run, kept) = (Noise::default(), Run::default(), Kept::default());
    let base = Base {
        live: &snapshot,
        released: [&snapshot; 2],
        kept: &kept,
        noise: &noise,
        run: &run,
    };
    let ask = |by, reader, runs| {
        let question = question(made::short_funding(18), by, reader);
        median(runs, || {
            black_box(pattern(base, &question, false)).ok();
        })
    };
    let place = Some(Dimension::Place);
    let overall = tell(
        "headline question, overall, prepared",
        ask(None, Reader::Steward, 101),
    );
    let by_place = tell("the same by 400 places", ask(place, Reader::Steward, 31));
    tell(
        "overall under control: keys and contributors",
        ask(None, Reader::Dashboard, 31),
    );
    tell(
        "by 400 places under control: keys and contributors",
        ask(place, Reader::Dashboard, 21),
    );
    let mut months = 0;
    for (name, reader) in [("exact", Reader::Steward), ("under control", Reader::Dashboard)] {
        let took = median(15, || {
            months += 1;
            let nothing = Kept::new(0);
            let base = Base {
                kept: &nothing,
                ..base
            };
            let question = question(made::short_without_research(7 + months % 30), place, reader);
            black_box(pattern(base, &question, false)).ok();
        });
        tell(
            &format!("by 400 places, nothing prepared, both of one term, {name}"),
            took,
        );
    }
    many(base);
    one_change(&snapshot);
    let answer = pattern(
        base,
        &question(made::short_funding(18), None, Reader::Steward),
        false,
    );
    let counts = answer.map_or([0; 4], |answer| {
        let table = answer.table;
        [table.both, table.when_only, table.then_only, table.neither].map(|cell| cell.count.unwrap_or(0))
    });
    OfEngine {
        overall,
        by_place,
        counts,
    }
}

/// Grids, and every pair of many conditions.
fn many(base: Base<'_>) {
    for (name, reader) in [("exact", Reader::Steward), ("under control", Reader::Dashboard)] {
        let viewpoint = Viewpoint {
            reader,
            scope: RecordScope::All,
        };
        let question = GridQuestion {
            rows: Dimension::Region,
            columns: Dimension::ChallengeAmbitions,
            among: Condition::EVERYTHING,
            viewpoint,
        };
        let small = median(9, || {
            black_box(grid(base, &question)).ok();
        });
        tell(&format!("grid of 12 regions and 4 steps, {name}"), small);
        let question = GridQuestion {
            columns: Dimension::FundingDurationBand,
            ..question
        };
        let overlapping = median(9, || {
            black_box(grid(base, &question)).ok();
        });
        tell(
            &format!("grid of 12 regions and 8 lengths of funding, which overlap, {name}"),
            overlapping,
        );
        let question = AssociationsQuestion {
            conditions: made::conditions(40),
            among: Condition::EVERYTHING,
            viewpoint,
        };
        let pairs = median(5, || {
            black_box(associations(base, &question)).ok();
        });
        tell(&format!("associations of 40 conditions, {name}"), pairs);
    }
}

fn one_change(snapshot: &Snapshot) {
    let Some(row) = snapshot.chunks.first().map(|chunk| chunk.row(0)) else {
        return;
    };
    let took = median(51, || {
        let mut next = snapshot.clone();
        next.apply(vec![row.clone()], Vec::new());
        black_box(next);
    });
    tell("one change put into a new snapshot", took);
}

async fn filled(url: &str, size: usize) -> Result<DatabaseConnection, Failure> {
    let db = wayin::database::connect(url).await?;
    Migrator::up(&db, None).await?;
    wayin::base::ensure(&db, &wayin::clock::SystemClock).await?;
    made::load::load(&db, size).await?;
    // Indexes that hold all that the statements need, made for them.
    for index in [
        "CREATE INDEX made_term ON funding_term (initiative_id, duration_months)",
        "CREATE INDEX made_challenge ON challenge_faced (challenge, initiative_id, step)",
        "CREATE INDEX made_place ON initiative (id, place_id, withdrawn_at)",
        "ANALYZE",
    ] {
        db.execute_unprepared(index).await?;
    }
    if db.get_database_backend() == DbBackend::Postgres {
        db.execute_unprepared("VACUUM").await?;
    }
    Ok(db)
}

/// What becomes of each initiative: `w` 2 where some term is short, 0 where none is, 1 where
/// it is not known; `s` whether the step was skipped, where it is known.
const FORMULATIONS: [(&str, &str); 3] = [
    (
        "terms grouped, then joined",
        "SELECT i.place_id AS place, f.w AS w, CASE WHEN c.step = 'SKIPPED' THEN 1 ELSE 0 END AS s
         FROM initiative i
         JOIN (SELECT initiative_id, MAX(CASE WHEN duration_months <= 18 THEN 2 WHEN duration_months IS NULL THEN 1 ELSE 0 END) AS w
               FROM funding_term GROUP BY initiative_id) f ON f.initiative_id = i.id
         JOIN challenge_faced c ON c.initiative_id = i.id AND c.challenge = 'DEFINING_AMBITIONS' AND c.step IS NOT NULL
         WHERE i.withdrawn_at IS NULL",
    ),
    (
        "EXISTS for each",
        "SELECT i.place_id AS place,
                CASE WHEN EXISTS (SELECT 1 FROM funding_term t WHERE t.initiative_id = i.id AND t.duration_months <= 18) THEN 2
                     WHEN EXISTS (SELECT 1 FROM funding_term t WHERE t.initiative_id = i.id AND t.duration_months IS NULL) THEN 1
                     WHEN EXISTS (SELECT 1 FROM funding_term t WHERE t.initiative_id = i.id) THEN 0 ELSE 1 END AS w,
                CASE WHEN c.step = 'SKIPPED' THEN 1 ELSE 0 END AS s
         FROM initiative i
         JOIN challenge_faced c ON c.initiative_id = i.id AND c.challenge = 'DEFINING_AMBITIONS' AND c.step IS NOT NULL
         WHERE i.withdrawn_at IS NULL",
    ),
    (
        "IN for each",
        "SELECT i.place_id AS place,
                CASE WHEN i.id IN (SELECT initiative_id FROM funding_term WHERE duration_months <= 18) THEN 2
                     WHEN i.id IN (SELECT initiative_id FROM funding_term WHERE duration_months IS NULL) THEN 1
                     WHEN i.id IN (SELECT initiative_id FROM funding_term) THEN 0 ELSE 1 END AS w,
                CASE WHEN i.id IN (SELECT initiative_id FROM challenge_faced WHERE challenge = 'DEFINING_AMBITIONS' AND step = 'SKIPPED') THEN 1 ELSE 0 END AS s
         FROM initiative i
         WHERE i.withdrawn_at IS NULL
           AND i.id IN (SELECT initiative_id FROM challenge_faced WHERE challenge = 'DEFINING_AMBITIONS' AND step IS NOT NULL)",
    ),
];

const FOUR: &str = "CAST(SUM(CASE WHEN w = 2 AND s = 1 THEN 1 ELSE 0 END) AS BIGINT),
     CAST(SUM(CASE WHEN w = 2 AND s = 0 THEN 1 ELSE 0 END) AS BIGINT),
     CAST(SUM(CASE WHEN w = 0 AND s = 1 THEN 1 ELSE 0 END) AS BIGINT),
     CAST(SUM(CASE WHEN w = 0 AND s = 0 THEN 1 ELSE 0 END) AS BIGINT)";

/// The same four counts by the best of several single statements, and how many times as long it takes.
async fn against(db: &DatabaseConnection, name: &str, engine: &OfEngine) -> Result<(), Failure> {
    let backend = db.get_database_backend();
    let fastest = |grouped: bool| async move {
        let mut best: Option<(Duration, &str)> = None;
        for (formulation, of_each) in FORMULATIONS {
            // PostgreSQL goes through such lists row by row where they do not fit its working memory.
            if backend == DbBackend::Postgres && formulation == "IN for each" {
                continue;
            }
            let text = if grouped {
                format!("SELECT place, {FOUR} FROM ({of_each}) o GROUP BY place")
            } else {
                format!("SELECT {FOUR} FROM ({of_each}) o")
            };
            for run in 0..3 {
                let start = Instant::now();
                let rows = db
                    .query_all_raw(Statement::from_string(backend, text.clone()))
                    .await?;
                let took = start.elapsed();
                if run == 0 && !grouped {
                    let counts: Vec<i64> = (0..4)
                        .map(|at| rows[0].try_get_by_index::<i64>(at))
                        .collect::<Result<_, _>>()?;
                    let expected = engine.counts.map(u64::cast_signed);
                    assert_eq!(
                        counts, expected,
                        "{name}, {formulation}: the same rows give the same counts"
                    );
                }
                if best.is_none_or(|(so_far, _)| took < so_far) {
                    best = Some((took, formulation));
                }
            }
        }
        best.ok_or_else(|| Failure::from("no statement was tried"))
    };
    for (what, grouped, engine) in [
        ("the four counts overall", false, engine.overall),
        ("the same by place", true, engine.by_place),
    ] {
        let (took, formulation) = fastest(grouped).await?;
        println!(
            "| {name}: {what}, by the best statement ({formulation}) | {:.0} ms, {:.0} times the engine's |",
            took.as_secs_f64() * 1e3,
            took.as_secs_f64() / engine.as_secs_f64()
        );
    }
    Ok(())
}

/// The index from the rows of a database, as at start.
async fn reading(db: &DatabaseConnection, size: usize) -> Result<(), Failure> {
    let start = Instant::now();
    let moment = wayin::database::begin_reading(db).await?;
    let read = loader::everything(&moment, &|_| ()).await?;
    moment.commit().await?;
    tell("the index read from SQLite", start.elapsed());
    assert_eq!(read.len(), size, "every initiative is read");
    Ok(())
}

/// From the commit of one change to its being counted; and what a writer costs those who ask.
async fn following(db: DatabaseConnection) -> Result<(), Failure> {
    let engine = Arc::new(Engine::new(Settings::default())?);
    let following = tokio::spawn({
        let (engine, db) = (Arc::clone(&engine), db.clone());
        async move { engine.follow(&db, &|_| ()).await }
    });
    while !engine.is_ready() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let mut waits = Vec::new();
    for number in 0..40 {
        let change = publish(&db, number).await?;
        let committed = Instant::now();
        while engine.snapshot()?.as_of.change < change {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        waits.push(committed.elapsed());
    }
    waits.sort_unstable();
    tell(
        "one publication, from commit to being counted: median",
        waits[waits.len() / 2],
    );
    tell("the same: longest of 40", waits[waits.len() - 1]);
    let quiet = asked(&engine, 400).await?;
    let writing = Arc::new(AtomicBool::new(true));
    let writer = tokio::spawn({
        let (writing, db) = (Arc::clone(&writing), db.clone());
        async move {
            let mut number = 100;
            while writing.load(Ordering::Relaxed) {
                publish(&db, number).await.ok();
                number += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            number - 100
        }
    });
    let busy = asked(&engine, 400).await?;
    writing.store(false, Ordering::Relaxed);
    let written = writer.await?;
    tell(
        "by 400 places through the engine, p99 of 400 questions, no writer",
        quiet,
    );
    tell(
        &format!("the same with a writer ({written} publications meanwhile)"),
        busy,
    );
    println!(
        "| the latter as a multiple | {:.2} |",
        busy.as_secs_f64() / quiet.as_secs_f64()
    );
    following.abort();
    Ok(())
}

async fn publish(db: &DatabaseConnection, number: usize) -> Result<i64, Failure> {
    let id = made::id(1, number * 37);
    let now = "2025-06-15 16:00:00+00:00";
    let text = format!(
        "BEGIN IMMEDIATE; UPDATE initiative SET ongoing = NOT COALESCE(ongoing, 0) WHERE id = x'{id}';
         INSERT INTO change_log (kind, subject, subject_id, created_at, updated_at)
         VALUES ('ALTERED', 'INITIATIVE', x'{id}', '{now}', '{now}'); COMMIT",
        id = id.simple()
    );
    db.execute_unprepared(&text).await?;
    let newest = Statement::from_string(DbBackend::Sqlite, "SELECT MAX(number) FROM change_log");
    let row = db.query_one_raw(newest).await?.ok_or("there is a change")?;
    Ok(row.try_get_by_index(0)?)
}

/// The 99th of a hundred waits for an answer.
async fn asked(engine: &Arc<Engine>, times: usize) -> Result<Duration, Failure> {
    let mut waits = Vec::with_capacity(times);
    for _ in 0..times {
        let question = question(made::short_funding(18), Some(Dimension::Place), Reader::Steward);
        let start = Instant::now();
        engine.ask(move |base| pattern(base, &question, false)).await?;
        waits.push(start.elapsed());
    }
    waits.sort_unstable();
    Ok(waits[waits.len() * 99 / 100])
}
