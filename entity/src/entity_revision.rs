//! Revisions of reference data and members.

use sea_orm::entity::prelude::*;
use wayin_vocabulary::ReferenceKind;

/// An item as it was at one version.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "entity_revision")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The type of the item.
    pub subject: ReferenceKind,
    /// The id of the item.
    pub subject_id: Uuid,
    /// The version, from 1; unique within the item.
    pub version: i32,
    /// The whole item, by field. References are global ids.
    pub document: Json,
    /// The member who saved it; null for the command line.
    pub member_id: Option<Uuid>,
    /// Why it was saved.
    pub reason: String,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
