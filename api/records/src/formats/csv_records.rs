//! Records out of one flat table: a record a row, and a column for each field, with the
//! position of an item of a list in its name: `fundingTerms.1.durationMonths`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::json;

use super::csv_reader::CsvTable;
use super::file_record::{CellPosition, ColumnTitles, FileItem, FileRecord, StrayRow, UnreadCell};
use super::record_builder::PartBuilder;
use super::records::{FileLimits, UnreadCells};
use super::references::{RecordReference, ReferenceCallback};
use super::stream::ByteAllowance;
use super::workbook_records::{UNKNOWN_COLUMN_REASON, untitled_column_name};
use super::{FileError, Notes, RowProblem};
use crate::fields::column::{CORRECTIONS_COLUMN, EXAMPLE, REFERENCE_PATH};
use crate::money::DecimalSign;
use crate::omitted::{AbsentColumns, OmittedFields};
use crate::problem::ProblemCode;
use crate::workbook::columns::{SHEETS, Sheet, fold_header};
use crate::workbook::formula_escape;
use crate::workbook::parse_cell::RawValue;

/// The furthest position in a list that a column may name.
const MAX_LIST_POSITION: usize = 1_000;

/// A column of the file: the sheet and the column of the table of columns, and the position in
/// the list of the former.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct KnownColumn {
    sheet: usize,
    position: usize,
    column: usize,
}

impl KnownColumn {
    /// The place of its item in the list of the record, counted from 0.
    const fn item_index(self) -> usize {
        self.position.saturating_sub(1)
    }
}

fn parse_known_column(title: &str) -> Option<KnownColumn> {
    let root = SHEETS[0].find_column(title).map(|column| KnownColumn {
        sheet: 0,
        position: 0,
        column,
    });
    let in_a_list = || {
        let mut steps = title.splitn(3, ['.', '/']);
        let sheet = Sheet::find(steps.next()?).filter(|sheet| *sheet > 0)?;
        let position: usize = steps.next()?.trim().parse().ok()?;
        let column = SHEETS[sheet].find_column(steps.next()?)?;
        (1..=MAX_LIST_POSITION)
            .contains(&position)
            .then_some(KnownColumn {
                sheet,
                position,
                column,
            })
    };
    root.or_else(in_a_list)
}

/// Hands the row, the reference and the lead organisation of each row to `each`.
pub(super) fn read_references(
    input: impl Read + Seek,
    each: &mut ReferenceCallback<'_>,
) -> Result<(), FileError> {
    let allowance = ByteAllowance::unlimited();
    let mut table = CsvTable::open(input, &allowance, &mut Notes::default())?;
    let place = |path| {
        let is_it = |title: &String| {
            parse_known_column(title)
                .is_some_and(|known| known.sheet == 0 && SHEETS[0].columns[known.column].path == path)
        };
        table.header().iter().position(is_it)
    };
    let Some(reference) = place(REFERENCE_PATH) else {
        return Ok(());
    };
    let (identifier, name) = (
        place("leadOrganisation/identifier"),
        place("leadOrganisation/name"),
    );
    while let Some((row, cells)) = table.next_row()? {
        let Ok(cells) = cells else { continue };
        let text = |place: usize| formula_escape::unescape(cells[place].to_owned());
        let (identifier, name) = (identifier.map(text), name.map(text));
        let reference = RecordReference {
            row,
            text: &text(reference),
            lead_identifier: identifier.as_deref(),
            lead_name: name.as_deref(),
        };
        if each(reference).is_break() {
            break;
        }
    }
    Ok(())
}

/// The columns of a table of records.
struct RecordColumns {
    /// What each is called: by its title, or else by its letter.
    names: Vec<String>,
    known: Vec<Option<KnownColumn>>,
    /// Whether each says what was wrong when the rows were sent before.
    is_ignored: Vec<bool>,
    absent: Arc<AbsentColumns>,
    titles: Arc<ColumnTitles>,
}

