//! Inserts many rows into one table.

use std::iter::Peekable;

use futures_util::future::BoxFuture;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ColumnType, ConnectionTrait, DbBackend, DbErr, EntityName,
    EntityTrait, IdenStatic, Iterable, Statement, Value, sea_query::ArrayType,
};

/// The number of rows in one SQLite statement. Small enough that the next statement is built while the
/// database runs this one. Few sizes, so that each table's statements are prepared once and reused. With the
/// columns of any table, the largest stays below SQLite's limit of 32,766 parameters.
const SQLITE_ROWS_PER_STATEMENT: [usize; 4] = [128, 32, 8, 1];
/// The maximum number of rows in one PostgreSQL statement. Each statement is planned and needs a round trip.
const MAX_POSTGRES_ROWS_PER_STATEMENT: usize = 512;

type ActiveColumn<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::Column;

/// Inserts rows into one table, in order. All rows set the same columns. The iterator builds the rows of the
/// next statement while the database runs the current one.
///
/// This replaces SeaORM's `insert_many`, which builds an expression for each value and took a third of the
/// time of an import. SQLite receives each value as a parameter. PostgreSQL, which plans a statement with
/// thousands of parameters each time, receives an array for each column, or one value if all rows have the
/// same. A column that is null in all rows of a statement is left out: no nullable column has another
/// default. A JSON null becomes an SQL null.
pub fn insert_all<'a, A, R>(db: &'a impl ConnectionTrait, rows: R) -> BoxFuture<'a, Result<(), DbErr>>
where
    A: ActiveModelTrait + Send + 'a,
    R: IntoIterator<Item = A, IntoIter: Send + 'a>,
{
    let mut rows = rows.into_iter().peekable();
    // Boxed, so that the futures of callers do not contain the iterator's type.
    Box::pin(async move {
        let Some(first) = rows.peek() else {
            return Ok(());
        };
        let columns: Vec<ActiveColumn<A>> = ActiveColumn::<A>::iter()
            .filter(|column| !first.get(*column).is_not_set())
            .collect();
        let mut statements = InsertStatements {
            backend: db.get_database_backend(),
            buffered_values: vec![Vec::new(); columns.len()],
            columns,
            rows,
            last: StatementText::default(),
        };
        let mut next = statements.next().transpose()?;
        while let Some(statement) = next {
            // Builds the next statement while the database runs this one.
            let (done, made) = tokio::join!(db.execute_raw(statement), async { statements.next() });
            done?;
            next = made.transpose()?;
        }
        Ok(())
    })
}

/// The statements that insert the rows. Each is built when it is requested.
struct InsertStatements<A: ActiveModelTrait, R: Iterator<Item = A>> {
    backend: DbBackend,
    columns: Vec<ActiveColumn<A>>,
    rows: Peekable<R>,
    /// The values of rows that are not in a statement yet, column by column.
    buffered_values: Vec<Vec<Value>>,
    /// The text of the previous statement.
    last: StatementText,
}

/// How a statement binds the values of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ColumnBinding {
    /// Left out: null in all rows.
    Null,
    /// One parameter: the same in all rows.
    Constant,
    /// One value for each row.
    PerRow,
    /// One value for each row, with a flag for null.
    PerRowNullable,
}

/// The text of a statement, with everything that it depends on.
#[derive(Default)]
struct StatementText {
    rows: usize,
    bindings: Vec<ColumnBinding>,
    sql: String,
}

impl<A: ActiveModelTrait, R: Iterator<Item = A>> Iterator for InsertStatements<A, R> {
    type Item = Result<Statement, DbErr>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.buffered_values.first().is_none_or(Vec::is_empty)
            && let Err(unset) = self.buffer_rows()
        {
            return Some(Err(unset));
        }
        let held = self.buffered_values.first().map_or(0, Vec::len);
        let size = SQLITE_ROWS_PER_STATEMENT.into_iter().find(|size| *size <= held)?;
        Some(Ok(match self.backend {
            DbBackend::Postgres => self.build_column_statement(held),
            _ => self.build_value_statement(size),
        }))
    }
}

impl<A: ActiveModelTrait, R: Iterator<Item = A>> InsertStatements<A, R> {
    fn buffer_rows(&mut self) -> Result<(), DbErr> {
        let most = match self.backend {
            DbBackend::Postgres => MAX_POSTGRES_ROWS_PER_STATEMENT,
            _ => SQLITE_ROWS_PER_STATEMENT[0],
        };
        for mut row in self.rows.by_ref().take(most) {
            for (column, values) in self.columns.iter().zip(&mut self.buffered_values) {
                values.push(match take_value(&mut row, *column)? {
                    // As text, which is copied at once. A document would be copied part by part.
                    Value::Json(document) => {
                        let document = document.filter(|document| !document.is_null());
                        document.map(|document| document.to_string()).into()
                    }
                    value => value,
                });
            }
        }
        Ok(())
    }

