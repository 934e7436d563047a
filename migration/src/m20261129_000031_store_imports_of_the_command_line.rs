//! Stores the files that the command line publishes as imports. They have no member.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::big_integer_null;
use sea_orm_migration::sea_orm::DatabaseBackend;

use crate::vocabulary::{WidenedVocabulary, replace_table_text};

/// Adds the mode and the count of new records, and lets an import have no member.
#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        MODES.widen(manager).await?;
        replace_rules(manager, &BEFORE, &AFTER).await?;
        // Last: a connection to `SQLite` that has run no statement since another one dropped this column still has it.
        let added = big_integer_null("added_count")
            .check(Expr::cust("added_count BETWEEN 0 AND published_count"))
            .take();
        let table = Table::alter().table("import").add_column(added).take();
        manager.alter_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // Fails if the command line has published a file.
        MODES.narrow(manager).await?;
        replace_rules(manager, &AFTER, &BEFORE).await?;
        let table = Table::alter().table("import").drop_column("added_count").take();
        manager.alter_table(table).await
    }

    fn use_transaction(&self) -> Option<bool> {
        Some(true)
    }
}

const MODES: WidenedVocabulary<'static> = WidenedVocabulary {
    table: "import",
    column: "mode",
    before: &["DRAFT", "SUBMIT"],
    after: &["DRAFT", "SUBMIT", "PUBLISH"],
};

/// Whether an import has a member, and an organisation.
struct Rules {
    constraint: &'static str,
    condition: &'static str,
    /// The column of the member on `SQLite`.
    member_column: &'static str,
    /// What `PostgreSQL` does to the column of the member.
    member_action: &'static str,
}

const BEFORE: Rules = Rules {
    constraint: "import_of_records_names_their_organisation",
    condition: "kind <> 'RECORDS' OR organisation_id IS NOT NULL",
    member_column: r#""member_id" uuid_text NOT NULL"#,
    member_action: "SET NOT NULL",
};

const AFTER: Rules = Rules {
    constraint: "import_names_who_sent_it",
    condition: "CASE mode WHEN 'PUBLISH' THEN member_id IS NULL AND organisation_id IS NULL \
                ELSE member_id IS NOT NULL AND (kind <> 'RECORDS' OR organisation_id IS NOT NULL) END",
    member_column: r#""member_id" uuid_text"#,
    member_action: "DROP NOT NULL",
};

async fn replace_rules(manager: &SchemaManager<'_>, old: &Rules, new: &Rules) -> Result<(), DbErr> {
    let check = |rules: &Rules| format!(r#"CONSTRAINT "{}" CHECK ({})"#, rules.constraint, rules.condition);
    if manager.get_database_backend() == DatabaseBackend::Sqlite {
        for (old, new) in [
            (&*check(old), &*check(new)),
            (old.member_column, new.member_column),
        ] {
            if !replace_table_text(manager, "import", old, new).await? {
                return Err(DbErr::Custom(format!(
                    "The table import does not have once: {old}"
                )));
            }
        }
        return Ok(());
    }
    let sql = format!(
        r#"ALTER TABLE "import" ALTER COLUMN "member_id" {}, DROP CONSTRAINT "{}", ADD {}"#,
        new.member_action,
        old.constraint,
        check(new)
    );
    manager.get_connection().execute_unprepared(&sql).await?;
    Ok(())
}
