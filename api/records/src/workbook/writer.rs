//! Writes workbooks of records, row by row. Rows wait in temporary files, so that memory does not grow with the number
//! of records.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet, XlsxError};
use serde_json::Value;

use super::columns::{SHEETS, Sheet};
use super::format_cell::{CellFormat, CellValue, format_cell};
use super::guidance::{self, GuidanceKind};
use super::lists::DropDownLists;
use super::sheet_header::{
    CORRECTIONS_WIDTH_CHARACTERS, RECORD_WIDTH_CHARACTERS, REFERENCE_WIDTH_CHARACTERS, SheetColumn,
    SheetWriter, WorkbookPurpose, add_sheet, find_position,
};
use super::styles::CellFormats;
use super::{formula_escape, layout};
use crate::fields::column::{Column, REFERENCE_PATH, UNREAD};
use crate::formats::file_record::{StrayItem, UnreadCell};
use crate::paths;
use crate::problem::{Problem, ProblemCode};

/// Why a workbook could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A sheet would have more rows than the format allows.
    #[error("The sheet \"{0}\" would have over a million rows; write JSON Lines or CSV instead.")]
    TooManyRows(&'static str),
    /// Writing failed.
    #[error("The workbook could not be written: {0}.")]
    Failed(#[from] XlsxError),
}

/// The maximum number of rows of a sheet.
const MAX_SHEET_ROWS: u32 = 1_048_576;
/// The number of empty rows that have drop-downs.
const DROP_DOWN_ROWS: u32 = 5_000;
/// The titles and widths of the columns of a sheet of cells that were not read.
const UNREAD_COLUMNS: [(&str, u16); 5] = [
    ("Sheet", 18),
    ("Row", 8),
    ("Column", 24),
    ("What it holds", 50),
    ("Why", 50),
];

/// A workbook of records that is being written: an export, a corrections workbook or the template.
pub struct RecordWorkbook {
    workbook: Workbook,
    formats: CellFormats,
    sheets: Vec<SheetWriter>,
    /// The index of the first of these sheets in the workbook.
    first_sheet: usize,
    records: u64,
    /// The number of sheets of unread cells, and the number of rows of the last of them.
    unread: (usize, u32),
}

/// How the cells of a row look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowStyle {
    Plain,
    Example,
    /// For a row that belongs to no record. Its reference is marked as wrong.
    Stray,
}

impl RecordWorkbook {
    /// Creates a workbook with every field of every record, to store or to import into another instance.
    pub fn for_export() -> Result<Self, WriteError> {
        Self::new(WorkbookPurpose::Export, None)
    }

    /// Creates a workbook for the records of an import that were rejected. Each has its problems beside it, and can be
    /// corrected and imported again.
    pub fn for_corrections() -> Result<Self, WriteError> {
        Self::new(WorkbookPurpose::Corrections, Some(GuidanceKind::Corrections))
    }

    /// Creates a workbook for records of which a steward requested changes.
    pub fn for_requested_changes() -> Result<Self, WriteError> {
        Self::new(WorkbookPurpose::Corrections, Some(GuidanceKind::ChangesRequested))
    }

    pub(super) fn for_template() -> Result<Self, WriteError> {
        Self::new(WorkbookPurpose::Template, Some(GuidanceKind::Template))
    }

    fn new(purpose: WorkbookPurpose, guidance: Option<GuidanceKind>) -> Result<Self, WriteError> {
        let mut workbook = Workbook::new();
        // A fixed date makes the files of equal records equal.
        let properties = DocProperties::new()
            .set_title("Wayin: initiative records")
            .set_creation_datetime(&ExcelDateTime::from_ymd(2026, 1, 1)?);
        workbook.set_properties(&properties);
        let formats = CellFormats::new();
        if let Some(guidance) = guidance {
            guidance::write_sheet(&mut workbook, &formats, guidance)?;
        }
        let sheets = SHEETS
            .iter()
            .map(|sheet| add_sheet(&mut workbook, sheet, purpose, &formats));
        Ok(Self {
            sheets: sheets.collect::<Result<_, _>>()?,
            workbook,
            formats,
            first_sheet: usize::from(guidance.is_some()),
            records: 0,
            unread: (0, 0),
        })
    }

    /// Writes the document of a record, and its problems beside it. The paths of the problems begin at the document.
    pub fn add_record(&mut self, document: &Value, problems: &[Problem]) -> Result<(), WriteError> {
        self.records += 1;
        self.write_rows(document, problems, RowStyle::Plain)
    }

