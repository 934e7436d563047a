//! Creates imports, their files and the outcomes of their rows, and adds the reference that an
//! organisation uses for a submission.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{
    big_integer, blob, boolean, integer, text, text_null, timestamp_with_time_zone_null, uuid, uuid_null,
};
use sea_orm_migration::sea_orm::{ConnectionTrait, DatabaseBackend};

use crate::table::{
    NamedIndex, cascade_reference, code_column, create_indexes, create_tables, drop_tables, join_table,
    named_check, restrict_reference, table_with_id,
};

#[derive(DeriveMigrationName)]
pub struct Migration;

const OUTCOMES: [&str; 6] = [
    "DRAFTED",
    "SENT",
    "PUBLISHED",
    "UNCHANGED",
    "NOT_RIGHT",
    "REFUSED",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [import(), import_piece(), import_outcome()]).await?;
        for column in [text_null("external_ref"), uuid_null("import_id")] {
            let table = Table::alter().table("submission").add_column(column).take();
            manager.alter_table(table).await?;
        }
        let reference = match manager.get_database_backend() {
            DatabaseBackend::Postgres => {
                "CASE WHEN jsonb_typeof(document -> 'externalRef') = 'string' THEN document ->> 'externalRef' END"
            }
            _ => {
                "CASE WHEN json_type(document, '$.externalRef') = 'text' THEN document ->> '$.externalRef' END"
            }
        };
        let known = format!("UPDATE submission SET external_ref = NULLIF(TRIM({reference}), '')");
        manager.get_connection().execute_unprepared(&known).await?;
        create_indexes(manager, &INDEXES).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::drop().name(REFERENCE_INDEX).table("submission").to_owned();
        manager.drop_index(index).await?;
        for column in ["import_id", "external_ref"] {
            let table = Table::alter().table("submission").drop_column(column).take();
            manager.alter_table(table).await?;
        }
        drop_tables(manager, &["import_outcome", "import_piece", "import"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const REFERENCE_INDEX: &str = "submission_by_reference";

const INDEXES: [NamedIndex; 4] = [
    ("import_by_organisation", "import", &["organisation_id", "id"]),
    ("import_by_state", "import", &["state", "id"]),
    (
        "import_outcome_by_import",
        "import_outcome",
        &["import_id", "position", "id"],
    ),
    (
        REFERENCE_INDEX,
        "submission",
        &["organisation_id", "external_ref"],
    ),
];

fn import() -> TableCreateStatement {
    let mut table = table_with_id("import");
    table
        .col(uuid("member_id"))
        .col(uuid_null("organisation_id"))
        .col(code_column("kind", &["RECORDS", "GRANTS_360GIVING"]))
        .col(code_column("intent", &["DRAFTS", "SENT"]))
        .col(text("file_name"))
        .col(code_column(
            "format",
            &["JSON_LINES", "JSON", "CSV", "XLSX", "ODS"],
        ))
        .col(big_integer("bytes"))
        .col(text_null("licence"))
        .col(code_column("state", &["WAITING", "RUNNING", "DONE", "REFUSED"]))
        .col(text_null("refusal"));
    for counted in [
        "rows_done",
        "drafted",
        "sent",
        "published",
        "unchanged",
        "not_right",
        "refused",
        "warned",
    ] {
        table.col(big_integer(counted).check(Expr::col(counted).gte(0)));
    }
    table
        .col(uuid_null("runner"))
        .col(timestamp_with_time_zone_null("runner_until"))
        .col(timestamp_with_time_zone_null("ended_at"))
        .col(timestamp_with_time_zone_null("expired_at"))
        .check(named_check(
            "import_rows_add_up",
            "rows_done = drafted + sent + published + unchanged + not_right + refused",
        ))
        .check(named_check(
            "import_of_records_names_their_organisation",
            "kind <> 'RECORDS' OR organisation_id IS NOT NULL",
        ))
        .foreign_key(&mut restrict_reference("member_id", "member"))
        .foreign_key(&mut restrict_reference("organisation_id", "organisation"))
        .take()
}

fn import_piece() -> TableCreateStatement {
    join_table("import_piece", &["import_id", "position"])
        .col(uuid("import_id"))
        .col(integer("position").check(Expr::col("position").gte(1)))
        .col(blob("bytes"))
        .foreign_key(&mut cascade_reference("import_id", "import"))
        .take()
}

fn import_outcome() -> TableCreateStatement {
    table_with_id("import_outcome")
        .col(uuid("import_id"))
        .col(big_integer("position").check(Expr::col("position").gte(1)))
        .col(text_null("sheet"))
        .col(big_integer("row"))
        .col(text_null("column"))
        .col(code_column("outcome", &OUTCOMES))
        .col(text_null("code"))
        .col(text_null("message"))
        .col(text_null("path"))
        .col(boolean("is_warning"))
        .col(uuid_null("submission_id"))
        .col(uuid_null("initiative_id"))
        .foreign_key(&mut cascade_reference("import_id", "import"))
        .take()
}
