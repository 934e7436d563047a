//! The audit trail: who did what to what. Rows are added in the transaction of the act: by [`crate::idempotency`],
//! by [`crate::cli`] for what is done on the command line, and by [`crate::expiry`] where nobody acts. They are
//! never altered, but for a text that [`crate::redaction`] takes out.

pub mod graphql;

use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};
use uuid::Uuid;
use wayin_entity::audit_event;

use crate::change_log::ActionContext;
use crate::error::Result;
use crate::id::NodeKind;
use crate::paging::{Paged, SortOrder};

/// What an act did.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    /// To what kind of object.
    pub kind: NodeKind,
    /// To which one.
    pub id: Uuid,
    /// Its version before; none where it was not there, or has none.
    pub before: Option<i32>,
    /// Its version after.
    pub after: Option<i32>,
    /// What else is to be known.
    pub detail: serde_json::Value,
}

/// Adds an event to the trail, under the name of what was done.
pub async fn append_event(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    name: &str,
    event: AuditRecord,
) -> Result<()> {
    let now = act.now();
    let row = audit_event::Model {
        id: act.clock.new_id(),
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
    Ok(())
}

/// An event by its id, for stewards.
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
