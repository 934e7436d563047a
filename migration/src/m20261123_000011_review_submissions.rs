//! Adds what reviews need: when a submission was submitted and decided, trusted organisations,
//! idempotency keys and the audit trail.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    boolean, integer, integer_null, json_binary, json_binary_null, text, timestamp_with_time_zone_null, uuid,
    uuid_null,
};

use crate::table::{
    NamedIndex, create_indexes, create_tables, drop_tables, join_table, restrict_reference, table_with_id,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite can add only one column at a time.
        for column in [
            integer("version").default(1).take(),
            timestamp_with_time_zone_null("sent_at"),
            timestamp_with_time_zone_null("decided_at"),
        ] {
            add_column(manager, "submission", column).await?;
        }
        add_column(
            manager,
            "organisation",
            boolean("auto_publish").default(false).take(),
        )
        .await?;
        create_tables(manager, [repeatable(), audit_event()]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["audit_event", "repeatable"]).await?;
        for (table, column) in [
            ("organisation", "auto_publish"),
            ("submission", "decided_at"),
            ("submission", "sent_at"),
            ("submission", "version"),
        ] {
            let table = Table::alter().table(table).drop_column(column).take();
            manager.alter_table(table).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

async fn add_column(
    manager: &SchemaManager<'_>,
    table: &'static str,
    column: ColumnDef,
) -> Result<(), DbErr> {
    manager
        .alter_table(Table::alter().table(table).add_column(column).take())
        .await
}

const INDEXES: [NamedIndex; 2] = [
    ("audit_event_by_subject", "audit_event", &["subject_id", "id"]),
    ("repeatable_by_age", "repeatable", &["created_at"]),
];

fn repeatable() -> TableCreateStatement {
    join_table("repeatable", &["member_id", "key"])
        .col(uuid("member_id"))
        .col(text("key"))
        .col(text("input_digest"))
        .col(json_binary_null("answer"))
        .foreign_key(&mut restrict_reference("member_id", "member"))
        .take()
}

fn audit_event() -> TableCreateStatement {
    table_with_id("audit_event")
        .col(uuid_null("member_id"))
        .col(text("act"))
        .col(text("subject"))
        .col(uuid("subject_id"))
        .col(integer_null("version_before"))
        .col(integer_null("version_after"))
        .col(json_binary("detail"))
        .foreign_key(&mut restrict_reference("member_id", "member"))
        .take()
}
