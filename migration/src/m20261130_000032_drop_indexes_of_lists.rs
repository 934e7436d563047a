//! Drops the indexes of the table of initiatives that only lists used. The index in memory finds lists.

use sea_orm_migration::prelude::*;

use crate::table::{NamedIndex, create_indexes, drop_indexes};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_indexes(manager, &INDEXES).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 3] = [
    ("initiative_by_title", "initiative", &["title_folded", "id"]),
    ("initiative_by_start", "initiative", &["started_on", "id"]),
    ("initiative_by_publication", "initiative", &["published_at", "id"]),
];
