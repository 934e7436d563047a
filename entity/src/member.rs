//! Members and their roles.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use wayin_vocabulary::Role;

/// A member. A token proves who the requester is; this row says what they may do.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "member", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The `iss` of the member's tokens; unique together with the subject.
    pub issuer: String,
    /// The `sub` of the member's tokens.
    pub subject: String,
    /// The organisation of the member; required for funders and partners.
    pub organisation_id: Option<Uuid>,
    /// The role of the member.
    pub role: Role,
    /// When the member was revoked (UTC); null if they were not.
    pub revoked_at: Option<DateTimeUtc>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
    /// The organisation of the member.
    #[sea_orm(belongs_to, from = "organisation_id", to = "id")]
    pub organisation: BelongsTo<Option<super::organisation::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
