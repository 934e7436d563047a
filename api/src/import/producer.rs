//! Reads a file on its own thread, and sends the rows in batches.

use std::io::{BufReader, Read, Seek};
use std::ops::ControlFlow;

use sea_orm::DatabaseConnection;
use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use wayin_entity::{FileFormat, ImportKind, organisation};

use super::ImportError;
use super::batch::{Batch, FileRow, ROWS_PER_BATCH};
use super::lead_organisation::identify_leads;
use crate::grant_detail::LocationCounts;
use crate::submission::validate;
use wayin_records::formats::file_record::{CellPosition, FileItem};
use wayin_records::formats::grants as grant_files;
use wayin_records::formats::records::{FileLimits, RecordFile, UnreadCells, read_whole};
use wayin_records::formats::{Notes, RowProblem};
use wayin_records::problem::{Problem, ProblemCode};

pub(super) struct SourceFile<R> {
    pub(super) kind: ImportKind,
    pub(super) format: FileFormat,
    pub(super) limits: FileLimits,
    pub(super) input: R,
}

/// What the records in a file are read for.
pub(super) enum ReadFor {
    /// Submission by one organisation. If the organisation is known, each record is parsed as soon as it is read.
    Submission(Option<organisation::Model>),
    /// Direct publication. The records can have any lead organisation.
    Publication(DatabaseConnection),
}

/// The result of reading a file.
pub(super) struct ReadOutcome {
    pub(super) notes: Notes,
    /// The locations that the grants name, including those in skipped rows.
    pub(super) locations: LocationCounts,
    pub(super) result: Result<(), ImportError>,
}

/// Reads the rows of a file after those to skip. The channel holds few batches, to limit the memory that a file takes.
pub(super) fn produce<R: Read + Seek + Send + 'static>(
    file: SourceFile<R>,
    skipped_rows: i64,
    read_for: ReadFor,
) -> (mpsc::Receiver<Batch>, JoinHandle<ReadOutcome>) {
    let (sender, receiver) = mpsc::channel(2);
    let runtime = Handle::current();
    let reading = tokio::task::spawn_blocking(move || {
        let mut sink = BatchSink {
            batch: Vec::with_capacity(ROWS_PER_BATCH),
            position: 0,
            skipped_rows,
            sender,
        };
        let (mut notes, mut locations) = (Notes::default(), LocationCounts::default());
        let result = match file.kind {
            ImportKind::Records => read_records(file, read_for, &runtime, &mut notes, &mut sink),
            ImportKind::Grants360Giving => read_grants(file, &mut notes, &mut locations, &mut sink),
        };
        if !sink.batch.is_empty() {
            let _ = sink.sender.blocking_send(sink.batch);
        }
        ReadOutcome {
            notes,
            locations,
            result,
        }
    });
    (receiver, reading)
}

/// Collects rows into batches and sends them.
struct BatchSink {
    batch: Batch,
    position: i64,
    skipped_rows: i64,
    sender: mpsc::Sender<Batch>,
}

impl BatchSink {
    fn push(&mut self, row: impl FnOnce() -> FileRow) -> ControlFlow<()> {
        self.position += 1;
        if self.position <= self.skipped_rows {
            return ControlFlow::Continue(());
        }
        self.batch.push((self.position, row()));
        if self.batch.len() < ROWS_PER_BATCH {
            return ControlFlow::Continue(());
        }
        // Sending fails if the import has already ended for another reason.
        match self.sender.blocking_send(std::mem::take(&mut self.batch)) {
            Ok(()) => ControlFlow::Continue(()),
            Err(_) => ControlFlow::Break(()),
        }
    }
}

fn read_records(
    file: SourceFile<impl Read + Seek>,
    read_for: ReadFor,
    runtime: &Handle,
    notes: &mut Notes,
    sink: &mut BatchSink,
) -> Result<(), ImportError> {
    let limits = file.limits;
    let mut file = RecordFile::open(file.format, file.input, &limits, UnreadCells::Skip)?;
    let shared = file.find_shared_references(&limits);
    let repeated = match &read_for {
        ReadFor::Submission(_) => shared.find_repeated(|_| ()),
        ReadFor::Publication(db) => {
            let leads = runtime.block_on(identify_leads(db, shared.leads()))?;
            shared.find_repeated(|lead| &leads[lead])
        }
    };
    file.read_unvalidated(&limits, &repeated, UnreadCells::Skip, notes, |item| {
        let ReadFor::Submission(organisation) = &read_for else {
            let read = read_whole(item);
            return read.map_or(ControlFlow::Continue(()), |(at, read)| {
                sink.push(|| match read {
                    Ok(record) => FileRow::Record(record),
                    Err(problems) => FileRow::Invalid(at, problems),
                })
            });
        };
        match item {
            FileItem::Unread(_) => ControlFlow::Continue(()),
            FileItem::Stray(stray) => sink.push(|| FileRow::Stray(stray)),
            FileItem::Record(record) => sink.push(|| {
                let organisation = organisation
                    .as_ref()
                    .filter(|_| !record.has_duplicate_reference());
                let alone =
                    organisation.map(|one| Box::new(validate::parse_submission(&record.document, one)));
                FileRow::Submitted {
                    record: Box::new(record),
                    alone,
                }
            }),
        }
    })?;
    Ok(())
}

fn read_grants(
    file: SourceFile<impl Read + Seek>,
    notes: &mut Notes,
    locations: &mut LocationCounts,
    sink: &mut BatchSink,
) -> Result<(), ImportError> {
    let input = BufReader::new(file.input);
    grant_files::read_grants(input, file.format, &file.limits, notes, |at, grant| {
        if let Ok(grant) = &grant {
            locations.add_grant(&grant.value);
        }
        sink.push(|| match grant {
            Ok(grant) => FileRow::Grant {
                at,
                grant: Box::new(grant.value),
                warnings: grant.warnings.into_iter().map(locate_grant_problem).collect(),
            },
            Err(refusals) => FileRow::Invalid(at, refusals.into_iter().map(locate_grant_problem).collect()),
        })
    })?;
    Ok(())
}

/// Converts a problem in a file of grants to one with a cell.
fn locate_grant_problem(refusal: RowProblem) -> (CellPosition, Problem) {
    let cell = CellPosition {
        sheet: refusal.sheet,
        row: refusal.row,
        column: Some(refusal.field.clone()).filter(|field| !field.is_empty()),
    };
    (
        cell,
        Problem::new(ProblemCode::InvalidFormat, refusal.field, refusal.reason),
    )
}
