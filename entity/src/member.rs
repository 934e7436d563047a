//! Members: who may do what.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use wayin_vocabulary::Role;

/// A member. A token proves who is asking; this row says what they may do.
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
    /// The organisation that the member acts for; required for funders and partners.
    pub organisation_id: Option<Uuid>,
    /// What the member may do.
    pub role: Role,
    /// When the member was revoked (UTC); null while they may act.
    pub revoked_at: Option<DateTimeUtc>,
    /// When the row was made (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
    /// The organisation that the member acts for.
    #[sea_orm(belongs_to, from = "organisation_id", to = "id")]
    pub organisation: BelongsTo<Option<super::organisation::Entity>>,
}

impl ActiveModelBehavior for ActiveModel {}
