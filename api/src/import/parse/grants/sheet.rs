//! The CSV form: under the standard's titles, as its template and converters write
//! them (`Planned Dates:Start Date`), or under JSON paths (`plannedDates/0/startDate`).

use std::collections::BTreeMap;
use std::io::{Read, Seek};
use std::ops::ControlFlow;

use super::super::stream::Allowance;
use super::super::table::Table;
use super::super::{FileError, Notes, Refusals, Row};
use super::{Draft, DraftLocation, Given, Grant, path};
use crate::money::DecimalSign;

/// Reads a table and hands each grant with its line to `each`.
pub(super) fn read(
    input: impl Read + Seek,
    notes: &mut Notes,
    mut each: impl FnMut(u64, Row<Grant>) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let allowance = Allowance::unlimited();
    let mut table = Table::open(input, &allowance, notes)?;
    let sign = table.decimal_sign();
    let columns = Columns::of(table.header())?;
    while let Some((line, cells)) = table.next_row()? {
        let row = cells.and_then(|cells| {
            let cell = |at: usize| {
                let cell = cells.get(at).filter(|cell| !cell.is_empty());
                cell.map(|cell| Given::Text((*cell).to_owned()))
            };
            columns.grant(Refusals::of(line), cell, sign)
        });
        if each(line, row).is_break() {
            break;
        }
    }
    Ok(())
}

type Slot = fn(&mut Draft) -> &mut Given;

/// A field that one column holds: its path, its title by the standard's schema,
/// whether every grant must have it, and where it goes.
const FIELDS: [(&str, &str, bool, Slot); 15] = [
    (path::ID, "Identifier", true, |d| &mut d.id),
    (path::TITLE, "Title", true, |d| &mut d.title),
    (path::DESCRIPTION, "Description", false, |d| &mut d.description),
    (path::CURRENCY, "Currency", false, |d| &mut d.currency),
    (path::AMOUNT, "Amount Awarded", false, |d| &mut d.amount),
    (path::AWARDED_ON, "Award Date", false, |d| &mut d.awarded_on),
    (path::STARTS_ON, "Planned Dates:Start Date", false, |d| {
        &mut d.starts_on
    }),
    (path::ENDS_ON, "Planned Dates:End Date", false, |d| &mut d.ends_on),
    (path::DURATION, "Planned Dates:Duration (months)", false, |d| {
        &mut d.duration
    }),
    (path::PROGRAMME, "Grant Programme:Title", false, |d| {
        &mut d.programme
    }),
    (path::RECIPIENT_ID, "Recipient Org:Identifier", false, |d| {
        &mut d.recipient_id
    }),
    (path::RECIPIENT_NAME, "Recipient Org:Name", true, |d| {
        &mut d.recipient_name
    }),
    (path::FUNDER_ID, "Funding Org:Identifier", false, |d| {
        &mut d.funder_id
    }),
    (path::FUNDER_NAME, "Funding Org:Name", true, |d| {
        &mut d.funder_name
    }),
    (path::DATA_SOURCE, "Data Source", false, |d| &mut d.data_source),
];

/// What a column holds.
enum Holds {
    Field(Slot),
    /// A name or a code of the beneficiary location of that number.
    LocationName(u32),
    LocationCode(u32),
    /// Something of a person who received the grant.
    Person,
}

struct Column {
    index: usize,
    path: String,
    title: String,
    holds: Holds,
}

/// The columns of a table that are read.
pub(super) struct Columns(Vec<Column>);

impl Columns {
    /// Those of a header.
    pub(super) fn of(header: &[String]) -> Result<Self, FileError> {
        let mut columns: Vec<Column> = Vec::new();
        for (index, title) in header.iter().enumerate() {
            let Some((path, holds)) = meaning(title) else {
                continue;
            };
            let twice = columns.iter().find(|column| column.path == path);
            if let Some(first) = twice.filter(|_| !matches!(holds, Holds::Person)) {
                return Err(FileError::NotGrants(format!(
                    "its columns {} and {title} are the same field",
                    first.title
                )));
            }
            columns.push(Column {
                index,
                path,
                title: title.clone(),
                holds,
            });
        }
        let has = |path: &str| columns.iter().any(|column| column.path == path);
        for (path, title, is_required, _) in FIELDS {
            let is_person = path == path::RECIPIENT_NAME && has(path::PERSON);
            if is_required && !is_person && !has(path) {
                return Err(FileError::NotGrants(format!("it has no column {title} ({path})")));
            }
        }
        Ok(Self(columns))
    }

