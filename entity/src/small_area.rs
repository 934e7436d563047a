//! The codes of areas that are no places themselves, with the place that each lies in.

use sea_orm::entity::prelude::*;

/// An LSOA, an MSOA, a constituency or another area that has a code and lies in a place.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "small_area")]
pub struct Model {
    /// The GSS code.
    #[sea_orm(primary_key, auto_increment = false)]
    pub code: String,
    /// The place that it lies in; null where it lies in several.
    pub place_id: Option<Uuid>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
