//! Checks what is asked against the table: every field that is selected, and every field that what is asked
//! touches.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::Arc;

use async_graphql::extensions::ResolveInfo;
use async_graphql::{Context, Guard, QueryPathSegment, Value, Variables};
use wayin_entity::Role;

use super::touches::{self, Field, Touched};
use super::{Allowed, Row, Rule, SUBSCRIPTION, TABLE};
use crate::auth::requester::Requester;
use crate::error::{Error, Result, TokenError};

/// The root type of queries.
const QUERY: &str = "Query";
/// The root type of mutations: what they are given is to be written, and asks about nothing.
const MUTATION: &str = "Mutation";

/// Who asks, as far as the table is concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    /// Somebody without a token that is good.
    Nobody(TokenError),
    /// A member.
    Member(Role),
    /// A claim, which tells everybody what a dashboard may be told.
    Claim,
}

impl Asking {
    /// The one who asks.
    pub const fn of(requester: &Requester) -> Self {
        match requester {
            Requester::Anonymous(trouble) => Self::Nobody(*trouble),
            Requester::Member(member) => Self::Member(member.role),
        }
    }

    /// Why what is open to some is not open to who asks; none where it is.
    fn refused(self, allowed: Allowed) -> Option<Refused> {
        if allowed == Allowed::Everyone {
            return None;
        }
        let (role, why) = match self {
            Self::Nobody(trouble) => return Some(Refused::Unknown(trouble)),
            Self::Member(role) => (role, format!("your role is {}", role.code())),
            Self::Claim => (Role::Dashboard, "a claim is told to everybody".into()),
        };
        (!allowed.includes(role)).then(|| Refused::Closed(format!("for {}; {why}", allowed.words())))
    }
}

/// Why a field is not open to who asks.
enum Refused {
    /// Nobody knows who asks.
    Unknown(TokenError),
    /// It is for others.
    Closed(String),
}

/// Checks what is asked against a table.
#[derive(Clone, Debug)]
pub struct Permissions(Arc<HashMap<Field, Rule>>);

impl Default for Permissions {
    fn default() -> Self {
        Self::over(TABLE.iter().copied())
    }
}

impl Permissions {
    /// Checks against the rows of a table; of two about one field the later holds.
    pub fn over(rows: impl IntoIterator<Item = Row>) -> Self {
        let fields = rows
            .into_iter()
            .flat_map(|(of, fields, rule)| fields.split(' ').map(move |field| ((of, field), rule)));
        Self(Arc::new(fields.collect()))
    }

    /// Whether somebody may ask for a field of a type.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] and [`Error::Forbidden`] where they may not.
    pub fn may_ask_for(&self, asking: Asking, of: &str, field: &str) -> Result<()> {
        let Some(rule) = self.0.get(&(of, field)) else {
            return Err(Error::Forbidden("this field is open to nobody".into()));
        };
        match asking.refused(rule.allowed) {
            None => Ok(()),
            Some(Refused::Unknown(trouble)) => Err(Error::Unauthenticated(trouble)),
            Some(Refused::Closed(reason)) => Err(Error::Forbidden(format!("this is {reason}"))),
        }
    }

    /// Whether somebody may ask for every field of a type, as a file answers them.
    ///
    /// # Errors
    /// As [`may_ask_for`](Self::may_ask_for).
    pub fn may_ask_for_all_of(&self, asking: Asking, of: &str) -> Result<()> {
        self.0
            .keys()
            .filter(|(one, _)| *one == of)
            .try_for_each(|(of, field)| self.may_ask_for(asking, of, field))
    }

    /// Whether somebody may read every field that a value of an input type touches. `path` names the argument.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] and [`Error::Forbidden`] where they may not, with the place in the argument.
    pub fn may_touch(&self, asking: Asking, of: &str, path: &str, value: &Value) -> Result<()> {
        touches::of_value(of, path, value, &mut |touched| self.check(asking, touched))
    }

    /// Whether somebody may read every field that a field touches when it is asked with some arguments.
    ///
    /// # Errors
    /// As [`may_touch`](Self::may_touch).
    pub fn may_touch_by(
        &self,
        asking: Asking,
        (of, field): (&str, &str),
        arguments: impl IntoIterator<Item = (String, Value)>,
    ) -> Result<()> {
        let asked = format!("{of}.{field}");
        let check = &mut |touched: Touched<'_>| self.check(asking, touched);
        touches::of_asking(&asked, check)?;
        arguments
            .into_iter()
            .try_for_each(|(name, value)| touches::of_part(&asked, &name, &name, &value, check))
    }

    /// Whether somebody may have a field resolved, with the variables of their operation.
    ///
    /// # Errors
    /// [`Error::Unauthenticated`] and [`Error::Forbidden`] where they may not.
    pub fn may_resolve(
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
        let of = if is_root && info.parent_type.ends_with(SUBSCRIPTION) {
            SUBSCRIPTION
        } else {
            info.parent_type
        };
        self.may_ask_for(asking, of, info.name)?;
        // Only a query of its own reads other fields whatever it is given.
        if of == MUTATION || (info.field.arguments.is_empty() && of != QUERY) {
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
        self.may_touch_by(asking, (of, info.name), arguments)
    }

    fn check(&self, asking: Asking, Touched { path, field }: Touched<'_>) -> Result<()> {
        let unopened = || Error::Forbidden(format!("{path}: asks about what is open to nobody"));
        let (of, name) = field.ok_or_else(unopened)?;
        let rule = self.0.get(&(of, name)).ok_or_else(unopened)?;
        match asking.refused(rule.allowed) {
            None => Ok(()),
            Some(Refused::Unknown(trouble)) => Err(Error::Unauthenticated(trouble)),
            Some(Refused::Closed(reason)) => Err(Error::Forbidden(format!(
                "{path}: asks about {of}.{name}, which is {reason}"
            ))),
        }
    }
}

/// Checks a subscription before anything is followed for it. What it answers is checked field by field, as
/// queries are.
pub struct Subscribing;

impl Guard for Subscribing {
    async fn check(&self, ctx: &Context<'_>) -> async_graphql::Result<()> {
        let asking = Asking::of(ctx.data_unchecked::<Requester>());
        let (permissions, field) = (ctx.data_unchecked::<Permissions>(), ctx.field());
        permissions.may_ask_for(asking, SUBSCRIPTION, field.name())?;
        let arguments = field
            .arguments()
            .map_err(|cause| Error::BadInput(cause.message))?;
        let arguments = arguments
            .into_iter()
            .map(|(name, value)| (name.to_string(), value));
        Ok(permissions.may_touch_by(asking, (SUBSCRIPTION, field.name()), arguments)?)
    }
}
