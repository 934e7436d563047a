//! Files that partners and funders send, and their imports.

use std::io::{Seek, SeekFrom, Write};
use std::sync::Arc;

use async_graphql::{Request, UploadValue, Variables};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter,
    sea_query::Expr,
};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin::app::App;
use wayin::auth::member;
use wayin::clock::{Clock, SystemClock};
use wayin::import::job::{self, worker};
use wayin::schema::execute::OperationExecutor;
use wayin_entity::import;

use super::app::{Client, PARTNER_ORGANISATION, TestApp};

/// A record as a partner writes it in a file: with a named place and without a lead organisation.
pub fn file_record(reference: &str) -> Value {
    json!({
        "externalRef": reference,
        "title": format!("Initiative {reference}"),
        "place": {"name": "Hartlepool"},
        "visibility": "OPEN",
        "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": ["SHORT_FUNDING"]}],
        "fundingTerms": [{"funder": {"identifier": "GB-CHC-9", "name": "A funder"}, "durationMonths": 12}],
        "source": {"kind": "SELF_REPORT", "title": "Our return"},
        "sharing": {"basis": "The board agreed", "licence": "CC-BY-4.0"},
    })
}

/// A file of JSON Lines with these records.
pub fn json_lines(records: &[Value]) -> String {
    let lines: Vec<String> = records.iter().map(Value::to_string).collect();
    lines.join("\n")
}

const IMPORT_FIELDS: &str =
    "id state failureReason kind mode fileName format bytes rowsProcessed draftCount submittedCount publishedCount unchangedCount invalidCount
    rejectedCount warningCount correctionsUrl endedAt expiresAt organisation { identifier }";

/// Sends a file to `importRecords`; returns the whole response.
pub async fn send_file(
    app: &TestApp,
    client: &Client<'_>,
    name: &str,
    content: impl AsRef<[u8]>,
    input: Value,
) -> Value {
    let requester = member::authenticate(&app.app.db, &app.app.verifier, client.authorization.as_deref())
        .await
        .unwrap();
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(content.as_ref()).unwrap();
    file.seek(SeekFrom::Start(0)).unwrap();
    let mut variables = json!({"input": input});
    variables["input"]["file"] = Value::Null;
    let query = format!(
        "mutation($input: ImportRecordsInput!) {{
            importRecords(input: $input) {{ import {{ {IMPORT_FIELDS} }} problems {{ code path message }} }} }}"
    );
    let mut request = Request::new(query).variables(Variables::from_json(variables));
    let upload = UploadValue {
        filename: name.into(),
        content_type: None,
        content: file,
    };
    request.set_upload("variables.input.file", upload);
    let response = app.executor.execute(request, requester).await.response;
    serde_json::to_value(response).unwrap()
}

/// Sends a file of records, runs the import, and returns it.
pub async fn import_file(app: &TestApp, client: &Client<'_>, name: &str, content: &[u8]) -> Value {
    let sent = send_file(app, client, name, content, json!({"mode": "SUBMIT"})).await;
    let payload = &sent["data"]["importRecords"];
    assert_eq!(payload["problems"], json!([]), "{sent}");
    worker::run_queued(&app.app).await.unwrap();
    load_import(client, &payload["import"]["id"]).await
}

/// An import as its sender sees it.
pub async fn load_import(client: &Client<'_>, id: &Value) -> Value {
    client
        .query(&format!("{{ import(id: {id}) {{ {IMPORT_FIELDS} }} }}"))
        .await["import"]
        .take()
}

/// The messages about the rows of an import: row, outcome, code, column and path of each.
pub async fn load_rows(client: &Client<'_>, import: &Value) -> Vec<String> {
    let query = format!(
        "{{ import(id: {}) {{ rows(first: 100) {{ nodes {{ row outcome code column path message isWarning
            submission {{ id }} initiative {{ id }} }} }} }} }}",
        import["id"]
    );
    let output = client.query(&query).await;
    let rows = output["import"]["rows"]["nodes"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap_or("-").to_owned();
    rows.iter()
        .map(|row| {
            let warning = if row["isWarning"] == true {
                " (a warning)"
            } else {
                ""
            };
            format!(
                "{} {} {} {}{warning}",
                row["row"],
                text(&row["outcome"]),
                text(&row["code"]),
                text(&row["column"]),
            )
        })
        .collect()
}

/// Lets the organisation of the partner publish without review, by changing the database.
pub async fn allow_auto_publish(app: &TestApp) {
    let act = TestApp::action();
    let organisation = wayin::organisation::find_or_create(
        &app.app.db,
        &act,
        Some(PARTNER_ORGANISATION),
        Some(PARTNER_ORGANISATION),
        None,
    );
    let mut row = organisation.await.unwrap().into_active_model();
    row.auto_publish = Set(true);
    row.update(&app.app.db).await.unwrap();
}

/// Ends the lease of every running import, as when its server stops. The runner changes too: a renewal that the
/// stopped server already sent must not extend the lease.
pub async fn expire_leases(app: &TestApp) {
    let long_ago = SystemClock.now() - chrono::TimeDelta::hours(1);
    let lapsed = import::Entity::update_many()
        .filter(import::Column::Runner.is_not_null())
        .col_expr(import::Column::Runner, Expr::value(Uuid::nil()))
        .col_expr(import::Column::RunnerUntil, Expr::value(long_ago));
    lapsed.exec(&app.app.db).await.unwrap();
}

/// Restarts the service with other settings for imports.
pub fn restart_with_import_settings(app: TestApp, settings: job::ImportSettings) -> TestApp {
    let App {
        db,
        engine,
        verifier,
        clock,
        ..
    } = Arc::try_unwrap(app.app).unwrap_or_else(|app| {
        // The schema refers to it too.
        let verifier = app.verifier.clone();
        App::new(
            app.db.clone(),
            verifier,
            Arc::clone(&app.clock),
            Arc::clone(&app.engine),
        )
    });
    let limited = Arc::new(App::new(db, verifier, clock, engine).with_imports(settings));
    TestApp {
        executor: OperationExecutor::new(Arc::clone(&limited)),
        app: limited,
        database: app.database,
    }
}