    /// Writes a record that shows how to fill in the others.
    pub(super) fn add_example(&mut self, document: &Value) -> Result<(), WriteError> {
        self.write_rows(document, &[], RowStyle::Example)
    }

    fn write_rows(
        &mut self,
        document: &Value,
        problems: &[Problem],
        style: RowStyle,
    ) -> Result<(), WriteError> {
        let reference = document
            .get(REFERENCE_PATH)
            .filter(|reference| !reference.is_null());
        let reference =
            reference.map(|text| text.as_str().map_or_else(|| text.to_string(), ToOwned::to_owned));
        // By sheet and item. The record itself is item 0 of sheet 0.
        let mut by_part: BTreeMap<(usize, usize), Vec<(String, &Problem)>> = BTreeMap::new();
        for problem in problems {
            let (part, field) = split_path(&problem.path, document);
            by_part.entry(part).or_default().push((field, problem));
        }
        for (index, sheet) in SHEETS.iter().enumerate() {
            let items = match sheet.list {
                None => std::slice::from_ref(document),
                Some(list) => list_items(document, list),
            };
            for (item, part) in items.iter().enumerate() {
                let found = by_part.get(&(index, item)).map_or(&[][..], Vec::as_slice);
                self.write_row(index, part, reference.as_deref(), found, style)?;
            }
        }
        Ok(())
    }

    /// Writes a row of a list that belongs to no record, and the reason.
    pub fn add_stray(&mut self, item: &StrayItem, reason: &str) -> Result<(), WriteError> {
        let reason = Problem::new(ProblemCode::NotFound, "", reason);
        let own = item.problems.iter().map(|found| (found.path.clone(), found));
        let found: Vec<_> = std::iter::once((String::new(), &reason)).chain(own).collect();
        let reference = item.reference.as_deref();
        self.write_row(item.sheet, &item.document, reference, &found, RowStyle::Stray)
    }

    /// Writes the text of a cell that was not read to the sheet of such cells, in as many rows as it needs.
    pub fn add_unread(&mut self, cell: &UnreadCell) -> Result<(), WriteError> {
        let mut rest = cell.text.as_str();
        loop {
            let text = layout::truncate_to_cell(rest);
            rest = &rest[text.len()..];
            self.write_unread_row(cell, text)?;
            if rest.is_empty() {
                return Ok(());
            }
        }
    }

    fn write_unread_row(&mut self, cell: &UnreadCell, text: &str) -> Result<(), WriteError> {
        let (sheets, rows) = &mut self.unread;
        if *sheets == 0 || *rows == MAX_SHEET_ROWS {
            *sheets += 1;
            let worksheet = self.workbook.add_worksheet_with_constant_memory()?;
            worksheet.set_name(match *sheets {
                1 => UNREAD.to_owned(),
                number => format!("{UNREAD} {number}"),
            })?;
            for ((title, width), position) in UNREAD_COLUMNS.into_iter().zip(0..) {
                worksheet.write_string_with_format(0, position, title, &self.formats.header)?;
                worksheet.set_column_width(position, width)?;
            }
            worksheet.set_freeze_panes(1, 0)?;
            layout::set_up_pages(worksheet, UNREAD_COLUMNS.iter().map(|(_, width)| width).sum());
            worksheet.set_repeat_rows(0, 0)?;
            *rows = 1;
        }
        let row = *rows;
        *rows += 1;
        let index = self.first_sheet + SHEETS.len() + *sheets - 1;
        let worksheet = self.workbook.worksheet_from_index(index)?;
        let shown =
            |text: Option<&str>| text.map_or(CellValue::Empty, |text| CellValue::Text(text.to_owned()));
        #[expect(clippy::cast_precision_loss, reason = "row numbers are far below 2^53")]
        let cells = [
            shown(cell.position.sheet.as_deref()),
            CellValue::Number(cell.position.row as f64),
            shown(cell.position.column.as_deref()),
            shown(Some(text)),
            shown(Some(&cell.reason)),
        ];
        let mut lines = 1;
        for (position, (shown, (_, width))) in (0..).zip(cells.iter().zip(UNREAD_COLUMNS)) {
            lines = lines.max(shown.count_lines(width));
            write_cell(worksheet, row, position, shown, &self.formats.plain)?;
        }
        layout::fit_row_height(worksheet, row, lines)?;
        Ok(())
    }

