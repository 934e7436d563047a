//! Loads many rows at once.
//!
//! On SQLite, the rows of a statement come as one JSON text: the driver would pass each row from another thread on its own,
//! which takes much longer than reading it. As JSON, one statement can also load rows of several tables, on both databases.

use std::marker::PhantomData;

use futures_util::{Stream, TryStreamExt as _, stream};
use sea_orm::{
    ColumnTrait, ColumnType, ConnectionTrait, DbBackend, DbErr, EntityTrait, Iterable as _, QueryFilter,
    QueryResult, QuerySelect, QueryTrait, Select, StreamTrait, TryGetableMany,
    sea_query::{Alias, Expr, ExprTrait as _, Func, IntoCondition, Order, Query, SelectStatement},
};
use serde::de::DeserializeOwned;

use super::run_blocking;

/// The most rows of one page of a scan.
pub const SCANNED_ROWS_PER_PAGE: usize = 4_096;
/// How many pages of a scan are added at the same time.
const PAGES_ADDED_TOGETHER: usize = 2;

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
        convert_to_json(backend, column.def().get_column_type(), value)
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
fn convert_to_json(backend: DbBackend, column_type: &ColumnType, value: Expr) -> Expr {
    if backend != DbBackend::Sqlite {
        return value;
    }
    match column_type {
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

/// Columns and further integers of the rows of a query, as tuples in this order.
///
/// The columns are ids, texts, integers, Booleans, days, moments and JSON.
pub struct TupleQuery<E: EntityTrait, T> {
    select: Select<E>,
    /// For each column and integer, its type.
    types: Vec<ColumnType>,
    tuple: PhantomData<fn() -> T>,
}

impl<E, T> TupleQuery<E, T>
where
    E: EntityTrait,
    T: TryGetableMany + DeserializeOwned + Send + 'static,
{
    /// Selects columns, and then integers.
    pub fn new<C: ColumnTrait>(
        select: Select<E>,
        columns: &[C],
        integers: impl IntoIterator<Item = Expr>,
    ) -> Self {
        let columns = columns
            .iter()
            .map(|column| (column.into_expr(), column.def().get_column_type().clone()));
        let integers = integers.into_iter().map(|integer| (integer, ColumnType::Integer));
        let mut query = Self {
            select: select.select_only(),
            types: Vec::new(),
            tuple: PhantomData,
        };
        for (value, column_type) in columns.chain(integers) {
            query.select = query.select.expr_as(value, column_alias(query.types.len()));
            query.types.push(column_type);
        }
        query
    }

    /// Selects only the rows that meet a condition.
    #[must_use]
    pub fn filter(mut self, condition: impl IntoCondition) -> Self {
        self.select = QueryFilter::filter(self.select, condition);
        self
    }

    /// Loads the rows, in no order.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn load(self, db: &impl ConnectionTrait) -> Result<Vec<T>, DbErr> {
        if db.get_database_backend() != DbBackend::Sqlite {
            return self.select.into_tuple().all(db).await;
        }
        let rows = QueryTrait::into_query(self.select);
        let found = load_only_row(db, &collect_tuples(rows, &self.types)).await?;
        let rows: String = found.try_get("", "rows")?;
        run_blocking(move || parse_rows(&rows)).await
    }

    /// Reads all rows. It follows the order in which the database stores them, the fastest way to read a whole table. The
    /// query has no order, no limit and no joins.
    ///
    /// `add` receives one page of rows at a time, on another thread, while the next page is read. A page may be added
    /// before an earlier one. `count_rows` receives the number of rows of each page that was added.
    ///
    /// # Errors
    /// If the database cannot be read, or `add` fails.
    pub async fn scan<F>(
        self,
        db: &(impl ConnectionTrait + StreamTrait),
        add: F,
        count_rows: &(dyn Fn(usize) + Sync),
    ) -> Result<(), DbErr>
    where
        F: Fn(Vec<T>) -> Result<(), DbErr> + Clone + Send + 'static,
    {
        if ConnectionTrait::get_database_backend(db) == DbBackend::Sqlite {
            let pages = stream::try_unfold(None, |after| self.load_page(db, after));
            return add_pages(pages, |rows: String| parse_rows(&rows), add, count_rows).await;
        }
        let rows = self.select.into_tuple::<T>().stream(db).await?;
        let pages = rows.try_chunks(SCANNED_ROWS_PER_PAGE).map_err(|failed| failed.1);
        add_pages(pages, Ok, add, count_rows).await
    }

    /// Loads the rows after a row of SQLite as JSON, and the number of the last of them. None after the last row.
    async fn load_page(
        &self,
        db: &impl ConnectionTrait,
        after: Option<i64>,
    ) -> Result<Option<(String, Option<i64>)>, DbErr> {
        const ROW_ID: &str = "rowid";
        let row_id = || Expr::col((E::default(), Alias::new(ROW_ID)));
        let mut rows = QueryTrait::into_query(self.select.clone());
        rows.expr_as(row_id(), ROW_ID)
            .and_where_option(after.map(|after| row_id().gt(after)))
            .order_by_expr(row_id(), Order::Asc)
            .limit(SCANNED_ROWS_PER_PAGE as u64);
        let statement = collect_tuples(rows, &self.types)
            .expr_as(Func::max(Expr::col(ROW_ID)), "last_row")
            .to_owned();
        let found = load_only_row(db, &statement).await?;
        let (rows, last): (String, Option<i64>) =
            (found.try_get("", "rows")?, found.try_get("", "last_row")?);
        Ok(last.map(|last| (rows, Some(last))))
    }
}

/// Adds the rows of each page, on other threads.
async fn add_pages<P, T, F>(
    pages: impl Stream<Item = Result<P, DbErr>>,
    parse: fn(P) -> Result<Vec<T>, DbErr>,
    add: F,
    count_rows: &(dyn Fn(usize) + Sync),
) -> Result<(), DbErr>
where
    P: Send + 'static,
    T: 'static,
    F: Fn(Vec<T>) -> Result<(), DbErr> + Clone + Send + 'static,
{
    let add_page = |page| {
        let add = add.clone();
        let add_rows = move || {
            let rows = parse(page)?;
            let row_count = rows.len();
            add(rows).map(|()| row_count)
        };
        async move { run_blocking(add_rows).await.map(count_rows) }
    };
    pages
        .try_for_each_concurrent(PAGES_ADDED_TOGETHER, add_page)
        .await
}

fn column_alias(position: usize) -> String {
    format!("column_{position}")
}

/// Selects the rows of a query on SQLite as one JSON array of arrays.
fn collect_tuples(rows: SelectStatement, types: &[ColumnType]) -> SelectStatement {
    let column = |(position, column_type)| {
        convert_to_json(DbBackend::Sqlite, column_type, Expr::col(column_alias(position)))
    };
    let values = types.iter().enumerate().map(column).collect();
    let mut statement = Query::select();
    statement
        .expr_as(collect_rows(DbBackend::Sqlite, values), "rows")
        .from_subquery(rows, "selected");
    statement
}
