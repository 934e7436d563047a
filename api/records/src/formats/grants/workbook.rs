//! The form of a workbook: each sheet whose header names an identifier and other columns of grants is a table of
//! them. A sheet without titles, such as one of locations, adds to the grants of the others.

use std::io::{Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use wayin_vocabulary::FileFormat;

use super::super::file_record::Cell;
use super::super::records::Limits;
use super::super::workbook_records::Workbook;
use super::super::{FileError, LONGEST_ROW, Notes, Refusals, csv_reader, ods, refuse_without_rows, xlsx};
use super::Depth;
use super::draft::{Given, GrantRow};
use super::sheet::{Columns, missing_column};
use crate::money::DecimalSign;
use crate::workbook::parse_cell;
use crate::workbook::parse_cell::Raw;

/// The days that a date without the format of one may be counted by: from 1954 to the end of 2099.
const DAY_NUMBERS: std::ops::RangeInclusive<f64> = 20_000.0..=73_050.0;

/// Reads the sheets of a workbook that hold grants, and hands each row to `each`.
pub(super) fn read(
    mut input: impl Read + Seek,
    format: FileFormat,
    limits: &Limits,
    depth: Depth,
    notes: &mut Notes,
    each: &mut dyn FnMut(Cell, GrantRow) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let length = input.seek(SeekFrom::End(0))?;
    input.seek(SeekFrom::Start(0))?;
    if format == FileFormat::Ods {
        read_sheets(&mut ods::Book::open(input, length, limits)?, depth, notes, each)
    } else {
        read_sheets(&mut xlsx::Book::open(input, length, limits)?, depth, notes, each)
    }
}

fn read_sheets(
    workbook: &mut dyn Workbook,
    depth: Depth,
    notes: &mut Notes,
    each: &mut dyn FnMut(Cell, GrantRow) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let mut has_rows = false;
    let mut tables: Vec<(String, Columns)> = Vec::new();
    for name in workbook.sheets() {
        let mut sheet = Sheet {
            name: &name,
            depth,
            state: State::BeforeHeader,
            row: 0,
            cells: Vec::new(),
            bytes: 0,
            has_rows: false,
            each,
        };
        let mut is_stopped = false;
        workbook.walk(&name, &mut |(row, column), raw| {
            let next = sheet.add((row, column), raw)?;
            is_stopped |= next.is_break() && sheet.is_stopped();
            Ok(next)
        })?;
        if is_stopped || sheet.end_row()?.is_break() && sheet.is_stopped() {
            return Ok(());
        }
        has_rows |= sheet.has_rows;
        match sheet.state {
            State::BeforeHeader => {}
            State::Other(reason) => notes.add(format!(
                "The sheet \"{name}\" is not read, because it holds no grants: {reason}."
            )),
            State::Stopped => {}
            State::Grants(columns) => {
                tables.push((name.clone(), columns));
                if !workbook.merged(&name)?.is_empty() {
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
    if let Some(missing) = missing_column(tables.iter().map(|(_, columns)| columns)) {
        return Err(FileError::NotGrants(format!(
            "in its sheet \"{name}\", {missing}"
        )));
    }
    refuse_without_rows(has_rows)
}

/// A sheet, as its cells are met.
struct Sheet<'a> {
    name: &'a str,
    depth: Depth,
    state: State,
    /// The row that is being read, counted from 0, with what its cells hold.
    row: u32,
    cells: Vec<(u32, Raw)>,
    bytes: usize,
    has_rows: bool,
    each: &'a mut dyn FnMut(Cell, GrantRow) -> ControlFlow<()>,
}

enum State {
    BeforeHeader,
    Grants(Columns),
    /// It holds something else, as the reason says.
    Other(String),
    /// Nothing more is wanted.
    Stopped,
}

impl Sheet<'_> {
    const fn is_stopped(&self) -> bool {
        matches!(self.state, State::Stopped)
    }

    fn add(&mut self, (row, column): (u32, u32), raw: Raw) -> Result<ControlFlow<()>, FileError> {
        if row != self.row {
            if self.end_row()?.is_break() {
                return Ok(ControlFlow::Break(()));
            }
            self.row = row;
            self.bytes = 0;
        }
        if !raw.is_blank() {
            self.bytes += raw.size();
            if self.bytes > LONGEST_ROW {
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
            State::BeforeHeader => {
                self.state = header(self.name, &cells)?;
                return Ok(match self.state {
                    State::Grants(_) => ControlFlow::Continue(()),
                    _ => ControlFlow::Break(()),
                });
            }
            State::Grants(columns) => columns,
            State::Other(_) | State::Stopped => return Ok(ControlFlow::Break(())),
        };
        self.has_rows = true;
        let number = u64::from(self.row) + 1;
        let row = match self.depth {
            Depth::Identifier => identified(columns, &cells),
            Depth::All => row_of(columns, number, &cells, self.name),
        };
        let at = Cell {
            sheet: Some(self.name.to_owned()),
            ..Cell::of_row(number)
        };
        let next = (self.each)(at, row);
        if next.is_break() {
            self.state = State::Stopped;
        }
        Ok(next)
    }
}

/// What a sheet holds, by its first row that holds something.
fn header(sheet: &str, cells: &[(u32, Raw)]) -> Result<State, FileError> {
    let mut titles = Vec::new();
    for (column, raw) in cells {
        let column = *column as usize;
        titles.resize(column, String::new());
        titles.push(csv_reader::title(&raw.text()));
    }
    match Columns::of(&titles) {
        Ok(columns) => Ok(State::Grants(columns)),
        // What has an identifier and a title is meant as grants.
        Err(FileError::NotGrants(reason)) if Columns::seem_meant(&titles) => Err(FileError::NotGrants(
            format!("in its sheet \"{sheet}\", {reason}"),
        )),
        Err(FileError::NotGrants(reason)) => Ok(State::Other(reason)),
        Err(error) => Err(error),
    }
}

fn identified(columns: &Columns, cells: &[(u32, Raw)]) -> GrantRow {
    columns.identified(|index| {
        let (_, raw) = cells.iter().find(|(column, _)| *column as usize == index)?;
        Some(given(columns, index, raw, &mut Refusals::default()))
    })
}

fn row_of(columns: &Columns, row: u64, cells: &[(u32, Raw)], sheet: &str) -> GrantRow {
    let mut found = Refusals::of(row);
    let cells: Vec<(usize, Given)> = cells
        .iter()
        .map(|(column, raw)| {
            let index = *column as usize;
            (index, given(columns, index, raw, &mut found))
        })
        .collect();
    let cell = |index: usize| {
        let at = cells.binary_search_by_key(&index, |(index, _)| *index).ok()?;
        Some(cells[at].1.clone())
    };
    let mut row = columns.row(found, cell, DecimalSign::Point);
    for one in row.findings_mut() {
        one.sheet = Some(sheet.to_owned());
    }
    row
}

fn given(columns: &Columns, index: usize, raw: &Raw, found: &mut Refusals) -> Given {
    match raw {
        Raw::Number(number) if DAY_NUMBERS.contains(number) && columns.is_date(index) => {
            let Some(day) = parse_cell::moment(number.floor(), false) else {
                return Given::Text(number.to_string());
            };
            let title = columns.title(index).unwrap_or_default();
            found.warn(
                title,
                format!("{number} is read as {day}, the day that a spreadsheet counts so"),
            );
            Given::Text(day)
        }
        Raw::Error(_) => Given::Other("an error that a formula has left"),
        Raw::Formula(_) => Given::Other("a formula whose result is not in the file"),
        raw => Given::Text(raw.text()),
    }
}
