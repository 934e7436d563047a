//! Creates organisations and members.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{text, text_null, timestamp_with_time_zone_null, uuid_null};
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::table::{
    NamedIndex, code_column, create_indexes, create_tables, drop_tables, folded_column, named_check,
    nullable_code_column, restrict_reference, table_with_id, unique_index,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [organisation(manager.get_database_backend()), member()]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["member", "organisation"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 3] = [
    ("organisation_by_name", "organisation", &["name_folded", "id"]),
    (
        "organisation_by_kind",
        "organisation",
        &["kind", "name_folded", "id"],
    ),
    ("member_by_organisation", "member", &["organisation_id"]),
];

fn organisation(backend: DatabaseBackend) -> TableCreateStatement {
    table_with_id("organisation")
        .col(text("name"))
        .col(folded_column("name_folded", backend))
        .col(nullable_code_column(
            "kind",
            &[
                "FUNDER",
                "DELIVERY_ORGANISATION",
                "NATIONAL_CHARITY",
                "COMMUNITY_GROUP",
                "PUBLIC_BODY",
            ],
        ))
        .col(text_null("identifier").unique_key())
        .take()
}

fn member() -> TableCreateStatement {
    table_with_id("member")
        .col(text("issuer"))
        .col(text("subject"))
        .col(uuid_null("organisation_id"))
        .col(code_column(
            "role",
            &["FUNDER", "PARTNER", "DASHBOARD", "STEWARD"],
        ))
        .col(timestamp_with_time_zone_null("revoked_at"))
        .index(&mut unique_index(&["issuer", "subject"]))
        .foreign_key(&mut restrict_reference("organisation_id", "organisation"))
        .check(named_check(
            "member_acts_for_an_organisation",
            "role NOT IN ('FUNDER', 'PARTNER') OR organisation_id IS NOT NULL",
        ))
        .take()
}
