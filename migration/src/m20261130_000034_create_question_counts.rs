//! Creates the counts of the questions that members ask under disclosure control.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, date, uuid};

use crate::table::{
    NamedIndex, cascade_reference, create_indexes, create_tables, drop_tables, named_check, table_with_id,
    unique_index,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [question_count()]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["question_count"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 1] = [("question_count_by_day", "question_count", &["day"])];

fn question_count() -> TableCreateStatement {
    table_with_id("question_count")
        .col(uuid("member_id"))
        .col(date("day"))
        .col(big_integer("question_count"))
        .col(big_integer("few_hidden_count"))
        .foreign_key(&mut cascade_reference("member_id", "member"))
        .index(&mut unique_index(&["member_id", "day"]))
        .check(named_check(
            "question_count_of_all_and_of_few_hidden",
            r#""question_count" >= 1 AND "few_hidden_count" >= 0 AND "few_hidden_count" <= "question_count""#,
        ))
        .take()
}
