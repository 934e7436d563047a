//! Runs import jobs. Each process runs one at a time.

use std::fs::File;
use std::io::{BufReader, Seek};
use std::time::Duration;

use sea_orm::EntityTrait;
use uuid::Uuid;
use wayin_entity::{ImportKind, ImportMode, import, organisation};

use super::chunks;
use super::lease::{self, Lease};
use super::outcomes::without_nul;
use crate::app::App;
use crate::error::{Error, Result};
use crate::import::ImportError;
pub use crate::import::engine::Worker;
use crate::import::engine::{ImportContext, ImportEnd};
use crate::import::producer::{ReadFor, SourceFile, produce};
use crate::instance::DisclosureKeys;
use crate::place::Gazetteer;
use wayin_records::formats::grants as grant_files;

/// How long a worker waits for a notification before it checks for imports anyway.
const POLL_INTERVAL: Duration = Duration::from_secs(2);
/// How many times an import is started without progress. The import itself may be what crashes its worker.
const MAX_ATTEMPTS: i32 = 5;
/// The most unknown locations that the notes of an upload list. Its rows have warnings for all of them.
const MAX_LOCATIONS_NOTED: usize = 100;

impl<'a> Worker<'a> {
    fn of_server(app: &'a App) -> Self {
        Self {
            engine: Some(&app.engine),
            ..Self::new(&app.db, &*app.clock, app.imports.settings)
        }
    }
}

/// Runs imports until the process ends.
pub async fn run(app: &App) {
    let worker = Worker::of_server(app);
    loop {
        match run_next(&worker).await {
            Ok(true) => continue,
            Ok(false) => {}
            Err(error) => {
                tracing::error!(error = %error, cause = ?error, "an import could not go on; trying again");
            }
        }
        let _ = tokio::time::timeout(POLL_INTERVAL, app.imports.queued.notified()).await;
    }
}

/// Runs all waiting imports. Returns the number of turns.
pub async fn run_queued(app: &App) -> Result<usize> {
    let worker = Worker::of_server(app);
    let mut turns = 0;
    while run_next(&worker).await? {
        turns += 1;
    }
    Ok(turns)
}

/// Runs imports until this one has ended. Another worker may run it. None if the import does not exist.
pub async fn run_until_ended(worker: &Worker<'_>, id: Uuid) -> Result<Option<import::Model>> {
    const POLL_INTERVAL: Duration = Duration::from_millis(200);
    loop {
        let import = import::Entity::find_by_id(id).one(worker.db).await?;
        if import.as_ref().is_none_or(|import| import.ended_at.is_some()) {
            return Ok(import);
        }
        if !run_next(worker).await? {
            tokio::time::sleep(POLL_INTERVAL).await;
        }
    }
}

/// Claims the import that has waited longest, and processes it for one turn. Returns false if no import is waiting.
async fn run_next(worker: &Worker<'_>) -> Result<bool> {
    let Some(import) = lease::claim(worker.db, worker.clock, worker.id).await? else {
        return Ok(false);
    };
    let id = import.id;
    tracing::info!(import = %id, rows_processed = import.rows_processed, "an import goes on");
    let lease = Lease {
        db: worker.db,
        clock: worker.clock,
        worker: worker.id,
        import: id,
    };
    let end = tokio::select! {
        end = process(worker, &lease, &import) => end?,
        () = lease.heartbeat() => return Ok(true),
    };
    let failure = match end {
        ImportEnd::Completed => None,
        ImportEnd::Failed(reason) => Some(without_nul(&reason)),
        ImportEnd::Yielded => {
            lease.release().await?;
            return Ok(true);
        }
        ImportEnd::Lost => {
            tracing::warn!(import = %id, "another server has taken an import over");
            return Ok(true);
        }
    };
    lease.end(failure).await?;
    if let Some(engine) = worker.engine {
        engine.notifier().notify_of_commit();
    }
    tracing::info!(import = %id, "an import has ended");
    Ok(true)
}

