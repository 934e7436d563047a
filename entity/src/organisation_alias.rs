//! Former names and identifiers of organisations: of those merged into others, and those that were corrected.

use sea_orm::entity::prelude::*;

/// A former name and identifier of an organisation.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "organisation_alias")]
pub struct Model {
    /// UUIDv7: the id of the organisation that was merged, or a new one for a corrected identifier.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The current organisation.
    pub organisation_id: Uuid,
    /// The former name.
    pub name: String,
    /// The name in lower case, for the same search on both databases.
    pub name_folded: String,
    /// The former identifier; null if there was none.
    pub identifier: Option<String>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
