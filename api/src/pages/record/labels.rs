//! The words for the fields of a record. They come from the columns of workbooks, so that pages and workbooks say the same.

use wayin_entity::to_heading;
use wayin_records::fields::column::Column;
use wayin_records::workbook::columns::{SHEETS, Sheet};

const RECORD_SHEETS: &[Sheet] = &SHEETS;

/// The words for a field of a record.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldLabel {
    /// The item of a list that has the field, such as "Funding term 1".
    pub part: Option<String>,
    /// The field, such as "Length in months". Empty for a whole item.
    pub field: String,
    /// What belongs in the field.
    pub note: Option<&'static str>,
    /// The column of the field in workbooks. None for a field that records do not have.
    pub column: Option<&'static Column>,
}

/// Where a field is, in the order of the columns of workbooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FieldPosition {
    sheet: usize,
    /// The item of the list, from 1. 0 for the whole list, and for the record itself.
    item: usize,
    column: usize,
}

impl FieldPosition {
    /// Whether two fields belong to the same item, or both to the record itself.
    pub const fn is_in_same_part(self, other: Self) -> bool {
        self.sheet == other.sheet && self.item == other.item
    }
}

struct LocatedField<'a> {
    sheet_index: usize,
    item: Option<usize>,
    /// The path within the item or the record.
    field: &'a str,
}

impl LocatedField<'_> {
    fn sheet(&self) -> &'static Sheet {
        &RECORD_SHEETS[self.sheet_index]
    }
}

impl FieldLabel {
    /// The label in one line, such as "Funding term 1: length in months".
    pub fn words(&self) -> String {
        match &self.part {
            None => self.field.clone(),
            Some(part) if self.field.is_empty() => part.clone(),
            Some(part) => format!("{part}: {}", lower_first(&self.field)),
        }
    }

    /// The label below a heading that names the item.
    pub fn words_in_part(&self) -> String {
        match &self.part {
            Some(part) if self.field.is_empty() => part.clone(),
            _ => self.field.clone(),
        }
    }
}

/// Labels the field at a path such as `fundingTerms/0/durationMonths`. A path in brackets
/// (`fundingTerms[0].durationMonths`) means the same.
pub fn label_field(path: &str) -> FieldLabel {
    let path = normalise_path(path);
    if path.is_empty() {
        return FieldLabel {
            part: None,
            field: "The record".into(),
            note: None,
            column: None,
        };
    }
    let located = locate_field(&path);
    let sheet = located.sheet();
    let part = sheet.list.map(|_| match located.item {
        Some(item) => format!("{} {}", item_name(sheet), item + 1),
        None => sheet.name.to_owned(),
    });
    let found = find_column(sheet, located.field).map(|(_, column)| column);
    let field = match (found, located.field.strip_prefix("missing/")) {
        (Some(column), _) => column.header.to_owned(),
        (None, Some(name)) => format!("{} (why there is no answer)", name_field(sheet, name)),
        (None, None) => name_field(sheet, located.field),
    };
    FieldLabel {
        part,
        field,
        note: found.map(|column| column.note),
        column: found,
    }
}

/// The heading of the item or the record that has the field at a path.
pub fn name_part(path: &str) -> String {
    label_field(path)
        .part
        .unwrap_or_else(|| item_name(&RECORD_SHEETS[0]).to_owned())
}

/// The position of the field at a path. Fields that records do not have come last in their part.
pub fn find_position(path: &str) -> FieldPosition {
    let path = normalise_path(path);
    let located = locate_field(&path);
    let field = located.field.strip_prefix("missing/").unwrap_or(located.field);
    let column = find_column(located.sheet(), located.field)
        .or_else(|| find_column(located.sheet(), field))
        .or_else(|| find_first_within(located.sheet(), field));
    FieldPosition {
        sheet: located.sheet_index,
        item: located.item.map_or(0, |item| item + 1),
        column: column.map_or(usize::MAX, |(index, _)| index),
    }
}

/// Whether a path is `ancestor` or leads to something inside it.
pub fn is_within(path: &str, ancestor: &str) -> bool {
    let rest = path.strip_prefix(ancestor);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn normalise_path(path: &str) -> String {
    path.replace(['[', '.'], "/").replace(']', "")
}

fn locate_field(path: &str) -> LocatedField<'_> {
    let (first, rest) = path.split_once('/').unwrap_or((path, ""));
    let Some(sheet_index) = RECORD_SHEETS.iter().position(|sheet| sheet.list == Some(first)) else {
        return LocatedField {
            sheet_index: 0,
            item: None,
            field: path,
        };
    };
    let (number, field) = rest.split_once('/').unwrap_or((rest, ""));
    match number.parse() {
        Ok(item) => LocatedField {
            sheet_index,
            item: Some(item),
            field,
        },
        Err(_) => LocatedField {
            sheet_index,
            item: None,
            field: rest,
        },
    }
}

