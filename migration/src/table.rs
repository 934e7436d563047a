//! The few shapes that every table is made of. They are part of the history
//! too: what a released migration uses here keeps its meaning.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{integer, pk_uuid, text, text_null, timestamp_with_time_zone};
use sea_orm_migration::sea_orm::DatabaseBackend;

/// A table whose rows have a `UUIDv7` of their own.
pub fn table_with_id(name: &'static str) -> TableCreateStatement {
    Table::create().table(name).col(pk_uuid("id")).take()
}

/// A table whose rows are told apart by these columns together.
pub fn join_table(name: &'static str, columns: &[&'static str]) -> TableCreateStatement {
    Table::create()
        .table(name)
        .primary_key(index_on(columns).primary())
        .take()
}

/// Text in lower case, for searching and sorting. It sorts by its bytes on both
/// databases: `SQLite` does so of itself, `PostgreSQL` by the base's language
/// unless it is told.
pub fn folded_column(column: &'static str, backend: DatabaseBackend) -> ColumnDef {
    let mut text = text(column);
    if backend == DatabaseBackend::Postgres {
        text.extra(r#"COLLATE "C""#);
    }
    text
}

/// A code out of a closed vocabulary, or null.
pub fn nullable_code_column(column: &'static str, codes: &[&'static str]) -> ColumnDef {
    text_null(column)
        .check(Expr::col(column).is_in(codes.iter().copied()))
        .take()
}

/// A code out of a closed vocabulary.
pub fn code_column(column: &'static str, codes: &[&'static str]) -> ColumnDef {
    text(column)
        .check(Expr::col(column).is_in(codes.iter().copied()))
        .take()
}

/// A whole number that counts from 1.
pub fn positive_integer_column(column: &'static str) -> ColumnDef {
    integer(column).check(Expr::col(column).gte(1)).take()
}

/// A rule that joins several columns of a row, by a name that the database's message shows.
pub fn named_check(name: &'static str, condition: &'static str) -> Check {
    Check::named(name, Expr::cust(condition))
}

/// A column that holds the id of a row that cannot be deleted while this one refers to it.
///
/// Not `RESTRICT`, which would hold for each row alone: `SQLite` could not drop a
/// table whose rows refer to each other.
pub fn restrict_reference(column: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    foreign_key(column, table, ForeignKeyAction::NoAction)
}

/// A column that holds the id of the row that this one is a part of, and goes with.
pub fn cascade_reference(column: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    foreign_key(column, table, ForeignKeyAction::Cascade)
}

fn foreign_key(
    column: &'static str,
    table: &'static str,
    on_delete: ForeignKeyAction,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .from_col(column)
        .to(table, "id")
        .on_delete(on_delete)
        .take()
}

/// Columns that no two rows have alike; nulls are never alike.
pub fn unique_index(columns: &[&'static str]) -> IndexCreateStatement {
    index_on(columns).unique().take()
}

fn index_on(columns: &[&'static str]) -> IndexCreateStatement {
    let mut index = Index::create();
    for column in columns {
        index.col(*column);
    }
    index
}

/// Creates tables in the order given; each ends with when a row was made and last altered.
pub async fn create_tables(
    manager: &SchemaManager<'_>,
    tables: impl IntoIterator<Item = TableCreateStatement>,
) -> Result<(), DbErr> {
    for mut table in tables {
        table
            .col(timestamp_with_time_zone("created_at"))
            .col(timestamp_with_time_zone("updated_at"));
        manager.create_table(table).await?;
    }
    Ok(())
}

/// An index for an order or a filter: its name, its table and its columns.
pub type NamedIndex = (&'static str, &'static str, &'static [&'static str]);

/// Creates indexes.
pub async fn create_indexes(manager: &SchemaManager<'_>, indexes: &[NamedIndex]) -> Result<(), DbErr> {
    for (name, table, columns) in indexes {
        manager
            .create_index(index_on(columns).name(*name).table(*table).take())
            .await?;
    }
    Ok(())
}

/// Drops indexes.
pub async fn drop_indexes(manager: &SchemaManager<'_>, indexes: &[NamedIndex]) -> Result<(), DbErr> {
    for (name, table, _) in indexes {
        manager
            .drop_index(Index::drop().name(*name).table(*table).to_owned())
            .await?;
    }
    Ok(())
}

/// Drops tables in the order given.
pub async fn drop_tables(manager: &SchemaManager<'_>, tables: &[&'static str]) -> Result<(), DbErr> {
    for table in tables {
        manager.drop_table(Table::drop().table(*table).take()).await?;
    }
    Ok(())
}
