//! Reads the file of an import on a thread of its own, and hands over its rows in batches.

use std::fs::File;
use std::io::BufReader;
use std::ops::ControlFlow;

use tokio::sync::mpsc;
use wayin_entity::{FileFormat, ImportKind, import, organisation};

use super::batch::Unit;
use crate::error::{Error, Result};
use crate::grant_detail::NamedLocations;
use crate::submission::look;
use wayin_records::finding::{Finding, FindingCode};
use wayin_records::formats::file_record::{Cell, Item};
use wayin_records::formats::grants::{self as grant_files, GrantFormat};
use wayin_records::formats::records::{Limits, RecordFormat, Unread, read_as_typed};
use wayin_records::formats::{FileError, Notes, Refusal};

/// How many rows are taken in in one transaction: on SQLite half as many take a fifth longer each, and while these are
/// written nobody else writes.
pub const ROWS_AT_ONCE: usize = 1_024;

/// The licence of a file of grants: its own, or else what was said when it was sent.
pub(super) async fn licence(import: &import::Model, content: &File) -> Result<Result<String, String>> {
    let Some(format) = grant_format(import) else {
        return Ok(Ok(String::new()));
    };
    let failed = |cause: std::io::Error| Error::Internal(format!("a file could not be read: {cause}"));
    let mut read = content.try_clone().map_err(failed)?;
    let about = tokio::task::spawn_blocking(move || {
        let about = grant_files::about(BufReader::new(&mut read), format);
        std::io::Seek::rewind(&mut read)?;
        about
    });
    let about = about.await.map_err(|cause| Error::Internal(cause.to_string()))?;
    Ok(match about {
        Err(error) => Err(error.to_string()),
        Ok(about) => about.license.or_else(|| import.licence.clone()).ok_or_else(|| {
            "The file does not say which licence it may be reused under; say it with `licence`.".into()
        }),
    })
}

fn grant_format(import: &import::Model) -> Option<GrantFormat> {
    match (import.kind, import.format) {
        (ImportKind::Records, _) => None,
        (ImportKind::Grants360Giving, FileFormat::Csv) => Some(GrantFormat::Csv),
        (ImportKind::Grants360Giving, FileFormat::Xlsx) => Some(GrantFormat::Xlsx),
        (ImportKind::Grants360Giving, FileFormat::Ods) => Some(GrantFormat::Ods),
        (ImportKind::Grants360Giving, _) => Some(GrantFormat::Json),
    }
}

/// Rows with their positions in the file, counted from 1.
pub(super) struct Batch(pub(super) Vec<(i64, Unit)>);

/// How a file was read.
pub(super) struct HowRead {
    pub(super) notes: Notes,
    /// What its grants name as their locations, those of rows that were done before among them.
    pub(super) named: NamedLocations,
    pub(super) outcome: Result<(), FileError>,
}

pub(super) type Reading = tokio::task::JoinHandle<HowRead>;

/// Reads a file on a thread of its own, its records by themselves included, and hands over the rows that are not
/// done yet, in batches of which few wait, so that a long file never does in memory.
pub(super) fn read(
    import: &import::Model,
    content: File,
    limits: Limits,
    read_for: Option<organisation::Model>,
) -> (mpsc::Receiver<Batch>, Reading) {
    let (sender, receiver) = mpsc::channel(2);
    let done = import.rows_done;
    let format = import.format;
    let grants = grant_format(import);
    let reading = tokio::task::spawn_blocking(move || {
        let mut batch = Vec::with_capacity(ROWS_AT_ONCE);
        let mut position = 0;
        let (mut notes, mut named) = (Notes::default(), NamedLocations::default());
        let mut hand_over = |mut unit| {
            position += 1;
            if position <= done {
                return ControlFlow::Continue(());
            }
            if let Unit::Record {
                item: Item::Record(record),
                alone,
            } = &mut unit
                && !record.repeats_reference()
                && let Some(organisation) = &read_for
            {
                *alone = Some(Box::new(look::by_itself(&record.document, organisation)));
            }
            batch.push((position, unit));
            if batch.len() == ROWS_AT_ONCE && sender.blocking_send(Batch(std::mem::take(&mut batch))).is_err()
            {
                // The import has ended otherwise.
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        };
        let outcome = if let Some(format) = grants {
            let input = BufReader::new(content);
            let read = grant_files::read(input, format, &limits, &mut notes, |at, grant| {
                hand_over(match grant {
                    Ok(good) => {
                        named.count(&good.value);
                        Unit::Grant {
                            at,
                            grant: Box::new(good.value),
                            warnings: good.warnings.into_iter().map(found_in).collect(),
                        }
                    }
                    Err(refusals) => Unit::NoGrant(at, refusals.into_iter().map(found_in).collect()),
                })
            });
            read.map(|_| ())
        } else {
            let format = record_format(format);
            read_as_typed(
                format,
                content,
                &limits,
                Unread::Skip,
                &mut notes,
                |item| match item {
                    Item::Unread(_) => ControlFlow::Continue(()),
                    item => hand_over(Unit::Record { item, alone: None }),
                },
            )
        };
        if !batch.is_empty() {
            let _ = sender.blocking_send(Batch(batch));
        }
        HowRead {
            notes,
            named,
            outcome,
        }
    });
    (receiver, reading)
}

/// What was found in a row of a file of grants, with the field that it is about.
fn found_in(refusal: Refusal) -> (Cell, Finding) {
    let cell = Cell {
        sheet: refusal.sheet,
        row: refusal.row,
        column: Some(refusal.field.clone()).filter(|field| !field.is_empty()),
    };
    (
        cell,
        Finding::new(FindingCode::Malformed, refusal.field, refusal.reason),
    )
}

/// A format of records, as it is kept.
pub const fn file_format(format: RecordFormat) -> FileFormat {
    match format {
        RecordFormat::JsonLines => FileFormat::JsonLines,
        RecordFormat::Csv => FileFormat::Csv,
        RecordFormat::Xlsx => FileFormat::Xlsx,
        RecordFormat::Ods => FileFormat::Ods,
    }
}

/// The format of a file of records.
pub(super) const fn record_format(format: FileFormat) -> RecordFormat {
    match format {
        FileFormat::JsonLines | FileFormat::Json => RecordFormat::JsonLines,
        FileFormat::Csv => RecordFormat::Csv,
        FileFormat::Xlsx => RecordFormat::Xlsx,
        FileFormat::Ods => RecordFormat::Ods,
    }
}
