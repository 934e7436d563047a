//! Loads rows as JSON, which the database makes from them.
//!
//! So one statement can load rows of several tables. SQLite's driver also hands over each row on its own, from another
//! thread, which takes much longer than to read it: there, all rows of a statement come as one text.

use sea_orm::{
    ColumnTrait, ColumnType, ConnectionTrait, DbBackend, DbErr, EntityTrait, Iterable as _, QueryResult,
    QuerySelect, QueryTrait, Select, TryGetableMany,
    sea_query::{Expr, ExprTrait as _, Func, Query, SelectStatement},
};
use serde::de::DeserializeOwned;
use tokio::task::spawn_blocking;

/// Rows of several tables, which are loaded in one statement.
pub struct TablesQuery {
    backend: DbBackend,
    statement: SelectStatement,
}

impl TablesQuery {
    /// No tables yet.
    pub fn new(db: &impl ConnectionTrait) -> Self {
        Self {
            backend: db.get_database_backend(),
            statement: Query::select(),
        }
    }

    /// Adds rows of a table, in no order. The query has no order and no limit. Each table is added once.
    #[must_use]
    pub fn add_table<E: EntityTrait>(mut self, select: Select<E>) -> Self {
        let rows = Expr::SubQuery(None, Box::new(select_rows(self.backend, select).into()));
        self.statement.expr_as(rows, E::default().table_name().to_owned());
        self
    }

    /// Loads the rows.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn load(self, db: &impl ConnectionTrait) -> Result<LoadedTables, DbErr> {
        Ok(LoadedTables(load_only_row(db, &self.statement).await?))
    }
}

/// The rows of a [`TablesQuery`].
pub struct LoadedTables(QueryResult);

impl LoadedTables {
    /// The rows of a table that was selected.
    ///
    /// # Errors
    /// If the rows cannot be read.
    pub fn parse_rows<E>(&self) -> Result<Vec<E::Model>, DbErr>
    where
        E: EntityTrait<Model: DeserializeOwned>,
    {
        parse_rows(&self.0.try_get::<String>("", E::default().table_name())?)
    }
}

/// Loads rows of a table, in no order. The query has no order and no limit.
///
/// # Errors
/// If the database cannot be read.
pub async fn load_rows<E>(db: &impl ConnectionTrait, select: Select<E>) -> Result<Vec<E::Model>, DbErr>
where
    E: EntityTrait<Model: DeserializeOwned>,
{
    match db.get_database_backend() {
        DbBackend::Sqlite => TablesQuery::new(db)
            .add_table(select)
            .load(db)
            .await?
            .parse_rows::<E>(),
        _ => select.all(db).await,
    }
}

/// Selects rows as one JSON array. Each is an array of its columns, in the order of the fields of the model.
fn select_rows<E: EntityTrait>(backend: DbBackend, select: Select<E>) -> SelectStatement {
    let columns = E::Column::iter().map(|column| {
        let value = Expr::col((E::default(), column));
        convert_to_json(backend, column, value)
    });
    let rows = collect_rows(backend, columns.collect());
    QueryTrait::into_query(select.select_only().expr(rows))
}

/// A JSON array of the rows of a query, each as an array of values.
fn collect_rows(backend: DbBackend, values: Vec<Expr>) -> Expr {
    let [row, all] = match backend {
        DbBackend::Sqlite => ["json_array", "json_group_array"],
        _ => ["json_build_array", "json_agg"],
    };
    let all = Func::cust(all).arg(Func::cust(row).args(values));
    Func::coalesce([Expr::from(all).cast_as("text"), Expr::val("[]")]).into()
}

/// The value of a column, so that it becomes JSON as Serde reads it.
fn convert_to_json(backend: DbBackend, column: impl ColumnTrait, value: Expr) -> Expr {
    if backend != DbBackend::Sqlite {
        return value;
    }
    match column.def().get_column_type() {
        ColumnType::Uuid => Expr::cust_with_expr("nullif(hex(?), '')", value),
        ColumnType::Boolean => {
            Expr::cust_with_expr("json(CASE ? WHEN 1 THEN 'true' WHEN 0 THEN 'false' END)", value)
        }
        ColumnType::Json | ColumnType::JsonBinary => Expr::cust_with_expr("json(?)", value),
        _ => value,
    }
}

/// Loads the row of a statement that always has one.
async fn load_only_row(db: &impl ConnectionTrait, statement: &SelectStatement) -> Result<QueryResult, DbErr> {
    let row = db.query_one(statement).await?;
    row.ok_or_else(|| DbErr::RecordNotFound("the database did not return the row of an aggregate".to_owned()))
}

fn parse_rows<T: DeserializeOwned>(json: &str) -> Result<Vec<T>, DbErr> {
    serde_json::from_str(json).map_err(|cause| DbErr::Json(cause.to_string()))
}

/// Loads columns and further integers of the rows of a query, as tuples in this order.
///
/// The columns are ids, texts, integers, Booleans, days, moments and JSON. The rows are in the order of the query.
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
    let statement = collect_tuples(QueryTrait::into_query(select), columns, integers.len());
    let found = db.query_one(&statement).await?;
    let rows = found
        .map(|found| found.try_get::<String>("", "rows"))
        .transpose()?;
    let rows = rows.unwrap_or_else(|| "[]".to_owned());
    // On another thread, so that the connection can go on with the next statement.
    let parsed = spawn_blocking(move || parse_rows(&rows)).await;
    parsed.map_err(|cause| DbErr::Custom(cause.to_string()))?
}

fn column_alias(position: usize) -> String {
    format!("column_{position}")
}

/// Selects the rows of a query on SQLite as one JSON array of arrays.
fn collect_tuples<C: ColumnTrait>(
    rows: SelectStatement,
    columns: &[C],
    integer_count: usize,
) -> SelectStatement {
    let column = |(position, column): (usize, &C)| {
        convert_to_json(DbBackend::Sqlite, *column, Expr::col(column_alias(position)))
    };
    let mut values: Vec<Expr> = columns.iter().enumerate().map(column).collect();
    let integers = columns.len()..columns.len() + integer_count;
    values.extend(integers.map(|position| Expr::col(column_alias(position))));
    let mut statement = Query::select();
    statement
        .expr_as(collect_rows(DbBackend::Sqlite, values), "rows")
        .from_subquery(rows, "selected");
    statement
}
