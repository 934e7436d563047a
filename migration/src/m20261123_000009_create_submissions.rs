//! Creates submissions, revisions and the change log.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_pk_auto, integer_null, json_binary, text, text_null, uuid, uuid_null};

use crate::table::{
    NamedIndex, code_column, create_indexes, create_tables, drop_tables, positive_integer_column,
    restrict_reference, table_with_id, unique_index,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [submission(), revision(), change()]).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_tables(manager, &["change", "revision", "submission"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 2] = [
    (
        "submission_by_organisation",
        "submission",
        &["organisation_id", "state", "id"],
    ),
    ("submission_by_initiative", "submission", &["initiative_id"]),
];

fn submission() -> TableCreateStatement {
    table_with_id("submission")
        .col(uuid("organisation_id"))
        .col(uuid("author_id"))
        .col(code_column(
            "state",
            &["DRAFT", "SUBMITTED", "RETURNED", "PUBLISHED", "DISCARDED"],
        ))
        .col(json_binary("document"))
        .col(uuid_null("initiative_id"))
        .col(integer_null("initiative_version").check(Expr::col("initiative_version").gte(1)))
        .col(text_null("review_note"))
        .foreign_key(&mut restrict_reference("organisation_id", "organisation"))
        .foreign_key(&mut restrict_reference("author_id", "member"))
        .foreign_key(&mut restrict_reference("initiative_id", "initiative"))
        .take()
}

fn revision() -> TableCreateStatement {
    table_with_id("revision")
        .col(uuid("initiative_id"))
        .col(positive_integer_column("version"))
        .col(json_binary("document"))
        .col(uuid_null("member_id"))
        .col(text("reason"))
        .index(&mut unique_index(&["initiative_id", "version"]))
        .foreign_key(&mut restrict_reference("initiative_id", "initiative"))
        .foreign_key(&mut restrict_reference("member_id", "member"))
        .take()
}

/// A number is never reused on either database, even if the newest row is deleted, because
/// pollers remember the last number that they read.
fn change() -> TableCreateStatement {
    Table::create()
        .table("change")
        .col(big_pk_auto("number"))
        .col(code_column("kind", &["PUBLISHED", "ALTERED", "WITHDRAWN"]))
        .col(code_column(
            "subject",
            &["INITIATIVE", "PLACE", "ORGANISATION", "CRISIS"],
        ))
        .col(uuid("subject_id"))
        .take()
}
