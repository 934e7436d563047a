//! Creates crises and the places that they affect.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{date, date_null, text, text_uniq, uuid};

use crate::table::{
    NamedIndex, cascade_reference, create_indexes, create_tables, drop_tables, join_table, named_check,
    restrict_reference, table_with_id,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [crisis(), crisis_place()]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["crisis_place", "crisis"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 2] = [
    ("crisis_by_start", "crisis", &["from_on", "id"]),
    (
        "crisis_place_by_place",
        "crisis_place",
        &["place_id", "crisis_id"],
    ),
];

fn crisis() -> TableCreateStatement {
    table_with_id("crisis")
        .col(text_uniq("slug"))
        .col(text("name"))
        .col(date("from_on"))
        .col(date_null("to_on"))
        .check(named_check("crisis_ends_after_its_start", "to_on >= from_on"))
        .take()
}

fn crisis_place() -> TableCreateStatement {
    join_table("crisis_place", &["crisis_id", "place_id"])
        .col(uuid("crisis_id"))
        .col(uuid("place_id"))
        .foreign_key(&mut cascade_reference("crisis_id", "crisis"))
        .foreign_key(&mut restrict_reference("place_id", "place"))
        .take()
}
