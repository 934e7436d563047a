//! Creates small areas, such as LSOAs, with the place that each lies in.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{text, uuid_null};

use crate::table::{create_tables, drop_tables, join_table, restrict_reference};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [small_area()]).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["small_area"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

fn small_area() -> TableCreateStatement {
    join_table("small_area", &["code"])
        .col(text("code"))
        .col(uuid_null("place_id"))
        .foreign_key(&mut restrict_reference("place_id", "place"))
        .take()
}
