//! The files of imports, in chunks.

use sea_orm::entity::prelude::*;

/// A chunk of the file of an import.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import_chunk")]
pub struct Model {
    /// The import.
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: Uuid,
    /// The position in the file, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The bytes.
    pub bytes: Vec<u8>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
