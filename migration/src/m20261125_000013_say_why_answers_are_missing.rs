//! Why answers of a record and of its parts are missing.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::json_binary_null;

/// Alters the record and its parts.
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
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
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

const TABLES: [&str; 5] = [
    "initiative",
    "entry_point_taken",
    "challenge_faced",
    "condition_changed",
    "funding_term",
];
