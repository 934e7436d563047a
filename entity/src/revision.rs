//! Revisions: records as they were at each version.

use sea_orm::entity::prelude::*;

/// A record as it was at one version.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "revision")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The initiative.
    pub initiative_id: Uuid,
    /// The version, from 1; unique within the initiative.
    pub version: i32,
    /// The whole record.
    pub document: Json,
    /// The member who published it; null for the command line.
    pub member_id: Option<Uuid>,
    /// The note of the publication or withdrawal.
    pub reason: String,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
