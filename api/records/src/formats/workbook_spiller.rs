//! Reads the sheets of a workbook of records once and writes their rows to a temporary file.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::ops::ControlFlow;

use super::FileError;
use super::file_record::CellPosition;
use super::records::{FileLimits, UnreadCells};
use super::rows_on_disk::{CellContent, RowSpillWriter, SpillOffset, SpilledRow};
use super::spreadsheet::{
    MAX_MERGED_RANGES, MergedRange, WorkbookReader, for_each_row, name_untitled_column,
};
use super::workbook_records::SpilledWorkbook;
use crate::fields::column::{
    CORRECTIONS_COLUMN, EXAMPLE, GUIDANCE, LISTS, RECORD, REFERENCE, REFERENCE_PATH, UNREAD,
};
use crate::normalisation;
use crate::workbook::columns::{SHEETS, Sheet, fold_header};
use crate::workbook::formula_escape;
use crate::workbook::parse_cell::RawValue;

/// The column of a merged cell that hides the reference of a row, which is not in the table of columns.
pub(super) const MERGED_REFERENCE: u16 = u16::MAX;

/// A row in the temporary file.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpilledRowRef {
    /// The index of the sheet: in [`SHEETS`], and after those, among the unknown sheets.
    pub(super) sheet: usize,
    pub(super) row: u32,
    pub(super) offset: SpillOffset,
    /// The hash of the number of the record.
    pub(super) record: Option<u64>,
    /// The hash of the reference.
    pub(super) reference: Option<u64>,
}

/// A row of a list.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChildRow {
    /// The hash of the number of the record, or else of the folded reference.
    pub(super) key: u64,
    pub(super) has_record: bool,
    pub(super) spilled: SpilledRowRef,
    pub(super) is_assigned: bool,
}

/// The reference of a record, as hashes.
#[derive(Clone, Copy, Debug)]
pub(super) struct KnownReference {
    /// Of the reference with its case and white space folded.
    pub(super) folded_hash: u64,
    pub(super) exact_hash: u64,
    /// Of the letters and digits of the reference.
    pub(super) similar_hash: u64,
    pub(super) row: u32,
    pub(super) offset: SpillOffset,
}

/// Folds the case and the white space of a reference.
pub(super) fn fold_reference(reference: &str) -> String {
    let words: Vec<_> = reference.split_whitespace().collect();
    words.join(" ").to_lowercase()
}

pub(super) fn hash_key(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// The header of a sheet.
#[derive(Debug, Default)]
pub(super) struct SheetHeader {
    record: Option<u32>,
    reference: Option<u32>,
    corrections: Option<u32>,
    /// The known columns: the index in the table of columns for each position in the sheet.
    pub(super) columns: BTreeMap<u32, u16>,
    /// The titles of unknown columns, and whether a cell of the column has content.
    pub(super) unknown: BTreeMap<u32, (String, bool)>,
    pub(super) row: u32,
}

/// A sheet of the file.
#[derive(Debug, Default)]
pub(super) struct SheetInput {
    pub(super) name: String,
    pub(super) header: Option<SheetHeader>,
    /// The titles in the file, by the index in the table of columns.
    pub(super) titles: BTreeMap<u16, String>,
    pub(super) reference_title: String,
}

/// What is known of the rows in the temporary file.
#[derive(Debug, Default)]
pub(super) struct WorkbookIndex {
    pub(super) sheets: [SheetInput; SHEETS.len()],
    /// In the order of the rows.
    pub(super) records: Vec<SpilledRowRef>,
    /// In the order of the keys.
    pub(super) children: Vec<ChildRow>,
    /// In the order of the folded and the exact hashes.
    pub(super) references: Vec<KnownReference>,
    /// Rows without content in known columns.
    pub(super) unassigned: Vec<SpilledRowRef>,
    /// The names of sheets that are not known and have content.
    pub(super) unknown_sheets: Vec<String>,
}

/// Writes the rows of a workbook to a temporary file.
pub(super) fn spill_workbook(
    workbook: &mut dyn WorkbookReader,
    limits: &FileLimits,
    unread: UnreadCells,
) -> Result<SpilledWorkbook, FileError> {
    let mut spiller = WorkbookSpiller {
        limits,
        unread_cells: unread,
        rows: 0,
        writer: RowSpillWriter::new()?,
        index: WorkbookIndex::default(),
    };
    for name in workbook.sheet_names() {
        match Sheet::find(&name) {
            Some(index) if spiller.index.sheets[index].name.is_empty() => {
                spiller.spill_sheet(workbook, index, name)?;
            }
            None if is_output_only_sheet(&name) => {}
            _ => spiller.spill_unknown_sheet(workbook, name)?,
        }
    }
    if spiller.index.sheets[0].header.is_none() {
        return Err(FileError::NoSheet(SHEETS[0].name));
    }
    spiller.finish()
}

/// Returns whether a sheet is one that Wayin writes and does not read.
fn is_output_only_sheet(name: &str) -> bool {
    let name = fold_header(name);
    let unread = name.strip_prefix(fold_header(UNREAD).as_str());
    [GUIDANCE, LISTS].iter().any(|known| fold_header(known) == name)
        || unread.is_some_and(|number| number.chars().all(|digit| digit.is_ascii_digit()))
}

struct WorkbookSpiller<'a> {
    limits: &'a FileLimits,
    unread_cells: UnreadCells,
    rows: u64,
    writer: RowSpillWriter,
    index: WorkbookIndex,
}

