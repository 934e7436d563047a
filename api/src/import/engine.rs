//! Writes the batches of an import, each in one transaction.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{FuturesOrdered, FuturesUnordered};
use indicatif::ProgressBar;
use sea_orm::DatabaseConnection;
use tokio::sync::mpsc;
use uuid::Uuid;
use wayin_entity::{ImportKind, ImportMode, import, organisation};

use super::batch::{Batch, ROWS_PER_BATCH};
use super::batch_order::{Ticket, max_concurrent_batches};
use super::job::{ImportSettings, lease};
use crate::clock::Clock;
use crate::database;
use crate::error::{Error, Result};
use crate::instance::DisclosureKeys;
use crate::pattern::engine::PatternEngine;
use crate::place::Gazetteer;

/// How many times a batch is tried if it conflicts with other writers.
const MAX_ATTEMPTS: u32 = 5;

/// Runs imports in a server or for a command.
pub struct Worker<'a> {
    pub(super) id: Uuid,
    pub(super) db: &'a DatabaseConnection,
    pub(super) clock: &'a dyn Clock,
    pub(super) settings: ImportSettings,
    /// The engine to notify of changes. None for a command.
    pub(super) engine: Option<&'a PatternEngine>,
    /// How many bytes of the file were read.
    pub(super) progress: ProgressBar,
}

impl<'a> Worker<'a> {
    /// Creates the worker of a command, which has no engine.
    pub fn new(db: &'a DatabaseConnection, clock: &'a dyn Clock, settings: ImportSettings) -> Self {
        Self {
            id: clock.new_id(),
            db,
            clock,
            settings,
            engine: None,
            progress: ProgressBar::hidden(),
        }
    }

    /// Shows how much of the file was read.
    #[must_use]
    pub fn with_progress(self, progress: ProgressBar) -> Self {
        Self { progress, ..self }
    }
}

/// The data that the batches of an import share.
pub(super) struct ImportContext<'a> {
    pub(super) import: &'a import::Model,
    pub(super) worker: &'a Worker<'a>,
    pub(super) places: Gazetteer,
    pub(super) keys: DisclosureKeys,
    /// The licence of the grants in the file.
    pub(super) licence: Option<String>,
    /// The organisation for which the producer validated the records.
    pub(super) read_for: Option<organisation::Model>,
}

/// How an import ends or pauses.
pub(super) enum ImportEnd {
    Completed,
    /// Why the rest of the file cannot be processed.
    Failed(String),
    /// The import has used its turn, and other imports are waiting.
    Yielded,
    /// Another worker has taken over the import.
    Lost,
}

/// How the transaction of a batch ended.
pub(super) enum BatchEnd {
    Committed,
    Stopped(ImportEnd),
}

impl ImportContext<'_> {
    /// Writes all batches, as many at the same time as the database allows. Returns how the import ends or pauses if
    /// that is before the last batch.
    pub(super) async fn write_batches(
        &self,
        batches: &mut mpsc::Receiver<Batch>,
    ) -> Result<Option<ImportEnd>> {
        let writer = database::connect_dedicated_writer(self.worker.db);
        // The first batch is written alone, because most new organisations are in the first rows.
        let mut max_concurrent = 1;
        let (mut rows, mut rows_at_last_analysis) = (0, 0);
        let (mut open, mut previous, mut yields) = (FuturesOrdered::new(), None, false);
        let mut analyses = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(batch) = batches.recv(), if open.len() < max_concurrent && !yields => {
                    if self.has_to_yield(rows).await? {
                        yields = true;
                        continue;
                    }
                    rows += batch.len();
                    let first = batch.first().map_or(0, |(position, _)| *position);
                    let ticket = Ticket::new(self.import.id, first, previous.take());
                    previous = Some(ticket.previous_of_next());
                    open.push_back(self.write_until_committed(&writer, ticket, batch));
                }
                Some(written) = open.next() => {
                    if let BatchEnd::Stopped(end) = written? {
                        return Ok(Some(end));
                    }
                    max_concurrent = match (self.import.kind, self.import.mode) {
                        (ImportKind::Records, ImportMode::Draft | ImportMode::Submit) => {
                            max_concurrent_batches(&writer)
                        }
                        // Consecutive batches often create the same organisations.
                        _ => 1,
                    };
                    // Runs after the first batch, and again when four times as many rows are written.
                    if rows >= rows_at_last_analysis * 4 + ROWS_PER_BATCH {
                        rows_at_last_analysis = rows;
                        analyses.push(database::analyze_tables(&writer));
                    }
                }
                Some(analysed) = analyses.next() => if let Err(cause) = analysed {
                    tracing::warn!(%cause, "the tables could not be analysed");
                },
                else => break,
            }
        }
        Ok(yields.then_some(ImportEnd::Yielded))
    }

    /// Whether the import has used its turn and other imports are waiting.
    async fn has_to_yield(&self, rows: usize) -> Result<bool> {
        let Worker {
            db, clock, settings, ..
        } = self.worker;
        Ok(rows >= settings.rows_per_turn && lease::is_any_waiting(db, clock.now()).await?)
    }

    /// Writes a batch, and tries again if it conflicts with other writers.
    async fn write_until_committed(
        &self,
        writer: &DatabaseConnection,
        ticket: Ticket,
        mut batch: Batch,
    ) -> Result<BatchEnd> {
        for attempt in 1.. {
            ticket.wait_to_begin(attempt).await?;
            match self.write_batch(writer, &ticket, &mut batch).await {
                Ok(BatchEnd::Committed) => {}
                Ok(stopped) => return Ok(stopped),
                Err(Error::Conflict(_) | Error::Database(_)) if attempt < MAX_ATTEMPTS => {
                    tokio::time::sleep(Duration::from_millis(50 * u64::from(attempt))).await;
                    continue;
                }
                Err(error @ Error::Database(_)) => return Err(error),
                Err(error) => {
                    tracing::error!(import = %self.import.id, error = %error, cause = ?error, "an import's rows could not be written");
                    let reason = "Something went wrong inside. Rows that were imported before stay imported. Ask a steward.";
                    return Ok(BatchEnd::Stopped(ImportEnd::Failed(reason.into())));
                }
            }
            ticket.set_committed();
            // Freeing many small allocations takes time, so it happens on another thread.
            tokio::task::spawn_blocking(move || drop(batch));
            return Ok(BatchEnd::Committed);
        }
        Err(Error::Internal("a batch was never tried".into()))
    }
}