impl RecordColumns {
    fn from_titles(titles: &[String]) -> Result<Self, FileError> {
        let known: Vec<_> = titles.iter().map(|title| parse_known_column(title)).collect();
        let paths = known.iter().flatten().filter(|known| known.sheet == 0);
        let mut paths = paths.map(|known| SHEETS[0].columns[known.column].path);
        if !paths.any(|path| [REFERENCE_PATH, "title"].contains(&path)) {
            return Err(FileError::NotRecordTable);
        }
        let mut seen = BTreeSet::new();
        let mut stated: BTreeMap<(usize, usize), BTreeSet<usize>> = BTreeMap::new();
        let mut named = ColumnTitles::new();
        for (title, known) in titles.iter().zip(&known) {
            let Some(known) = known else { continue };
            if !seen.insert((known.sheet, known.position, known.column)) {
                return Err(FileError::RepeatedColumn("the file".into(), title.clone()));
            }
            let item = (known.sheet, known.item_index());
            stated.entry(item).or_default().insert(known.column);
            let sheet = &SHEETS[known.sheet];
            let field = sheet.columns[known.column].dotted_path();
            let key =
                item_prefix(sheet, known.position).map_or(field.clone(), |item| format!("{item}.{field}"));
            named.insert(key, title.clone());
        }
        let name = |(place, title): (u32, &String)| match title.as_str() {
            "" => untitled_column_name(place),
            title => title.to_owned(),
        };
        let is_passed_over = |title: &String| fold_header(title) == fold_header(CORRECTIONS_COLUMN);
        Ok(Self {
            names: (0..).zip(titles).map(name).collect(),
            known,
            is_ignored: titles.iter().map(is_passed_over).collect(),
            absent: Arc::new(AbsentColumns::from_table(&stated)),
            titles: Arc::new(named),
        })
    }

    /// Whether a row shows how the table is filled in.
    fn is_example(&self, cells: &[&str]) -> bool {
        let is_reference =
            |known: &KnownColumn| known.sheet == 0 && SHEETS[0].columns[known.column].path == REFERENCE_PATH;
        let mut columns = self.known.iter().zip(cells);
        columns.any(|(known, cell)| {
            known.as_ref().is_some_and(is_reference) && cell.eq_ignore_ascii_case(EXAMPLE)
        })
    }

