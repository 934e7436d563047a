//! Sessions of members who signed in with a browser.

use sea_orm::entity::prelude::*;

/// A session. Its secret is not stored, only the digest of the secret.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "browser_session")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The member who signed in.
    pub member_id: Uuid,
    /// The SHA-256 of the secret, in hexadecimal; unique.
    pub secret_digest: String,
    /// When it was last used (UTC), to within about a minute.
    pub last_used_at: DateTimeUtc,
    /// When it ends at the latest (UTC).
    pub expires_at: DateTimeUtc,
    /// When it was ended (UTC), by signing out or by signing in again; null if it was not.
    pub ended_at: Option<DateTimeUtc>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
    /// The member who signed in.
    #[sea_orm(belongs_to, from = "member_id", to = "id")]
    pub member: BelongsTo<super::member::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
