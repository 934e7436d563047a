//! The types of the GraphQL schema.

use std::collections::BTreeMap;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use wayin::schema::schema_sdl;

/// Every object type and interface of the schema with its fields, each with whether it needs a selection.
pub fn list_types_with_fields() -> BTreeMap<String, Vec<(String, bool)>> {
    let document = parse_schema(schema_sdl()).expect("the schema is well formed");
    let types: Vec<_> = document
        .definitions
        .into_iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some(definition.node),
            _ => None,
        })
        .collect();
    let leaf = |named: &str| {
        ["Int", "Float", "String", "Boolean", "ID"].contains(&named)
            || types
                .iter()
                .any(|one| one.name.node == named && matches!(one.kind, TypeKind::Scalar | TypeKind::Enum(_)))
    };
    types
        .iter()
        .filter_map(|definition| {
            let fields = match &definition.kind {
                TypeKind::Object(object) => &object.fields,
                TypeKind::Interface(interface) => &interface.fields,
                _ => return None,
            };
            let fields = fields.iter().map(|field| {
                let of = field.node.ty.node.to_string();
                let selects = !leaf(of.trim_matches(['[', ']', '!']));
                (field.node.name.node.to_string(), selects)
            });
            Some((definition.name.node.to_string(), fields.collect()))
        })
        .collect()
}
