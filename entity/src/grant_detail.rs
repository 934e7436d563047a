//! What published grants say beyond their funding terms.

use sea_orm::entity::prelude::*;

/// What a published grant says that its record has no room for. It is kept for the export of grants.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "grant_detail")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The 360Giving identifier of the grant; unique.
    #[sea_orm(unique)]
    pub grant_identifier: String,
    /// All locations as published, and each recipient, funder, programme and period after the first.
    pub document: Json,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
