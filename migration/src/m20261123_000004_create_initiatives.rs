//! Initiatives as they are published, and the sources that support them.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, boolean, boolean_null, date_null, text, text_null, timestamp_with_time_zone,
    timestamp_with_time_zone_null, uuid, uuid_null,
};
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::table::{
    NamedIndex, code, counted, create_indexes, create_tables, drop_tables, folded, joining, part_of, refers,
    rule, unique, with_id,
};

/// Creates the tables.
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
    with_id("initiative")
        .col(uuid_null("place_id"))
        .col(uuid("lead_organisation_id"))
        .col(text("title"))
        .col(folded("title_folded", backend))
        .col(text_null("summary"))
        .col(date_null("started_on"))
        .col(date_null("ended_on"))
        .col(boolean_null("ongoing"))
        .col(code("visibility", &["OPEN", "MEMBERS", "AGGREGATE_ONLY"]))
        .col(boolean("shared_with_funders"))
        .col(boolean("illustrative"))
        .col(boolean("made_from_grant"))
        .col(text_null("external_ref"))
        .col(counted("version"))
        .col(timestamp_with_time_zone("published_at"))
        .col(timestamp_with_time_zone_null("withdrawn_at"))
        .col(big_integer("disclosure_key").check(Expr::col("disclosure_key").between(0, 4_294_967_295_i64)))
        .col(text_null("sharing_confirmed_by"))
        .col(date_null("sharing_confirmed_on"))
        .col(text_null("sharing_basis"))
        .col(text_null("sharing_licence"))
        .index(&mut unique(&["lead_organisation_id", "external_ref"]))
        .foreign_key(&mut refers("place_id", "place"))
        .foreign_key(&mut refers("lead_organisation_id", "organisation"))
        .check(rule("initiative_ends_after_its_start", "ended_on >= started_on"))
        .check(rule(
            "initiative_goes_on_or_ended",
            "NOT (ongoing AND ended_on IS NOT NULL)",
        ))
        .take()
}

fn initiative_source() -> TableCreateStatement {
    joining("initiative_source", &["initiative_id", "source_id"])
        .col(uuid("initiative_id"))
        .col(uuid("source_id"))
        .foreign_key(&mut part_of("initiative_id", "initiative"))
        .foreign_key(&mut refers("source_id", "source"))
        .take()
}
