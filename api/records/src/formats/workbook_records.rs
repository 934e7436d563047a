//! Records out of a workbook of several sheets, whose rows may stand in any order and far
//! from the record that they belong to.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::json;

use super::file_record::{Cell, FileRecord, Item, Stray, StrayItem, Titles, UnreadCell};
use super::record_builder::{Part, is_reference};
use super::records::{Limits, Unread};
use super::references::{EachReference, Reference, RepeatedReferences};
use super::row_spill::{Held, Place, SheetRow, Spool, Writing};
use super::{FileError, LONGEST_ROW};
use crate::fields::column::{EXAMPLE, GUIDANCE, LISTS, RECORD, REFERENCE, REFERENCE_PATH, TO_MEND, UNREAD};
use crate::finding::{Finding, FindingCode};
use crate::spelling;
use crate::text::quoted;
use crate::unstated::{AbsentColumns, Unstated};
use crate::workbook::columns::{SHEETS, Sheet, folded};
use crate::workbook::formula_escape;
use crate::workbook::parse_cell::Raw;

/// Where a cell stands: its row and column, counted from 0.
pub(super) type Position = (u32, u32);

/// Cells that are merged into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Merged {
    /// The first row and column.
    pub(super) first: Position,
    /// The last row and column.
    pub(super) last: Position,
}

/// What is done with each cell that holds something.
pub(super) type EachCell<'a> = dyn FnMut(Position, Raw) -> Result<ControlFlow<()>, FileError> + 'a;

