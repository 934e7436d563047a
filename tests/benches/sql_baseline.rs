//! Compares the engine with SQL over the same rows in one run: the time of the engine, the time of the fastest
//! of a few statements on SQLite and on PostgreSQL, and their ratios.
//!
//! `cargo bench -p wayin-tests --bench sql_baseline -- --sizes 10000,1000000,10000000` prints the table of
//! `docs/performance.md`. For sizes above a million, only the engine is measured.

#![allow(missing_docs, reason = "a program of its own")]

mod fixtures;
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
use wayin::pattern::engine::{EngineSettings, PatternEngine};
use wayin::pattern::loader;
use wayin_engine::answer::{
    AssociationsQuery, GridQuery, PatternAnswer, compute_associations, compute_grid, compute_pattern,
};
use wayin_engine::cancellation::CancellationToken;
use wayin_engine::count::EvaluationContext;
use wayin_engine::disclosure::cell_key::PerturbationTable;
use wayin_engine::disclosure::classes::{BothClasses, HiddenClasses};
use wayin_engine::index::{IndexedInitiative, Snapshot};
use wayin_engine::predicate::{InitiativePredicate, Predicate};
use wayin_engine::predicate_cache::TruthCache;
use wayin_engine::query::{PatternQuery, RecordScope, Viewpoint};
use wayin_engine::visibility::Reader;
use wayin_entity::{Dimension, Visibility};
use wayin_migration::Migrator;

use self::postgres::{Cluster, find_programs};

/// The largest size for which a database is filled.
const MAX_SQL_INITIATIVES: usize = 1_000_000;

type BenchError = Box<dyn std::error::Error>;

fn main() -> Result<(), BenchError> {
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
        let of_engine = measure_engine(size);
        if size > MAX_SQL_INITIATIVES {
            continue;
        }
        runtime.block_on(async {
            let folder = tempfile::tempdir()?;
            let url = format!("sqlite://{}?mode=rwc", folder.path().join("made.db").display());
            let sqlite = fill_database(&url, size).await?;
            measure_sql(&sqlite, "SQLite", &of_engine).await?;
            measure_index_load(&sqlite, size).await?;
            measure_change_latency(sqlite).await?;
            let Some(programs) = find_programs() else {
                println!("| PostgreSQL | no server was found |");
                return Ok::<(), BenchError>(());
            };
            let cluster = Cluster::start(&programs)
                .await
                .map_err(|failed| format!("{failed:?}"))?;
            let postgres = fill_database(&cluster.copy("made").await?, size).await?;
            measure_sql(&postgres, "PostgreSQL", &of_engine).await?;
            postgres.close().await?;
            Ok(())
        })?;
    }
    Ok(())
}

