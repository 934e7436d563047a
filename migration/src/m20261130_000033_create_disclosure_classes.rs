//! Creates the classes of hidden records, and allows their releases in the change log.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{big_integer, binary, uuid};

use crate::table::{
    NamedIndex, cascade_reference, code_column, create_indexes, create_tables, drop_tables,
    positive_integer_column, table_with_id, unique_index,
};
use crate::vocabulary::WidenedVocabulary;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create_tables(manager, [disclosure_release(), disclosure_class()]).await?;
        create_indexes(manager, &INDEXES).await?;
        SUBJECTS.widen(manager).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("DELETE FROM change_log WHERE subject = 'DISCLOSURE_RELEASE'")
            .await?;
        SUBJECTS.narrow(manager).await?;
        drop_tables(manager, &["disclosure_class", "disclosure_release"]).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const INDEXES: [NamedIndex; 1] = [("disclosure_class_by_release", "disclosure_class", &["release_id"])];

const SUBJECTS: WidenedVocabulary<'static> = WidenedVocabulary {
    table: "change_log",
    column: "subject",
    before: &["INITIATIVE", "PLACE", "ORGANISATION", "CRISIS"],
    after: &[
        "INITIATIVE",
        "PLACE",
        "ORGANISATION",
        "CRISIS",
        "DISCLOSURE_RELEASE",
    ],
};

fn disclosure_release() -> TableCreateStatement {
    table_with_id("disclosure_release")
        .col(positive_integer_column("number"))
        .col(big_integer("change_number"))
        .index(&mut unique_index(&["number"]))
        .take()
}

fn disclosure_class() -> TableCreateStatement {
    table_with_id("disclosure_class")
        .col(uuid("release_id"))
        .col(code_column("audience", &["DASHBOARDS", "MEMBERS"]))
        .col(binary("members"))
        .foreign_key(&mut cascade_reference("release_id", "disclosure_release"))
        .take()
}
