//! Checks that the variables of a request have the types that its operation declares. The specification
//! (October 2021, 6.1.2) rejects the whole request, before any of it is executed, if one does not.

pub mod scalars;
mod usage;

use std::collections::{HashMap, HashSet};

use async_graphql::parser::types::{BaseType, ExecutableDocument, OperationDefinition, Type, TypeKind};
use async_graphql::{Pos, Request, ServerError, ServerResult, Value, Variables};

use self::usage::{OutputTypes, index_output_fields};
use super::absent_variables::omit_absent;
use super::directive_conditions::find_missing_condition;
use super::document;
use super::field_types::parse_type_definitions;
use super::nul_characters;
use crate::error::Error;

/// The input types of the schema, and the arguments of its fields.
#[derive(Debug, Default)]
pub struct InputTypes {
    enums: HashMap<String, HashSet<String>>,
    objects: HashMap<String, HashMap<String, InputField>>,
    outputs: OutputTypes,
}

/// A field of an input object.
#[derive(Debug)]
struct InputField {
    field_type: Type,
    has_default: bool,
}

impl InputTypes {
    /// Reads the types from a schema in the GraphQL schema definition language.
    pub fn from_sdl(sdl: &str) -> Self {
        let mut types = Self::default();
        for definition in parse_type_definitions(sdl) {
            let name = definition.name.node.to_string();
            match definition.kind {
                TypeKind::Enum(of) => {
                    let values = of
                        .values
                        .into_iter()
                        .map(|value| value.node.value.node.to_string());
                    types.enums.insert(name, values.collect());
                }
                TypeKind::InputObject(of) => {
                    let fields = of.fields.into_iter().map(|field| {
                        let has_default = field.node.default_value.is_some();
                        let of = field.node.ty.node;
                        (
                            field.node.name.node.to_string(),
                            InputField {
                                field_type: of,
                                has_default,
                            },
                        )
                    });
                    types.objects.insert(name, fields.collect());
                }
                TypeKind::Object(of) => {
                    types.outputs.insert(name, index_output_fields(of.fields));
                }
                TypeKind::Interface(of) => {
                    types.outputs.insert(name, index_output_fields(of.fields));
                }
                _ => {}
            }
        }
        types
    }

    /// Describes why a value does not have a type, with the path of the mismatch. None if it has the type.
    fn find_mismatch(&self, path: &str, of: &Type, value: &Value) -> Option<String> {
        let named = match (value, &of.base) {
            (Value::Null, _) if of.nullable => return None,
            (Value::Null, _) => return Some(format!("{path} is null, and is of the type {of}")),
            (Value::List(values), BaseType::List(of)) => {
                return values
                    .iter()
                    .enumerate()
                    .find_map(|(at, value)| self.find_mismatch(&format!("{path}[{at}]"), of, value));
            }
            // GraphQL reads a single value as a list of one item.
            (value, BaseType::List(of)) => return self.find_mismatch(path, of, value),
            (_, BaseType::Named(name)) => name.as_str(),
        };
        if let Some(fields) = self.objects.get(named) {
            return self.find_object_mismatch(path, named, fields, value);
        }
        let is_one = if let Some(values) = self.enums.get(named) {
            match value {
                Value::String(text) => values.contains(text),
                Value::Enum(name) => values.contains(name.as_str()),
                _ => false,
            }
        } else {
            match (named, value) {
                ("Int", Value::Number(number)) => number
                    .as_i64()
                    .is_some_and(|number| i32::try_from(number).is_ok()),
                ("Float", Value::Number(_))
                | ("String" | "ID", Value::String(_))
                | ("Boolean", Value::Boolean(_)) => true,
                ("ID", Value::Number(number)) => number.is_i64() || number.is_u64(),
                ("Int" | "Float" | "String" | "Boolean" | "ID", _) => false,
                // Other scalars validate their own values.
                _ => true,
            }
        };
        (!is_one).then(|| format!("{path} is not of the type {named}"))
    }

    fn find_object_mismatch(
        &self,
        path: &str,
        named: &str,
        fields: &HashMap<String, InputField>,
        value: &Value,
    ) -> Option<String> {
        let Value::Object(given) = value else {
            return Some(format!("{path} is not of the type {named}"));
        };
        if let Some(unknown) = given.keys().find(|name| !fields.contains_key(name.as_str())) {
            return Some(format!(
                "{path} is of the type {named}, which has no field {unknown}"
            ));
        }
        let mut names: Vec<&String> = fields.keys().collect();
        names.sort_unstable();
        names.into_iter().find_map(|name| {
            let field = &fields[name];
            match given.get(name.as_str()) {
                Some(value) => self.find_mismatch(&format!("{path}.{name}"), &field.field_type, value),
                None if field.field_type.nullable || field.has_default => None,
                None => Some(format!("{path}.{name} is missing")),
            }
        })
    }

    /// Finds an error in the variables of an operation, with the position of the declaration.
    fn check_variables(
        &self,
        operation: &OperationDefinition,
        variables: &Variables,
    ) -> Option<(Pos, String)> {
        operation.variable_definitions.iter().find_map(|declared| {
            let declared = &declared.node;
            let path = format!("${}", declared.name.node);
            let of = &declared.var_type.node;
            let trouble = match variables.get(&declared.name.node) {
                Some(value) => self.find_mismatch(&path, of, value),
                None if of.nullable => None,
                None => Some(format!("{path} is missing, and is of the type {of}")),
            };
            trouble.map(|trouble| (declared.name.pos, trouble))
        })
    }
}

