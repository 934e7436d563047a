//! Imports places, with their codes and parents.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io::{Cursor, Read};
use std::ops::ControlFlow;

use sea_orm::DatabaseConnection;

use super::{ImportError, Remark, Tally};
use crate::change_log::ActionContext;
use crate::database;
use crate::initiative::place_grants::assign_missing_places;
use crate::place::small_areas::{SmallAreasSaved, save_small_areas};
use crate::place::{Gazetteer, PlaceSaveOutcome, save_places};
use wayin_records::formats::places;
use wayin_records::formats::places::PlaceFileRow;
use wayin_records::formats::{FileError, Notes, ParsedRow, RowProblem};
use wayin_records::place_draft::PlaceDraft;

/// Imports a file of places, in one transaction.
pub async fn import(
    db: &DatabaseConnection,
    act: &ActionContext<'_>,
    mut input: impl Read,
    remarks: &mut (dyn FnMut(Remark) + Send),
) -> Result<Tally, ImportError> {
    let mut tally = Tally::default();
    let mut rows: Vec<(u64, PlaceFileRow)> = Vec::new();
    // All places are in memory at the same time, and the file is hardly larger than they are.
    let mut file = Vec::new();
    input.read_to_end(&mut file).map_err(FileError::from)?;
    let mut notes = Notes::default();
    let outcome = places::read_places(Cursor::new(file), &mut notes, |row, read| {
        match read {
            Ok(ParsedRow { value, warnings }) => {
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
    refuse_contradictions(&mut rows, &mut tally, remarks);
    let transaction = database::begin_write(db).await?;
    let known = Gazetteer::load(&transaction).await?;
    let larger = larger_without_a_row(&known, &rows);
    let listed: Vec<(u64, PlaceDraft)> = rows
        .iter()
        .filter_map(|(row, listed)| Some((*row, listed.place.clone()?)))
        .collect();
    let drafts: Vec<PlaceDraft> = larger
        .iter()
        .chain(listed.iter().map(|(_, draft)| draft))
        .cloned()
        .collect();
    let outcomes = save_places(&transaction, act, &drafts).await?;
    // Loaded again, because small areas and remarks can name places that were just saved.
    let places = Gazetteer::load(&transaction).await?;
    let small_areas = small_areas_of_known(&places, rows, &mut tally, remarks);
    let kept = save_small_areas(&transaction, act, &places, small_areas.codes).await?;
    let placed = assign_missing_places(&transaction, act).await?;
    database::commit(transaction).await?;
    if placed > 0 {
        remarks(Remark::Note(format!(
            "Records of published grants that have their place now that it is known: {placed}."
        )));
    }
    let mut lost_something = 0;
    for (index, outcome) in outcomes.into_iter().enumerate() {
        let row = index.checked_sub(larger.len()).map_or(0, |index| listed[index].0);
        let about = |reason| RowProblem {
            sheet: None,
            row,
            field: String::new(),
            reason,
        };
        match outcome {
            Ok((saved, lost)) => {
                match saved {
                    PlaceSaveOutcome::Created => tally.added += 1,
                    PlaceSaveOutcome::Updated => tally.altered += 1,
                    PlaceSaveOutcome::Unchanged => tally.unchanged += 1,
                }
                tally.warned += u64::from(!lost.is_empty());
                lost_something += u64::from(!lost.is_empty());
                let name = |reason: String| format!("{} {reason}", named(&drafts[index], &places));
                lost.into_iter()
                    .map(|reason| Remark::Warning(about(name(reason))))
                    .for_each(&mut *remarks);
            }
            Err(reason) => {
                tally.refused += 1;
                remarks(Remark::Refused(about(reason)));
            }
        }
    }
    if lost_something > 0 {
        let note = "of what was known of places is replaced or cleared by this file";
        remarks(Remark::Note(format!(
            "Something {note}: places so changed: {lost_something}."
        )));
    }
    note_small_areas(small_areas.rows, &kept, remarks);
    Ok(tally)
}

/// Removes and rejects the rows that give the same code to different places. Nothing shows which of them is right.
fn refuse_contradictions(
    rows: &mut Vec<(u64, PlaceFileRow)>,
    tally: &mut Tally,
    remarks: &mut (dyn FnMut(Remark) + Send),
) {
    let mut first: HashMap<&str, (u64, &PlaceDraft)> = HashMap::new();
    // For each rejected row: its code, and another row with the same code.
    let mut refused: BTreeMap<u64, (String, u64)> = BTreeMap::new();
    for (row, listed) in &*rows {
        let Some((code, place)) = listed
            .place
            .as_ref()
            .and_then(|place| Some((place.code.as_deref()?, place)))
        else {
            continue;
        };
        let (first_row, first_place) = *first.entry(code).or_insert((*row, place));
        if !first_place.is_same_statement(place) {
            refused.insert(*row, (code.to_owned(), first_row));
            refused.entry(first_row).or_insert((code.to_owned(), *row));
        }
    }
    rows.retain(|(row, _)| !refused.contains_key(row));
    for (row, (code, other)) in refused {
        tally.refused += 1;
        let reason = format!("{code} is the code of row {other} too, which says something else of it");
        remarks(Remark::Refused(RowProblem {
            sheet: None,
            row,
            field: String::new(),
            reason,
        }));
    }
}

/// The name of a place in a remark: its name in the database, or else in the file, or else its code.
fn named(draft: &PlaceDraft, places: &Gazetteer) -> String {
    let known = draft
        .code
        .as_deref()
        .and_then(|code| places.find_by_exact_code(code));
    let name = known.map(|place| place.name.as_str()).or(draft.name.as_deref());
    name.or(draft.code.as_deref()).unwrap_or_default().to_owned()
}

/// The larger places that rows describe in full, but that are not in the database and have no row of their own.
fn larger_without_a_row(known: &Gazetteer, rows: &[(u64, PlaceFileRow)]) -> Vec<PlaceDraft> {
    let places = rows.iter().filter_map(|(_, row)| row.place.as_ref());
    let mut seen: HashSet<&str> = places.filter_map(|place| place.code.as_deref()).collect();
    let larger = rows.iter().flat_map(|(_, row)| &row.larger);
    let new = larger.filter(|place| {
        let code = place.code.as_deref().filter(|code| !known.has_code(code));
        place.name.is_some() && code.is_some_and(|code| seen.insert(code))
    });
    new.cloned().collect()
}

/// The codes of small areas, each with the code of its place.
struct SmallAreas {
    codes: Vec<(String, String)>,
    /// The number of rows that contain no place, only small areas.
    rows: u64,
}

fn small_areas_of_known(
    places: &Gazetteer,
    rows: Vec<(u64, PlaceFileRow)>,
    tally: &mut Tally,
    remarks: &mut (dyn FnMut(Remark) + Send),
) -> SmallAreas {
    let mut small = SmallAreas {
        codes: Vec::new(),
        rows: 0,
    };
    for (row, listed) in rows {
        let unknown = listed
            .small_areas
            .iter()
            .find(|(_, place)| !places.has_code(place));
        let is_alone = listed.place.is_none();
        if let Some((code, place)) = unknown.filter(|_| is_alone) {
            tally.refused += 1;
            let reason = format!(
                "{code} lies in {place}, which no place has as its code; add a column of its name, or import it before"
            );
            remarks(Remark::Refused(RowProblem {
                sheet: None,
                row,
                field: String::new(),
                reason,
            }));
            continue;
        }
        small.rows += u64::from(is_alone);
        small.codes.extend(listed.small_areas);
    }
    small
}

/// The most codes that a note lists.
const CODES_NAMED: usize = 5;

fn note_small_areas(rows: u64, kept: &SmallAreasSaved, remarks: &mut (dyn FnMut(Remark) + Send)) {
    let named = |codes: &[String]| {
        let first = codes
            .iter()
            .take(CODES_NAMED)
            .cloned()
            .collect::<Vec<_>>()
            .join(", ");
        let more = codes.len().saturating_sub(CODES_NAMED);
        if more == 0 {
            first
        } else {
            format!("{first} and {more} more")
        }
    };
    if rows > 0 || kept.added > 0 {
        let added = kept.added;
        remarks(Remark::Note(format!(
            "Codes of smaller areas that were added, each with the place that it lies in: {added}."
        )));
    }
    if !kept.moved.is_empty() {
        let moved = named(&kept.moved);
        remarks(Remark::Note(format!(
            "Codes that lay in another place until now: {moved}."
        )));
    }
    if !kept.in_several.is_empty() {
        let several = named(&kept.in_several);
        remarks(Remark::Note(format!(
            "Codes that lie in several local authorities, and so are not read as any of them: {several}."
        )));
    }
}
