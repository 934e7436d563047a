//! The entry points that initiatives took, in order, by perspective.

use sea_orm::entity::prelude::*;
use serde::Deserialize;
use wayin_vocabulary::{EntryPoint, Perspective};

/// An entry point that an initiative took. Position 1 of a perspective is its way in.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "entry_point_taken", model_attrs(derive(Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The initiative.
    pub initiative_id: Uuid,
    /// The position within the initiative and perspective, from 1.
    pub position: i32,
    /// The entry point.
    pub entry_point: EntryPoint,
    /// Whose view it is.
    pub perspective: Perspective,
    /// The day it was taken; null if not known.
    pub taken_on: Option<Date>,
    /// Why it was taken, at most 2,000 characters.
    pub motivation: Option<String>,
    /// The missing reasons, by field; null if there are none.
    pub missing: Option<Json>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
    /// The initiative.
    #[sea_orm(belongs_to, from = "initiative_id", to = "id")]
    pub initiative: BelongsTo<super::initiative::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
