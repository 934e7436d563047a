//! Arguments and fields whose value is a variable that the request omits.

use std::collections::HashSet;

use async_graphql::Variables;
use async_graphql::parser::types::{
    Directive, DocumentOperations, ExecutableDocument, OperationDefinition, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned};
use async_graphql_value::Value;

use crate::graphql::operation::document::find_used_fragments;

/// Removes each argument and each field of an input object whose value is a variable without a value.
/// `variables` already include their defaults.
///
/// The specification (September 2025, 3.10 and 6.4.1) treats them as absent, but the library treats them as
/// null. The difference matters if an argument has a default, and if null clears a field that stays unchanged
/// when it is absent.
///
/// Other operations may share the fragments that this function changes, so they are removed. They are not
/// executed.
pub fn omit_absent(document: &mut ExecutableDocument, operation_name: Option<&str>, variables: &Variables) {
    let operation = match (&mut document.operations, operation_name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get_mut(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values_mut().next()
        }
        (DocumentOperations::Multiple(_), None) => None,
    };
    let Some(operation) = operation else {
        return;
    };
    let absent: HashSet<Name> = list_absent_variables(&operation.node, variables);
    if absent.is_empty() {
        return;
    }
    let mut omission = AbsentVariableRemoval {
        absent: &absent,
        omitted: HashSet::new(),
        still_used: HashSet::new(),
    };
    omission.visit_directives(&operation.node.directives);
    omission.visit_selections(&mut operation.node.selection_set.node);
    for fragment in document.fragments.values_mut() {
        omission.visit_selections(&mut fragment.node.selection_set.node);
    }
    // Validation rejects a variable that is declared but not used.
    let AbsentVariableRemoval {
        omitted, still_used, ..
    } = omission;
    operation.node.variable_definitions.retain(|declared| {
        let name = &declared.node.name.node;
        !omitted.contains(name) || still_used.contains(name)
    });
    if !omitted.is_empty() {
        keep_only(document, operation_name);
    }
}

/// Removes all operations except one, and the fragments that only the others use.
fn keep_only(document: &mut ExecutableDocument, operation_name: Option<&str>) {
    let DocumentOperations::Multiple(operations) = &mut document.operations else {
        return;
    };
    if operations.len() < 2 {
        return;
    }
    operations.retain(|name, _| Some(name.as_str()) == operation_name);
    if let Some(operation) = operations.values().next().cloned() {
        let used = find_used_fragments(document, &operation.node);
        document.fragments.retain(|name, _| used.contains(name));
    }
}

fn list_absent_variables(operation: &OperationDefinition, variables: &Variables) -> HashSet<Name> {
    let declared = operation.variable_definitions.iter();
    declared
        .map(|declared| &declared.node.name.node)
        .filter(|name| !variables.contains_key(*name))
        .cloned()
        .collect()
}

struct AbsentVariableRemoval<'a> {
    absent: &'a HashSet<Name>,
    /// Absent variables that were removed somewhere.
    omitted: HashSet<Name>,
    /// Absent variables in a position that cannot be removed, such as an item of a list.
    still_used: HashSet<Name>,
}

