//! The columns and the headers of the sheets of a workbook of records.

use std::fmt::Write as _;

use rust_xlsxwriter::{Format, Note, Workbook};

use super::columns::Sheet;
use super::layout;
use super::styles::{CellFormats, DATE_NUMBER_FORMAT, MONEY_NUMBER_FORMAT, TEXT_NUMBER_FORMAT};
use super::writer::WriteError;
use crate::fields::column::{
    CORRECTIONS_COLUMN, Column, ColumnKind, RECORD, REFERENCE, REFERENCE_NOTE, REFERENCE_PATH,
};

pub(super) const RECORD_WIDTH_CHARACTERS: u16 = 8;
pub(super) const REFERENCE_WIDTH_CHARACTERS: u16 = 18;
pub(super) const CORRECTIONS_WIDTH_CHARACTERS: u16 = 50;
const RECORD_NOTE: &str =
    "What tells the record apart in this file. Leave it as it is; where you add a record, leave it empty.";
const CORRECTIONS_NOTE: &str =
    "What is wrong with the row, and where. Nobody reads this column when you send the file again.";

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WorkbookPurpose {
    Template,
    Export,
    Corrections,
}

/// A column of a sheet that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum SheetColumn {
    /// The number of the record in the file.
    Record,
    /// The reference of the record, on a sheet of items.
    Reference,
    /// The problems of the row.
    Corrections,
    /// A field, by its index in the columns of the sheet.
    Field(usize),
}

pub(super) struct SheetWriter {
    pub(super) sheet: &'static Sheet,
    pub(super) columns: Vec<SheetColumn>,
    pub(super) next_row: u32,
    /// For each field, whether any row has a value.
    pub(super) used: Vec<bool>,
}

/// Lists the columns of a sheet. The problems of a row are beside its reference.
fn list_columns(sheet: &Sheet, purpose: WorkbookPurpose) -> Vec<SheetColumn> {
    let is_template = purpose == WorkbookPurpose::Template;
    let corrections = (purpose == WorkbookPurpose::Corrections).then_some(SheetColumn::Corrections);
    let mut columns = Vec::new();
    columns.extend((!is_template).then_some(SheetColumn::Record));
    if sheet.list.is_some() {
        columns.push(SheetColumn::Reference);
        columns.extend(corrections);
    }
    for (index, column) in sheet.columns.iter().enumerate() {
        if column.is_in_template || !is_template {
            columns.push(SheetColumn::Field(index));
        }
        if sheet.list.is_none() && column.path == REFERENCE_PATH {
            columns.extend(corrections);
        }
    }
    columns
}

pub(super) fn find_position(columns: &[SheetColumn], wanted: SheetColumn) -> Option<u16> {
    let mut positions = (0..).zip(columns);
    positions
        .find(|(_, column)| **column == wanted)
        .map(|(position, _)| position)
}

/// Adds an empty sheet with its header.
pub(super) fn add_sheet(
    workbook: &mut Workbook,
    sheet: &'static Sheet,
    purpose: WorkbookPurpose,
    formats: &CellFormats,
) -> Result<SheetWriter, WriteError> {
    let worksheet = workbook.add_worksheet_with_constant_memory()?;
    worksheet.set_name(sheet.name)?;
    let columns = list_columns(sheet, purpose);
    let (mut lines, mut total_width) = (1, 0);
    for (position, column) in (0..).zip(&columns) {
        let (title, note, width, number_format) = match *column {
            SheetColumn::Record => (RECORD, RECORD_NOTE.into(), RECORD_WIDTH_CHARACTERS, None),
            SheetColumn::Reference => {
                let (note, format) = (REFERENCE_NOTE.into(), Some(TEXT_NUMBER_FORMAT));
                (REFERENCE, note, REFERENCE_WIDTH_CHARACTERS, format)
            }
            SheetColumn::Corrections => {
                let note = CORRECTIONS_NOTE.into();
                (CORRECTIONS_COLUMN, note, CORRECTIONS_WIDTH_CHARACTERS, None)
            }
            SheetColumn::Field(field) => {
                let column = &sheet.columns[field];
                let format = match column.kind {
                    ColumnKind::Date => DATE_NUMBER_FORMAT,
                    ColumnKind::Money => MONEY_NUMBER_FORMAT,
                    ColumnKind::Whole => "0",
                    _ => TEXT_NUMBER_FORMAT,
                };
                (
                    column.header,
                    write_column_note(column),
                    column.width,
                    Some(format),
                )
            }
        };
        worksheet.write_string_with_format(0, position, title, &formats.header)?;
        worksheet.set_column_width(position, width)?;
        total_width += width;
        // Bold letters are wider.
        lines = lines.max(layout::count_wrapped_lines(title, width - width / 8));
        let note = Note::new(&note)
            .add_author_prefix(false)
            .set_width(layout::NOTE_WIDTH_PIXELS)
            .set_height(layout::compute_note_height(&note));
        worksheet.insert_note(0, position, &note)?;
        if let Some(format) = number_format {
            worksheet.set_column_format(position, &Format::new().set_num_format(format))?;
        }
    }
    layout::fit_row_height(worksheet, 0, lines)?;
    layout::set_up_pages(worksheet, total_width);
    let reference = find_position(&columns, SheetColumn::Reference)
        .or_else(|| find_position(&columns, SheetColumn::Field(0)))
        .unwrap_or(0);
    worksheet.set_repeat_rows(0, 0)?;
    worksheet.set_repeat_columns(0, reference)?;
    let last_frozen = find_position(&columns, SheetColumn::Corrections).unwrap_or(reference);
    worksheet.set_freeze_panes(1, last_frozen + 1)?;
    Ok(SheetWriter {
        sheet,
        columns,
        next_row: 1,
        used: vec![false; sheet.columns.len()],
    })
}

/// Writes the note of a column: what to write in it, and the terms of its vocabulary.
fn write_column_note(column: &Column) -> String {
    let mut note = column.note.to_owned();
    if let ColumnKind::Code(vocabulary) | ColumnKind::Codes(vocabulary) = column.kind {
        for word in vocabulary.words() {
            let _ = write!(note, "\n{}: {}", word.display_text(), word.definition);
        }
    }
    note
}
