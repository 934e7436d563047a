//! Reads records from a table: a row for each record and a column for each field. The title of a column of a list has the
//! position of the item: `fundingTerms.1.durationMonths`.

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
use super::spreadsheet::name_untitled_column;
use super::stream::ByteAllowance;
use super::workbook_records::UNKNOWN_COLUMN_REASON;
use super::{FileError, Notes, RowProblem};
use crate::fields::column::{CORRECTIONS_COLUMN, EXAMPLE, REFERENCE_PATH};
use crate::money::DecimalSign;
use crate::omitted::{AbsentColumns, OmittedFields};
use crate::problem::ProblemCode;
use crate::workbook::columns::{SHEETS, Sheet, fold_header};
use crate::workbook::formula_escape;
use crate::workbook::parse_cell::RawValue;

/// The largest position of an item in a title.
const MAX_LIST_POSITION: usize = 1_000;

/// A column of the file: the indexes of the sheet and the column in [`SHEETS`], and the index of the item in its list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct KnownColumn {
    sheet: usize,
    item: usize,
    column: usize,
}

impl KnownColumn {
    fn path(self) -> &'static str {
        SHEETS[self.sheet].columns[self.column].path
    }
}

fn parse_known_column(title: &str) -> Option<KnownColumn> {
    let root = SHEETS[0].find_column(title).map(|column| KnownColumn {
        sheet: 0,
        item: 0,
        column,
    });
    let in_a_list = || {
        let mut steps = title.splitn(3, ['.', '/']);
        let sheet = Sheet::find(steps.next()?).filter(|sheet| *sheet > 0)?;
        let position: usize = steps.next()?.trim().parse().ok()?;
        let column = SHEETS[sheet].find_column(steps.next()?)?;
        let item = position
            .checked_sub(1)
            .filter(|_| position <= MAX_LIST_POSITION)?;
        Some(KnownColumn { sheet, item, column })
    };
    root.or_else(in_a_list)
}

