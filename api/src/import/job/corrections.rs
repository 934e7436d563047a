//! The corrections workbook of an import: the rows that need corrections, as they were typed, with their problems
//! beside them. After the corrections, the workbook itself can be imported.

use std::fs::File;
use std::io::{BufWriter, Seek};
use std::ops::ControlFlow;

use sea_orm::{
    ColumnTrait, Condition, ConnectionTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder,
    QuerySelect,
};
use serde_json::Value;
use tokio::sync::mpsc;
use uuid::Uuid;
use wayin_entity::{ImportKind, import, import_chunk, import_outcome};

use super::chunks;
use crate::error::{Error, Result};
use wayin_records::formats::Notes;
use wayin_records::formats::file_record::{CellPosition, FileItem, UnreadCell};
use wayin_records::formats::records::{FileLimits, UnreadCells, read_unvalidated};
use wayin_records::problem::Problem;
use wayin_records::workbook::RecordWorkbook;
use wayin_records::workbook::{WriteError, format_cell};

const OUTCOMES_PER_PAGE: u64 = 1_000;

/// The outcomes that are problems.
fn problems(import: Uuid) -> sea_orm::Select<import_outcome::Entity> {
    import_outcome::Entity::find()
        .filter(import_outcome::Column::ImportId.eq(import))
        .filter(import_outcome::Column::Code.is_not_null())
        .filter(import_outcome::Column::IsWarning.eq(false))
}

/// Whether rows of an import need corrections and its file is still stored. A file is deleted if it contained a text
/// that was redacted.
pub async fn has_corrections(db: &impl ConnectionTrait, import: &import::Model) -> Result<bool> {
    if import.kind != ImportKind::Records || import.expired_at.is_some() {
        return Ok(false);
    }
    if import.invalid_count + import.rejected_count == 0 || problems(import.id).one(db).await?.is_none() {
        return Ok(false);
    }
    let piece = import_chunk::Entity::find()
        .filter(import_chunk::Column::ImportId.eq(import.id))
        .select_only()
        .column(import_chunk::Column::Position)
        .into_tuple::<i32>();
    Ok(piece.one(db).await?.is_some())
}

/// Writes everything that was sent but not accepted into a temporary file. None if the file of the import is no longer
/// stored.
pub async fn write_workbook(
    db: &DatabaseConnection,
    import: &import::Model,
    limits: FileLimits,
) -> Result<Option<File>> {
    let Some(content) = chunks::load_file(db, import.id).await? else {
        return Ok(None);
    };
    let format = import.format;
    let (sender, mut receiver) = mpsc::channel::<(i64, Problem)>(2_000);
    let writing = tokio::task::spawn_blocking(move || {
        let failed =
            |cause: &dyn std::fmt::Display| Error::Internal(format!("a workbook was not written: {cause}"));
        let mut book = RecordWorkbook::for_corrections().map_err(|cause| failed(&cause))?;
        let mut next = receiver.blocking_recv();
        let (mut position, mut wrong) = (0, None);
        // If the file is incomplete, the workbook has the rows up to where the import stopped reading.
        let mut notes = Notes::default();
        let _ = read_unvalidated(format, content, &limits, UnreadCells::Keep, &mut notes, |item| {
            let mut problems = Vec::new();
            if !matches!(item, FileItem::Unread(_)) {
                position += 1;
                while let Some((of, problem)) = next.take_if(|(of, _)| *of <= position) {
                    if of == position {
                        problems.push(problem);
                    }
                    next = receiver.blocking_recv();
                }
            }
            if let Err(cause) = write_item(&mut book, item, &problems) {
                wrong = Some(failed(&cause));
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        if let Some(wrong) = wrong {
            return Err(wrong);
        }
        let mut written = tempfile::tempfile().map_err(|cause| failed(&cause))?;
        book.finish(BufWriter::new(&mut written))
            .map_err(|cause| failed(&cause))?;
        written.rewind().map_err(|cause| failed(&cause))?;
        Ok(written)
    });
    send_problems(db, import.id, sender).await?;
    let written = writing
        .await
        .map_err(|cause| Error::Internal(format!("a workbook was not written: {cause}")))?;
    written.map(Some)
}

/// Writes the parts of an item that were not accepted: a record with problems, a stray row, and each cell that was not
/// read.
fn write_item(book: &mut RecordWorkbook, item: FileItem, problems: &[Problem]) -> Result<(), WriteError> {
    let unread = match item {
        FileItem::Record(mut record) => {
            let unread = std::mem::take(&mut record.unread);
            if !problems.is_empty() {
                let row = record.position.clone();
                let typed = record.into_document();
                book.add_record(&typed, problems)?;
                for (path, text) in format_cell::list_unrepresented(&typed) {
                    let cell = UnreadCell {
                        position: CellPosition {
                            column: Some(path),
                            ..row.clone()
                        },
                        text,
                        reason: "has no column in this workbook".into(),
                    };
                    book.add_unread(&cell)?;
                }
            }
            unread
        }
        FileItem::Stray(stray) => {
            if let Some(item) = &stray.item {
                let column = stray.position.column.as_deref().unwrap_or_default();
                book.add_stray(item, &format!("{column}: {}", stray.reason))?;
            }
            stray.unread
        }
        FileItem::Unread(unread) => unread,
    };
    unread.iter().try_for_each(|cell| book.add_unread(cell))
}

/// Sends the problems in the order of the file.
async fn send_problems(
    db: &DatabaseConnection,
    import: Uuid,
    to: mpsc::Sender<(i64, Problem)>,
) -> Result<()> {
    let mut after: Option<(i64, Uuid)> = None;
    loop {
        let mut page = problems(import)
            .order_by_asc(import_outcome::Column::Position)
            .order_by_asc(import_outcome::Column::Id)
            .limit(OUTCOMES_PER_PAGE);
        if let Some((position, id)) = after {
            let in_it = Condition::all()
                .add(import_outcome::Column::Position.eq(position))
                .add(import_outcome::Column::Id.gt(id));
            let later = Condition::any()
                .add(import_outcome::Column::Position.gt(position))
                .add(in_it);
            page = page
                .filter(import_outcome::Column::Position.gte(position))
                .filter(later);
        }
        let page = page.all(db).await?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = Some((last.position, last.id));
        for problem in page.into_iter().filter_map(read_problem) {
            // The receiver is closed if the workbook is complete or could not be written.
            if to.send(problem).await.is_err() {
                return Ok(());
            }
        }
    }
}

fn read_problem(row: import_outcome::Model) -> Option<(i64, Problem)> {
    let code = serde_json::from_value(Value::String(row.code?)).ok()?;
    let problem = Problem::new(
        code,
        row.path.unwrap_or_default(),
        row.message.unwrap_or_default(),
    );
    Some((row.position, problem))
}
