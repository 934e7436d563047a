//! The CSV form: under the standard's titles, as its template and converters write
//! them (`Planned Dates:Start Date`), or under JSON paths (`plannedDates/0/startDate`).

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::ops::ControlFlow;
use std::sync::Arc;

use super::super::csv_reader::Table;
use super::super::stream::Allowance;
use super::super::{FileError, Notes, Refusals};
use super::Depth;
use super::draft::{Draft, FieldNames, Given, GrantRow, identifier, path};
use crate::money::DecimalSign;

/// Reads a table and hands each row with its line to `each`.
pub(super) fn read(
    input: impl Read + Seek,
    depth: Depth,
    notes: &mut Notes,
    mut each: impl FnMut(u64, GrantRow) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let allowance = Allowance::unlimited();
    let mut table = Table::open(input, &allowance, notes)?;
    let sign = table.decimal_sign();
    let columns = Columns::of(table.header())?;
    if let Some(missing) = missing_column([&columns]) {
        return Err(FileError::NotGrants(missing));
    }
    while let Some((line, cells)) = table.next_row()? {
        let row = match cells {
            Ok(cells) => {
                let cell = |at: usize| {
                    let cell = cells.get(at).filter(|cell| !cell.is_empty());
                    cell.map(|cell| Given::Text((*cell).to_owned()))
                };
                match depth {
                    Depth::Identifier => columns.identified(cell),
                    Depth::All => columns.row(Refusals::of(line), cell, sign),
                }
            }
            Err(refusals) => {
                let held = table.held();
                let given = held.get(columns.identifier()).and_then(|cell| identifier(cell));
                GrantRow::refused(given, refusals)
            }
        };
        if each(line, row).is_break() {
            break;
        }
    }
    Ok(())
}

/// Where a field goes; of a list, into the item of a number.
type Slot = fn(&mut Draft, u32) -> &mut Given;

/// A field that one column holds.
struct Field {
    path: &'static str,
    /// By the standard's schema.
    title: &'static str,
    slot: Slot,
}

const fn field(path: &'static str, title: &'static str, slot: Slot) -> Field {
    Field { path, title, slot }
}

const FIELDS: [Field; 18] = [
    field(path::ID, "Identifier", |d, _| &mut d.id),
    field(path::TITLE, "Title", |d, _| &mut d.title),
    field(path::DESCRIPTION, "Description", |d, _| &mut d.description),
    field(path::CURRENCY, "Currency", |d, _| &mut d.currency),
    field(path::AMOUNT, "Amount Awarded", |d, _| &mut d.amount),
    field(path::AWARDED_ON, "Award Date", |d, _| &mut d.awarded_on),
    field(path::STARTS_ON, "Planned Dates:Start Date", |d, n| {
        &mut d.periods.entry(n).or_default().starts_on
    }),
    field(path::ENDS_ON, "Planned Dates:End Date", |d, n| {
        &mut d.periods.entry(n).or_default().ends_on
    }),
    field(path::DURATION, "Planned Dates:Duration (months)", |d, n| {
        &mut d.periods.entry(n).or_default().duration
    }),
    field(path::PROGRAMME, "Grant Programme:Title", |d, n| {
        d.programmes.entry(n).or_default()
    }),
    field(path::RECIPIENT_ID, "Recipient Org:Identifier", |d, n| {
        &mut d.recipients.entry(n).or_default().id
    }),
    field(path::RECIPIENT_NAME, "Recipient Org:Name", |d, n| {
        &mut d.recipients.entry(n).or_default().name
    }),
    field(path::FUNDER_ID, "Funding Org:Identifier", |d, n| {
        &mut d.funders.entry(n).or_default().id
    }),
    field(path::FUNDER_NAME, "Funding Org:Name", |d, n| {
        &mut d.funders.entry(n).or_default().name
    }),
    field(path::LOCATION_NAME, "Beneficiary Location:Name", |d, n| {
        &mut d.locations.entry(n).or_default().name
    }),
    field(
        path::LOCATION_CODE,
        "Beneficiary Location:Geographic Code",
        |d, n| &mut d.locations.entry(n).or_default().code,
    ),
    field(
        path::LOCATION_CODE_TYPE,
        "Beneficiary Location:Geographic Code Type",
        |d, n| &mut d.locations.entry(n).or_default().code_type,
    ),
    field(path::DATA_SOURCE, "Data Source", |d, _| &mut d.data_source),
];

/// What every grant has.
const REQUIRED: [&str; 4] = [path::ID, path::TITLE, path::RECIPIENT_NAME, path::FUNDER_NAME];

/// What a column holds.
#[derive(Clone, Copy)]
enum Holds {
    Field(Slot, u32),
    /// Something of a person who received the grant.
    Person,
}

struct Column {
    index: usize,
    /// Of the first item, where it is of a list.
    path: &'static str,
    title: String,
    holds: Holds,
}

impl Column {
    /// With its number in place.
    fn own_path(&self) -> String {
        match self.holds {
            Holds::Field(_, number) => path::of_item(self.path, number),
            Holds::Person => self.path.to_owned(),
        }
    }
}

/// The columns of a table that are read.
pub(super) struct Columns {
    columns: Vec<Column>,
    names: FieldNames,
}

