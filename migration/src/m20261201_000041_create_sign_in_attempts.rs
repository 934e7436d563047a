//! Creates the sign-ins with an issuer of OpenID Connect that have begun.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{text, timestamp_with_time_zone, uuid_null};

use crate::table::{
    NamedIndex, cascade_reference, create_indexes, create_tables, drop_tables, named_check, table_with_id,
    unique_index,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [sign_in_attempt()]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["sign_in_attempt"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 2] = [
    (
        "sign_in_attempt_by_invitation",
        "sign_in_attempt",
        &["invitation_id"],
    ),
    ("sign_in_attempt_by_expiry", "sign_in_attempt", &["expires_at"]),
];

fn sign_in_attempt() -> TableCreateStatement {
    table_with_id("sign_in_attempt")
        .col(text("state_digest"))
        .col(text("browser_digest"))
        .col(text("nonce"))
        .col(text("code_verifier"))
        .col(text("next"))
        .col(uuid_null("invitation_id"))
        .col(timestamp_with_time_zone("expires_at"))
        .foreign_key(&mut cascade_reference("invitation_id", "invitation"))
        .index(&mut unique_index(&["state_digest"]))
        .check(named_check(
            "sign_in_attempt_state_digest",
            r#"length("state_digest") = 64"#,
        ))
        .check(named_check(
            "sign_in_attempt_browser_digest",
            r#"length("browser_digest") = 64"#,
        ))
        .take()
}
