//! Tokens that this instance issued. Their text is not stored: anyone with the key can sign it again.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A token.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "issued_token", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7: the token's `jti`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The member who owns the token.
    pub member_id: Uuid,
    /// The name that the issuer gave it.
    pub name: String,
    /// The member who issued it; null for the command line.
    pub created_by: Option<Uuid>,
    /// When it expires (UTC), in whole seconds: the token's `exp`.
    pub expires_at: DateTimeUtc,
    /// When it was last used (UTC), to within about a minute; null if it was not.
    pub last_used_at: Option<DateTimeUtc>,
    /// When it was revoked (UTC); null if it was not.
    pub revoked_at: Option<DateTimeUtc>,
    /// The member who revoked it; null if it was not revoked, or on the command line.
    pub revoked_by: Option<Uuid>,
    /// When the row was created (UTC), in whole seconds: the token's `iat`.
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
    /// The member who owns the token.
    #[sea_orm(belongs_to, from = "member_id", to = "id")]
    pub member: BelongsTo<super::member::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
