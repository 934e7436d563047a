//! Creates the sources of records.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{date_null, text, text_null};

use crate::table::{code_column, create_tables, drop_tables, table_with_id};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [source()]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["source"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn source() -> TableCreateStatement {
    table_with_id("source")
        .col(code_column(
            "kind",
            &[
                "MEETING",
                "INTERVIEW",
                "EVALUATION",
                "MONITORING_RETURN",
                "SELF_REPORT",
                "GRANT_DATA",
            ],
        ))
        .col(text("title"))
        .col(text_null("url"))
        .col(date_null("dated_on"))
        .col(text_null("licence"))
        .take()
}
