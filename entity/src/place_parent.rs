//! The parents of places.

use sea_orm::entity::prelude::*;

/// A place lies directly within another. There are no cycles.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "place_parent")]
pub struct Model {
    /// The child.
    #[sea_orm(primary_key, auto_increment = false)]
    pub place_id: Uuid,
    /// The parent.
    #[sea_orm(primary_key, auto_increment = false)]
    pub parent_id: Uuid,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
