//! Imports of files: how many records a second pass all steps (read, validate, save, submit, publish, store the
//! revision, log, count in the index), and how much memory that takes.
//!
//! `cargo bench -p wayin-tests --bench imports -- --sizes 10000,100000,1000000` prints the table of
//! `docs/performance.md`. `--on sqlite` or `--on postgres` measures only one database.

#![allow(missing_docs, reason = "a program of its own")]

#[path = "../it/support/postgres.rs"]
#[allow(dead_code, reason = "shared with the stories")]
mod postgres;

mod database {
    pub use wayin::database::connect;
}

use std::fs::{self, File};
use std::io::{BufWriter, Seek, Write};
use std::sync::Arc;
use std::time::Instant;

use jsonwebtoken::{Algorithm, DecodingKey};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ConnectionTrait, DatabaseConnection, DbBackend, EntityTrait,
    IntoActiveModel,
};
use sea_orm_migration::MigratorTrait;
use serde_json::json;
use wayin::app::App;
use wayin::auth::jwt::{TokenSubject, TokenVerifier};
use wayin::auth::requester::AuthenticatedMember;
use wayin::change_log::ActionContext;
use wayin::clock::SystemClock;
use wayin::import::job::{self, ImportRecordsMode, ImportSender, worker};
use wayin::pattern::engine::{EngineSettings, PatternEngine};
use wayin::{auth, import, instance, organisation};
use wayin_entity::{FileFormat, ImportKind, Role, import as import_table};
use wayin_migration::Migrator;
use wayin_records::formats::records::FileLimits;

use self::postgres::{Cluster, find_programs};

/// The same allocator as in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type BenchError = Box<dyn std::error::Error>;

const PARTNER_ORGANISATION: &str = "GB-CHC-500";

