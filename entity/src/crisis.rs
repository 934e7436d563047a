//! Crises: periods that bear on the work.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A crisis.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "crisis", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The short name in addresses and conditions; unique.
    #[sea_orm(unique)]
    pub slug: String,
    /// What it is called, at most 200 characters.
    pub name: String,
    /// The first day.
    pub from_on: Date,
    /// The last day; null while it goes on.
    pub to_on: Option<Date>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
