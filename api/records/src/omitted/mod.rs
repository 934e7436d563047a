//! What a table or workbook has no column for: that part of the published record stays as it is. And what a record
//! leaves empty that the one it replaces held. Pure.

mod item_matching;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use wayin_vocabulary::Visibility;

use self::item_matching::{ItemMatches, describe_item};
use crate::fields::column::{REFERENCE_PATH, VERSION_PATH};
use crate::problem::{Problem, ProblemCode};
use crate::workbook::columns::{SHEETS, Sheet};

/// The fields of which several columns are one answer.
const COMPOSITE_FIELDS: [&str; 3] = ["place", "leadOrganisation", "funder"];

/// What a file has no column for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AbsentColumns {
    /// The fields of the record itself, as paths.
    fields: Vec<&'static str>,
    /// The lists that the file has no sheet or column for.
    lists: Vec<&'static str>,
    /// Of the other lists the fields of their items.
    items: Vec<(&'static str, AbsentFields)>,
}

/// The fields of a list's items that a file has no column for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum AbsentFields {
    /// Each item is a row, and all have the same columns.
    ByRow(Vec<&'static str>),
    /// Each item has columns of its own: by the places that the file has columns for.
    ByPosition(BTreeMap<usize, Vec<&'static str>>),
}

/// What the file of a record does not say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OmittedFields {
    columns: Arc<AbsentColumns>,
    /// For each item of a list its place there, where the file numbers its items.
    positions: BTreeMap<&'static str, Vec<usize>>,
}

/// What a column's path is an answer to.
fn answer_field(path: &'static str) -> &'static str {
    let field = path.split('/').next().unwrap_or(path);
    if COMPOSITE_FIELDS.contains(&field) {
        field
    } else {
        path
    }
}

/// The fields that say which item of a list is meant.
fn identifying_fields(list: &str) -> &'static [&'static str] {
    match list {
        "entryPoints" => &["entryPoint", "perspective"],
        "challengesFaced" => &["challenge"],
        "conditionsChanged" => &["condition"],
        _ => &["funder"],
    }
}

