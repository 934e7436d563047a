//! The audit trail: who did what. Events are added in the transaction of the action: by
//! [`crate::idempotency`] for mutations, by [`crate::cli`] for commands, and by [`crate::expiry`] for what
//! the service deletes. Events are never changed, except by [`crate::redaction`].

pub mod graphql;

use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};
use uuid::Uuid;
use wayin_entity::audit_event;

use crate::change_log::ActionContext;
use crate::error::Result;
use crate::id::NodeKind;
use crate::paging::{Paged, SortOrder};

#[derive(Clone, Debug)]
pub struct AuditRecord {
    /// The type of the object that changed.
    pub kind: NodeKind,
    pub id: Uuid,
    /// The version before the action. None if the object did not exist or has no versions.
    pub before: Option<i32>,
    /// The version after the action.
    pub after: Option<i32>,
    pub detail: serde_json::Value,
}

/// Appends an event. Returns its id.
pub async fn append_event(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    name: &str,
    event: AuditRecord,
) -> Result<Uuid> {
    let (now, id) = (act.now(), act.clock.new_id());
    let row = audit_event::Model {
        id,
        member_id: act.member,
        action: name.to_owned(),
        subject: event.kind.name().to_owned(),
        subject_id: event.id,
        version_before: event.before,
        version_after: event.after,
        detail: event.detail,
        created_at: now,
        updated_at: now,
    };
    row.into_active_model().insert(db).await?;
    Ok(id)
}

pub async fn find_event(db: &impl ConnectionTrait, id: Uuid) -> Result<Option<audit_event::Model>> {
    Ok(audit_event::Entity::find_by_id(id).one(db).await?)
}

impl Paged for audit_event::Entity {
    type Order = ();
    const ID: Self::Column = audit_event::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "at-",
            column: audit_event::Column::CreatedAt,
            descending: true,
        }
    }
}
