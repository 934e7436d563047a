//! Meetings of the community of practice.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A meeting, past or ahead.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "meeting", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// What it is called, at most 300 characters; unique.
    #[sea_orm(unique)]
    pub title: String,
    /// What it is about.
    pub theme: Option<String>,
    /// The day it is held.
    pub held_on: Date,
    /// Where one registers, for a meeting that lies ahead.
    pub registration_url: Option<String>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
    /// What members said.
    #[sea_orm(has_many)]
    pub reflections: HasMany<super::reflection::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
