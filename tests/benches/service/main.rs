//! Measures the whole service over a database of a million initiatives: lists, pages and patterns as HTTP requests, which
//! it takes without a socket. Places, orders and conditions vary from request to request.
//!
//! `cargo bench -p wayin-tests --bench service` prints a table of `docs/performance.md` for each database. Further arguments
//! come after `--`:
//!
//! - `--postgraphile FOLDER` measures PostGraphile over the same rows too, through a socket and without a token.
//!   `tests/benches/postgraphile/install FOLDER` installs it. FOLDER is an absolute path.
//! - `--mixed 1000000` then sends this number of requests of all kinds, and prints the memory of the process.
//! - `--initiatives 10000` measures a smaller database, and `--database URL` only one, which is kept: the rows are added if
//!   it has none.
//! - `--request PART` measures only the requests whose names have this part.

#![allow(missing_docs, reason = "a program of its own")]

#[allow(dead_code, reason = "shared with the other benches")]
#[path = "../fixtures/mod.rs"]
mod fixtures;
#[path = "../../it/support/postgres.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod postgres;

mod claims;
mod shuffle;
mod target;
mod workloads;

mod database {
    pub use wayin::database::connect;
}

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use rand::SeedableRng;
use rand::rngs::StdRng;
use sea_orm::{DatabaseConnection, DbBackend, EntityTrait as _};
use sea_orm_migration::MigratorTrait;
use tokio::task::JoinHandle;
use wayin::app::App;
use wayin::auth::jwt::{TokenSigner, TokenSubject, TokenVerifier};
use wayin::auth::member;
use wayin::change_log::ActionContext;
use wayin::clock::{Clock, SystemClock};
use wayin::graphql::operation::cost::{CostSettings, RateLimit, RateLimits};
use wayin::pattern::engine::{EngineSettings, PatternEngine};
use wayin::server::build_router;
use wayin_entity::{Role, claim, initiative};
use wayin_migration::Migrator;

use self::postgres::{Cluster, find_programs};
use self::target::{PostGraphile, Target};
use self::workloads::{WORKLOADS, Workload};

/// The same allocator as in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type BenchError = Box<dyn std::error::Error + Send + Sync>;

const ISSUER: &str = "https://issuer.example.org";
const AUDIENCE: &str = "wayin";
const SECRET: &[u8] = b"a secret that only benches know, of 32 bytes";
/// How long PostGraphile answers before it is measured. Node.js compiles code while it runs.
const WARM_UP_TIME: Duration = Duration::from_secs(10);
/// The number of the first connection that warms PostGraphile up.
const WARM_UP_CONNECTIONS: u64 = 1_000;
/// How long after its start the memory of the service is measured. mimalloc returns freed memory after a second. A blocking
/// thread of Tokio ends after ten seconds without work, and only then is all its memory returned.
const SETTLING_TIME: Duration = Duration::from_secs(15);
/// How long each kind of request is sent.
const RUN_TIME: Duration = Duration::from_secs(4);

/// What is measured.
struct Measurement {
    initiatives: usize,
    workloads: Vec<&'static Workload>,
    /// How many requests of all kinds are sent at the end.
    mixed_requests: usize,
    /// Where PostGraphile is installed.
    postgraphile: Option<PathBuf>,
}

fn main() -> Result<(), BenchError> {
    let mut measurement = Measurement {
        initiatives: 1_000_000,
        workloads: WORKLOADS.iter().collect(),
        mixed_requests: 0,
        postgraphile: None,
    };
    let mut database = None;
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--initiatives" => measurement.initiatives = value().parse()?,
            "--database" => database = Some(value()),
            "--mixed" => measurement.mixed_requests = value().parse()?,
            "--postgraphile" => measurement.postgraphile = Some(value().into()),
            "--request" => {
                let part = value();
                measurement
                    .workloads
                    .retain(|workload| workload.name.contains(&part));
            }
            _ => {}
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        if let Some(url) = database {
            return measurement.measure_database("One database", &url).await;
        }
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("made.db").display());
        measurement.measure_database("SQLite", &url).await?;
        measurement.measure_shuffled_start(&url).await?;
        let Some(programs) = find_programs() else {
            println!("No PostgreSQL server was found.");
            return Ok(());
        };
        let cluster = Cluster::start(&programs).await;
        let cluster = cluster.map_err(|failed| format!("{failed:?}"))?;
        measurement
            .measure_database("PostgreSQL", &cluster.copy("made").await?)
            .await
    })
}

