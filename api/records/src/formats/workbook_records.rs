//! Puts records together from the rows of a workbook. The rows of a record may be in any order on several sheets.

use std::collections::HashSet;
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::json;

use super::FileError;
use super::file_record::{CellPosition, ColumnTitles, FileItem, FileRecord, StrayItem, StrayRow, UnreadCell};
use super::record_builder::{PartBuilder, is_reference_column};
use super::references::{RecordReference, ReferenceCallback, RepeatedReferences};
use super::rows_on_disk::{CellContent, RowSpillReader, SpillOffset, SpilledRow};
use super::spreadsheet::name_untitled_column;
use super::workbook_spiller::{
    ChildRow, KnownReference, MERGED_REFERENCE, SpilledRowRef, WorkbookIndex, fold_reference, hash_key,
};
use crate::fields::column::{RECORD, REFERENCE};
use crate::omitted::{AbsentColumns, OmittedFields};
use crate::problem::{Problem, ProblemCode};
use crate::text::quote;
use crate::workbook::columns::{SHEETS, fold_header};
use crate::workbook::formula_escape;
use crate::workbook::parse_cell::RawValue;

const UNKNOWN_SHEET_REASON: &str = "is not a sheet that is known, and nothing in it was read";
pub(super) const UNKNOWN_COLUMN_REASON: &str = "is not a column that is known, and nothing in it was read";

/// The maximum number of references that a message suggests.
const MAX_SUGGESTED_REFERENCES: usize = 3;

/// The rows of a workbook, in a temporary file.
pub struct SpilledWorkbook {
    pub(super) reader: RowSpillReader,
    pub(super) index: WorkbookIndex,
    /// The references in the order of their letters and digits. None until a row of a list has an unknown reference.
    pub(super) similar: Option<Vec<KnownReference>>,
}

/// The part of a sorted slice in which `hash` gives `wanted`.
fn find_range(
    references: &[KnownReference],
    wanted: u64,
    hash: impl Fn(&KnownReference) -> u64,
) -> &[KnownReference] {
    let start = references.partition_point(|known| hash(known) < wanted);
    let end = references.partition_point(|known| hash(known) <= wanted);
    &references[start..end]
}

