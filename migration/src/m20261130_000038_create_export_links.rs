//! Creates the links that open a file without a token.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{text, timestamp_with_time_zone, uuid, uuid_null};

use crate::table::{
    NamedIndex, cascade_reference, create_indexes, create_tables, drop_tables, named_check, table_with_id,
    unique_index,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [export_link()]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["export_link"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 2] = [
    (
        "export_link_by_member",
        "export_link",
        &["member_id", "expires_at"],
    ),
    ("export_link_by_expiry", "export_link", &["expires_at"]),
];

fn export_link() -> TableCreateStatement {
    table_with_id("export_link")
        .col(uuid("member_id"))
        .col(uuid_null("token_id"))
        .col(text("secret_digest"))
        .col(text("address"))
        .col(timestamp_with_time_zone("expires_at"))
        .foreign_key(&mut cascade_reference("member_id", "member"))
        .foreign_key(&mut cascade_reference("token_id", "issued_token"))
        .index(&mut unique_index(&["secret_digest"]))
        .check(named_check(
            "export_link_digest",
            r#"length("secret_digest") = 64"#,
        ))
        .take()
}
