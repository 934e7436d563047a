//! Checks an operation against the policy: every field that it selects, and every field that its arguments
//! use.

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

const QUERY_TYPE: &str = "Query";
/// The arguments of mutations contain values to write and read no fields.
const MUTATION_TYPE: &str = "Mutation";

/// Who sends a request, for the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RequesterKind {
    /// A request without a valid token.
    Anonymous(TokenError),
    /// A member.
    Member(Role),
    /// A stored claim, which everyone can read: it can use what a dashboard can.
    Claim,
}

impl RequesterKind {
    pub const fn from_requester(requester: &Requester) -> Self {
        match requester {
            Requester::Anonymous(cause) => Self::Anonymous(*cause),
            Requester::Member(member) => Self::Member(member.role),
        }
    }

    /// Checks whether the sender meets a requirement. `describe` turns the description of the requirement
    /// into a message.
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
            Self::Claim => "a claim is open to everyone".into(),
            _ => format!("your role is {}", role.code()),
        };
        let open_to = format!("for {}; {why}", allowed.description());
        Err(Error::Forbidden(describe(&open_to)))
    }
}

#[derive(Clone, Debug)]
pub struct Permissions(Arc<HashMap<FieldPath, AccessRule>>);

impl Default for Permissions {
    fn default() -> Self {
        Self::from_rows(TABLE.iter().copied())
    }
}

impl Permissions {
    /// Builds the policy from rows. If two rows name one field, the later one applies.
    pub fn from_rows(rows: impl IntoIterator<Item = PolicyRow>) -> Self {
        let fields = rows
            .into_iter()
            .flat_map(|(of, fields, rule)| fields.split(' ').map(move |field| ((of, field), rule)));
        Self(Arc::new(fields.collect()))
    }

    /// Checks whether the sender can read a field of a type.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] or [`Error::Forbidden`].
    pub fn check_field(&self, requester: RequesterKind, of: &str, field: &str) -> Result<()> {
        let Some(rule) = self.0.get(&(of, field)) else {
            return Err(Error::Forbidden("this field is closed to everyone".into()));
        };
        requester.check(rule.allowed, |open_to| format!("this is {open_to}"))
    }

    /// Checks whether the sender can read every field of a type, as in a file.
    ///
    /// # Errors
    /// As [`check_field`](Self::check_field).
    pub fn check_all_fields(&self, requester: RequesterKind, of: &str) -> Result<()> {
        self.0
            .keys()
            .filter(|(one, _)| *one == of)
            .try_for_each(|(of, field)| self.check_field(requester, of, field))
    }

    /// Checks whether the sender can read every field that a value of an input type uses. `path` names the
    /// argument.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] or [`Error::Forbidden`], with the path in the argument.
    pub fn check_usage(&self, requester: RequesterKind, of: &str, path: &str, value: &Value) -> Result<()> {
        field_usage::visit_value(of, path, value, &mut |used| {
            self.check_used_field(requester, used)
        })
    }

    /// Checks whether the sender can read every field that a field uses with these arguments.
    ///
    /// # Errors
    /// As [`check_usage`](Self::check_usage).
    pub fn check_field_usage(
        &self,
        requester: RequesterKind,
        (of, field): (&str, &str),
        arguments: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<()> {
        let field_path = format!("{of}.{field}");
        let check = &mut |used: UsedField<'_>| self.check_used_field(requester, used);
        field_usage::visit_field(&field_path, check)?;
        arguments
            .into_iter()
            .try_for_each(|(name, value)| field_usage::visit_part(&field_path, &name, &name, &value, check))
    }

    /// Checks whether the sender can resolve a field, with the variables of the operation.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] or [`Error::Forbidden`].
    pub fn check_resolution(
        &self,
        requester: RequesterKind,
        info: &ResolveInfo<'_>,
        variables: Option<&Variables>,
    ) -> Result<()> {
        // Introspection and `__typename` are open to everyone: the schema is published. An item of a list is
        // not a field. Its own fields are checked later.
        let is_item = matches!(info.path_node.segment, QueryPathSegment::Index(_));
        if is_item || info.is_for_introspection || info.name.starts_with("__") {
            return Ok(());
        }
        // At the root of a subscription, async-graphql names the domain's part of the root type.
        let is_root = info.path_node.parent.is_none();
        let of = if is_root && info.parent_type.ends_with(SUBSCRIPTION_TYPE) {
            SUBSCRIPTION_TYPE
        } else {
            info.parent_type
        };
        self.check_field(requester, of, info.name)?;
        // Without arguments, only fields of the root type `Query` use other fields.
        if of == MUTATION_TYPE || (info.field.arguments.is_empty() && of != QUERY_TYPE) {
            return Ok(());
        }
        let value_of = |name| variables.and_then(|given| given.get(&name)).cloned();
        let arguments = info.field.arguments.iter().map(|(name, value)| {
            let value = value
                .node
                .clone()
                // A variable that is not provided and has no default is an absent argument.
                .into_const_with(|name| Ok::<_, Infallible>(value_of(name).unwrap_or_default()));
            let Ok(value) = value;
            (name.node.to_string(), value)
        });
        self.check_field_usage(requester, (of, info.name), arguments)
    }

    fn check_used_field(
        &self,
        requester: RequesterKind,
        UsedField { path, field }: UsedField<'_>,
    ) -> Result<()> {
        let unopened = || Error::Forbidden(format!("{path}: uses a field that is closed to everyone"));
        let (of, name) = field.ok_or_else(unopened)?;
        let rule = self.0.get(&(of, name)).ok_or_else(unopened)?;
        requester.check(rule.allowed, |open_to| {
            format!("{path}: uses {of}.{name}, which is {open_to}")
        })
    }
}

/// Checks the arguments of a subscription before it starts. The fields of its results are checked like those
/// of queries.
pub struct SubscriptionGuard;

impl Guard for SubscriptionGuard {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        let requester = RequesterKind::from_requester(ctx.data_unchecked::<Requester>());
        let (permissions, field) = (ctx.data_unchecked::<Permissions>(), ctx.field());
        permissions.check_field(requester, SUBSCRIPTION_TYPE, field.name())?;
        let arguments = field
            .arguments()
            .map_err(|cause| Error::BadInput(cause.message))?;
        let arguments = arguments
            .into_iter()
            .map(|(name, value)| (name.to_string(), value));
        Ok(permissions.check_field_usage(requester, (SUBSCRIPTION_TYPE, field.name()), arguments)?)
    }
}
