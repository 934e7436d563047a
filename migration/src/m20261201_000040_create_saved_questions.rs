//! Creates the questions that members save.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{json_binary, text, uuid};

use crate::table::{
    NamedIndex, cascade_reference, create_indexes, create_tables, drop_tables, table_with_id,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [saved_question()]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["saved_question"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 1] = [(
    "saved_question_by_member",
    "saved_question",
    &["member_id", "created_at"],
)];

fn saved_question() -> TableCreateStatement {
    table_with_id("saved_question")
        .col(uuid("member_id"))
        .col(text("name"))
        .col(json_binary("question"))
        .foreign_key(&mut cascade_reference("member_id", "member"))
        .take()
}
