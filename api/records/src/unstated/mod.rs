//! What a table or workbook has no column for: that part of the published record stays as it is. And what a record
//! leaves empty that the one it replaces held. Pure.

mod pairs;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value, json};
use wayin_vocabulary::Visibility;

use self::pairs::{Pairs, description};
use crate::fields::column::{REFERENCE_PATH, VERSION_PATH};
use crate::finding::{Finding, FindingCode};
use crate::workbook::columns::{SHEETS, Sheet};

/// The fields of which several columns are one answer.
const WHOLE_FIELDS: [&str; 3] = ["place", "leadOrganisation", "funder"];

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
    OfRows(Vec<&'static str>),
    /// Each item has columns of its own: by the places that the file has columns for.
    OfPlaces(BTreeMap<usize, Vec<&'static str>>),
}

/// What the file of a record does not say of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unstated {
    columns: Arc<AbsentColumns>,
    /// For each item of a list its place there, where the file numbers its items.
    places: BTreeMap<&'static str, Vec<usize>>,
}

/// What a column's path is an answer to.
fn answer(path: &'static str) -> &'static str {
    let field = path.split('/').next().unwrap_or(path);
    if WHOLE_FIELDS.contains(&field) {
        field
    } else {
        path
    }
}

/// The fields that say which item of a list is meant.
fn names_of_items(list: &str) -> &'static [&'static str] {
    match list {
        "entryPoints" => &["entryPoint", "perspective"],
        "challengesFaced" => &["challenge"],
        "conditionsChanged" => &["condition"],
        _ => &["funder"],
    }
}

