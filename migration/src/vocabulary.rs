//! Changes the CHECK constraint that holds the vocabulary of a column, on both databases.

use sea_orm_migration::prelude::*;
use sea_orm_migration::sea_orm::{DatabaseBackend, Statement, Value};

/// A vocabulary that gains codes. Run both directions in the transaction of the migration.
#[derive(Clone, Copy, Debug)]
pub struct WidenedVocabulary<'a> {
    /// The table.
    pub table: &'static str,
    /// The column that holds a code.
    pub column: &'static str,
    /// The codes before, in the order of the current constraint.
    pub before: &'a [&'static str],
    /// The codes after: those before, and the new ones.
    pub after: &'a [&'static str],
}

impl WidenedVocabulary<'_> {
    /// Allows the new codes.
    pub async fn widen(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        self.replace(manager, self.before, self.after).await
    }

    /// Disallows the new codes. Fails if a row has one.
    pub async fn narrow(&self, manager: &SchemaManager<'_>) -> Result<(), DbErr> {
        let Self { table, column, .. } = *self;
        for code in self.after.iter().filter(|code| !self.before.contains(code)) {
            let count = Statement::from_string(
                manager.get_database_backend(),
                format!(r#"SELECT COUNT(*) FROM "{table}" WHERE "{column}" = '{code}'"#),
            );
            let row = manager.get_connection().query_one_raw(count).await?;
            let rows: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
            if rows > 0 {
                return Err(DbErr::Custom(format!(
                    "The code {code} cannot be removed: {rows} row(s) of the table {table} have it in the column \
                     {column}. Change these rows first."
                )));
            }
        }
        self.replace(manager, self.after, self.before).await
    }

    async fn replace(
        &self,
        manager: &SchemaManager<'_>,
        old: &[&'static str],
        new: &[&'static str],
    ) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DatabaseBackend::Sqlite => {
                let (old, new) = (self.condition(old), self.condition(new));
                let is_replaced = replace_table_text(manager, self.table, &old, &new).await?;
                is_replaced.then_some(()).ok_or_else(|| self.not_found())
            }
            _ => self.replace_constraint(manager, old, new).await,
        }
    }

    /// The constraint keeps its name. It is found by its column and its codes, as a renamed table or column does not
    /// rename it.
    async fn replace_constraint(
        &self,
        manager: &SchemaManager<'_>,
        old: &[&'static str],
        new: &[&'static str],
    ) -> Result<(), DbErr> {
        let Self { table, column, .. } = *self;
        let db = manager.get_connection();
        let select = "SELECT con.conname::text, pg_get_constraintdef(con.oid) FROM pg_constraint con \
                      JOIN pg_attribute att ON att.attrelid = con.conrelid AND con.conkey = ARRAY[att.attnum] \
                      WHERE con.contype = 'c' AND con.conrelid = to_regclass(quote_ident($1)) AND att.attname = $2";
        let select =
            Statement::from_sql_and_values(DatabaseBackend::Postgres, select, [table.into(), column.into()]);
        let mut names: Vec<String> = Vec::new();
        for row in db.query_all_raw(select).await? {
            let definition: String = row.try_get_by_index(1)?;
            // The only strings in the definition are the codes, each in quotes.
            let listed = |code: &&str| definition.contains(&format!("'{code}'"));
            if old.iter().all(listed) && definition.matches('\'').count() == 2 * old.len() {
                names.push(row.try_get_by_index(0)?);
            }
        }
        let [name] = &*names else {
            return Err(self.not_found());
        };
        let name = name.replace('"', r#""""#);
        let condition = self.condition(new);
        db.execute_unprepared(&format!(
            r#"ALTER TABLE "{table}" DROP CONSTRAINT "{name}", ADD CONSTRAINT "{name}" CHECK ({condition})"#
        ))
        .await?;
        Ok(())
    }

    /// The condition as [`code_column`](crate::table::code_column) writes it.
    fn condition(&self, codes: &[&'static str]) -> String {
        let codes: Vec<String> = codes.iter().map(|code| format!("'{code}'")).collect();
        format!(r#""{}" IN ({})"#, self.column, codes.join(", "))
    }

    fn not_found(&self) -> DbErr {
        let Self { table, column, .. } = self;
        DbErr::Custom(format!(
            "The table {table} has no constraint that limits the column {column} to the codes expected here."
        ))
    }
}

/// Replaces a part of the definition of a table on `SQLite`. Returns false if the part does not occur once.
///
/// `SQLite` cannot alter a constraint. A copy of the table cannot take its place within a transaction either:
/// to drop a table deletes its rows first, and with them every row that refers to them with `ON DELETE CASCADE`.
/// So this rewrites the stored text of the table, as <https://sqlite.org/lang_altertable.html#otheralter>
/// describes for changes that leave the content of the file as it is.
pub async fn replace_table_text(
    manager: &SchemaManager<'_>,
    table: &str,
    old: &str,
    new: &str,
) -> Result<bool, DbErr> {
    let db = manager.get_connection();
    let query =
        |sql: &str, values: Vec<Value>| Statement::from_sql_and_values(DatabaseBackend::Sqlite, sql, values);
    let select = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?";
    let row = db.query_one_raw(query(select, vec![table.into()])).await?;
    let text: String = row.map_or(Ok(String::new()), |row| row.try_get_by_index(0))?;
    if text.matches(old).count() != 1 {
        return Ok(false);
    }
    let text = text.replace(old, new);

    let row = db.query_one_raw(query("PRAGMA schema_version", vec![])).await?;
    let version: i64 = row.map_or(Ok(0), |row| row.try_get_by_index(0))?;
    let update = "UPDATE sqlite_schema SET sql = ? WHERE type = 'table' AND name = ?";
    db.execute_unprepared("PRAGMA writable_schema = ON").await?;
    let written = db
        .execute_raw(query(update, vec![text.into(), table.into()]))
        .await;
    // The connection returns to its pool, where nothing may write to the schema.
    db.execute_unprepared("PRAGMA writable_schema = OFF").await?;
    written?;
    // Makes every connection read the schema again, this one too.
    db.execute_unprepared(&format!("PRAGMA schema_version = {}", version + 1))
        .await?;

    let check = query(&format!(r#"PRAGMA quick_check("{table}")"#), vec![]);
    let row = db.query_one_raw(check).await?;
    let result: String = row.map_or(Ok(String::new()), |row| row.try_get_by_index(0))?;
    if result == "ok" {
        Ok(true)
    } else {
        Err(DbErr::Custom(format!(
            "The table {table} does not fit its changed constraint: {result}"
        )))
    }
}
