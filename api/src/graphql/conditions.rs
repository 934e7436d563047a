//! Conditions of `@include` and `@skip` that are null or have no value.

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use async_graphql::{Pos, Value as ConstValue, Variables};
use async_graphql_value::Value;

use super::operation::{for_each_selection, used_fragments};

/// Finds a condition of an operation whose variable is null or has no value, and describes the error. `variables` have
/// their defaults already.
///
/// The specification (September 2025, 5.8.5 and 6.4.1) allows a variable of the type `Boolean` in such a place if it has
/// a default, and has an executor refuse null. The library takes both for false.
pub fn find_missing_condition(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Option<(Pos, String)> {
    let used = used_fragments(document, operation);
    let fragments = document
        .fragments
        .iter()
        .filter(|(name, _)| used.contains(*name))
        .map(|(_, fragment)| &fragment.node.selection_set.node);
    let mut found: Option<(Pos, String)> = None;
    for set in std::iter::once(&operation.selection_set.node).chain(fragments) {
        for_each_selection(set, &mut |selection| {
            for directive in selection.directives() {
                let name = directive.node.name.node.as_str();
                if found.is_none()
                    && matches!(name, "include" | "skip")
                    && let Some(condition) = directive.node.get_argument("if")
                    && let Value::Variable(variable) = &condition.node
                    && variables
                        .get(variable)
                        .is_none_or(|value| *value == ConstValue::Null)
                {
                    let trouble = if variables.contains_key(variable) {
                        "is null"
                    } else {
                        "has no value"
                    };
                    let message =
                        format!("${variable} {trouble}, and the condition of @{name} is true or false");
                    found = Some((condition.pos, message));
                }
            }
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;
    use crate::graphql::operation::asked_for;

    #[test]
    fn a_condition_that_is_null_is_found_where_the_operation_has_it() {
        for (document, variables, expected) in [
            (
                "query Q($a: Boolean = true) { f @include(if: $a) }",
                json!({"a": true}),
                None,
            ),
            (
                "query Q($a: Boolean = true) { f @include(if: $a) }",
                json!({"a": null}),
                Some("@include"),
            ),
            (
                "query Q($a: Boolean = true) { f { ... @skip(if: $a) { g } } }",
                json!({"a": null}),
                Some("@skip"),
            ),
            (
                "query Q($a: Boolean = true) { ...F } fragment F on T { ...G } \
                 fragment G on T { h @skip(if: $a) }",
                json!({"a": null}),
                Some("@skip"),
            ),
            (
                "query Q($a: Boolean = true) { f(x: $a) } query R($a: Boolean = true) { ...G } \
                 fragment G on T { h @skip(if: $a) }",
                json!({"a": null}),
                None,
            ),
            (
                "query Q($a: Boolean) { f @include(if: $a) }",
                json!({}),
                Some("$a has no value"),
            ),
            (
                "query Q($a: Int, $b: Boolean = true) { f(x: $a) @skip(if: $b) }",
                json!({"a": null, "b": false}),
                None,
            ),
        ] {
            let parsed = parse_query(document).unwrap();
            let operation = asked_for(&parsed, Some("Q")).unwrap();
            let found = find_missing_condition(&parsed, &operation.node, &Variables::from_json(variables));
            let message = found.map(|(_, message)| message);
            match expected {
                Some(directive) => assert!(message.unwrap().contains(directive), "{document}"),
                None => assert_eq!(message, None, "{document}"),
            }
        }
    }
}
