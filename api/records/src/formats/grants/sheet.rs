//! Reads grants from tables, whose columns have the titles of the standard (`Planned Dates:Start Date`) or JSON paths
//! (`plannedDates/0/startDate`).

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::ops::ControlFlow;
use std::sync::Arc;

use serde::de::IgnoredAny;

use super::super::csv_reader::CsvTable;
use super::super::stream::ByteAllowance;
use super::super::{FileError, Notes, RowProblems};
use super::ReadDepth;
use super::row_parser::{FieldNames, GrantRow, GrantRowDraft, RawField, normalise_identifier, path};
use crate::money::DecimalSign;

/// Reads a table and calls `each` with the line of each row and the row.
pub(super) fn read_table(
    input: impl Read + Seek,
    depth: ReadDepth,
    notes: &mut Notes,
    mut each: impl FnMut(u64, GrantRow) -> ControlFlow<()>,
) -> Result<(), FileError> {
    let allowance = ByteAllowance::unlimited();
    let mut table = CsvTable::open(input, &allowance, notes)?;
    let sign = table.decimal_sign();
    let columns = GrantColumns::from_header(table.header())?;
    if let Some(missing) = describe_missing_column([&columns]) {
        return Err(FileError::NotGrants(missing));
    }
    while let Some((line, cells)) = table.next_row()? {
        let row = match cells {
            Ok(cells) => {
                let cell = |at: usize| {
                    let cell = cells.get(at).filter(|cell| !cell.is_empty());
                    cell.map(|cell| RawField::Text((*cell).to_owned()))
                };
                match depth {
                    ReadDepth::Identifier => columns.parse_identifier_only(cell),
                    ReadDepth::All => columns.parse_row(RowProblems::for_row(line), cell, sign),
                }
            }
            Err(problems) => {
                let held = table.last_cells();
                let given = held
                    .get(columns.identifier_index())
                    .and_then(|cell| normalise_identifier(cell));
                GrantRow::rejected(given, problems)
            }
        };
        if each(line, row).is_break() {
            break;
        }
    }
    Ok(())
}

/// Returns the field of a draft: of the item with a number, if the field is in a list.
type FieldSlot = fn(&mut GrantRowDraft, u32) -> &mut RawField;

/// A field of one column.
struct GrantField {
    path: &'static str,
    /// The title in the standard's schema.
    title: &'static str,
    slot: FieldSlot,
}

const fn new_field(path: &'static str, title: &'static str, slot: FieldSlot) -> GrantField {
    GrantField { path, title, slot }
}

#[rustfmt::skip]
const FIELDS: [GrantField; 18] = [
    new_field(path::ID, "Identifier", |d, _| &mut d.id),
    new_field(path::TITLE, "Title", |d, _| &mut d.title),
    new_field(path::DESCRIPTION, "Description", |d, _| &mut d.description),
    new_field(path::CURRENCY, "Currency", |d, _| &mut d.currency),
    new_field(path::AMOUNT, "Amount Awarded", |d, _| &mut d.amount),
    new_field(path::AWARDED_ON, "Award Date", |d, _| &mut d.awarded_on),
    new_field(path::STARTS_ON, "Planned Dates:Start Date", |d, n| &mut d.periods.item(n).starts_on),
    new_field(path::ENDS_ON, "Planned Dates:End Date", |d, n| &mut d.periods.item(n).ends_on),
    new_field(path::DURATION, "Planned Dates:Duration (months)", |d, n| &mut d.periods.item(n).duration),
    new_field(path::PROGRAMME, "Grant Programme:Title", |d, n| &mut d.programmes.item(n).title),
    new_field(path::RECIPIENT_ID, "Recipient Org:Identifier", |d, n| &mut d.recipients.item(n).id),
    new_field(path::RECIPIENT_NAME, "Recipient Org:Name", |d, n| &mut d.recipients.item(n).name),
    new_field(path::FUNDER_ID, "Funding Org:Identifier", |d, n| &mut d.funders.item(n).id),
    new_field(path::FUNDER_NAME, "Funding Org:Name", |d, n| &mut d.funders.item(n).name),
    new_field(path::LOCATION_NAME, "Beneficiary Location:Name", |d, n| &mut d.locations.item(n).name),
    new_field(path::LOCATION_CODE, "Beneficiary Location:Geographic Code", |d, n| &mut d.locations.item(n).code),
    new_field(path::LOCATION_CODE_TYPE, "Beneficiary Location:Geographic Code Type", |d, n| &mut d.locations.item(n).code_type),
    new_field(path::DATA_SOURCE, "Data Source", |d, _| &mut d.data_source),
];

/// The fields that every grant has.
const REQUIRED: [&str; 4] = [path::ID, path::TITLE, path::RECIPIENT_NAME, path::FUNDER_NAME];

/// The content of a column.
#[derive(Clone, Copy)]
enum ColumnContent {
    Field(FieldSlot, u32),
    /// Data about a person who received the grant.
    Person,
}

struct GrantColumn {
    index: usize,
    /// The path of the field, for the first item of a list.
    path: &'static str,
    title: String,
    content: ColumnContent,
}

impl GrantColumn {
    /// Returns the path with the number of the item.
    fn numbered_path(&self) -> String {
        match self.content {
            ColumnContent::Field(_, number) => path::path_of_item(self.path, number),
            ColumnContent::Person => self.path.to_owned(),
        }
    }
}

/// The columns of a table of grants.
pub(super) struct GrantColumns {
    columns: Vec<GrantColumn>,
    names: FieldNames,
}

