//! Records written into a workbook, row by row: what was written before waits in temporary
//! files, so that memory does not grow with the number of records.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;

use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Note, Workbook, Worksheet, XlsxError};
use serde_json::Value;

use super::columns::{SHEETS, Sheet};
use super::format_cell::{CellFormat, CellValue, format_cell};
use super::guidance::{self, GuidanceLine};
use super::lists::DropDownLists;
use super::styles::{CellFormats, DATE_NUMBER_FORMAT, MONEY_NUMBER_FORMAT, TEXT_NUMBER_FORMAT};
use super::{formula_escape, layout};
use crate::fields::column::{
    CORRECTIONS_COLUMN, Column, ColumnKind, RECORD, REFERENCE, REFERENCE_NOTE, REFERENCE_PATH, UNREAD,
};
use crate::formats::file_record::{StrayItem, UnreadCell};
use crate::problem::{Problem, ProblemCode};

/// Why a workbook could not be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A sheet would have more rows than one can have.
    #[error("The sheet \"{0}\" would have over a million rows; write JSON Lines or CSV instead.")]
    TooManyRows(&'static str),
    /// Writing failed.
    #[error("The workbook could not be written: {0}.")]
    Failed(#[from] XlsxError),
}

/// What a workbook is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkbookPurpose {
    /// To be filled in.
    Template,
    /// To be kept, or taken into another base.
    Export,
    /// To be mended and sent again.
    Correction,
}

/// The rows that a sheet can have.
const MAX_SHEET_ROWS: u32 = 1_048_576;
/// The most UTF-16 units of text that a cell can hold.
pub(super) const MAX_CELL_UTF16_UNITS: usize = 32_767;
/// How many rows the drop-downs of a template reach.
const TEMPLATE_DROP_DOWN_ROWS: u32 = 5_000;
/// How wide the columns are that every sheet may have, in characters.
const RECORD_WIDTH_CHARACTERS: u16 = 8;
const REFERENCE_WIDTH_CHARACTERS: u16 = 18;
const CORRECTIONS_WIDTH_CHARACTERS: u16 = 50;
/// The titles of the columns of a sheet of cells that were not read, with their widths.
const UNREAD_COLUMNS: [(&str, u16); 5] = [
    ("Sheet", 18),
    ("Row", 8),
    ("Column", 24),
    ("What it holds", 50),
    ("Why", 50),
];
/// One sheet on its way out.
struct SheetWriter {
    sheet: &'static Sheet,
    /// Where its columns stand, by their place in the table of columns; none that is left out.
    column_positions: Vec<Option<u16>>,
    record: Option<u16>,
    reference: u16,
    corrections: Option<u16>,
    next_row: u32,
    /// Which of the columns that nobody is asked for hold something.
    used: Vec<bool>,
}

/// A workbook on its way out.
pub(super) struct WorkbookWriter {
    purpose: WorkbookPurpose,
    workbook: Workbook,
    formats: CellFormats,
    sheets: Vec<SheetWriter>,
    /// Where in the workbook the first of them stands.
    first: usize,
    records: u64,
    /// How many sheets list what was not read, and how many rows the last of them has.
    unread: (usize, u32),
}

/// How the cells of a row look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum RowStyle {
    Plain,
    Example,
    /// Of a row that belongs to no record: its reference is wrong.
    Stray,
}

impl WorkbookWriter {
    pub(super) fn new(purpose: WorkbookPurpose, guidance: &[GuidanceLine]) -> Result<Self, WriteError> {
        let mut workbook = Workbook::new();
        // The same content makes the same file.
        let properties = DocProperties::new()
            .set_title("Wayin: initiative records")
            .set_creation_datetime(&ExcelDateTime::from_ymd(2026, 1, 1)?);
        workbook.set_properties(&properties);
        let formats = CellFormats::new();
        if !guidance.is_empty() {
            guidance::write_sheet(&mut workbook, &formats, guidance)?;
        }
        let mut book = Self {
            purpose,
            workbook,
            formats,
            sheets: Vec::new(),
            first: usize::from(!guidance.is_empty()),
            records: 0,
            unread: (0, 0),
        };
        for sheet in &SHEETS {
            book.add_sheet(sheet)?;
        }
        Ok(book)
    }

