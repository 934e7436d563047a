//! Places, from a neighbourhood to the country.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use wayin_vocabulary::PlaceKind;

/// A place in which initiatives work.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "place", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The name in use, at most 200 characters.
    pub name: String,
    /// The name in lower case, for searching and sorting alike on every database.
    pub name_folded: String,
    /// What sort of place it is.
    pub kind: PlaceKind,
    /// The GSS code, such as E08000025; unique where given.
    #[sea_orm(unique)]
    pub code: Option<String>,
    /// The place that took over when this one's code was retired.
    pub successor_id: Option<Uuid>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
    /// The initiatives recorded in this very place.
    #[sea_orm(has_many)]
    pub initiatives: HasMany<super::initiative::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
