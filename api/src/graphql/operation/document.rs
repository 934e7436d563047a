//! The document of a request, and the operation in it that the request selects.

use std::any::TypeId;
use std::collections::HashSet;

use async_graphql::parser::types::{
    DocumentOperations, ExecutableDocument, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Name, Positioned, Request, Value as ConstValue, Variables};
use async_graphql_value::Value;

use super::document_limits::{DocumentLimits, measure_document};

/// Marks a request whose document is within the limits, so that it is measured only once.
pub(super) struct MeasuredMarker;

/// Returns the document of a request. `None` if it is over a limit or does not parse; executing the request
/// reports the reason.
pub fn parse_document(request: &mut Request) -> Option<&ExecutableDocument> {
    if !request.data.contains_key(&TypeId::of::<MeasuredMarker>()) {
        measure_document(&request.query, &DocumentLimits::default()).ok()?;
        request.data.insert(MeasuredMarker);
    }
    request.parsed_query().ok()
}

/// Returns the type of the operation that a request selects. `None` without a [document](parse_document), or
/// if the document has no such operation.
pub fn find_operation_type(request: &mut Request) -> Option<OperationType> {
    let name = request.operation_name.clone();
    let operation = find_operation(parse_document(request)?, name.as_deref())?;
    Some(operation.node.ty)
}

/// Finds an operation of a document by its name, or its only operation. None if there is no such operation;
/// executing the document reports the error.
pub fn find_operation<'d>(
    document: &'d ExecutableDocument,
    name: Option<&str>,
) -> Option<&'d Positioned<OperationDefinition>> {
    match (&document.operations, name) {
        (DocumentOperations::Single(operation), _) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => {
            operations.values().next()
        }
        (DocumentOperations::Multiple(_), None) => None,
    }
}

/// Finds the names of the fragments that an operation uses, directly or through other fragments.
pub fn find_used_fragments(document: &ExecutableDocument, operation: &OperationDefinition) -> HashSet<Name> {
    let mut used = HashSet::new();
    let mut ahead = vec![&operation.selection_set.node];
    while let Some(set) = ahead.pop() {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => ahead.push(&field.node.selection_set.node),
                Selection::InlineFragment(fragment) => ahead.push(&fragment.node.selection_set.node),
                Selection::FragmentSpread(spread) => {
                    let name = &spread.node.fragment_name.node;
                    if let Some(fragment) = document.fragments.get(name)
                        && used.insert(name.clone())
                    {
                        ahead.push(&fragment.node.selection_set.node);
                    }
                }
            }
        }
    }
    used
}

/// Whether `@skip` or `@include` excludes a selection. `variables` already include their defaults.
pub fn is_skipped(selection: &Selection, variables: &Variables) -> bool {
    selection.directives().iter().any(|directive| {
        let excluded_if = match directive.node.name.node.as_str() {
            "skip" => true,
            "include" => false,
            _ => return false,
        };
        let condition = directive.node.get_argument("if").map(|condition| &condition.node);
        let value = match condition {
            Some(Value::Boolean(value)) => Some(*value),
            Some(Value::Variable(name)) => match variables.get(name) {
                Some(ConstValue::Boolean(value)) => Some(*value),
                _ => None,
            },
            _ => None,
        };
        value == Some(excluded_if)
    })
}

/// Calls a function with each selection of a set and of its nested sets. Does not follow fragment spreads.
pub fn for_each_selection<'d>(set: &'d SelectionSet, visit: &mut impl FnMut(&'d Selection)) {
    for selection in &set.items {
        visit(&selection.node);
        match &selection.node {
            Selection::Field(field) => for_each_selection(&field.node.selection_set.node, visit),
            Selection::InlineFragment(fragment) => {
                for_each_selection(&fragment.node.selection_set.node, visit);
            }
            Selection::FragmentSpread(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::find_operation;

    #[test]
    fn named_or_only_operation_is_selected() {
        for (document, name, field) in [
            ("{ a }", None, Some("a")),
            ("{ a }", Some("B"), Some("a")),
            ("query A { a }", None, Some("a")),
            ("query A { a }", Some("A"), Some("a")),
            ("query A { a }", Some("B"), None),
            ("query A { a } query B { b }", Some("B"), Some("b")),
            ("query A { a } query B { b }", Some("C"), None),
            ("query A { a } query B { b }", None, None),
        ] {
            let parsed = parse_query(document).unwrap();
            let found = find_operation(&parsed, name);
            let shown = found.map(|one| format!("{:?}", one.node.selection_set.node.items[0].node));
            match (shown, field) {
                (None, None) => {}
                (Some(shown), Some(field)) => {
                    assert!(
                        shown.contains(&format!("\"{field}\"")),
                        "{document} {name:?}: {shown}"
                    );
                }
                (shown, _) => panic!("{document} {name:?}: {shown:?}"),
            }
        }
    }
}