fn main() -> Result<(), BenchError> {
    let (mut sizes, mut on) = (vec![10_000, 100_000], None);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().unwrap_or_default();
        match argument.as_str() {
            "--sizes" => {
                let list = value();
                sizes = list
                    .split(',')
                    .map(|size| size.trim().parse())
                    .collect::<Result<_, _>>()?;
            }
            "--on" => on = Some(value()),
            _ => {}
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let wanted = |kind: &str| on.as_deref().is_none_or(|on| on == kind);
    println!("| database | records | file | taken in | records a second | counted after | most memory |");
    println!("|---|---|---|---|---|---|---|");
    runtime.block_on(async {
        for size in sizes {
            if wanted("sqlite") {
                let folder = tempfile::tempdir()?;
                let url = format!("sqlite://{}?mode=rwc", folder.path().join("made.db").display());
                measure_import("SQLite", &url, size).await?;
            }
            if let Some(programs) = find_programs().filter(|_| wanted("postgres")) {
                let cluster = Cluster::start(&programs)
                    .await
                    .map_err(|failed| format!("{failed:?}"))?;
                measure_import("PostgreSQL", &cluster.copy("made").await?, size).await?;
            }
        }
        Ok(())
    })
}

/// Enables durable commits in PostgreSQL, as on a production server. The test cluster disables them.
async fn enable_durable_commits(db: &DatabaseConnection) -> Result<(), BenchError> {
    if db.get_database_backend() == DbBackend::Postgres {
        for setting in ["fsync", "synchronous_commit", "full_page_writes"] {
            db.execute_unprepared(&format!("ALTER SYSTEM SET {setting} = on"))
                .await?;
        }
        db.execute_unprepared("SELECT pg_reload_conf()").await?;
    }
    Ok(())
}

/// Writes a file of records as a partner might send them. All texts are unique.
fn write_records(size: usize) -> Result<File, BenchError> {
    let mut file = BufWriter::new(tempfile::tempfile()?);
    let steps = ["TAKEN", "RUSHED", "SKIPPED"];
    let points = [
        "COLLABORATION",
        "COMPLEXITY",
        "ROOT_CAUSES",
        "SINGLE_ORGANISATION",
    ];
    for number in 0..size {
        let record = json!({
            "externalRef": format!("r-{number}"),
            "title": format!("Initiative {number} of many"),
            "summary": "What it does, in the length that people write when they are asked for a sentence or two.",
            "place": {"code": format!("E0600000{}", number % 5 + 1)},
            "visibility": (["OPEN", "MEMBERS", "AGGREGATE_ONLY"][number % 3]),
            "startedOn": format!("20{:02}-0{}-01", 10 + number % 15, number % 9 + 1),
            "entryPoints": [{"entryPoint": points[number % 4], "perspective": "PRACTITIONER"}],
            "challengesFaced": [
                {"challenge": "DEFINING_AMBITIONS", "step": steps[number % 3], "reasons": ["SHORT_FUNDING"]},
                {"challenge": "UNDERSTANDING_LOCAL_SYSTEM", "step": steps[number % 2]}],
            "conditionsChanged": [{"condition": "GOVERNANCE", "change": "PARTLY"}],
            "fundingTerms": [{"funder": {"identifier": format!("GB-CHC-{}", 9 + number % 40), "name": "A funder"},
                "durationMonths": number % 48 + 1, "currency": "GBP", "amountMinor": number * 100}],
            "source": {"kind": "SELF_REPORT", "title": "Our return"},
            "sharing": {"basis": "The board agreed", "licence": "CC-BY-4.0"},
        });
        writeln!(file, "{record}")?;
    }
    let mut file = file.into_inner()?;
    file.rewind()?;
    Ok(file)
}

/// Imports a file of a trusted organisation, as the service does.
#[expect(clippy::too_many_lines, reason = "one scenario from start to end")]
async fn measure_import(name: &str, url: &str, size: usize) -> Result<(), BenchError> {
    let db = wayin::database::connect(url).await?;
    enable_durable_commits(&db).await?;
    Migrator::up(&db, None).await?;
    instance::ensure_instance(&db, &SystemClock).await?;
    let verifier = TokenVerifier::new(
        Algorithm::HS256,
        DecodingKey::from_secret(b"measured"),
        "https://issuer.example.org",
        "wayin",
    );
    let engine = Arc::new(PatternEngine::new(EngineSettings::default())?);
    let limits = FileLimits {
        bytes: u64::MAX,
        rows: u64::MAX,
    };
    let settings = job::ImportSettings {
        limits,
        ..job::ImportSettings::default()
    };
    let app = App::new(db, verifier, Arc::new(SystemClock), engine).with_imports(settings);
    let app = Arc::new(app);
    let act = ActionContext {
        clock: &SystemClock,
        member: None,
        reason: "measured",
    };
    let places: String = (1..=5).fold("code,name,kind,parents,successor\n".into(), |csv, number| {
        format!("{csv}E0600000{number},Place {number},LOCAL_AUTHORITY,,\n")
    });
    import::places::import(
        &app.db,
        &act,
        std::io::Cursor::new(places.into_bytes()),
        &mut |_| (),
    )
    .await
    .map_err(|cause| cause.to_string())?;
    let organisation =
        organisation::find_or_create(&app.db, &act, Some(PARTNER_ORGANISATION), Some("Measured"), None)
            .await?;
    let mut trusted = organisation.clone().into_active_model();
    trusted.auto_publish = Set(true);
    trusted.update(&app.db).await?;
    let subject = TokenSubject {
        issuer: "https://issuer.example.org".into(),
        subject: "partner".into(),
    };
    let member =
        auth::member::add_or_update_member(&app.db, &act, subject, Role::Partner, Some(organisation.id))
            .await?;
    let member = AuthenticatedMember {
        id: member.id,
        subject: member.subject,
        role: member.role,
        organisation: member.organisation_id,
        token: None,
    };
    let following = tokio::spawn({
        let app = Arc::clone(&app);
        async move { app.engine.follow_change_log(&app.db, &|_| ()).await }
    });
    let content = write_records(size)?;
    let bytes = content.metadata()?.len();
    let draft = job::NewImport {
        kind: ImportKind::Records,
        organisation: None,
        licence: None,
        file_name: "measured.jsonl".into(),
        format: FileFormat::JsonLines,
        bytes,
    };
    reset_peak_memory();
    let before = peak_memory_megabytes();
    let start = Instant::now();
    let sender = ImportSender::Member(&member, ImportRecordsMode::Submit);
    let started = job::enqueue(&app.db, &act, sender, draft, content).await?;
    let started = started.map_err(|findings| format!("{findings:?}"))?;
    worker::run_queued(&app).await?;
    let took = start.elapsed();
    let newest = wayin::change_log::newest_change_number(&app.db).await?;
    let kept = Instant::now();
    app.engine.wait_for_change(newest).await?;
    let counted = kept.elapsed();
    let done = import_table::Entity::find_by_id(started.id).one(&app.db).await?;
    let published = done.map_or(0, |done| done.published_count);
    if usize::try_from(published) != Ok(size) {
        return Err(format!("{published} of {size} were published").into());
    }
    println!(
        "| {name} | {size} | {:.0} MB | {:.1} s | {:.0} | {:.0} ms | {:.0} MB (before: {before:.0} MB) |",
        bytes as f64 / 1e6,
        took.as_secs_f64(),
        size as f64 / took.as_secs_f64(),
        counted.as_secs_f64() * 1e3,
        peak_memory_megabytes(),
    );
    following.abort();
    app.db.clone().close().await?;
    Ok(())
}

/// Resets the kernel's record of the peak memory of the process.
fn reset_peak_memory() {
    let _ = fs::write("/proc/self/clear_refs", "5");
}

/// The peak memory of the process in megabytes. 0 if the system does not report it.
fn peak_memory_megabytes() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) / 1e3
}
