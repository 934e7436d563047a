//! Whether a variable without a value is declared with a type that fits where it is used.
//!
//! The library checks the value of a variable where it is used. One without a value is removed from there before
//! ([`omit_absent`](super::omit_absent)), so it is checked here by its declared type (October 2021, 5.8.5). What fits is
//! what the library takes where there is a value, so that leaving a value out never turns a good request into a bad one.

use std::collections::HashMap;

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, FieldDefinition, OperationDefinition, OperationType, Selection,
    SelectionSet, Type,
};
use async_graphql::{Pos, Positioned, Variables};
use async_graphql_value::Value;

use super::InputTypes;
use crate::graphql::operation::used_fragments;

/// The fields of the output types of the schema, by type and by name.
pub type OutputTypes = HashMap<String, HashMap<String, OutputField>>;

/// A field of an output type.
#[derive(Debug)]
pub struct OutputField {
    arguments: HashMap<String, Type>,
    /// The type that it has within its lists.
    of: String,
}

/// The fields of an output type, by name.
pub fn output_fields(fields: Vec<Positioned<FieldDefinition>>) -> HashMap<String, OutputField> {
    fields
        .into_iter()
        .map(|Positioned { node: field, .. }| {
            let arguments = field.arguments.into_iter();
            let arguments = arguments
                .map(|argument| (argument.node.name.node.to_string(), argument.node.ty.node))
                .collect();
            let of = innermost(&field.ty.node).to_owned();
            (field.name.node.to_string(), OutputField { arguments, of })
        })
        .collect()
}

/// The name of a type within its lists.
fn innermost(of: &Type) -> &str {
    match &of.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(of) => innermost(of),
    }
}

impl InputTypes {
    /// Finds where a variable without a value is used that never fits there, and describes the error.
    pub fn find_wrong_usage(
        &self,
        document: &ExecutableDocument,
        operation: &OperationDefinition,
        variables: &Variables,
    ) -> Option<(Pos, String)> {
        let declared = operation.variable_definitions.iter().map(|one| &one.node);
        let absent: HashMap<&str, &Type> = declared
            .filter(|declared| !variables.contains_key(&declared.name.node))
            .map(|declared| (declared.name.node.as_str(), &declared.var_type.node))
            .collect();
        if absent.is_empty() {
            return None;
        }
        let usages = Usages {
            types: self,
            absent: &absent,
        };
        let root = match operation.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => "Subscription",
        };
        let found = usages.find_in_set(&operation.selection_set.node, Some(root));
        found.or_else(|| {
            let used = used_fragments(document, operation);
            document
                .fragments
                .iter()
                .filter(|(name, _)| used.contains(*name))
                .find_map(|(_, fragment)| {
                    let on = fragment.node.type_condition.node.on.node.as_str();
                    usages.find_in_set(&fragment.node.selection_set.node, Some(on))
                })
        })
    }

    /// Whether some value of a declared type is one of another type too.
    fn fits(&self, declared: &Type, place: &Type) -> bool {
        match (&declared.base, &place.base) {
            (BaseType::Named(declared), BaseType::Named(place)) => self.named_fits(declared, place),
            (BaseType::List(declared), BaseType::List(place)) => self.fits(declared, place),
            // One value is read as a list of it, as GraphQL does.
            (BaseType::Named(_), BaseType::List(place)) => self.fits(declared, place),
            (BaseType::List(_), BaseType::Named(_)) => false,
        }
    }

    fn named_fits(&self, declared: &str, place: &str) -> bool {
        if declared == place {
            return true;
        }
        if [declared, place]
            .iter()
            .any(|name| self.objects.contains_key(*name))
        {
            return false;
        }
        match (declared, place) {
            ("String" | "Int", "ID") | ("ID", "String") | ("Int", "Float") => true,
            (
                "Int" | "Float" | "String" | "Boolean" | "ID",
                "Int" | "Float" | "String" | "Boolean" | "ID",
            ) => false,
            // Names of enums and custom scalars are texts in variables.
            _ if self.enums.contains_key(declared) => !self.enums.contains_key(place) && is_text(place),
            _ if self.enums.contains_key(place) => is_text(declared),
            _ => true,
        }
    }
}

/// Whether values of a scalar can be texts.
fn is_text(scalar: &str) -> bool {
    !matches!(scalar, "Int" | "Float" | "Boolean")
}

struct Usages<'a> {
    types: &'a InputTypes,
    /// The declared types of the variables without a value.
    absent: &'a HashMap<&'a str, &'a Type>,
}

