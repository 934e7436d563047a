//! Creates places and their parents.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{text, text_null, uuid, uuid_null};
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::table::{
    NamedIndex, cascade_reference, code_column, create_indexes, create_tables, drop_tables, folded_column,
    join_table, named_check, restrict_reference, table_with_id,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [place(manager.get_database_backend()), place_within()]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["place_within", "place"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 4] = [
    ("place_by_name", "place", &["name_folded", "id"]),
    ("place_by_kind", "place", &["kind", "name_folded", "id"]),
    ("place_by_successor", "place", &["successor_id"]),
    (
        "place_within_by_within",
        "place_within",
        &["within_id", "place_id"],
    ),
];

fn place(backend: DatabaseBackend) -> TableCreateStatement {
    table_with_id("place")
        .col(text("name"))
        .col(folded_column("name_folded", backend))
        .col(code_column(
            "kind",
            &[
                "NEIGHBOURHOOD",
                "WARD",
                "TOWN",
                "LOCAL_AUTHORITY",
                "COMBINED_AUTHORITY",
                "COUNTY",
                "REGION",
                "NATION",
                "COUNTRY",
            ],
        ))
        .col(text_null("code").unique_key())
        .col(uuid_null("successor_id"))
        .foreign_key(&mut restrict_reference("successor_id", "place"))
        .check(named_check("place_succeeds_another", "successor_id <> id"))
        .take()
}

fn place_within() -> TableCreateStatement {
    join_table("place_within", &["place_id", "within_id"])
        .col(uuid("place_id"))
        .col(uuid("within_id"))
        .foreign_key(&mut cascade_reference("place_id", "place"))
        .foreign_key(&mut restrict_reference("within_id", "place"))
        .check(named_check("place_lies_within_another", "place_id <> within_id"))
        .take()
}
