//! Creates the notices that stewards get of what partners do without review.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{timestamp_with_time_zone_null, uuid, uuid_null};

use crate::table::{
    NamedIndex, create_indexes, create_tables, drop_tables, named_check, restrict_reference, table_with_id,
    unique_index,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [notice()]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["notice"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 1] = [("notice_by_time", "notice", &["created_at", "id"])];

fn notice() -> TableCreateStatement {
    table_with_id("notice")
        .col(uuid("audit_event_id"))
        .col(timestamp_with_time_zone_null("acknowledged_at"))
        .col(uuid_null("acknowledged_by"))
        .foreign_key(&mut restrict_reference("audit_event_id", "audit_event"))
        .foreign_key(&mut restrict_reference("acknowledged_by", "member"))
        .index(&mut unique_index(&["audit_event_id"]))
        .check(named_check(
            "notice_acknowledged",
            r#""acknowledged_by" IS NULL OR "acknowledged_at" IS NOT NULL"#,
        ))
        .take()
}