    fn add_sheet(&mut self, sheet: &'static Sheet) -> Result<(), WriteError> {
        let worksheet = self.workbook.add_worksheet_with_constant_memory()?;
        worksheet.set_name(sheet.name)?;
        let mut next = 0;
        let mut place = || {
            next += 1;
            next - 1
        };
        let record = (self.purpose != WorkbookPurpose::Template).then(&mut place);
        let is_child = sheet.list.is_some();
        let own_reference = is_child.then(&mut place);
        let mut places = Vec::new();
        let mut to_mend = None;
        for column in sheet.columns {
            let is_there = column.is_in_template || self.purpose != WorkbookPurpose::Template;
            if !is_child && column.path == REFERENCE_PATH {
                places.push(Some(place()));
                to_mend = (self.purpose == WorkbookPurpose::Correction).then(&mut place);
            } else {
                if is_child && to_mend.is_none() && self.purpose == WorkbookPurpose::Correction {
                    to_mend = Some(place());
                }
                places.push(is_there.then(&mut place));
            }
        }
        let reference = own_reference
            .or_else(|| places.iter().flatten().next().copied())
            .unwrap_or(0);
        let header = &self.formats.header;
        let (mut lines, mut total_width) = (1, 0);
        let mut title = |worksheet: &mut Worksheet, place: u16, title: &str, note: &str, width: u16| {
            worksheet.write_string_with_format(0, place, title, header)?;
            worksheet.set_column_width(place, width)?;
            total_width += width;
            // Letters in bold are wider.
            lines = lines.max(layout::count_wrapped_lines(title, width - width / 8));
            let note = Note::new(note)
                .add_author_prefix(false)
                .set_width(layout::NOTE_WIDTH_PIXELS)
                .set_height(layout::note_height_pixels(note));
            worksheet.insert_note(0, place, &note)?;
            Ok::<(), WriteError>(())
        };
        if let Some(place) = record {
            let note = "What tells the record apart in this file. Leave it as it is; where you add a record, leave it empty.";
            title(worksheet, place, RECORD, note, RECORD_WIDTH_CHARACTERS)?;
        }
        if let Some(place) = own_reference {
            title(
                worksheet,
                place,
                REFERENCE,
                REFERENCE_NOTE,
                REFERENCE_WIDTH_CHARACTERS,
            )?;
            worksheet.set_column_format(place, &Format::new().set_num_format(TEXT_NUMBER_FORMAT))?;
        }
        if let Some(place) = to_mend {
            let note = "What is wrong with the row, and where. Nobody reads this column when you send the file again.";
            title(
                worksheet,
                place,
                CORRECTIONS_COLUMN,
                note,
                CORRECTIONS_WIDTH_CHARACTERS,
            )?;
        }
        for (column, place) in sheet.columns.iter().zip(&places) {
            let Some(place) = *place else { continue };
            title(
                worksheet,
                place,
                column.header,
                &column_note(column),
                column.width,
            )?;
            let format = match column.kind {
                ColumnKind::Date => DATE_NUMBER_FORMAT,
                ColumnKind::Money => MONEY_NUMBER_FORMAT,
                ColumnKind::Whole => "0",
                _ => TEXT_NUMBER_FORMAT,
            };
            worksheet.set_column_format(place, &Format::new().set_num_format(format))?;
        }
        layout::fit_row_height(worksheet, 0, lines)?;
        layout::set_up_pages(worksheet, total_width);
        worksheet.set_repeat_rows(0, 0)?;
        worksheet.set_repeat_columns(0, reference)?;
        let frozen = to_mend.unwrap_or(reference) + 1;
        worksheet.set_freeze_panes(1, frozen)?;
        self.sheets.push(SheetWriter {
            sheet,
            used: vec![false; places.len()],
            column_positions: places,
            record,
            reference,
            corrections: to_mend,
            next_row: 1,
        });
        Ok(())
    }

