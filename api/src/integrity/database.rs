//! The database's own constraints. PostgreSQL enforces them unless someone switches them off. SQLite enforces
//! foreign keys only on request.

use futures_util::TryStreamExt as _;
use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, FromQueryResult, Statement};

use super::{IntegrityChecker, Invariant};
use crate::error::Result;

pub(super) async fn check_database(
    db: &DatabaseTransaction,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    match db.get_database_backend() {
        DbBackend::Postgres => check_postgres(db, checking).await,
        _ => check_sqlite(db, checking).await,
    }
}

#[derive(FromQueryResult)]
struct IntegrityCheckRow {
    integrity_check: String,
}

#[derive(FromQueryResult)]
struct DanglingReferenceRow {
    table: String,
    rowid: Option<i64>,
    parent: String,
}

async fn check_sqlite(db: &DatabaseTransaction, checking: &mut IntegrityChecker<'_>) -> Result<()> {
    // Checks pages, indexes and the constraints of columns and rows.
    let ask = Statement::from_string(DbBackend::Sqlite, "PRAGMA integrity_check");
    let mut results = IntegrityCheckRow::find_by_statement(ask).stream(db).await?;
    while let Some(IntegrityCheckRow { integrity_check }) = results.try_next().await? {
        if integrity_check != "ok" {
            let sentence = format!("SQLite reports an error in the file: {integrity_check}.");
            checking.report(Invariant::Database, sentence);
        }
    }
    drop(results);
    let ask = Statement::from_string(DbBackend::Sqlite, "PRAGMA foreign_key_check");
    let mut dangling = DanglingReferenceRow::find_by_statement(ask).stream(db).await?;
    while let Some(DanglingReferenceRow { table, rowid, parent }) = dangling.try_next().await? {
        let row = rowid.map_or_else(|| "A row".to_owned(), |rowid| format!("Row {rowid}"));
        let sentence = format!("{row} of {table} refers to a row of {parent} that does not exist.");
        checking.report(Invariant::Database, sentence);
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct ForeignKeyRow {
    child: String,
    column: String,
    parent: String,
    parent_column: String,
}

#[derive(FromQueryResult)]
struct DanglingCountRow {
    referred: String,
    rows: i64,
}

#[derive(FromQueryResult)]
struct UnvalidatedConstraintRow {
    name: String,
    child: String,
}

async fn check_postgres(db: &DatabaseTransaction, checking: &mut IntegrityChecker<'_>) -> Result<()> {
    // Foreign keys with one column, as all of ours are.
    let ask = Statement::from_string(
        DbBackend::Postgres,
        r"SELECT quote_ident(c.relname) AS child, quote_ident(a.attname) AS column,
                 quote_ident(p.relname) AS parent, quote_ident(b.attname) AS parent_column
          FROM pg_constraint k
          JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class p ON p.oid = k.confrelid
          JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = k.conkey[1]
          JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = k.confkey[1]
          WHERE k.contype = 'f' AND k.connamespace = current_schema()::regnamespace
          ORDER BY 1, 2",
    );
    for key in ForeignKeyRow::find_by_statement(ask).all(db).await? {
        let ForeignKeyRow {
            child,
            column,
            parent,
            parent_column,
        } = &key;
        let ask = format!(
            "SELECT x.{column}::text AS referred, count(*) AS rows FROM {child} x \
             WHERE x.{column} IS NOT NULL \
             AND NOT EXISTS (SELECT 1 FROM {parent} y WHERE y.{parent_column} = x.{column}) \
             GROUP BY 1 ORDER BY 1"
        );
        let ask = Statement::from_string(DbBackend::Postgres, ask);
        let mut dangling = DanglingCountRow::find_by_statement(ask).stream(db).await?;
        while let Some(DanglingCountRow { referred, rows }) = dangling.try_next().await? {
            let sentence = format!(
                "{rows} of {child} by their {column} refer to {parent} {referred}, which does not exist."
            );
            checking.report(Invariant::Database, sentence);
        }
    }
    // Only a constraint that was never validated can be violated.
    let ask = Statement::from_string(
        DbBackend::Postgres,
        r"SELECT k.conname::text AS name, c.relname::text AS child FROM pg_constraint k
          JOIN pg_class c ON c.oid = k.conrelid
          WHERE NOT k.convalidated AND k.connamespace = current_schema()::regnamespace ORDER BY 2, 1",
    );
    for UnvalidatedConstraintRow { name, child } in
        UnvalidatedConstraintRow::find_by_statement(ask).all(db).await?
    {
        let sentence = format!("The rule {name} of {child} was never validated.");
        checking.report(Invariant::Database, sentence);
    }
    Ok(())
}
