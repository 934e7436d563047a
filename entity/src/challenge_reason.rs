//! Why a challenge's step went as it did.

use sea_orm::entity::prelude::*;
use wayin_vocabulary::ChallengeReason;

/// One reason for what became of a challenge's step.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "challenge_reason")]
pub struct Model {
    /// The challenge faced.
    #[sea_orm(primary_key, auto_increment = false)]
    pub challenge_faced_id: Uuid,
    /// The reason.
    #[sea_orm(primary_key, auto_increment = false)]
    pub reason: ChallengeReason,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
    /// The challenge faced.
    #[sea_orm(belongs_to, from = "challenge_faced_id", to = "id")]
    pub challenge_faced: BelongsTo<super::challenge_faced::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