    /// Writes a record with what was found in it, each where it stands.
    pub(super) fn write_record(&mut self, document: &Value, findings: &[Problem]) -> Result<(), WriteError> {
        self.records += 1;
        let reference = document
            .get(REFERENCE_PATH)
            .filter(|reference| !reference.is_null());
        let reference = reference.map(|reference| {
            reference
                .as_str()
                .map_or_else(|| reference.to_string(), ToOwned::to_owned)
        });
        // By sheet and item, and none for the record itself.
        let mut by_part: BTreeMap<(usize, usize), Vec<(String, &Problem)>> = BTreeMap::new();
        for finding in findings {
            let (part, field) = find_part(&finding.path, document);
            by_part.entry(part).or_default().push((field, finding));
        }
        self.write_row(
            0,
            document,
            reference.as_deref(),
            by_part.get(&(0, 0)).map_or(&[], Vec::as_slice),
            RowStyle::Plain,
        )?;
        for (at, sheet) in SHEETS.iter().enumerate() {
            let items = sheet
                .list
                .and_then(|list| document.get(list))
                .and_then(Value::as_array);
            for (item, part) in items.into_iter().flatten().enumerate() {
                let found = by_part.get(&(at, item)).map_or(&[][..], Vec::as_slice);
                self.write_row(at, part, reference.as_deref(), found, RowStyle::Plain)?;
            }
        }
        Ok(())
    }

    /// Writes a row of a list that belongs to no record, with why.
    pub(super) fn write_stray(&mut self, item: &StrayItem, reason: &str) -> Result<(), WriteError> {
        let reason = Problem::new(ProblemCode::NotFound, "", reason);
        let own = item.problems.iter().map(|found| (found.path.clone(), found));
        let found: Vec<_> = std::iter::once((String::new(), &reason)).chain(own).collect();
        let reference = item.reference.as_deref();
        self.write_row(item.sheet, &item.document, reference, &found, RowStyle::Stray)
    }

    /// Writes what a cell holds from which nothing was read, in as many rows as it takes.
    pub(super) fn write_unread(&mut self, cell: &UnreadCell) -> Result<(), WriteError> {
        let mut left = cell.text.as_str();
        loop {
            let text = truncate_to_cell(left);
            left = &left[text.len()..];
            self.write_unread_row(cell, text)?;
            if left.is_empty() {
                return Ok(());
            }
        }
    }

    fn write_unread_row(&mut self, cell: &UnreadCell, text: &str) -> Result<(), WriteError> {
        let (sheets, rows) = &mut self.unread;
        if *sheets == 0 || *rows == MAX_SHEET_ROWS {
            *sheets += 1;
            let worksheet = self.workbook.add_worksheet_with_constant_memory()?;
            let name = match *sheets {
                1 => UNREAD.to_owned(),
                number => format!("{UNREAD} {number}"),
            };
            worksheet.set_name(name)?;
            for ((title, width), place) in UNREAD_COLUMNS.into_iter().zip(0..) {
                worksheet.write_string_with_format(0, place, title, &self.formats.header)?;
                worksheet.set_column_width(place, width)?;
            }
            worksheet.set_freeze_panes(1, 0)?;
            layout::set_up_pages(worksheet, UNREAD_COLUMNS.iter().map(|(_, width)| width).sum());
            worksheet.set_repeat_rows(0, 0)?;
            *rows = 1;
        }
        let row = *rows;
        *rows += 1;
        let worksheet = self
            .workbook
            .worksheet_from_index(self.first + SHEETS.len() + *sheets - 1)?;
        let plain = &self.formats.plain;
        #[expect(clippy::cast_precision_loss, reason = "a file has no so many rows")]
        worksheet.write_number_with_format(row, 1, cell.position.row as f64, &plain[2])?;
        let texts = [
            (0, cell.position.sheet.as_deref()),
            (2, cell.position.column.as_deref()),
            (3, Some(text)),
            (4, Some(cell.reason.as_str())),
        ];
        let mut lines = 1;
        for (place, text) in texts {
            let shown = text.map_or(CellValue::Empty, |text| CellValue::Text(text.to_owned()));
            let (_, width) = UNREAD_COLUMNS[usize::from(place)];
            lines = lines.max(shown.count_lines(width));
            write_cell(worksheet, row, place, &shown, plain)?;
        }
        layout::fit_row_height(worksheet, row, lines)?;
        Ok(())
    }

