//! The challenges that an initiative met, and what became of each one's step.

use sea_orm::entity::prelude::*;
use wayin_vocabulary::{Challenge, ChallengeStep};

/// A challenge that an initiative met.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "challenge_faced")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The initiative.
    pub initiative_id: Uuid,
    /// The challenge.
    pub challenge: Challenge,
    /// What became of its step; null where not known.
    pub step: Option<ChallengeStep>,
    /// What happened, at most 2,000 characters.
    pub note: Option<String>,
    /// The day it was noticed; null where not known.
    pub noticed_on: Option<Date>,
    /// Whose view it is; null where not known.
    pub perspective: Option<super::Perspective>,
    /// Why answers of it are missing, by field; null where nothing says why.
    pub missing: Option<Json>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
    /// The initiative.
    #[sea_orm(belongs_to, from = "initiative_id", to = "id")]
    pub initiative: BelongsTo<super::initiative::Entity>,
    /// Why the step went as it did.
    #[sea_orm(has_many)]
    pub reasons: HasMany<super::challenge_reason::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
