//! Reads Excel workbooks cell by cell.

use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use calamine::{DataRef, Reader, SheetType, Xlsx, XlsxError, XlsxFormulaMetadata};

use super::records::FileLimits;
use super::spreadsheet::{CellCallback, MergedRange, WorkbookReader};
use super::{FileError, archive};
use crate::workbook::parse_cell;
use crate::workbook::parse_cell::RawValue;

/// A workbook with a checked archive.
pub(super) struct XlsxWorkbook<R: Read + Seek> {
    book: Xlsx<R>,
    has_merged: bool,
}

impl<R: Read + Seek> XlsxWorkbook<R> {
    pub(super) fn open(mut input: R, length: u64, limits: &FileLimits) -> Result<Self, FileError> {
        let has_merged = archive::check_archive(&mut input, length, limits)?;
        input.seek(SeekFrom::Start(0))?;
        let book = catch_panic(|| Xlsx::new(input).map_err(file_error_from_xlsx))?;
        Ok(Self { book, has_merged })
    }
}

/// Turns a panic into an error. The library computes sums of numbers in the file, which may overflow and, in builds with
/// overflow checks, panic.
fn catch_panic<T>(read: impl FnOnce() -> Result<T, FileError>) -> Result<T, FileError> {
    catch_unwind(AssertUnwindSafe(read)).unwrap_or(Err(FileError::Damaged))
}

fn file_error_from_xlsx(error: XlsxError) -> FileError {
    match error {
        XlsxError::Io(cause) if cause.kind() == std::io::ErrorKind::Other => FileError::Unreadable(cause),
        XlsxError::Password => FileError::Locked,
        _ => FileError::Damaged,
    }
}

impl<R: Read + Seek> WorkbookReader for XlsxWorkbook<R> {
    fn sheet_names(&self) -> Vec<String> {
        let sheets = self.book.sheets_metadata().iter();
        sheets
            .filter(|sheet| sheet.typ == SheetType::WorkSheet)
            .map(|sheet| sheet.name.clone())
            .collect()
    }

    fn merged_ranges(&mut self, sheet: &str) -> Result<Vec<MergedRange>, FileError> {
        if !self.has_merged {
            return Ok(Vec::new());
        }
        let merged = catch_panic(|| {
            self.book
                .merge_cells_by_sheet_name(sheet)
                .map_err(file_error_from_xlsx)
        })?;
        let merged = merged.into_iter().map(|merged| MergedRange {
            first: merged.start,
            last: merged.end,
        });
        Ok(merged.collect())
    }

    fn for_each_cell(&mut self, sheet: &str, each: &mut CellCallback<'_>) -> Result<(), FileError> {
        catch_panic(|| {
            let is_1904 = self.book.has_1904_epoch();
            let mut cells = self
                .book
                .worksheet_cells_reader(sheet)
                .map_err(file_error_from_xlsx)?;
            while let Some(cell) = cells
                .next_cell_with_formula_metadata()
                .map_err(file_error_from_xlsx)?
            {
                let formula = cell.formula.map(|formula| match formula {
                    XlsxFormulaMetadata::Normal { formula } | XlsxFormulaMetadata::Shared { formula, .. } => {
                        formula
                    }
                    _ => "…".to_owned(),
                });
                let Some(raw) = convert_cell(cell.value, formula, is_1904) else {
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

/// Converts a cell. A formula has the result from when the file was saved, if the file has it.
fn convert_cell(value: DataRef<'_>, formula: Option<String>, is_1904: bool) -> Option<RawValue> {
    Some(match value {
        DataRef::Empty => return formula.map(RawValue::Formula),
        #[expect(clippy::cast_precision_loss, reason = "a workbook's numbers are of this kind")]
        DataRef::Int(number) => RawValue::Number(number as f64),
        DataRef::Float(number) => RawValue::Number(number),
        DataRef::String(text) => RawValue::Text(text),
        DataRef::SharedString(text) => RawValue::Text(text.to_owned()),
        DataRef::Bool(is) => RawValue::Bool(is),
        DataRef::DateTime(moment) if moment.is_datetime() => {
            let number = moment.as_f64();
            parse_cell::serial_to_iso_date(number, is_1904).map_or(RawValue::Number(number), RawValue::Moment)
        }
        DataRef::DateTime(duration) => RawValue::Number(duration.as_f64()),
        DataRef::DateTimeIso(text) => RawValue::Moment(parse_cell::strip_midnight(&text)),
        DataRef::DurationIso(text) => RawValue::Text(text),
        DataRef::Error(error) => RawValue::Error(error.to_string()),
    })
}
