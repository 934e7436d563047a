//! Adds missing reasons to records and their parts, and an index to find submissions that expire.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::json_binary_null;

use crate::table::{NamedIndex, create_indexes, drop_indexes};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for table in TABLES {
            let column = json_binary_null("missing");
            let table = Table::alter().table(table).add_column(column).take();
            manager.alter_table(table).await?;
        }
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_indexes(manager, &INDEXES).await?;
        for table in TABLES {
            let table = Table::alter().table(table).drop_column("missing").take();
            manager.alter_table(table).await?;
        }
        Ok(())
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 1] = [("submission_by_age", "submission", &["state", "updated_at"])];

const TABLES: [&str; 5] = [
    "initiative",
    "entry_point_taken",
    "challenge_faced",
    "condition_changed",
    "funding_term",
];
