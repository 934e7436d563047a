//! The sheets of a workbook. The template, exports, corrected workbooks, CSV files and the readers of them all are made
//! from this table and from the columns of each part's [fields](crate::fields).

use crate::fields::column::{Column, ColumnKind};
use crate::fields::{challenge, condition, entry_point, funding_term, record};

/// One sheet.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sheet {
    /// What it is called.
    pub name: &'static str,
    /// The list of the record that its rows are items of; none for the records themselves.
    pub list: Option<&'static str>,
    /// What one row of it is, in plain words.
    pub row_description: &'static str,
    /// Its columns, without those that say which record a row belongs to.
    pub columns: &'static [Column],
}

/// The sheets, the records themselves first.
pub const SHEETS: [Sheet; 5] = [
    Sheet {
        name: "Initiatives",
        list: None,
        row_description: "one initiative",
        columns: &record::COLUMNS,
    },
    Sheet {
        name: "Entry points",
        list: Some("entryPoints"),
        row_description: "one entry point that an initiative took, in the order in which it took them",
        columns: &entry_point::COLUMNS,
    },
    Sheet {
        name: "Challenges",
        list: Some("challengesFaced"),
        row_description: "one challenge that an initiative met; each challenge once",
        columns: &challenge::COLUMNS,
    },
    Sheet {
        name: "Conditions",
        list: Some("conditionsChanged"),
        row_description: "one condition for change; each condition once",
        columns: &condition::COLUMNS,
    },
    Sheet {
        name: "Funding terms",
        list: Some("fundingTerms"),
        row_description: "the terms that one sum of money came with",
        columns: &funding_term::COLUMNS,
    },
];

/// A header without what does not matter in it: case, spaces, and what stands between words.
pub fn fold_header(header: &str) -> String {
    header
        .chars()
        .filter(|letter| letter.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// The sheet and the column of the field at a path of a record; of what lies within a field, that field's.
pub fn find_column(path: &str) -> Option<(&'static Sheet, &'static Column)> {
    let (list, rest) = path.split_once('/').unwrap_or((path, ""));
    let of_list = SHEETS.iter().find(|sheet| sheet.list == Some(list));
    let (sheet, field) = match (of_list, rest.split_once('/')) {
        (Some(sheet), Some((_, field))) => (sheet, field),
        (Some(_), None) => return None,
        (None, _) => (&SHEETS[0], path),
    };
    let is_it = |column: &&Column| {
        let within = field.strip_prefix(column.path);
        column.kind != ColumnKind::Money
            && within.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    sheet.columns.iter().find(is_it).map(|column| (sheet, column))
}

impl Sheet {
    /// The sheet of that name, or of the record's list of that name; its place among [`SHEETS`].
    pub fn find(name: &str) -> Option<usize> {
        let name = fold_header(name);
        SHEETS.iter().position(|sheet| {
            fold_header(sheet.name) == name || sheet.list.is_some_and(|list| fold_header(list) == name)
        })
    }

    /// The column with that header, or of the field of that name; its place among the columns.
    pub fn find_column(&self, header: &str) -> Option<usize> {
        let header = fold_header(header);
        // The column in minor units is the one that bears the field's own name.
        let named = |column: &Column| fold_header(column.path) == header && column.kind != ColumnKind::Money;
        let by_header = self
            .columns
            .iter()
            .position(|column| fold_header(column.header) == header);
        by_header.or_else(|| self.columns.iter().position(named))
    }

    /// The path of a field of an item, or of the record.
    pub fn field_path(&self, item: usize, field: &str) -> String {
        self.list
            .map_or_else(|| field.to_owned(), |list| format!("{list}/{item}/{field}"))
    }
}

/// Whether a record, or a part of one, has a field of this name.
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