    /// The cells of a row that hold something and of which the column is not known.
    fn unread_cells<'a>(&self, cells: &[&'a str]) -> Vec<(usize, &'a str)> {
        let cells = cells.iter().copied().enumerate();
        let is_unread = |place: usize| self.known[place].is_none() && !self.is_ignored[place];
        cells
            .filter(|(place, text)| is_unread(*place) && !text.is_empty())
            .collect()
    }

    /// A cell from which nothing is read.
    fn new_unread_cell(&self, line: u64, place: usize, text: &str, reason: &str) -> UnreadCell {
        let beyond = || u32::try_from(place).map_or_else(|_| String::new(), untitled_column_name);
        UnreadCell {
            position: CellPosition {
                column: Some(self.names.get(place).cloned().unwrap_or_else(beyond)),
                ..CellPosition::row(line)
            },
            text: text.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// A row that cannot be read, with what its cells hold.
    fn new_stray(&self, line: u64, refusals: Vec<RowProblem>, held: &[String]) -> StrayRow {
        let refusal = refusals.into_iter().next();
        let (field, reason) = refusal.map(|one| (one.field, one.reason)).unwrap_or_default();
        let at = CellPosition {
            column: Some(field).filter(|field| !field.is_empty()),
            ..CellPosition::row(line)
        };
        let held = held.iter().enumerate().filter(|(_, text)| !text.is_empty());
        let unread = held
            .map(|(place, text)| self.new_unread_cell(line, place, text, &reason))
            .collect();
        StrayRow {
            unread,
            ..StrayRow::new(at, ProblemCode::InvalidFormat, reason)
        }
    }
}

/// Reads records and hands each to `each`.
pub(super) fn read_records(
    input: impl Read + Seek,
    limits: &FileLimits,
    kept: UnreadCells,
    notes: &mut Notes,
    each: &mut dyn FnMut(FileItem) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let allowance = ByteAllowance::unlimited();
    let mut table = CsvTable::open(input, &allowance, notes)?;
    let sign = table.decimal_sign();
    let columns = RecordColumns::from_titles(table.header())?;
    let mut unknown = BTreeSet::new();
    let mut left = limits.rows;
    while let Some((line, row)) = table.next_row()? {
        let Some(less) = left.checked_sub(1) else {
            return Err(FileError::TooManyRows(limits.rows));
        };
        left = less;
        let item = match row {
            Err(refusals) => {
                let held = match kept {
                    UnreadCells::Keep => table.last_cells(),
                    UnreadCells::Skip => Vec::new(),
                };
                FileItem::Stray(columns.new_stray(line, refusals, &held))
            }
            Ok(cells) if columns.is_example(&cells) => continue,
            Ok(cells) => {
                let unread = columns.unread_cells(&cells);
                unknown.extend(unread.iter().map(|(place, _)| *place));
                let unread = unread.into_iter().filter(|_| kept == UnreadCells::Keep);
                let unread = unread
                    .map(|(place, text)| columns.new_unread_cell(line, place, text, UNKNOWN_COLUMN_REASON))
                    .collect();
                match build_record(line, &columns, &cells, sign) {
                    Some(record) => FileItem::Record(FileRecord { unread, ..record }),
                    None => FileItem::Unread(unread),
                }
            }
        };
        if each(item).is_break() {
            return Ok(());
        }
    }
    for place in unknown {
        let at = CellPosition {
            column: Some(columns.names[place].clone()),
            ..CellPosition::row(1)
        };
        let stray = StrayRow::for_unknown_column_or_sheet(at, UNKNOWN_COLUMN_REASON);
        if each(FileItem::Stray(stray)).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// What the columns of an item of a list begin with; none for the record itself.
fn item_prefix(sheet: &Sheet, position: usize) -> Option<String> {
    sheet.list.map(|list| format!("{list}.{position}"))
}

/// The record of a row; none where no column that is known holds anything.
fn build_record(line: u64, columns: &RecordColumns, cells: &[&str], sign: DecimalSign) -> Option<FileRecord> {
    let mut record = FileRecord {
        position: CellPosition::row(line),
        document: json!({}),
        titles: Arc::clone(&columns.titles),
        ..FileRecord::default()
    };
    // By list and position, the cells that hold something.
    let mut parts: BTreeMap<(usize, usize), Vec<(usize, usize)>> = BTreeMap::from([((0, 0), Vec::new())]);
    for (place, known) in columns.known.iter().enumerate() {
        if let Some(known) = known
            && !cells[place].is_empty()
        {
            parts
                .entry((known.sheet, known.position))
                .or_default()
                .push((place, known.column));
        }
    }
    if parts.values().all(Vec::is_empty) {
        return None;
    }
    let mut unstated = OmittedFields::new(Arc::clone(&columns.absent));
    for ((sheet, position), held) in parts {
        let sheet = &SHEETS[sheet];
        if let Some(list) = sheet.list {
            unstated.add_position(list, position.saturating_sub(1));
        }
        let mut part = match item_prefix(sheet, position) {
            None => PartBuilder::for_record(&mut record, sheet),
            Some(item) => {
                let at = CellPosition {
                    column: Some(item),
                    ..CellPosition::row(line)
                };
                PartBuilder::for_item(&mut record, sheet, at)
            }
        }
        .with_decimal_sign(sign);
        for (place, column) in held {
            let at = CellPosition {
                column: Some(columns.names[place].clone()),
                ..CellPosition::row(line)
            };
            part.set_cell(
                &sheet.columns[column],
                RawValue::Text(cells[place].to_owned()),
                at,
            );
        }
        part.finish();
    }
    record.omitted = Some(unstated);
    Some(record)
}
