//! Loads columns of many rows.

use sea_orm::{
    ColumnTrait, ColumnType, ConnectionTrait, DbBackend, DbErr, EntityTrait, FromQueryResult, QuerySelect,
    QueryTrait, Select, TryGetableMany,
    sea_query::{Expr, Query, SelectStatement},
};
use serde::de::DeserializeOwned;
use tokio::task::spawn_blocking;

/// All rows as a JSON text.
#[derive(FromQueryResult)]
struct JsonRows {
    rows: String,
}

/// Loads columns and further integers of the rows of a query, as tuples in this order.
///
/// The columns are ids, texts, integers, days, moments and JSON. The rows are in the order of the query.
///
/// SQLite's driver hands over each row on its own, from another thread. That takes much longer than to read it, so all
/// rows come as one JSON text there.
pub async fn load_tuples<E, C, T>(
    db: &impl ConnectionTrait,
    select: Select<E>,
    columns: &[C],
    integers: impl IntoIterator<Item = Expr>,
) -> Result<Vec<T>, DbErr>
where
    E: EntityTrait,
    C: ColumnTrait,
    T: TryGetableMany + DeserializeOwned + Send + 'static,
{
    let integers: Vec<Expr> = integers.into_iter().collect();
    let mut select = select.select_only();
    for (position, column) in columns.iter().enumerate() {
        select = select.expr_as(column.into_expr(), column_alias(position));
    }
    for (position, integer) in (columns.len()..).zip(integers.clone()) {
        select = select.expr_as(integer, column_alias(position));
    }
    if db.get_database_backend() != DbBackend::Sqlite {
        return select.into_tuple().all(db).await;
    }
    let statement = select_json(QueryTrait::into_query(select), columns, integers.len());
    let found = JsonRows::find_by_statement(db.get_database_backend().build(&statement))
        .one(db)
        .await?;
    let rows = found.map_or_else(|| "[]".to_owned(), |found| found.rows);
    // On another thread, so that the connection can go on with the next statement.
    let parsed = spawn_blocking(move || serde_json::from_str(&rows)).await;
    let parsed = parsed.map_err(|cause| DbErr::Custom(cause.to_string()))?;
    parsed.map_err(|cause| DbErr::Json(cause.to_string()))
}

fn column_alias(position: usize) -> String {
    format!("column_{position}")
}

/// Selects the rows of a query as one JSON array of arrays.
fn select_json<C: ColumnTrait>(
    rows: SelectStatement,
    columns: &[C],
    integer_count: usize,
) -> SelectStatement {
    let as_json = |(position, column): (usize, &C)| {
        let value = Expr::col(column_alias(position));
        match column.def().get_column_type() {
            ColumnType::Uuid => Expr::cust_with_expr("nullif(hex(?), '')", value),
            ColumnType::Json | ColumnType::JsonBinary => Expr::cust_with_expr("json(?)", value),
            _ => value,
        }
    };
    let mut values: Vec<Expr> = columns.iter().enumerate().map(as_json).collect();
    let integers = columns.len()..columns.len() + integer_count;
    values.extend(integers.map(|position| Expr::col(column_alias(position))));
    let places = vec!["?"; values.len()].join(", ");
    let row = Expr::cust_with_exprs(format!("json_group_array(json_array({places}))"), values);
    let mut statement = Query::select();
    statement.expr_as(row, "rows").from_subquery(rows, "selected");
    statement
}
