//! The audit trail over GraphQL, for stewards.

use async_graphql::{Context, ID, InputObject, Json, Object, Result};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::audit_event;

use crate::error::Error;
use crate::graphql::{connection::Connection, decode, list::list};
use crate::id::{self, NodeKind};
use crate::paging::PageArguments;

/// Somebody's act on the base.
#[derive(Clone, Debug)]
pub struct AuditEvent(pub audit_event::Model);

/// Somebody's act on the base.
#[Object]
impl AuditEvent {
    /// The global id.
    pub async fn id(&self) -> ID {
        NodeKind::AuditEvent.id(self.0.id).into()
    }

    /// When it was done (UTC).
    async fn at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// The member who did it; null for an act on the command line, or of the service itself.
    async fn by(&self) -> Option<ID> {
        self.0.member_id.map(|id| NodeKind::Member.id(id).into())
    }

    /// What was done: the mutation's name, also where it was done on the command line. `importPlaces`,
    /// `importGrants` and `importRecords` tell that a file began to be taken in there, and `endImport` what came of it;
    /// `expireSubmission` that nobody touched one for long, and `expireImport` that a file was kept long enough.
    async fn act(&self) -> &str {
        &self.0.action
    }

    /// The type of what it was done to.
    async fn subject(&self) -> &str {
        &self.0.subject
    }

    /// The global id of what it was done to, also where that is no more. A file that is published on the command
    /// line is not kept, and is only known by the events of its id.
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
    /// Those of one object, by its global id.
    subject: Option<ID>,
    /// Those of one member.
    by: Option<ID>,
    /// Those of one `act`.
    act: Option<String>,
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
        if let Some(by) = filter.by {
            let id = decode(NodeKind::Member, "filter.by", &by)?;
            select = select.filter(audit_event::Column::MemberId.eq(id));
        }
        if let Some(act) = filter.act {
            select = select.filter(audit_event::Column::Action.eq(act));
        }
        let page = PageArguments::new(first, after, last, before);
        list(ctx, select, (), page, AuditEvent).await
    }
}
