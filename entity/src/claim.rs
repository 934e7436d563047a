//! Claims: sentences with the pattern that tests each.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use wayin_vocabulary::Dimension;

/// A claim.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "claim", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The name in addresses; unique.
    #[sea_orm(unique)]
    pub slug: String,
    /// The sentence, at most 500 characters.
    pub statement: String,
    /// The position in the list of claims, from 1.
    pub position: i32,
    /// The reflection that it comes from.
    pub reflection_id: Option<Uuid>,
    /// The first condition, as an `InitiativeFilter` document.
    pub pattern_when: Json,
    /// The second condition, as an `InitiativeFilter` document.
    pub pattern_then: Json,
    /// The population, as an `InitiativeFilter` document; null for all initiatives.
    pub pattern_among: Option<Json>,
    /// The dimension to group by.
    pub pattern_by: Option<Dimension>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
    /// The reflection that it comes from.
    #[sea_orm(belongs_to, from = "reflection_id", to = "id")]
    pub reflection: BelongsTo<Option<super::reflection::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
