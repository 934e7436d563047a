//! The operations of the pages fit the schema, and their types fit the operations.

use std::collections::HashMap;

use async_graphql::parser::types::{
    BaseType, ExecutableDocument, Field, OperationType, Selection, SelectionSet, Type, TypeKind,
    TypeSystemDefinition,
};
use async_graphql::parser::{parse_query, parse_schema};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use serde_json::{Map, Value, json};

use super::list_operations;
use crate::schema::execute::find_document_errors;
use crate::schema::schema_sdl;

/// How many responses are made for each operation.
const RESPONSES_PER_OPERATION: u64 = 200;

#[tokio::test]
async fn documents_are_valid() {
    for operation in list_operations() {
        let errors = find_document_errors(operation.document).await;
        assert!(errors.is_empty(), "{errors:?} in\n{}", operation.document);
    }
}

/// Any response that the schema allows can be read into the type of the operation, and no field of it is lost.
#[test]
fn types_read_every_response_that_the_schema_allows() {
    let types = SchemaTypes::new();
    for operation in list_operations() {
        let document = parse_query(operation.document).unwrap();
        for seed in 0..RESPONSES_PER_OPERATION {
            let mut maker = ResponseMaker {
                types: &types,
                document: &document,
                random: StdRng::seed_from_u64(seed),
            };
            let response = maker.make_response();
            let written = (operation.read_and_write)(response.clone());
            let written = written.unwrap_or_else(|cause| {
                panic!(
                    "{cause}: seed {seed} makes {response:#} for\n{}",
                    operation.document
                )
            });
            assert_eq!(
                remove_nulls(written),
                remove_nulls(response),
                "seed {seed}\n{}",
                operation.document
            );
        }
    }
}

/// Removes the fields that are null: a page shows the same for them as for fields that a variable leaves out.
fn remove_nulls(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let given = fields.into_iter().filter(|(_, value)| !value.is_null());
            Value::Object(given.map(|(key, value)| (key, remove_nulls(value))).collect())
        }
        Value::Array(items) => items.into_iter().map(remove_nulls).collect(),
        value => value,
    }
}

struct SchemaTypes(HashMap<String, TypeKind>);

impl SchemaTypes {
    fn new() -> Self {
        let document = parse_schema(schema_sdl()).unwrap();
        let types = document
            .definitions
            .into_iter()
            .filter_map(|definition| match definition {
                TypeSystemDefinition::Type(named) => {
                    Some((named.node.name.node.to_string(), named.node.kind))
                }
                _ => None,
            });
        Self(types.collect())
    }

    fn field_type(&self, type_name: &str, field: &str) -> &Type {
        let fields = match &self.0[type_name] {
            TypeKind::Object(object) => &object.fields,
            TypeKind::Interface(interface) => &interface.fields,
            _ => panic!("{type_name} has no fields"),
        };
        let found = fields.iter().find(|one| one.node.name.node == field);
        &found
            .unwrap_or_else(|| panic!("{type_name} has no field {field}"))
            .node
            .ty
            .node
    }

    /// The object types that a value of a type can have.
    fn possible_types(&self, type_name: &str) -> Vec<String> {
        match &self.0[type_name] {
            TypeKind::Interface(_) => {
                let mut implementing: Vec<String> = self
                    .0
                    .iter()
                    .filter(|(_, kind)| match kind {
                        TypeKind::Object(object) => object.implements.iter().any(|one| one.node == type_name),
                        _ => false,
                    })
                    .map(|(name, _)| name.clone())
                    .collect();
                implementing.sort();
                implementing
            }
            TypeKind::Union(union) => union.members.iter().map(|one| one.node.to_string()).collect(),
            _ => vec![type_name.to_owned()],
        }
    }
}

/// Makes random responses to an operation.
struct ResponseMaker<'a> {
    types: &'a SchemaTypes,
    document: &'a ExecutableDocument,
    random: StdRng,
}

