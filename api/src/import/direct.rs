//! Imports a file as the command line does: its rows are published at once, and nothing of the import itself is stored.

use std::io::{Read, Seek};

use sea_orm::DatabaseConnection;
use wayin_entity::{FileFormat, ImportKind, RowOutcome};

use super::batch::{BatchResult, RowResult};
use super::engine::{ImportContext, Mode};
use super::producer::{ReadFor, SourceFile, produce};
use super::{ImportError, Remark, Tally};
use crate::change_log::ActionContext;
use crate::error::Error;
use crate::instance::DisclosureKeys;
use crate::place::Gazetteer;
use wayin_records::formats::RowProblem;
use wayin_records::formats::records::FileLimits;

/// Publishes the rows of a file of records or grants, as the act of a steward. The licence applies to grants whose file
/// does not state one.
pub async fn publish_file(
    db: &DatabaseConnection,
    act: &ActionContext<'_>,
    (kind, format): (ImportKind, FileFormat),
    licence: Option<String>,
    input: impl Read + Seek + Send + 'static,
    remarks: &mut (dyn FnMut(Remark) + Send),
) -> Result<Tally, ImportError> {
    let file = SourceFile {
        kind,
        format,
        limits: FileLimits::UNLIMITED,
        input,
    };
    let (mut batches, reading) = produce(file, 0, ReadFor::Publication(db.clone()));
    let context = ImportContext {
        id: act.clock.new_id(),
        kind,
        db,
        places: Gazetteer::load_with_small_areas(db).await?,
        keys: DisclosureKeys::load(db).await?,
        licence,
        mode: Mode::Direct(act),
    };
    let mut tally = Tally::default();
    let mut report = |result: BatchResult| result.rows.into_iter().for_each(|row| tally.add(row, remarks));
    context.write_batches(&mut batches, &mut report).await?;
    let outcome = reading
        .await
        .map_err(|cause| Error::Internal(format!("a file could not be read: {cause}")))?;
    let notes = outcome.notes.into_iter();
    notes.for_each(|note| remarks(Remark::Note(note)));
    outcome.result?;
    let locations = outcome.locations.into_notes(&context.places, usize::MAX);
    locations.into_iter().for_each(|note| remarks(Remark::Note(note)));
    Ok(tally)
}

impl Tally {
    /// Counts a row, and reports what was found in it.
    fn add(&mut self, row: RowResult, remarks: &mut (dyn FnMut(Remark) + Send)) {
        let is_rejected = row.outcome == RowOutcome::Rejected;
        self.warned += u64::from(!is_rejected && row.has_warnings());
        *match row.outcome {
            RowOutcome::Rejected => &mut self.refused,
            RowOutcome::Unchanged => &mut self.unchanged,
            _ if row.is_new => &mut self.added,
            _ => &mut self.altered,
        } += 1;
        for found in row.problems {
            let remark = if found.is_warning {
                Remark::Warning
            } else {
                Remark::Refused
            };
            remarks(remark(RowProblem::from((found.cell, found.problem))));
        }
    }
}
