//! The places that crises affect.

use sea_orm::entity::prelude::*;

/// A crisis affects a place. A crisis without such rows affects all places.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "crisis_place")]
pub struct Model {
    /// The crisis.
    #[sea_orm(primary_key, auto_increment = false)]
    pub crisis_id: Uuid,
    /// The place.
    #[sea_orm(primary_key, auto_increment = false)]
    pub place_id: Uuid,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
