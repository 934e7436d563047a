//! Records out of a workbook of several sheets, whose rows may stand in any order and far
//! from the record that they belong to.

use std::collections::BTreeMap;
use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::json;

use super::assembled::{Part, is_reference};
use super::file_record::{Cell, FileRecord, Item, Stray};
use super::records::Limits;
use super::references::{EachReference, Reference, RepeatedReferences};
use super::spool::{Held, Place, SheetRow, Spool, Writing};
use super::{FileError, LONGEST_ROW};
use crate::initiative::unstated::Unstated;
use crate::initiative::validate::FindingCode;
use crate::workbook::columns::{
    EXAMPLE, GUIDANCE, LISTS, RECORD, REFERENCE, REFERENCE_PATH, SHEETS, Sheet, TO_MEND, folded,
};
use crate::workbook::escaped;
use crate::workbook::typed::Raw;
use crate::written::quoted;

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
    key: u64,
    by_record: bool,
    kept: Kept,
    is_taken: bool,
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
pub(super) fn gather(workbook: &mut dyn Workbook, limits: &Limits) -> Result<Gathered, FileError> {
    let mut gathering = Gathering::new(limits)?;
    let mut unknown = Vec::new();
    for name in workbook.sheets() {
        match Sheet::named(&name) {
            Some(at) if gathering.sheets[at].name.is_empty() => gathering.sheet(workbook, at, name)?,
            None if [GUIDANCE, LISTS]
                .iter()
                .any(|known| folded(known) == folded(&name)) => {}
            _ => {
                let mut is_empty = true;
                workbook.walk(&name, &mut |_, raw| {
                    is_empty &= raw.is_blank();
                    Ok(if is_empty {
                        ControlFlow::Continue(())
                    } else {
                        ControlFlow::Break(())
                    })
                })?;
                if !is_empty {
                    unknown.push(name);
                }
            }
        }
    }
    if gathering.sheets[0].header.is_none() {
        return Err(FileError::NoSheet(SHEETS[0].name));
    }
    gathering.finish(unknown)
}

/// The rows of a workbook, on their way into the spool.
struct Gathering<'a> {
    limits: &'a Limits,
    left: u64,
    writing: Writing,
    sheets: [Read; 5],
    records: Vec<Kept>,
    children: Vec<Child>,
}

