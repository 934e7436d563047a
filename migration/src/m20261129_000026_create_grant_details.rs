//! Creates the parts of published grants that funding terms cannot hold.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{json_binary, text};

use crate::table::{create_tables, drop_tables, table_with_id, unique_index};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = table_with_id("grant_detail")
            .col(text("grant_identifier"))
            .col(json_binary("document"))
            .index(&mut unique_index(&["grant_identifier"]))
            .take();
        create_tables(manager, [table]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["grant_detail"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}
