//! Inserting many rows of one table.

use std::fmt::Write as _;
use std::iter::Peekable;

use futures_util::future::BoxFuture;
use sea_orm::{
    ActiveModelTrait, ActiveValue, ConnectionTrait, DbBackend, DbErr, EntityName, EntityTrait, IdenStatic,
    Iterable, Statement, Value,
};

/// How many rows one statement inserts: so few that the next can be made while the base does this one, and of few
/// sizes, so that each table's statements are prepared once and stay so. No table has columns enough for the largest
/// to bind more than `SQLite`'s 32,766 values.
const SIZES: [usize; 4] = [128, 32, 8, 1];
/// The most rows of one statement.
const MOST: usize = SIZES[0];

type Column<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::Column;

/// Inserts rows of one table, in their order. Each sets the same columns. A row is asked for when its statement is
/// made, which is while the base does the one before.
///
/// This does what `insert_many` does, which builds an expression for each value of each row anew: of an
/// import's time a third went into that. `SQLite` is given the values one by one. `PostgreSQL`, which plans a
/// statement of some thousand values each time, is given the rows as one document. (A column of documents cannot
/// be given JSON's own null so: it becomes the table's.)
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
        let columns: Vec<Column<A>> = Column::<A>::iter()
            .filter(|column| !first.get(*column).is_not_set())
            .collect();
        let mut statements = Statements {
            backend: db.get_database_backend(),
            columns,
            rows,
            held: Vec::new(),
            text: (0, String::new()),
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
struct Statements<A: ActiveModelTrait, R: Iterator<Item = A>> {
    backend: DbBackend,
    columns: Vec<Column<A>>,
    rows: Peekable<R>,
    /// The values of rows that were taken and are in no statement yet, row after row.
    held: Vec<Value>,
    /// The text of the statement that was made last, with the number of its rows.
    text: (usize, String),
}

impl<A: ActiveModelTrait, R: Iterator<Item = A>> Iterator for Statements<A, R> {
    type Item = Result<Statement, DbErr>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.held.is_empty() && self.rows.peek().is_none() {
            return None;
        }
        Some(match self.backend {
            DbBackend::Postgres => self.of_a_document(),
            _ => self.of_values(),
        })
    }
}

impl<A: ActiveModelTrait, R: Iterator<Item = A>> Statements<A, R> {
    fn of_values(&mut self) -> Result<Statement, DbErr> {
        if self.held.is_empty() {
            for mut row in self.rows.by_ref().take(MOST) {
                for column in &self.columns {
                    self.held.push(match value(&mut row, *column)? {
                        Value::Json(document) => document.map(|document| document.to_string()).into(),
                        value => value,
                    });
                }
            }
        }
        let rows = self.held.len() / self.columns.len();
        let size = SIZES.into_iter().find(|size| *size <= rows).unwrap_or(1);
        if self.text.0 != size {
            let row = format!("({})", vec!["?"; self.columns.len()].join(", "));
            let rows = vec![row.as_str(); size].join(", ");
            self.text = (size, format!("{} VALUES {rows}", self.begin()));
        }
        let left = self.held.split_off(size * self.columns.len());
        let values = std::mem::replace(&mut self.held, left);
        Ok(Statement::from_sql_and_values(self.backend, &self.text.1, values))
    }

    fn of_a_document(&mut self) -> Result<Statement, DbErr> {
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|column| quoted(column.as_str()))
            .collect();
        let sql = format!(
            "{} SELECT {} FROM json_populate_recordset(NULL::{}, $1::json)",
            self.begin(),
            names.join(", "),
            quoted(A::Entity::default().table_name()),
        );
        let mut document = String::from("[");
        for (at, mut row) in self.rows.by_ref().take(MOST).enumerate() {
            document.push_str(if at == 0 { "{" } else { ",{" });
            for (at, column) in self.columns.iter().enumerate() {
                if at > 0 {
                    document.push(',');
                }
                document.push_str(&names[at]);
                document.push(':');
                write(&mut document, value(&mut row, *column)?)?;
            }
            document.push('}');
        }
        document.push(']');
        Ok(Statement::from_sql_and_values(
            self.backend,
            sql,
            [document.into()],
        ))
    }

    /// What each statement begins with.
    fn begin(&self) -> String {
        let names: Vec<String> = self
            .columns
            .iter()
            .map(|column| quoted(column.as_str()))
            .collect();
        let table = quoted(A::Entity::default().table_name());
        format!("INSERT INTO {table} ({})", names.join(", "))
    }
}

/// A name of ours, which holds no quotation mark.
fn quoted(name: &str) -> String {
    format!("\"{name}\"")
}

fn value<A: ActiveModelTrait>(row: &mut A, column: Column<A>) -> Result<Value, DbErr> {
    match row.take(column) {
        ActiveValue::Set(value) | ActiveValue::Unchanged(value) => Ok(value),
        ActiveValue::NotSet => Err(DbErr::AttrNotSet(column.as_str().to_owned())),
    }
}

/// Writes a value as JSON, in the form in which `PostgreSQL` reads its type.
fn write(document: &mut String, value: Value) -> Result<(), DbErr> {
    /// What can be quoted as it stands.
    fn plain(document: &mut String, value: impl std::fmt::Display) {
        // Writing into a text does not fail.
        let _ = write!(document, "\"{value}\"");
    }
    match value {
        Value::Bool(Some(value)) => document.push_str(if value { "true" } else { "false" }),
        Value::Int(Some(value)) => {
            let _ = write!(document, "{value}");
        }
        Value::BigInt(Some(value)) => {
            let _ = write!(document, "{value}");
        }
        Value::String(Some(value)) => {
            document.push_str(&serde_json::Value::String(value).to_string());
        }
        Value::Json(Some(value)) => {
            let _ = write!(document, "{value}");
        }
        Value::Uuid(Some(value)) => plain(document, value),
        Value::ChronoDate(Some(value)) => plain(document, value),
        Value::ChronoDateTimeUtc(Some(value)) => plain(document, value.to_rfc3339()),
        Value::Bool(None)
        | Value::Int(None)
        | Value::BigInt(None)
        | Value::String(None)
        | Value::Json(None)
        | Value::Uuid(None)
        | Value::ChronoDate(None)
        | Value::ChronoDateTimeUtc(None) => document.push_str("null"),
        other => {
            let reason = format!("{other:?} is of a type that no table has");
            return Err(DbErr::Type(reason));
        }
    }
    Ok(())
}