impl<'a> Gathering<'a> {
    fn new(limits: &'a Limits) -> Result<Self, FileError> {
        Ok(Self {
            limits,
            left: limits.rows,
            writing: Writing::new()?,
            sheets: Default::default(),
            records: Vec::new(),
            children: Vec::new(),
        })
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
                kept.reference = Some(escaped::undo(raw.text()).trim().to_owned());
            }
            if let Some(known) = header.columns.get(&column) {
                kept.cells.push((*known, Held::Cell(raw)));
            } else if let Some((_, is_used)) = header.unknown.get_mut(&column) {
                *is_used = true;
            }
        }
        if kept.cells.is_empty() && kept.reference.is_none() && kept.record.is_none() {
            return Ok(());
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
        if row.at == 0 {
            self.records.push(kept_at);
        } else {
            self.children.push(Child {
                key: kept_at.record.or(kept_at.reference).unwrap_or(0),
                by_record: kept.record.is_some(),
                kept: kept_at,
                is_taken: false,
            });
        }
        Ok(())
    }

    fn finish(mut self, unknown: Vec<String>) -> Result<Gathered, FileError> {
        self.records.sort_by_key(|kept| kept.row);
        self.children
            .sort_by_key(|child| (child.key, child.kept.sheet, child.kept.row));
        // By reference, the rows of the records that have it, the first of them first.
        let mut references: Vec<(u64, u32)> = self
            .records
            .iter()
            .filter_map(|kept| Some((kept.reference?, kept.row)))
            .collect();
        references.sort_unstable();
        Ok(Gathered {
            spool: self.writing.finish()?,
            sheets: self.sheets,
            records: self.records,
            children: self.children,
            references,
            unknown,
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
    references: Vec<(u64, u32)>,
    /// The sheets that are not known and hold something.
    unknown: Vec<String>,
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
        let unstated = Arc::new(Unstated::of(&columns));
        for kept in std::mem::take(&mut self.records) {
            let mut record = self.record(kept, repeated)?;
            record.unstated = Some(Arc::clone(&unstated));
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
        Ok(())
    }

    /// The rows of the records that share a reference, the first of them first.
    fn sharing(&self, reference: u64) -> impl Iterator<Item = u32> {
        let from = self.references.partition_point(|(other, _)| *other < reference);
        self.references[from..]
            .iter()
            .take_while(move |(other, _)| *other == reference)
            .map(|(_, row)| *row)
    }

    /// Hands the row, the reference and the lead organisation of each record that may share its reference to `each`.
    pub(super) fn references(&mut self, each: &mut EachReference<'_>) -> Result<(), FileError> {
        for kept in self.records.clone() {
            let may_be_shared = |reference| self.sharing(reference).nth(1).is_some();
            if !kept.reference.is_some_and(may_be_shared) {
                continue;
            }
            let row = self.spool.get(kept.place)?;
            let text = |path| {
                let column = SHEETS[0].columns.iter().position(|column| column.path == path)?;
                let is_it = |(known, _): &&(u16, Held)| usize::from(*known) == column;
                match row.cells.iter().find(is_it) {
                    Some((_, Held::Cell(raw))) => Some(escaped::undo(raw.text())),
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
        // The rows of its lists that name it by either of the two.
        let mut keys = Vec::new();
        if let (Some(hash), Some(name)) = (kept.record, &row.record) {
            keys.push((hash, true, name.clone()));
        }
        if let (Some(hash), Some(name)) = (kept.reference, &row.reference) {
            // Where several have it, only what they are told apart by says whose a row is; where
            // nothing does, they are refused, and the first keeps the rows.
            let mut sharing = self.sharing(hash);
            let is_first = sharing.next() == Some(kept.row);
            let is_only = is_first && sharing.next().is_none();
            let is_its_own =
                is_only || (is_first && kept.record.is_none() && repeated.contains(u64::from(kept.row) + 1));
            if is_its_own {
                keys.push((hash, false, name.clone()));
            }
        }
        let mut own = Vec::new();
        for (hash, by_record, name) in keys {
            let from = self.children.partition_point(|child| child.key < hash);
            let alike = self.children[from..]
                .iter()
                .take_while(|child| child.key == hash)
                .count();
            for at in from..from + alike {
                if self.children[at].by_record != by_record || self.children[at].is_taken {
                    continue;
                }
                let kept = self.children[at].kept;
                let child = self.spool.get(kept.place)?;
                let named = if by_record {
                    &child.record
                } else {
                    &child.reference
                };
                if named.as_ref() == Some(&name) {
                    self.children[at].is_taken = true;
                    own.push((kept, child));
                }
            }
        }
        own.sort_by_key(|(kept, _)| (kept.sheet, kept.row));
        for (kept, child) in own {
            let at = self.sheets[kept.sheet].cell(kept.row, None);
            let mut part = Part::item(&mut record, &SHEETS[kept.sheet], at);
            self.fill(&mut part, kept.sheet, kept.row, child.cells);
            part.finish();
        }
        Ok(record)
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
        let sheets = self.unknown.iter().map(|name| Stray {
            at: Cell {
                sheet: Some(name.clone()),
                row: 1,
                column: None,
            },
            code: FindingCode::NotFound,
            reason: "is not a sheet that is known, and nothing in it was read".into(),
        });
        let columns = self.sheets.iter().flat_map(|read| {
            let header = read.header.as_ref();
            let unknown = header.into_iter().flat_map(|header| {
                let used = header.unknown.values().filter(|(_, is_used)| *is_used);
                used.map(|(title, _)| (header.row, title))
            });
            unknown.map(|(row, title)| Stray {
                at: read.cell(row, Some(title)),
                code: FindingCode::NotFound,
                reason: "is not a column that is known, and nothing in it was read".into(),
            })
        });
        sheets.chain(columns).collect()
    }

    /// Why a row belongs to no record.
    fn stray(&mut self, child: Child) -> Result<Stray, FileError> {
        let row = self.spool.get(child.kept.place)?;
        let read = &self.sheets[child.kept.sheet];
        let first = SHEETS[0].name;
        let merged = row.cells.iter().find_map(|(column, held)| match held {
            Held::Merged(from) if *column == u16::MAX => Some(*from),
            _ => None,
        });
        let (code, reason) = match (&row.record, &row.reference) {
            (Some(record), _) => (
                FindingCode::NotFound,
                format!(
                    "no row of the sheet {first} has {} in its column {RECORD}",
                    quoted(record)
                ),
            ),
            (None, Some(reference)) if self.sharing(hash(reference)).count() > 1 => (
                FindingCode::Ambiguous,
                format!(
                    "several rows of the sheet {first} have the reference {}; say which is meant in the column {RECORD}",
                    quoted(reference)
                ),
            ),
            (None, Some(reference)) => (
                FindingCode::NotFound,
                format!(
                    "no row of the sheet {first} has the reference {}",
                    quoted(reference)
                ),
            ),
            (None, None) => match merged {
                Some(from) => (
                    FindingCode::Required,
                    format!(
                        "is merged with the cell in row {}, and holds nothing itself; unmerge it, and write the \
                         reference in every row",
                        from + 1
                    ),
                ),
                None => (
                    FindingCode::Required,
                    "is needed, so that it is known which record the row belongs to".into(),
                ),
            },
        };
        let column = match row.record {
            Some(_) => RECORD,
            None if read.reference_title.is_empty() => REFERENCE,
            None => &read.reference_title,
        };
        Ok(Stray {
            at: read.cell(child.kept.row, Some(column)),
            code,
            reason,
        })
    }
}
