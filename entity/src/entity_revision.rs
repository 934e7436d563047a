//! Every version of what stewards keep.

use sea_orm::entity::prelude::*;
use wayin_vocabulary::ReferenceKind;

/// Something that is kept, as it stood at one version.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "entity_revision")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What sort of thing it is.
    pub subject: ReferenceKind,
    /// Which one.
    pub subject_id: Uuid,
    /// The version, from 1; unique within the thing.
    pub version: i32,
    /// The whole of it, by the names of its fields; what it refers to stands as global ids.
    pub document: Json,
    /// The member who saved it; null for an act on the command line.
    pub member_id: Option<Uuid>,
    /// Why it was saved.
    pub reason: String,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
