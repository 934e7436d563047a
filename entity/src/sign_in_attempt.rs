//! Sign-ins with an issuer of OpenID Connect that have begun.

use sea_orm::entity::prelude::*;

/// A sign-in that has begun. It can be finished once, by the browser that began it.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "sign_in_attempt")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The SHA-256 of the `state`, in hexadecimal; unique.
    pub state_digest: String,
    /// The SHA-256 of the secret in the browser's cookie, in hexadecimal.
    pub browser_digest: String,
    /// The `nonce` that the ID token must contain.
    pub nonce: String,
    /// The `code_verifier` of PKCE.
    pub code_verifier: String,
    /// The path to return to; empty for the page of the member's role.
    pub next: String,
    /// The invitation that is accepted; null if there is none.
    pub invitation_id: Option<Uuid>,
    /// When it ends (UTC).
    pub expires_at: DateTimeUtc,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