impl SpilledWorkbook {
    /// Calls `each` with the records, and then with the rows that belong to none.
    pub(super) fn emit_records(
        mut self,
        repeated: &RepeatedReferences,
        each: &mut dyn FnMut(FileItem) -> ControlFlow<()>,
    ) -> Result<(), FileError> {
        let columns = self.index.sheets.each_ref().map(|sheet| {
            let columns = sheet.header.as_ref()?.columns.values();
            Some(columns.map(|column| usize::from(*column)).collect())
        });
        let absent = Arc::new(AbsentColumns::from_sheets(&columns));
        let titles = Arc::new(self.collect_titles());
        for spilled in std::mem::take(&mut self.index.records) {
            let mut record = self.build_record(spilled, repeated)?;
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
        let mut children = std::mem::take(&mut self.index.children);
        children.retain(|child| !child.is_assigned);
        children.sort_by_key(|child| (child.spilled.sheet, child.spilled.row));
        for child in children {
            let stray = self.build_stray(child.spilled)?;
            if each(FileItem::Stray(stray)).is_break() {
                return Ok(());
            }
        }
        for spilled in std::mem::take(&mut self.index.unassigned) {
            let row = self.reader.read(spilled.offset)?;
            let cells = self.list_unread_cells(spilled, row.unread);
            if each(FileItem::Unread(cells)).is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    fn collect_titles(&self) -> ColumnTitles {
        let sheets = SHEETS.iter().zip(&self.index.sheets);
        let titles = sheets.flat_map(|(sheet, input)| {
            input.titles.iter().filter_map(|(column, title)| {
                let field = sheet.columns.get(usize::from(*column))?.dotted_path();
                let key = sheet.list.map_or(field.clone(), |list| format!("{list}.{field}"));
                Some((key, title.clone()))
            })
        });
        titles.collect()
    }

    /// Lists the references that differ from one at most in case and white space.
    fn find_folded_references(&self, reference: &str) -> &[KnownReference] {
        let folded = hash_key(&fold_reference(reference));
        find_range(&self.index.references, folded, |known| known.folded_hash)
    }

    /// Lists the rows of the records with a reference, in order.
    fn rows_sharing_reference(&self, reference: &str) -> impl Iterator<Item = u32> {
        let folded = self.find_folded_references(reference);
        let sharing = find_range(folded, hash_key(reference), |known| known.exact_hash);
        sharing.iter().map(|known| known.row)
    }

    fn list_unread_cells(&self, spilled: SpilledRowRef, cells: Vec<(u32, String)>) -> Vec<UnreadCell> {
        let sheet = self.index.sheets.get(spilled.sheet);
        let name = || &self.index.unknown_sheets[spilled.sheet - SHEETS.len()];
        let cell = |(column, text)| {
            let unknown = sheet.and_then(|sheet| sheet.header.as_ref()?.unknown.get(&column));
            let title = unknown.map_or_else(|| name_untitled_column(column), |(title, _)| title.clone());
            let reason = sheet.map_or(UNKNOWN_SHEET_REASON, |_| UNKNOWN_COLUMN_REASON);
            let position = CellPosition::row(u64::from(spilled.row) + 1);
            UnreadCell {
                position: position
                    .in_sheet(sheet.map_or_else(name, |sheet| &sheet.name))
                    .in_column(title),
                text,
                reason: reason.to_owned(),
            }
        };
        cells.into_iter().map(cell).collect()
    }

    /// Calls `each` with the row, the reference and the lead organisation of each record that may share its reference.
    pub(super) fn for_each_reference(&mut self, each: &mut ReferenceCallback<'_>) -> Result<(), FileError> {
        let pairs = self.index.references.windows(2);
        let shared: HashSet<u64> = pairs
            .filter(|pair| pair[0].exact_hash == pair[1].exact_hash)
            .map(|pair| pair[0].exact_hash)
            .collect();
        for spilled in self.index.records.clone() {
            if spilled
                .reference
                .is_none_or(|reference| !shared.contains(&reference))
            {
                continue;
            }
            let row = self.reader.read(spilled.offset)?;
            let text = |path| {
                let column = SHEETS[0].columns.iter().position(|column| column.path == path)?;
                let mut cells = row.cells.iter();
                match cells.find(|(known, _)| usize::from(*known) == column)? {
                    (_, CellContent::Cell(raw)) => Some(formula_escape::unescape(raw.to_text())),
                    (_, CellContent::Merged(_)) => None,
                }
            };
            let (identifier, name) = (text("leadOrganisation/identifier"), text("leadOrganisation/name"));
            let reference = RecordReference {
                row: u64::from(spilled.row) + 1,
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
        spilled: SpilledRowRef,
        repeated: &RepeatedReferences,
    ) -> Result<FileRecord, FileError> {
        let row = self.reader.read(spilled.offset)?;
        let mut record = FileRecord {
            position: self.index.sheets[0].cell_position(spilled.row, None),
            document: json!({}),
            unread: self.list_unread_cells(spilled, row.unread),
            ..FileRecord::default()
        };
        self.fill_part(
            PartBuilder::for_record(&mut record, &SHEETS[0]),
            spilled,
            row.cells,
        );
        let children =
            self.take_children_of(spilled, row.record.as_deref(), row.reference.as_deref(), repeated)?;
        for (spilled, child) in children {
            let position = self.index.sheets[spilled.sheet].cell_position(spilled.row, None);
            let part = PartBuilder::for_item(&mut record, &SHEETS[spilled.sheet], position);
            self.fill_part(part, spilled, child.cells);
            record
                .unread
                .extend(self.list_unread_cells(spilled, child.unread));
        }
        Ok(record)
    }

    /// Takes the rows of lists that name a record by its number or its reference.
    fn take_children_of(
        &mut self,
        spilled: SpilledRowRef,
        record: Option<&str>,
        reference: Option<&str>,
        repeated: &RepeatedReferences,
    ) -> Result<Vec<(SpilledRowRef, SpilledRow)>, FileError> {
        let mut taken = Vec::new();
        if let (Some(key), Some(record)) = (spilled.record, record) {
            let is_child = |row: &SpilledRow| row.record.as_deref() == Some(record);
            self.take_children(key, &mut taken, |child| child.has_record, is_child)?;
        }
        if let Some(reference) = reference {
            // If several records have the reference, only the number says to which of them a row belongs. Records
            // without numbers are rejected, and the first of them has the rows.
            let mut sharing = self.rows_sharing_reference(reference);
            let is_first = sharing.next() == Some(spilled.row);
            let is_only = is_first && sharing.next().is_none();
            let is_rejected = spilled.record.is_none() && repeated.contains(u64::from(spilled.row) + 1);
            drop(sharing);
            if is_only || is_first && is_rejected {
                let folded = fold_reference(reference);
                let exact = hash_key(reference);
                // A row may write the reference differently, unless another reference differs only in that.
                let alike = self.find_folded_references(reference);
                let is_unique = alike.iter().all(|known| known.exact_hash == exact);
                let may_be_child = |child: &ChildRow| {
                    !child.has_record && (is_unique || child.spilled.reference == Some(exact))
                };
                self.take_children(hash_key(&folded), &mut taken, may_be_child, |row| {
                    let named = row.reference.as_deref();
                    named == Some(reference)
                        || (is_unique && named.is_some_and(|named| fold_reference(named) == folded))
                })?;
            }
        }
        taken.sort_by_key(|(spilled, _)| (spilled.sheet, spilled.row));
        Ok(taken)
    }

    /// Takes the rows of lists with a key. Only rows that `may_be_child` accepts are read.
    fn take_children(
        &mut self,
        key: u64,
        taken: &mut Vec<(SpilledRowRef, SpilledRow)>,
        may_be_child: impl Fn(&ChildRow) -> bool,
        is_child: impl Fn(&SpilledRow) -> bool,
    ) -> Result<(), FileError> {
        let start = self.index.children.partition_point(|child| child.key < key);
        let end = self.index.children.partition_point(|child| child.key <= key);
        for child in &mut self.index.children[start..end] {
            if child.is_assigned || !may_be_child(child) {
                continue;
            }
            let row = self.reader.read(child.spilled.offset)?;
            if is_child(&row) {
                child.is_assigned = true;
                taken.push((child.spilled, row));
            }
        }
        Ok(())
    }

    fn fill_part(&self, mut part: PartBuilder<'_>, spilled: SpilledRowRef, cells: Vec<(u16, CellContent)>) {
        let sheet = &self.index.sheets[spilled.sheet];
        for (index, content) in cells {
            let Some(column) = SHEETS[spilled.sheet].columns.get(usize::from(index)) else {
                continue;
            };
            let title = sheet.titles.get(&index).map(String::as_str);
            let position = sheet.cell_position(spilled.row, title);
            match content {
                // Rows of other sheets name the record by the trimmed text.
                CellContent::Cell(RawValue::Text(text)) if is_reference_column(column) => {
                    part.set_cell(column, RawValue::Text(text.trim().to_owned()), position);
                }
                CellContent::Cell(raw) => part.set_cell(column, raw, position),
                CellContent::Merged(first) => part.warn_merged_cell(column, first + 1, position),
            }
        }
        part.finish();
    }

    /// Lists the sheets and columns that are not known and have content.
    fn list_unknown_columns(&self) -> Vec<StrayRow> {
        let sheets = self.index.unknown_sheets.iter().map(|name| {
            let position = CellPosition::row(1).in_sheet(name);
            StrayRow::for_unknown_column_or_sheet(position, UNKNOWN_SHEET_REASON)
        });
        let headers = self
            .index
            .sheets
            .iter()
            .filter_map(|sheet| Some((sheet, sheet.header.as_ref()?)));
        let columns = headers.flat_map(|(sheet, header)| {
            let used = header.unknown.values().filter(|(_, is_used)| *is_used);
            used.map(|(title, _)| {
                let position = sheet.cell_position(header.row, Some(title));
                StrayRow::for_unknown_column_or_sheet(position, UNKNOWN_COLUMN_REASON)
            })
        });
        sheets.chain(columns).collect()
    }

    /// Builds a row of a list that belongs to no record, with the reason.
    fn build_stray(&mut self, spilled: SpilledRowRef) -> Result<StrayRow, FileError> {
        let row = self.reader.read(spilled.offset)?;
        let merged = row.cells.iter().find_map(|(column, content)| match content {
            CellContent::Merged(first) if *column == MERGED_REFERENCE => Some(first + 1),
            _ => None,
        });
        let (code, reason) = match (&row.record, &row.reference, merged) {
            (Some(record), ..) => {
                let (first, record) = (SHEETS[0].name, quote(record));
                let reason = format!("no row of the sheet {first} has {record} in its column {RECORD}");
                (ProblemCode::NotFound, reason)
            }
            (None, Some(reference), _) => self.describe_unknown_reference(reference)?,
            (None, None, Some(first)) => {
                let reason = format!(
                    "is merged with the cell in row {first}, and holds nothing itself; unmerge it, and write the reference \
                     in every row"
                );
                (ProblemCode::Required, reason)
            }
            (None, None, None) => {
                let reason = "is needed, so that it is known which record the row belongs to";
                (ProblemCode::Required, reason.into())
            }
        };
        let sheet = &self.index.sheets[spilled.sheet];
        let column = match row.record {
            Some(_) => RECORD,
            None if sheet.reference_title.is_empty() => REFERENCE,
            None => &sheet.reference_title,
        };
        let position = sheet.cell_position(spilled.row, Some(column));
        let mut record = FileRecord::default();
        let part = PartBuilder::for_item(&mut record, &SHEETS[spilled.sheet], position.clone());
        self.fill_part(part, spilled, row.cells);
        let list = SHEETS[spilled.sheet].list.unwrap_or_default();
        let item_path = format!("{list}/0/");
        let within_item = |problem: Problem| Problem {
            path: problem
                .path
                .strip_prefix(&item_path)
                .unwrap_or_default()
                .to_owned(),
            ..problem
        };
        Ok(StrayRow {
            item: Some(StrayItem {
                sheet: spilled.sheet,
                reference: row.reference,
                document: record.document[list][0].take(),
                problems: record.problems.into_iter().map(within_item).collect(),
            }),
            unread: self.list_unread_cells(spilled, row.unread),
            ..StrayRow::new(position, code, reason)
        })
    }

    /// Describes why no record, or more than one, has the reference of a row of a list.
    fn describe_unknown_reference(&mut self, reference: &str) -> Result<(ProblemCode, String), FileError> {
        let first = SHEETS[0].name;
        let shown = quote(reference);
        if self.rows_sharing_reference(reference).count() > 1 {
            let reason = format!(
                "several rows of the sheet {first} have the reference {shown}; say which is meant in the column {RECORD}"
            );
            return Ok((ProblemCode::Ambiguous, reason));
        }
        let mut names = Vec::new();
        for offset in self.suggest_references(reference) {
            names.extend(self.reader.read(offset)?.reference.as_deref().map(quote));
        }
        let question = match names.as_slice() {
            [] => String::new(),
            names => format!("; did you mean {}?", names.join(" or ")),
        };
        let reason = format!("no row of the sheet {first} has the reference {shown}{question}");
        Ok((ProblemCode::NotFound, reason))
    }

    /// Finds the references that were perhaps meant by one that no record has: those that differ in case and white space
    /// come first, then those with the same letters and digits.
    fn suggest_references(&mut self, reference: &str) -> Vec<SpillOffset> {
        let similar = self.similar.get_or_insert_with(|| {
            let mut similar = self.index.references.clone();
            similar.sort_unstable_by_key(|known| (known.similar_hash, known.exact_hash, known.row));
            similar
        });
        let letters = fold_header(reference);
        let similar = match letters.as_str() {
            "" => &[],
            letters => find_range(similar, hash_key(letters), |known| known.similar_hash),
        };
        let folded = hash_key(&fold_reference(reference));
        let folded = find_range(&self.index.references, folded, |known| known.folded_hash);
        let mut seen = HashSet::new();
        let new = folded
            .iter()
            .chain(similar)
            .filter(|known| seen.insert(known.exact_hash));
        new.take(MAX_SUGGESTED_REFERENCES)
            .map(|known| known.offset)
            .collect()
    }
}
