//! Rejects the NUL character in the input of queries, for both databases. PostgreSQL cannot store it in a
//! text, and in SQLite a search pattern would end at it and match everything.
//!
//! Mutations check their own arguments, because their errors name the field.

use async_graphql::parser::types::{
    ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Value as ConstValue, Variables};
use async_graphql_value::Value;

use wayin_records::normalisation::is_storable;

/// Whether an operation, a fragment of its document or a variable contains a NUL that a query would read.
pub fn has_nul(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> bool {
    let is_mutation = operation.ty == OperationType::Mutation;
    let in_fragments = document
        .fragments
        .values()
        .any(|fragment| selections_have_nul(&fragment.node.selection_set.node, false));
    let in_variables = || {
        let defaults = operation.variable_definitions.iter();
        let mut defaults = defaults.filter_map(|declared| declared.node.default_value.as_ref());
        variables.values().any(value_has_nul) || defaults.any(|default| value_has_nul(&default.node))
    };
    in_fragments
        || selections_have_nul(&operation.selection_set.node, is_mutation)
        || (!is_mutation && in_variables())
}

/// Whether a constant value contains a NUL, including the names of its fields.
pub fn value_has_nul(value: &ConstValue) -> bool {
    match value {
        ConstValue::String(text) => !is_storable(text),
        ConstValue::List(values) => values.iter().any(value_has_nul),
        ConstValue::Object(fields) => fields
            .iter()
            .any(|(name, value)| !is_storable(name) || value_has_nul(value)),
        _ => false,
    }
}

fn selections_have_nul(selections: &SelectionSet, are_of_mutation: bool) -> bool {
    selections.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => {
            let field = &field.node;
            (!are_of_mutation && arguments_have_nul(&field.arguments))
                || field
                    .directives
                    .iter()
                    .any(|directive| arguments_have_nul(&directive.node.arguments))
                || selections_have_nul(&field.selection_set.node, false)
        }
        Selection::InlineFragment(fragment) => {
            selections_have_nul(&fragment.node.selection_set.node, are_of_mutation)
        }
        Selection::FragmentSpread(_) => false,
    })
}

fn arguments_have_nul(arguments: &[(Positioned<Name>, Positioned<Value>)]) -> bool {
    arguments.iter().any(|(_, value)| literal_has_nul(&value.node))
}

fn literal_has_nul(value: &Value) -> bool {
    match value {
        Value::String(text) => !is_storable(text),
        Value::List(values) => values.iter().any(literal_has_nul),
        Value::Object(fields) => fields.values().any(literal_has_nul),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn operation_has_nul(document: &str, variables: serde_json::Value) -> bool {
        let document = parse_query(document).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        has_nul(&document, &operation.node, &Variables::from_json(variables))
    }

    #[test]
    fn nul_is_found_everywhere_in_queries() {
        for document in [
            r#"{ a(b: "\u0000") }"#,
            r#"{ a { c(b: [{d: "x\u0000"}]) } }"#,
            r#"{ ... { a(b: "\u0000") } }"#,
            r#"{ ...F } fragment F on Query { a(b: "\u0000") }"#,
            r#"query($b: String = "\u0000") { a(b: $b) }"#,
            r#"mutation { a { c(b: "\u0000") } }"#,
            r#"subscription { a(b: "\u0000") }"#,
        ] {
            assert!(operation_has_nul(document, json!({})), "{document}");
        }
        let document = "query($b: In) { a(b: $b) }";
        assert!(operation_has_nul(document, json!({"b": {"c": ["\0"]}})));
        assert!(operation_has_nul(document, json!({"b": {"\0": 1}})));
    }

    #[test]
    fn other_texts_and_inputs_of_mutations_are_left_alone() {
        assert!(!operation_has_nul(
            r#"query($b: In) { a(b: $b, c: "\\u0000 \u0001") }"#,
            json!({"b": "x"})
        ));
        assert!(!operation_has_nul(
            r#"mutation($b: In) { a(b: $b, c: "\u0000") { d } }"#,
            json!({"b": "\0"})
        ));
    }
}