impl Usages<'_> {
    /// Searches a selection set of a type; of an unknown type, only what has a type condition.
    fn find_in_set(&self, set: &SelectionSet, parent: Option<&str>) -> Option<(Pos, String)> {
        set.items.iter().find_map(|selection| match &selection.node {
            Selection::Field(field) => {
                let field = &field.node;
                let of = parent.and_then(|parent| {
                    let fields = self.types.outputs.get(parent)?;
                    fields.get(field.name.node.as_str())
                });
                let found = field.arguments.iter().find_map(|(name, value)| {
                    let place = of?.arguments.get(name.node.as_str())?;
                    let message = self.find_in_value(&name.node, place, &value.node)?;
                    Some((value.pos, message))
                });
                found.or_else(|| self.find_in_set(&field.selection_set.node, of.map(|of| of.of.as_str())))
            }
            Selection::InlineFragment(fragment) => {
                let on = fragment.node.type_condition.as_ref();
                let on = on.map(|condition| condition.node.on.node.as_str());
                self.find_in_set(&fragment.node.selection_set.node, on.or(parent))
            }
            Selection::FragmentSpread(_) => None,
        })
    }

    /// Searches the value of an argument or a field with a name.
    fn find_in_value(&self, name: &str, place: &Type, value: &Value) -> Option<String> {
        match value {
            Value::Variable(variable) => {
                let declared = self.absent.get(variable.as_str())?;
                (!self.types.fits(declared, place))
                    .then(|| format!("${variable} is of the type {declared}, and {name} of the type {place}"))
            }
            Value::List(items) => {
                let item = match &place.base {
                    BaseType::List(item) => item,
                    BaseType::Named(_) => return None,
                };
                items
                    .iter()
                    .find_map(|value| self.find_in_value(name, item, value))
            }
            Value::Object(given) => {
                let fields = self.types.objects.get(innermost(place))?;
                given.iter().find_map(|(name, value)| {
                    let field = fields.get(name.as_str())?;
                    self.find_in_value(name, &field.of, value)
                })
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    const SCHEMA: &str = "
        enum Way { UP DOWN }
        scalar Day
        input Filter { and: [Filter!] way: Way day: Day count: Int }
        interface Named { name(case: Way): String }
        type Thing implements Named { name(case: Way): String parts(first: Int, ids: [ID!]): [Thing!]! }
        type Query { things(filter: Filter, text: String, size: Float): [Thing!]! }";

    fn found(document: &str, variables: serde_json::Value) -> Option<String> {
        let document = parse_query(document).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        InputTypes::of(SCHEMA)
            .find_wrong_usage(&document, &operation.node, &Variables::from_json(variables))
            .map(|(_, message)| message)
    }

    #[test]
    fn a_variable_without_a_value_fits_where_one_with_a_value_does() {
        for document in [
            "query Q($a: String) { things(text: $a) { name } }",
            "query Q($a: ID, $b: Int) { things(text: $a, size: $b) { name } }",
            "query Q($a: String) { things(filter: {way: $a, and: [{day: $a}]}) { name } }",
            "query Q($a: Day) { things(filter: {day: $a, count: $a}) { name } }",
            "query Q($a: Filter) { things(filter: {and: $a}) { name } }",
            "query Q($a: [String!]) { things { parts(ids: $a) { name } } }",
            "query Q($a: Int) { unknown(x: $a) { name } things(unknown: $a) { name } }",
        ] {
            assert_eq!(found(document, json!({})), None, "{document}");
        }
        let used_with_a_value = "query Q($a: Int) { things(text: $a) { name } }";
        assert_eq!(found(used_with_a_value, json!({"a": 1})), None);
    }

    #[test]
    fn a_variable_of_a_type_that_never_fits_is_named() {
        for (document, message) in [
            (
                "query Q($a: Int) { things(text: $a) { name } }",
                "$a is of the type Int, and text of the type String",
            ),
            (
                "query Q($a: Boolean) { things { parts { parts(first: $a) { name } } } }",
                "$a is of the type Boolean, and first of the type Int",
            ),
            (
                "query Q($a: [Int]) { things(size: $a) { name } }",
                "$a is of the type [Int], and size of the type Float",
            ),
            (
                "query Q($a: Int) { things(filter: {and: [{way: $a}]}) { name } }",
                "$a is of the type Int, and way of the type Way",
            ),
            (
                "query Q($a: Day) { things(filter: $a) { name } }",
                "$a is of the type Day, and filter of the type Filter",
            ),
            (
                "query Q($a: Int) { things { ...F } } fragment F on Named { name(case: $a) }",
                "$a is of the type Int, and case of the type Way",
            ),
            (
                "query Q($a: Float) { things { ... on Thing { parts(ids: [$a]) { name } } } }",
                "$a is of the type Float, and ids of the type ID!",
            ),
        ] {
            assert_eq!(found(document, json!({})).as_deref(), Some(message), "{document}");
        }
    }
}
