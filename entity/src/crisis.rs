//! Crises: periods that affected the work.

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
    /// The name in addresses and filters; unique.
    #[sea_orm(unique)]
    pub slug: String,
    /// The name, at most 200 characters.
    pub name: String,
    /// The first day.
    pub from_on: Date,
    /// The last day; null if it has not ended.
    pub to_on: Option<Date>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