/// The fields of a sheet that some of its columns leave out.
fn absent_fields(sheet: &'static Sheet, columns: &BTreeSet<usize>) -> Vec<&'static str> {
    let stated: BTreeSet<&str> = columns
        .iter()
        .filter_map(|column| sheet.columns.get(*column))
        .map(|column| answer(column.path))
        .collect();
    let all: BTreeSet<&'static str> = sheet.columns.iter().map(|column| answer(column.path)).collect();
    all.into_iter()
        .filter(|answer| !stated.contains(answer) && ![REFERENCE_PATH, VERSION_PATH].contains(answer))
        .collect()
}

impl AbsentColumns {
    /// What a workbook does not have that has these columns of each sheet; none of a sheet that it does not have.
    pub fn of_sheets(columns: &[Option<BTreeSet<usize>>; 5]) -> Self {
        let mut absent = Self::default();
        for (sheet, columns) in SHEETS.iter().zip(columns) {
            let Some(columns) = columns else {
                absent.lists.extend(sheet.list);
                continue;
            };
            let fields = absent_fields(sheet, columns);
            match sheet.list {
                None => absent.fields.extend(fields),
                Some(list) => absent.items.push((list, AbsentFields::OfRows(fields))),
            }
        }
        absent
    }

    /// What a table does not have that has these columns, by the sheet and the place in its list, counted from 0.
    pub fn of_table(columns: &BTreeMap<(usize, usize), BTreeSet<usize>>) -> Self {
        let mut absent = Self::default();
        for (number, sheet) in SHEETS.iter().enumerate() {
            let of_sheet = columns.range((number, 0)..=(number, usize::MAX));
            let mut places = of_sheet.map(|((_, place), columns)| (*place, absent_fields(sheet, columns)));
            match sheet.list {
                None => absent.fields.extend(places.flat_map(|(_, fields)| fields)),
                Some(list) => match places.next() {
                    None => absent.lists.push(list),
                    Some(first) => {
                        let places = std::iter::once(first).chain(places).collect();
                        absent.items.push((list, AbsentFields::OfPlaces(places)));
                    }
                },
            }
        }
        absent
    }
}

impl Unstated {
    /// What a record leaves unsaid by the absent columns of its file.
    pub const fn new(columns: Arc<AbsentColumns>) -> Self {
        Self {
            columns,
            places: BTreeMap::new(),
        }
    }

    /// Says where in a list its next item is.
    pub fn add_place(&mut self, list: &'static str, place: usize) {
        self.places.entry(list).or_default().push(place);
    }

    /// Whether the file has all there is. A table never has all the places of a list.
    pub fn is_empty(&self) -> bool {
        self.columns.fields.is_empty()
            && self.columns.lists.is_empty()
            && self.columns.items.iter().all(|(_, fields)| match fields {
                AbsentFields::OfRows(fields) => fields.is_empty(),
                AbsentFields::OfPlaces(_) => false,
            })
    }

    /// Takes what the file does not have from the published record.
    pub fn complete(&self, document: &mut Value, published: &Value) {
        let Some(document) = document.as_object_mut() else {
            return;
        };
        // A reason for an empty list is an answer to the list.
        let has_reason = |document: &Map<String, Value>, list: &str| {
            document.get("missing").is_some_and(|why| why.get(list).is_some())
        };
        for list in &self.columns.lists {
            if !has_reason(document, list) {
                keep(document, published, list);
            }
        }
        for (list, fields) in &self.columns.items {
            match fields {
                AbsentFields::OfRows(fields) => keep_in_rows(document, published, list, fields),
                AbsentFields::OfPlaces(_) if has_reason(document, list) => {}
                AbsentFields::OfPlaces(fields) => {
                    let places = self.places.get(list).map_or(&[][..], Vec::as_slice);
                    keep_in_places(document, published, list, fields, places);
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
                    .is_some_and(|list| !items_of(document.get(list)).is_empty()),
            };
            if !is_settled {
                keep(document, published, field);
            }
        }
    }
}

/// Keeps the fields of items that a sheet has no column for.
fn keep_in_rows(
    document: &mut Map<String, Value>,
    published: &Value,
    list: &'static str,
    fields: &[&'static str],
) {
    let Some(Value::Array(after)) = document.get_mut(list) else {
        return;
    };
    let pairs = Pairs::new(list, items(published, list), after);
    let known: Vec<_> = pairs.counterparts().collect();
    for (item, known) in after.iter_mut().zip(known) {
        *item = with_kept(item.take(), known, fields);
    }
}

/// Keeps the items of a list, and their fields, that a table has no column for.
fn keep_in_places(
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
    let before = items(published, list);
    let absent = |place: usize| fields.get(&place).map_or(&[][..], Vec::as_slice);
    let names = names_of_items(list);
    let is_unnamed = |place: usize| names.iter().any(|name| absent(place).contains(name));
    let pairs = Pairs::numbered(list, before, &after, places, is_unnamed);
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
        .filter(|(place, _)| pairs.is_free(*place))
    {
        if is_only_cleared(place) {
            by_place.insert(place, with_kept(json!({}), Some(item), absent(place)));
        } else if !fields.contains_key(&place) {
            by_place.insert(place, item.clone());
        }
    }
    for ((item, place), known) in after.drain(..).zip(places).zip(known) {
        by_place.insert(*place, with_kept(item, known, absent(*place)));
    }
    if !by_place.is_empty() {
        document.insert(list.to_owned(), by_place.into_values().collect());
    }
}

/// An item with what is published of some of its fields.
fn with_kept(mut item: Value, known: Option<&Value>, fields: &[&'static str]) -> Value {
    if let (Value::Object(item), Some(known)) = (&mut item, known) {
        fields.iter().for_each(|field| keep(item, known, field));
    }
    item
}

/// Keeps a field as it is published, or the reason why it is missing.
fn keep(document: &mut Map<String, Value>, published: &Value, path: &str) {
    let pointer = format!("/{path}");
    if let Some(kept) = published.pointer(&pointer).filter(|kept| !is_blank(kept)) {
        set(document, path, kept.clone());
        return;
    }
    let field = path.split('/').next().unwrap_or(path);
    let why = published.get("missing").and_then(|missing| missing.get(field));
    if let Some(why) = why.filter(|_| field != "missing") {
        set(document, &format!("missing/{field}"), why.clone());
    }
}

fn set(document: &mut Map<String, Value>, path: &str, value: Value) {
    match path.split_once('/') {
        None => {
            document.insert(path.to_owned(), value);
        }
        Some((first, rest)) => {
            let inner = document.entry(first).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(inner) = inner {
                set(inner, rest, value);
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

fn items_of(list: Option<&Value>) -> &[Value] {
    list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn items<'a>(record: &'a Value, list: &str) -> &'a [Value] {
    items_of(record.get(list))
}

/// What the published record holds that the one that is to replace it leaves empty.
pub fn cleared(published: &Value, record: &Value) -> Vec<Finding> {
    let mut found = Vec::new();
    for sheet in &SHEETS {
        let answers: BTreeSet<&'static str> = sheet
            .columns
            .iter()
            .map(|column| answer(column.path))
            .filter(|answer| !answer.starts_with("missing/"))
            .collect();
        match sheet.list {
            None => {
                for field in answers {
                    gather(&mut found, field.to_owned(), field, published, record);
                }
                gather_reasons(&mut found, "", published, record);
                gather_visibility(&mut found, published, record);
            }
            Some(list) => {
                let pairs = Pairs::new(list, items(published, list), items(record, list));
                for item in pairs.left_out() {
                    let reason = format!(
                        "{} is cleared from {list}: the published record has it, and this one does not",
                        description(list, item)
                    );
                    found.push(Finding::new(FindingCode::Cleared, list, reason));
                }
                for (at, (item, known)) in pairs.after.iter().zip(pairs.counterparts()).enumerate() {
                    let Some(known) = known else { continue };
                    for field in &answers {
                        gather(&mut found, format!("{list}/{at}/{field}"), field, known, item);
                    }
                    gather_reasons(&mut found, &format!("{list}/{at}/"), known, item);
                }
            }
        }
    }
    found
}

/// Reasons why answers are missing, of which there is neither the reason nor the answer any more.
fn gather_reasons(found: &mut Vec<Finding>, prefix: &str, before: &Value, after: &Value) {
    let reasons = before.get("missing").and_then(Value::as_object);
    for field in reasons.into_iter().flat_map(Map::keys) {
        let has_reason = after
            .get("missing")
            .is_some_and(|reasons| reasons.get(field).is_some());
        if !has_reason && after.get(field).is_none_or(is_blank) {
            let path = format!("{prefix}{field}");
            let reason = format!("{path} no longer says why it is missing, as the published record does");
            found.push(Finding::new(FindingCode::Cleared, path, reason));
        }
    }
}

/// A record that does not say who may read it is only counted.
fn gather_visibility(found: &mut Vec<Finding>, published: &Value, record: &Value) {
    const FIELD: &str = "visibility";
    let default = json!(Visibility::AggregateOnly);
    let before = published.get(FIELD).filter(|before| **before != default);
    if let Some(before) = before.filter(|_| record.get(FIELD).is_none_or(|after| *after == default)) {
        let reason = format!("{FIELD} was {before} in the published record, and is {default} now");
        found.push(Finding::new(FindingCode::Cleared, FIELD, reason.replace('"', "")));
    }
}

fn gather(found: &mut Vec<Finding>, path: String, field: &str, before: &Value, after: &Value) {
    let pointer = format!("/{field}");
    let held = before.pointer(&pointer).is_some_and(|held| !is_blank(held));
    let holds = after.pointer(&pointer).is_some_and(|holds| !is_blank(holds));
    if held && !holds {
        // An empty cell has no place in a file, so that the words name the field.
        let reason = format!("{path} is cleared: the published record has it, and this one does not");
        found.push(Finding::new(FindingCode::Cleared, path, reason));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stated(columns: &[&[&str]; 5]) -> Unstated {
        let mut at = 0;
        let absent = AbsentColumns::of_sheets(&columns.map(|columns| {
            let sheet = &SHEETS[at];
            at += 1;
            let found = columns.iter().map(|column| sheet.column(column).unwrap());
            (at == 1 || !columns.is_empty()).then(|| found.collect())
        }));
        Unstated::new(Arc::new(absent))
    }

    #[test]
    fn what_a_file_has_no_column_or_sheet_for_stays() {
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
        let file = stated(&[
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
        file.complete(&mut record, &published);
        let expected = json!({
            "externalRef": "a", "title": "B", "place": {"code": "E08000025"},
            "ongoing": true, "visibility": "OPEN",
            "source": {"kind": "SELF_REPORT", "title": "T", "url": "https://example.org"},
            "missing": {"startedOn": "NOT_KNOWN"},
            "challengesFaced": [{"challenge": "C2"}, {"challenge": "C1", "step": "SKIPPED", "note": "N"}],
            "fundingTerms": [{"funder": {"name": "F"}, "amountMinor": 5}],
        });
        assert_eq!(record, expected);
        let paths: Vec<String> = cleared(&published, &record)
            .into_iter()
            .map(|one| one.path)
            .collect();
        assert_eq!(paths, ["summary", "challengesFaced/0/step"]);
    }

    #[test]
    fn an_end_that_the_file_gives_is_not_contradicted_by_what_it_leaves_out() {
        let file = stated(&[&["title", "endedOn"], &[], &[], &[], &[]]);
        let mut record = json!({"title": "A", "endedOn": "2024-01-01"});
        file.complete(
            &mut record,
            &json!({"title": "A", "ongoing": true, "sharedWithFunders": true}),
        );
        let expected = json!({"title": "A", "endedOn": "2024-01-01", "sharedWithFunders": true});
        assert_eq!(record, expected);
    }

    #[test]
    fn a_funding_term_is_found_by_its_funder_wherever_it_is_in_the_list() {
        let file = stated(&[&["title"], &[], &[], &[], &["funder.name", "durationMonths"]]);
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
            file.complete(&mut record, &published);
            let terms = items(&record, "fundingTerms").iter();
            let amounts: Vec<Option<i64>> = terms.map(|term| term.get("amountMinor")?.as_i64()).collect();
            let cleared = cleared(&published, &record).into_iter();
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
    fn reasons_items_and_readers_that_go_are_reported() {
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
        let found = cleared(&published, &record).into_iter();
        let found: Vec<String> = found.map(|one| one.reason).collect();
        insta::assert_snapshot!(found.join("\n"), @"
        endedOn no longer says why it is missing, as the published record does
        visibility was MEMBERS in the published record, and is AGGREGATE_ONLY now
        A is cleared from challengesFaced: the published record has it, and this one does not
        challengesFaced/1/step no longer says why it is missing, as the published record does
        ");
    }

    #[test]
    fn a_funding_term_is_known_by_its_grant_or_by_its_place_and_funder() {
        let file = stated(&[&["title"], &[], &[], &[], &["funder", "grantIdentifier"]]);
        let published = json!({"fundingTerms": [
            {"funder": {"name": "F"}, "grantIdentifier": "360G-1", "amountMinor": 1},
            {"funder": {"name": "G"}, "amountMinor": 2},
        ]});
        let mut record = json!({"fundingTerms": [
            {"funder": {"name": "H"}},
            {"funder": {"name": "F"}, "grantIdentifier": "360G-1"},
        ]});
        file.complete(&mut record, &published);
        let terms = &record["fundingTerms"];
        assert_eq!(
            (&terms[0]["amountMinor"], &terms[1]["amountMinor"]),
            (&Value::Null, &json!(1))
        );
        let mut record = json!({"fundingTerms": [{"funder": {"name": "F"}}, {"funder": {"name": "G"}}]});
        file.complete(&mut record, &published);
        assert_eq!(record["fundingTerms"][1]["amountMinor"], json!(2));
    }
}
