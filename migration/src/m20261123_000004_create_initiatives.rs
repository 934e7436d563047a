//! Creates published initiatives and their sources.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, boolean_null, date_null, text, text_null, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid, uuid_null,
};
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::table::{
    NamedIndex, cascade_reference, code_column, create_indexes, create_tables, drop_tables, folded_column,
    join_table, named_check, positive_integer_column, restrict_reference, table_with_id, unique_index,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(
            manager,
            [initiative(manager.get_database_backend()), initiative_source()],
        )
        .await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["initiative_source", "initiative"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 5] = [
    ("initiative_by_title", "initiative", &["title_folded", "id"]),
    ("initiative_by_start", "initiative", &["started_on", "id"]),
    ("initiative_by_publication", "initiative", &["published_at", "id"]),
    (
        "initiative_by_place",
        "initiative",
        &["place_id", "published_at", "id"],
    ),
    (
        "initiative_source_by_source",
        "initiative_source",
        &["source_id", "initiative_id"],
    ),
];

fn initiative(backend: DatabaseBackend) -> TableCreateStatement {
    table_with_id("initiative")
        .col(uuid_null("place_id"))
        .col(uuid("lead_organisation_id"))
        .col(text("title"))
        .col(folded_column("title_folded", backend))
        .col(text_null("summary"))
        .col(date_null("started_on"))
        .col(date_null("ended_on"))
        .col(boolean_null("ongoing"))
        .col(code_column("visibility", &["OPEN", "MEMBERS", "AGGREGATE_ONLY"]))
        .col(boolean("shared_with_funders"))
        .col(boolean("illustrative"))
        .col(boolean("made_from_grant"))
        .col(text_null("external_ref"))
        .col(positive_integer_column("version"))
        .col(timestamp_with_time_zone("published_at"))
        .col(timestamp_with_time_zone_null("withdrawn_at"))
        .col(big_integer("disclosure_key").check(Expr::col("disclosure_key").between(0, 4_294_967_295_i64)))
        .col(text_null("sharing_confirmed_by"))
        .col(date_null("sharing_confirmed_on"))
        .col(text_null("sharing_basis"))
        .col(text_null("sharing_licence"))
        .index(&mut unique_index(&["lead_organisation_id", "external_ref"]))
        .foreign_key(&mut restrict_reference("place_id", "place"))
        .foreign_key(&mut restrict_reference("lead_organisation_id", "organisation"))
        .check(named_check(
            "initiative_ends_after_its_start",
            "ended_on >= started_on",
        ))
        .check(named_check(
            "initiative_goes_on_or_ended",
            "NOT (ongoing AND ended_on IS NOT NULL)",
        ))
        .take()
}

fn initiative_source() -> TableCreateStatement {
    join_table("initiative_source", &["initiative_id", "source_id"])
        .col(uuid("initiative_id"))
        .col(uuid("source_id"))
        .foreign_key(&mut cascade_reference("initiative_id", "initiative"))
        .foreign_key(&mut restrict_reference("source_id", "source"))
        .take()
}