impl Measurement {
    async fn measure_database(&self, name: &str, url: &str) -> Result<(), BenchError> {
        let db = wayin::database::connect(url).await?;
        Migrator::up(&db, None).await?;
        wayin::instance::ensure_instance(&db, &SystemClock).await?;
        if initiative::Entity::find().one(&db).await?.is_none() {
            fixtures::load::load(&db, self.initiatives).await?;
        }
        if claim::Entity::find().one(&db).await?.is_none() {
            claims::add_claims(&db).await?;
        }
        let token = add_steward(&db).await?;
        println!("\n## {name}, {} initiatives\n", self.initiatives);
        let default_bytes = EngineSettings::default().record_cache_bytes;
        for (cache, record_cache_bytes) in [("off", 0), ("on", default_bytes)] {
            forget_peak_memory();
            let start = Instant::now();
            let service = Service::start(&db, record_cache_bytes).await?;
            let ready_after = start.elapsed();
            let peak_memory = read_memory("VmHWM:");
            tokio::time::sleep(SETTLING_TIME).await;
            let settled_memory = read_memory("VmRSS:");
            let target = Target::Wayin {
                router: service.router.clone(),
                token: token.clone(),
            };
            print_table_header();
            for workload in &self.workloads {
                measure_workload(
                    &target,
                    workload.name,
                    cache,
                    workload.connections,
                    workload.query,
                )
                .await?;
            }
            println!(
                "\nReady after {:.1} s, with at most {peak_memory} MB; {settled_memory} MB {} s later; {} MB after the \
                 requests.\n",
                ready_after.as_secs_f64(),
                SETTLING_TIME.as_secs(),
                read_memory("VmRSS:")
            );
            if cache == "on" && self.mixed_requests > 0 {
                send_mixed_requests(&target, &self.workloads, self.mixed_requests).await?;
                println!(
                    "{} MB after {} mixed requests.\n",
                    read_memory("VmRSS:"),
                    self.mixed_requests
                );
            }
            service.stop().await?;
        }
        if let Some(folder) = &self.postgraphile
            && db.get_database_backend() == DbBackend::Postgres
        {
            self.measure_postgraphile(folder, url).await?;
        }
        db.close().await?;
        Ok(())
    }

    async fn measure_postgraphile(&self, folder: &Path, url: &str) -> Result<(), BenchError> {
        let server = PostGraphile::start(folder, url).await?;
        print_table_header();
        for workload in &self.workloads {
            let name = format!("PostGraphile: {}", workload.name);
            if let Some(query) = workload.on_postgraphile {
                // With other connections than those that are measured, so that the places are others too.
                let connections = WARM_UP_CONNECTIONS..WARM_UP_CONNECTIONS + workload.connections as u64;
                send_requests(server.target(), connections, query, WARM_UP_TIME).await?;
                measure_workload(server.target(), &name, "none", workload.connections, query).await?;
            }
        }
        Ok(())
    }

    /// Measures how long the service takes to start if the rows are in random order in the file.
    async fn measure_shuffled_start(&self, url: &str) -> Result<(), BenchError> {
        let db = wayin::database::connect(url).await?;
        shuffle::shuffle_rows(&db).await?;
        let start = Instant::now();
        let service = Service::start(&db, 0).await?;
        let ready_after = start.elapsed().as_secs_f64();
        service.stop().await?;
        println!("With the rows in random order in the file, ready after {ready_after:.1} s.\n");
        db.close().await?;
        Ok(())
    }
}

/// Sends requests of all kinds in turn, over eight connections.
async fn send_mixed_requests(
    target: &Target,
    workloads: &[&'static Workload],
    count: usize,
) -> Result<(), BenchError> {
    const CONNECTIONS: usize = 8;
    let connections = (0..CONNECTIONS).map(|connection| {
        let (target, workloads) = (target.clone(), workloads.to_vec());
        tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(connection as u64);
            for workload in workloads
                .iter()
                .cycle()
                .skip(connection)
                .take(count / CONNECTIONS)
            {
                target.send(&(workload.query)(&mut random)).await?;
            }
            Ok::<_, BenchError>(())
        })
    });
    for connection in connections.collect::<Vec<_>>() {
        connection.await??;
    }
    Ok(())
}

fn print_table_header() {
    println!(
        "| request | connections | cache of rows | requests a second | median ms | 99 in 100 within ms |"
    );
    println!("|---|---|---|---|---|---|");
}