/// A workbook that can be gone through sheet by sheet.
pub(super) trait Workbook {
    /// The names of its sheets, in its order.
    fn sheets(&self) -> Vec<String>;
    /// The merged cells of a sheet.
    fn merged(&mut self, sheet: &str) -> Result<Vec<Merged>, FileError>;
    /// Goes through the cells of a sheet, row by row.
    fn walk(&mut self, sheet: &str, each: &mut EachCell<'_>) -> Result<(), FileError>;
}

/// Why nothing is read from a sheet or a column.
const UNKNOWN_SHEET: &str = "is not a sheet that is known, and nothing in it was read";
pub(super) const UNKNOWN_COLUMN: &str = "is not a column that is known, and nothing in it was read";

/// Merged cells past this number cannot be gone by row for row.
pub(super) const MOST_MERGED: usize = 10_000;

/// A row that is set aside.
#[derive(Clone, Copy, Debug)]
struct Kept {
    sheet: usize,
    row: u32,
    place: Place,
    record: Option<u64>,
    reference: Option<u64>,
}

/// A row of a list, by what its record is told by.
#[derive(Clone, Copy, Debug)]
struct Child {
    /// The hash of the number of its record, or else of the reference without regard to case.
    key: u64,
    by_record: bool,
    kept: Kept,
    is_taken: bool,
}

/// The reference of a record, as hashes.
#[derive(Clone, Copy, Debug)]
struct Known {
    /// Without regard to case and blank space.
    alike: u64,
    /// As it is written.
    exact: u64,
    row: u32,
    place: Place,
}

/// A row outside the records and lists, which is kept to be handed back.
#[derive(Clone, Copy, Debug)]
struct Loose {
    /// The sheet among the five, or past them that among the sheets that are not known.
    sheet: usize,
    row: u32,
    place: Place,
}

/// A reference without regard to case and to how much blank space is in it.
fn without_case(reference: &str) -> String {
    let words: Vec<_> = reference.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

fn hash(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// The first row of a sheet.
#[derive(Debug, Default)]
struct Header {
    record: Option<u32>,
    reference: Option<u32>,
    /// The columns that are known, by where they stand.
    columns: BTreeMap<u32, u16>,
    /// Those that are not, and whether anything stands in them.
    unknown: BTreeMap<u32, (String, bool)>,
    /// What was wrong with the rows when they were sent before.
    corrections: Option<u32>,
    row: u32,
}

/// A sheet of the file.
#[derive(Debug, Default)]
struct Read {
    /// What the file calls it.
    name: String,
    header: Option<Header>,
    /// What it calls its columns, by their place in the table of columns.
    titles: BTreeMap<u16, String>,
    reference_title: String,
}

/// Sets the rows of a workbook aside.
pub(super) fn gather(
    workbook: &mut dyn Workbook,
    limits: &Limits,
    unread: Unread,
) -> Result<Gathered, FileError> {
    let mut gathering = Gathering::new(limits, unread)?;
    for name in workbook.sheets() {
        match Sheet::named(&name) {
            Some(at) if gathering.sheets[at].name.is_empty() => gathering.sheet(workbook, at, name)?,
            None if is_for_reading_alone(&name) => {}
            _ => gathering.unknown_sheet(workbook, name)?,
        }
    }
    if gathering.sheets[0].header.is_none() {
        return Err(FileError::NoSheet(SHEETS[0].name));
    }
    gathering.finish()
}

/// Whether a sheet is one that Wayin writes and does not read.
fn is_for_reading_alone(name: &str) -> bool {
    let name = folded(name);
    let unread = name.strip_prefix(folded(UNREAD).as_str());
    [GUIDANCE, LISTS].iter().any(|known| folded(known) == name)
        || unread.is_some_and(|number| number.chars().all(|digit| digit.is_ascii_digit()))
}

/// The rows of a workbook, on their way into the spool.
struct Gathering<'a> {
    limits: &'a Limits,
    left: u64,
    writing: Writing,
    sheets: [Read; 5],
    records: Vec<Kept>,
    children: Vec<Child>,
    references: Vec<Known>,
    unread: Unread,
    loose: Vec<Loose>,
    /// The sheets that are not known and hold something.
    unknown: Vec<String>,
}

impl<'a> Gathering<'a> {
    fn new(limits: &'a Limits, unread: Unread) -> Result<Self, FileError> {
        Ok(Self {
            limits,
            left: limits.rows,
            writing: Writing::new()?,
            sheets: Default::default(),
            records: Vec::new(),
            children: Vec::new(),
            references: Vec::new(),
            unread,
            loose: Vec::new(),
            unknown: Vec::new(),
        })
    }

    /// Notes a sheet that is not known where it holds something, and keeps its cells where they are asked for.
    fn unknown_sheet(&mut self, workbook: &mut dyn Workbook, name: String) -> Result<(), FileError> {
        let (mut is_empty, mut number, mut size) = (true, 0, 0);
        let mut row = SheetRow::default();
        let sheet = SHEETS.len() + self.unknown.len();
        workbook.walk(&name, &mut |(at, column), raw| {
            if raw.is_blank() {
                return Ok(ControlFlow::Continue(()));
            }
            is_empty = false;
            if self.unread == Unread::Skip {
                return Ok(ControlFlow::Break(()));
            }
            if at != number {
                self.put_loose(sheet, number, std::mem::take(&mut row))?;
                (number, size) = (at, 0);
            }
            size += raw.size();
            if size > LONGEST_ROW {
                return Ok(ControlFlow::Break(()));
            }
            row.unread.push((column, raw.text()));
            Ok(ControlFlow::Continue(()))
        })?;
        self.put_loose(sheet, number, row)?;
        if !is_empty {
            self.unknown.push(name);
        }
        Ok(())
    }

    fn put_loose(&mut self, sheet: usize, row: u32, cells: SheetRow) -> Result<(), FileError> {
        if !cells.unread.is_empty() {
            let place = self.writing.put(&cells)?;
            self.loose.push(Loose { sheet, row, place });
        }
        Ok(())
    }

    fn sheet(&mut self, workbook: &mut dyn Workbook, at: usize, name: String) -> Result<(), FileError> {
        let mut merged = workbook.merged(&name)?;
        if merged.len() > MOST_MERGED {
            return Err(FileError::TooManyMerged(name));
        }
        merged.sort_unstable_by_key(|merged| merged.first);
        self.sheets[at].name.clone_from(&name);
        let mut row = Row {
            at,
            number: 0,
            cells: Vec::new(),
            size: 0,
            merged,
        };
        workbook.walk(&name, &mut |(number, column), raw| {
            if number != row.number {
                self.row(&mut row)?;
                row.number = number;
                row.size = 0;
            }
            if !raw.is_blank() {
                row.size += raw.size();
                if row.size > LONGEST_ROW {
                    return Err(FileError::LongRow {
                        sheet: name.clone(),
                        row: u64::from(number) + 1,
                    });
                }
                row.cells.push((column, raw));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.row(&mut row)
    }

    fn row(&mut self, row: &mut Row) -> Result<(), FileError> {
        let cells = std::mem::take(&mut row.cells);
        if cells.is_empty() {
            return Ok(());
        }
        let read = &mut self.sheets[row.at];
        let Some(header) = &mut read.header else {
            read.header(row.at, row.number, cells)?;
            return Ok(());
        };
        let mut kept = SheetRow::default();
        for (column, raw) in cells {
            if header.record == Some(column) {
                kept.record = Some(raw.text().trim().to_owned());
                continue;
            }
            if header.reference == Some(column) {
                let reference = formula_escape::undo(raw.text());
                kept.reference = Some(spelling::prose(&reference).into_owned());
            }
            if let Some(known) = header.columns.get(&column) {
                kept.cells.push((*known, Held::Cell(raw)));
            } else if header.reference != Some(column) && header.corrections != Some(column) {
                let untitled = || (column_name(column), false);
                header.unknown.entry(column).or_insert_with(untitled).1 = true;
                if self.unread == Unread::Keep {
                    kept.unread.push((column, raw.text()));
                }
            }
        }
        if kept.cells.is_empty() && kept.reference.is_none() && kept.record.is_none() {
            return self.put_loose(row.at, row.number, kept);
        }
        let is_example = kept.record.is_none()
            && kept
                .reference
                .as_deref()
                .is_some_and(|reference| reference.eq_ignore_ascii_case(EXAMPLE));
        if is_example {
            return Ok(());
        }
        let Some(left) = self.left.checked_sub(1) else {
            return Err(FileError::TooManyRows(self.limits.rows));
        };
        self.left = left;
        row.add_merged(header, &mut kept);
        let kept_at = Kept {
            sheet: row.at,
            row: row.number,
            place: self.writing.put(&kept)?,
            record: kept.record.as_deref().map(hash),
            reference: kept.reference.as_deref().map(hash),
        };
        let alike = kept
            .reference
            .as_deref()
            .map(|reference| hash(&without_case(reference)));
        if row.at == 0 {
            self.records.push(kept_at);
            if let (Some(alike), Some(exact)) = (alike, kept_at.reference) {
                let (row, place) = (kept_at.row, kept_at.place);
                self.references.push(Known {
                    alike,
                    exact,
                    row,
                    place,
                });
            }
        } else {
            self.children.push(Child {
                key: kept_at.record.or(alike).unwrap_or(0),
                by_record: kept.record.is_some(),
                kept: kept_at,
                is_taken: false,
            });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<Gathered, FileError> {
        self.records.sort_by_key(|kept| kept.row);
        self.children
            .sort_by_key(|child| (child.key, child.kept.sheet, child.kept.row));
        self.references
            .sort_unstable_by_key(|known| (known.alike, known.exact, known.row));
        Ok(Gathered {
            spool: self.writing.finish()?,
            sheets: self.sheets,
            records: self.records,
            children: self.children,
            references: self.references,
            loose: self.loose,
            unknown: self.unknown,
            by_letters: None,
        })
    }
}

impl Read {
    fn header(&mut self, at: usize, row: u32, cells: Vec<(u32, Raw)>) -> Result<(), FileError> {
        let sheet = &SHEETS[at];
        let mut header = Header {
            row,
            ..Header::default()
        };
        let repeated =
            |title: &str| FileError::RepeatedColumn(format!("the sheet \"{}\"", self.name), title.to_owned());
        for (place, raw) in cells {
            let title = raw.text().trim().to_owned();
            let named = folded(&title);
            if named == folded(TO_MEND) {
                header.corrections = Some(place);
                continue;
            }
            if named == folded(RECORD) {
                if header.record.replace(place).is_some() {
                    return Err(repeated(&title));
                }
                continue;
            }
            if named == folded(REFERENCE) || named == folded(REFERENCE_PATH) {
                if header.reference.replace(place).is_some() {
                    return Err(repeated(&title));
                }
                self.reference_title.clone_from(&title);
            }
            match sheet.column(&title).and_then(|known| u16::try_from(known).ok()) {
                Some(known) => {
                    if header.columns.values().any(|other| *other == known) {
                        return Err(repeated(&title));
                    }
                    header.columns.insert(place, known);
                    self.titles.insert(known, title);
                }
                None if header.reference == Some(place) => {}
                None => {
                    header.unknown.insert(place, (title, false));
                }
            }
        }
        if header.reference.is_none() && header.record.is_none() {
            return Err(FileError::NoColumn(self.name.clone(), REFERENCE));
        }
        self.header = Some(header);
        Ok(())
    }

    fn cell(&self, row: u32, column: Option<&str>) -> Cell {
        Cell {
            sheet: Some(self.name.clone()),
            row: u64::from(row) + 1,
            column: column.map(ToOwned::to_owned),
        }
    }
}

/// The row that is being read.
struct Row {
    at: usize,
    number: u32,
    cells: Vec<(u32, Raw)>,
    /// How much they hold, in bytes.
    size: usize,
    /// The merged cells of the sheet that may still be met, by where they begin.
    merged: Vec<Merged>,
}

impl Row {
    /// Notes the cells of a row that holds something that are empty for being part of merged ones.
    fn add_merged(&mut self, header: &Header, kept: &mut SheetRow) {
        self.merged.retain(|merged| merged.last.0 >= self.number);
        for merged in &self.merged {
            if merged.first.0 > self.number {
                break;
            }
            let (first, last) = (merged.first.1, merged.last.1.max(merged.first.1));
            for (place, column) in header.columns.range(first..=last) {
                let is_first = merged.first == (self.number, *place);
                if !is_first && !kept.cells.iter().any(|(held, _)| held == column) {
                    kept.cells.push((*column, Held::Merged(merged.first.0)));
                }
            }
            if let Some(place) = header.reference.filter(|place| (first..=last).contains(place))
                && kept.reference.is_none()
                && merged.first != (self.number, place)
            {
                // No column of the table: told where the record is looked for.
                kept.cells.push((u16::MAX, Held::Merged(merged.first.0)));
            }
        }
    }
}

/// All rows of a workbook, set aside.
pub struct Gathered {
    spool: Spool,
    sheets: [Read; 5],
    records: Vec<Kept>,
    children: Vec<Child>,
    /// In the order of their hashes, and of the rows that share one.
    references: Vec<Known>,
    loose: Vec<Loose>,
    /// The sheets that are not known and hold something.
    unknown: Vec<String>,
    /// The references by their letters and digits alone, once that was asked for.
    by_letters: Option<HashMap<u64, Vec<Known>>>,
}

impl Gathered {
    /// Hands the records to `each`, and then the rows that belong to none.
    pub(super) fn hand_over(
        mut self,
        repeated: &RepeatedReferences,
        each: &mut dyn FnMut(Item) -> ControlFlow<()>,
    ) -> Result<(), FileError> {
        let columns = self.sheets.each_ref().map(|read| {
            let header = read.header.as_ref()?;
            Some(
                header
                    .columns
                    .values()
                    .map(|column| usize::from(*column))
                    .collect(),
            )
        });
        let absent = Arc::new(AbsentColumns::of_sheets(&columns));
        let titles = Arc::new(self.titles());
        for kept in std::mem::take(&mut self.records) {
            let mut record = self.record(kept, repeated)?;
            record.unstated = Some(Unstated::new(Arc::clone(&absent)));
            record.titles = Arc::clone(&titles);
            if each(Item::Record(record)).is_break() {
                return Ok(());
            }
        }
        for stray in self.unread() {
            if each(Item::Stray(stray)).is_break() {
                return Ok(());
            }
        }
        let mut left: Vec<_> = self
            .children
            .iter()
            .filter(|child| !child.is_taken)
            .copied()
            .collect();
        left.sort_by_key(|child| (child.kept.sheet, child.kept.row));
        for child in left {
            let stray = self.stray(child)?;
            if each(Item::Stray(stray)).is_break() {
                return Ok(());
            }
        }
        for Loose { sheet, row, place } in std::mem::take(&mut self.loose) {
            let held = self.spool.get(place)?;
            let cells = self.unread_cells(sheet, row, held.unread);
            if each(Item::Unread(cells)).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// What the sheets call their columns.
    fn titles(&self) -> Titles {
        let sheets = SHEETS.iter().zip(&self.sheets);
        let titles = sheets.flat_map(|(sheet, read)| {
            read.titles.iter().filter_map(|(column, title)| {
                let field = sheet.columns.get(usize::from(*column))?.dotted();
                let key = sheet.list.map_or(field.clone(), |list| format!("{list}.{field}"));
                Some((key, title.clone()))
            })
        });
        titles.collect()
    }

    /// The records whose references are the same without regard to case and blank space.
    fn alike(&self, alike: u64) -> &[Known] {
        let from = self.references.partition_point(|known| known.alike < alike);
        let to = self.references.partition_point(|known| known.alike <= alike);
        &self.references[from..to]
    }

    /// The rows of the records that share a reference, the first of them first.
    fn sharing(&self, reference: &str) -> impl Iterator<Item = u32> {
        let exact = hash(reference);
        let alike = self.alike(hash(&without_case(reference))).iter();
        alike
            .filter(move |known| known.exact == exact)
            .map(|known| known.row)
    }

    /// Cells of a row from which nothing is read.
    fn unread_cells(&self, sheet: usize, row: u32, cells: Vec<(u32, String)>) -> Vec<UnreadCell> {
        let read = self.sheets.get(sheet);
        let cell = |(column, text)| {
            let unknown = read.and_then(|read| read.header.as_ref()?.unknown.get(&column));
            let title = unknown.map_or_else(|| column_name(column), |(title, _)| title.clone());
            let name = read.map_or_else(|| &self.unknown[sheet - SHEETS.len()], |read| &read.name);
            UnreadCell {
                at: Cell {
                    sheet: Some(name.clone()),
                    row: u64::from(row) + 1,
                    column: Some(title),
                },
                text,
                reason: if read.is_some() {
                    UNKNOWN_COLUMN
                } else {
                    UNKNOWN_SHEET
                }
                .to_owned(),
            }
        };
        cells.into_iter().map(cell).collect()
    }

    /// Hands the row, the reference and the lead organisation of each record that may share its reference to `each`.
    pub(super) fn references(&mut self, each: &mut EachReference<'_>) -> Result<(), FileError> {
        let pairs = self.references.windows(2);
        let shared: HashSet<u64> = pairs
            .filter(|pair| pair[0].exact == pair[1].exact)
            .map(|pair| pair[0].exact)
            .collect();
        for kept in self.records.clone() {
            if kept
                .reference
                .is_none_or(|reference| !shared.contains(&reference))
            {
                continue;
            }
            let row = self.spool.get(kept.place)?;
            let text = |path| {
                let column = SHEETS[0].columns.iter().position(|column| column.path == path)?;
                let is_it = |(known, _): &&(u16, Held)| usize::from(*known) == column;
                match row.cells.iter().find(is_it) {
                    Some((_, Held::Cell(raw))) => Some(formula_escape::undo(raw.text())),
                    _ => None,
                }
            };
            let (identifier, name) = (text("leadOrganisation/identifier"), text("leadOrganisation/name"));
            let reference = Reference {
                row: u64::from(kept.row) + 1,
                text: row.reference.as_deref().unwrap_or_default(),
                lead_identifier: identifier.as_deref(),
                lead_name: name.as_deref(),
            };
            if each(reference).is_break() {
                break;
            }
        }
        Ok(())
    }

    fn record(&mut self, kept: Kept, repeated: &RepeatedReferences) -> Result<FileRecord, FileError> {
        let row = self.spool.get(kept.place)?;
        let mut record = FileRecord {
            at: self.sheets[0].cell(kept.row, None),
            document: json!({}),
            ..FileRecord::default()
        };
        let mut part = Part::record(&mut record, &SHEETS[0]);
        self.fill(&mut part, 0, kept.row, row.cells);
        part.finish();
        record.unread = self.unread_cells(0, kept.row, row.unread);
        let own = self.children_of(kept, row.record.as_deref(), row.reference.as_deref(), repeated)?;
        for (kept, child) in own {
            let at = self.sheets[kept.sheet].cell(kept.row, None);
            let mut part = Part::item(&mut record, &SHEETS[kept.sheet], at);
            self.fill(&mut part, kept.sheet, kept.row, child.cells);
            part.finish();
            record
                .unread
                .extend(self.unread_cells(kept.sheet, kept.row, child.unread));
        }
        Ok(record)
    }

    /// Takes the rows of lists that name a record, by its number or its reference.
    fn children_of(
        &mut self,
        kept: Kept,
        record: Option<&str>,
        reference: Option<&str>,
        repeated: &RepeatedReferences,
    ) -> Result<Vec<(Kept, SheetRow)>, FileError> {
        let mut own = Vec::new();
        if let (Some(key), Some(record)) = (kept.record, record) {
            self.take_children(key, true, &mut own, |row| row.record.as_deref() == Some(record))?;
        }
        if let Some(reference) = reference {
            // Where several have it, only what they are told apart by says whose a row is; where
            // nothing does, they are refused, and the first keeps the rows.
            let mut sharing = self.sharing(reference);
            let is_first = sharing.next() == Some(kept.row);
            let is_only = is_first && sharing.next().is_none();
            let is_its_own =
                is_only || (is_first && kept.record.is_none() && repeated.contains(u64::from(kept.row) + 1));
            drop(sharing);
            if is_its_own {
                let folded = without_case(reference);
                let key = hash(&folded);
                let exact = hash(reference);
                let is_only_one_alike = self.alike(key).iter().all(|known| known.exact == exact);
                self.take_children(key, false, &mut own, |row| {
                    let named = row.reference.as_deref();
                    named == Some(reference)
                        || (is_only_one_alike && named.is_some_and(|named| without_case(named) == folded))
                })?;
            }
        }
        own.sort_by_key(|(kept, _)| (kept.sheet, kept.row));
        Ok(own)
    }

    fn take_children(
        &mut self,
        key: u64,
        by_record: bool,
        own: &mut Vec<(Kept, SheetRow)>,
        is_its_own: impl Fn(&SheetRow) -> bool,
    ) -> Result<(), FileError> {
        let from = self.children.partition_point(|child| child.key < key);
        let to = self.children.partition_point(|child| child.key <= key);
        for at in from..to {
            let Child {
                kept,
                by_record: by,
                is_taken,
                ..
            } = self.children[at];
            if by != by_record || is_taken {
                continue;
            }
            let row = self.spool.get(kept.place)?;
            if is_its_own(&row) {
                self.children[at].is_taken = true;
                own.push((kept, row));
            }
        }
        Ok(())
    }

    fn fill(&self, part: &mut Part<'_>, sheet: usize, row: u32, cells: Vec<(u16, Held)>) {
        let read = &self.sheets[sheet];
        for (column, held) in cells {
            let Some(known) = SHEETS[sheet].columns.get(usize::from(column)) else {
                continue;
            };
            let at = read.cell(row, read.titles.get(&column).map(String::as_str));
            match held {
                Held::Cell(raw) if is_reference(known) => {
                    // The same text by which the rows of other sheets name the record.
                    let raw = match raw {
                        Raw::Text(text) => Raw::Text(text.trim().to_owned()),
                        other => other,
                    };
                    part.put(known, raw, at);
                }
                Held::Cell(raw) => part.put(known, raw, at),
                Held::Merged(from) => part.merged(known, from + 1, at),
            }
        }
    }

    /// Sheets and columns that nobody knows, and in which something stands.
    fn unread(&self) -> Vec<Stray> {
        let sheets = self.unknown.iter().map(|name| {
            let at = Cell {
                sheet: Some(name.clone()),
                row: 1,
                column: None,
            };
            Stray::unknown(at, UNKNOWN_SHEET)
        });
        let columns = self.sheets.iter().flat_map(|read| {
            let header = read.header.as_ref();
            let unknown = header.into_iter().flat_map(|header| {
                let used = header.unknown.values().filter(|(_, is_used)| *is_used);
                used.map(|(title, _)| (header.row, title))
            });
            unknown.map(|(row, title)| Stray::unknown(read.cell(row, Some(title)), UNKNOWN_COLUMN))
        });
        sheets.chain(columns).collect()
    }

    /// A row that belongs to no record, with why.
    fn stray(&mut self, child: Child) -> Result<Stray, FileError> {
        let Kept {
            sheet, row: number, ..
        } = child.kept;
        let row = self.spool.get(child.kept.place)?;
        let merged = row.cells.iter().find_map(|(column, held)| match held {
            Held::Merged(from) if *column == u16::MAX => Some(*from),
            _ => None,
        });
        let (code, reason) = match (&row.record, &row.reference, merged) {
            (Some(record), ..) => {
                let (first, record) = (SHEETS[0].name, quoted(record));
                let reason = format!("no row of the sheet {first} has {record} in its column {RECORD}");
                (FindingCode::NotFound, reason)
            }
            (None, Some(reference), _) => self.no_such_reference(reference)?,
            (None, None, Some(from)) => {
                let reason = format!(
                    "is merged with the cell in row {}, and holds nothing itself; unmerge it, and write the reference \
                     in every row",
                    from + 1
                );
                (FindingCode::Required, reason)
            }
            (None, None, None) => {
                let reason = "is needed, so that it is known which record the row belongs to";
                (FindingCode::Required, reason.into())
            }
        };
        let read = &self.sheets[sheet];
        let column = match row.record {
            Some(_) => RECORD,
            None if read.reference_title.is_empty() => REFERENCE,
            None => &read.reference_title,
        };
        let at = read.cell(number, Some(column));
        let mut held = FileRecord::default();
        let mut part = Part::item(&mut held, &SHEETS[sheet], at.clone());
        self.fill(&mut part, sheet, number, row.cells);
        part.finish();
        let list = SHEETS[sheet].list.unwrap_or_default();
        let within = |finding: Finding| {
            let path = finding.path.strip_prefix(&format!("{list}/0/"));
            let path = path.unwrap_or_default().to_owned();
            Finding { path, ..finding }
        };
        Ok(Stray {
            item: Some(StrayItem {
                sheet,
                reference: row.reference,
                document: held.document[list][0].take(),
                findings: held.findings.into_iter().map(within).collect(),
            }),
            unread: self.unread_cells(sheet, number, row.unread),
            ..Stray::new(at, code, reason)
        })
    }

    /// Why no record has the reference of a row of a list, or not one alone.
    fn no_such_reference(&mut self, reference: &str) -> Result<(FindingCode, String), FileError> {
        let first = SHEETS[0].name;
        let shown = quoted(reference);
        if self.sharing(reference).count() > 1 {
            let reason = format!(
                "several rows of the sheet {first} have the reference {shown}; say which is meant in the column {RECORD}"
            );
            return Ok((FindingCode::Ambiguous, reason));
        }
        let mut likely = self.alike(hash(&without_case(reference))).to_vec();
        if likely.is_empty() {
            likely = self.likely(reference)?;
        }
        // A few are enough to choose from.
        likely.truncate(3);
        let mut names = Vec::new();
        for known in likely {
            names.extend(self.spool.get(known.place)?.reference);
        }
        let names = names.iter().map(|name| quoted(name)).collect::<Vec<_>>();
        let question = match names.as_slice() {
            [] => String::new(),
            names => format!("; did you mean {}?", names.join(" or ")),
        };
        let reason = format!("no row of the sheet {first} has the reference {shown}{question}");
        Ok((FindingCode::NotFound, reason))
    }

    /// The records whose reference has the same letters and digits as one that none has.
    fn likely(&mut self, reference: &str) -> Result<Vec<Known>, FileError> {
        let wanted = folded(reference);
        if self.by_letters.is_none() {
            let mut by_letters: HashMap<u64, Vec<Known>> = HashMap::new();
            for known in &self.references {
                if let Some(reference) = self.spool.get(known.place)?.reference {
                    by_letters
                        .entry(hash(&folded(&reference)))
                        .or_default()
                        .push(*known);
                }
            }
            self.by_letters = Some(by_letters);
        }
        let found = self
            .by_letters
            .as_ref()
            .and_then(|known| known.get(&hash(&wanted)));
        Ok(found.filter(|_| !wanted.is_empty()).cloned().unwrap_or_default())
    }
}

/// What a column without a title is called.
pub(super) fn column_name(column: u32) -> String {
    let letters = u16::try_from(column).map(rust_xlsxwriter::utility::column_number_to_name);
    letters.map_or_else(
        |_| format!("column {}", column + 1),
        |letters| format!("column {letters}"),
    )
}
