//! The challenges that initiatives faced.

use sea_orm::entity::prelude::*;
use serde::Deserialize;
use wayin_vocabulary::{Challenge, ChallengeStep};

/// A challenge that an initiative faced.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "challenge_faced", model_attrs(derive(Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The initiative.
    pub initiative_id: Uuid,
    /// The challenge.
    pub challenge: Challenge,
    /// What happened to its step; null if not known.
    pub step: Option<ChallengeStep>,
    /// What happened, at most 2,000 characters.
    pub note: Option<String>,
    /// The day it was noticed; null if not known.
    pub noticed_on: Option<Date>,
    /// Whose view it is; null if not known.
    pub perspective: Option<super::Perspective>,
    /// The missing reasons, by field; null if there are none.
    pub missing: Option<Json>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
    /// The initiative.
    #[sea_orm(belongs_to, from = "initiative_id", to = "id")]
    pub initiative: BelongsTo<super::initiative::Entity>,
    /// The reasons for what happened to the step.
    #[sea_orm(has_many)]
    pub reasons: HasMany<super::challenge_reason::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
