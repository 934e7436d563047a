//! Checks whether the values in the arguments of an operation fit their positions: a variable without a value
//! by its declared type, and every value of a scalar or an input object.
//!
//! The library checks the value of a variable where it is used. A variable without a value is removed before
//! that ([`omit_absent`](super::omit_absent)), so it is checked here by its declared type (October 2021,
//! 5.8.5). A declared type fits if the library accepts its values, so omitting a value never makes a valid
//! request invalid.
//!
//! The library parses a scalar when it executes the field, and its error names neither the argument nor the
//! input field. So these values are parsed here first.

use std::collections::HashMap;

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, FieldDefinition, OperationDefinition, Selection, SelectionSet, Type,
};
use async_graphql::{Pos, Positioned, Value as ConstValue, Variables};
use async_graphql_value::Value;

use super::InputTypes;
use super::scalars::{find_advice, type_description};
use crate::graphql::operation::document::find_used_fragments;
use crate::graphql::operation::field_types::root_type;

/// The fields of the output types of the schema, by type and name.
pub type OutputTypes = HashMap<String, HashMap<String, OutputField>>;

/// A field of an output type.
#[derive(Debug)]
pub struct OutputField {
    arguments: HashMap<String, Type>,
    /// The type of the field, or of the items of its lists.
    type_name: String,
}

/// Indexes the fields of an output type by name.
pub fn index_output_fields(fields: Vec<Positioned<FieldDefinition>>) -> HashMap<String, OutputField> {
    fields
        .into_iter()
        .map(|Positioned { node: field, .. }| {
            let arguments = field.arguments.into_iter();
            let arguments = arguments
                .map(|argument| (argument.node.name.node.to_string(), argument.node.ty.node))
                .collect();
            let of = innermost_type_name(&field.ty.node).to_owned();
            (
                field.name.node.to_string(),
                OutputField {
                    arguments,
                    type_name: of,
                },
            )
        })
        .collect()
}

/// Returns the name of a type, or of the items of its lists.
fn innermost_type_name(of: &Type) -> &str {
    match &of.base {
        BaseType::Named(name) => name.as_str(),
        BaseType::List(of) => innermost_type_name(of),
    }
}

impl InputTypes {
    /// Finds a value, or a variable without a value, that can never fit its position, and describes the
    /// error.
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
        let usages = UsageCheck {
            types: self,
            absent: &absent,
            variables,
        };
        let found = usages.find_in_set(&operation.selection_set.node, Some(root_type(operation.ty)));
        found.or_else(|| {
            let used = find_used_fragments(document, operation);
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

    /// Finds an error in a value of a scalar or an input object, or in a list of them.
    fn find_wrong_value(&self, place: &Type, value: &ConstValue) -> Option<UsageError> {
        let named = match (value, &place.base) {
            (ConstValue::Null, _) => return None,
            (ConstValue::List(items), BaseType::List(of)) => {
                return items.iter().enumerate().find_map(|(at, value)| {
                    let wrong = self.find_wrong_value(of, value)?;
                    Some(wrong.with_parent(&format!("[{at}]")))
                });
            }
            (value, BaseType::List(of)) => return self.find_wrong_value(of, value),
            (_, BaseType::Named(name)) => name.as_str(),
        };
        match (self.objects.get(named), value) {
            (Some(fields), ConstValue::Object(given)) => given.iter().find_map(|(name, value)| {
                let wrong = self.find_wrong_value(&fields.get(name.as_str())?.field_type, value)?;
                Some(wrong.with_parent(&format!(".{name}")))
            }),
            (Some(_), _) => {
                let advice = format!("write {} of the type {named}", type_description(named));
                Some(UsageError::value(advice))
            }
            (None, value) => find_advice(named, value).map(|advice| UsageError::value(advice.to_owned())),
        }
    }

    /// Whether some values of a declared type are also values of another type.
    fn is_compatible(&self, declared: &Type, place: &Type) -> bool {
        match (&declared.base, &place.base) {
            (BaseType::Named(declared), BaseType::Named(place)) => self.is_name_compatible(declared, place),
            (BaseType::List(declared), BaseType::List(place)) => self.is_compatible(declared, place),
            // GraphQL reads a single value as a list of one item.
            (BaseType::Named(_), BaseType::List(place)) => self.is_compatible(declared, place),
            (BaseType::List(_), BaseType::Named(_)) => false,
        }
    }

    fn is_name_compatible(&self, declared: &str, place: &str) -> bool {
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
            // Values of enums and custom scalars can be texts in variables.
            _ if self.enums.contains_key(declared) => !self.enums.contains_key(place) && accepts_text(place),
            _ if self.enums.contains_key(place) => accepts_text(declared),
            _ => true,
        }
    }
}

/// Whether a scalar can accept a text.
fn accepts_text(scalar: &str) -> bool {
    !matches!(scalar, "Int" | "Float" | "Boolean")
}

/// An error in the use of a value.
struct UsageError {
    /// The path in the argument, such as `.startedOn.gte`. None if the message contains it.
    path: Option<String>,
    message: String,
}

impl UsageError {
    const fn value(message: String) -> Self {
        Self {
            path: Some(String::new()),
            message,
        }
    }

