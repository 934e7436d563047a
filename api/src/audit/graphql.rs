//! The audit trail over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, Json, Object, Result};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::audit_event;

use crate::auth::member::graphql::{Member, load_member};
use crate::error::Error;
use crate::graphql::{connection::Connection, decode, list::list};
use crate::id::{self, NodeKind};
use crate::paging::PageArguments;

/// An action that changed the evidence base.
#[derive(Clone, Debug)]
pub struct AuditEvent(pub audit_event::Model);

/// An action that changed the evidence base.
#[Object]
impl AuditEvent {
    /// The global id.
    pub async fn id(&self) -> ID {
        NodeKind::AuditEvent.id(self.0.id).into()
    }

    /// When the action happened (UTC).
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// The member who acted; null for the command line and for the service itself.
    async fn actor(&self, ctx: &Context<'_>) -> Result<Option<Member>> {
        load_member(ctx, self.0.member_id).await
    }

    /// The name of the mutation, also for the command line. `importPlaces`, `importGrants` and `importRecords` mark
    /// the start of an import on the command line, and `endImport` its end. `expireSubmission` and `expireImport` mark
    /// that the service deleted something because of its age.
    async fn action(&self) -> &str {
        &self.0.action
    }

    /// The type of the object that the action changed.
    async fn subject_type(&self) -> &str {
        &self.0.subject
    }

    /// The global id of the object that the action changed, also after the object is deleted. Ask for the object with
    /// `node(id:)`. A file that is published on the command line has no object, only the events with its id.
    async fn subject_id(&self) -> Option<ID> {
        let kind = id::kind_named(&self.0.subject)?;
        Some(kind.id(self.0.subject_id).into())
    }

    /// The version before it; null where there was none.
    async fn version_before(&self) -> Option<i32> {
        self.0.version_before
    }

    /// The version after it; null where there is none.
    async fn version_after(&self) -> Option<i32> {
        self.0.version_after
    }

    /// What else is to be known, such as the note that came with it.
    async fn detail(&self) -> Json<&Value> {
        Json(&self.0.detail)
    }
}

/// Which events.
#[derive(Clone, Debug, Default, InputObject)]
pub struct AuditEventFilter {
    /// Events of one object, by its global id.
    subject: Option<ID>,
    /// Events of one member, by its global id.
    actor: Option<ID>,
    /// Events with this `action`.
    action: Option<String>,
}

/// The audit trail.
#[derive(Default)]
pub struct AuditQuery;

#[Object]
impl AuditQuery {
    /// Who did what to what, the latest first. For stewards.
    async fn audit_events(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all where nothing is said.")] filter: Option<AuditEventFilter>,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<AuditEvent>> {
        let filter = filter.unwrap_or_default();
        let mut select = audit_event::Entity::find();
        if let Some(subject) = filter.subject {
            let unreadable =
                || Error::bad_input("filter.subject", format!("{} is not a global id", *subject));
            let (_, id): (NodeKind, Uuid) = id::decode(&subject).ok_or_else(unreadable)?;
            select = select.filter(audit_event::Column::SubjectId.eq(id));
        }
        if let Some(actor) = filter.actor {
            let id = decode(NodeKind::Member, "filter.actor", &actor)?;
            select = select.filter(audit_event::Column::MemberId.eq(id));
        }
        if let Some(action) = filter.action {
            select = select.filter(audit_event::Column::Action.eq(action));
        }
        let page = PageArguments::new(first, after, last, before);
        list(ctx, select, (), page, AuditEvent).await
    }
}
