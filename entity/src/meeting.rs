//! Meetings of the community of practice.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A past or future meeting.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "meeting", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The title, at most 300 characters; unique.
    #[sea_orm(unique)]
    pub title: String,
    /// The theme.
    pub theme: Option<String>,
    /// The day of the meeting.
    pub held_on: Date,
    /// The address to register at, for a future meeting.
    pub registration_url: Option<String>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
    /// The reflections.
    #[sea_orm(has_many)]
    pub reflections: HasMany<super::reflection::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
