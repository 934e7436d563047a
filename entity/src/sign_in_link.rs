//! Links with which members sign in once.

use sea_orm::entity::prelude::*;

/// A link. Its code is not stored, only the digest of the code.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_link")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The member whom the link signs in.
    pub member_id: Uuid,
    /// The SHA-256 of the code, in hexadecimal; unique.
    pub code_digest: String,
    /// The member who created it; null for the command line.
    pub created_by: Option<Uuid>,
    /// When it ends (UTC).
    pub expires_at: DateTimeUtc,
    /// When it was used (UTC); null if it was not.
    pub used_at: Option<DateTimeUtc>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
