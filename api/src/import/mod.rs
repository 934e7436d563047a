//! Files into the base: parsed row by row on a thread of their own, published in
//! batches, each in one transaction. What a command line imports is published at
//! once, as a steward's act.

pub mod grants;
pub mod graphql;
pub mod http;
pub mod job;
pub mod places;
pub mod records;
pub mod subscription;

use std::ops::ControlFlow;
use std::path::Path;

use sea_orm::DatabaseConnection;
use tokio::sync::mpsc;
use wayin_entity::{FileFormat, ImportKind};

use crate::base::DisclosureKeys;
use crate::change::Act;
use crate::database;
use crate::error::{Error, Result};
use crate::initiative::publish::{Outcome, Proposal, publish_all};
use crate::place::Gazetteer;
use wayin_records::finding::{Finding, FindingCode};
use wayin_records::formats::grants::GrantFormat;
use wayin_records::formats::records::{Limits, RecordFormat};
use wayin_records::formats::{FileError, GoodRow, Notes, Refusal, Row};

/// How many rows are published in one transaction.
const ROWS_AT_ONCE: usize = 500;

/// Why a file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no such file, or it breaks off.
    #[error("{0}")]
    File(#[from] FileError),
    /// The base could not take it.
    #[error("{0}")]
    Base(#[from] Error),
}

impl From<sea_orm::DbErr> for ImportError {
    fn from(cause: sea_orm::DbErr) -> Self {
        Self::Base(cause.into())
    }
}

/// The format of a file that was sent, told by its first bytes and its name; why it is refused, where it is.
pub fn format_of(
    kind: ImportKind,
    name: &str,
    known: &job::Kept,
    limits: &Limits,
) -> Result<FileFormat, Finding> {
    if known.bytes > limits.bytes {
        let reason = format!(
            "has {} bytes; at most {} can be sent at once",
            known.bytes, limits.bytes
        );
        return Err(Finding::new(FindingCode::TooLong, "file", reason));
    }
    let format = match kind {
        ImportKind::Records => RecordFormat::of(name, &known.start).map(job::file_format),
        ImportKind::Grants360Giving => {
            GrantFormat::of(Path::new(name), &known.start).map(|format| match format {
                GrantFormat::Json => FileFormat::Json,
                GrantFormat::Csv => FileFormat::Csv,
                GrantFormat::Xlsx => FileFormat::Xlsx,
                GrantFormat::Ods => FileFormat::Ods,
            })
        }
    };
    format.map_err(|error| Finding::new(FindingCode::Malformed, "file", error.to_string()))
}

/// What became of a file's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// New to the base.
    pub added: u64,
    /// Took the place of what was there.
    pub altered: u64,
    /// Stood so already.
    pub unchanged: u64,
    /// Wrong in themselves, and left out.
    pub refused: u64,
    /// Taken, but worth a look.
    pub warned: u64,
}

impl Tally {
    /// Counts what became of a proposal, of which the file gave as many warnings; hands on why it was refused, and
    /// answers what is worth a look.
    fn count(&mut self, outcome: Outcome, warned: usize, refused: impl FnMut(Finding)) -> Vec<Finding> {
        let is_taken = !matches!(outcome, Outcome::Refused(_));
        let warnings = match outcome {
            Outcome::Published { warnings, .. } => {
                self.added += 1;
                warnings
            }
            Outcome::Altered { warnings, .. } => {
                self.altered += 1;
                warnings
            }
            Outcome::Unchanged { .. } => {
                self.unchanged += 1;
                Vec::new()
            }
            Outcome::Refused(findings) => {
                self.refused += 1;
                findings.into_iter().for_each(refused);
                Vec::new()
            }
        };
        self.warned += u64::from(is_taken && (warned > 0 || !warnings.is_empty()));
        warnings
    }
}

/// What is said of a row while a file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// It was left out.
    Refused(Refusal),
    /// It was taken, but is worth a look.
    Warning(Refusal),
    /// Something about how the whole file was read, as a sentence.
    Note(String),
}

/// Rows with their numbers.
type Batch<T> = Vec<(u64, Row<T>)>;
/// A file that is being read on a thread of its own.
type Reading<P> = tokio::task::JoinHandle<(Notes, Result<P, FileError>)>;

