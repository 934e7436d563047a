//! Redaction, and the text in the database after it.

use sea_orm::{ConnectionTrait, DbBackend, Statement};
use serde_json::{Value, json};

use super::app::{Client, TestApp};

/// Runs `redact`; returns its payload.
pub async fn redact(client: &Client<'_>, text: &str, reason: &str) -> Value {
    let query = "mutation($input: RedactTextInput!) { redactText(input: $input) {
        initiatives revisions submissions auditEvents imports problems { code path } } }";
    let input = json!({"input": {"text": text, "reason": reason}});
    let mut response = client.execute_with(query, input).await;
    assert_eq!(response.get("errors"), None, "{response}");
    response["data"]["redactText"].take()
}

/// The content of all tables, as text.
pub async fn read_all_text(app: &TestApp) -> String {
    let db = &app.app.db;
    let backend = db.get_database_backend();
    let columns = match backend {
        DbBackend::Postgres => {
            "SELECT table_name::text, column_name::text FROM information_schema.columns
             WHERE table_schema = current_schema()
             AND data_type IN ('text', 'character varying', 'json', 'jsonb')"
        }
        _ => {
            "SELECT t.name, c.name FROM sqlite_master AS t JOIN pragma_table_info(t.name) AS c
             WHERE t.type = 'table' AND lower(c.type) IN ('text', 'varchar', 'json_text', 'jsonb_text')"
        }
    };
    let columns = db
        .query_all_raw(Statement::from_string(backend, columns))
        .await
        .unwrap();
    assert!(columns.len() > 80, "the tables are there: {}", columns.len());
    let mut all = Vec::new();
    for column in columns {
        let table: String = column.try_get_by_index(0).unwrap();
        let column: String = column.try_get_by_index(1).unwrap();
        let rows = format!(r#"SELECT CAST("{column}" AS text) FROM "{table}" WHERE "{column}" IS NOT NULL"#);
        for row in db
            .query_all_raw(Statement::from_string(backend, rows))
            .await
            .unwrap()
        {
            let held: String = row.try_get_by_index(0).unwrap();
            all.push(format!("{table}.{column}: {held}"));
        }
    }
    all.sort();
    all.join("\n")
}