/// The median time of several runs, after one run that is not measured.
fn measure_median(runs: usize, mut work: impl FnMut()) -> Duration {
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

fn print_duration(what: &str, took: Duration) -> Duration {
    println!("| {what} | {:.3} ms |", took.as_secs_f64() * 1e3);
    took
}

/// The engine's times and the four counts, which the SQL statements return too.
struct EngineResult {
    overall: Duration,
    by_place: Duration,
    counts: [u64; 4],
}

fn new_query(when: InitiativePredicate, by: Option<Dimension>, reader: Reader) -> PatternQuery {
    PatternQuery {
        when,
        then: fixtures::skipped_ambitions_predicate(),
        among: Predicate::ALWAYS_TRUE,
        by,
        viewpoint: Viewpoint {
            reader,
            scope: RecordScope::All,
        },
    }
}

fn measure_engine(size: usize) -> EngineResult {
    let start = Instant::now();
    let snapshot = fixtures::build_snapshot(size);
    print_duration("rows made and packed in memory", start.elapsed());
    let start = Instant::now();
    let classes = HiddenClasses::form_all(&snapshot);
    print_duration("classes of hidden records formed", start.elapsed());
    println!(
        "| memory of the index | {:.1} MB |",
        snapshot.size_in_bytes() as f64 / 1e6
    );
    let (noise, run, kept) = (
        PerturbationTable::default(),
        CancellationToken::default(),
        TruthCache::default(),
    );
    let base = EvaluationContext {
        newest: &snapshot,
        classes: classes.each_ref().map(|classes| &**classes),
        truth_cache: &kept,
        noise: &noise,
        cancellation: &run,
    };
    let ask = |by, reader, runs| {
        let question = new_query(fixtures::short_funding_predicate(18), by, reader);
        measure_median(runs, || {
            black_box(compute_pattern(base, &question, false)).ok();
        })
    };
    let place = Some(Dimension::Place);
    let overall = print_duration(
        "headline question, overall, prepared",
        ask(None, Reader::Steward, 101),
    );
    let by_place = print_duration("the same by 400 places", ask(place, Reader::Steward, 31));
    print_duration("overall under control", ask(None, Reader::Dashboard, 31));
    print_duration("by 400 places under control", ask(place, Reader::Dashboard, 21));
    let mut months = 0;
    for (name, reader) in [("exact", Reader::Steward), ("under control", Reader::Dashboard)] {
        let took = measure_median(15, || {
            months += 1;
            let nothing = TruthCache::new(0);
            let base = EvaluationContext {
                truth_cache: &nothing,
                ..base
            };
            let question = new_query(
                fixtures::short_without_research_predicate(7 + months % 30),
                place,
                reader,
            );
            black_box(compute_pattern(base, &question, false)).ok();
        });
        print_duration(
            &format!("by 400 places, nothing prepared, both of one term, {name}"),
            took,
        );
    }
    measure_many(base);
    measure_one_change(&snapshot, &classes);
    let answer = compute_pattern(
        base,
        &new_query(fixtures::short_funding_predicate(18), None, Reader::Steward),
        false,
    );
    let counts = answer.map_or([0; 4], |answer| {
        let table = answer.table;
        [table.both, table.when_only, table.then_only, table.neither].map(|cell| cell.count.unwrap_or(0))
    });
    EngineResult {
        overall,
        by_place,
        counts,
    }
}

/// Measures grids, and the associations of every pair of many conditions.
fn measure_many(base: EvaluationContext<'_>) {
    for (name, reader) in [("exact", Reader::Steward), ("under control", Reader::Dashboard)] {
        let viewpoint = Viewpoint {
            reader,
            scope: RecordScope::All,
        };
        let question = GridQuery {
            rows: Dimension::Region,
            columns: Dimension::ChallengeAmbitions,
            among: Predicate::ALWAYS_TRUE,
            viewpoint,
        };
        let small = measure_median(9, || {
            black_box(compute_grid(base, &question)).ok();
        });
        print_duration(&format!("grid of 12 regions and 4 steps, {name}"), small);
        let question = GridQuery {
            columns: Dimension::FundingDurationBand,
            ..question
        };
        let overlapping = measure_median(9, || {
            black_box(compute_grid(base, &question)).ok();
        });
        print_duration(
            &format!("grid of 12 regions and 8 lengths of funding, which overlap, {name}"),
            overlapping,
        );
        let question = AssociationsQuery {
            conditions: fixtures::list_predicates(40),
            among: Predicate::ALWAYS_TRUE,
            viewpoint,
        };
        let pairs = measure_median(5, || {
            black_box(compute_associations(base, &question)).ok();
        });
        print_duration(&format!("associations of 40 conditions, {name}"), pairs);
    }
}

fn measure_one_change(snapshot: &Snapshot, classes: &BothClasses) {
    let is_hidden = |row: &IndexedInitiative| row.visibility == Visibility::AggregateOnly;
    let rows = snapshot.chunks.first().map(|chunk| chunk.unpack());
    let Some(row) = rows.and_then(|rows| rows.into_iter().find(is_hidden)) else {
        return;
    };
    let took = measure_median(51, || {
        let mut next = snapshot.clone();
        next.apply(vec![row.clone()], Vec::new());
        black_box(next);
    });
    print_duration("one change put into a new snapshot", took);
    let mut changed = row;
    changed.updated_at += chrono::TimeDelta::seconds(1);
    let mut next = snapshot.clone();
    next.apply(vec![changed.clone()], Vec::new());
    let took = measure_median(11, || {
        let followed = HiddenClasses::follow(classes, snapshot, &next, &[changed.id]);
        let mut number = 0;
        let new_id = || {
            number += 1;
            uuid::Uuid::from_u128(number)
        };
        black_box(HiddenClasses::form(&followed, new_id));
    });
    print_duration(
        "the classes after the change, and a look whether new ones can be formed",
        took,
    );
}

async fn fill_database(url: &str, size: usize) -> Result<DatabaseConnection, BenchError> {
    let db = wayin::database::connect(url).await?;
    Migrator::up(&db, None).await?;
    wayin::instance::ensure_instance(&db, &wayin::clock::SystemClock).await?;
    fixtures::load::load(&db, size).await?;
    // Covering indexes for the statements.
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

/// The values for each initiative: `w` is 2 if a term is short, 0 if none is, and 1 if that is unknown. `s` is
/// whether the step was skipped, if that is known.
const SQL_FORMULATIONS: [(&str, &str); 3] = [
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

const FOUR_COUNTS_SQL: &str = "CAST(SUM(CASE WHEN w = 2 AND s = 1 THEN 1 ELSE 0 END) AS BIGINT),
     CAST(SUM(CASE WHEN w = 2 AND s = 0 THEN 1 ELSE 0 END) AS BIGINT),
     CAST(SUM(CASE WHEN w = 0 AND s = 1 THEN 1 ELSE 0 END) AS BIGINT),
     CAST(SUM(CASE WHEN w = 0 AND s = 0 THEN 1 ELSE 0 END) AS BIGINT)";

/// Measures the same four counts with the fastest of several single statements, and the ratio to the engine's
/// time.
async fn measure_sql(db: &DatabaseConnection, name: &str, engine: &EngineResult) -> Result<(), BenchError> {
    let backend = db.get_database_backend();
    let fastest = |grouped: bool| async move {
        let mut best: Option<(Duration, &str)> = None;
        for (formulation, of_each) in SQL_FORMULATIONS {
            // If such a list does not fit in its working memory, PostgreSQL scans it row by row.
            if backend == DbBackend::Postgres && formulation == "IN for each" {
                continue;
            }
            let text = if grouped {
                format!("SELECT place, {FOUR_COUNTS_SQL} FROM ({of_each}) o GROUP BY place")
            } else {
                format!("SELECT {FOUR_COUNTS_SQL} FROM ({of_each}) o")
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
        best.ok_or_else(|| BenchError::from("no statement was tried"))
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

/// Measures loading the index from the rows of a database, as when the service starts.
async fn measure_index_load(db: &DatabaseConnection, size: usize) -> Result<(), BenchError> {
    let start = Instant::now();
    let moment = wayin::database::begin_read(db).await?;
    let read = loader::load_snapshot([&moment, &moment], &|_| ()).await?;
    moment.commit().await?;
    print_duration("the index read from SQLite", start.elapsed());
    assert_eq!(read.len(), size, "every initiative is read");
    Ok(())
}

/// Measures the time from the commit of a change until it is counted, and how much a writer slows down queries.
async fn measure_change_latency(db: DatabaseConnection) -> Result<(), BenchError> {
    let engine = Arc::new(PatternEngine::new(EngineSettings::default())?);
    let following = tokio::spawn({
        let (engine, db) = (Arc::clone(&engine), db.clone());
        async move { engine.follow_change_log(&db, &|_| ()).await }
    });
    while !engine.is_ready() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    measure_publications(
        &engine,
        &db,
        0,
        "one publication, from commit to being counted, while all classes are formed",
    )
    .await?;
    let of_dashboard = || new_query(fixtures::short_funding_predicate(18), None, Reader::Dashboard);
    while ask_engine(&engine, of_dashboard())
        .await?
        .basis
        .hidden_as_of
        .change_number
        == 0
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    measure_publications(&engine, &db, 40, "one publication, from commit to being counted").await?;
    let quiet = measure_query_p99(&engine, 400).await?;
    let writing = Arc::new(AtomicBool::new(true));
    let writer = tokio::spawn({
        let (writing, db) = (Arc::clone(&writing), db.clone());
        async move {
            let mut number = 100;
            while writing.load(Ordering::Relaxed) {
                publish_change(&db, number).await.ok();
                number += 1;
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            number - 100
        }
    });
    let busy = measure_query_p99(&engine, 400).await?;
    writing.store(false, Ordering::Relaxed);
    let written = writer.await?;
    print_duration(
        "by 400 places through the engine, p99 of 400 queries, no writer",
        quiet,
    );
    print_duration(
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

/// Measures publications with 40 numbers from `first` on.
async fn measure_publications(
    engine: &Arc<PatternEngine>,
    db: &DatabaseConnection,
    first: usize,
    what: &str,
) -> Result<(), BenchError> {
    let mut waits = Vec::new();
    for number in first..first + 40 {
        let change = publish_change(db, number).await?;
        let committed = Instant::now();
        while engine.snapshot()?.as_of.change_number < change {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        waits.push(committed.elapsed());
    }
    waits.sort_unstable();
    print_duration(&format!("{what}: median"), waits[waits.len() / 2]);
    print_duration("the same: longest of 40", waits[waits.len() - 1]);
    Ok(())
}

async fn publish_change(db: &DatabaseConnection, number: usize) -> Result<i64, BenchError> {
    let id = fixtures::fixture_id(1, number * 37);
    let now = format!("2025-06-15 16:{:02}:{:02}+00:00", number / 60 % 60, number % 60);
    let text = format!(
        "BEGIN IMMEDIATE; UPDATE initiative SET ongoing = NOT COALESCE(ongoing, 0), updated_at = '{now}' WHERE id = x'{id}';
         INSERT INTO change_log (kind, subject, subject_id, created_at, updated_at)
         VALUES ('ALTERED', 'INITIATIVE', x'{id}', '{now}', '{now}'); COMMIT",
        id = id.simple()
    );
    db.execute_unprepared(&text).await?;
    let newest = Statement::from_string(DbBackend::Sqlite, "SELECT MAX(number) FROM change_log");
    let row = db.query_one_raw(newest).await?.ok_or("there is a change")?;
    Ok(row.try_get_by_index(0)?)
}

async fn ask_engine(
    engine: &Arc<PatternEngine>,
    question: PatternQuery,
) -> Result<PatternAnswer, BenchError> {
    let view = engine.view()?;
    Ok(view
        .run_query(move |base| compute_pattern(base, &question, false))
        .await?)
}

/// The 99th percentile of the time to answer a query.
async fn measure_query_p99(engine: &Arc<PatternEngine>, times: usize) -> Result<Duration, BenchError> {
    let mut waits = Vec::with_capacity(times);
    for _ in 0..times {
        let question = new_query(
            fixtures::short_funding_predicate(18),
            Some(Dimension::Place),
            Reader::Steward,
        );
        let start = Instant::now();
        ask_engine(engine, question).await?;
        waits.push(start.elapsed());
    }
    waits.sort_unstable();
    Ok(waits[waits.len() * 99 / 100])
}
