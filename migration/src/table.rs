//! Helpers that build tables. Released migrations use them, so their results must not change.

use sea_orm_migration::prelude::*;
use sea_orm_migration::schema::{integer, pk_uuid, text, text_null, timestamp_with_time_zone};
use sea_orm_migration::sea_orm::DatabaseBackend;

/// A table with a `UUIDv7` as its primary key.
pub fn table_with_id(name: &'static str) -> TableCreateStatement {
    Table::create().table(name).col(pk_uuid("id")).take()
}

/// A table with a composite primary key.
pub fn join_table(name: &'static str, columns: &[&'static str]) -> TableCreateStatement {
    Table::create()
        .table(name)
        .primary_key(index_on(columns).primary())
        .take()
}

/// A text column in lower case, for searching and sorting. It sorts by bytes on both databases. This is the default of
/// `SQLite`; `PostgreSQL` sorts by the language of the database unless the column has a collation.
pub fn folded_column(column: &'static str, backend: DatabaseBackend) -> ColumnDef {
    let mut text = text(column);
    if backend == DatabaseBackend::Postgres {
        text.extra(r#"COLLATE "C""#);
    }
    text
}

/// A nullable column with a code of a vocabulary.
pub fn nullable_code_column(column: &'static str, codes: &[&'static str]) -> ColumnDef {
    text_null(column)
        .check(Expr::col(column).is_in(codes.iter().copied()))
        .take()
}

/// A column with a code of a vocabulary.
pub fn code_column(column: &'static str, codes: &[&'static str]) -> ColumnDef {
    text(column)
        .check(Expr::col(column).is_in(codes.iter().copied()))
        .take()
}

/// An integer column that counts from 1.
pub fn positive_integer_column(column: &'static str) -> ColumnDef {
    integer(column).check(Expr::col(column).gte(1)).take()
}

/// A constraint on several columns. The error message of the database shows its name.
pub fn named_check(name: &'static str, condition: &'static str) -> Check {
    Check::named(name, Expr::cust(condition))
}

/// A foreign key to a row that cannot be deleted while it is referred to.
///
/// It is not `RESTRICT`, with which `SQLite` cannot drop a table whose rows refer to each other.
pub fn restrict_reference(column: &'static str, table: &'static str) -> ForeignKeyCreateStatement {
    foreign_key(column, table, ForeignKeyAction::NoAction)
}

/// A foreign key to the row that this row is a part of. Both are deleted together.
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

/// A unique index. Nulls are never equal.
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

/// Creates tables in the order given, and adds `created_at` and `updated_at` to each.
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

/// An index: its name, table and columns.
pub type NamedIndex = (&'static str, &'static str, &'static [&'static str]);

pub async fn create_indexes(manager: &SchemaManager<'_>, indexes: &[NamedIndex]) -> Result<(), DbErr> {
    for (name, table, columns) in indexes {
        manager
            .create_index(index_on(columns).name(*name).table(*table).take())
            .await?;
    }
    Ok(())
}

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
