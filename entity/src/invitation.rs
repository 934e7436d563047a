//! Invitations to become a member.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};
use wayin_vocabulary::Role;

/// An invitation. Its code is not stored, only the digest of the code.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "invitation", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The name of the person who is invited, for the list and for the pages.
    pub name: String,
    /// The role that the member gets.
    pub role: Role,
    /// The organisation that the member will act for; required for funders and partners.
    pub organisation_id: Option<Uuid>,
    /// The SHA-256 of the code, in hexadecimal; unique.
    pub code_digest: String,
    /// The member who invited; null for the command line.
    pub created_by: Option<Uuid>,
    /// When it ends (UTC).
    pub expires_at: DateTimeUtc,
    /// When it was accepted (UTC); null if it was not.
    pub accepted_at: Option<DateTimeUtc>,
    /// The member who accepted it; null if it was not accepted.
    pub member_id: Option<Uuid>,
    /// When it was revoked (UTC); null if it was not.
    pub revoked_at: Option<DateTimeUtc>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
