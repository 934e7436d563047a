//! Adds to each change of an initiative the version that it led to, and an index that finds the changes of a subject.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::integer_null;

use crate::table::{NamedIndex, create_indexes, drop_indexes};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_indexes(manager, &INDEXES).await?;
        // After the index: a connection to SQLite notices only when it reads that another one has removed the column.
        let column = integer_null("version");
        let table = Table::alter().table("change_log").add_column(column).take();
        manager.alter_table(table).await?;
        manager.get_connection().execute_unprepared(FIND_VERSIONS).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_indexes(manager, &INDEXES).await?;
        let table = Table::alter().table("change_log").drop_column("version").take();
        manager.alter_table(table).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 1] = [("change_by_subject", "change_log", &["subject_id", "number"])];

/// A revision is written before its change is logged, and the next revision is written after that.
const FIND_VERSIONS: &str = r#"UPDATE "change_log" SET "version" = (
    SELECT MAX("revision"."version") FROM "revision"
    WHERE "revision"."initiative_id" = "change_log"."subject_id"
    AND "revision"."created_at" <= "change_log"."created_at"
) WHERE "subject" = 'INITIATIVE'"#;
