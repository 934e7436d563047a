//! Measures the whole service over a database of a million initiatives: lists, pages and patterns as HTTP requests, which
//! it takes without a socket. Places, orders and conditions vary from request to request.
//!
//! `cargo bench -p wayin-tests --bench service` prints a table of `docs/performance.md` for each database.
//! `-- --initiatives 10000` measures a smaller one, and `-- --database URL` only one, which is kept: the rows are added if it
//! has none. `-- --request PART` measures only the requests whose names have this part.

#![allow(missing_docs, reason = "a program of its own")]

#[allow(dead_code, reason = "shared with the other benches")]
mod fixtures;
#[path = "../it/support/postgres.rs"]
#[allow(dead_code, reason = "shared with the tests")]
mod postgres;

mod database {
    pub use wayin::database::connect;
}

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use chrono::TimeDelta;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sea_orm::{DatabaseConnection, EntityTrait as _};
use sea_orm_migration::MigratorTrait;
use serde_json::json;
use tower::ServiceExt as _;
use wayin::app::App;
use wayin::auth::jwt::{TokenSigner, TokenSubject, TokenVerifier};
use wayin::auth::member;
use wayin::change_log::ActionContext;
use wayin::clock::{Clock, SystemClock};
use wayin::graphql::operation::cost::{CostSettings, RateLimit, RateLimits};
use wayin::pattern::engine::{EngineSettings, PatternEngine};
use wayin::server::build_router;
use wayin_entity::{Role, initiative};
use wayin_migration::Migrator;

use self::postgres::{Cluster, find_programs};

/// The same allocator as in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type BenchError = Box<dyn std::error::Error + Send + Sync>;

const ISSUER: &str = "https://issuer.example.org";
const AUDIENCE: &str = "wayin";
const SECRET: &[u8] = b"a secret that only benches know, of 32 bytes";
/// How long each kind of request is sent.
const RUN_TIME: Duration = Duration::from_secs(4);

/// Everything of a record that a page shows.
const FIELDS: &str =
    "id title startedOn place { name } leadOrganisation { name } entryPoints { entryPoint perspective }
    challengesFaced { challenge step reasons } conditionsChanged { condition change } sources { title }
    fundingTerms { durationMonths amountMinor funder { name } }";

/// A kind of request.
struct Workload {
    name: &'static str,
    connections: usize,
    query: fn(&mut StdRng) -> String,
}

fn random_place(random: &mut StdRng) -> String {
    format!("E{:08}", random.random_range(0..fixtures::PLACE_COUNT))
}

fn random_region(random: &mut StdRng) -> String {
    format!(
        "E{:08}",
        random.random_range(fixtures::PLACE_COUNT..fixtures::PLACE_COUNT + fixtures::REGION_COUNT)
    )
}

/// The headline question by region, about initiatives that started after one of `days` days.
fn headline(random: &mut StdRng, days: u64) -> String {
    let day = chrono::NaiveDate::default() + chrono::Days::new(10_000 + random.random_range(0..days));
    format!(
        "{{ pattern(when: {{fundingTerms: {{some: {{durationMonths: {{lte: 18}}}}}}}},
            then: {{challenge: {{on: DEFINING_AMBITIONS, step: {{in: [SKIPPED]}}}}}},
            among: {{startedOn: {{gte: \"{day}\"}}}}, by: REGION) {{
            summary groups(first: 20) {{ nodes {{ label table {{ both whenOnly }} rateWhen {{ value }} }} }} }} }}"
    )
}

const WORKLOADS: &[Workload] = &[
    Workload {
        name: "page of 50 of a place, with relations",
        connections: 8,
        query: |random| {
            let place = random_place(random);
            format!(
                "{{ initiatives(first: 50, filter: {{place: {{within: {{code: \"{place}\"}}}}}}) {{ nodes {{ {FIELDS} }} }} }}"
            )
        },
    },
    Workload {
        name: "page of 50 of a region, through `place`",
        connections: 8,
        query: |random| {
            let region = random_region(random);
            format!("{{ place(code: \"{region}\") {{ initiatives(first: 50) {{ nodes {{ {FIELDS} }} }} }} }}")
        },
    },
    Workload {
        name: "page of 50 in any order",
        connections: 1,
        query: |random| {
            let field = ["PUBLISHED", "TITLE", "STARTED_ON", "ENDED_ON"][random.random_range(0..4)];
            let direction = ["ASC", "DESC"][random.random_range(0..2)];
            format!(
                "{{ initiatives(first: 50, orderBy: {{field: {field}, direction: {direction}}}) {{ nodes {{ id title startedOn }} }} }}"
            )
        },
    },
    Workload {
        name: "`totalCount` of three conditions",
        connections: 1,
        query: |random| {
            let months = random.random_range(1..60);
            let amount = random.random_range(1..60) * 1_000_000;
            format!(
                "{{ initiatives(filter: {{and: [{{fundingTerms: {{some: {{durationMonths: {{lte: {months}}}, amountMinor: {{gte: \"{amount}\"}}}}}}}},
                    {{challenge: {{on: DEFINING_AMBITIONS, step: {{in: [SKIPPED]}}}}}},
                    {{wayIn: {{in: [COLLABORATION]}}}}]}}) {{ totalCount }} }}"
            )
        },
    },
    Workload {
        name: "places > initiatives > terms, nested",
        connections: 1,
        query: |random| {
            let (places, initiatives) = (random.random_range(8..12), random.random_range(4..7));
            format!(
                "{{ places(first: {places}, filter: {{kind: {{in: [LOCAL_AUTHORITY]}}}}) {{ nodes {{ name
                    initiatives(first: {initiatives}) {{ nodes {{ title fundingTerms {{ durationMonths }} }} }} }} }} }}"
            )
        },
    },
    Workload {
        name: "page of 50 whose title contains a number",
        connections: 1,
        query: |random| {
            let part = random.random_range(10_000..99_999);
            format!(
                "{{ initiatives(first: 50, filter: {{title: {{contains: \"{part}\"}}}}) {{ nodes {{ id title }} }} }}"
            )
        },
    },
    Workload {
        name: "`{ __typename }` with a token",
        connections: 32,
        query: |_| "{ __typename }".into(),
    },
    Workload {
        name: "headline by region, a new question each time",
        connections: 8,
        query: |random| headline(random, 1_000_000),
    },
    Workload {
        name: "headline by region, ten questions",
        connections: 8,
        query: |random| headline(random, 10),
    },
];

