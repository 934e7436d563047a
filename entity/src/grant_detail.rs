//! The parts of published grants that funding terms cannot hold.

use sea_orm::entity::prelude::*;

/// The parts of a published grant that its record cannot hold. The export of grants uses them.
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
    /// All locations as published, and the additional recipients, funders, programmes and periods.
    pub document: Json,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
