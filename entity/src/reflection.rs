//! Reflections: what members said at meetings, without names.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A reflection. It can be about an entry point, a challenge or a place.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "reflection", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The meeting.
    pub meeting_id: Uuid,
    /// The position within the meeting, from 1.
    pub position: i32,
    /// Whose view it is.
    pub perspective: super::Perspective,
    /// The entry point it is about.
    pub entry_point: Option<super::EntryPoint>,
    /// The challenge it is about.
    pub challenge: Option<super::Challenge>,
    /// The place it is about.
    pub place_id: Option<Uuid>,
    /// The text, at most 4,000 characters.
    pub text: String,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
    /// The meeting.
    #[sea_orm(belongs_to, from = "meeting_id", to = "id")]
    pub meeting: BelongsTo<super::meeting::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
