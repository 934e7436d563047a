//! Creates the settings of the instance.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{blob, integer};

use crate::table::{create_tables, drop_tables};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [base()]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["base"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn base() -> TableCreateStatement {
    Table::create()
        .table("base")
        .col(integer("id").primary_key().check(Expr::col("id").eq(1)))
        .col(blob("disclosure_secret").check(Expr::cust("length(disclosure_secret) = 32")))
        .take()
}