impl AbsentVariableRemoval<'_> {
    fn visit_selections(&mut self, set: &mut SelectionSet) {
        for selection in &mut set.items {
            self.visit_directives(selection.node.directives());
            match &mut selection.node {
                Selection::Field(field) => {
                    field
                        .node
                        .arguments
                        .retain(|(_, value)| !self.record_if_absent(&value.node));
                    for (_, value) in &mut field.node.arguments {
                        self.visit_value(&mut value.node);
                    }
                    self.visit_selections(&mut field.node.selection_set.node);
                }
                Selection::InlineFragment(fragment) => {
                    self.visit_selections(&mut fragment.node.selection_set.node);
                }
                Selection::FragmentSpread(_) => {}
            }
        }
    }

    fn visit_directives(&mut self, directives: &[Positioned<Directive>]) {
        for (_, value) in directives.iter().flat_map(|directive| &directive.node.arguments) {
            if let Value::Variable(name) = &value.node
                && self.absent.contains(name)
            {
                self.still_used.insert(name.clone());
            }
        }
    }

    fn visit_value(&mut self, value: &mut Value) {
        match value {
            Value::Variable(name) if self.absent.contains(name) => {
                self.still_used.insert(name.clone());
            }
            Value::List(items) => {
                for item in items {
                    self.visit_value(item);
                }
            }
            Value::Object(fields) => {
                fields.retain(|_, value| !self.record_if_absent(value));
                for value in fields.values_mut() {
                    self.visit_value(value);
                }
            }
            _ => {}
        }
    }

    /// Whether a value is an absent variable. If so, records it as omitted.
    fn record_if_absent(&mut self, value: &Value) -> bool {
        match value {
            Value::Variable(name) if self.absent.contains(name) => {
                self.omitted.insert(name.clone());
                true
            }
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    /// Omits absent variables. Returns the arguments of the first field and the variables that are still
    /// declared.
    fn omit_and_list(document: &str, variables: serde_json::Value) -> (String, Vec<String>) {
        let mut document = parse_query(document).unwrap();
        omit_absent(&mut document, None, &Variables::from_json(variables));
        let (_, operation) = document.operations.iter().next().unwrap();
        let declared = operation.node.variable_definitions.iter();
        let declared = declared.map(|one| one.node.name.node.to_string()).collect();
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else {
            panic!("the first selection is a field");
        };
        let arguments = field.node.arguments.iter();
        let arguments: Vec<String> = arguments
            .map(|(name, value)| format!("{}: {}", name.node, value.node))
            .collect();
        (arguments.join(", "), declared)
    }

    #[test]
    fn absent_arguments_and_fields_are_removed() {
        let document = "query Q($a: Int, $b: Int) { f(x: $a, y: {p: $a, q: [{r: $b}]}) }";
        assert_eq!(
            omit_and_list(document, json!({})),
            ("y: {q: [{}]}".into(), vec![])
        );
        assert_eq!(
            omit_and_list(document, json!({"a": 1})),
            ("x: $a, y: {p: $a, q: [{}]}".into(), vec!["a".into()])
        );
        assert_eq!(
            omit_and_list(document, json!({"a": null, "b": 2})),
            (
                "x: $a, y: {p: $a, q: [{r: $b}]}".into(),
                vec!["a".into(), "b".into()]
            )
        );
    }

    #[test]
    fn unused_variables_stay_declared() {
        let document = "query Q($a: Int, $b: Int) { f(x: $a) }";
        assert_eq!(
            omit_and_list(document, json!({})),
            (String::new(), vec!["b".into()])
        );
    }

    #[test]
    fn unexecuted_operations_and_fragments_are_removed() {
        let text = "query A($a: Int) { ...F } query B($a: Int!) { ...F ...G } \
            fragment F on T { f(x: $a) } fragment G on T { g }";
        let mut document = parse_query(text).unwrap();
        omit_absent(&mut document, Some("A"), &Variables::default());
        let operations: Vec<_> = document.operations.iter().filter_map(|(name, _)| name).collect();
        assert_eq!(operations, ["A"]);
        assert_eq!(document.fragments.keys().collect::<Vec<_>>(), ["F"]);
        // No variable is absent, so nothing changes.
        let mut document = parse_query(text).unwrap();
        omit_absent(&mut document, Some("B"), &Variables::from_json(json!({"a": 1})));
        assert_eq!(document.operations.iter().count(), 2);
        assert_eq!(document.fragments.len(), 2);
    }

    #[test]
    fn list_items_and_directives_keep_their_variable() {
        let document = "query Q($a: Int, $b: Boolean) { f(x: [$a]) @include(if: $b) }";
        assert_eq!(
            omit_and_list(document, json!({})),
            ("x: [$a]".into(), vec!["a".into(), "b".into()])
        );
    }
}
