//! The audit trail. Rows are only added.

use sea_orm::entity::prelude::*;

/// An audit event.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The member who acted; null for the command line and for the service itself.
    pub member_id: Option<Uuid>,
    /// The action: the name of the mutation, of the command, or of the service's own action.
    pub action: String,
    /// The type of the subject.
    pub subject: String,
    /// The id of the subject.
    pub subject_id: Uuid,
    /// The version before the action; null if there was none.
    pub version_before: Option<i32>,
    /// The version after the action; null if there is none.
    pub version_after: Option<i32>,
    /// More about the action, such as its note.
    pub detail: Json,
    /// When it happened (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC): never.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