/// The fields of a sheet that some of its columns leave out.
fn list_absent_fields(sheet: &'static Sheet, columns: &BTreeSet<usize>) -> Vec<&'static str> {
    let stated: BTreeSet<&str> = columns
        .iter()
        .filter_map(|column| sheet.columns.get(*column))
        .map(|column| answer_field(column.path))
        .collect();
    let all: BTreeSet<&'static str> = sheet
        .columns
        .iter()
        .map(|column| answer_field(column.path))
        .collect();
    all.into_iter()
        .filter(|answer| !stated.contains(answer) && ![REFERENCE_PATH, VERSION_PATH].contains(answer))
        .collect()
}

impl AbsentColumns {
    /// What a workbook does not have that has these columns of each sheet; none of a sheet that it does not have.
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

    /// What a table does not have that has these columns, by the sheet and the place in its list, counted from 0.
    pub fn from_table(columns: &BTreeMap<(usize, usize), BTreeSet<usize>>) -> Self {
        let mut absent = Self::default();
        for (number, sheet) in SHEETS.iter().enumerate() {
            let of_sheet = columns.range((number, 0)..=(number, usize::MAX));
            let mut places =
                of_sheet.map(|((_, place), columns)| (*place, list_absent_fields(sheet, columns)));
            match sheet.list {
                None => absent.fields.extend(places.flat_map(|(_, fields)| fields)),
                Some(list) => match places.next() {
                    None => absent.lists.push(list),
                    Some(first) => {
                        let places = std::iter::once(first).chain(places).collect();
                        absent.items.push((list, AbsentFields::ByPosition(places)));
                    }
                },
            }
        }
        absent
    }
}

impl OmittedFields {
    /// What a record leaves unsaid by the absent columns of its file.
    pub const fn new(columns: Arc<AbsentColumns>) -> Self {
        Self {
            columns,
            positions: BTreeMap::new(),
        }
    }

    /// Says where in a list its next item is.
    pub fn add_position(&mut self, list: &'static str, place: usize) {
        self.positions.entry(list).or_default().push(place);
    }

    /// Whether the file has all there is. A table never has all the places of a list.
    pub fn is_empty(&self) -> bool {
        self.columns.fields.is_empty()
            && self.columns.lists.is_empty()
            && self.columns.items.iter().all(|(_, fields)| match fields {
                AbsentFields::ByRow(fields) => fields.is_empty(),
                AbsentFields::ByPosition(_) => false,
            })
    }

    /// Takes what the file does not have from the published record.
    pub fn fill_from_published(&self, document: &mut Value, published: &Value) {
        let Some(document) = document.as_object_mut() else {
            return;
        };
        // A reason for an empty list is an answer to the list.
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
                    let places = self.positions.get(list).map_or(&[][..], Vec::as_slice);
                    restore_by_position(document, published, list, fields, places);
                }
            }
        }
        for field in &self.columns.fields {
            let is_settled = match *field {
                // A record has an end or goes on.
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

/// Keeps the fields of items that a sheet has no column for.
fn restore_in_rows(
    document: &mut Map<String, Value>,
    published: &Value,
    list: &'static str,
    fields: &[&'static str],
) {
    let Some(Value::Array(after)) = document.get_mut(list) else {
        return;
    };
    let pairs = ItemMatches::new(list, list_items(published, list), after);
    let known: Vec<_> = pairs.counterparts().collect();
    for (item, known) in after.iter_mut().zip(known) {
        *item = restore_item_fields(item.take(), known, fields);
    }
}

/// Keeps the items of a list, and their fields, that a table has no column for.
fn restore_by_position(
    document: &mut Map<String, Value>,
    published: &Value,
    list: &'static str,
    fields: &BTreeMap<usize, Vec<&'static str>>,
    places: &[usize],
) {
    let mut after = match document.remove(list) {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(after)) if after.len() == places.len() => after,
        Some(other) => {
            document.insert(list.to_owned(), other);
            return;
        }
    };
    let before = list_items(published, list);
    let absent = |place: usize| fields.get(&place).map_or(&[][..], Vec::as_slice);
    let names = identifying_fields(list);
    let is_unnamed = |place: usize| names.iter().any(|name| absent(place).contains(name));
    let pairs = ItemMatches::with_positions(list, before, &after, places, is_unnamed);
    let known: Vec<_> = pairs.counterparts().collect();
    // Without a column for its name an item cannot go, whatever else of it is empty.
    let is_only_cleared = |place: usize| {
        fields.contains_key(&place)
            && !places.contains(&place)
            && names.iter().all(|name| absent(place).contains(name))
    };
    let mut by_place = BTreeMap::new();
    for (place, item) in before
        .iter()
        .enumerate()
        .filter(|(place, _)| pairs.is_unmatched(*place))
    {
        if is_only_cleared(place) {
            by_place.insert(place, restore_item_fields(json!({}), Some(item), absent(place)));
        } else if !fields.contains_key(&place) {
            by_place.insert(place, item.clone());
        }
    }
    for ((item, place), known) in after.drain(..).zip(places).zip(known) {
        by_place.insert(*place, restore_item_fields(item, known, absent(*place)));
    }
    if !by_place.is_empty() {
        document.insert(list.to_owned(), by_place.into_values().collect());
    }
}

/// An item with what is published of some of its fields.
fn restore_item_fields(mut item: Value, known: Option<&Value>, fields: &[&'static str]) -> Value {
    if let (Value::Object(item), Some(known)) = (&mut item, known) {
        fields.iter().for_each(|field| restore_field(item, known, field));
    }
    item
}

/// Keeps a field as it is published, or the reason why it is missing.
fn restore_field(document: &mut Map<String, Value>, published: &Value, path: &str) {
    let pointer = format!("/{path}");
    if let Some(kept) = published.pointer(&pointer).filter(|kept| !is_blank(kept)) {
        set_path(document, path, kept.clone());
        return;
    }
    let field = path.split('/').next().unwrap_or(path);
    let why = published.get("missing").and_then(|missing| missing.get(field));
    if let Some(why) = why.filter(|_| field != "missing") {
        set_path(document, &format!("missing/{field}"), why.clone());
    }
}

fn set_path(document: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('/') {
        None => {
            document.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = document.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                set_path(inner, rest, value);
            }
        }
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

fn list_items<'a>(record: &'a Value, list: &str) -> &'a [Value] {
    as_items(record.get(list))
}

/// What the published record holds that the one that is to replace it leaves empty.
pub fn find_cleared(published: &Value, record: &Value) -> Vec<Problem> {
    let mut found = Vec::new();
    for sheet in &SHEETS {
        let answers: BTreeSet<&'static str> = sheet
            .columns
            .iter()
            .map(|column| answer_field(column.path))
            .filter(|answer| !answer.starts_with("missing/"))
            .collect();
        match sheet.list {
            None => {
                for field in answers {
                    collect_cleared(&mut found, field.to_owned(), field, published, record);
                }
                find_cleared_reasons(&mut found, "", published, record);
                find_cleared_visibility(&mut found, published, record);
            }
            Some(list) => {
                let pairs = ItemMatches::new(list, list_items(published, list), list_items(record, list));
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

/// Reasons why answers are missing, of which there is neither the reason nor the answer any more.
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

/// A record that does not say who may read it is only counted.
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
    let pointer = format!("/{field}");
    let held = before.pointer(&pointer).is_some_and(|held| !is_blank(held));
    let holds = after.pointer(&pointer).is_some_and(|holds| !is_blank(holds));
    if held && !holds {
        // An empty cell has no place in a file, so that the words name the field.
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
            let terms = list_items(&record, "fundingTerms").iter();
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
