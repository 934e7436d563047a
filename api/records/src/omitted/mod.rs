//! Compares a record of a file with the published record that it replaces. Fields without a column in the file keep their
//! published values. Values that the new record clears are reported.

mod item_matching;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use wayin_vocabulary::Visibility;

use self::item_matching::{ItemMatches, describe_item};
use crate::fields::column::{REFERENCE_PATH, VERSION_PATH};
use crate::paths;
use crate::problem::{Problem, ProblemCode};
use crate::workbook::columns::{SHEETS, Sheet};

/// The fields with several columns, which are one answer.
const COMPOSITE_FIELDS: [&str; 3] = ["place", "leadOrganisation", "funder"];

/// The fields and lists for which a file has no column.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AbsentColumns {
    /// The paths of fields of the record.
    fields: Vec<&'static str>,
    /// The lists without any column.
    lists: Vec<&'static str>,
    /// The fields of the items of other lists.
    items: Vec<(&'static str, AbsentFields)>,
}

/// The fields of the items of a list for which a file has no column.
#[derive(Clone, Debug, PartialEq, Eq)]
enum AbsentFields {
    /// In a workbook: each item is a row, and all items have the same columns.
    ByRow(Vec<&'static str>),
    /// In a table: each item has its own columns. By the positions that have columns.
    ByPosition(BTreeMap<usize, Vec<&'static str>>),
}

/// The fields of a record for which its file has no column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OmittedFields {
    columns: Arc<AbsentColumns>,
    /// In a table: the positions of the items of each list.
    positions: BTreeMap<&'static str, Vec<usize>>,
}

/// Returns the field that a column answers.
fn get_answer_field(path: &'static str) -> &'static str {
    let field = path.split('/').next().unwrap_or(path);
    if COMPOSITE_FIELDS.contains(&field) {
        field
    } else {
        path
    }
}

/// Lists the fields that identify an item of a list.
fn list_identifying_fields(list: &str) -> &'static [&'static str] {
    match list {
        "entryPoints" => &["entryPoint", "perspective"],
        "challengesFaced" => &["challenge"],
        "conditionsChanged" => &["condition"],
        _ => &["funder"],
    }
}

/// Lists the fields of a sheet that are not among some of its columns.
fn list_absent_fields(sheet: &'static Sheet, columns: &BTreeSet<usize>) -> Vec<&'static str> {
    let stated = columns.iter().filter_map(|column| sheet.columns.get(*column));
    let stated: BTreeSet<&str> = stated.map(|column| get_answer_field(column.path)).collect();
    let mut absent = list_answer_fields(sheet);
    absent.retain(|field| !stated.contains(field) && ![REFERENCE_PATH, VERSION_PATH].contains(field));
    absent.into_iter().collect()
}

fn list_answer_fields(sheet: &'static Sheet) -> BTreeSet<&'static str> {
    let columns = sheet.columns.iter();
    columns.map(|column| get_answer_field(column.path)).collect()
}

impl AbsentColumns {
    /// Computes what a workbook lacks from the columns of each sheet. `None` for a sheet that it does not have.
    pub fn from_sheets(columns: &[Option<BTreeSet<usize>>; 5]) -> Self {
        let mut absent = Self::default();
        for (sheet, columns) in SHEETS.iter().zip(columns) {
            let Some(columns) = columns else {
                absent.lists.extend(sheet.list);
                continue;
            };
            let fields = list_absent_fields(sheet, columns);
            match sheet.list {
                None => absent.fields.extend(fields),
                Some(list) => absent.items.push((list, AbsentFields::ByRow(fields))),
            }
        }
        absent
    }

    /// Computes what a table lacks from its columns, by sheet and position in the list, counted from 0.
    pub fn from_table(columns: &BTreeMap<(usize, usize), BTreeSet<usize>>) -> Self {
        let mut absent = Self::default();
        for (number, sheet) in SHEETS.iter().enumerate() {
            let of_sheet = columns.range((number, 0)..=(number, usize::MAX));
            let positions: BTreeMap<_, _> = of_sheet
                .map(|((_, position), columns)| (*position, list_absent_fields(sheet, columns)))
                .collect();
            match sheet.list {
                None => absent.fields.extend(positions.into_values().flatten()),
                Some(list) if positions.is_empty() => absent.lists.push(list),
                Some(list) => absent.items.push((list, AbsentFields::ByPosition(positions))),
            }
        }
        absent
    }
}

impl OmittedFields {
    /// Creates the omitted fields of a record of a file.
    pub const fn new(columns: Arc<AbsentColumns>) -> Self {
        Self {
            columns,
            positions: BTreeMap::new(),
        }
    }

    /// Adds the position of the next item of a list.
    pub fn add_position(&mut self, list: &'static str, position: usize) {
        self.positions.entry(list).or_default().push(position);
    }

    /// Returns whether the file has all columns. A table never has all positions of a list.
    pub fn is_empty(&self) -> bool {
        self.columns.fields.is_empty()
            && self.columns.lists.is_empty()
            && self.columns.items.iter().all(|(_, fields)| match fields {
                AbsentFields::ByRow(fields) => fields.is_empty(),
                AbsentFields::ByPosition(_) => false,
            })
    }

    /// Sets the omitted fields to their published values.
    pub fn fill_from_published(&self, document: &mut Value, published: &Value) {
        let Some(document) = document.as_object_mut() else {
            return;
        };
        // A missing reason for a list is an answer for the list.
        let has_reason = |document: &Map<String, Value>, list: &str| {
            document.get("missing").is_some_and(|why| why.get(list).is_some())
        };
        for list in &self.columns.lists {
            if !has_reason(document, list) {
                restore_field(document, published, list);
            }
        }
        for (list, fields) in &self.columns.items {
            match fields {
                AbsentFields::ByRow(fields) => restore_in_rows(document, published, list, fields),
                AbsentFields::ByPosition(_) if has_reason(document, list) => {}
                AbsentFields::ByPosition(fields) => {
                    let positions = self.positions.get(list).map_or(&[][..], Vec::as_slice);
                    restore_by_position(document, published, list, fields, positions);
                }
            }
        }
        for field in &self.columns.fields {
            let is_settled = match *field {
                // A record has a last day or is ongoing, not both.
                "ongoing" => document.get("endedOn").is_some_and(|day| !day.is_null()),
                "endedOn" => document.get("ongoing") == Some(&Value::Bool(true)),
                field => field
                    .strip_prefix("missing/")
                    .is_some_and(|list| !as_items(document.get(list)).is_empty()),
            };
            if !is_settled {
                restore_field(document, published, field);
            }
        }
    }
}

/// Restores the fields of items for which a sheet has no column.
fn restore_in_rows(
    document: &mut Map<String, Value>,
    published: &Value,
    list: &'static str,
    fields: &[&'static str],
) {
    let Some(Value::Array(after)) = document.get_mut(list) else {
        return;
    };
    let pairs = ItemMatches::new(list, as_items(published.get(list)), after);
    let known: Vec<_> = pairs.counterparts().collect();
    for (item, known) in after.iter_mut().zip(known) {
        *item = restore_item_fields(item.take(), known, fields);
    }
}

/// Restores the items of a list and their fields for which a table has no column.
fn restore_by_position(
    document: &mut Map<String, Value>,
    published: &Value,
    list: &'static str,
    fields: &BTreeMap<usize, Vec<&'static str>>,
    positions: &[usize],
) {
    let mut after = match document.remove(list) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(after)) if after.len() == positions.len() => after,
        Some(other) => {
            document.insert(list.to_owned(), other);
            return;
        }
    };
    let before = as_items(published.get(list));
    let absent = |position: usize| fields.get(&position).map_or(&[][..], Vec::as_slice);
    let names = list_identifying_fields(list);
    let is_unnamed = |position: usize| names.iter().any(|name| absent(position).contains(name));
    let pairs = ItemMatches::with_positions(list, before, &after, positions, is_unnamed);
    let known: Vec<_> = pairs.counterparts().collect();
    // Without columns that identify it, an item stays, even if its other columns are empty.
    let is_only_cleared = |position: usize| {
        fields.contains_key(&position)
            && !positions.contains(&position)
            && names.iter().all(|name| absent(position).contains(name))
    };
    let mut by_position = BTreeMap::new();
    for (position, item) in before
        .iter()
        .enumerate()
        .filter(|(position, _)| pairs.is_unmatched(*position))
    {
        if is_only_cleared(position) {
            by_position.insert(
                position,
                restore_item_fields(json!({}), Some(item), absent(position)),
            );
        } else if !fields.contains_key(&position) {
            by_position.insert(position, item.clone());
        }
    }
    for ((item, position), known) in after.drain(..).zip(positions).zip(known) {
        by_position.insert(*position, restore_item_fields(item, known, absent(*position)));
    }
    if !by_position.is_empty() {
        document.insert(list.to_owned(), by_position.into_values().collect());
    }
}

/// Restores fields of an item.
fn restore_item_fields(mut item: Value, known: Option<&Value>, fields: &[&'static str]) -> Value {
    if let (Value::Object(item), Some(known)) = (&mut item, known) {
        fields.iter().for_each(|field| restore_field(item, known, field));
    }
    item
}

/// Sets a field to its published value or its published missing reason.
fn restore_field(document: &mut Map<String, Value>, published: &Value, path: &str) {
    if let Some(value) = paths::find(published, path).filter(|value| !is_blank(value)) {
        paths::set(document, path, value.clone());
        return;
    }
    let field = path.split('/').next().unwrap_or(path);
    let why = published.get("missing").and_then(|missing| missing.get(field));
    if let Some(why) = why.filter(|_| field != "missing") {
        paths::set(document, &format!("missing/{field}"), why.clone());
    }
}

fn is_blank(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(all) => all.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        Value::Bool(true) | Value::Number(_) => false,
    }
}

fn as_items(list: Option<&Value>) -> &[Value] {
    list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// Finds the values of a published record that the record which replaces it leaves empty.
pub fn find_cleared(published: &Value, record: &Value) -> Vec<Problem> {
    let mut found = Vec::new();
    for sheet in &SHEETS {
        let mut answers = list_answer_fields(sheet);
        answers.retain(|answer| !answer.starts_with("missing/"));
        match sheet.list {
            None => {
                for field in answers {
                    collect_cleared(&mut found, field.to_owned(), field, published, record);
                }
                find_cleared_reasons(&mut found, "", published, record);
                find_cleared_visibility(&mut found, published, record);
            }
            Some(list) => {
                let (before, after) = (as_items(published.get(list)), as_items(record.get(list)));
                let pairs = ItemMatches::new(list, before, after);
                for item in pairs.unmatched() {
                    let reason = format!(
                        "{} is cleared from {list}: the published record has it, and this one does not",
                        describe_item(list, item)
                    );
                    found.push(Problem::new(ProblemCode::Cleared, list, reason));
                }
                for (at, (item, known)) in pairs.after.iter().zip(pairs.counterparts()).enumerate() {
                    let Some(known) = known else { continue };
                    for field in &answers {
                        collect_cleared(&mut found, format!("{list}/{at}/{field}"), field, known, item);
                    }
                    find_cleared_reasons(&mut found, &format!("{list}/{at}/"), known, item);
                }
            }
        }
    }
    found
}

/// Finds missing reasons that were removed without an answer in their position.
fn find_cleared_reasons(found: &mut Vec<Problem>, prefix: &str, before: &Value, after: &Value) {
    let reasons = before.get("missing").and_then(Value::as_object);
    for field in reasons.into_iter().flat_map(Map::keys) {
        let has_reason = after
            .get("missing")
            .is_some_and(|reasons| reasons.get(field).is_some());
        if !has_reason && after.get(field).is_none_or(is_blank) {
            let path = format!("{prefix}{field}");
            let reason = format!("{path} no longer says why it is missing, as the published record does");
            found.push(Problem::new(ProblemCode::Cleared, path, reason));
        }
    }
}

/// Reports a visibility that falls back to the default, at which a record is only counted.
fn find_cleared_visibility(found: &mut Vec<Problem>, published: &Value, record: &Value) {
    const VISIBILITY_FIELD: &str = "visibility";
    let default = json!(Visibility::AggregateOnly);
    let before = published
        .get(VISIBILITY_FIELD)
        .filter(|before| **before != default);
    if let Some(before) =
        before.filter(|_| record.get(VISIBILITY_FIELD).is_none_or(|after| *after == default))
    {
        let reason = format!("{VISIBILITY_FIELD} was {before} in the published record, and is {default} now");
        found.push(Problem::new(
            ProblemCode::Cleared,
            VISIBILITY_FIELD,
            reason.replace('"', ""),
        ));
    }
}

fn collect_cleared(found: &mut Vec<Problem>, path: String, field: &str, before: &Value, after: &Value) {
    let has_value = |part: &Value| paths::find(part, field).is_some_and(|value| !is_blank(value));
    if has_value(before) && !has_value(after) {
        // The message names the field, because an empty cell has no position.
        let reason = format!("{path} is cleared: the published record has it, and this one does not");
        found.push(Problem::new(ProblemCode::Cleared, path, reason));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_columns(columns: &[&[&str]; 5]) -> OmittedFields {
        let mut at = 0;
        let absent = AbsentColumns::from_sheets(&columns.map(|columns| {
            let sheet = &SHEETS[at];
            at += 1;
            let found = columns.iter().map(|column| sheet.find_column(column).unwrap());
            (at == 1 || !columns.is_empty()).then(|| found.collect())
        }));
        OmittedFields::new(Arc::new(absent))
    }

    #[test]
    fn fields_without_a_column_keep_their_published_value() {
        let published = json!({
            "externalRef": "a", "title": "A", "summary": "S", "place": {"code": "E08000025"},
            "ongoing": true, "visibility": "OPEN",
            "source": {"kind": "SELF_REPORT", "title": "T", "url": "https://example.org"},
            "missing": {"startedOn": "NOT_KNOWN"},
            "challengesFaced": [
                {"challenge": "C1", "step": "TAKEN", "note": "N"},
                {"challenge": "C2", "step": "RUSHED"},
            ],
            "fundingTerms": [{"funder": {"name": "F"}, "amountMinor": 5}],
        });
        let file = with_columns(&[
            &["externalRef", "title", "summary", "source.kind", "source.title"],
            &[],
            &["challenge", "step"],
            &[],
            &[],
        ]);
        let mut record = json!({
            "externalRef": "a", "title": "B", "visibility": "AGGREGATE_ONLY",
            "source": {"kind": "SELF_REPORT", "title": "T"},
            "challengesFaced": [{"challenge": "C2"}, {"challenge": "C1", "step": "SKIPPED"}],
        });
        file.fill_from_published(&mut record, &published);
        let expected = json!({
            "externalRef": "a", "title": "B", "place": {"code": "E08000025"},
            "ongoing": true, "visibility": "OPEN",
            "source": {"kind": "SELF_REPORT", "title": "T", "url": "https://example.org"},
            "missing": {"startedOn": "NOT_KNOWN"},
            "challengesFaced": [{"challenge": "C2"}, {"challenge": "C1", "step": "SKIPPED", "note": "N"}],
            "fundingTerms": [{"funder": {"name": "F"}, "amountMinor": 5}],
        });
        assert_eq!(record, expected);
        let paths: Vec<String> = find_cleared(&published, &record)
            .into_iter()
            .map(|one| one.path)
            .collect();
        assert_eq!(paths, ["summary", "challengesFaced/0/step"]);
    }

    #[test]
    fn given_end_date_is_not_contradicted_by_omitted_fields() {
        let file = with_columns(&[&["title", "endedOn"], &[], &[], &[], &[]]);
        let mut record = json!({"title": "A", "endedOn": "2024-01-01"});
        file.fill_from_published(
            &mut record,
            &json!({"title": "A", "ongoing": true, "sharedWithFunders": true}),
        );
        let expected = json!({"title": "A", "endedOn": "2024-01-01", "sharedWithFunders": true});
        assert_eq!(record, expected);
    }

    #[test]
    fn funding_terms_are_matched_by_funder() {
        let file = with_columns(&[&["title"], &[], &[], &[], &["funder.name", "durationMonths"]]);
        let published = json!({"fundingTerms": [
            {"funder": {"name": "F", "identifier": "GB-CHC-1"}, "amountMinor": 1, "durationMonths": 12},
            {"funder": {"name": "G"}, "amountMinor": 2, "missing": {"renewable": "NO_REPLY"}},
        ]});
        let amounts = |names: &[&str]| {
            let terms: Vec<Value> = names
                .iter()
                .map(|name| json!({"funder": {"name": name}}))
                .collect();
            let mut record = json!({"fundingTerms": terms});
            file.fill_from_published(&mut record, &published);
            let terms = as_items(record.get("fundingTerms")).iter();
            let amounts: Vec<Option<i64>> = terms.map(|term| term.get("amountMinor")?.as_i64()).collect();
            let cleared = find_cleared(&published, &record).into_iter();
            let cleared: Vec<String> = cleared.map(|one| one.reason).collect();
            (amounts, cleared)
        };
        let without_months =
            "fundingTerms/0/durationMonths is cleared: the published record has it, and this one does not";
        assert_eq!(
            amounts(&["F", "G", "H"]),
            (vec![Some(1), Some(2), None], vec![without_months.to_owned()])
        );
        let (swapped, _) = amounts(&["g", "f"]);
        assert_eq!(swapped, [Some(2), Some(1)]);
        let (renamed, cleared) = amounts(&["F Trust", "G"]);
        assert_eq!(renamed, [None, Some(2)]);
        assert_eq!(
            cleared,
            [
                "the term of F is cleared from fundingTerms: the published record has it, and this one does not"
            ]
        );
        let (of_two_alike, _) = amounts(&["F", "F"]);
        assert_eq!(of_two_alike, [None, None], "none of them is known to be meant");
    }

    #[test]
    fn cleared_reasons_items_and_visibility_are_reported() {
        let published = json!({
            "visibility": "MEMBERS",
            "missing": {"endedOn": "NOT_APPLICABLE", "startedOn": "NOT_ASKED", "conditionsChanged": "NO_REPLY"},
            "challengesFaced": [{"challenge": "B", "missing": {"step": "NOT_ASKED"}}, {"challenge": "A"}],
        });
        let record = json!({
            "visibility": "AGGREGATE_ONLY",
            "startedOn": "2021-04-01",
            "missing": {"conditionsChanged": "NOT_ASKED"},
            "challengesFaced": [{"challenge": "C"}, {"challenge": "B"}],
        });
        let found = find_cleared(&published, &record).into_iter();
        let found: Vec<String> = found.map(|one| one.reason).collect();
        insta::assert_snapshot!(found.join("\n"), @"
        endedOn no longer says why it is missing, as the published record does
        visibility was MEMBERS in the published record, and is AGGREGATE_ONLY now
        A is cleared from challengesFaced: the published record has it, and this one does not
        challengesFaced/1/step no longer says why it is missing, as the published record does
        ");
    }

    #[test]
    fn funding_terms_are_matched_by_grant_or_by_position_and_funder() {
        let file = with_columns(&[&["title"], &[], &[], &[], &["funder", "grantIdentifier"]]);
        let published = json!({"fundingTerms": [
            {"funder": {"name": "F"}, "grantIdentifier": "360G-1", "amountMinor": 1},
            {"funder": {"name": "G"}, "amountMinor": 2},
        ]});
        let mut record = json!({"fundingTerms": [
            {"funder": {"name": "H"}},
            {"funder": {"name": "F"}, "grantIdentifier": "360G-1"},
        ]});
        file.fill_from_published(&mut record, &published);
        let terms = &record["fundingTerms"];
        assert_eq!(
            (&terms[0]["amountMinor"], &terms[1]["amountMinor"]),
            (&Value::Null, &json!(1))
        );
        let mut record = json!({"fundingTerms": [{"funder": {"name": "F"}}, {"funder": {"name": "G"}}]});
        file.fill_from_published(&mut record, &published);
        assert_eq!(record["fundingTerms"][1]["amountMinor"], json!(2));
    }
}