/// Adds a steward; returns its `Authorization` header.
async fn add_steward(db: &DatabaseConnection) -> Result<String, BenchError> {
    let subject = || TokenSubject {
        issuer: ISSUER.into(),
        subject: "steward".into(),
    };
    let act = ActionContext {
        clock: &SystemClock,
        member: None,
        reason: "a bench",
    };
    member::add_or_update_member(db, &act, subject(), Role::Steward, None).await?;
    let signer = TokenSigner::new(
        Algorithm::HS256,
        EncodingKey::from_secret(SECRET),
        AUDIENCE.into(),
    );
    let token = signer.sign(&subject(), SystemClock.now(), TimeDelta::hours(6))?;
    Ok(format!("Bearer {token}"))
}

/// The service, ready to answer.
struct Service {
    router: Router,
    /// The task that follows the change log, as in a running service.
    following: JoinHandle<()>,
}

impl Service {
    async fn start(db: &DatabaseConnection, record_cache_bytes: u64) -> Result<Self, BenchError> {
        let key = DecodingKey::from_secret(SECRET);
        let verifier = TokenVerifier::new(Algorithm::HS256, key, ISSUER, AUDIENCE);
        let engine = PatternEngine::new(EngineSettings {
            record_cache_bytes,
            ..EngineSettings::default()
        })?;
        let unlimited = RateLimit {
            capacity: u32::MAX,
            per_minute: u32::MAX,
        };
        let costs = CostSettings {
            rates: RateLimits {
                token: unlimited,
                address: unlimited,
            },
            ..CostSettings::default()
        };
        let app = App::new(db.clone(), verifier, Arc::new(SystemClock), Arc::new(engine));
        let app = Arc::new(app.with_cost_settings(costs));
        app.engine.catch_up(&app.db, &|_| ()).await?;
        let followed = Arc::clone(&app);
        let follow = async move { followed.engine.follow_change_log(&followed.db, &|_| ()).await };
        Ok(Self {
            router: build_router(app),
            following: tokio::spawn(follow),
        })
    }

    /// Stops following the change log.
    async fn stop(self) -> Result<(), BenchError> {
        self.following.abort();
        match self.following.await {
            Err(failed) if failed.is_panic() => Err(failed.into()),
            _ => Ok(()),
        }
    }
}

/// Lets `VmHWM` start again from the memory that this process has now.
fn forget_peak_memory() {
    // Only on Linux. Elsewhere, the memory is not known either.
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}

/// The memory of this process in megabytes, from a field of its status. 0 if the system does not say.
fn read_memory(field: &str) -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let value = status.lines().find_map(|line| line.strip_prefix(field));
    let kilobytes = value.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

/// Sends requests of one kind for [`RUN_TIME`], and prints how many were answered and how fast.
async fn measure_workload(
    target: &Target,
    name: &str,
    cache: &str,
    connections: usize,
    query: fn(&mut StdRng) -> String,
) -> Result<(), BenchError> {
    let start = Instant::now();
    let mut times = send_requests(target, 0..connections as u64, query, RUN_TIME).await?;
    let per_second = times.len() as f64 / start.elapsed().as_secs_f64();
    times.sort_unstable();
    let milliseconds = |at: usize| times[at].as_secs_f64() * 1e3;
    println!(
        "| {name} | {connections} | {cache} | {per_second:.0} | {:.2} | {:.2} |",
        milliseconds(times.len() / 2),
        milliseconds(times.len() * 99 / 100),
    );
    Ok(())
}

/// Sends requests of one kind over numbered connections until `run_time` has passed. Returns how long each took. The number
/// of a connection is the seed of its requests.
async fn send_requests(
    target: &Target,
    connections: Range<u64>,
    query: fn(&mut StdRng) -> String,
    run_time: Duration,
) -> Result<Vec<Duration>, BenchError> {
    let start = Instant::now();
    let connections = connections.map(|connection| {
        let target = target.clone();
        tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(connection);
            let mut times = Vec::new();
            while start.elapsed() < run_time {
                let query = query(&mut random);
                let sent = Instant::now();
                target.send(&query).await?;
                times.push(sent.elapsed());
            }
            Ok::<_, BenchError>(times)
        })
    });
    let connections: Vec<_> = connections.collect();
    let mut times = Vec::new();
    for connection in connections {
        times.extend(connection.await??);
    }
    Ok(times)
}
