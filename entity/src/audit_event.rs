//! Who did what to what, and when: rows are only ever added.

use sea_orm::entity::prelude::*;

/// An act on the base.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "audit_event")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The member who acted; null for an act on the command line, or of the service itself.
    pub member_id: Option<Uuid>,
    /// What was done: the mutation's name, or the word of the command or of the service for it.
    pub action: String,
    /// The type of what it was done to.
    pub subject: String,
    /// The id of what it was done to.
    pub subject_id: Uuid,
    /// The version before it; null where there was none.
    pub version_before: Option<i32>,
    /// The version after it; null where there is none.
    pub version_after: Option<i32>,
    /// What else is to be known, such as the note that came with it.
    pub detail: Json,
    /// When it was done (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC): never.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