impl Columns {
    /// Those of a header, which has a grant's identifier and something to say of it.
    pub(super) fn of(header: &[String]) -> Result<Self, FileError> {
        let mut columns: Vec<Column> = Vec::new();
        let mut titles: HashMap<String, String> = HashMap::new();
        for (index, title) in header.iter().enumerate() {
            let Some((path, holds)) = meaning(title) else {
                continue;
            };
            let column = Column {
                index,
                path,
                title: title.clone(),
                holds,
            };
            let own_path = column.own_path();
            if let (Some(first), Holds::Field(..)) = (titles.get(&own_path), holds) {
                return Err(FileError::NotGrants(format!(
                    "its columns {first} and {title} are the same field"
                )));
            }
            titles.entry(own_path).or_insert_with(|| title.clone());
            columns.push(column);
        }
        // What a list lacks is said of its first column, whatever its number.
        for column in &columns {
            if !titles.contains_key(column.path) {
                titles.insert(column.path.to_owned(), column.title.clone());
            }
        }
        let columns = Self {
            columns,
            names: FieldNames(Some(Arc::new(titles))),
        };
        if !columns.has(path::ID) {
            return Err(FileError::NotGrants(no_column(path::ID)));
        }
        if columns.columns.len() == 1 {
            let reason = "beside the identifiers of grants it has no column of theirs";
            return Err(FileError::NotGrants(reason.to_owned()));
        }
        Ok(columns)
    }

    fn has(&self, path: &str) -> bool {
        self.columns.iter().any(|column| column.path == path)
    }

    /// Where the identifier is.
    pub(super) fn identifier(&self) -> usize {
        let column = self.columns.iter().find(|column| column.path == path::ID);
        column.map_or(0, |column| column.index)
    }

    /// Whether the rows are grants, and not just something more about the grants of other rows.
    pub(super) fn has_titles(&self) -> bool {
        self.has(path::TITLE)
    }

    /// Whether a header that cannot be read is one of grants, to go by what it has.
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
        let mut columns = self.columns.iter().filter(|column| column.index == index);
        columns.any(|column| [path::AWARDED_ON, path::STARTS_ON, path::ENDS_ON].contains(&column.path))
    }

    /// The title of a column that is read.
    pub(super) fn title(&self, index: usize) -> Option<&str> {
        let column = self.columns.iter().find(|column| column.index == index)?;
        Some(&column.title)
    }

    /// The identifier of a row.
    pub(super) fn identified(&self, cell: impl Fn(usize) -> Option<Given>) -> GrantRow {
        GrantRow::identified(&cell(self.identifier()).unwrap_or_default())
    }

    /// What a row says, by what its cells hold.
    pub(super) fn row(
        &self,
        found: Refusals,
        cell: impl Fn(usize) -> Option<Given>,
        sign: DecimalSign,
    ) -> GrantRow {
        let mut draft = Draft {
            sign,
            ..Draft::default()
        };
        for column in &self.columns {
            let Some(given) = cell(column.index) else {
                continue;
            };
            match column.holds {
                Holds::Field(slot, number) => *slot(&mut draft, number) = given,
                Holds::Person => draft.person = draft.person.or(Some(column.path)),
            }
        }
        let mut row = draft.parse(found);
        for one in row.findings_mut() {
            let title = self.names.of(&one.field);
            if title != one.field {
                one.field = title.to_owned();
            }
        }
        row.names = self.names.clone();
        row.only_adds = !self.has_titles();
        row
    }
}

/// What every grant has and none of some tables, in words.
pub(super) fn missing_column<'a>(tables: impl IntoIterator<Item = &'a Columns> + Clone) -> Option<String> {
    let has = |path: &str| tables.clone().into_iter().any(|table| table.has(path));
    let is_missing = |path: &&&str| {
        let is_person = **path == path::RECIPIENT_NAME && (has(path::PERSON) || has(path::PERSON_DETAILS));
        !is_person && !has(path)
    };
    REQUIRED.iter().find(is_missing).map(|path| no_column(path))
}

fn no_column(path: &str) -> String {
    let field = FIELDS.iter().find(|field| field.path == path);
    format!(
        "it has no column {} ({path})",
        field.map_or("", |field| field.title)
    )
}

/// The path and the content of a column by its title; nothing for those that are not read.
fn meaning(title: &str) -> Option<(&'static str, Holds)> {
    let title = title.trim().to_ascii_lowercase();
    let mut number = None;
    let mut parts = Vec::new();
    for part in title.split([':', '/']).map(str::trim) {
        match part.parse::<u32>() {
            Ok(given) if number.is_none() => number = Some(given),
            _ => parts.push(part),
        }
    }
    match parts[..] {
        ["recipient ind" | "recipientindividual", ..] => return Some((path::PERSON, Holds::Person)),
        ["to individuals details" | "toindividualsdetails", ..] => {
            return Some((path::PERSON_DETAILS, Holds::Person));
        }
        _ => {}
    }
    let written = parts.join("/");
    let field = FIELDS.into_iter().find(|field| {
        written.eq_ignore_ascii_case(&field.title.replace(':', "/"))
            || written.eq_ignore_ascii_case(&field.path.replace("/0/", "/"))
    })?;
    let is_of_list = field.path.contains("/0/");
    let number = number.unwrap_or(0);
    (is_of_list || number == 0).then_some((field.path, Holds::Field(field.slot, number)))
}
