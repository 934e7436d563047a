//! Inserting many rows of one table.

use std::iter::Peekable;

use futures_util::future::BoxFuture;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ColumnType, ConnectionTrait, DbBackend, DbErr, EntityName,
    EntityTrait, IdenStatic, Iterable, Statement, Value, sea_query::ArrayType,
};

/// How many rows one statement of `SQLite` inserts: so few that the next can be made while the base does this one, and of
/// few sizes, so that each table's statements are prepared once and stay so. No table has columns enough for the
/// largest to bind more than `SQLite`'s 32,766 values.
const SQLITE_ROWS_PER_STATEMENT: [usize; 4] = [128, 32, 8, 1];
/// The most rows that one statement of `PostgreSQL` inserts: each is planned anew and waits for its answer.
const MAX_POSTGRES_ROWS_PER_STATEMENT: usize = 512;

type ActiveColumn<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::Column;

/// Inserts rows of one table, in their order. Each sets the same columns. A row is asked for when its statement is
/// made, which is while the base does the one before.
///
/// This does what `insert_many` does, which builds an expression for each value of each row anew: of an
/// import's time a third went into that. `SQLite` is given the values one by one. `PostgreSQL`, which plans a statement
/// of some thousand values each time, is given an array for each column, or a single value where it is alike in all
/// rows. A column that is null in all rows of a statement is left out, as no table has another default for one that can
/// be null. (A document that is JSON's own null becomes the table's.)
pub fn insert_all<'a, A, R>(db: &'a impl ConnectionTrait, rows: R) -> BoxFuture<'a, Result<(), DbErr>>
where
    A: ActiveModelTrait + Send + 'a,
    R: IntoIterator<Item = A, IntoIter: Send + 'a>,
{
    let mut rows = rows.into_iter().peekable();
    // In a box, so that whoever waits for it need not name the iterator's type in their own future.
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
            // While the base does this one the next is made.
            let (done, made) = tokio::join!(db.execute_raw(statement), async { statements.next() });
            done?;
            next = made.transpose()?;
        }
        Ok(())
    })
}

/// The statements that insert some rows, each made when it is asked for.
struct InsertStatements<A: ActiveModelTrait, R: Iterator<Item = A>> {
    backend: DbBackend,
    columns: Vec<ActiveColumn<A>>,
    rows: Peekable<R>,
    /// The values of rows that were taken and are in no statement yet, column after column.
    buffered_values: Vec<Vec<Value>>,
    /// Of the statement that was made last.
    last: StatementText,
}

/// How a statement is given what its rows have in a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ColumnBinding {
    /// Not at all: it is null in all of them.
    Null,
    /// Once: it is alike in all of them.
    Constant,
    /// With each row.
    PerRow,
    /// With each row, and beside it whether it is null there.
    PerRowNullable,
}

/// The text of a statement, beside what it depends on.
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
            DbBackend::Postgres => self.statement_of_columns(held),
            _ => self.statement_of_values(size),
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
                    // As text, which is copied at once where a document would be part by part.
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

    /// A statement that binds each value of some rows.
    fn statement_of_values(&mut self, rows: usize) -> Statement {
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

    /// A statement that binds the columns of all rows that are held.
    fn statement_of_columns(&mut self, rows: usize) -> Statement {
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
                    // An array of the database's own nulls cannot be bound.
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

    /// Writes a statement's text, which ends as is said, unless that of the last will do.
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

/// Selects rows whose columns are given so, from parameters in their order; documents are given as text.
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

/// A name of ours, which holds no quotation mark.
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
