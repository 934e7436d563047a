//! Writes the batches of an import, each in one transaction.

use std::time::Duration;

use futures_util::StreamExt as _;
use futures_util::stream::{FuturesOrdered, FuturesUnordered};
use sea_orm::DatabaseConnection;
use tokio::sync::mpsc;
use uuid::Uuid;
use wayin_entity::ImportKind;

use super::batch::{Batch, BatchResult, ROWS_PER_BATCH};
use super::batch_order::{Ticket, max_concurrent_batches};
use super::job::batch::JobBatches;
use super::publish::Publisher;
use crate::change_log::{self, ActionContext};
use crate::database;
use crate::error::{Error, Result};
use crate::instance::DisclosureKeys;
use crate::place::Gazetteer;

/// How often a batch is tried that conflicts with other writers.
const MAX_ATTEMPTS: u32 = 5;

/// What the batches of an import share.
pub(super) struct ImportContext<'a> {
    /// The id of the import.
    pub(super) id: Uuid,
    pub(super) kind: ImportKind,
    pub(super) db: &'a DatabaseConnection,
    pub(super) places: Gazetteer,
    pub(super) keys: DisclosureKeys,
    /// The licence of the grants of the file.
    pub(super) licence: Option<String>,
    pub(super) mode: Mode<'a>,
}

/// What is stored of an import.
pub(super) enum Mode<'a> {
    /// The published rows alone, as this act.
    Direct(&'a ActionContext<'a>),
    /// Also what became of each row.
    Job(JobBatches<'a>),
}

/// How an import ends, or pauses.
pub(super) enum ImportEnd {
    /// Every row was processed.
    Completed,
    /// The rest of the file cannot be processed, for this reason.
    Failed(String),
    /// The import has used its turn, and others wait.
    Yielded,
    /// Another worker has the import.
    Lost,
}

/// How the transaction of a batch ended.
pub(super) enum BatchEnd {
    Committed(BatchResult),
    Stopped(ImportEnd),
}

impl ImportContext<'_> {
    /// Writes all batches, as many at the same time as the database allows, and reports each in order. Returns how the
    /// import ends if it ends before the last batch.
    pub(super) async fn write_batches(
        &self,
        batches: &mut mpsc::Receiver<Batch>,
        report: &mut (dyn FnMut(BatchResult) + Send),
    ) -> Result<Option<ImportEnd>> {
        let writer = database::connect_dedicated_writer(self.db);
        // The first batch is written alone: organisations that are new are most often named by the first rows.
        let mut max_concurrent = 1;
        let (mut rows, mut rows_at_last_analysis) = (0, 0);
        let (mut open, mut previous, mut yields) = (FuturesOrdered::new(), None, false);
        let mut analyses = FuturesUnordered::new();
        loop {
            tokio::select! {
                Some(batch) = batches.recv(), if open.len() < max_concurrent && !yields => {
                    if let Mode::Job(job) = &self.mode && job.has_to_yield(self.db, rows).await? {
                        yields = true;
                        continue;
                    }
                    rows += batch.len();
                    let first = batch.first().map_or(0, |(position, _)| *position);
                    let ticket = Ticket::new(self.id, first, previous.take());
                    previous = Some(ticket.previous_of_next());
                    open.push_back(self.write_until_committed(&writer, ticket, batch));
                }
                Some(written) = open.next() => {
                    match written? {
                        BatchEnd::Committed(result) => report(result),
                        BatchEnd::Stopped(end) => return Ok(Some(end)),
                    }
                    max_concurrent = match (self.kind, &self.mode) {
                        (ImportKind::Records, Mode::Job(_)) => max_concurrent_batches(&writer),
                        // Each batch names new organisations, and the next one often the same.
                        _ => 1,
                    };
                    // After the first batch, and again when four times as many rows were written.
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

    /// Writes a batch, again if it conflicts with other writers.
    async fn write_until_committed(
        &self,
        writer: &DatabaseConnection,
        ticket: Ticket,
        mut batch: Batch,
    ) -> Result<BatchEnd> {
        for attempt in 1.. {
            ticket.wait_to_begin(attempt).await?;
            let result = match self.write_batch(writer, &ticket, &mut batch).await {
                Ok(BatchEnd::Committed(result)) => result,
                Ok(stopped) => return Ok(stopped),
                Err(Error::Conflict(_) | Error::Database(_)) if attempt < MAX_ATTEMPTS => {
                    tokio::time::sleep(Duration::from_millis(50 * u64::from(attempt))).await;
                    continue;
                }
                Err(error @ Error::Database(_)) => return Err(error),
                Err(error) if matches!(self.mode, Mode::Direct(_)) => return Err(error),
                Err(error) => {
                    tracing::error!(import = %self.id, error = %error, cause = ?error, "an import's rows could not be written");
                    let reason = "Something went wrong inside. Rows that were imported before stay imported. Ask a steward.";
                    return Ok(BatchEnd::Stopped(ImportEnd::Failed(reason.into())));
                }
            };
            ticket.set_committed();
            // Freeing many small allocations takes time. The next batch does not wait for it.
            tokio::task::spawn_blocking(move || drop(batch));
            return Ok(BatchEnd::Committed(result));
        }
        Err(Error::Internal("a batch was never tried".into()))
    }

    /// Writes a batch in one transaction.
    async fn write_batch(
        &self,
        writer: &DatabaseConnection,
        ticket: &Ticket,
        batch: &mut Batch,
    ) -> Result<BatchEnd> {
        let transaction = database::begin_write(writer).await?;
        let order = ticket.begin(&transaction).await?;
        let (act, result) = match &self.mode {
            Mode::Job(job) => return job.write(self, transaction, order, batch).await,
            Mode::Direct(act) => {
                let publisher = Publisher {
                    act,
                    funder: None,
                    warns_of_locations: false,
                };
                (*act, publisher.publish(&transaction, self, batch).await?)
            }
        };
        order.wait_for_previous(&transaction).await?;
        change_log::append_changes(&transaction, act, &result.changes).await?;
        database::commit(transaction).await?;
        Ok(BatchEnd::Committed(result))
    }
}