/// Calls `each` with the row, the reference and the lead organisation of each row.
pub(super) fn read_references(
    input: impl Read + Seek,
    each: &mut ReferenceCallback<'_>,
) -> Result<(), FileError> {
    let allowance = ByteAllowance::unlimited();
    let mut table = CsvTable::open(input, &allowance, &mut Notes::default())?;
    let known: Vec<_> = table
        .header()
        .iter()
        .map(|title| parse_known_column(title))
        .collect();
    let place = |path| {
        let is_it = |known: &KnownColumn| known.sheet == 0 && known.path() == path;
        known.iter().position(|known| known.as_ref().is_some_and(is_it))
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
    /// The title of each, or its letter if it has no title.
    names: Vec<String>,
    known: Vec<Option<KnownColumn>>,
    /// Whether each is the column of corrections.
    is_ignored: Vec<bool>,
    absent: Arc<AbsentColumns>,
    titles: Arc<ColumnTitles>,
}

impl RecordColumns {
    fn from_titles(titles: &[String]) -> Result<Self, FileError> {
        let known: Vec<_> = titles.iter().map(|title| parse_known_column(title)).collect();
        let mut paths = known.iter().flatten().filter(|known| known.sheet == 0);
        if !paths.any(|known| [REFERENCE_PATH, "title"].contains(&known.path())) {
            return Err(FileError::NotRecordTable);
        }
        let mut seen = BTreeSet::new();
        let mut stated: BTreeMap<(usize, usize), BTreeSet<usize>> = BTreeMap::new();
        let mut named = ColumnTitles::new();
        for (title, known) in titles.iter().zip(&known) {
            let Some(known) = known else { continue };
            if !seen.insert(known) {
                return Err(FileError::RepeatedColumn("the file".into(), title.clone()));
            }
            let item = (known.sheet, known.item);
            stated.entry(item).or_default().insert(known.column);
            let sheet = &SHEETS[known.sheet];
            let field = sheet.columns[known.column].dotted_path();
            let key =
                format_item_prefix(sheet, known.item).map_or(field.clone(), |item| format!("{item}.{field}"));
            named.insert(key, title.clone());
        }
        let name = |(place, title): (u32, &String)| match title.as_str() {
            "" => name_untitled_column(place),
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

    /// Returns whether a row is an example of the template.
    fn is_example(&self, cells: &[&str]) -> bool {
        let is_reference = |known: &KnownColumn| known.sheet == 0 && known.path() == REFERENCE_PATH;
        let mut columns = self.known.iter().zip(cells);
        columns.any(|(known, cell)| {
            known.as_ref().is_some_and(is_reference) && cell.eq_ignore_ascii_case(EXAMPLE)
        })
    }

    /// Lists the cells of a row with content whose columns are not known.
    fn unread_cells<'a>(&self, cells: &[&'a str]) -> Vec<(usize, &'a str)> {
        let cells = cells.iter().copied().enumerate();
        let is_unread = |place: usize| self.known[place].is_none() && !self.is_ignored[place];
        cells
            .filter(|(place, text)| is_unread(*place) && !text.is_empty())
            .collect()
    }

    /// Creates a cell that is not read.
    fn new_unread_cell(&self, line: u64, place: usize, text: &str, reason: &str) -> UnreadCell {
        let beyond = || u32::try_from(place).map_or_else(|_| String::new(), name_untitled_column);
        UnreadCell {
            position: CellPosition::row(line)
                .in_column(self.names.get(place).cloned().unwrap_or_else(beyond)),
            text: text.to_owned(),
            reason: reason.to_owned(),
        }
    }

    /// Creates a row that cannot be read, with the content of its cells.
    fn new_stray(&self, line: u64, problems: Vec<RowProblem>, held: &[String]) -> StrayRow {
        let problem = problems.into_iter().next();
        let (field, reason) = problem.map(|one| (one.field, one.reason)).unwrap_or_default();
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

/// Reads the rows and calls `each` with their records.
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
    let mut rows = 0;
    while let Some((line, row)) = table.next_row()? {
        rows += 1;
        if rows > limits.rows {
            return Err(FileError::TooManyRows(limits.rows));
        }
        let item = match row {
            Err(problems) => {
                let held = match kept {
                    UnreadCells::Keep => table.last_cells(),
                    UnreadCells::Skip => Vec::new(),
                };
                FileItem::Stray(columns.new_stray(line, problems, &held))
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
        let at = CellPosition::row(1).in_column(columns.names[place].clone());
        let stray = StrayRow::for_unknown_column_or_sheet(at, UNKNOWN_COLUMN_REASON);
        if each(FileItem::Stray(stray)).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// Formats the beginning of the titles for an item. Returns `None` for the record itself.
fn format_item_prefix(sheet: &Sheet, item: usize) -> Option<String> {
    sheet.list.map(|list| format!("{list}.{}", item + 1))
}

/// Builds the record of a row. Returns `None` if no known column has content.
fn build_record(line: u64, columns: &RecordColumns, cells: &[&str], sign: DecimalSign) -> Option<FileRecord> {
    let mut record = FileRecord {
        position: CellPosition::row(line),
        document: json!({}),
        titles: Arc::clone(&columns.titles),
        ..FileRecord::default()
    };
    // The cells with content, by sheet and item.
    let mut parts: BTreeMap<(usize, usize), Vec<(usize, usize)>> = BTreeMap::from([((0, 0), Vec::new())]);
    for (place, known) in columns.known.iter().enumerate() {
        if let Some(known) = known
            && !cells[place].is_empty()
        {
            let part = parts.entry((known.sheet, known.item)).or_default();
            part.push((place, known.column));
        }
    }
    if parts.values().all(Vec::is_empty) {
        return None;
    }
    let mut unstated = OmittedFields::new(Arc::clone(&columns.absent));
    for ((sheet, item), held) in parts {
        let sheet = &SHEETS[sheet];
        if let Some(list) = sheet.list {
            unstated.add_position(list, item);
        }
        let at = |column: String| CellPosition::row(line).in_column(column);
        let part = match format_item_prefix(sheet, item) {
            None => PartBuilder::for_record(&mut record, sheet),
            Some(prefix) => PartBuilder::for_item(&mut record, sheet, at(prefix)),
        };
        let mut part = part.with_decimal_sign(sign);
        for (place, column) in held {
            let raw = RawValue::Text(cells[place].to_owned());
            part.set_cell(&sheet.columns[column], raw, at(columns.names[place].clone()));
        }
        part.finish();
    }
    record.omitted = Some(unstated);
    Some(record)
}
