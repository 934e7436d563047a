//! Spreadsheets of any format, sheet by sheet and row by row.

use std::io::{Read, Seek};
use std::ops::ControlFlow;

use wayin_vocabulary::FileFormat;

use super::records::FileLimits;
use super::{FileError, MAX_ROW_BYTES, ods, xlsx};
use crate::workbook::parse_cell::RawValue;

/// The row and the column of a cell, counted from 0.
pub(super) type CellCoordinates = (u32, u32);

/// Cells that are merged into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MergedRange {
    pub(super) first: CellCoordinates,
    pub(super) last: CellCoordinates,
}

/// Whether to continue reading.
pub(super) type VisitResult = Result<ControlFlow<()>, FileError>;

/// A function that receives each cell with content.
pub(super) type CellCallback<'a> = dyn FnMut(CellCoordinates, RawValue) -> VisitResult + 'a;

/// The maximum number of merged ranges of a sheet.
pub(super) const MAX_MERGED_RANGES: usize = 10_000;

/// A workbook that is read sheet by sheet.
pub(super) trait WorkbookReader {
    /// Lists the names of the sheets, in order.
    fn sheet_names(&self) -> Vec<String>;
    /// Lists the merged ranges of a sheet.
    fn merged_ranges(&mut self, sheet: &str) -> Result<Vec<MergedRange>, FileError>;
    /// Calls `each` for the cells of a sheet, row by row.
    fn for_each_cell(&mut self, sheet: &str, each: &mut CellCallback<'_>) -> Result<(), FileError>;
}

/// Opens a workbook of `length` bytes.
pub(super) fn open_workbook<'a>(
    format: FileFormat,
    input: impl Read + Seek + 'a,
    length: u64,
    limits: &FileLimits,
) -> Result<Box<dyn WorkbookReader + 'a>, FileError> {
    Ok(if format == FileFormat::Ods {
        Box::new(ods::OdsWorkbook::open(input, length, limits)?)
    } else {
        Box::new(xlsx::XlsxWorkbook::open(input, length, limits)?)
    })
}

/// Calls `each` with the index of each row that has content, counted from 0, and with its cells that are not blank, each
/// with its column.
pub(super) fn for_each_row(
    workbook: &mut dyn WorkbookReader,
    sheet: &str,
    each: &mut dyn FnMut(u32, Vec<(u32, RawValue)>) -> VisitResult,
) -> Result<(), FileError> {
    let (mut index, mut bytes, mut cells) = (0, 0, Vec::new());
    let mut flow = ControlFlow::Continue(());
    workbook.for_each_cell(sheet, &mut |(row, column), raw| {
        if row != index {
            if !cells.is_empty() {
                flow = each(index, std::mem::take(&mut cells))?;
            }
            (index, bytes) = (row, 0);
        }
        if flow.is_continue() && !raw.is_blank() {
            bytes += raw.size_in_bytes();
            if bytes > MAX_ROW_BYTES {
                return Err(FileError::LongRow {
                    sheet: sheet.to_owned(),
                    row: u64::from(row) + 1,
                });
            }
            cells.push((column, raw));
        }
        Ok(flow)
    })?;
    if !cells.is_empty() {
        let _ = each(index, cells)?;
    }
    Ok(())
}

/// Returns the name of a column without a title.
pub(super) fn name_untitled_column(column: u32) -> String {
    let letters = u16::try_from(column).map(rust_xlsxwriter::utility::column_number_to_name);
    format!("column {}", letters.unwrap_or_else(|_| (column + 1).to_string()))
}
