//! The sheets of a workbook of records. This table and the columns of the [fields](crate::fields) define the template,
//! exports, corrections workbooks and CSV files, for writing and for reading.

use crate::fields::column::{Column, ColumnKind};
use crate::fields::{challenge, condition, entry_point, funding_term, record};
use crate::paths;

/// A sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sheet {
    /// The name.
    pub name: &'static str,
    /// The list of the record that has the rows as items. `None` for the sheet of records.
    pub list: Option<&'static str>,
    /// What a row is, in plain words.
    pub row_description: &'static str,
    /// The columns, without those that identify the record of a row.
    pub columns: &'static [Column],
}

const fn sheet(
    name: &'static str,
    list: Option<&'static str>,
    columns: &'static [Column],
    row_description: &'static str,
) -> Sheet {
    Sheet {
        name,
        list,
        row_description,
        columns,
    }
}

/// The sheets. The first has the records.
#[rustfmt::skip]
pub const SHEETS: [Sheet; 5] = [
    sheet("Initiatives", None, &record::COLUMNS, "one initiative"),
    sheet("Entry points", Some("entryPoints"), &entry_point::COLUMNS, "one entry point that an initiative took, in the order in which it took them"),
    sheet("Challenges", Some("challengesFaced"), &challenge::COLUMNS, "one challenge that an initiative met; each challenge once"),
    sheet("Conditions", Some("conditionsChanged"), &condition::COLUMNS, "one condition for change; each condition once"),
    sheet("Funding terms", Some("fundingTerms"), &funding_term::COLUMNS, "the terms that one sum of money came with"),
];

/// Removes from a header what does not matter in a comparison: case, spaces and punctuation.
pub fn fold_header(header: &str) -> String {
    header
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// Finds the sheet and the column of the field at a path, or of the field that contains it.
pub fn find_column(path: &str) -> Option<(&'static Sheet, &'static Column)> {
    let (list, rest) = path.split_once('/').unwrap_or((path, ""));
    let of_list = SHEETS.iter().find(|sheet| sheet.list == Some(list));
    let (sheet, field) = match (of_list, rest.split_once('/')) {
        (Some(sheet), Some((_, field))) => (sheet, field),
        (Some(_), None) => return None,
        (None, _) => (&SHEETS[0], path),
    };
    let mut columns = sheet
        .columns
        .iter()
        .filter(|column| column.kind != ColumnKind::Money);
    let column = columns.find(|column| paths::is_within(field, column.path))?;
    Some((sheet, column))
}

impl Sheet {
    /// Finds a sheet by its name or by the name of its list. Returns its index in [`SHEETS`].
    pub fn find(name: &str) -> Option<usize> {
        let name = fold_header(name);
        SHEETS.iter().position(|sheet| {
            fold_header(sheet.name) == name || sheet.list.is_some_and(|list| fold_header(list) == name)
        })
    }

    /// Finds a column by its header or by the path of its field. Returns its index.
    pub fn find_column(&self, header: &str) -> Option<usize> {
        let header = fold_header(header);
        // Two columns have the field of the amount. Its path names the one in the minor unit.
        let named = |column: &Column| fold_header(column.path) == header && column.kind != ColumnKind::Money;
        let by_header = self
            .columns
            .iter()
            .position(|column| fold_header(column.header) == header);
        by_header.or_else(|| self.columns.iter().position(named))
    }

    /// Returns the path of a field of an item, or of the record if the sheet has no list.
    pub fn field_path(&self, item: usize, field: &str) -> String {
        self.list
            .map_or_else(|| field.to_owned(), |list| format!("{list}/{item}/{field}"))
    }
}

/// Returns whether a record or a part of it has a field of this name.
pub fn is_known_field(name: &str) -> bool {
    SHEETS.iter().any(|sheet| {
        let mut paths = sheet.columns.iter().map(|column| column.path);
        sheet.list == Some(name) || paths.any(|path| path.split('/').any(|step| step == name))
    })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::fields::column::{CORRECTIONS_COLUMN, GUIDANCE, RECORD};

    #[test]
    fn columns_are_found_by_header_and_by_field() {
        for sheet in &SHEETS {
            let mut names = BTreeSet::new();
            for (at, column) in sheet.columns.iter().enumerate() {
                assert_eq!(sheet.find_column(&column.header.to_uppercase()), Some(at));
                if column.kind != ColumnKind::Money {
                    assert_eq!(
                        sheet.find_column(&column.dotted_path()),
                        Some(at),
                        "{}",
                        column.path
                    );
                }
                assert!(names.insert(fold_header(column.header)), "{}", column.header);
                assert!(column.note.len() > 5, "{}", column.header);
                for special in [RECORD, CORRECTIONS_COLUMN] {
                    assert_ne!(fold_header(column.header), fold_header(special));
                }
            }
        }
        assert_eq!(Sheet::find("funding terms "), Some(4));
        assert_eq!(Sheet::find("challengesFaced"), Some(2));
        assert_eq!(Sheet::find(GUIDANCE), None);
    }
}
