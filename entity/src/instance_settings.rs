//! What is true of the base as a whole: one row.

use sea_orm::entity::prelude::*;

/// The base's own settings, made when it is first migrated.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "instance_settings")]
pub struct Model {
    /// Always 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: i32,
    /// 32 random bytes that key the disclosure keys of records. Never shown; it travels only in a backup.
    pub disclosure_secret: Vec<u8>,
    /// When the base was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
