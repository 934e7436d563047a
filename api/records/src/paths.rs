//! Paths of values in the document of a record: names and positions, joined by `/`, such as `fundingTerms/0/endsOn`.

use serde_json::{Map, Value};

/// Joins a path and the steps below it. Either may be empty.
pub(crate) fn join(parent: &str, steps: &str) -> String {
    match (parent, steps) {
        ("", path) | (path, "") => path.to_owned(),
        _ => format!("{parent}/{steps}"),
    }
}

/// Returns whether a path is `ancestor` or leads to something inside it.
pub(crate) fn is_within(path: &str, ancestor: &str) -> bool {
    let rest = path.strip_prefix(ancestor);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Finds the value at a path.
pub(crate) fn find<'a>(document: &'a Value, path: &str) -> Option<&'a Value> {
    document.pointer(&format!("/{path}"))
}

/// Sets the value at a path, and creates the objects on the way to it.
pub(crate) fn set(document: &mut Map<String, Value>, path: &str, value: Value) {
    let Some((first, rest)) = path.split_once('/') else {
        document.insert(path.to_owned(), value);
        return;
    };
    let inner = document.entry(first).or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        set(inner, rest, value);
    }
}
