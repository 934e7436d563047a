//! Compares two documents field by field.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::paths;
use crate::text::quote;

/// A field that differs between two documents.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The path: names and positions joined by `/`, such as `fundingTerms/0/endsOn`. Empty for the whole document.
    pub path: String,
    /// The value in the first document, if it has one.
    pub before: Option<Value>,
    /// The value in the second document, if it has one.
    pub after: Option<Value>,
}

/// Finds the fields that differ, in the order of their paths. Items of lists are compared by position.
pub fn find_differences(before: &Value, after: &Value) -> Vec<Difference> {
    let mut found = Vec::new();
    collect_differences(String::new(), Some(before), Some(after), &mut found);
    found
}

/// The maximum number of fields in a description.
const MAX_DESCRIBED_DIFFERENCES: usize = 20;

/// Describes differences in words, such as `title (from "A" to "B")`. A text is shown whole or not at all, so that a
/// search for text to redact finds it.
pub fn describe_differences(differences: &[Difference]) -> String {
    let described = differences.iter().take(MAX_DESCRIBED_DIFFERENCES).map(|one| {
        let (before, after) = (
            describe_value(one.before.as_ref()),
            describe_value(one.after.as_ref()),
        );
        format!("{} (from {before} to {after})", one.path)
    });
    let mut words: Vec<String> = described.collect();
    let more = differences.len().saturating_sub(MAX_DESCRIBED_DIFFERENCES);
    if more > 0 {
        words.push(format!("{more} more"));
    }
    words.join(", ")
}

fn describe_value(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => "nothing".to_owned(),
        // Quotation marks in the text would hide where it ends.
        Some(Value::String(text)) if quote(text) == format!("\"{text}\"") && !text.contains('"') => {
            quote(text)
        }
        Some(Value::String(_)) => "a longer text".to_owned(),
        Some(Value::Array(_) | Value::Object(_)) => "several values".to_owned(),
        Some(other) => other.to_string(),
    }
}

fn collect_differences(
    path: String,
    before: Option<&Value>,
    after: Option<&Value>,
    found: &mut Vec<Difference>,
) {
    if before == after {
        return;
    }
    match (before, after) {
        (Some(Value::Object(one)), Some(Value::Object(other))) => {
            let keys: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
            for key in keys {
                collect_differences(paths::join(&path, key), one.get(key), other.get(key), found);
            }
        }
        (Some(Value::Array(one)), Some(Value::Array(other))) => {
            for index in 0..one.len().max(other.len()) {
                let path = paths::join(&path, &index.to_string());
                collect_differences(path, one.get(index), other.get(index), found);
            }
        }
        _ => found.push(Difference {
            path,
            before: before.cloned(),
            after: after.cloned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};
    use serde_json::json;

    use super::*;

    #[test]
    fn differing_fields_are_listed() {
        let before = json!({"title": "A", "place": {"code": "E1"}, "reasons": ["X", "Y"], "ongoing": true});
        let after =
            json!({"title": "B", "place": {"code": "E1"}, "reasons": ["X", "Z", "W"], "summary": "S"});
        let found: Vec<(String, Option<Value>, Option<Value>)> = find_differences(&before, &after)
            .into_iter()
            .map(|one| (one.path, one.before, one.after))
            .collect();
        assert_eq!(
            found,
            [
                ("ongoing".into(), Some(json!(true)), None),
                ("reasons/1".into(), Some(json!("Y")), Some(json!("Z"))),
                ("reasons/2".into(), None, Some(json!("W"))),
                ("summary".into(), None, Some(json!("S"))),
                ("title".into(), Some(json!("A")), Some(json!("B"))),
            ]
        );
    }

    #[test]
    fn long_texts_are_omitted_not_truncated() {
        let long = "x".repeat(41);
        let before = json!({"title": "A", "summary": null, "ongoing": true, "note": "said \"no\"", "sharing": {"basis": "B"}});
        let after = json!({"title": "B", "summary": long, "ongoing": false, "note": "no", "terms": [1]});
        assert_eq!(
            describe_differences(&find_differences(&before, &after)),
            "note (from a longer text to \"no\"), ongoing (from true to false), sharing (from several values to nothing), \
             summary (from nothing to a longer text), terms (from nothing to several values), title (from \"A\" to \"B\")"
        );
        let fields = (0..22).map(|at| (format!("f{at:02}"), json!(at)));
        let said = describe_differences(&find_differences(&json!({}), &fields.collect()));
        assert!(
            said.starts_with("f00 (from nothing to 0), ")
                && said.ends_with("f19 (from nothing to 19), 2 more"),
            "{said}"
        );
    }

    fn random_document(random: &mut StdRng, deep: u32) -> Value {
        match random.random_range(0..if deep == 0 { 3 } else { 5 }) {
            0 => json!(random.random_range(0..3)),
            1 => json!("text"),
            2 => Value::Null,
            3 => (0..random.random_range(0..3))
                .map(|_| random_document(random, deep - 1))
                .collect(),
            _ => {
                let fields = ["a", "b", "c"].into_iter();
                let fields: Vec<&str> = fields.filter(|_| random.random()).collect();
                fields
                    .into_iter()
                    .map(|field| (field.to_owned(), random_document(random, deep - 1)))
                    .collect()
            }
        }
    }

    /// What a document has at a path.
    fn value_at<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
        if path.is_empty() {
            return Some(document);
        }
        document.pointer(&format!("/{path}"))
    }

    #[test]
    fn differences_hold_both_values_and_are_symmetric() {
        let mut random = StdRng::seed_from_u64(31);
        for _ in 0..2_000 {
            let (one, other) = (random_document(&mut random, 3), random_document(&mut random, 3));
            assert_eq!(find_differences(&one, &one), []);
            let there = find_differences(&one, &other);
            assert_eq!(there.is_empty(), one == other);
            for found in &there {
                assert_eq!(
                    value_at(&one, &found.path),
                    found.before.as_ref(),
                    "{one} {other}"
                );
                assert_eq!(
                    value_at(&other, &found.path),
                    found.after.as_ref(),
                    "{one} {other}"
                );
            }
            let back: Vec<Difference> = find_differences(&other, &one)
                .into_iter()
                .map(|found| Difference {
                    before: found.after,
                    after: found.before,
                    ..found
                })
                .collect();
            assert_eq!(back, there);
        }
    }
}