    /// Writes a record that shows how the others are written.
    pub(super) fn write_example(&mut self, document: &Value) -> Result<(), WriteError> {
        let reference = document
            .get(REFERENCE_PATH)
            .and_then(Value::as_str)
            .map(ToOwned::to_owned);
        self.write_row(0, document, reference.as_deref(), &[], RowStyle::Example)?;
        for (at, sheet) in SHEETS.iter().enumerate() {
            let items = sheet
                .list
                .and_then(|list| document.get(list))
                .and_then(Value::as_array);
            for part in items.into_iter().flatten() {
                self.write_row(at, part, reference.as_deref(), &[], RowStyle::Example)?;
            }
        }
        Ok(())
    }

    fn write_row(
        &mut self,
        at: usize,
        part: &Value,
        reference: Option<&str>,
        found: &[(String, &Problem)],
        look: RowStyle,
    ) -> Result<(), WriteError> {
        let written = &mut self.sheets[at];
        let row = written.next_row;
        if row >= MAX_SHEET_ROWS {
            return Err(WriteError::TooManyRows(written.sheet.name));
        }
        written.next_row += 1;
        let worksheet = self.workbook.worksheet_from_index(self.first + at)?;
        let formats = match look {
            RowStyle::Plain | RowStyle::Stray => &self.formats.plain,
            RowStyle::Example => &self.formats.example,
        };
        if let Some(place) = written.record.filter(|_| look != RowStyle::Stray) {
            #[expect(clippy::cast_precision_loss, reason = "there are no so many records")]
            worksheet.write_number_with_format(row, place, self.records as f64, &formats[2])?;
        }
        let mut lines = 1;
        if written.sheet.list.is_some() {
            let formats = if look == RowStyle::Stray {
                &self.formats.wrong
            } else {
                formats
            };
            match reference {
                Some(reference) => {
                    let shown = CellValue::Text(formula_escape::escape_text(reference));
                    lines = lines.max(shown.count_lines(REFERENCE_WIDTH_CHARACTERS));
                    write_cell(worksheet, row, written.reference, &shown, formats)?;
                }
                None if look == RowStyle::Stray => {
                    worksheet.write_blank(row, written.reference, &formats[0])?;
                }
                None => {}
            }
        }
        let wrong: Vec<_> = found
            .iter()
            .map(|(field, _)| find_column_position(written.sheet, part, field))
            .collect();
        let mut was_cut = Vec::new();
        for (place, column) in written.sheet.columns.iter().enumerate() {
            let Some(to) = written.column_positions[place] else {
                continue;
            };
            let mut shown = format_cell(written.sheet, column, part, CellFormat::Workbook);
            let mut formats = formats;
            if wrong.contains(&Some(place)) {
                formats = &self.formats.wrong;
                if column.is_required_name() {
                    // It is no better when it comes back unchanged.
                    shown = shown.unescape();
                }
            }
            if shown == CellValue::Empty {
                if wrong.contains(&Some(place)) {
                    worksheet.write_blank(row, to, &formats[0])?;
                }
                continue;
            }
            written.used[place] = true;
            lines = lines.max(shown.count_lines(column.width));
            if write_cell(worksheet, row, to, &shown, formats)? {
                was_cut.push(column.header);
            }
        }
        if let Some(place) = written.corrections {
            let mut reasons = String::new();
            for ((field, finding), column) in found.iter().zip(&wrong) {
                let header = column.map(|column| written.sheet.columns[column].header);
                let named = header.unwrap_or(field);
                let colon = if named.is_empty() { "" } else { ": " };
                let _ = writeln!(reasons, "{named}{colon}{}", finding.reason);
            }
            for header in was_cut {
                let _ = writeln!(reasons, "{header}: is longer than a cell can hold, and cut here");
            }
            if !reasons.is_empty() {
                let shown = CellValue::Text(reasons.trim_end().to_owned());
                lines = lines.max(shown.count_lines(CORRECTIONS_WIDTH_CHARACTERS));
                write_cell(worksheet, row, place, &shown, &self.formats.reasons)?;
            }
        }
        layout::fit_row_height(worksheet, row, lines)?;
        Ok(())
    }

