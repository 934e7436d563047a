//! Places, from neighbourhoods to the whole country.

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
    /// The name, at most 200 characters.
    pub name: String,
    /// The name in lower case, for the same search and sort order on both databases.
    pub name_folded: String,
    /// The kind of place.
    pub kind: PlaceKind,
    /// The GSS code, such as E08000025; unique if not null.
    #[sea_orm(unique)]
    pub code: Option<String>,
    /// The successor, if the code of the place is retired.
    pub successor_id: Option<Uuid>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
    /// The initiatives recorded in this place itself.
    #[sea_orm(has_many)]
    pub initiatives: HasMany<super::initiative::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
