//! Creates the glossary.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{json_binary, text, text_null, text_uniq};
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::table::{NamedIndex, create_indexes, create_tables, drop_tables, folded_column, table_with_id};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [term(manager.get_database_backend())]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["term"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 1] = [("term_by_word", "term", &["word_folded", "id"])];

fn term(backend: DatabaseBackend) -> TableCreateStatement {
    table_with_id("term")
        .col(text_uniq("slug"))
        .col(text("word"))
        .col(folded_column("word_folded", backend))
        .col(text("definition"))
        .col(json_binary("other_words"))
        .col(text_null("caution"))
        .col(text_null("code"))
        .take()
}
