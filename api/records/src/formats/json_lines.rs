//! Reads records from JSON Lines: a whole record on each line.

use std::io::{self, BufRead, BufReader, Read, Seek};
use std::ops::ControlFlow;

use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::Value;

use super::encoding::{self, TextKind};
use super::file_record::{CellPosition, FileItem, FileRecord, StrayRow, UnreadCell};
use super::records::{FileLimits, UnreadCells};
use super::references::{RecordReference, ReferenceCallback};
use super::{FileError, MAX_ROW_BYTES, Notes, describe_json_error, repeated_fields};
use crate::problem::{Problem, ProblemCode};

/// The fields that tell whether two records share a reference. Their values may have any type.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct RecordIdentity {
    external_ref: Value,
    lead_organisation: Value,
}

/// Calls `each` with the row, the reference and the lead organisation of each line.
pub(super) fn read_references(
    input: impl Read + Seek,
    each: &mut ReferenceCallback<'_>,
) -> Result<(), FileError> {
    read_lines(input, &mut Notes::default(), |row, line| {
        // A line with a duplicate field has an error, but its reference counts.
        let parse = |line| {
            serde_json::from_str(line)
                .or_else(|_| serde_json::from_str::<Value>(line).and_then(serde_json::from_value))
        };
        let Some(identity) = line.ok().and_then(|line| parse(line).ok()) else {
            return ControlFlow::Continue(());
        };
        let identity: RecordIdentity = identity;
        let Some(text) = identity.external_ref.as_str() else {
            return ControlFlow::Continue(());
        };
        let lead = &identity.lead_organisation;
        each(RecordReference {
            row,
            text,
            lead_identifier: lead["identifier"].as_str(),
            lead_name: lead["name"].as_str(),
        })
    })
}

/// Reads the lines and calls `each` with their records.
pub(super) fn read_records(
    input: impl Read + Seek,
    limits: &FileLimits,
    unread: UnreadCells,
    notes: &mut Notes,
    each: &mut dyn FnMut(FileItem) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let (mut rows, mut outcome) = (0, Ok(()));
    read_lines(input, notes, |number, line| {
        rows += 1;
        if rows > limits.rows {
            outcome = Err(FileError::TooManyRows(limits.rows));
            return ControlFlow::Break(());
        }
        each(parse_line_item(number, line, unread))
    })?;
    outcome
}

fn parse_line_item(number: u64, line: Result<&str, String>, unread: UnreadCells) -> FileItem {
    let position = CellPosition::row(number);
    let stray = |reason: String| {
        let text = line.as_deref().ok().filter(|_| unread == UnreadCells::Keep);
        let cell = text.map(|text| UnreadCell {
            position: position.clone(),
            text: text.to_owned(),
            reason: reason.clone(),
        });
        FileItem::Stray(StrayRow {
            unread: cell.into_iter().collect(),
            ..StrayRow::new(position.clone(), ProblemCode::InvalidFormat, reason)
        })
    };
    let text = match &line {
        Ok(text) => text,
        Err(reason) => return stray(reason.clone()),
    };
    match serde_json::from_str::<Value>(text) {
        Ok(document) if document.is_object() => {
            let duplicates = repeated_fields::find_duplicate_fields(text).into_iter();
            let reason = "is given twice; one of the two would be lost";
            let problems = duplicates.map(|path| Problem::new(ProblemCode::InvalidFormat, path, reason));
            FileItem::Record(FileRecord {
                position,
                document,
                problems: problems.collect(),
                ..FileRecord::default()
            })
        }
        Ok(_) => stray("is not a JSON object".into()),
        Err(error) => stray(format!("is not valid JSON: {}", describe_json_error(&error))),
    }
}

/// Calls `each` with the number and the text of each line that is not blank, or with the reason why it cannot be read.
fn read_lines(
    input: impl Read + Seek,
    notes: &mut Notes,
    mut each: impl FnMut(u64, Result<&str, String>) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let mut input = BufReader::with_capacity(1 << 16, encoding::open_as_utf8(input, TextKind::Json, notes)?);
    let mut line = Vec::new();
    let mut number = 0;
    let mut is_first = true;
    while let Some(is_whole) = read_line(&mut input, &mut line)? {
        number += 1;
        let content = line.trim_ascii();
        if content.is_empty() {
            continue;
        }
        if is_first && !is_object(content, is_whole) {
            return Err(FileError::NotRecords);
        }
        is_first = false;
        let row = if is_whole {
            std::str::from_utf8(content).map_err(|_| "is not UTF-8 text; save the file as UTF-8".to_owned())
        } else {
            Err(format!("is over {} MB long", MAX_ROW_BYTES >> 20))
        };
        if each(number, row).is_break() {
            return Ok(());
        }
    }
    if is_first { Err(FileError::Empty) } else { Ok(()) }
}

/// Reads the next line and returns whether it is whole: the rest of a line that is too long is skipped. Returns `None` at
/// the end.
fn read_line(input: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Option<bool>> {
    line.clear();
    let limit = MAX_ROW_BYTES as u64 + 1;
    if input.by_ref().take(limit).read_until(b'\n', line)? == 0 {
        return Ok(None);
    }
    let is_whole = line.len() <= MAX_ROW_BYTES || line.ends_with(b"\n");
    if !is_whole {
        input.skip_until(b'\n')?;
    }
    Ok(Some(is_whole))
}

fn is_object(content: &[u8], is_whole: bool) -> bool {
    content.starts_with(b"{") && (!is_whole || serde_json::from_slice::<IgnoredAny>(content).is_ok())
}
