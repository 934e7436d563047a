//! Inserting many rows of one table.

use std::fmt::Write as _;

use sea_orm::{
    ActiveModelTrait, ActiveValue, ColumnTrait, ColumnType, ConnectionTrait, DbBackend, DbErr, EntityName,
    EntityTrait, IdenStatic, Iterable, Statement, Value,
};

/// How many rows one statement inserts. Few sizes, so that each table's statements are prepared once and
/// stay so; no table has columns enough for the largest to bind more than `SQLite`'s 32,766 values.
const SIZES: [usize; 5] = [256, 64, 16, 4, 1];

type Column<A> = <<A as ActiveModelTrait>::Entity as EntityTrait>::Column;

/// Inserts rows of one table, in their order. Each sets the same columns.
///
/// This does what `insert_many` does, which builds an expression for each value of each row anew: of an
/// import's time a third went into that.
pub async fn insert_all<A>(db: &impl ConnectionTrait, rows: Vec<A>) -> Result<(), DbErr>
where
    A: ActiveModelTrait,
{
    let Some(first) = rows.first() else {
        return Ok(());
    };
    let columns: Vec<Column<A>> = Column::<A>::iter()
        .filter(|column| !first.get(*column).is_not_set())
        .collect();
    let backend = db.get_database_backend();
    let mut statements = Statements::new(backend, columns, rows);
    let mut next = statements.next().transpose()?;
    while let Some(statement) = next {
        // While the base does this one the next is made.
        let (done, made) = tokio::join!(db.execute_raw(statement), async { statements.next() });
        done?;
        next = made.transpose()?;
    }
    Ok(())
}

/// The statements that insert some rows, each made when it is asked for.
struct Statements<A: ActiveModelTrait> {
    backend: DbBackend,
    columns: Vec<Column<A>>,
    rows: std::vec::IntoIter<A>,
    /// The text of the statement that was made last, with the number of its rows.
    text: (usize, String),
}

impl<A: ActiveModelTrait> Statements<A> {
    fn new(backend: DbBackend, columns: Vec<Column<A>>, rows: Vec<A>) -> Self {
        Self {
            backend,
            columns,
            rows: rows.into_iter(),
            text: (0, String::new()),
        }
    }
}

impl<A: ActiveModelTrait> Iterator for Statements<A> {
    type Item = Result<Statement, DbErr>;

    fn next(&mut self) -> Option<Self::Item> {
        let size = SIZES.into_iter().find(|size| *size <= self.rows.len())?;
        if self.text.0 != size {
            self.text = (size, text::<A>(self.backend, &self.columns, size));
        }
        let mut values = Vec::with_capacity(size * self.columns.len());
        for mut row in self.rows.by_ref().take(size) {
            for column in &self.columns {
                match value(row.take(*column), *column) {
                    Ok(value) => values.push(value),
                    Err(error) => return Some(Err(error)),
                }
            }
        }
        Some(Ok(Statement::from_sql_and_values(
            self.backend,
            &self.text.1,
            values,
        )))
    }
}

/// A document goes as the text that it is kept as on `SQLite`, and that `PostgreSQL` is told to read.
fn value<C: ColumnTrait>(value: ActiveValue<Value>, column: C) -> Result<Value, DbErr> {
    match value.into_value() {
        Some(Value::Json(document)) => Ok(document.map(|document| document.to_string()).into()),
        Some(value) => Ok(value),
        None => Err(DbErr::AttrNotSet(column.as_str().to_owned())),
    }
}

fn text<A: ActiveModelTrait>(backend: DbBackend, columns: &[Column<A>], rows: usize) -> String {
    let names: Vec<String> = columns.iter().map(|it| format!("\"{}\"", it.as_str())).collect();
    let table = A::Entity::default();
    let mut sql = format!(
        "INSERT INTO \"{}\" ({}) VALUES ",
        table.table_name(),
        names.join(", ")
    );
    let is_document: Vec<bool> = columns
        .iter()
        .map(|column| {
            let of = column.def();
            matches!(of.get_column_type(), ColumnType::Json | ColumnType::JsonBinary)
        })
        .collect();
    let mut number = 0;
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ", (" });
        for (at, is_document) in is_document.iter().enumerate() {
            if at > 0 {
                sql.push_str(", ");
            }
            number += 1;
            // Writing into a text cannot fail.
            let _ = match (backend, is_document) {
                (DbBackend::Postgres, true) => write!(sql, "${number}::jsonb"),
                (DbBackend::Postgres, false) => write!(sql, "${number}"),
                _ => write!(sql, "?"),
            };
        }
        sql.push(')');
    }
    sql
}
