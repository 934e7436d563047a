//! Records out of a workbook of several sheets, whose rows may stand in any order and far
//! from the record that they belong to.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::json;

use super::file_record::{CellPosition, ColumnTitles, FileItem, FileRecord, StrayItem, StrayRow, UnreadCell};
use super::record_builder::{PartBuilder, is_reference_column};
use super::records::{FileLimits, UnreadCells};
use super::references::{RecordReference, ReferenceCallback, RepeatedReferences};
use super::row_spill::{CellContent, RowSpillReader, RowSpillWriter, SpillOffset, SpilledRow};
use super::{FileError, MAX_ROW_BYTES};
use crate::fields::column::{
    CORRECTIONS_COLUMN, EXAMPLE, GUIDANCE, LISTS, RECORD, REFERENCE, REFERENCE_PATH, UNREAD,
};
use crate::normalisation;
use crate::omitted::{AbsentColumns, OmittedFields};
use crate::problem::{Problem, ProblemCode};
use crate::text::quote;
use crate::workbook::columns::{SHEETS, Sheet, fold_header};
use crate::workbook::formula_escape;
use crate::workbook::parse_cell::RawValue;

/// Where a cell stands: its row and column, counted from 0.
pub(super) type CellCoordinates = (u32, u32);

/// Cells that are merged into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct MergedRange {
    /// The first row and column.
    pub(super) first: CellCoordinates,
    /// The last row and column.
    pub(super) last: CellCoordinates,
}

/// What is done with each cell that holds something.
pub(super) type CellCallback<'a> =
    dyn FnMut(CellCoordinates, RawValue) -> Result<ControlFlow<()>, FileError> + 'a;