    /// Builds a statement with one parameter for each value.
    fn build_value_statement(&mut self, rows: usize) -> Statement {
        let given: Vec<ColumnBinding> = self
            .buffered_values
            .iter()
            .map(|values| {
                if values[..rows].iter().all(is_null) {
                    ColumnBinding::Null
                } else {
                    ColumnBinding::PerRow
                }
            })
            .collect();
        let mut columns = Vec::with_capacity(given.len());
        for (values, given) in self.buffered_values.iter_mut().zip(&given) {
            let values = values.drain(..rows);
            if *given != ColumnBinding::Null {
                columns.push(values);
            }
        }
        let width = columns.len();
        let mut bound = Vec::with_capacity(rows * width);
        for _ in 0..rows {
            let row = columns.iter_mut().filter_map(Iterator::next);
            bound.extend(row);
        }
        drop(columns);
        self.write_text(rows, given, |_| {
            let row = format!("({})", vec!["?"; width].join(", "));
            format!("VALUES {}", vec![row; rows].join(", "))
        });
        Statement::from_sql_and_values(self.backend, &self.last.sql, bound)
    }

    /// Builds a statement with one parameter for each column of the buffered rows.
    fn build_column_statement(&mut self, rows: usize) -> Statement {
        let mut given = Vec::with_capacity(self.buffered_values.len());
        let mut bound = Vec::with_capacity(self.buffered_values.len());
        for values in &mut self.buffered_values {
            let mut values = std::mem::take(values);
            let is_given: Vec<bool> = values.iter().map(|value| !is_null(value)).collect();
            let some = values.iter().find(|value| !is_null(value)).cloned();
            given.push(match some {
                None => ColumnBinding::Null,
                Some(one) if values.iter().all(|value| *value == one) => {
                    bound.push(one);
                    ColumnBinding::Constant
                }
                Some(one) if is_given.contains(&false) => {
                    // sqlx cannot bind an array with JSON nulls.
                    for value in values.iter_mut().filter(|value| is_null(value)) {
                        *value = one.clone();
                    }
                    bound.push(array_value(one.array_type(), values));
                    let is_given = is_given.into_iter().map(Value::from).collect();
                    bound.push(array_value(ArrayType::Bool, is_given));
                    ColumnBinding::PerRowNullable
                }
                Some(one) => {
                    bound.push(array_value(one.array_type(), values));
                    ColumnBinding::PerRow
                }
            });
        }
        let is_document: Vec<bool> = self.columns.iter().map(is_document).collect();
        self.write_text(rows, given, |given| select_rows_sql(given, &is_document, rows));
        Statement::from_sql_and_values(self.backend, &self.last.sql, bound)
    }

    /// Builds the text of a statement with this ending, or reuses the text of the previous one.
    fn write_text(
        &mut self,
        rows: usize,
        given: Vec<ColumnBinding>,
        end: impl FnOnce(&[ColumnBinding]) -> String,
    ) {
        if (self.last.rows, &self.last.bindings) != (rows, &given) {
            let named = self.columns.iter().zip(&given);
            let named = named.filter(|(_, given)| **given != ColumnBinding::Null);
            let names: Vec<String> = named
                .map(|(column, _)| quote_identifier(column.as_str()))
                .collect();
            let table = quote_identifier(A::Entity::default().table_name());
            let sql = format!("INSERT INTO {table} ({}) {}", names.join(", "), end(&given));
            self.last = StatementText {
                rows,
                bindings: given,
                sql,
            };
        }
    }
}

/// A SELECT of the rows from the parameters in order. Documents are given as text.
fn select_rows_sql(given: &[ColumnBinding], is_document: &[bool], rows: usize) -> String {
    let (mut columns, mut arrays) = (Vec::new(), Vec::new());
    let mut bound = 0;
    for (given, is_document) in given.iter().zip(is_document) {
        let cast = if *is_document { "::jsonb" } else { "" };
        match given {
            ColumnBinding::Null => {}
            ColumnBinding::Constant => {
                bound += 1;
                columns.push(format!("${bound}{cast}"));
            }
            ColumnBinding::PerRow => {
                bound += 1;
                arrays.push(bound);
                columns.push(format!("c{bound}{cast}"));
            }
            ColumnBinding::PerRowNullable => {
                let (value, is_given) = (bound + 1, bound + 2);
                bound = is_given;
                arrays.extend([value, is_given]);
                columns.push(format!("CASE WHEN c{is_given} THEN c{value}{cast} END"));
            }
        }
    }
    let columns = columns.join(", ");
    if arrays.is_empty() {
        return format!("SELECT {columns} FROM generate_series(1, {rows})");
    }
    let listed = |prefix: char| {
        let listed: Vec<String> = arrays.iter().map(|at| format!("{prefix}{at}")).collect();
        listed.join(", ")
    };
    let (parameters, names) = (listed('$'), listed('c'));
    format!("SELECT {columns} FROM unnest({parameters}) AS given ({names})")
}

fn array_value(of: ArrayType, values: Vec<Value>) -> Value {
    Value::Array(of, Some(Box::new(values)))
}

/// Quotes an identifier. The names of our tables and columns contain no quotation marks.
fn quote_identifier(name: &str) -> String {
    format!("\"{name}\"")
}

fn take_value<A: ActiveModelTrait>(row: &mut A, column: ActiveColumn<A>) -> Result<Value, DbErr> {
    match row.take(column) {
        ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Ok(value),
        ActiveValue::NotSet => Err(DbErr::AttrNotSet(column.as_str().to_owned())),
    }
}

fn is_document(column: &impl ColumnTrait) -> bool {
    matches!(
        column.def().get_column_type(),
        ColumnType::Json | ColumnType::JsonBinary
    )
}

fn is_null(value: &Value) -> bool {
    *value == value.as_null()
}
