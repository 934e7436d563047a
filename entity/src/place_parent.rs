//! Which places lie directly within which.

use sea_orm::entity::prelude::*;

/// One place lies directly within another. Never a cycle.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "place_parent")]
pub struct Model {
    /// The smaller place.
    #[sea_orm(primary_key, auto_increment = false)]
    pub place_id: Uuid,
    /// The larger place that it lies within.
    #[sea_orm(primary_key, auto_increment = false)]
    pub parent_id: Uuid,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