/// Processes the remaining rows.
async fn process(worker: &Worker<'_>, lease: &Lease<'_>, import: &import::Model) -> Result<ImportEnd> {
    let db = worker.db;
    if import.attempts > MAX_ATTEMPTS {
        let reason = format!(
            "The import was started {MAX_ATTEMPTS} times without progress. Rows that were imported before stay imported. Ask a steward."
        );
        return Ok(ImportEnd::Failed(reason));
    }
    let Some(content) = chunks::load_file(db, import.id).await? else {
        return Ok(ImportEnd::Failed("The file is not kept any more.".into()));
    };
    let licence = match find_licence(import, &content).await? {
        Ok(licence) => licence,
        Err(reason) => return Ok(ImportEnd::Failed(reason)),
    };
    let organisation = match import.organisation_id {
        Some(id) => organisation::Entity::find_by_id(id).one(db).await?,
        None => None,
    };
    let context = ImportContext {
        import,
        worker,
        places: Gazetteer::load_with_small_areas(db).await?,
        keys: DisclosureKeys::load(db).await?,
        licence,
        read_for: organisation.clone(),
    };
    let read_for = match import.mode {
        ImportMode::Draft | ImportMode::Submit => ReadFor::Submission(organisation),
        ImportMode::Publish => ReadFor::Publication(db.clone()),
    };
    worker.progress.reset();
    worker.progress.set_length(import.bytes.unsigned_abs());
    let file = SourceFile {
        kind: import.kind,
        format: import.format,
        limits: worker.settings.file_limits(import.mode),
        input: worker.progress.wrap_read(content),
    };
    let (mut batches, reading) = produce(file, import.rows_processed, read_for);
    if let Some(end) = context.write_batches(&mut batches).await? {
        return Ok(end);
    }
    let outcome = match reading.await {
        Ok(outcome) => outcome,
        Err(cause) => {
            tracing::error!(import = %import.id, %cause, "an import's file brought its reader down");
            let reason = "Something went wrong inside while the file was read. Rows that were imported before stay imported. Ask a steward.";
            return Ok(ImportEnd::Failed(reason.into()));
        }
    };
    let mut notes = outcome.notes;
    if import.kind == ImportKind::Grants360Giving && context.licence.is_none() {
        notes.add("The file does not say which licence it may be reused under; --licence does.");
    }
    let most = match import.mode {
        // The command line reports no warning for each row, so its notes list all of them.
        ImportMode::Publish => usize::MAX,
        ImportMode::Draft | ImportMode::Submit => MAX_LOCATIONS_NOTED,
    };
    let locations = outcome.locations.into_notes(&context.places, most);
    locations.into_iter().for_each(|note| notes.add(note));
    let notes: Vec<String> = notes.into_iter().map(|note| without_nul(&note)).collect();
    lease.store_notes(&notes).await?;
    match outcome.result {
        Ok(()) => Ok(ImportEnd::Completed),
        Err(ImportError::File(error)) => Ok(ImportEnd::Failed(error.to_string())),
        Err(ImportError::Base(error)) => Err(error),
    }
}

/// The licence of a file of grants: the one in the file, or else the one in the request. Files of records have none.
async fn find_licence(import: &import::Model, content: &File) -> Result<Result<Option<String>, String>> {
    if import.kind == ImportKind::Records {
        return Ok(Ok(None));
    }
    let failed = |cause: std::io::Error| Error::Internal(format!("a file could not be read: {cause}"));
    let mut content = content.try_clone().map_err(failed)?;
    let format = import.format;
    let about = tokio::task::spawn_blocking(move || {
        let about = grant_files::read_package_info(BufReader::new(&mut content), format);
        content.rewind()?;
        about
    });
    let about = about.await.map_err(|cause| Error::Internal(cause.to_string()))?;
    Ok(match about {
        Err(error) => Err(error.to_string()),
        Ok(about) => match about.license.or_else(|| import.licence.clone()) {
            None if import.mode != ImportMode::Publish => Err(
                "The file does not say which licence it may be reused under; say it with `licence`.".into(),
            ),
            licence => Ok(licence),
        },
    })
}
