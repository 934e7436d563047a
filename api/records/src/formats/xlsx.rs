//! Workbooks of Excel's kind, read cell by cell.

use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, Reader, SheetType, Xlsx, XlsxError, XlsxFormulaMetadata};

use super::records::Limits;
use super::workbook_records::{EachCell, Merged, Workbook};
use super::{FileError, archive};
use crate::workbook::parse_cell;
use crate::workbook::parse_cell::Raw;

/// A workbook whose archive has been looked over.
pub(super) struct Book<R: Read + Seek> {
    book: Xlsx<R>,
    has_merged: bool,
}

impl<R: Read + Seek> Book<R> {
    pub(super) fn open(mut input: R, length: u64, limits: &Limits) -> Result<Self, FileError> {
        let found = archive::examine(&mut input, length, limits)?;
        input.seek(SeekFrom::Start(0))?;
        let book = guarded(|| Xlsx::new(input).map_err(refusal))?;
        Ok(Self {
            book,
            has_merged: found.has_merged,
        })
    }
}

/// The reader adds up what a file says, and in builds that check sums, a file that says what no
/// sum can hold would end the thread.
fn guarded<T>(read: impl FnOnce() -> Result<T, FileError>) -> Result<T, FileError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(FileError::Damaged))
}

fn refusal(error: XlsxError) -> FileError {
    match error {
        XlsxError::Io(cause) if cause.kind() == std::io::ErrorKind::Other => FileError::Unreadable(cause),
        XlsxError::Password => FileError::Locked,
        _ => FileError::Damaged,
    }
}

impl<R: Read + Seek> Workbook for Book<R> {
    fn sheets(&self) -> Vec<String> {
        let sheets = self.book.sheets_metadata().iter();
        sheets
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| sheet.name.clone())
            .collect()
    }

    fn merged(&mut self, sheet: &str) -> Result<Vec<Merged>, FileError> {
        if !self.has_merged {
            return Ok(Vec::new());
        }
        let merged = guarded(|| self.book.merge_cells_by_sheet_name(sheet).map_err(refusal))?;
        let merged = merged.into_iter().map(|merged| Merged {
            first: merged.start,
            last: merged.end,
        });
        Ok(merged.collect())
    }

    fn walk(&mut self, sheet: &str, each: &mut EachCell<'_>) -> Result<(), FileError> {
        guarded(|| {
            let is_1904 = self.book.has_1904_epoch();
            let mut cells = self.book.worksheet_cells_reader(sheet).map_err(refusal)?;
            while let Some(cell) = cells.next_cell_with_formula_metadata().map_err(refusal)? {
                let formula = cell.formula.map(|formula| match formula {
                    XlsxFormulaMetadata::Normal { formula } | XlsxFormulaMetadata::Shared { formula, .. } => {
                        formula
                    }
                    _ => "…".to_owned(),
                });
                let Some(raw) = raw(cell.value, formula, is_1904) else {
                    continue;
                };
                if let ControlFlow::Break(()) = each(cell.pos, raw)? {
                    break;
                }
            }
            Ok(())
        })
    }
}

/// What a cell holds: what a formula came to when the file was saved, where it says so.
fn raw(value: DataRef<'_>, formula: Option<String>, is_1904: bool) -> Option<Raw> {
    Some(match value {
        DataRef::Empty => return formula.map(Raw::Formula),
        #[expect(clippy::cast_precision_loss, reason = "a workbook's numbers are of this kind")]
        DataRef::Int(number) => Raw::Number(number as f64),
        DataRef::Float(number) => Raw::Number(number),
        DataRef::String(text) => Raw::Text(text),
        DataRef::SharedString(text) => Raw::Text(text.to_owned()),
        DataRef::Bool(is) => Raw::Bool(is),
        DataRef::DateTime(moment) if moment.is_datetime() => {
            let number = moment.as_f64();
            parse_cell::moment(number, is_1904).map_or(Raw::Number(number), Raw::Moment)
        }
        DataRef::DateTime(duration) => Raw::Number(duration.as_f64()),
        DataRef::DateTimeIso(text) => Raw::Moment(parse_cell::plain_moment(&text)),
        DataRef::DurationIso(text) => Raw::Text(text),
        DataRef::Error(error) => Raw::Error(error.to_string()),
    })
}
