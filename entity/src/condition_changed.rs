//! The conditions for change that an initiative altered, or did not.

use sea_orm::entity::prelude::*;
use wayin_vocabulary::{ChangeExtent, Condition};

/// What became of one condition during an initiative.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "condition_changed")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The initiative.
    pub initiative_id: Uuid,
    /// The condition.
    pub condition: Condition,
    /// What became of it; null where not known.
    pub change: Option<ChangeExtent>,
    /// Why answers of it are missing, by field; null where nothing says why.
    pub missing: Option<Json>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
    /// The initiative.
    #[sea_orm(belongs_to, from = "initiative_id", to = "id")]
    pub initiative: BelongsTo<super::initiative::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
