//! Small areas, with the place that each lies in.

use sea_orm::entity::prelude::*;

/// A small area: an LSOA, an MSOA, a constituency or another area with a code that is not a place itself.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "small_area")]
pub struct Model {
    /// The GSS code.
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    /// The place that it lies in; null if it lies in several.
    pub place_id: Option<Uuid>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
