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
    /// A request without a token whose sender can ask questions. They can use what a dashboard can.
    Visitor,
    /// A member.
    Member(Role),
    /// A stored claim, which everyone can read: it can use what a dashboard can.
    Claim,
}

/// The fields of groups with the place or organisation that a group is about. A visitor has no such groups, so they are null.
const NAMED_OBJECT_FIELDS: [&str; 2] = ["place", "organisation"];

impl RequesterKind {
    /// Checks whether the sender can read a field with a requirement. `describe` turns the description of the
    /// requirement into a message.
    fn check_reading(self, allowed: AccessRequirement, describe: impl FnOnce(&str) -> String) -> Result<()> {
        match (self, allowed) {
            (Self::Visitor, AccessRequirement::Askers) => Ok(()),
            (Self::Visitor, _) => Self::Anonymous(TokenError::Missing).check_use(allowed, describe),
            _ => self.check_use(allowed, describe),
        }
    }

    /// As [`check_reading`](Self::check_reading), for a field that an argument uses.
    fn check_use(self, allowed: AccessRequirement, describe: impl FnOnce(&str) -> String) -> Result<()> {
        let role = match self {
            _ if allowed == AccessRequirement::Everyone => return Ok(()),
            Self::Anonymous(cause) => return Err(Error::Unauthenticated(cause)),
            Self::Member(role) => role,
            Self::Visitor | Self::Claim => Role::Dashboard,
        };
        if allowed.is_met_by(role) {
            return Ok(());
        }
        let why = match self {
            Self::Claim => "a claim is open to everyone".into(),
            Self::Visitor => "you sent no token".into(),
            _ => format!("your role is {}", role.code()),
        };
        let open_to = format!("for {}; {why}", allowed.description());
        Err(Error::Forbidden(describe(&open_to)))
    }
}

#[derive(Clone, Debug)]
pub struct Permissions {
    rules: Arc<HashMap<FieldPath, AccessRule>>,
    /// Whether visitors can ask questions.
    has_public_questions: bool,
}

impl Default for Permissions {
    fn default() -> Self {
        Self::from_rows(TABLE.iter().copied())
    }
}

impl Permissions {
    /// Builds the policy from rows. If two rows name one field, the later one applies. Visitors cannot ask questions.
    pub fn from_rows(rows: impl IntoIterator<Item = PolicyRow>) -> Self {
        let fields = rows
            .into_iter()
            .flat_map(|(of, fields, rule)| fields.split(' ').map(move |field| ((of, field), rule)));
        Self {
            rules: Arc::new(fields.collect()),
            has_public_questions: false,
        }
    }

    /// Lets visitors ask the questions that a dashboard can ask, or not.
    #[must_use]
    pub fn with_public_questions(self, has_public_questions: bool) -> Self {
        Self {
            has_public_questions,
            ..self
        }
    }

    /// Finds out who sends a request. A request with a token that is not valid is never a visitor's: its sender
    /// expects the answer of a member.
    pub const fn identify(&self, requester: &Requester) -> RequesterKind {
        match requester {
            Requester::Anonymous(TokenError::Missing) if self.has_public_questions => RequesterKind::Visitor,
            Requester::Anonymous(cause) => RequesterKind::Anonymous(*cause),
            Requester::Member(member) => RequesterKind::Member(member.role),
        }
    }

    /// Checks whether the sender can read a field of a type.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] or [`Error::Forbidden`].
    pub fn check_field(&self, requester: RequesterKind, of: &str, field: &str) -> Result<()> {
        let Some(rule) = self.rules.get(&(of, field)) else {
            return Err(Error::Forbidden(format!("{of}.{field} is closed to everyone")));
        };
        requester.check_reading(rule.allowed, |open_to| format!("{of}.{field} is {open_to}"))
    }

    /// Checks whether the sender can read every field of a type, as in a file.
    ///
    /// # Errors
    /// As [`check_field`](Self::check_field).
    pub fn check_all_fields(&self, requester: RequesterKind, of: &str) -> Result<()> {
        let is_empty =
            |field: &str| requester == RequesterKind::Visitor && NAMED_OBJECT_FIELDS.contains(&field);
        self.rules
            .keys()
            .filter(|(one, field)| *one == of && !is_empty(field))
            .try_for_each(|(of, field)| self.check_field(requester, of, field))
    }

    /// Checks whether the sender of a question can read every field that a value of an input type uses. `path` names
    /// the argument.
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
        let rule = self.rules.get(&(of, field));
        let is_question = rule.is_some_and(|rule| rule.allowed == AccessRequirement::Askers);
        let requester = match requester {
            // Only the arguments of questions are a dashboard's.
            RequesterKind::Visitor if !is_question => RequesterKind::Anonymous(TokenError::Missing),
            other => other,
        };
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
        let rule = self.rules.get(&(of, name)).ok_or_else(unopened)?;
        requester.check_use(rule.allowed, |open_to| {
            format!("{path}: uses {of}.{name}, which is {open_to}")
        })
    }
}