/// Parses on a thread of its own and hands over batches of rows. The channel holds
/// a few batches, so that a long file never waits in memory.
fn batches<T: Send + 'static, P: Send + 'static>(
    parse: impl FnOnce(&mut Notes, &mut dyn FnMut(u64, Row<T>) -> ControlFlow<()>) -> Result<P, FileError>
    + Send
    + 'static,
) -> (mpsc::Receiver<Batch<T>>, Reading<P>) {
    let (sender, receiver) = mpsc::channel(4);
    let reading = tokio::task::spawn_blocking(move || {
        let mut batch = Vec::with_capacity(ROWS_AT_ONCE);
        let mut notes = Notes::default();
        let parsed = parse(&mut notes, &mut |row, read| {
            batch.push((row, read));
            // Nobody listens any more when the base could not take a batch.
            if batch.len() == ROWS_AT_ONCE && sender.blocking_send(std::mem::take(&mut batch)).is_err() {
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        let _ = sender.blocking_send(batch);
        (notes, parsed)
    });
    (receiver, reading)
}

/// What a file came to, and hands on what is to be known of how it was read.
async fn parsed<P>(reading: Reading<P>, remarks: &mut (dyn FnMut(Remark) + Send)) -> Result<P, ImportError> {
    let (notes, parsed) = reading
        .await
        .map_err(|cause| Error::Internal(format!("a file could not be read: {cause}")))?;
    notes.into_iter().map(Remark::Note).for_each(remarks);
    Ok(parsed?)
}

/// Publishes the rows of a file as they come. `propose` makes a record of a row, and
/// `field` names a field of the record as the file does.
async fn publish_rows<T: Send + 'static>(
    db: &DatabaseConnection,
    act: &Act<'_>,
    rows: mpsc::Receiver<Batch<T>>,
    propose: impl Fn(T, &Gazetteer) -> Proposal,
    field: fn(&str) -> String,
    remarks: &mut (dyn FnMut(Remark) + Send),
) -> Result<Tally, ImportError> {
    let refusal = |row: u64, (): &(), Finding { path, reason, .. }: Finding| Refusal {
        sheet: None,
        row,
        field: field(&path),
        reason,
    };
    let propose = |row, places: &_| (propose(row, places), ());
    publish_where_they_stand(db, act, rows, propose, refusal, remarks).await
}

/// [`publish_rows`], where more than its number says where a row stands: `refusal` makes what is
/// said of it.
async fn publish_where_they_stand<T: Send + 'static, W>(
    db: &DatabaseConnection,
    act: &Act<'_>,
    mut rows: mpsc::Receiver<Batch<T>>,
    propose: impl Fn(T, &Gazetteer) -> (Proposal, W),
    refusal: impl Fn(u64, &W, Finding) -> Refusal,
    remarks: &mut (dyn FnMut(Remark) + Send),
) -> Result<Tally, ImportError> {
    let places = Gazetteer::read_with_small_areas(db).await?;
    let keys = DisclosureKeys::of(db).await?;
    let mut tally = Tally::default();
    while let Some(batch) = rows.recv().await {
        let (mut proposals, mut stand) = (Vec::new(), Vec::new());
        for (row, read) in batch {
            match read {
                Err(refusals) => {
                    tally.refused += 1;
                    refusals.into_iter().map(Remark::Refused).for_each(&mut *remarks);
                }
                Ok(GoodRow { value, warnings }) => {
                    let (proposal, stands) = propose(value, &places);
                    proposals.push(proposal);
                    stand.push((row, stands, warnings));
                }
            }
        }
        if proposals.is_empty() {
            continue;
        }
        let transaction = database::begin_writing(db).await?;
        let outcomes = publish_all(&transaction, act, &places, &keys, proposals).await?;
        database::commit(transaction).await?;
        for ((row, stands, warnings), outcome) in stand.into_iter().zip(outcomes) {
            let remark = |finding| refusal(row, &stands, finding);
            let refused = |refused| remarks(Remark::Refused(remark(refused)));
            let found = tally.count(outcome, warnings.len(), refused);
            let warnings = warnings.into_iter().chain(found.into_iter().map(remark));
            warnings.map(Remark::Warning).for_each(&mut *remarks);
        }
    }
    Ok(tally)
}
