//! Claims: reflections made testable.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use wayin_vocabulary::Dimension;

/// A sentence in plain words, with the pattern that the base can answer it by.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "claim", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The short name in addresses; unique.
    #[sea_orm(unique)]
    pub slug: String,
    /// The claim in plain words, at most 500 characters.
    pub statement: String,
    /// Where it stands in the list of claims, from 1.
    pub position: i32,
    /// The reflection that it comes from.
    pub reflection_id: Option<Uuid>,
    /// The condition, as an `InitiativeFilter` document.
    pub pattern_when: Json,
    /// What it is crossed with, as an `InitiativeFilter` document.
    pub pattern_then: Json,
    /// Among which initiatives, as an `InitiativeFilter` document.
    pub pattern_among: Option<Json>,
    /// The dimension it is told apart by.
    pub pattern_by: Option<Dimension>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
    /// The reflection that it comes from.
    #[sea_orm(belongs_to, from = "reflection_id", to = "id")]
    pub reflection: BelongsTo<Option<super::reflection::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
