//! The audit trail over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, Json, Object, Result};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::audit_event;

use crate::auth::member::graphql::{Member, load_member};
use crate::error::Error;
use crate::graphql::{
    connection::NodeConnection, decode_argument, list::load_connection, loader::RowLoaderKey,
};
use crate::id::{self, NodeKind};
use crate::paging::PageArguments;

/// An entry in the audit trail: an action that changed the evidence base.
#[derive(Clone, Debug)]
pub struct AuditEvent(pub audit_event::Model);

/// An entry in the audit trail: an action that changed the evidence base.
#[Object]
impl AuditEvent {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::AuditEvent.encode_id(self.0.id).into()
    }

    /// When the action happened (UTC).
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// The member who acted; null for the command line and for the service itself.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        load_member(ctx, self.0.member_id).await
    }

    /// The name of the mutation, also for the command line. `importPlaces` marks the start of an import of places on the
    /// command line, and `endImport` its end. `expireSubmission` and `expireImport` mark that the service deleted something
    /// because of its age. `signIn` and `acceptInvitation` mark what a member did on a page.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// The type of the object that the action changed.
    async fn subject_type(&self) -> &str {
        &self.0.subject
    }

    /// The global ID of the object that the action changed. It stays after the object is deleted. Get the object with
    /// `node(id:)`. For an imported file of places there is no object: the ID only connects its two events.
    async fn subject_id(&self) -> Option<ID> {
        let kind = id::find_kind(&self.0.subject)?;
        Some(kind.encode_id(self.0.subject_id).into())
    }

    /// The version of the object before the action. Null if it did not exist.
    async fn version_before(&self) -> Option<i32> {
        self.0.version_before
    }

    /// The version of the object after the action. Null if it no longer exists.
    async fn version_after(&self) -> Option<i32> {
        self.0.version_after
    }

    /// Further details, such as the note that was given.
    async fn detail(&self) -> Json<&Value> {
        Json(&self.0.detail)
    }
}

/// Filters audit events.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AuditEventFilter {
    /// Events of one object, by its global ID.
    subject: Option<ID>,
    /// Events of one member, by its global ID.
    actor: Option<ID>,
    /// Events with this `action`.
    action: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AuditEventById(pub Uuid);

impl RowLoaderKey for AuditEventById {
    type Table = audit_event::Entity;
    const ID: audit_event::Column = audit_event::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }
}

#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// The audit trail: all actions that changed the evidence base, latest first. For stewards.
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which events to return. By default, all that you can see.")] filter: Option<
            AuditEventFilter,
        >,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<AuditEvent>> {
        let filter = filter.unwrap_or_default();
        let mut select = audit_event::Entity::find();
        if let Some(subject) = filter.subject {
            let unreadable =
                || Error::bad_input("filter.subject", format!("{} is not a global id", *subject));
            let (_, id): (NodeKind, Uuid) = id::decode(&subject).ok_or_else(unreadable)?;
            select = select.filter(audit_event::Column::SubjectId.eq(id));
        }
        if let Some(actor) = filter.actor {
            let id = decode_argument(NodeKind::Member, "filter.actor", &actor)?;
            select = select.filter(audit_event::Column::MemberId.eq(id));
        }
        if let Some(action) = filter.action {
            select = select.filter(audit_event::Column::Action.eq(action));
        }
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, select, (), page, AuditEvent).await
    }
}