    fn with_parent(self, step: &str) -> Self {
        Self {
            path: self.path.map(|path| format!("{step}{path}")),
            ..self
        }
    }

    fn describe(self, argument: &str) -> String {
        match self.path {
            Some(path) => format!("{argument}{path}: {}", self.message),
            None => self.message,
        }
    }
}

struct UsageCheck<'a> {
    types: &'a InputTypes,
    variables: &'a Variables,
    /// The declared types of the variables without a value.
    absent: &'a HashMap<&'a str, &'a Type>,
}

impl UsageCheck<'_> {
    /// Searches a selection set of a type. If the type is unknown, searches only fragments with a type
    /// condition.
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
                    let wrong = self.find_in_value(&name.node, place, &value.node)?;
                    Some((value.pos, wrong.describe(&name.node)))
                });
                found.or_else(|| {
                    self.find_in_set(&field.selection_set.node, of.map(|of| of.type_name.as_str()))
                })
            }
            Selection::InlineFragment(fragment) => {
                let on = fragment.node.type_condition.as_ref();
                let on = on.map(|condition| condition.node.on.node.as_str());
                self.find_in_set(&fragment.node.selection_set.node, on.or(parent))
            }
            Selection::FragmentSpread(_) => None,
        })
    }

    /// Searches the value of the argument or field with this name.
    fn find_in_value(&self, name: &str, place: &Type, value: &Value) -> Option<UsageError> {
        match value {
            Value::Variable(variable) => {
                if let Some(given) = self.variables.get(variable) {
                    let wrong = self.types.find_wrong_value(place, given)?;
                    let message = wrong.describe(&format!("${variable}"));
                    return Some(UsageError { path: None, message });
                }
                let declared = self.absent.get(variable.as_str())?;
                (!self.types.is_compatible(declared, place)).then(|| UsageError {
                    path: None,
                    message: format!("${variable} is of the type {declared}, and {name} of the type {place}"),
                })
            }
            Value::List(items) => {
                let item = match &place.base {
                    BaseType::List(item) => item,
                    // A list does not fit any other type. The library reports this for scalars.
                    BaseType::Named(named) => {
                        let is_object = self.types.objects.contains_key(named.as_str());
                        let value = ConstValue::List(Vec::new());
                        return is_object.then(|| self.types.find_wrong_value(place, &value))?;
                    }
                };
                items.iter().enumerate().find_map(|(at, value)| {
                    let wrong = self.find_in_value(name, item, value)?;
                    Some(wrong.with_parent(&format!("[{at}]")))
                })
            }
            Value::Object(given) => {
                let fields = self.types.objects.get(innermost_type_name(place))?;
                given.iter().find_map(|(name, value)| {
                    let field = fields.get(name.as_str())?;
                    let wrong = self.find_in_value(name, &field.field_type, value)?;
                    Some(wrong.with_parent(&format!(".{name}")))
                })
            }
            value => {
                let value = value.clone().into_const()?;
                self.types.find_wrong_value(place, &value)
            }
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

    fn find_error(document: &str, variables: serde_json::Value) -> Option<String> {
        let document = parse_query(document).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        InputTypes::from_sdl(SCHEMA)
            .find_wrong_usage(&document, &operation.node, &Variables::from_json(variables))
            .map(|(_, message)| message)
    }

    #[test]
    fn absent_variables_fit_where_present_ones_do() {
        for document in [
            "query Q($a: String) { things(text: $a) { name } }",
            "query Q($a: ID, $b: Int) { things(text: $a, size: $b) { name } }",
            "query Q($a: String) { things(filter: {way: $a, and: [{day: $a}]}) { name } }",
            "query Q($a: Day) { things(filter: {day: $a, count: $a}) { name } }",
            "query Q($a: Filter) { things(filter: {and: $a}) { name } }",
            "query Q($a: [String!]) { things { parts(ids: $a) { name } } }",
            "query Q($a: Int) { unknown(x: $a) { name } things(unknown: $a) { name } }",
        ] {
            assert_eq!(find_error(document, json!({})), None, "{document}");
        }
        let used_with_a_value = "query Q($a: Int) { things(text: $a) { name } }";
        assert_eq!(find_error(used_with_a_value, json!({"a": 1})), None);
    }

    #[test]
    fn mismatched_values_are_reported_with_their_path() {
        let schema = "
            scalar Date scalar BigInt
            input Days { gte: Date in: [Date!] }
            input Filter { and: [Filter!] on: Days amount: BigInt months: Int }
            type Query { things(filter: Filter, on: Date, first: Int): Int }";
        let found = |document: &str, variables| {
            let document = parse_query(document).unwrap();
            let (_, operation) = document.operations.iter().next().unwrap();
            InputTypes::from_sdl(schema)
                .find_wrong_usage(&document, &operation.node, &Variables::from_json(variables))
                .map(|(_, message)| message)
        };
        for document in [
            r#"{ things(on: "2024-04-01", first: 3, filter: {and: {amount: "5", months: 5}}) }"#,
            r#"{ things(filter: {on: {in: "2024-04-01", gte: null}}) }"#,
            r#"{ things(first: "x", filter: {unknown: {gte: "x"}}) }"#,
        ] {
            assert_eq!(found(document, json!({})), None, "{document}");
        }
        let day = "write a date as YYYY-MM-DD, such as 2024-04-01";
        for (document, variables, place, advice) in [
            (r#"{ things(on: "1 May") }"#, json!({}), "on", day),
            (r"{ things(on: MAY) }", json!({}), "on", day),
            (
                r#"{ things(filter: {and: [{}, {on: {in: ["2024-04-01", ""]}}]}) }"#,
                json!({}),
                "filter.and[1].on.in[1]",
                day,
            ),
            (
                "query Q($d: Date) { things(filter: {on: {gte: $d}}) }",
                json!({"d": "x"}),
                "$d",
                day,
            ),
            (
                "query Q($f: Filter) { things(filter: $f) }",
                json!({"f": {"on": {"gte": "x"}}}),
                "$f.on.gte",
                day,
            ),
            (
                "{ things(filter: 5) }",
                json!({}),
                "filter",
                "write an object in braces of the type Filter",
            ),
            (
                "{ things(filter: {on: []}) }",
                json!({}),
                "filter.on",
                "write an object in braces of the type Days",
            ),
            (
                "{ things(filter: {amount: 1.5}) }",
                json!({}),
                "filter.amount",
                "write a whole number from",
            ),
            (
                "{ things(first: 99999999999) }",
                json!({}),
                "first",
                "write a whole number from -2147483648",
            ),
        ] {
            let message = found(document, variables).unwrap_or_default();
            assert!(
                message.starts_with(&format!("{place}: {advice}")),
                "{document}: {message}"
            );
        }
    }

    #[test]
    fn variables_of_incompatible_types_are_reported() {
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
            assert_eq!(
                find_error(document, json!({})).as_deref(),
                Some(message),
                "{document}"
            );
        }
    }
}
