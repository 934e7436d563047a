//! The files of imports, in pieces.

use sea_orm::entity::prelude::*;

/// A piece of an import's file.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "import_chunk")]
pub struct Model {
    /// The import.
    #[sea_orm(primary_key, auto_increment = false)]
    pub import_id: Uuid,
    /// Counts the pieces of the file, from 1.
    #[sea_orm(primary_key, auto_increment = false)]
    pub position: i32,
    /// The piece's bytes.
    pub bytes: Vec<u8>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