impl GrantColumns {
    /// Finds the columns in a header. It needs the identifier of the grant and at least one other column.
    pub(super) fn from_header(header: &[String]) -> Result<Self, FileError> {
        let mut columns: Vec<GrantColumn> = Vec::new();
        let mut titles: HashMap<String, String> = HashMap::new();
        for (index, title) in header.iter().enumerate() {
            let Some((path, holds)) = parse_column_title(title) else {
                continue;
            };
            let column = GrantColumn {
                index,
                path,
                title: title.clone(),
                content: holds,
            };
            let own_path = column.numbered_path();
            if let (Some(first), ColumnContent::Field(..)) = (titles.get(&own_path), holds) {
                return Err(FileError::NotGrants(format!(
                    "its columns {first} and {title} are the same field"
                )));
            }
            titles.entry(own_path).or_insert_with(|| title.clone());
            columns.push(column);
        }
        // A problem of a whole list names the first column of the list.
        for column in &columns {
            if !titles.contains_key(column.path) {
                titles.insert(column.path.to_owned(), column.title.clone());
            }
        }
        let columns = Self {
            columns,
            names: FieldNames(Some(Arc::new(titles))),
        };
        if !columns.has_column(path::ID) {
            return Err(FileError::NotGrants(describe_absent_column(path::ID)));
        }
        if columns.columns.len() == 1 {
            let reason = "beside the identifiers of grants it has no column of theirs";
            return Err(FileError::NotGrants(reason.to_owned()));
        }
        Ok(columns)
    }

    fn has_column(&self, path: &str) -> bool {
        self.columns.iter().any(|column| column.path == path)
    }

    /// Returns the index of the column of identifiers.
    pub(super) fn identifier_index(&self) -> usize {
        let column = self.columns.iter().find(|column| column.path == path::ID);
        column.map_or(0, |column| column.index)
    }

    /// Returns whether the rows are grants. Otherwise, they add to the grants of other tables.
    pub(super) fn has_titles(&self) -> bool {
        self.has_column(path::TITLE)
    }

    /// Returns whether an invalid header is meant to be one of grants.
    pub(super) fn looks_like_grants(header: &[String]) -> bool {
        let has = |wanted: &str| {
            header
                .iter()
                .any(|title| parse_column_title(title).is_some_and(|(path, _)| path == wanted))
        };
        has(path::ID) && has(path::TITLE)
    }

    /// Returns whether a column has dates.
    pub(super) fn is_date(&self, index: usize) -> bool {
        let mut columns = self.columns.iter().filter(|column| column.index == index);
        columns.any(|column| [path::AWARDED_ON, path::STARTS_ON, path::ENDS_ON].contains(&column.path))
    }

    /// Returns the title of a column.
    pub(super) fn title(&self, index: usize) -> Option<&str> {
        let column = self.columns.iter().find(|column| column.index == index)?;
        Some(&column.title)
    }

    /// Parses only the identifier of a row.
    pub(super) fn parse_identifier_only(&self, cell: impl Fn(usize) -> Option<RawField>) -> GrantRow {
        GrantRow::identifier_only(&cell(self.identifier_index()).unwrap_or_default())
    }

    /// Parses a row from its cells.
    pub(super) fn parse_row(
        &self,
        found: RowProblems,
        cell: impl Fn(usize) -> Option<RawField>,
        sign: DecimalSign,
    ) -> GrantRow {
        let mut draft = GrantRowDraft {
            sign,
            ..GrantRowDraft::default()
        };
        for column in &self.columns {
            let Some(given) = cell(column.index) else {
                continue;
            };
            match column.content {
                ColumnContent::Field(slot, number) => *slot(&mut draft, number) = given,
                ColumnContent::Person if column.path == path::RECIPIENT_INDIVIDUAL => {
                    draft.recipient_individual = Some(IgnoredAny);
                }
                ColumnContent::Person => draft.to_individuals_details = Some(IgnoredAny),
            }
        }
        let mut row = draft.parse(found);
        for one in row.problems_mut() {
            let title = self.names.find_name(&one.field);
            if title != one.field {
                one.field = title.to_owned();
            }
        }
        row.names = self.names.clone();
        row.is_supplement = !self.has_titles();
        row
    }
}

/// Describes a field that every grant has and that none of the tables has.
pub(super) fn describe_missing_column<'a>(
    tables: impl IntoIterator<Item = &'a GrantColumns> + Clone,
) -> Option<String> {
    let has = |path: &str| tables.clone().into_iter().any(|table| table.has_column(path));
    let is_missing = |path: &&&str| {
        let is_person = **path == path::RECIPIENT_NAME
            && (has(path::RECIPIENT_INDIVIDUAL) || has(path::TO_INDIVIDUALS_DETAILS));
        !is_person && !has(path)
    };
    REQUIRED
        .iter()
        .find(is_missing)
        .map(|path| describe_absent_column(path))
}

fn describe_absent_column(path: &str) -> String {
    let field = FIELDS.iter().find(|field| field.path == path);
    format!(
        "it has no column {} ({path})",
        field.map_or("", |field| field.title)
    )
}

/// Parses the title of a column to its path and content. Returns `None` for columns that are not read.
fn parse_column_title(title: &str) -> Option<(&'static str, ColumnContent)> {
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
        ["recipient ind" | "recipientindividual", ..] => {
            return Some((path::RECIPIENT_INDIVIDUAL, ColumnContent::Person));
        }
        ["to individuals details" | "toindividualsdetails", ..] => {
            return Some((path::TO_INDIVIDUALS_DETAILS, ColumnContent::Person));
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
    (is_of_list || number == 0).then_some((field.path, ColumnContent::Field(field.slot, number)))
}