    fn write_row(
        &mut self,
        index: usize,
        part: &Value,
        reference: Option<&str>,
        found: &[(String, &Problem)],
        style: RowStyle,
    ) -> Result<(), WriteError> {
        let SheetWriter {
            sheet,
            columns,
            next_row,
            used,
        } = &mut self.sheets[index];
        let row = *next_row;
        if row >= MAX_SHEET_ROWS {
            return Err(WriteError::TooManyRows(sheet.name));
        }
        *next_row += 1;
        let worksheet = self.workbook.worksheet_from_index(self.first_sheet + index)?;
        let (plain, wrong) = match style {
            RowStyle::Plain | RowStyle::Stray => (&self.formats.plain, &self.formats.wrong),
            RowStyle::Example => (&self.formats.example, &self.formats.wrong),
        };
        let wrong_fields: Vec<_> = found
            .iter()
            .map(|(field, _)| find_column_index(sheet, part, field))
            .collect();
        let mut cut = Vec::new();
        let mut lines = 1;
        for (position, column) in (0..).zip(&*columns) {
            let (shown, width, is_wrong) = match *column {
                SheetColumn::Record if style == RowStyle::Stray => continue,
                SheetColumn::Record => {
                    #[expect(clippy::cast_precision_loss, reason = "numbers of records are far below 2^53")]
                    let number = CellValue::Number(self.records as f64);
                    (number, RECORD_WIDTH_CHARACTERS, false)
                }
                SheetColumn::Reference => {
                    let text = reference.map(formula_escape::escape_text);
                    let shown = text.map_or(CellValue::Empty, CellValue::Text);
                    (shown, REFERENCE_WIDTH_CHARACTERS, style == RowStyle::Stray)
                }
                // Written below, once it is known which texts are cut.
                SheetColumn::Corrections => continue,
                SheetColumn::Field(field) => {
                    let column = &sheet.columns[field];
                    let shown = format_cell(sheet, column, part, CellFormat::Workbook);
                    used[field] |= shown != CellValue::Empty;
                    let is_wrong = wrong_fields.contains(&Some(field));
                    // An apostrophe would make a wrong name valid that comes back unchanged.
                    let is_unescaped = is_wrong && column.is_required_name();
                    let shown = if is_unescaped { shown.unescape() } else { shown };
                    (shown, column.width, is_wrong)
                }
            };
            lines = lines.max(shown.count_lines(width));
            let formats = if is_wrong { wrong } else { plain };
            if is_wrong && shown == CellValue::Empty {
                worksheet.write_blank(row, position, &formats[0])?;
            }
            if write_cell(worksheet, row, position, &shown, formats)?
                && let SheetColumn::Field(field) = *column
            {
                cut.push(sheet.columns[field].header);
            }
        }
        if let Some(position) = find_position(columns, SheetColumn::Corrections) {
            let mut reasons = String::new();
            for ((field, problem), column) in found.iter().zip(&wrong_fields) {
                let name = column.map_or(field.as_str(), |column| sheet.columns[column].header);
                let colon = if name.is_empty() { "" } else { ": " };
                let _ = writeln!(reasons, "{name}{colon}{}", problem.reason);
            }
            for header in cut {
                let _ = writeln!(reasons, "{header}: is longer than a cell can hold, and cut here");
            }
            if !reasons.is_empty() {
                let shown = CellValue::Text(reasons.trim_end().to_owned());
                lines = lines.max(shown.count_lines(CORRECTIONS_WIDTH_CHARACTERS));
                write_cell(worksheet, row, position, &shown, &self.formats.reasons)?;
            }
        }
        layout::fit_row_height(worksheet, row, lines)?;
        Ok(())
    }

    /// Adds the drop-downs and writes the file.
    pub fn finish(mut self, output: impl Write + Send) -> Result<(), WriteError> {
        let lists = DropDownLists::write(&mut self.workbook)?;
        for (index, written) in self.sheets.iter().enumerate() {
            let worksheet = self.workbook.worksheet_from_index(self.first_sheet + index)?;
            let last = (written.next_row + DROP_DOWN_ROWS).min(MAX_SHEET_ROWS) - 1;
            for (position, column) in (0..).zip(&written.columns) {
                let SheetColumn::Field(field) = *column else {
                    continue;
                };
                let column = &written.sheet.columns[field];
                if !column.is_in_template && !written.used[field] {
                    worksheet.set_column_hidden(position)?;
                }
                if let Some(choice) = lists.drop_down(column)? {
                    worksheet.add_data_validation(1, position, last, position, &choice)?;
                }
            }
        }
        self.workbook.save_to_writer(output)?;
        Ok(())
    }
}

