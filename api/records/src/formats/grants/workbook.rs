//! Reads grants from workbooks. Each sheet with identifiers and other columns of grants is a table of grants. A sheet
//! without titles, such as one of locations, adds to the grants of other sheets.

use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use wayin_vocabulary::FileFormat;

use super::super::file_record::CellPosition;
use super::super::records::FileLimits;
use super::super::spreadsheet::{for_each_row, open_workbook};
use super::super::{FileError, Notes, RowProblems, csv_reader, require_rows};
use super::ReadDepth;
use super::row_parser::{GrantRow, RawField};
use super::sheet::{GrantColumns, describe_missing_column};
use crate::money::DecimalSign;
use crate::workbook::parse_cell;
use crate::workbook::parse_cell::RawValue;

/// Numbers that count as dates in a column of dates: the serial numbers from 1954 to the end of 2099.
const PLAUSIBLE_DAY_SERIALS: std::ops::RangeInclusive<f64> = 20_000.0..=73_050.0;

enum SheetState {
    BeforeHeader,
    Grants(GrantColumns),
    /// The sheet has other content. The text is the reason.
    Other(String),
}

/// Reads the sheets with grants and calls `each` with each row.
pub(super) fn read_workbook(
    mut input: impl Read + Seek,
    format: FileFormat,
    limits: &FileLimits,
    depth: ReadDepth,
    notes: &mut Notes,
    each: &mut dyn FnMut(CellPosition, GrantRow) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let length = input.seek(SeekFrom::End(0))?;
    input.rewind()?;
    let mut workbook = open_workbook(format, input, length, limits)?;
    let mut has_rows = false;
    let mut tables: Vec<(String, GrantColumns)> = Vec::new();
    for name in workbook.sheet_names() {
        let mut state = SheetState::BeforeHeader;
        let mut is_stopped = false;
        for_each_row(workbook.as_mut(), &name, &mut |index, mut cells| {
            cells.sort_by_key(|(column, _)| *column);
            let SheetState::Grants(columns) = &state else {
                state = parse_header(&name, &cells)?;
                let is_table = matches!(state, SheetState::Grants(_));
                return Ok(if is_table {
                    ControlFlow::Continue(())
                } else {
                    ControlFlow::Break(())
                });
            };
            has_rows = true;
            let position = CellPosition::row(u64::from(index) + 1).in_sheet(&name);
            let row = match depth {
                ReadDepth::Identifier => parse_identifier_only(columns, &cells),
                ReadDepth::All => parse_row(columns, position.row, &cells, &name),
            };
            let next = each(position, row);
            is_stopped = next.is_break();
            Ok(next)
        })?;
        if is_stopped {
            return Ok(());
        }
        match state {
            SheetState::BeforeHeader => {}
            SheetState::Other(reason) => notes.add(format!(
                "The sheet \"{name}\" is not read, because it holds no grants: {reason}."
            )),
            SheetState::Grants(columns) => {
                if !workbook.merged_ranges(&name)?.is_empty() {
                    let note = "has merged cells, of which only the first holds a value.";
                    notes.add(format!("The sheet \"{name}\" {note}"));
                }
                tables.push((name, columns));
            }
        }
    }
    let Some((name, _)) = tables.iter().find(|(_, columns)| columns.has_titles()) else {
        let reason = "none of its sheets has the columns of grants, such as Identifier and Title";
        return Err(FileError::NotGrants(reason.to_owned()));
    };
    if let Some(missing) = describe_missing_column(tables.iter().map(|(_, columns)| columns)) {
        return Err(FileError::NotGrants(format!(
            "in its sheet \"{name}\", {missing}"
        )));
    }
    require_rows(has_rows)
}

/// Determines the content of a sheet from its first row.
fn parse_header(sheet: &str, cells: &[(u32, RawValue)]) -> Result<SheetState, FileError> {
    let mut titles = Vec::new();
    for (column, raw) in cells {
        titles.resize(*column as usize, String::new());
        titles.push(csv_reader::clean_title(&raw.to_text()));
    }
    match GrantColumns::from_header(&titles) {
        Ok(columns) => Ok(SheetState::Grants(columns)),
        // A sheet with identifiers and titles is meant to have grants.
        Err(FileError::NotGrants(reason)) if GrantColumns::looks_like_grants(&titles) => Err(
            FileError::NotGrants(format!("in its sheet \"{sheet}\", {reason}")),
        ),
        Err(FileError::NotGrants(reason)) => Ok(SheetState::Other(reason)),
        Err(error) => Err(error),
    }
}

fn parse_identifier_only(columns: &GrantColumns, cells: &[(u32, RawValue)]) -> GrantRow {
    columns.parse_identifier_only(|index| {
        let (_, raw) = cells.iter().find(|(column, _)| *column as usize == index)?;
        Some(convert_cell(columns, index, raw, &mut RowProblems::default()))
    })
}

fn parse_row(columns: &GrantColumns, row: u64, cells: &[(u32, RawValue)], sheet: &str) -> GrantRow {
    let mut found = RowProblems::for_row(row);
    let fields = cells.iter().map(|(column, raw)| {
        let index = *column as usize;
        (index, convert_cell(columns, index, raw, &mut found))
    });
    let fields: Vec<(usize, RawField)> = fields.collect();
    let cell = |index: usize| {
        let at = fields.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        Some(fields[at].1.clone())
    };
    let mut row = columns.parse_row(found, cell, DecimalSign::Point);
    for problem in row.problems_mut() {
        problem.sheet = Some(sheet.to_owned());
    }
    row
}

fn convert_cell(columns: &GrantColumns, index: usize, raw: &RawValue, found: &mut RowProblems) -> RawField {
    match raw {
        RawValue::Number(number) if PLAUSIBLE_DAY_SERIALS.contains(number) && columns.is_date(index) => {
            let Some(day) = parse_cell::serial_to_iso_date(number.floor(), false) else {
                return RawField::Text(number.to_string());
            };
            let title = columns.title(index).unwrap_or_default();
            let reason = format!("{number} is read as {day}, the day that a spreadsheet counts so");
            found.add_warning(title, reason);
            RawField::Text(day)
        }
        RawValue::Error(_) => RawField::Other("an error that a formula has left"),
        RawValue::Formula(_) => RawField::Other("a formula whose result is not in the file"),
        raw => RawField::Text(raw.to_text()),
    }
}
