//! Records out of one flat table: a record a row, and a column for each field, with the
//! position of an item of a list in its name: `fundingTerms.1.durationMonths`.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read, Seek};
use std::ops::ControlFlow;
use std::sync::Arc;

use serde_json::json;

use super::assembled::Part;
use super::file_record::{Cell, FileRecord, Item, Stray};
use super::records::Limits;
use super::references::{EachReference, Reference};
use super::stream::Allowance;
use super::table::Table;
use super::{FileError, Notes};
use crate::initiative::unstated::Unstated;
use crate::initiative::validate::FindingCode;
use crate::money::DecimalSign;
use crate::workbook::columns::{EXAMPLE, REFERENCE_PATH, SHEETS, Sheet, TO_MEND, folded};
use crate::workbook::escaped;
use crate::workbook::typed::Raw;

/// The furthest position in a list that a column may name.
const FURTHEST: usize = 1_000;

/// A column of the file: the sheet and the column of the table of columns, and the position in
/// the list of the former.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Known {
    sheet: usize,
    position: usize,
    column: usize,
}

fn known(title: &str) -> Option<Known> {
    let root = SHEETS[0].column(title).map(|column| Known {
        sheet: 0,
        position: 0,
        column,
    });
    let in_a_list = || {
        let mut steps = title.splitn(3, ['.', '/']);
        let sheet = Sheet::named(steps.next()?).filter(|sheet| *sheet > 0)?;
        let position: usize = steps.next()?.trim().parse().ok()?;
        let column = SHEETS[sheet].column(steps.next()?)?;
        (1..=FURTHEST).contains(&position).then_some(Known {
            sheet,
            position,
            column,
        })
    };
    root.or_else(in_a_list)
}

/// Hands the row, the reference and the lead organisation of each row to `each`.
pub(super) fn references(input: impl Read + Seek, each: &mut EachReference<'_>) -> Result<(), FileError> {
    let allowance = Allowance::unlimited();
    let mut table = Table::open(input, &allowance, &mut Notes::default())?;
    let place = |path| {
        let is_it = |title: &String| {
            known(title).is_some_and(|known| known.sheet == 0 && SHEETS[0].columns[known.column].path == path)
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
        let text = |place: usize| escaped::undo(cells[place].to_owned());
        let (identifier, name) = (identifier.map(text), name.map(text));
        let reference = Reference {
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

/// Reads records and hands each to `each`.
pub(super) fn read(
    input: impl Read + Seek,
    limits: &Limits,
    notes: &mut Notes,
    each: &mut dyn FnMut(Item) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let allowance = Allowance::unlimited();
    let mut table = Table::open(input, &allowance, notes)?;
    let sign = table.decimal_sign();
    let titles = table.header().to_vec();
    let columns: Vec<_> = titles.iter().map(|title| known(title)).collect();
    let paths = columns.iter().flatten().filter(|known| known.sheet == 0);
    let mut paths = paths.map(|known| SHEETS[0].columns[known.column].path);
    if !paths.any(|path| [REFERENCE_PATH, "title"].contains(&path)) {
        return Err(FileError::NotRecordTable);
    }
    let mut seen = BTreeMap::new();
    for (title, known) in titles.iter().zip(&columns) {
        if let Some(known) = known
            && seen
                .insert((known.sheet, known.position, known.column), title)
                .is_some()
        {
            return Err(FileError::RepeatedColumn("the file".into(), title.clone()));
        }
    }
    let is_passed_over: Vec<_> = titles
        .iter()
        .map(|title| folded(title) == folded(TO_MEND))
        .collect();
    let mut stated: [Option<BTreeSet<usize>>; 5] = Default::default();
    for known in columns.iter().flatten() {
        let of_sheet = stated[known.sheet].get_or_insert_default();
        of_sheet.insert(known.column);
    }
    let unstated = Arc::new(Unstated::of(&stated));
    let mut unknown = BTreeMap::new();
    let mut left = limits.rows;
    while let Some((line, row)) = table.next_row()? {
        let Some(less) = left.checked_sub(1) else {
            return Err(FileError::TooManyRows(limits.rows));
        };
        left = less;
        let item = match row {
            Err(refusals) => Item::Stray(Stray {
                at: Cell {
                    column: refusals
                        .first()
                        .map(|one| one.field.clone())
                        .filter(|field| !field.is_empty()),
                    ..Cell::of_row(line)
                },
                code: FindingCode::Malformed,
                reason: refusals
                    .into_iter()
                    .next()
                    .map_or_else(String::new, |one| one.reason),
            }),
            Ok(cells) => {
                for (place, cell) in cells.iter().enumerate() {
                    if columns[place].is_none() && !cell.is_empty() && !is_passed_over[place] {
                        unknown.entry(place).or_insert(line);
                    }
                }
                match record(line, &titles, &columns, &cells, sign) {
                    Some(record) => Item::Record(FileRecord {
                        unstated: Some(Arc::clone(&unstated)),
                        ..record
                    }),
                    None => continue,
                }
            }
        };
        if each(item).is_break() {
            return Ok(());
        }
    }
    for place in unknown.into_keys() {
        let stray = Stray {
            at: Cell {
                column: Some(titles[place].clone()),
                ..Cell::of_row(1)
            },
            code: FindingCode::NotFound,
            reason: "is not a column that is known, and nothing in it was read".into(),
        };
        if each(Item::Stray(stray)).is_break() {
            return Ok(());
        }
    }
    Ok(())
}

/// The record of a row; none of one that shows how the table is filled in.
fn record(
    line: u64,
    titles: &[String],
    columns: &[Option<Known>],
    cells: &[&str],
    sign: DecimalSign,
) -> Option<FileRecord> {
    let mut record = FileRecord {
        at: Cell::of_row(line),
        document: json!({}),
        ..FileRecord::default()
    };
    // By list and position, the cells that hold something.
    let mut parts: BTreeMap<(usize, usize), Vec<(usize, usize)>> = BTreeMap::from([((0, 0), Vec::new())]);
    for (place, known) in columns.iter().enumerate() {
        if let Some(known) = known
            && !cells[place].is_empty()
        {
            parts
                .entry((known.sheet, known.position))
                .or_default()
                .push((place, known.column));
        }
    }
    let is_example = parts[&(0, 0)].iter().any(|(place, column)| {
        SHEETS[0].columns[*column].path == REFERENCE_PATH && cells[*place].eq_ignore_ascii_case(EXAMPLE)
    });
    let is_blank = parts.values().all(Vec::is_empty);
    if is_blank || is_example {
        return None;
    }
    for ((sheet, _), held) in parts {
        let sheet = &SHEETS[sheet];
        let mut part = match sheet.list {
            None => Part::record(&mut record, sheet),
            Some(_) => Part::item(&mut record, sheet, Cell::of_row(line)),
        }
        .with_decimal_sign(sign);
        for (place, column) in held {
            let at = Cell {
                column: Some(titles[place].clone()),
                ..Cell::of_row(line)
            };
            part.put(&sheet.columns[column], Raw::Text(cells[place].to_owned()), at);
        }
        part.finish();
    }
    Some(record)
}