/// Writes a cell. Returns whether its text was cut.
fn write_cell(
    worksheet: &mut Worksheet,
    row: u32,
    position: u16,
    shown: &CellValue,
    formats: &[Format; 5],
) -> Result<bool, WriteError> {
    let (number, format) = match shown {
        CellValue::Empty => return Ok(false),
        CellValue::Text(text) => {
            // The quote prefix of the format keeps a text that looks like a formula a text when it is edited.
            let format = &formats[usize::from(formula_escape::is_formula_like(text))];
            let kept = layout::truncate_to_cell(text);
            worksheet.write_string_with_format(row, position, kept, format)?;
            return Ok(kept.len() < text.len());
        }
        CellValue::Number(number) => (*number, &formats[2]),
        CellValue::Date(number) => (*number, &formats[3]),
        CellValue::Money(number) => (*number, &formats[4]),
    };
    worksheet.write_number_with_format(row, position, number, format)?;
    Ok(false)
}

fn list_items<'a>(document: &'a Value, list: &str) -> &'a [Value] {
    let items = document.get(list).and_then(Value::as_array);
    items.map_or(&[], Vec::as_slice)
}

/// Splits a path into the part of the record, as the indexes of its sheet and item, and the path in the part.
fn split_path(path: &str, document: &Value) -> ((usize, usize), String) {
    let mut steps = path.splitn(3, '/');
    let list = steps.next().unwrap_or_default();
    let sheet = SHEETS.iter().position(|sheet| sheet.list == Some(list));
    if let (Some(sheet), Some(Ok(item))) = (sheet, steps.next().map(str::parse::<usize>))
        && item < list_items(document, list).len()
    {
        return ((sheet, item), steps.next().unwrap_or_default().to_owned());
    }
    ((0, 0), path.to_owned())
}

/// Finds the column that shows the field at a path, a part of it, or the whole that it is part of.
fn find_column_index(sheet: &Sheet, part: &Value, field: &str) -> Option<usize> {
    if field.is_empty() {
        return None;
    }
    let find = |field: &str| {
        let matches =
            |column: &Column| paths::is_within(field, column.path) || paths::is_within(column.path, field);
        let is_shown =
            |column: &Column| format_cell(sheet, column, part, CellFormat::Workbook) != CellValue::Empty;
        let mut shown = sheet.columns.iter();
        shown
            .position(|column| matches(column) && is_shown(column))
            .or_else(|| sheet.columns.iter().position(matches))
    };
    find(field).or_else(|| find(field.strip_prefix("missing/")?))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use serde_json::json;
    use zip::ZipArchive;

    use super::*;
    use crate::problem::ProblemCode;

    /// The height of a row of a sheet in points, where it has one of its own.
    fn row_height(sheet: &str, row: u32) -> Option<f64> {
        let (_, from) = sheet.split_once(&format!("<row r=\"{row}\""))?;
        let (attributes, _) = from.split_once('>')?;
        let (_, height) = attributes.split_once("ht=\"")?;
        height.split_once('"')?.0.parse().ok()
    }

    #[test]
    fn rows_fit_their_text_and_sheets_fit_the_page() {
        let mut book = RecordWorkbook::for_corrections().unwrap();
        book.add_record(
            &json!({"externalRef": "a", "title": "Short"}),
            &[Problem::new(ProblemCode::Required, "place", "is needed")],
        )
        .unwrap();
        let reasons = ["is too long", "names a person", "has a telephone number"]
            .map(|reason| Problem::new(ProblemCode::InvalidFormat, "summary", reason));
        book.add_record(&json!({"externalRef": "b", "summary": "x"}), &reasons)
            .unwrap();
        book.add_record(
            &json!({"externalRef": "c", "summary": "eight letters ".repeat(100)}),
            &reasons[..1],
        )
        .unwrap();
        let mut written = Vec::new();
        book.finish(&mut written).unwrap();
        let mut archive = ZipArchive::new(Cursor::new(written)).unwrap();
        let mut part = |name: &str| {
            let mut text = String::new();
            archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
            text
        };
        let guidance = part("xl/worksheets/sheet1.xml");
        let initiatives = part("xl/worksheets/sheet2.xml");
        for sheet in [&guidance, &initiatives] {
            assert!(
                sheet.contains("orientation=\"landscape\"") && sheet.contains("fitToPage=\"1\""),
                "{sheet}"
            );
        }
        let heights = (2..=4).map(|row| row_height(&initiatives, row));
        let heights: Vec<_> = heights.collect();
        assert_eq!(heights[..2], [None, Some(45.0)], "three reasons take three lines");
        assert!(heights[2].is_some_and(|height| height > 200.0), "{heights:?}");
        assert_eq!(
            row_height(&guidance, 3),
            Some(45.0),
            "a paragraph of three lines is not cut off"
        );
    }
}