/// Adds the declared default of each variable that the request omits. A variable that is null stays null.
pub fn add_defaults(operation: &OperationDefinition, variables: &mut Variables) {
    for declared in &operation.variable_definitions {
        let name = &declared.node.name.node;
        if let Some(default) = &declared.node.default_value
            && !variables.contains_key(name)
        {
            variables.insert(name.clone(), default.node.clone());
        }
    }
}

/// Adds the defaults of the operation that a request selects to its variables.
pub fn add_defaults_to(request: &mut Request) {
    let mut variables = std::mem::take(&mut request.variables);
    let name = request.operation_name.clone();
    if let Some(document) = document::parse_document(request)
        && let Some(operation) = document::find_operation(document, name.as_deref())
    {
        add_defaults(&operation.node, &mut variables);
    }
    request.variables = variables;
}

/// Checks the variables of the operation with this name, and removes variables without a value from the
/// document.
///
/// # Errors
/// If a variable or a condition has no value or the wrong type, or a text contains a NUL character.
pub fn check_operation_variables(
    types: &InputTypes,
    document: &mut ExecutableDocument,
    name: Option<&str>,
    variables: &Variables,
) -> ServerResult<()> {
    let operation = document::find_operation(document, name);
    if let Some(operation) = operation
        && nul_characters::has_nul(document, &operation.node, variables)
    {
        let error = async_graphql::Error::from(Error::nul_in_text());
        return Err(error.into_server_error(operation.pos));
    }
    let problem = operation.and_then(|operation| {
        let wrong_type = types.check_variables(&operation.node, variables);
        wrong_type
            .or_else(|| find_missing_condition(document, &operation.node, variables))
            .or_else(|| types.find_wrong_usage(document, &operation.node, variables))
    });
    match problem {
        None => {
            omit_absent(document, name, variables);
            Ok(())
        }
        Some((at, problem)) => Err(ServerError::new(problem, Some(at))),
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;

    use super::*;

    const SCHEMA: &str = "
        enum Way { UP DOWN }
        input Filter { and: [Filter!] way: Way = UP count: Int! of: [ID!] size: Float }
        scalar Day
        type Query { a(filter: Filter): Int }";

    fn find_mismatch(declared: &str, variables: serde_json::Value) -> Option<String> {
        let document = parse_query(format!("query Q({declared}) {{ a }}")).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let mut variables = Variables::from_json(variables);
        add_defaults(&operation.node, &mut variables);
        InputTypes::from_sdl(SCHEMA)
            .check_variables(&operation.node, &variables)
            .map(|(_, trouble)| trouble)
    }

    #[test]
    fn valid_variables_are_accepted() {
        for (declared, variables) in [
            ("$a: Int", json!({})),
            ("$a: Int", json!({"a": null})),
            ("$a: Int! = 3", json!({})),
            ("$a: [Int!]!", json!({"a": 3})),
            ("$a: [[Int]]", json!({"a": [[1, null], null]})),
            ("$a: ID!", json!({"a": 3})),
            ("$a: Float!", json!({"a": 3})),
            ("$a: Way!", json!({"a": "UP"})),
            ("$a: Day!", json!({"a": {"any": "thing"}})),
            (
                "$a: Filter",
                json!({"a": {"count": 1, "and": [{"count": 2, "way": "DOWN", "of": "x"}]}}),
            ),
            ("$a: Int", json!({"another": true})),
        ] {
            assert_eq!(
                find_mismatch(declared, variables.clone()),
                None,
                "{declared} {variables}"
            );
        }
    }

    #[test]
    fn invalid_variables_are_rejected_with_their_path() {
        for (declared, variables, says) in [
            ("$a: Int!", json!({}), "$a is missing, and is of the type Int!"),
            (
                "$a: ID!",
                json!({"a": null}),
                "$a is null, and is of the type ID!",
            ),
            (
                "$a: Int",
                json!({"a": 3_000_000_000_u32}),
                "$a is not of the type Int",
            ),
            ("$a: Int", json!({"a": 1.5}), "$a is not of the type Int"),
            ("$a: String", json!({"a": 1}), "$a is not of the type String"),
            (
                "$a: Boolean",
                json!({"a": "true"}),
                "$a is not of the type Boolean",
            ),
            (
                "$a: [Int!]",
                json!({"a": [1, null]}),
                "$a[1] is null, and is of the type Int!",
            ),
            ("$a: Way", json!({"a": "SIDEWAYS"}), "$a is not of the type Way"),
            ("$a: Filter", json!({"a": 1}), "$a is not of the type Filter"),
            ("$a: Filter", json!({"a": {}}), "$a.count is missing"),
            (
                "$a: Filter",
                json!({"a": {"count": 1, "other": 2}}),
                "$a is of the type Filter, which has no field other",
            ),
            (
                "$a: Filter",
                json!({"a": {"count": 1, "and": [{"count": 1}, {"count": "x"}]}}),
                "$a.and[1].count is not of the type Int",
            ),
        ] {
            assert_eq!(
                find_mismatch(declared, variables.clone()).as_deref(),
                Some(says),
                "{declared} {variables}"
            );
        }
    }
}
