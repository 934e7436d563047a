//! Checks an operation against the policy: every field that it selects, and every field that its arguments
//! use.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::Value;
use wayin_entity::Role;

use super::field_usage::{self, FieldPath, UsedField};
use super::{AccessRequirement, AccessRule, PolicyRow, TABLE};
use crate::auth::requester::Requester;
use crate::error::{Error, Result, TokenError};

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
            return Err(Error::Forbidden(format!("{of}.{field} is closed to everyone")));
        };
        requester.check(rule.allowed, |open_to| format!("{of}.{field} is {open_to}"))
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
