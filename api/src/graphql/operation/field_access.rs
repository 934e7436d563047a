//! Checks before an operation is executed that its requester may read every field that it selects, and every
//! field that its arguments use.

use std::collections::HashSet;
use std::convert::Infallible;

use async_graphql::parser::types::{
    ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet,
};
use async_graphql::{Positioned, ServerError, Variables};

use super::document::is_skipped;
use super::field_types::{FieldTypes, root_type};
use crate::auth::permission::{Permissions, RequesterKind};
use crate::error::{Error, Result};

/// The interface that `node` and `nodes` return.
const NODE_INTERFACE: &str = "Node";

/// Who requests which operation, with which variables.
#[derive(Clone, Copy)]
pub struct RequestedOperation<'a> {
    pub requester: RequesterKind,
    pub document: &'a ExecutableDocument,
    pub operation: &'a OperationDefinition,
    /// They include their defaults.
    pub variables: &'a Variables,
}

/// Returns an error for each field that the requester may not read, or use in its arguments. The document is valid.
pub fn find_refusals(
    permissions: &Permissions,
    types: &FieldTypes,
    requested: RequestedOperation<'_>,
) -> Vec<ServerError> {
    let mut check = FieldAccessCheck {
        permissions,
        types,
        requested,
        visited: HashSet::new(),
        refusals: Vec::new(),
    };
    let operation = requested.operation;
    check.visit_selections(root_type(operation.ty), &operation.selection_set.node);
    check.refusals
}

struct FieldAccessCheck<'a> {
    permissions: &'a Permissions,
    types: &'a FieldTypes,
    requested: RequestedOperation<'a>,
    /// The fragments that were visited, each with the type of the object that it was used in.
    visited: HashSet<(&'a str, &'a str)>,
    refusals: Vec<ServerError>,
}

impl<'a> FieldAccessCheck<'a> {
    /// Visits what is selected of an object of the type `of`.
    fn visit_selections(&mut self, of: &'a str, set: &'a SelectionSet) {
        for selection in &set.items {
            if is_skipped(&selection.node, self.requested.variables) {
                continue;
            }
            match &selection.node {
                Selection::Field(field) => self.visit_field(of, field),
                Selection::InlineFragment(fragment) => {
                    let condition = fragment.node.type_condition.as_ref();
                    let on = condition.map_or(of, |condition| condition.node.on.node.as_str());
                    if let Some(of) = self.narrow_type(of, on) {
                        self.visit_selections(of, &fragment.node.selection_set.node);
                    }
                }
                Selection::FragmentSpread(spread) => {
                    let name = spread.node.fragment_name.node.as_str();
                    // Validation reports an unknown fragment.
                    if let Some(fragment) = self.requested.document.fragments.get(name) {
                        let on = fragment.node.type_condition.node.on.node.as_str();
                        if let Some(of) = self.narrow_type(of, on)
                            && self.visited.insert((name, of))
                        {
                            self.visit_selections(of, &fragment.node.selection_set.node);
                        }
                    }
                }
            }
        }
    }

