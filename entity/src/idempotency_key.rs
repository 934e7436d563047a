//! Idempotency keys, with the results of their mutations.

use sea_orm::entity::prelude::*;

/// A mutation that was sent with a key.
#[sea_orm::model]
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "idempotency_key")]
pub struct Model {
    /// The member who sent it.
    #[sea_orm(primary_key, auto_increment = false)]
    pub member_id: Uuid,
    /// The key that the client chose.
    #[sea_orm(primary_key, auto_increment = false)]
    pub key: String,
    /// The SHA-256 of the mutation's name and input, in hexadecimal.
    pub input_digest: String,
    /// The result, with the rows as the mutation left them. Null only within the transaction of the mutation.
    pub answer: Option<Json>,
    /// When the row was created (UTC).
    pub created_at: DateTimeUtc,
    /// When the row was last updated (UTC).
    pub updated_at: DateTimeUtc,
}

impl ActiveModelBehavior for ActiveModel {}
