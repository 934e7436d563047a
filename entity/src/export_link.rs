//! Links that open a file without a token.

use sea_orm::entity::prelude::*;

/// A link to one file. Its secret is not stored, only the digest of the secret.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "export_link")]
pub struct Model {
    /// UUIDv7.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// The member who created it, and who pays for the file.
    pub member_id: Uuid,
    /// The listed token with which the member created it. Null for a token that is not listed.
    pub token_id: Option<Uuid>,
    /// The SHA-256 of the secret, in hexadecimal; unique.
    pub secret_digest: String,
    /// The path and the parameters of the file, such as `/export/distribution.csv?of=REGION`.
    pub address: String,
    /// When it ends (UTC).
    pub expires_at: DateTimeUtc,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