/// Finds the column of a field, or of the field that contains it. Of the two columns of an amount, it is the one in the main
/// unit.
fn find_column(sheet: &'static Sheet, field: &str) -> Option<(usize, &'static Column)> {
    let mut columns = sheet.columns.iter().enumerate();
    columns.find(|(_, column)| is_within(field, column.path))
}

/// Finds the first column of a field that has several, such as `place`.
fn find_first_within(sheet: &'static Sheet, field: &str) -> Option<(usize, &'static Column)> {
    let mut columns = sheet.columns.iter().enumerate();
    columns.find(|(_, column)| !field.is_empty() && is_within(column.path, field))
}

/// The header of the column of a field. A field without one, such as a field of several columns, has its own name in words.
fn name_field(sheet: &'static Sheet, field: &str) -> String {
    if let Some((_, column)) = find_column(sheet, field) {
        return column.header.to_owned();
    }
    let mut words = String::new();
    for letter in field.chars() {
        if letter.is_uppercase() {
            words.push(' ');
            words.extend(letter.to_lowercase());
        } else if letter == '/' {
            words.push_str(", ");
        } else {
            words.push(letter);
        }
    }
    to_heading(words.trim())
}

/// The name of one row of a sheet: "Funding term" for the sheet "Funding terms".
fn item_name(sheet: &'static Sheet) -> &'static str {
    sheet.name.strip_suffix('s').unwrap_or(sheet.name)
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters
        .next()
        .map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use wayin_records::fields::column::ColumnKind;
    use wayin_records::fields::{
        ChallengeField, ConditionField, EntryPointField, Field, FundingTermField, RecordField,
    };

    use super::*;

    #[test]
    fn every_column_gives_its_field_a_label() {
        let mut labels = BTreeSet::new();
        for sheet in &SHEETS {
            for column in sheet.columns {
                let path = sheet.field_path(0, column.path);
                let label = label_field(&path);
                let minor = column.path == "amountMinor" && column.kind != ColumnKind::Money;
                if minor {
                    assert_eq!(label.field, "Amount");
                    continue;
                }
                assert_eq!(label.field, column.header, "{path}");
                assert_eq!(label.note, Some(column.note), "{path}");
                assert_eq!(label.part.is_some(), sheet.list.is_some(), "{path}");
                assert!(
                    labels.insert(label.words()),
                    "{path} has the label of another field"
                );
            }
        }
    }

    #[test]
    fn every_field_that_may_be_missing_has_a_label_for_the_reason() {
        fn assert_labelled<F: Field>(within: &str) {
            for name in F::NAMES {
                let label = label_field(&format!("{within}missing/{name}"));
                let words = label.words().to_lowercase();
                assert!(words.contains("why"), "{name}: {words}");
                assert!(!words.contains("missing"), "{name}: {words}");
            }
        }
        assert_labelled::<RecordField>("");
        assert_labelled::<EntryPointField>("entryPoints/0/");
        assert_labelled::<ChallengeField>("challengesFaced/1/");
        assert_labelled::<ConditionField>("conditionsChanged/2/");
        assert_labelled::<FundingTermField>("fundingTerms/3/");
    }

    #[test]
    fn paths_become_words() {
        for (path, words) in [
            ("title", "Title"),
            (
                "fundingTerms[0].durationMonths",
                "Funding term 1: length in months",
            ),
            ("fundingTerms/1/funder", "Funding term 2: funder"),
            ("fundingTerms/1", "Funding term 2"),
            ("fundingTerms", "Funding terms"),
            ("challengesFaced/0/reasons/2", "Challenge 1: reasons"),
            ("place", "Place"),
            ("leadOrganisation", "Lead organisation"),
            ("sharing", "Sharing"),
            (
                "fundingTerms/0/missing/renewable",
                "Funding term 1: may be renewed (why there is no answer)",
            ),
            ("colour", "Colour"),
            ("", "The record"),
        ] {
            assert_eq!(label_field(path).words(), words, "{path}");
        }
    }

    #[test]
    fn fields_are_in_the_order_of_workbooks() {
        let paths = [
            "title",
            "place",
            "startedOn",
            "missing/endedOn",
            "colour",
            "entryPoints/0/entryPoint",
            "fundingTerms/0/funder/name",
            "fundingTerms/0/endsOn",
            "fundingTerms/10/funder",
        ];
        let positions: Vec<FieldPosition> = paths.iter().map(|path| find_position(path)).collect();
        assert!(positions.is_sorted(), "{positions:?}");
        assert!(positions[6].is_in_same_part(positions[7]));
        assert!(!positions[7].is_in_same_part(positions[8]));
    }
}
