//! The declared types of the fields of the schema.

use std::collections::{HashMap, HashSet};

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{BaseType, OperationType, TypeDefinition, TypeKind, TypeSystemDefinition};

/// The name of the root type of an operation.
pub const fn root_type(operation: OperationType) -> &'static str {
    match operation {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    }
}

/// Reads the types of a schema in the GraphQL schema definition language. Empty if it cannot be read; then every field is
/// refused.
pub(super) fn parse_type_definitions(sdl: &str) -> Vec<TypeDefinition> {
    let definitions = parse_schema(sdl).map_or_else(
        |cause| {
            tracing::error!(%cause, "the schema cannot be read: every field is refused");
            Vec::new()
        },
        |document| document.definitions,
    );
    let types = definitions.into_iter().filter_map(|definition| match definition {
        TypeSystemDefinition::Type(definition) => Some(definition.node),
        TypeSystemDefinition::Schema(_) | TypeSystemDefinition::Directive(_) => None,
    });
    types.collect()
}

/// The declared type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredType {
    /// The name of the type, or of the items of a list.
    pub type_name: String,
    /// Whether the type is a list.
    pub is_list: bool,
}

/// The types of the schema that have fields.
#[derive(Clone, Debug, Default)]
pub struct FieldTypes {
    fields: HashMap<String, HashMap<String, DeclaredType>>,
    interfaces: HashSet<String>,
}

impl FieldTypes {
    /// Reads the types from a schema in the GraphQL schema definition language.
    pub fn from_sdl(sdl: &str) -> Self {
        let mut types = Self::default();
        for definition in parse_type_definitions(sdl) {
            let name = definition.name.node.to_string();
            let fields = match definition.kind {
                TypeKind::Object(of) => of.fields,
                TypeKind::Interface(of) => {
                    types.interfaces.insert(name.clone());
                    of.fields
                }
                _ => continue,
            };
            let fields = fields.into_iter().map(|field| {
                let (mut base, mut is_list) = (field.node.ty.node.base, false);
                let of = loop {
                    match base {
                        BaseType::Named(of) => break of.to_string(),
                        BaseType::List(of) => {
                            is_list = true;
                            base = of.base;
                        }
                    }
                };
                (
                    field.node.name.node.to_string(),
                    DeclaredType {
                        type_name: of,
                        is_list,
                    },
                )
            });
            types.fields.insert(name, fields.collect());
        }
        types
    }

    /// Whether a type has fields.
    pub fn has_fields(&self, of: &str) -> bool {
        self.fields.contains_key(of)
    }

    /// The type of a field. None if the type or the field does not exist.
    pub fn find_field(&self, of: &str, field: &str) -> Option<&DeclaredType> {
        self.fields.get(of)?.get(field)
    }

    /// Whether a type is an interface.
    pub fn is_interface(&self, of: &str) -> bool {
        self.interfaces.contains(of)
    }
}