fn main() -> Result<(), BenchError> {
    let mut initiatives = 1_000_000;
    let mut database = None;
    let mut name_part = String::new();
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--initiatives" => initiatives = arguments.next().unwrap_or_default().parse()?,
            "--database" => database = arguments.next(),
            "--request" => name_part = arguments.next().unwrap_or_default(),
            _ => {}
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let workloads: Vec<&Workload> = WORKLOADS
        .iter()
        .filter(|workload| workload.name.contains(&name_part))
        .collect();
    runtime.block_on(async {
        if let Some(url) = database {
            return measure_database("One database", &url, initiatives, &workloads).await;
        }
        let folder = tempfile::tempdir()?;
        let url = format!("sqlite://{}?mode=rwc", folder.path().join("made.db").display());
        measure_database("SQLite", &url, initiatives, &workloads).await?;
        let Some(programs) = find_programs() else {
            println!("No PostgreSQL server was found.");
            return Ok(());
        };
        let cluster = Cluster::start(&programs).await;
        let cluster = cluster.map_err(|failed| format!("{failed:?}"))?;
        measure_database(
            "PostgreSQL",
            &cluster.copy("made").await?,
            initiatives,
            &workloads,
        )
        .await
    })
}

async fn measure_database(
    name: &str,
    url: &str,
    initiatives: usize,
    workloads: &[&Workload],
) -> Result<(), BenchError> {
    let db = wayin::database::connect(url).await?;
    Migrator::up(&db, None).await?;
    wayin::instance::ensure_instance(&db, &SystemClock).await?;
    if initiative::Entity::find().one(&db).await?.is_none() {
        fixtures::load::load(&db, initiatives).await?;
    }
    let token = add_steward(&db).await?;
    println!("\n## {name}, {initiatives} initiatives\n");
    println!(
        "| request | connections | cache of rows | requests a second | median ms | 99 in 100 within ms |"
    );
    println!("|---|---|---|---|---|---|");
    for (cache, record_cache_bytes) in [("off", 0), ("on", EngineSettings::default().record_cache_bytes)] {
        let start = Instant::now();
        let router = start_service(&db, record_cache_bytes).await?;
        let (ready_after, memory_when_ready) = (start.elapsed(), memory_megabytes());
        for workload in workloads {
            measure_workload(&router, &token, cache, workload).await?;
        }
        println!(
            "\nReady after {:.1} s with {memory_when_ready} MB; {} MB after the requests.\n",
            ready_after.as_secs_f64(),
            memory_megabytes()
        );
    }
    db.close().await?;
    Ok(())
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

async fn start_service(db: &DatabaseConnection, record_cache_bytes: u64) -> Result<Router, BenchError> {
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
    Ok(build_router(app))
}

/// Sends a query. Fails if the response has errors.
async fn send(router: Router, token: &str, query: &str) -> Result<(), BenchError> {
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, token)
        .body(Body::from(json!({"query": query}).to_string()))?;
    let response = router.oneshot(request).await?;
    let status = response.status();
    let body = to_bytes(response.into_body(), 16 << 20).await?;
    // To read the JSON would take time that is not the service's.
    let text = str::from_utf8(&body)?;
    if status != StatusCode::OK || text.contains("\"errors\":") {
        return Err(format!("{query}: {status} {text}").into());
    }
    Ok(())
}

/// The memory of this process in megabytes. 0 if the system does not say.
fn memory_megabytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = resident.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

/// Sends requests of one kind for [`RUN_TIME`], and prints how many were answered and how fast.
async fn measure_workload(
    router: &Router,
    token: &str,
    cache: &str,
    workload: &Workload,
) -> Result<(), BenchError> {
    let query = workload.query;
    let start = Instant::now();
    let connections = (0..workload.connections as u64).map(|connection| {
        let (router, token) = (router.clone(), token.to_owned());
        tokio::spawn(async move {
            let mut random = StdRng::seed_from_u64(connection);
            let mut times = Vec::new();
            while start.elapsed() < RUN_TIME {
                let query = query(&mut random);
                let sent = Instant::now();
                send(router.clone(), &token, &query).await?;
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
    let per_second = times.len() as f64 / start.elapsed().as_secs_f64();
    times.sort_unstable();
    let milliseconds = |at: usize| times[at].as_secs_f64() * 1e3;
    println!(
        "| {} | {} | {cache} | {per_second:.0} | {:.2} | {:.2} |",
        workload.name,
        workload.connections,
        milliseconds(times.len() / 2),
        milliseconds(times.len() * 99 / 100),
    );
    Ok(())
}
