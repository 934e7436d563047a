//! Refuses the character NUL in what a query asks, for both databases alike: PostgreSQL holds it in no text, and on
//! SQLite a search pattern would end at it and find everything.
//!
//! The arguments of mutations are left to the mutations, whose errors name the field.

use async_graphql::parser::types::{
    ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Value as ConstValue, Variables};
use async_graphql_value::Value;

use wayin_records::spelling::is_storable;

/// Whether an operation, a fragment of its document or a variable holds a NUL where a query reads it.
pub fn is_asked_for(
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
) -> bool {
    let is_mutation = operation.ty == OperationType::Mutation;
    let in_fragments = document
        .fragments
        .values()
        .any(|fragment| in_selections(&fragment.node.selection_set.node, false));
    let in_variables = || {
        let defaults = operation.variable_definitions.iter();
        let mut defaults = defaults.filter_map(|declared| declared.node.default_value.as_ref());
        variables.values().any(holds_nul) || defaults.any(|default| holds_nul(&default.node))
    };
    in_fragments
        || in_selections(&operation.selection_set.node, is_mutation)
        || (!is_mutation && in_variables())
}

/// Whether a constant value holds a NUL, in the name of a field too.
pub fn holds_nul(value: &ConstValue) -> bool {
    match value {
        ConstValue::String(text) => !is_storable(text),
        ConstValue::List(values) => values.iter().any(holds_nul),
        ConstValue::Object(fields) => fields
            .iter()
            .any(|(name, value)| !is_storable(name) || holds_nul(value)),
        _ => false,
    }
}

fn in_selections(selections: &SelectionSet, are_of_mutation: bool) -> bool {
    selections.items.iter().any(|selection| match &selection.node {
        Selection::Field(field) => {
            let field = &field.node;
            (!are_of_mutation && in_arguments(&field.arguments))
                || field
                    .directives
                    .iter()
                    .any(|directive| in_arguments(&directive.node.arguments))
                || in_selections(&field.selection_set.node, false)
        }
        Selection::InlineFragment(fragment) => {
            in_selections(&fragment.node.selection_set.node, are_of_mutation)
        }
        Selection::FragmentSpread(_) => false,
    })
}

fn in_arguments(arguments: &[(Positioned<Name>, Positioned<Value>)]) -> bool {
    arguments.iter().any(|(_, value)| is_in(&value.node))
}

fn is_in(value: &Value) -> bool {
    match value {
        Value::String(text) => !is_storable(text),
        Value::List(values) => values.iter().any(is_in),
        Value::Object(fields) => fields.values().any(is_in),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    fn asks(document: &str, variables: serde_json::Value) -> bool {
        let document = parse_query(document).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        is_asked_for(&document, &operation.node, &Variables::from_json(variables))
    }

    #[test]
    fn a_nul_is_found_wherever_a_query_can_have_one() {
        for document in [
            r#"{ a(b: "\u0000") }"#,
            r#"{ a { c(b: [{d: "x\u0000"}]) } }"#,
            r#"{ ... { a(b: "\u0000") } }"#,
            r#"{ ...F } fragment F on Query { a(b: "\u0000") }"#,
            r#"query($b: String = "\u0000") { a(b: $b) }"#,
            r#"mutation { a { c(b: "\u0000") } }"#,
            r#"subscription { a(b: "\u0000") }"#,
        ] {
            assert!(asks(document, json!({})), "{document}");
        }
        let document = "query($b: In) { a(b: $b) }";
        assert!(asks(document, json!({"b": {"c": ["\0"]}})));
        assert!(asks(document, json!({"b": {"\0": 1}})));
    }

    #[test]
    fn other_texts_and_inputs_of_mutations_are_left_alone() {
        assert!(!asks(
            r#"query($b: In) { a(b: $b, c: "\\u0000 \u0001") }"#,
            json!({"b": "x"})
        ));
        assert!(!asks(
            r#"mutation($b: In) { a(b: $b, c: "\u0000") { d } }"#,
            json!({"b": "\0"})
        ));
    }
}
