//! The reasons for what happened to the step of a challenge.

use sea_orm::entity::prelude::*;
use serde::Deserialize;
use wayin_vocabulary::ChallengeReason;

/// A reason for what happened to the step of a challenge.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "challenge_reason", model_attrs(derive(Deserialize)))]
pub struct Model {
    /// The challenge faced.
    #[sea_orm(primary_key, auto_increment = false)]
    pub challenge_faced_id: Uuid,
    /// The reason.
    #[sea_orm(primary_key, auto_increment = false)]
    pub reason: ChallengeReason,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
    /// The challenge faced.
    #[sea_orm(belongs_to, from = "challenge_faced_id", to = "id")]
    pub challenge_faced: BelongsTo<super::challenge_faced::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
