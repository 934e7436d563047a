//! Conditions of `@include` and `@skip` that are null or have no value.

use async_graphql::parser::types::{ExecutableDocument, OperationDefinition};
use async_graphql::{Name, Pos, Value as ConstValue, Variables};
use async_graphql_value::Value;

use crate::graphql::operation::document::{find_used_fragments, for_each_selection};

/// Finds a condition of an operation whose variable is null or may have no value, and describes the error.
/// `variables` already include their defaults.
///
/// The specification (September 2025, 5.8.5 and 6.4.1) allows a variable of the type `Boolean` in this
/// position if it has a default, and requires an executor to reject null. The library treats both a null and
/// a missing value as false.
pub fn find_missing_condition(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> Option<(Pos, String)> {
    let used = find_used_fragments(document, operation);
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
                {
                    let trouble = match variables.get(variable) {
                        Some(ConstValue::Null) => "is null",
                        None => "has no value",
                        Some(_) if can_be_null(operation, variable) => {
                            "is declared as Boolean without a default"
                        }
                        Some(_) => continue,
                    };
                    let message = format!(
                        "${variable} {trouble}, and the condition of @{name} is true or false; declare it as Boolean!, or \
                         give it a default"
                    );
                    found = Some((condition.pos, message));
                }
            }
        });
    }
    found
}

/// Whether an operation declares a variable with a nullable type, and without a default or with the default null.
fn can_be_null(operation: &OperationDefinition, variable: &Name) -> bool {
    let mut declared = operation.variable_definitions.iter().map(|one| &one.node);
    declared.any(|one| {
        let default = one.default_value.as_ref().map(|default| &default.node);
        one.name.node == *variable
            && one.var_type.node.nullable
            && default.is_none_or(|default| *default == ConstValue::Null)
    })
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;
    use crate::graphql::operation::document::find_operation;

    #[test]
    fn null_condition_is_found_with_its_position() {
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
                "query Q($a: Boolean) { f @include(if: $a) }",
                json!({"a": true}),
                Some("$a is declared as Boolean without a default, and the condition of @include"),
            ),
            (
                "query Q($a: Boolean = null) { f @skip(if: $a) }",
                json!({"a": true}),
                Some("$a is declared as Boolean without a default"),
            ),
            (
                "query Q($a: Boolean!) { f @include(if: $a) }",
                json!({"a": true}),
                None,
            ),
            (
                "query Q($a: Int, $b: Boolean = true) { f(x: $a) @skip(if: $b) }",
                json!({"a": null, "b": false}),
                None,
            ),
        ] {
            let parsed = parse_query(document).unwrap();
            let operation = find_operation(&parsed, Some("Q")).unwrap();
            let found = find_missing_condition(&parsed, &operation.node, &Variables::from_json(variables));
            let message = found.map(|(_, message)| message);
            match expected {
                Some(directive) => assert!(message.unwrap().contains(directive), "{document}"),
                None => assert_eq!(message, None, "{document}"),
            }
        }
    }
}
