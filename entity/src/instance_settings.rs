//! The settings of the instance, in one row.

use sea_orm::entity::prelude::*;

/// The settings of the instance, created by the first migration.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "instance_settings")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// The secret for the cell keys of records: 32 random bytes, except in a demonstration. Never shown. It leaves the database only in backups.
    pub disclosure_secret: Vec<u8>,
    /// When the instance was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
