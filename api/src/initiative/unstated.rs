//! What a table or workbook has no column for: that part of the published record stays as it is. And what a record
//! leaves empty that the one it replaces held. Pure.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};
use wayin_entity::Visibility;

use super::validate::{Finding, FindingCode};
use crate::spelling;
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
            let known: Vec<_> = Pairs::new(list, before, after).counterparts().collect();
            for (item, known) in after.iter_mut().zip(known) {
                if let (Value::Object(item), Some(known)) = (item, known) {
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

/// Published items and those that are to replace them.
struct Pairs<'a, 'b> {
    before: &'a [Value],
    after: &'b [Value],
    /// For each item the place of the published one that it is about.
    found: Vec<Option<usize>>,
}

impl<'a, 'b> Pairs<'a, 'b> {
    /// Finds for each item of a list the published one that it is about: a challenge and a condition by what they are, an
    /// entry point by what it is and whose view. A funding term is found by its grant identifier, or else by its funder and
    /// first day, or by its funder alone. An item that names no funder is the one at its place in a list of as many.
    fn new(list: &str, before: &'a [Value], after: &'b [Value]) -> Self {
        let mut pairs = Self {
            before,
            after,
            found: vec![None; after.len()],
        };
        let have_same = |keys: &'static [&'static str]| {
            move |one: &Value, other: &Value| keys.iter().all(|key| one.get(key) == other.get(key))
        };
        match list {
            "entryPoints" => pairs.add(have_same(&["entryPoint", "perspective"])),
            "challengesFaced" => pairs.add(have_same(&["challenge"])),
            "conditionsChanged" => pairs.add(have_same(&["condition"])),
            _ => {
                let grant = |term: &Value| text(term, "grantIdentifier").map(ToOwned::to_owned);
                pairs.add(|one, other| grant(one).is_some() && grant(one) == grant(other));
                let may_be_same = |one: &Value, other: &Value| {
                    let are_two_grants = grant(one).is_some() && grant(other).is_some();
                    have_same_funder(one, other) && !are_two_grants
                };
                pairs.add(|one, other| {
                    may_be_same(one, other)
                        && text(one, "startsOn").is_some()
                        && have_same(&["startsOn"])(one, other)
                });
                pairs.add(may_be_same);
                pairs.add_by_place(|term| term.get("funder").is_none());
            }
        }
        pairs
    }

    /// For each item the published one that it is about.
    fn counterparts(&self) -> impl Iterator<Item = Option<&'a Value>> {
        let found = self.found.iter();
        found.map(|at| at.and_then(|at| self.before.get(at)))
    }

    fn is_free(&self, before: usize) -> bool {
        !self.found.contains(&Some(before))
    }

    /// Pairs items that are the same. Of several that are alike, the pairs are in their order, where there are as many
    /// before as after; otherwise none is known to be meant.
    fn add(&mut self, is_same: impl Fn(&Value, &Value) -> bool) {
        for at in 0..self.after.len() {
            if self.found[at].is_some() {
                continue;
            }
            let same_before: Vec<usize> = (0..self.before.len())
                .filter(|before| self.is_free(*before) && is_same(&self.before[*before], &self.after[at]))
                .collect();
            let Some(first) = same_before.first() else {
                continue;
            };
            let same_after: Vec<usize> = (0..self.after.len())
                .filter(|after| {
                    self.found[*after].is_none() && is_same(&self.before[*first], &self.after[*after])
                })
                .collect();
            if same_before.len() == same_after.len() {
                for (after, before) in same_after.into_iter().zip(same_before) {
                    self.found[after] = Some(before);
                }
            }
        }
    }

    /// Pairs items with those at their place in a list of as many.
    fn add_by_place(&mut self, is_meant: impl Fn(&Value) -> bool) {
        if self.before.len() != self.after.len() {
            return;
        }
        for at in 0..self.after.len() {
            if self.found[at].is_none() && is_meant(&self.after[at]) && self.is_free(at) {
                self.found[at] = Some(at);
            }
        }
    }

    /// The published items that no item is about.
    fn left_out(&self) -> impl Iterator<Item = &'a Value> {
        let items = self.before.iter().enumerate();
        items.filter(|(at, _)| self.is_free(*at)).map(|(_, item)| item)
    }
}

fn text<'a>(item: &'a Value, field: &str) -> Option<&'a str> {
    item.get(field).and_then(Value::as_str)
}

/// Whether two terms are of one funder: by their identifiers where both have one, and else by their names.
fn have_same_funder(one: &Value, other: &Value) -> bool {
    let (Some(one), Some(other)) = (one.get("funder"), other.get("funder")) else {
        return false;
    };
    let by = |key| Some((text(one, key)?, text(other, key)?));
    by("identifier")
        .or_else(|| by("name"))
        .is_some_and(|(one, other)| spelling::folded(one) == spelling::folded(other))
}

/// What an item of a list is called in a message.
fn description(list: &str, item: &Value) -> String {
    let field = |field| text(item, field).unwrap_or_default();
    match list {
        "entryPoints" => format!("{} ({})", field("entryPoint"), field("perspective")),
        "challengesFaced" => field("challenge").to_owned(),
        "conditionsChanged" => field("condition").to_owned(),
        _ => {
            let funder = item.get("funder");
            let funder =
                funder.and_then(|funder| text(funder, "name").or_else(|| text(funder, "identifier")));
            let from = text(item, "startsOn").map(|day| format!(" from {day}"));
            let grant = text(item, "grantIdentifier").map(|grant| format!(" ({grant})"));
            format!(
                "the term of {}{}{}",
                funder.unwrap_or("an unnamed funder"),
                from.unwrap_or_default(),
                grant.unwrap_or_default()
            )
        }
    }
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
        assert_eq!(
            found,
            [
                "endedOn no longer says why it is missing, as the published record does",
                "visibility was MEMBERS in the published record, and is AGGREGATE_ONLY now",
                "A is cleared from challengesFaced: the published record has it, and this one does not",
                "challengesFaced/1/step no longer says why it is missing, as the published record does",
            ]
        );
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
