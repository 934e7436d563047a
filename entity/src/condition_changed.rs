//! The conditions for change of initiatives, and whether they changed.

use sea_orm::entity::prelude::*;
use serde::Deserialize;
use wayin_vocabulary::{ChangeExtent, Condition};

/// Whether one condition changed during an initiative.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "condition_changed", model_attrs(derive(Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The initiative.
    pub initiative_id: Uuid,
    /// The condition.
    pub condition: Condition,
    /// How far it changed; null if not known.
    pub change: Option<ChangeExtent>,
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
