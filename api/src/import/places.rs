//! Places with their codes, and what they lie within.

use std::collections::HashSet;
use std::io::{Cursor, Read};
use std::ops::ControlFlow;

use sea_orm::DatabaseConnection;

use super::parse::places::{self, PlaceRow};
use super::parse::{FileError, GoodRow, Notes, Refusal};
use super::{ImportError, Remark, Tally};
use crate::change::Act;
use crate::database;
use crate::place::{PlaceDraft, Saved, save_all};

/// Imports a file of places, in one transaction.
pub async fn import(
    db: &DatabaseConnection,
    act: &Act<'_>,
    mut input: impl Read,
    remarks: &mut (dyn FnMut(Remark) + Send),
) -> Result<Tally, ImportError> {
    let mut tally = Tally::default();
    let mut rows: Vec<(u64, PlaceRow)> = Vec::new();
    // The places are all held at once, and a file of them is hardly larger.
    let mut file = Vec::new();
    input.read_to_end(&mut file).map_err(FileError::from)?;
    let mut notes = Notes::default();
    let outcome = places::read(Cursor::new(file), &mut notes, |row, read| {
        match read {
            Ok(GoodRow { value, warnings }) => {
                tally.warned += u64::from(!warnings.is_empty());
                warnings.into_iter().map(Remark::Warning).for_each(&mut *remarks);
                rows.push((row, value));
            }
            Err(refusals) => {
                tally.refused += 1;
                refusals.into_iter().map(Remark::Refused).for_each(&mut *remarks);
            }
        }
        ControlFlow::Continue(())
    });
    notes.into_iter().map(Remark::Note).for_each(&mut *remarks);
    outcome?;
    let transaction = database::begin_writing(db).await?;
    let parents = parents_without_a_row(&rows);
    let known = crate::place::Gazetteer::read(&transaction).await?;
    let parents: Vec<PlaceDraft> = parents
        .into_iter()
        .filter(|draft| draft.code.as_deref().is_some_and(|code| !known.has_code(code)))
        .collect();
    let drafts: Vec<PlaceDraft> = parents
        .iter()
        .cloned()
        .chain(rows.iter().map(|(_, row)| draft(row)))
        .collect();
    let outcomes = save_all(&transaction, act, &drafts).await?;
    database::commit(transaction).await?;
    for (index, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(Saved::Added) => tally.added += 1,
            Ok(Saved::Altered) => tally.altered += 1,
            Ok(Saved::Unchanged) => tally.unchanged += 1,
            Err(reason) => {
                tally.refused += 1;
                let row = index
                    .checked_sub(parents.len())
                    .and_then(|index| rows.get(index))
                    .map_or(0, |(row, _)| *row);
                remarks(Remark::Refused(Refusal {
                    sheet: None,
                    row,
                    field: String::new(),
                    reason,
                }));
            }
        }
    }
    Ok(tally)
}

fn draft(row: &PlaceRow) -> PlaceDraft {
    PlaceDraft {
        code: row.code.clone(),
        name: row.name.clone(),
        kind: row.kind,
        within: row.within.iter().map(|parent| parent.code.clone()).collect(),
        successor: row.successor.clone(),
    }
}

/// The larger places that rows name in full, and that have no row of their own.
fn parents_without_a_row(rows: &[(u64, PlaceRow)]) -> Vec<PlaceDraft> {
    let mut seen: HashSet<&str> = rows.iter().filter_map(|(_, row)| row.code.as_deref()).collect();
    let mut drafts = Vec::new();
    for parent in rows.iter().flat_map(|(_, row)| &row.within) {
        let (Some(name), Some(kind)) = (&parent.name, parent.kind) else {
            continue;
        };
        if seen.insert(&parent.code) {
            drafts.push(PlaceDraft {
                code: Some(parent.code.clone()),
                name: name.clone(),
                kind,
                within: Vec::new(),
                successor: None,
            });
        }
    }
    drafts
}
