//! Checks an operation against the policy: every field that it selects, and every field that its arguments use.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use async_graphql::extensions::ResolveInfo;
use async_graphql::{Context, Guard, QueryPathSegment, Value, Variables};
use wayin_entity::Role;

use super::field_usage::{self, FieldPath, UsedField};
use super::{AccessRequirement, AccessRule, PolicyRow, SUBSCRIPTION_TYPE, TABLE};
use crate::auth::requester::Requester;
use crate::error::{Error, Result, TokenError};

/// The root type of queries.
const QUERY_TYPE: &str = "Query";
/// The root type of mutations: what they are given is to be written, and asks about nothing.
const MUTATION_TYPE: &str = "Mutation";

/// Who asks, as far as the policy is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Somebody without a token that is good.
    Anonymous(TokenError),
    /// A member.
    Member(Role),
    /// A claim, which everybody may read: what a dashboard may ask for.
    Claim,
}

impl Asking {
    /// The one who asks.
    pub const fn from_requester(requester: &Requester) -> Self {
        match requester {
            Requester::Anonymous(cause) => Self::Anonymous(*cause),
            Requester::Member(member) => Self::Member(member.role),
        }
    }

    /// Checks whether they may ask for what is open to some. `describe` turns whom it is open to into a message.
    fn check(self, allowed: AccessRequirement, describe: impl FnOnce(&str) -> String) -> Result<()> {
        let role = match self {
            _ if allowed == AccessRequirement::Everyone => return Ok(()),
            Self::Anonymous(cause) => return Err(Error::Unauthenticated(cause)),
            Self::Member(role) => role,
            Self::Claim => Role::Dashboard,
        };
        if allowed.is_met_by(role) {
            return Ok(());
        }
        let why = match self {
            Self::Claim => "a claim is open to everybody".into(),
            _ => format!("your role is {}", role.code()),
        };
        let open_to = format!("for {}; {why}", allowed.description());
        Err(Error::Forbidden(describe(&open_to)))
    }
}

/// Checks what is asked against a table.
#[derive(Clone, Debug)]
pub struct Permissions(Arc<HashMap<FieldPath, AccessRule>>);

impl Default for Permissions {
    fn default() -> Self {
        Self::from_rows(TABLE.iter().copied())
    }
}

impl Permissions {
    /// Checks against the rows of a table; of two about one field the later holds.
    pub fn from_rows(rows: impl IntoIterator<Item = PolicyRow>) -> Self {
        let fields = rows
            .into_iter()
            .flat_map(|(of, fields, rule)| fields.split(' ').map(move |field| ((of, field), rule)));
        Self(Arc::new(fields.collect()))
    }

    /// Whether somebody may ask for a field of a type.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] and [`Error::Forbidden`] where they may not.
    pub fn check_field(&self, asking: Asking, of: &str, field: &str) -> Result<()> {
        let Some(rule) = self.0.get(&(of, field)) else {
            return Err(Error::Forbidden("this field is open to nobody".into()));
        };
        asking.check(rule.allowed, |open_to| format!("this is {open_to}"))
    }

    /// Whether somebody may ask for every field of a type, as a file answers them.
    ///
    /// # Errors
    /// As [`check_field`](Self::check_field).
    pub fn check_all_fields(&self, asking: Asking, of: &str) -> Result<()> {
        self.0
            .keys()
            .filter(|(one, _)| *one == of)
            .try_for_each(|(of, field)| self.check_field(asking, of, field))
    }

    /// Whether somebody may read every field that a value of an input type touches. `path` names the argument.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] and [`Error::Forbidden`] where they may not, with the place in the argument.
    pub fn check_usage(&self, asking: Asking, of: &str, path: &str, value: &Value) -> Result<()> {
        field_usage::visit_value(of, path, value, &mut |used| self.check_used_field(asking, used))
    }

    /// Whether somebody may read every field that a field touches when it is asked with some arguments.
    ///
    /// # Errors
    /// As [`check_usage`](Self::check_usage).
    pub fn check_field_usage(
        &self,
        asking: Asking,
        (of, field): (&str, &str),
        arguments: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<()> {
        let asked = format!("{of}.{field}");
        let check = &mut |used: UsedField<'_>| self.check_used_field(asking, used);
        field_usage::visit_field(&asked, check)?;
        arguments
            .into_iter()
            .try_for_each(|(name, value)| field_usage::visit_part(&asked, &name, &name, &value, check))
    }

    /// Whether somebody may have a field resolved, with the variables of their operation.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] and [`Error::Forbidden`] where they may not.
    pub fn check_resolution(
        &self,
        asking: Asking,
        info: &ResolveInfo<'_>,
        variables: Option<&Variables>,
    ) -> Result<()> {
        // Introspection and `__typename` are open to everyone: the schema is published.
        // An item of a list is no field; its own fields are checked in their turn.
        let is_item = matches!(info.path_node.segment, QueryPathSegment::Index(_));
        if is_item || info.is_for_introspection || info.name.starts_with("__") {
            return Ok(());
        }
        // At the root of a subscription the library names the domain's part of the root type.
        let is_root = info.path_node.parent.is_none();
        let of = if is_root && info.parent_type.ends_with(SUBSCRIPTION_TYPE) {
            SUBSCRIPTION_TYPE
        } else {
            info.parent_type
        };
        self.check_field(asking, of, info.name)?;
        // Only a query of its own reads other fields whatever it is given.
        if of == MUTATION_TYPE || (info.field.arguments.is_empty() && of != QUERY_TYPE) {
            return Ok(());
        }
        let value_of = |name| variables.and_then(|given| given.get(&name)).cloned();
        let arguments = info.field.arguments.iter().map(|(name, value)| {
            let value = value
                .node
                .clone()
                // One that is not given, and stands for nothing, is no argument.
                .into_const_with(|name| Ok::<_, Infallible>(value_of(name).unwrap_or_default()));
            let Ok(value) = value;
            (name.node.to_string(), value)
        });
        self.check_field_usage(asking, (of, info.name), arguments)
    }

    fn check_used_field(&self, asking: Asking, UsedField { path, field }: UsedField<'_>) -> Result<()> {
        let unopened = || Error::Forbidden(format!("{path}: asks about what is open to nobody"));
        let (of, name) = field.ok_or_else(unopened)?;
        let rule = self.0.get(&(of, name)).ok_or_else(unopened)?;
        asking.check(rule.allowed, |open_to| {
            format!("{path}: asks about {of}.{name}, which is {open_to}")
        })
    }
}

/// Checks a subscription before anything is followed for it. What it answers is checked field by field, as
/// queries are.
pub struct SubscriptionGuard;

impl Guard for SubscriptionGuard {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        let asking = Asking::from_requester(ctx.data_unchecked::<Requester>());
        let (permissions, field) = (ctx.data_unchecked::<Permissions>(), ctx.field());
        permissions.check_field(asking, SUBSCRIPTION_TYPE, field.name())?;
        let arguments = field
            .arguments()
            .map_err(|cause| Error::BadInput(cause.message))?;
        let arguments = arguments
            .into_iter()
            .map(|(name, value)| (name.to_string(), value));
        Ok(permissions.check_field_usage(asking, (SUBSCRIPTION_TYPE, field.name()), arguments)?)
    }
}
