//! Puts the rows of a database in random order, as they are after years of changes.

use sea_orm::DatabaseConnection;
use sea_orm::sqlx::{self, AssertSqlSafe};

/// Moves the rows of initiatives and their parts to random positions in the file of an SQLite database.
pub async fn shuffle_rows(db: &DatabaseConnection) -> Result<(), sqlx::Error> {
    const TABLES: [&str; 7] = [
        "initiative",
        "entry_point_taken",
        "challenge_faced",
        "challenge_reason",
        "condition_changed",
        "funding_term",
        "initiative_source",
    ];
    let mut connection = db.get_sqlite_connection_pool().acquire().await?;
    let mut run = async |sql: String| {
        let ran = sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut *connection).await;
        ran.map(|_| ())
    };
    run("PRAGMA foreign_keys = OFF".into()).await?;
    for table in TABLES {
        run(format!(
            "CREATE TEMP TABLE shuffled AS SELECT * FROM {table} ORDER BY random()"
        ))
        .await?;
        run(format!("DELETE FROM {table}")).await?;
        run(format!("INSERT INTO {table} SELECT * FROM shuffled")).await?;
        run("DROP TABLE shuffled".into()).await?;
    }
    run("PRAGMA foreign_keys = ON; ANALYZE".into()).await
}
