//! Compares two documents of a record field by field. An item of a list is compared with the item that it replaces, wherever
//! that is in its list.

use serde_json::Value;

use crate::diff::{Difference, find_differences};

/// Returns whether an item replaces an earlier item of the same list.
type Replaces = fn(&Value, &Value) -> bool;

/// The lists of a record. Their items are matched by the first of the rules, those that are left by the next.
const LISTS: [(&str, &[Replaces]); 4] = [
    // The order within a perspective is the order in which the entry points were taken.
    ("entryPoints", &[has_same_perspective]),
    ("challengesFaced", &[has_same_challenge]),
    ("conditionsChanged", &[has_same_condition]),
    (
        "fundingTerms",
        &[
            is_equal,
            has_same_grant,
            has_same_funder_and_start,
            has_same_funder,
            can_be_same_grant,
        ],
    ),
];

/// Finds the fields of a record that differ, in the order of their paths. Positions in the paths are those in `after`. Items
/// that it has no longer come after its own.
pub fn find_record_differences(before: &Value, after: &Value) -> Vec<Difference> {
    let (mut before, mut after) = (before.clone(), after.clone());
    for (list, rules) in LISTS {
        if let (Some(Value::Array(earlier)), Some(Value::Array(later))) =
            (before.get_mut(list), after.get_mut(list))
        {
            align_items(earlier, later, rules);
        }
    }
    let mut found = find_differences(&before, &after);
    for one in &mut found {
        one.before.take_if(|value| value.is_null());
        one.after.take_if(|value| value.is_null());
    }
    found.retain(|one| one.before.is_some() || one.after.is_some());
    found
}

/// Puts items that replace each other at the same position, and null where an item has no counterpart.
fn align_items(before: &mut Vec<Value>, after: &mut Vec<Value>, rules: &[Replaces]) {
    let mut earlier: Vec<Option<Value>> = std::mem::take(before).into_iter().map(Some).collect();
    let mut aligned = vec![Value::Null; after.len()];
    for replaces in rules {
        for (item, counterpart) in after.iter().zip(&mut aligned) {
            if !counterpart.is_null() {
                continue;
            }
            let found = earlier
                .iter_mut()
                .find(|earlier| matches!(earlier, Some(earlier) if replaces(earlier, item)));
            if let Some(found) = found.and_then(Option::take) {
                *counterpart = found;
            }
        }
    }
    aligned.extend(earlier.into_iter().flatten());
    after.resize(aligned.len(), Value::Null);
    *before = aligned;
}

fn has_same(field: &str, one: &Value, other: &Value) -> bool {
    one.get(field) == other.get(field)
}

fn has_same_perspective(one: &Value, other: &Value) -> bool {
    has_same("perspective", one, other)
}

fn has_same_challenge(one: &Value, other: &Value) -> bool {
    has_same("challenge", one, other)
}

fn has_same_condition(one: &Value, other: &Value) -> bool {
    has_same("condition", one, other)
}

fn is_equal(one: &Value, other: &Value) -> bool {
    one == other
}

fn has_same_grant(one: &Value, other: &Value) -> bool {
    one.get("grantIdentifier").is_some() && has_same("grantIdentifier", one, other)
}

/// Returns whether at most one of two terms names a grant, or both name the same.
fn can_be_same_grant(one: &Value, other: &Value) -> bool {
    one.get("grantIdentifier").is_none()
        || other.get("grantIdentifier").is_none()
        || has_same_grant(one, other)
}

fn has_same_funder(one: &Value, other: &Value) -> bool {
    has_same("funder", one, other) && can_be_same_grant(one, other)
}

