//! The form of a workbook: each sheet whose header names an identifier and other columns of grants is a table of
//! them. A sheet without titles, such as one of locations, adds to the grants of the others.

use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use wayin_vocabulary::FileFormat;

use super::super::file_record::CellPosition;
use super::super::records::FileLimits;
use super::super::workbook_records::WorkbookReader;
use super::super::{FileError, MAX_ROW_BYTES, Notes, RowProblems, csv_reader, ods, require_rows, xlsx};
use super::ReadDepth;
use super::row_parser::{GrantRow, RawField};
use super::sheet::{GrantColumns, describe_missing_column};
use crate::money::DecimalSign;
use crate::workbook::parse_cell;
use crate::workbook::parse_cell::RawValue;

/// The days that a date without the format of one may be counted by: from 1954 to the end of 2099.
const PLAUSIBLE_DAY_SERIALS: std::ops::RangeInclusive<f64> = 20_000.0..=73_050.0;

/// Reads the sheets of a workbook that hold grants, and hands each row to `each`.
pub(super) fn read_workbook(
    mut input: impl Read + Seek,
    format: FileFormat,
    limits: &FileLimits,
    depth: ReadDepth,
    notes: &mut Notes,
    each: &mut dyn FnMut(CellPosition, GrantRow) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let length = input.seek(SeekFrom::End(0))?;
    input.seek(SeekFrom::Start(0))?;
    if format == FileFormat::Ods {
        read_sheets(
            &mut ods::OdsWorkbook::open(input, length, limits)?,
            depth,
            notes,
            each,
        )
    } else {
        read_sheets(
            &mut xlsx::XlsxWorkbook::open(input, length, limits)?,
            depth,
            notes,
            each,
        )
    }
}

fn read_sheets(
    workbook: &mut dyn WorkbookReader,
    depth: ReadDepth,
    notes: &mut Notes,
    each: &mut dyn FnMut(CellPosition, GrantRow) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let mut has_rows = false;
    let mut tables: Vec<(String, GrantColumns)> = Vec::new();
    for name in workbook.sheet_names() {
        let mut sheet = GrantSheetReader {
            name: &name,
            depth,
            state: SheetState::BeforeHeader,
            row: 0,
            cells: Vec::new(),
            bytes: 0,
            has_rows: false,
            each,
        };
        let mut is_stopped = false;
        workbook.for_each_cell(&name, &mut |(row, column), raw| {
            let next = sheet.add((row, column), raw)?;
            is_stopped |= next.is_break() && sheet.is_stopped();
            Ok(next)
        })?;
        if is_stopped || sheet.end_row()?.is_break() && sheet.is_stopped() {
            return Ok(());
        }
        has_rows |= sheet.has_rows;
        match sheet.state {
            SheetState::BeforeHeader => {}
            SheetState::Other(reason) => notes.add(format!(
                "The sheet \"{name}\" is not read, because it holds no grants: {reason}."
            )),
            SheetState::Stopped => {}
            SheetState::Grants(columns) => {
                tables.push((name.clone(), columns));
                if !workbook.merged_ranges(&name)?.is_empty() {
                    let note = format!(
                        "The sheet \"{name}\" has merged cells, of which only the first holds a value."
                    );
                    notes.add(note);
                }
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

/// A sheet, as its cells are met.
struct GrantSheetReader<'a> {
    name: &'a str,
    depth: ReadDepth,
    state: SheetState,
    /// The row that is being read, counted from 0, with what its cells hold.
    row: u32,
    cells: Vec<(u32, RawValue)>,
    bytes: usize,
    has_rows: bool,
    each: &'a mut dyn FnMut(CellPosition, GrantRow) -> ControlFlow<()>,
}

enum SheetState {
    BeforeHeader,
    Grants(GrantColumns),
    /// It holds something else, as the reason says.
    Other(String),
    /// Nothing more is wanted.
    Stopped,
}

impl GrantSheetReader<'_> {
    const fn is_stopped(&self) -> bool {
        matches!(self.state, SheetState::Stopped)
    }

    fn add(&mut self, (row, column): (u32, u32), raw: RawValue) -> Result<ControlFlow<()>, FileError> {
        if row != self.row {
            if self.end_row()?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.row = row;
            self.bytes = 0;
        }
        if !raw.is_blank() {
            self.bytes += raw.size_in_bytes();
            if self.bytes > MAX_ROW_BYTES {
                return Err(FileError::LongRow {
                    sheet: self.name.to_owned(),
                    row: u64::from(row) + 1,
                });
            }
            self.cells.push((column, raw));
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Reads the row that has been gathered.
    fn end_row(&mut self) -> Result<ControlFlow<()>, FileError> {
        let mut cells = std::mem::take(&mut self.cells);
        if cells.is_empty() {
            return Ok(ControlFlow::Continue(()));
        }
        cells.sort_by_key(|(column, _)| *column);
        let columns = match &self.state {
            SheetState::BeforeHeader => {
                self.state = parse_header(self.name, &cells)?;
                return Ok(match self.state {
                    SheetState::Grants(_) => ControlFlow::Continue(()),
                    _ => ControlFlow::Break(()),
                });
            }
            SheetState::Grants(columns) => columns,
            SheetState::Other(_) | SheetState::Stopped => return Ok(ControlFlow::Break(())),
        };
        self.has_rows = true;
        let number = u64::from(self.row) + 1;
        let row = match self.depth {
            ReadDepth::Identifier => parse_identifier_only(columns, &cells),
            ReadDepth::All => parse_row(columns, number, &cells, self.name),
        };
        let at = CellPosition {
            sheet: Some(self.name.to_owned()),
            ..CellPosition::row(number)
        };
        let next = (self.each)(at, row);
        if next.is_break() {
            self.state = SheetState::Stopped;
        }
        Ok(next)
    }
}

/// What a sheet holds, by its first row that holds something.
fn parse_header(sheet: &str, cells: &[(u32, RawValue)]) -> Result<SheetState, FileError> {
    let mut titles = Vec::new();
    for (column, raw) in cells {
        let column = *column as usize;
        titles.resize(column, String::new());
        titles.push(csv_reader::clean_title(&raw.to_text()));
    }
    match GrantColumns::from_header(&titles) {
        Ok(columns) => Ok(SheetState::Grants(columns)),
        // What has an identifier and a title is meant as grants.
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
    let cells: Vec<(usize, RawField)> = cells
        .iter()
        .map(|(column, raw)| {
            let index = *column as usize;
            (index, convert_cell(columns, index, raw, &mut found))
        })
        .collect();
    let cell = |index: usize| {
        let at = cells.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        Some(cells[at].1.clone())
    };
    let mut row = columns.parse_row(found, cell, DecimalSign::Point);
    for one in row.problems_mut() {
        one.sheet = Some(sheet.to_owned());
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
            found.add_warning(
                title,
                format!("{number} is read as {day}, the day that a spreadsheet counts so"),
            );
            RawField::Text(day)
        }
        RawValue::Error(_) => RawField::Other("an error that a formula has left"),
        RawValue::Formula(_) => RawField::Other("a formula whose result is not in the file"),
        raw => RawField::Text(raw.to_text()),
    }
}