/// A workbook that can be gone through sheet by sheet.
pub(super) trait WorkbookReader {
    /// The names of its sheets, in its order.
    fn sheet_names(&self) -> Vec<String>;
    /// The merged cells of a sheet.
    fn merged_ranges(&mut self, sheet: &str) -> Result<Vec<MergedRange>, FileError>;
    /// Goes through the cells of a sheet, row by row.
    fn for_each_cell(&mut self, sheet: &str, each: &mut CellCallback<'_>) -> Result<(), FileError>;
}

/// Why nothing is read from a sheet or a column.
const UNKNOWN_SHEET_REASON: &str = "is not a sheet that is known, and nothing in it was read";
pub(super) const UNKNOWN_COLUMN_REASON: &str = "is not a column that is known, and nothing in it was read";

/// Merged cells past this number cannot be gone by row for row.
pub(super) const MAX_MERGED_RANGES: usize = 10_000;

/// A row that is set aside.
#[derive(Clone, Copy, Debug)]
struct SpilledRowRef {
    sheet: usize,
    row: u32,
    offset: SpillOffset,
    record: Option<u64>,
    reference: Option<u64>,
}

/// A row of a list, by what its record is told by.
#[derive(Clone, Copy, Debug)]
struct ChildRow {
    /// The hash of the number of its record, or else of the reference without regard to case.
    key: u64,
    by_record: bool,
    spilled: SpilledRowRef,
    is_assigned: bool,
}

/// The reference of a record, as hashes.
#[derive(Clone, Copy, Debug)]
struct KnownReference {
    /// Without regard to case and blank space.
    loose_hash: u64,
    /// As it is written.
    exact_hash: u64,
    row: u32,
    offset: SpillOffset,
}

/// A row outside the records and lists, which is kept to be handed back.
#[derive(Clone, Copy, Debug)]
struct UnassignedRow {
    /// The sheet among the five, or past them that among the sheets that are not known.
    sheet: usize,
    row: u32,
    offset: SpillOffset,
}

/// A reference without regard to case and to how much blank space is in it.
fn normalise_reference(reference: &str) -> String {
    let words: Vec<_> = reference.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

fn hash_key(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// The first row of a sheet.
#[derive(Debug, Default)]
struct SheetHeader {
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
struct SheetInput {
    /// What the file calls it.
    name: String,
    header: Option<SheetHeader>,
    /// What it calls its columns, by their place in the table of columns.
    titles: BTreeMap<u16, String>,
    reference_title: String,
}

/// Sets the rows of a workbook aside.
pub(super) fn spill_workbook(
    workbook: &mut dyn WorkbookReader,
    limits: &FileLimits,
    unread: UnreadCells,
) -> Result<SpilledWorkbook, FileError> {
    let mut gathering = WorkbookSpiller::new(limits, unread)?;
    for name in workbook.sheet_names() {
        match Sheet::find(&name) {
            Some(at) if gathering.sheets[at].name.is_empty() => gathering.spill_sheet(workbook, at, name)?,
            None if is_output_only_sheet(&name) => {}
            _ => gathering.spill_unknown_sheet(workbook, name)?,
        }
    }
    if gathering.sheets[0].header.is_none() {
        return Err(FileError::NoSheet(SHEETS[0].name));
    }
    gathering.finish()
}

/// Whether a sheet is one that Wayin writes and does not read.
fn is_output_only_sheet(name: &str) -> bool {
    let name = fold_header(name);
    let unread = name.strip_prefix(fold_header(UNREAD).as_str());
    [GUIDANCE, LISTS].iter().any(|known| fold_header(known) == name)
        || unread.is_some_and(|number| number.chars().all(|digit| digit.is_ascii_digit()))
}

/// The rows of a workbook, on their way into the spool.
struct WorkbookSpiller<'a> {
    limits: &'a FileLimits,
    remaining_rows: u64,
    writer: RowSpillWriter,
    sheets: [SheetInput; 5],
    records: Vec<SpilledRowRef>,
    children: Vec<ChildRow>,
    references: Vec<KnownReference>,
    unread: UnreadCells,
    unassigned: Vec<UnassignedRow>,
    /// The sheets that are not known and hold something.
    unknown_sheets: Vec<String>,
}

impl<'a> WorkbookSpiller<'a> {
    fn new(limits: &'a FileLimits, unread: UnreadCells) -> Result<Self, FileError> {
        Ok(Self {
            limits,
            remaining_rows: limits.rows,
            writer: RowSpillWriter::new()?,
            sheets: Default::default(),
            records: Vec::new(),
            children: Vec::new(),
            references: Vec::new(),
            unread,
            unassigned: Vec::new(),
            unknown_sheets: Vec::new(),
        })
    }

    /// Notes a sheet that is not known where it holds something, and keeps its cells where they are asked for.
    fn spill_unknown_sheet(
        &mut self,
        workbook: &mut dyn WorkbookReader,
        name: String,
    ) -> Result<(), FileError> {
        let (mut is_empty, mut number, mut size) = (true, 0, 0);
        let mut row = SpilledRow::default();
        let sheet = SHEETS.len() + self.unknown_sheets.len();
        workbook.for_each_cell(&name, &mut |(at, column), raw| {
            if raw.is_blank() {
                return Ok(ControlFlow::Continue(()));
            }
            is_empty = false;
            if self.unread == UnreadCells::Skip {
                return Ok(ControlFlow::Break(()));
            }
            if at != number {
                self.spill_unassigned(sheet, number, std::mem::take(&mut row))?;
                (number, size) = (at, 0);
            }
            size += raw.size_in_bytes();
            if size > MAX_ROW_BYTES {
                return Ok(ControlFlow::Break(()));
            }
            row.unread.push((column, raw.to_text()));
            Ok(ControlFlow::Continue(()))
        })?;
        self.spill_unassigned(sheet, number, row)?;
        if !is_empty {
            self.unknown_sheets.push(name);
        }
        Ok(())
    }

    fn spill_unassigned(&mut self, sheet: usize, row: u32, cells: SpilledRow) -> Result<(), FileError> {
        if !cells.unread.is_empty() {
            let place = self.writer.write(&cells)?;
            self.unassigned.push(UnassignedRow {
                sheet,
                row,
                offset: place,
            });
        }
        Ok(())
    }

    fn spill_sheet(
        &mut self,
        workbook: &mut dyn WorkbookReader,
        at: usize,
        name: String,
    ) -> Result<(), FileError> {
        let mut merged = workbook.merged_ranges(&name)?;
        if merged.len() > MAX_MERGED_RANGES {
            return Err(FileError::TooManyMerged(name));
        }
        merged.sort_unstable_by_key(|merged| merged.first);
        self.sheets[at].name.clone_from(&name);
        let mut row = RowBuffer {
            at,
            number: 0,
            cells: Vec::new(),
            size: 0,
            merged,
        };
        workbook.for_each_cell(&name, &mut |(number, column), raw| {
            if number != row.number {
                self.spill_row(&mut row)?;
                row.number = number;
                row.size = 0;
            }
            if !raw.is_blank() {
                row.size += raw.size_in_bytes();
                if row.size > MAX_ROW_BYTES {
                    return Err(FileError::LongRow {
                        sheet: name.clone(),
                        row: u64::from(number) + 1,
                    });
                }
                row.cells.push((column, raw));
            }
            Ok(ControlFlow::Continue(()))
        })?;
        self.spill_row(&mut row)
    }

    fn spill_row(&mut self, row: &mut RowBuffer) -> Result<(), FileError> {
        let cells = std::mem::take(&mut row.cells);
        if cells.is_empty() {
            return Ok(());
        }
        let read = &mut self.sheets[row.at];
        let Some(header) = &mut read.header else {
            read.parse_header(row.at, row.number, cells)?;
            return Ok(());
        };
        let mut kept = SpilledRow::default();
        for (column, raw) in cells {
            if header.record == Some(column) {
                kept.record = Some(raw.to_text().trim().to_owned());
                continue;
            }
            if header.reference == Some(column) {
                let reference = formula_escape::unescape(raw.to_text());
                kept.reference = Some(normalisation::normalise_prose(&reference).into_owned());
            }
            if let Some(known) = header.columns.get(&column) {
                kept.cells.push((*known, CellContent::Cell(raw)));
            } else if header.reference != Some(column) && header.corrections != Some(column) {
                let untitled = || (untitled_column_name(column), false);
                header.unknown.entry(column).or_insert_with(untitled).1 = true;
                if self.unread == UnreadCells::Keep {
                    kept.unread.push((column, raw.to_text()));
                }
            }
        }
        if kept.cells.is_empty() && kept.reference.is_none() && kept.record.is_none() {
            return self.spill_unassigned(row.at, row.number, kept);
        }
        let is_example = kept.record.is_none()
            && kept
                .reference
                .as_deref()
                .is_some_and(|reference| reference.eq_ignore_ascii_case(EXAMPLE));
        if is_example {
            return Ok(());
        }
        let Some(left) = self.remaining_rows.checked_sub(1) else {
            return Err(FileError::TooManyRows(self.limits.rows));
        };
        self.remaining_rows = left;
        row.add_merged(header, &mut kept);
        let kept_at = SpilledRowRef {
            sheet: row.at,
            row: row.number,
            offset: self.writer.write(&kept)?,
            record: kept.record.as_deref().map(hash_key),
            reference: kept.reference.as_deref().map(hash_key),
        };
        let alike = kept
            .reference
            .as_deref()
            .map(|reference| hash_key(&normalise_reference(reference)));
        if row.at == 0 {
            self.records.push(kept_at);
            if let (Some(alike), Some(exact)) = (alike, kept_at.reference) {
                let (row, place) = (kept_at.row, kept_at.offset);
                self.references.push(KnownReference {
                    loose_hash: alike,
                    exact_hash: exact,
                    row,
                    offset: place,
                });
            }
        } else {
            self.children.push(ChildRow {
                key: kept_at.record.or(alike).unwrap_or(0),
                by_record: kept.record.is_some(),
                spilled: kept_at,
                is_assigned: false,
            });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<SpilledWorkbook, FileError> {
        self.records.sort_by_key(|kept| kept.row);
        self.children
            .sort_by_key(|child| (child.key, child.spilled.sheet, child.spilled.row));
        self.references
            .sort_unstable_by_key(|known| (known.loose_hash, known.exact_hash, known.row));
        Ok(SpilledWorkbook {
            reader: self.writer.finish()?,
            sheets: self.sheets,
            records: self.records,
            children: self.children,
            references: self.references,
            unassigned: self.unassigned,
            unknown_sheets: self.unknown_sheets,
            references_by_letters: None,
        })
    }
}

impl SheetInput {
    fn parse_header(&mut self, at: usize, row: u32, cells: Vec<(u32, RawValue)>) -> Result<(), FileError> {
        let sheet = &SHEETS[at];
        let mut header = SheetHeader {
            row,
            ..SheetHeader::default()
        };
        let repeated =
            |title: &str| FileError::RepeatedColumn(format!("the sheet \"{}\"", self.name), title.to_owned());
        for (place, raw) in cells {
            let title = raw.to_text().trim().to_owned();
            let named = fold_header(&title);
            if named == fold_header(CORRECTIONS_COLUMN) {
                header.corrections = Some(place);
                continue;
            }
            if named == fold_header(RECORD) {
                if header.record.replace(place).is_some() {
                    return Err(repeated(&title));
                }
                continue;
            }
            if named == fold_header(REFERENCE) || named == fold_header(REFERENCE_PATH) {
                if header.reference.replace(place).is_some() {
                    return Err(repeated(&title));
                }
                self.reference_title.clone_from(&title);
            }
            match sheet
                .find_column(&title)
                .and_then(|known| u16::try_from(known).ok())
            {
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

    fn cell_position(&self, row: u32, column: Option<&str>) -> CellPosition {
        CellPosition {
            sheet: Some(self.name.clone()),
            row: u64::from(row) + 1,
            column: column.map(ToOwned::to_owned),
        }
    }
}

/// The row that is being read.
struct RowBuffer {
    at: usize,
    number: u32,
    cells: Vec<(u32, RawValue)>,
    /// How much they hold, in bytes.
    size: usize,
    /// The merged cells of the sheet that may still be met, by where they begin.
    merged: Vec<MergedRange>,
}

impl RowBuffer {
    /// Notes the cells of a row that holds something that are empty for being part of merged ones.
    fn add_merged(&mut self, header: &SheetHeader, kept: &mut SpilledRow) {
        self.merged.retain(|merged| merged.last.0 >= self.number);
        for merged in &self.merged {
            if merged.first.0 > self.number {
                break;
            }
            let (first, last) = (merged.first.1, merged.last.1.max(merged.first.1));
            for (place, column) in header.columns.range(first..=last) {
                let is_first = merged.first == (self.number, *place);
                if !is_first && !kept.cells.iter().any(|(held, _)| held == column) {
                    kept.cells.push((*column, CellContent::Merged(merged.first.0)));
                }
            }
            if let Some(place) = header.reference.filter(|place| (first..=last).contains(place))
                && kept.reference.is_none()
                && merged.first != (self.number, place)
            {
                // No column of the table: told where the record is looked for.
                kept.cells.push((u16::MAX, CellContent::Merged(merged.first.0)));
            }
        }
    }
}

/// All rows of a workbook, set aside.
pub struct SpilledWorkbook {
    reader: RowSpillReader,
    sheets: [SheetInput; 5],
    records: Vec<SpilledRowRef>,
    children: Vec<ChildRow>,
    /// In the order of their hashes, and of the rows that share one.
    references: Vec<KnownReference>,
    unassigned: Vec<UnassignedRow>,
    /// The sheets that are not known and hold something.
    unknown_sheets: Vec<String>,
    /// The references by their letters and digits alone, once that was asked for.
    references_by_letters: Option<HashMap<u64, Vec<KnownReference>>>,
}

impl SpilledWorkbook {
    /// Hands the records to `each`, and then the rows that belong to none.
    pub(super) fn emit_records(
        mut self,
        repeated: &RepeatedReferences,
        each: &mut dyn FnMut(FileItem) -> ControlFlow<()>,
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
        let absent = Arc::new(AbsentColumns::from_sheets(&columns));
        let titles = Arc::new(self.titles());
        for kept in std::mem::take(&mut self.records) {
            let mut record = self.build_record(kept, repeated)?;
            record.omitted = Some(OmittedFields::new(Arc::clone(&absent)));
            record.titles = Arc::clone(&titles);
            if each(FileItem::Record(record)).is_break() {
                return Ok(());
            }
        }
        for stray in self.list_unknown_columns() {
            if each(FileItem::Stray(stray)).is_break() {
                return Ok(());
            }
        }
        let mut left: Vec<_> = self
            .children
            .iter()
            .filter(|child| !child.is_assigned)
            .copied()
            .collect();
        left.sort_by_key(|child| (child.spilled.sheet, child.spilled.row));
        for child in left {
            let stray = self.build_stray(child)?;
            if each(FileItem::Stray(stray)).is_break() {
                return Ok(());
            }
        }
        for UnassignedRow {
            sheet,
            row,
            offset: place,
        } in std::mem::take(&mut self.unassigned)
        {
            let held = self.reader.read(place)?;
            let cells = self.unread_cells(sheet, row, held.unread);
            if each(FileItem::Unread(cells)).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// What the sheets call their columns.
    fn titles(&self) -> ColumnTitles {
        let sheets = SHEETS.iter().zip(&self.sheets);
        let titles = sheets.flat_map(|(sheet, read)| {
            read.titles.iter().filter_map(|(column, title)| {
                let field = sheet.columns.get(usize::from(*column))?.dotted_path();
                let key = sheet.list.map_or(field.clone(), |list| format!("{list}.{field}"));
                Some((key, title.clone()))
            })
        });
        titles.collect()
    }

    /// The records whose references are the same without regard to case and blank space.
    fn find_similar_references(&self, alike: u64) -> &[KnownReference] {
        let from = self.references.partition_point(|known| known.loose_hash < alike);
        let to = self.references.partition_point(|known| known.loose_hash <= alike);
        &self.references[from..to]
    }

    /// The rows of the records that share a reference, the first of them first.
    fn rows_sharing_reference(&self, reference: &str) -> impl Iterator<Item = u32> {
        let exact = hash_key(reference);
        let alike = self
            .find_similar_references(hash_key(&normalise_reference(reference)))
            .iter();
        alike
            .filter(move |known| known.exact_hash == exact)
            .map(|known| known.row)
    }

    /// Cells of a row from which nothing is read.
    fn unread_cells(&self, sheet: usize, row: u32, cells: Vec<(u32, String)>) -> Vec<UnreadCell> {
        let read = self.sheets.get(sheet);
        let cell = |(column, text)| {
            let unknown = read.and_then(|read| read.header.as_ref()?.unknown.get(&column));
            let title = unknown.map_or_else(|| untitled_column_name(column), |(title, _)| title.clone());
            let name = read.map_or_else(|| &self.unknown_sheets[sheet - SHEETS.len()], |read| &read.name);
            UnreadCell {
                position: CellPosition {
                    sheet: Some(name.clone()),
                    row: u64::from(row) + 1,
                    column: Some(title),
                },
                text,
                reason: if read.is_some() {
                    UNKNOWN_COLUMN_REASON
                } else {
                    UNKNOWN_SHEET_REASON
                }
                .to_owned(),
            }
        };
        cells.into_iter().map(cell).collect()
    }

    /// Hands the row, the reference and the lead organisation of each record that may share its reference to `each`.
    pub(super) fn for_each_reference(&mut self, each: &mut ReferenceCallback<'_>) -> Result<(), FileError> {
        let pairs = self.references.windows(2);
        let shared: HashSet<u64> = pairs
            .filter(|pair| pair[0].exact_hash == pair[1].exact_hash)
            .map(|pair| pair[0].exact_hash)
            .collect();
        for kept in self.records.clone() {
            if kept
                .reference
                .is_none_or(|reference| !shared.contains(&reference))
            {
                continue;
            }
            let row = self.reader.read(kept.offset)?;
            let text = |path| {
                let column = SHEETS[0].columns.iter().position(|column| column.path == path)?;
                let is_it = |(known, _): &&(u16, CellContent)| usize::from(*known) == column;
                match row.cells.iter().find(is_it) {
                    Some((_, CellContent::Cell(raw))) => Some(formula_escape::unescape(raw.to_text())),
                    _ => None,
                }
            };
            let (identifier, name) = (text("leadOrganisation/identifier"), text("leadOrganisation/name"));
            let reference = RecordReference {
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

    fn build_record(
        &mut self,
        kept: SpilledRowRef,
        repeated: &RepeatedReferences,
    ) -> Result<FileRecord, FileError> {
        let row = self.reader.read(kept.offset)?;
        let mut record = FileRecord {
            position: self.sheets[0].cell_position(kept.row, None),
            document: json!({}),
            ..FileRecord::default()
        };
        let mut part = PartBuilder::for_record(&mut record, &SHEETS[0]);
        self.fill_part(&mut part, 0, kept.row, row.cells);
        part.finish();
        record.unread = self.unread_cells(0, kept.row, row.unread);
        let own = self.take_children_of(kept, row.record.as_deref(), row.reference.as_deref(), repeated)?;
        for (kept, child) in own {
            let at = self.sheets[kept.sheet].cell_position(kept.row, None);
            let mut part = PartBuilder::for_item(&mut record, &SHEETS[kept.sheet], at);
            self.fill_part(&mut part, kept.sheet, kept.row, child.cells);
            part.finish();
            record
                .unread
                .extend(self.unread_cells(kept.sheet, kept.row, child.unread));
        }
        Ok(record)
    }

    /// Takes the rows of lists that name a record, by its number or its reference.
    fn take_children_of(
        &mut self,
        kept: SpilledRowRef,
        record: Option<&str>,
        reference: Option<&str>,
        repeated: &RepeatedReferences,
    ) -> Result<Vec<(SpilledRowRef, SpilledRow)>, FileError> {
        let mut own = Vec::new();
        if let (Some(key), Some(record)) = (kept.record, record) {
            self.take_children(key, true, &mut own, |row| row.record.as_deref() == Some(record))?;
        }
        if let Some(reference) = reference {
            // Where several have it, only what they are told apart by says whose a row is; where
            // nothing does, they are refused, and the first keeps the rows.
            let mut sharing = self.rows_sharing_reference(reference);
            let is_first = sharing.next() == Some(kept.row);
            let is_only = is_first && sharing.next().is_none();
            let is_its_own =
                is_only || (is_first && kept.record.is_none() && repeated.contains(u64::from(kept.row) + 1));
            drop(sharing);
            if is_its_own {
                let folded = normalise_reference(reference);
                let key = hash_key(&folded);
                let exact = hash_key(reference);
                let is_only_one_alike = self
                    .find_similar_references(key)
                    .iter()
                    .all(|known| known.exact_hash == exact);
                self.take_children(key, false, &mut own, |row| {
                    let named = row.reference.as_deref();
                    named == Some(reference)
                        || (is_only_one_alike
                            && named.is_some_and(|named| normalise_reference(named) == folded))
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
        own: &mut Vec<(SpilledRowRef, SpilledRow)>,
        is_its_own: impl Fn(&SpilledRow) -> bool,
    ) -> Result<(), FileError> {
        let from = self.children.partition_point(|child| child.key < key);
        let to = self.children.partition_point(|child| child.key <= key);
        for at in from..to {
            let ChildRow {
                spilled: kept,
                by_record: by,
                is_assigned: is_taken,
                ..
            } = self.children[at];
            if by != by_record || is_taken {
                continue;
            }
            let row = self.reader.read(kept.offset)?;
            if is_its_own(&row) {
                self.children[at].is_assigned = true;
                own.push((kept, row));
            }
        }
        Ok(())
    }

    fn fill_part(&self, part: &mut PartBuilder<'_>, sheet: usize, row: u32, cells: Vec<(u16, CellContent)>) {
        let read = &self.sheets[sheet];
        for (column, held) in cells {
            let Some(known) = SHEETS[sheet].columns.get(usize::from(column)) else {
                continue;
            };
            let at = read.cell_position(row, read.titles.get(&column).map(String::as_str));
            match held {
                CellContent::Cell(raw) if is_reference_column(known) => {
                    // The same text by which the rows of other sheets name the record.
                    let raw = match raw {
                        RawValue::Text(text) => RawValue::Text(text.trim().to_owned()),
                        other => other,
                    };
                    part.set_cell(known, raw, at);
                }
                CellContent::Cell(raw) => part.set_cell(known, raw, at),
                CellContent::Merged(from) => part.warn_merged_cell(known, from + 1, at),
            }
        }
    }

    /// Sheets and columns that nobody knows, and in which something stands.
    fn list_unknown_columns(&self) -> Vec<StrayRow> {
        let sheets = self.unknown_sheets.iter().map(|name| {
            let at = CellPosition {
                sheet: Some(name.clone()),
                row: 1,
                column: None,
            };
            StrayRow::for_unknown_column_or_sheet(at, UNKNOWN_SHEET_REASON)
        });
        let columns = self.sheets.iter().flat_map(|read| {
            let header = read.header.as_ref();
            let unknown = header.into_iter().flat_map(|header| {
                let used = header.unknown.values().filter(|(_, is_used)| *is_used);
                used.map(|(title, _)| (header.row, title))
            });
            unknown.map(|(row, title)| {
                StrayRow::for_unknown_column_or_sheet(
                    read.cell_position(row, Some(title)),
                    UNKNOWN_COLUMN_REASON,
                )
            })
        });
        sheets.chain(columns).collect()
    }

    /// A row that belongs to no record, with why.
    fn build_stray(&mut self, child: ChildRow) -> Result<StrayRow, FileError> {
        let SpilledRowRef {
            sheet, row: number, ..
        } = child.spilled;
        let row = self.reader.read(child.spilled.offset)?;
        let merged = row.cells.iter().find_map(|(column, held)| match held {
            CellContent::Merged(from) if *column == u16::MAX => Some(*from),
            _ => None,
        });
        let (code, reason) = match (&row.record, &row.reference, merged) {
            (Some(record), ..) => {
                let (first, record) = (SHEETS[0].name, quote(record));
                let reason = format!("no row of the sheet {first} has {record} in its column {RECORD}");
                (ProblemCode::NotFound, reason)
            }
            (None, Some(reference), _) => self.describe_unknown_reference(reference)?,
            (None, None, Some(from)) => {
                let reason = format!(
                    "is merged with the cell in row {}, and holds nothing itself; unmerge it, and write the reference \
                     in every row",
                    from + 1
                );
                (ProblemCode::Required, reason)
            }
            (None, None, None) => {
                let reason = "is needed, so that it is known which record the row belongs to";
                (ProblemCode::Required, reason.into())
            }
        };
        let read = &self.sheets[sheet];
        let column = match row.record {
            Some(_) => RECORD,
            None if read.reference_title.is_empty() => REFERENCE,
            None => &read.reference_title,
        };
        let at = read.cell_position(number, Some(column));
        let mut held = FileRecord::default();
        let mut part = PartBuilder::for_item(&mut held, &SHEETS[sheet], at.clone());
        self.fill_part(&mut part, sheet, number, row.cells);
        part.finish();
        let list = SHEETS[sheet].list.unwrap_or_default();
        let within = |finding: Problem| {
            let path = finding.path.strip_prefix(&format!("{list}/0/"));
            let path = path.unwrap_or_default().to_owned();
            Problem { path, ..finding }
        };
        Ok(StrayRow {
            item: Some(StrayItem {
                sheet,
                reference: row.reference,
                document: held.document[list][0].take(),
                problems: held.problems.into_iter().map(within).collect(),
            }),
            unread: self.unread_cells(sheet, number, row.unread),
            ..StrayRow::new(at, code, reason)
        })
    }

    /// Why no record has the reference of a row of a list, or not one alone.
    fn describe_unknown_reference(&mut self, reference: &str) -> Result<(ProblemCode, String), FileError> {
        let first = SHEETS[0].name;
        let shown = quote(reference);
        if self.rows_sharing_reference(reference).count() > 1 {
            let reason = format!(
                "several rows of the sheet {first} have the reference {shown}; say which is meant in the column {RECORD}"
            );
            return Ok((ProblemCode::Ambiguous, reason));
        }
        let mut likely = self
            .find_similar_references(hash_key(&normalise_reference(reference)))
            .to_vec();
        if likely.is_empty() {
            likely = self.find_likely_references(reference)?;
        }
        // A few are enough to choose from.
        likely.truncate(3);
        let mut names = Vec::new();
        for known in likely {
            names.extend(self.reader.read(known.offset)?.reference);
        }
        let names = names.iter().map(|name| quote(name)).collect::<Vec<_>>();
        let question = match names.as_slice() {
            [] => String::new(),
            names => format!("; did you mean {}?", names.join(" or ")),
        };
        let reason = format!("no row of the sheet {first} has the reference {shown}{question}");
        Ok((ProblemCode::NotFound, reason))
    }

    /// The records whose reference has the same letters and digits as one that none has.
    fn find_likely_references(&mut self, reference: &str) -> Result<Vec<KnownReference>, FileError> {
        let wanted = fold_header(reference);
        if self.references_by_letters.is_none() {
            let mut by_letters: HashMap<u64, Vec<KnownReference>> = HashMap::new();
            for known in &self.references {
                if let Some(reference) = self.reader.read(known.offset)?.reference {
                    by_letters
                        .entry(hash_key(&fold_header(&reference)))
                        .or_default()
                        .push(*known);
                }
            }
            self.references_by_letters = Some(by_letters);
        }
        let found = self
            .references_by_letters
            .as_ref()
            .and_then(|known| known.get(&hash_key(&wanted)));
        Ok(found.filter(|_| !wanted.is_empty()).cloned().unwrap_or_default())
    }
}

/// What a column without a title is called.
pub(super) fn untitled_column_name(column: u32) -> String {
    let letters = u16::try_from(column).map(rust_xlsxwriter::utility::column_number_to_name);
    letters.map_or_else(
        |_| format!("column {}", column + 1),
        |letters| format!("column {letters}"),
    )
}