fn has_same_funder_and_start(one: &Value, other: &Value) -> bool {
    one.get("startsOn").is_some() && has_same("startsOn", one, other) && has_same_funder(one, other)
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng as _;
    use rand::rngs::StdRng;
    use rand::seq::SliceRandom as _;
    use serde_json::json;

    use super::*;

    fn record() -> Value {
        json!({
            "title": "A",
            "entryPoints": [
                {"entryPoint": "COMPLEXITY", "perspective": "FUNDER"},
                {"entryPoint": "ROOT_CAUSES", "perspective": "FUNDER"},
                {"entryPoint": "COLLABORATION", "perspective": "COMMUNITY"},
            ],
            "challengesFaced": [{"challenge": "C1", "step": "TAKEN"}, {"challenge": "C2"}, {"challenge": "C3"}],
            "conditionsChanged": [{"condition": "D1", "change": "ALTERED"}, {"condition": "D2"}],
            "fundingTerms": [
                {"funder": {"name": "F"}, "grantIdentifier": "360G-1", "amountMinor": 1},
                {"funder": {"name": "F"}, "startsOn": "2020-01-01", "amountMinor": 2},
                {"funder": {"name": "F"}, "startsOn": "2021-01-01", "amountMinor": 3},
                {"funder": {"name": "G"}, "amountMinor": 4},
            ],
        })
    }

    /// The paths that differ, with the values before and after.
    fn compare(change: impl FnOnce(&mut Value)) -> Vec<(String, Option<Value>, Option<Value>)> {
        let mut after = record();
        change(&mut after);
        find_record_differences(&record(), &after)
            .into_iter()
            .map(|one| (one.path, one.before, one.after))
            .collect()
    }

    #[test]
    fn order_of_lists_without_an_order_is_no_difference() {
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..200 {
            let found = compare(|after| {
                for list in ["challengesFaced", "conditionsChanged", "fundingTerms"] {
                    after[list].as_array_mut().unwrap().shuffle(&mut random);
                }
                // The perspectives can be in any order, but not the entry points of one.
                after["entryPoints"].as_array_mut().unwrap().rotate_right(1);
            });
            assert_eq!(found, []);
        }
    }

    #[test]
    fn items_are_compared_with_those_that_they_replace() {
        let found = compare(|after| {
            after["challengesFaced"] = json!([{"challenge": "C3", "note": "N"}, {"challenge": "C4"}, {"challenge": "C1", "step": "TAKEN"}]);
        });
        assert_eq!(
            found,
            [
                ("challengesFaced/0/note".into(), None, Some(json!("N"))),
                ("challengesFaced/1".into(), None, Some(json!({"challenge": "C4"}))),
                ("challengesFaced/3".into(), Some(json!({"challenge": "C2"})), None),
            ]
        );
        let found = compare(|after| after["entryPoints"].as_array_mut().unwrap().swap(0, 1));
        let paths: Vec<&str> = found.iter().map(|(path, ..)| path.as_str()).collect();
        assert_eq!(paths, ["entryPoints/0/entryPoint", "entryPoints/1/entryPoint"]);
    }

    #[test]
    fn funding_terms_are_matched_by_grant_then_by_funder() {
        let found = compare(|after| {
            after["fundingTerms"] = json!([
                {"funder": {"name": "F"}, "startsOn": "2021-01-01", "amountMinor": 30},
                {"funder": {"name": "F"}, "startsOn": "2020-06-01", "amountMinor": 2},
                {"funder": {"name": "H"}, "grantIdentifier": "360G-1", "amountMinor": 1},
                {"funder": {"name": "G"}, "grantIdentifier": "360G-2", "amountMinor": 4},
            ]);
        });
        assert_eq!(
            found,
            [
                (
                    "fundingTerms/0/amountMinor".into(),
                    Some(json!(3)),
                    Some(json!(30))
                ),
                (
                    "fundingTerms/1/startsOn".into(),
                    Some(json!("2020-01-01")),
                    Some(json!("2020-06-01"))
                ),
                (
                    "fundingTerms/2/funder/name".into(),
                    Some(json!("F")),
                    Some(json!("H"))
                ),
                (
                    "fundingTerms/3/grantIdentifier".into(),
                    None,
                    Some(json!("360G-2"))
                ),
            ]
        );
        let found = compare(|after| {
            let terms = after["fundingTerms"].as_array_mut().unwrap();
            terms[0]["grantIdentifier"] = json!("360G-9");
        });
        let paths: Vec<&str> = found.iter().map(|(path, ..)| path.as_str()).collect();
        assert_eq!(
            paths,
            ["fundingTerms/0", "fundingTerms/4"],
            "these are two grants"
        );
    }

    #[test]
    fn null_is_no_answer() {
        assert_eq!(compare(|after| after["summary"] = Value::Null), []);
        assert_eq!(
            compare(|after| after["title"] = Value::Null),
            [("title".into(), Some(json!("A")), None)]
        );
        let found = compare(|after| {
            after.as_object_mut().unwrap().remove("conditionsChanged");
        });
        let before = record()["conditionsChanged"].clone();
        assert_eq!(found, [("conditionsChanged".into(), Some(before), None)]);
    }
}