    /// Whether a header that lacks a column is one of grants, to go by what it has.
    pub(super) fn seem_meant(header: &[String]) -> bool {
        let has = |wanted: &str| {
            header
                .iter()
                .any(|title| meaning(title).is_some_and(|(path, _)| path == wanted))
        };
        has(path::ID) && has(path::TITLE)
    }

    /// Whether a column holds a date.
    pub(super) fn is_date(&self, index: usize) -> bool {
        let mut columns = self.0.iter().filter(|column| column.index == index);
        columns
            .any(|column| [path::AWARDED_ON, path::STARTS_ON, path::ENDS_ON].contains(&column.path.as_str()))
    }

    /// The title of a column that is read.
    pub(super) fn title(&self, index: usize) -> Option<&str> {
        let column = self.0.iter().find(|column| column.index == index)?;
        Some(&column.title)
    }

    /// The grant of a row, by what its cells hold.
    pub(super) fn grant(
        &self,
        found: Refusals,
        cell: impl Fn(usize) -> Option<Given>,
        sign: DecimalSign,
    ) -> Row<Grant> {
        let mut draft = Draft {
            sign,
            ..Draft::default()
        };
        let mut locations: BTreeMap<u32, DraftLocation> = BTreeMap::new();
        for column in &self.0 {
            let Some(given) = cell(column.index) else {
                continue;
            };
            match column.holds {
                Holds::Field(slot) => *slot(&mut draft) = given,
                Holds::LocationName(number) => locations.entry(number).or_default().name = given,
                Holds::LocationCode(number) => locations.entry(number).or_default().code = given,
                Holds::Person => draft.to_person = true,
            }
        }
        draft.locations = locations.into_values().collect();
        let mut row = draft.check(found);
        let found = match &mut row {
            Ok(row) => &mut row.warnings,
            Err(refusals) => refusals,
        };
        for one in found {
            let of_field = |column: &&Column| column.path == one.field;
            if let Some(column) = self.0.iter().find(of_field) {
                one.field.clone_from(&column.title);
            }
        }
        row
    }
}

/// The path and the content of a column by its title; nothing for those that are not read.
fn meaning(title: &str) -> Option<(String, Holds)> {
    let title = title.trim().to_ascii_lowercase();
    let mut number = None;
    let mut parts = Vec::new();
    for part in title.split([':', '/']).map(str::trim) {
        match part.parse::<u32>() {
            Ok(given) if number.is_none() => number = Some(given),
            _ => parts.push(part),
        }
    }
    let number = number.unwrap_or(0);
    match parts[..] {
        ["recipient ind" | "recipientindividual", ..] => {
            return Some((path::PERSON.to_owned(), Holds::Person));
        }
        ["beneficiary location" | "beneficiarylocation", "name"] => {
            let path = format!("{}/{number}/name", path::LOCATIONS);
            return Some((path, Holds::LocationName(number)));
        }
        [
            "beneficiary location" | "beneficiarylocation",
            "geographic code" | "geocode",
        ] => {
            let path = format!("{}/{number}/geoCode", path::LOCATIONS);
            return Some((path, Holds::LocationCode(number)));
        }
        _ if number > 0 => return None,
        _ => {}
    }
    let written = parts.join("/");
    let (path, _, _, slot) = FIELDS.into_iter().find(|(path, title, ..)| {
        written.eq_ignore_ascii_case(&title.replace(':', "/"))
            || written.eq_ignore_ascii_case(&path.replace("/0/", "/"))
    })?;
    Some((path.to_owned(), Holds::Field(slot)))
}
