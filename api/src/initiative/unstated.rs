//! What a table or workbook has no column for: that part of the published record stays as it is. And what a record
//! leaves empty that the one it replaces held. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::validate::{Finding, FindingCode};
use crate::workbook::columns::{REFERENCE_PATH, SHEETS, VERSION_PATH};

/// The fields of which several columns are one answer.
const WHOLE_FIELDS: [&str; 3] = ["place", "leadOrganisation", "funder"];

/// What a file has no column for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Unstated {
    /// The fields of the record itself, as paths.
    fields: Vec<&'static str>,
    /// The lists that the file has no sheet for.
    lists: Vec<&'static str>,
    /// Of the other lists the fields of their items.
    items: Vec<(&'static str, Vec<&'static str>)>,
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

impl Unstated {
    /// What a file does not have that has these columns of each sheet; none of a sheet that it does not have.
    pub fn of(columns: &[Option<BTreeSet<usize>>; 5]) -> Self {
        let mut unstated = Self::default();
        for (sheet, columns) in SHEETS.iter().zip(columns) {
            let Some(columns) = columns else {
                unstated.lists.extend(sheet.list);
                continue;
            };
            let stated: BTreeSet<&str> = columns
                .iter()
                .filter_map(|column| sheet.columns.get(*column))
                .map(|column| answer(column.path))
                .collect();
            let all: BTreeSet<&'static str> =
                sheet.columns.iter().map(|column| answer(column.path)).collect();
            let missing = all.into_iter().filter(|answer| {
                !stated.contains(answer) && ![REFERENCE_PATH, VERSION_PATH].contains(answer)
            });
            match sheet.list {
                None => unstated.fields.extend(missing),
                Some(list) => unstated.items.push((list, missing.collect())),
            }
        }
        unstated
    }

    /// Whether the file has all there is.
    pub fn is_empty(&self) -> bool {
        self.fields.is_empty()
            && self.lists.is_empty()
            && self.items.iter().all(|(_, fields)| fields.is_empty())
    }

    /// Takes what the file does not have from the published record.
    pub fn complete(&self, document: &mut Value, published: &Value) {
        let Some(document) = document.as_object_mut() else {
            return;
        };
        for list in &self.lists {
            // A reason for an empty list is an answer to the list.
            let has_reason = document.get("missing").is_some_and(|why| why.get(list).is_some());
            if !has_reason {
                keep(document, published, list);
            }
        }
        for (list, fields) in &self.items {
            let before = items(published, list);
            let Some(Value::Array(after)) = document.get_mut(*list) else {
                continue;
            };
            let count = after.len();
            for (at, item) in after.iter_mut().enumerate() {
                let Some(known) = counterpart(list, at, item, (before, count)) else {
                    continue;
                };
                if let Value::Object(item) = item {
                    fields.iter().for_each(|field| keep(item, known, field));
                }
            }
        }
        for field in &self.fields {
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

/// The item of the published list that an item is about: a challenge and a condition by what they are, an entry point
/// by what it is and whose view, a funding term by its grant identifier, or else by its place in a list of as many,
/// where both name one funder.
fn counterpart<'a>(
    list: &str,
    at: usize,
    item: &Value,
    (before, count): (&'a [Value], usize),
) -> Option<&'a Value> {
    let by = |keys: &[&str]| {
        let is_same = |known: &&Value| keys.iter().all(|key| known.get(key) == item.get(key));
        let mut same = before.iter().filter(is_same);
        // Of several that are alike none is known to be meant.
        same.next().filter(|_| same.next().is_none())
    };
    match list {
        "entryPoints" => by(&["entryPoint", "perspective"]),
        "challengesFaced" => by(&["challenge"]),
        "conditionsChanged" => by(&["condition"]),
        _ if item.get("grantIdentifier").is_some_and(|known| !known.is_null()) => {
            by(&["grantIdentifier"]).or_else(|| beside(at, item, before, count))
        }
        _ => beside(at, item, before, count),
    }
}

fn beside<'a>(at: usize, item: &Value, before: &'a [Value], count: usize) -> Option<&'a Value> {
    let known = before.get(at).filter(|_| before.len() == count)?;
    let (one, other) = (item.get("funder"), known.get("funder"));
    let grants = (item.get("grantIdentifier"), known.get("grantIdentifier"));
    let is_same = one.is_none_or(|one| {
        let of = |key: &str| one.get(key).zip(other.and_then(|other| other.get(key)));
        of("identifier")
            .or_else(|| of("name"))
            .is_some_and(|(one, other)| one == other)
    });
    let is_other_grant = matches!(grants, (Some(one), Some(other)) if one != other);
    (is_same && !is_other_grant).then_some(known)
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
            }
            Some(list) => {
                let (before, after) = (items(published, list), items(record, list));
                if after.len() < before.len() {
                    let (held, holds) = (before.len(), after.len());
                    let reason = format!("{list} had {held} in the published record, and has {holds} now");
                    found.push(Finding::new(FindingCode::Cleared, list, reason));
                }
                for (at, item) in after.iter().enumerate() {
                    let Some(known) = counterpart(list, at, item, (before, after.len())) else {
                        continue;
                    };
                    for field in &answers {
                        gather(&mut found, format!("{list}/{at}/{field}"), field, known, item);
                    }
                }
            }
        }
    }
    found
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
    use serde_json::json;

    use super::*;

    fn stated(columns: &[&[&str]; 5]) -> Unstated {
        let mut at = 0;
        Unstated::of(&columns.map(|columns| {
            let sheet = &SHEETS[at];
            at += 1;
            let found = columns.iter().map(|column| sheet.column(column).unwrap());
            (at == 1 || !columns.is_empty()).then(|| found.collect())
        }))
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