impl WorkbookSpiller<'_> {
    /// Adds a sheet that is not known, if it has content, and its cells, if they are wanted.
    fn spill_unknown_sheet(
        &mut self,
        workbook: &mut dyn WorkbookReader,
        name: String,
    ) -> Result<(), FileError> {
        let sheet = SHEETS.len() + self.index.unknown_sheets.len();
        let mut is_empty = true;
        let read = for_each_row(workbook, &name, &mut |row, cells| {
            is_empty = false;
            if self.unread_cells == UnreadCells::Skip {
                return Ok(ControlFlow::Break(()));
            }
            let unread = cells.into_iter().map(|(column, raw)| (column, raw.to_text()));
            self.spill_unassigned(sheet, row, unread.collect())?;
            Ok(ControlFlow::Continue(()))
        });
        match read {
            // The rest of the sheet is not worth an error.
            Err(FileError::LongRow { .. }) => is_empty = false,
            other => other?,
        }
        if !is_empty {
            self.index.unknown_sheets.push(name);
        }
        Ok(())
    }

    /// Writes cells that are not read and belong to no record.
    fn spill_unassigned(
        &mut self,
        sheet: usize,
        row: u32,
        unread: Vec<(u32, String)>,
    ) -> Result<(), FileError> {
        if !unread.is_empty() {
            let cells = SpilledRow {
                unread,
                ..SpilledRow::default()
            };
            let spilled = self.write_row(sheet, row, &cells)?;
            self.index.unassigned.push(spilled);
        }
        Ok(())
    }

    fn write_row(&mut self, sheet: usize, row: u32, cells: &SpilledRow) -> Result<SpilledRowRef, FileError> {
        Ok(SpilledRowRef {
            sheet,
            row,
            offset: self.writer.write(cells)?,
            record: cells.record.as_deref().map(hash_key),
            reference: cells.reference.as_deref().map(hash_key),
        })
    }

    fn spill_sheet(
        &mut self,
        workbook: &mut dyn WorkbookReader,
        index: usize,
        name: String,
    ) -> Result<(), FileError> {
        let mut merged = workbook.merged_ranges(&name)?;
        if merged.len() > MAX_MERGED_RANGES {
            return Err(FileError::TooManyMerged(name));
        }
        merged.sort_unstable_by_key(|merged| merged.first);
        self.index.sheets[index].name.clone_from(&name);
        for_each_row(workbook, &name, &mut |row, cells| {
            let sheet = &mut self.index.sheets[index];
            if sheet.header.is_none() {
                sheet.parse_header(index, row, cells)?;
            } else {
                self.spill_row(index, row, cells, &mut merged)?;
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    fn spill_row(
        &mut self,
        sheet: usize,
        row: u32,
        cells: Vec<(u32, RawValue)>,
        merged: &mut Vec<MergedRange>,
    ) -> Result<(), FileError> {
        let Some(header) = &mut self.index.sheets[sheet].header else {
            return Ok(());
        };
        let mut parsed = header.parse_row(cells, self.unread_cells);
        if parsed.cells.is_empty() && parsed.reference.is_none() && parsed.record.is_none() {
            return self.spill_unassigned(sheet, row, parsed.unread);
        }
        let reference = parsed.reference.as_deref();
        if parsed.record.is_none() && reference.is_some_and(|text| text.eq_ignore_ascii_case(EXAMPLE)) {
            return Ok(());
        }
        self.rows += 1;
        if self.rows > self.limits.rows {
            return Err(FileError::TooManyRows(self.limits.rows));
        }
        merged.retain(|merged| merged.last.0 >= row);
        header.add_merged(row, merged, &mut parsed);
        let spilled = self.write_row(sheet, row, &parsed)?;
        let reference = parsed.reference.as_deref();
        let folded_hash = reference.map(|reference| hash_key(&fold_reference(reference)));
        if sheet > 0 {
            self.index.children.push(ChildRow {
                key: spilled.record.or(folded_hash).unwrap_or(0),
                has_record: parsed.record.is_some(),
                spilled,
                is_assigned: false,
            });
            return Ok(());
        }
        self.index.records.push(spilled);
        if let (Some(reference), Some(folded_hash), Some(exact_hash)) =
            (reference, folded_hash, spilled.reference)
        {
            self.index.references.push(KnownReference {
                folded_hash,
                exact_hash,
                similar_hash: hash_key(&fold_header(reference)),
                row,
                offset: spilled.offset,
            });
        }
        Ok(())
    }

    fn finish(mut self) -> Result<SpilledWorkbook, FileError> {
        self.index.records.sort_by_key(|record| record.row);
        self.index
            .children
            .sort_by_key(|child| (child.key, child.spilled.sheet, child.spilled.row));
        self.index
            .references
            .sort_unstable_by_key(|known| (known.folded_hash, known.exact_hash, known.row));
        Ok(SpilledWorkbook {
            reader: self.writer.finish()?,
            index: self.index,
            similar: None,
        })
    }
}

impl SheetInput {
    fn parse_header(&mut self, index: usize, row: u32, cells: Vec<(u32, RawValue)>) -> Result<(), FileError> {
        let mut header = SheetHeader {
            row,
            ..SheetHeader::default()
        };
        for (position, raw) in cells {
            let title = raw.to_text().trim().to_owned();
            let folded = fold_header(&title);
            let mut is_repeated = false;
            if folded == fold_header(CORRECTIONS_COLUMN) {
                header.corrections = Some(position);
            } else if folded == fold_header(RECORD) {
                is_repeated = header.record.replace(position).is_some();
            } else {
                let is_reference = [REFERENCE, REFERENCE_PATH]
                    .iter()
                    .any(|name| fold_header(name) == folded);
                if is_reference {
                    is_repeated = header.reference.replace(position).is_some();
                    self.reference_title.clone_from(&title);
                }
                let column = SHEETS[index].find_column(&title);
                if let Some(column) = column.and_then(|column| u16::try_from(column).ok()) {
                    is_repeated |= header.columns.values().any(|other| *other == column);
                    header.columns.insert(position, column);
                    self.titles.insert(column, title.clone());
                } else if !is_reference {
                    header.unknown.insert(position, (title.clone(), false));
                }
            }
            if is_repeated {
                let sheet = format!("the sheet \"{}\"", self.name);
                return Err(FileError::RepeatedColumn(sheet, title));
            }
        }
        if header.reference.is_none() && header.record.is_none() {
            return Err(FileError::NoColumn(self.name.clone(), REFERENCE));
        }
        self.header = Some(header);
        Ok(())
    }

    pub(super) fn cell_position(&self, row: u32, column: Option<&str>) -> CellPosition {
        let position = CellPosition::row(u64::from(row) + 1).in_sheet(&self.name);
        match column {
            Some(title) => position.in_column(title),
            None => position,
        }
    }
}

impl SheetHeader {
    fn parse_row(&mut self, cells: Vec<(u32, RawValue)>, unread: UnreadCells) -> SpilledRow {
        let mut row = SpilledRow::default();
        for (position, raw) in cells {
            if self.record == Some(position) {
                row.record = Some(raw.to_text().trim().to_owned());
                continue;
            }
            if self.reference == Some(position) {
                let reference = formula_escape::unescape(raw.to_text());
                row.reference = Some(normalisation::normalise_prose(&reference).into_owned());
            }
            if let Some(column) = self.columns.get(&position) {
                row.cells.push((*column, CellContent::Cell(raw)));
            } else if ![self.reference, self.corrections].contains(&Some(position)) {
                let untitled = || (name_untitled_column(position), false);
                self.unknown.entry(position).or_insert_with(untitled).1 = true;
                if unread == UnreadCells::Keep {
                    row.unread.push((position, raw.to_text()));
                }
            }
        }
        row
    }

    /// Adds the cells that are empty because they are part of a merged range. The ranges are in order of their first
    /// cells.
    fn add_merged(&self, row: u32, merged: &[MergedRange], parsed: &mut SpilledRow) {
        for range in merged.iter().take_while(|range| range.first.0 <= row) {
            let columns = range.first.1..=range.last.1.max(range.first.1);
            let is_hidden = |position: u32| range.first != (row, position);
            for (position, column) in self.columns.range(columns.clone()) {
                if is_hidden(*position) && !parsed.cells.iter().any(|(given, _)| given == column) {
                    parsed.cells.push((*column, CellContent::Merged(range.first.0)));
                }
            }
            if let Some(position) = self.reference.filter(|position| columns.contains(position))
                && parsed.reference.is_none()
                && is_hidden(position)
            {
                parsed
                    .cells
                    .push((MERGED_REFERENCE, CellContent::Merged(range.first.0)));
            }
        }
    }
}
