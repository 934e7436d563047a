//! Creates the tokens that the instance issued, so that they can be listed and revoked.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    text, timestamp_with_time_zone, timestamp_with_time_zone_null, uuid, uuid_null,
};

use crate::table::{
    NamedIndex, create_indexes, create_tables, drop_tables, named_check, restrict_reference, table_with_id,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [issued_token()]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["issued_token"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 2] = [
    (
        "issued_token_by_member",
        "issued_token",
        &["member_id", "created_at", "id"],
    ),
    ("issued_token_by_time", "issued_token", &["created_at", "id"]),
];

fn issued_token() -> TableCreateStatement {
    table_with_id("issued_token")
        .col(uuid("member_id"))
        .col(text("name"))
        .col(uuid_null("created_by"))
        .col(timestamp_with_time_zone("expires_at"))
        .col(timestamp_with_time_zone_null("last_used_at"))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .col(uuid_null("revoked_by"))
        .foreign_key(&mut restrict_reference("member_id", "member"))
        .foreign_key(&mut restrict_reference("created_by", "member"))
        .foreign_key(&mut restrict_reference("revoked_by", "member"))
        .check(named_check(
            "issued_token_revoked",
            r#""revoked_by" IS NULL OR "revoked_at" IS NOT NULL"#,
        ))
        .take()
}