    /// The type of an object of the type `of` within a fragment on the type `on`. None if the requester does not
    /// receive such objects: `node` and `nodes` do not return objects whose id they may not read.
    fn narrow_type(&self, of: &'a str, on: &'a str) -> Option<&'a str> {
        match (self.types.is_interface(of), self.types.is_interface(on)) {
            // An interface says no more about an object whose type is known.
            (false, true) => Some(of),
            (true, false) if of == NODE_INTERFACE => {
                let id = self.permissions.check_field(self.requested.requester, on, "id");
                id.is_ok().then_some(on)
            }
            _ => Some(on),
        }
    }

    fn visit_field(&mut self, of: &'a str, field: &'a Positioned<Field>) {
        let name = field.node.name.node.as_str();
        // Introspection and `__typename` are open to everyone: the schema is published.
        if name.starts_with("__") {
            return;
        }
        if let Err(refusal) = self.check_field(of, &field.node) {
            self.refuse(field, refusal);
            return;
        }
        match self.types.find_field(of, name) {
            Some(declared) => {
                self.visit_selections(&declared.type_name, &field.node.selection_set.node);
            }
            None => self.refuse(
                field,
                Error::Forbidden(format!("{of}.{name} is closed to everyone")),
            ),
        }
    }

    fn refuse(&mut self, field: &Positioned<Field>, refusal: Error) {
        let error = async_graphql::Error::from(refusal);
        self.refusals.push(error.into_server_error(field.pos));
    }

    fn check_field(&self, of: &str, field: &Field) -> Result<()> {
        let RequestedOperation {
            requester, variables, ..
        } = self.requested;
        let name = field.name.node.as_str();
        self.permissions.check_field(requester, of, name)?;
        // The arguments of mutations contain values to write and read no fields. Without arguments, only fields of
        // the root types use other fields.
        let is_root = of == root_type(self.requested.operation.ty);
        if of == root_type(OperationType::Mutation) || (field.arguments.is_empty() && !is_root) {
            return Ok(());
        }
        let arguments = field.arguments.iter().map(|(name, value)| {
            // A variable that is not provided and has no default is an absent argument.
            let value_of = |name| Ok::<_, Infallible>(variables.get(&name).cloned().unwrap_or_default());
            let Ok(value) = value.node.clone().into_const_with(value_of);
            (name.node.to_string(), value)
        });
        self.permissions
            .check_field_usage(requester, (of, name), arguments)
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use serde_json::json;
    use wayin_entity::{Capability, Role};

    use super::*;
    use crate::auth::permission::{AccessRequirement, AccessRule, Exposure, TABLE};
    use crate::schema::schema_sdl;

    /// The messages of the refusals, if the ids of places are for stewards.
    fn find_messages(role: Role, document: &str, variables: serde_json::Value) -> Vec<String> {
        let stewards = AccessRule {
            allowed: AccessRequirement::HasCapability(Capability::ManageMembers),
            exposure: Exposure::All,
        };
        let rows = TABLE.iter().copied().chain([("Place", "id", stewards)]);
        let document = parse_query(document).unwrap();
        let (_, operation) = document.operations.iter().next().unwrap();
        let requested = RequestedOperation {
            requester: RequesterKind::Member(role),
            document: &document,
            operation: &operation.node,
            variables: &Variables::from_json(variables),
        };
        let types = FieldTypes::from_sdl(schema_sdl());
        let refusals = find_refusals(&Permissions::from_rows(rows), &types, requested);
        refusals.into_iter().map(|error| error.message).collect()
    }

    #[test]
    fn fragments_are_checked_as_fields_of_the_objects_that_they_select_from() {
        let place_id = "Place.id is for stewards; your role is DASHBOARD";
        for (document, expected) in [
            ("{ place(code: \"a\") { name } }", vec![]),
            ("{ place(code: \"a\") { id } }", vec![place_id]),
            ("{ place(code: \"a\") { ... on Node { id } } }", vec![place_id]),
            (
                "{ place(code: \"a\") { ...F } initiative(id: \"i\") { ...F } } fragment F on Node { id }",
                vec![place_id],
            ),
            (
                "{ initiative(id: \"i\") { ...F } places { nodes { ...F parents { ...F } } } } fragment F on Node { ...G }
                 fragment G on Node { id }",
                vec![place_id],
            ),
            // A refused field is not entered.
            (
                "{ members { nodes { subject } } }",
                vec!["Query.members is for stewards; your role is DASHBOARD"],
            ),
            // Where an interface is declared, the requester receives no object of these types.
            (
                "{ node(id: \"x\") { id ... on Member { subject } ... on Place { name } ...F } } fragment F on Member { role }",
                vec![],
            ),
            ("{ __schema { types { name } } __typename }", vec![]),
        ] {
            let messages = find_messages(Role::Dashboard, document, json!({}));
            assert_eq!(messages, expected, "{document}");
            let steward = find_messages(Role::Steward, document, json!({}));
            assert!(steward.is_empty(), "{document}: {steward:?}");
        }
    }

    #[test]
    fn skipped_selections_are_not_checked() {
        let document = "query($all: Boolean!) {
            place(code: \"a\") { id @include(if: $all) name @skip(if: false) ... @skip(if: $all) { name } } }";
        for all in [true, false] {
            let messages = find_messages(Role::Dashboard, document, json!({"all": all}));
            assert_eq!(messages.len(), usize::from(all), "{messages:?}");
        }
    }
}
