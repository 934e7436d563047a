//! Tokens that were issued here. Their text is kept nowhere: it can be signed again, by whoever has the key.

use sea_orm::entity::prelude::*;
use serde::{Deserialize, Serialize};

/// A token.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "issued_token", model_attrs(derive(Serialize, Deserialize)))]
pub struct Model {
    /// UUIDv7; the token's `jti`.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// Whose token it is.
    pub member_id: Uuid,
    /// What whoever issued it calls it.
    pub name: String,
    /// The member who issued it; null where it was issued on the command line.
    pub created_by: Option<Uuid>,
    /// Until when it is good (UTC), in whole seconds: the token's `exp`.
    pub expires_at: DateTimeUtc,
    /// When it was last used (UTC), to within a minute or so; null while it never was.
    pub last_used_at: Option<DateTimeUtc>,
    /// When it was revoked (UTC); null while it was not.
    pub revoked_at: Option<DateTimeUtc>,
    /// The member who revoked it; null while nobody has, and where it was revoked on the command line.
    pub revoked_by: Option<Uuid>,
    /// When the row was made (UTC), in whole seconds: the token's `iat`.
    pub created_at: DateTimeUtc,
    /// When the row was last altered (UTC).
    pub updated_at: DateTimeUtc,
    /// Whose token it is.
    #[sea_orm(belongs_to, from = "member_id", to = "id")]
    pub member: BelongsTo<super::member::Entity>,
}

impl ActiveModelBehavior for ActiveModel {}