impl ResponseMaker<'_> {
    fn make_response(&mut self) -> Value {
        let (_, operation) = self.document.operations.iter().next().unwrap();
        let root = match operation.node.ty {
            OperationType::Query => "Query",
            OperationType::Mutation => "Mutation",
            OperationType::Subscription => panic!("pages have no subscriptions"),
        };
        self.make_object(root, &[&operation.node.selection_set.node])
    }

    fn make_object(&mut self, type_name: &str, selections: &[&SelectionSet]) -> Value {
        let mut fields = Vec::new();
        for selection in selections {
            self.collect_fields(type_name, selection, &mut fields);
        }
        let mut object = Map::new();
        for (key, same_key) in fields {
            let field = same_key[0];
            let name = field.name.node.as_str();
            let value = if name == "__typename" {
                json!(type_name)
            } else {
                let nested: Vec<&SelectionSet> = same_key.iter().map(|one| &one.selection_set.node).collect();
                let ty = self.types.field_type(type_name, name);
                self.make_value(ty, &nested)
            };
            object.insert(key, value);
        }
        Value::Object(object)
    }

    /// Collects the fields of an object by their keys in the response. Fields that a variable can leave out are left out at
    /// random.
    fn collect_fields<'s>(
        &mut self,
        type_name: &str,
        selection: &'s SelectionSet,
        fields: &mut Vec<(String, Vec<&'s Field>)>,
    ) where
        Self: 's,
    {
        for item in &selection.items {
            if !item.node.directives().is_empty() && self.random.random() {
                continue;
            }
            match &item.node {
                Selection::Field(field) => {
                    let key = field.node.response_key().node.to_string();
                    match fields.iter_mut().find(|(known, _)| *known == key) {
                        Some((_, same)) => same.push(&field.node),
                        None => fields.push((key, vec![&field.node])),
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let document: &'s ExecutableDocument = self.document;
                    let fragment = &document.fragments[&spread.node.fragment_name.node].node;
                    if self.applies(&fragment.type_condition.node.on.node, type_name) {
                        self.collect_fields(type_name, &fragment.selection_set.node, fields);
                    }
                }
                Selection::InlineFragment(fragment) => {
                    let on = fragment.node.type_condition.as_ref();
                    if on.is_none_or(|on| self.applies(&on.node.on.node, type_name)) {
                        self.collect_fields(type_name, &fragment.node.selection_set.node, fields);
                    }
                }
            }
        }
    }

    fn applies(&self, condition: &str, type_name: &str) -> bool {
        self.types
            .possible_types(condition)
            .iter()
            .any(|one| one == type_name)
    }

    fn make_value(&mut self, ty: &Type, selections: &[&SelectionSet]) -> Value {
        if ty.nullable && self.random.random_ratio(1, 3) {
            return Value::Null;
        }
        match &ty.base {
            BaseType::List(item) => {
                let length = self.random.random_range(0..3);
                (0..length).map(|_| self.make_value(item, selections)).collect()
            }
            BaseType::Named(name) => self.make_named(name, selections),
        }
    }

    fn make_named(&mut self, name: &str, selections: &[&SelectionSet]) -> Value {
        match name {
            "Int" => return json!(self.random.random_range(0..10_000)),
            "BigInt" => return json!(self.random.random_range(0..10_000_i64).to_string()),
            "Float" => return json!(f64::from(self.random.random_range(-400..400)) / 4.0 + 0.125),
            "Boolean" => return json!(self.random.random::<bool>()),
            "String" | "ID" => return json!(format!("text {}", self.random.random_range(0..1_000))),
            "Date" => return json!(format!("2024-{:02}-17", self.random.random_range(1..13))),
            "DateTime" => {
                return json!(format!(
                    "2024-{:02}-17T10:11:12Z",
                    self.random.random_range(1..13)
                ));
            }
            "JSON" => return json!({ "key": self.random.random_range(0..10) }),
            _ => {}
        }
        if let TypeKind::Enum(values) = &self.types.0[name] {
            let at = self.random.random_range(0..values.values.len());
            return json!(values.values[at].node.value.node);
        }
        let possible = self.types.possible_types(name);
        let at = self.random.random_range(0..possible.len());
        self.make_object(&possible[at], selections)
    }
}