    /// Adds the drop-downs and writes the file.
    pub(super) fn finish(mut self, output: impl Write + Send) -> Result<(), WriteError> {
        let lists = DropDownLists::write(&mut self.workbook)?;
        for (at, written) in self.sheets.iter().enumerate() {
            let worksheet = self.workbook.worksheet_from_index(self.first + at)?;
            let last = (written.next_row + TEMPLATE_DROP_DOWN_ROWS).min(MAX_SHEET_ROWS) - 1;
            for (place, column) in written.sheet.columns.iter().enumerate() {
                let Some(to) = written.column_positions[place] else {
                    continue;
                };
                if !column.is_in_template && !written.used[place] {
                    worksheet.set_column_hidden(to)?;
                }
                if let Some(choice) = lists.drop_down(column)? {
                    worksheet.add_data_validation(1, to, last, to, &choice)?;
                }
            }
        }
        self.workbook.save_to_writer(output)?;
        Ok(())
    }
}

/// What to write in a column, with the words that are known.
fn column_note(column: &Column) -> String {
    let mut note = column.note.to_owned();
    if let ColumnKind::Code(vocabulary) | ColumnKind::Codes(vocabulary) = column.kind {
        for word in vocabulary.words() {
            let _ = write!(note, "\n{}: {}", word.display_text(), word.definition);
        }
    }
    note
}

/// Writes a cell; says whether its text had to be cut.
fn write_cell(
    worksheet: &mut Worksheet,
    row: u32,
    place: u16,
    shown: &CellValue,
    formats: &[Format; 5],
) -> Result<bool, WriteError> {
    match shown {
        CellValue::Empty => {}
        CellValue::Text(text) => {
            // Words are never written as a formula; the mark keeps them words when they are edited.
            let format = &formats[usize::from(formula_escape::is_formula_like(text))];
            let kept = truncate_to_cell(text);
            worksheet.write_string_with_format(row, place, kept, format)?;
            return Ok(kept.len() < text.len());
        }
        CellValue::Number(number) => {
            worksheet.write_number_with_format(row, place, *number, &formats[2])?;
        }
        CellValue::Date(number) => {
            worksheet.write_number_with_format(row, place, *number, &formats[3])?;
        }
        CellValue::Money(number) => {
            worksheet.write_number_with_format(row, place, *number, &formats[4])?;
        }
    }
    Ok(false)
}

/// As much of a text as a cell can hold.
fn truncate_to_cell(text: &str) -> &str {
    if text.len() <= MAX_CELL_UTF16_UNITS {
        return text;
    }
    let mut units = 0;
    for (at, letter) in text.char_indices() {
        units += letter.len_utf16();
        if units > MAX_CELL_UTF16_UNITS {
            return &text[..at];
        }
    }
    text
}

/// The part of a record that a path leads into, as its sheet and item, and the field within it.
fn find_part(path: &str, document: &Value) -> ((usize, usize), String) {
    let mut steps = path.splitn(3, '/');
    let list = steps.next().unwrap_or_default();
    let at = SHEETS.iter().position(|sheet| sheet.list == Some(list));
    if let (Some(at), Some(Ok(item))) = (at, steps.next().map(str::parse::<usize>)) {
        let items = document.get(list).and_then(Value::as_array).map_or(0, Vec::len);
        if item < items {
            return ((at, item), steps.next().unwrap_or_default().to_owned());
        }
    }
    ((0, 0), path.to_owned())
}

/// The column in which the field at a path stands: in that of the field itself, or of the part
/// of it or the whole that the path leads to.
fn find_column_position(sheet: &Sheet, part: &Value, field: &str) -> Option<usize> {
    if field.is_empty() {
        return None;
    }
    let of = |field: &str| {
        let alike = |column: &Column| {
            column.path == field
                || field
                    .strip_prefix(column.path)
                    .is_some_and(|rest| rest.starts_with('/'))
                || column
                    .path
                    .strip_prefix(field)
                    .is_some_and(|rest| rest.starts_with('/'))
        };
        let is_shown =
            |column: &Column| format_cell(sheet, column, part, CellFormat::Workbook) != CellValue::Empty;
        let columns = || sheet.columns.iter();
        columns()
            .position(|column| alike(column) && is_shown(column))
            .or_else(|| columns().position(alike))
    };
    of(field).or_else(|| of(field.strip_prefix("missing/")?))
}
