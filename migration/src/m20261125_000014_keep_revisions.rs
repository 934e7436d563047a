//! Creates the revisions of reference data, and the aliases of organisations.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{json_binary, text, text_null, uuid, uuid_null};
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::table::{
    NamedIndex, code_column, create_indexes, create_tables, drop_tables, folded_column,
    positive_integer_column, restrict_reference, table_with_id, unique_index,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        create_tables(manager, [kept_revision(), former_organisation(backend)]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["former_organisation", "kept_revision"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 3] = [
    (
        "former_organisation_by_identifier",
        "former_organisation",
        &["identifier"],
    ),
    (
        "former_organisation_by_name",
        "former_organisation",
        &["name_folded"],
    ),
    (
        "former_organisation_by_organisation",
        "former_organisation",
        &["organisation_id"],
    ),
];

fn kept_revision() -> TableCreateStatement {
    table_with_id("kept_revision")
        .col(code_column(
            "subject",
            &[
                "PLACE",
                "ORGANISATION",
                "TERM",
                "MEETING",
                "REFLECTION",
                "CRISIS",
                "CLAIM",
                "MEMBER",
            ],
        ))
        // No foreign key: the row is in one of several tables, and a merged organisation no longer exists.
        .col(uuid("subject_id"))
        .col(positive_integer_column("version"))
        .col(json_binary("document"))
        .col(uuid_null("member_id"))
        .col(text("reason"))
        .index(&mut unique_index(&["subject_id", "version"]))
        .foreign_key(&mut restrict_reference("member_id", "member"))
        .take()
}

/// The id is that of the former organisation. It is never reused.
fn former_organisation(backend: DatabaseBackend) -> TableCreateStatement {
    table_with_id("former_organisation")
        .col(uuid("organisation_id"))
        .col(text("name"))
        .col(folded_column("name_folded", backend))
        .col(text_null("identifier"))
        .foreign_key(&mut restrict_reference("organisation_id", "organisation"))
        .take()
}
