//! Releases: when classes of hidden records were formed.

use sea_orm::entity::prelude::*;

/// Classes that were formed together.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "disclosure_release")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The number, from 1.
    #[sea_orm(unique)]
    pub number: i32,
    /// The newest change of the records of which the classes were formed.
    pub change_number: i64,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC): never.
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
