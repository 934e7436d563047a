//! Files that the command line publishes are stored as imports without a member.

use std::io::Write as _;

use serde_json::{Value, json};
use wayin::auth::requester::AuthenticatedMember;
use wayin::import::ROWS_PER_BATCH;
use wayin::import::job::{self, ImportRecordsMode, ImportSender, NewImport, worker};
use wayin_entity::{FileFormat, ImportKind, Role};

use crate::support::app::TestApp;
use crate::support::imports::send_file;
use crate::support::records::minimal_record;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    only_stewards_see_a_published_file,
    clients_cannot_publish_a_file_at_once,
    unfinished_import_of_the_same_file_is_found,
];

async fn only_stewards_see_a_published_file(database: Database) {
    let app = TestApp::start(database).await;
    app.publish(&[minimal_record("1", json!({}))]).await;
    let imports =
        "{ imports { totalCount nodes { id mode state kind rowsProcessed publishedCount createdBy { id }
        organisation { id } } } }";
    let steward = app.steward().await;
    let found = steward.query(imports).await;
    let id = found["imports"]["nodes"][0]["id"].clone();
    let import = json!({"id": id, "mode": "PUBLISH", "state": "COMPLETED", "kind": "RECORDS", "rowsProcessed": 1,
        "publishedCount": 1, "createdBy": null, "organisation": null});
    assert_eq!(found["imports"], json!({"totalCount": 1, "nodes": [import]}));
    let query = format!("{{ imports {{ totalCount }} import(id: {id}) {{ id }} node(id: {id}) {{ id }} }}");
    let node = json!({"id": id});
    let all = json!({"imports": {"totalCount": 1}, "import": node, "node": node});
    assert_eq!(steward.query(&query).await, all);
    let funder = app.create_member("funder", Role::Funder, Some("GB-CHC-9")).await;
    for client in [app.partner().await, funder] {
        let none = json!({"imports": {"totalCount": 0}, "import": null, "node": null});
        assert_eq!(client.query(&query).await, none);
    }
    app.assert_no_violations().await;
}

async fn clients_cannot_publish_a_file_at_once(database: Database) {
    let app = TestApp::start(database).await;
    let content = minimal_record("1", json!({})).to_string();
    for client in [app.partner().await, app.steward().await] {
        let sent = send_file(&app, &client, "a.jsonl", &content, json!({"mode": "PUBLISH"})).await;
        assert_eq!(sent["data"], Value::Null, "{sent}");
        let message = sent["errors"][0]["message"].as_str().unwrap();
        assert!(message.contains("ImportRecordsMode"), "{sent}");
    }
}

async fn unfinished_import_of_the_same_file_is_found(database: Database) {
    let app = TestApp::start(database).await;
    let (db, act) = (&app.app.db, TestApp::action());
    let content = |rows: usize| {
        let lines = (0..rows).map(|number| minimal_record(&number.to_string(), json!({})).to_string());
        lines.collect::<Vec<_>>().join("\n")
    };
    let open = |text: &str| {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(text.as_bytes()).unwrap();
        let summary = job::summarize_file(&mut file).unwrap();
        (file, summary)
    };
    let new = |text: &str, licence: Option<&str>| NewImport {
        kind: ImportKind::Records,
        organisation: None,
        licence: licence.map(Into::into),
        file_name: "a.jsonl".into(),
        format: FileFormat::JsonLines,
        bytes: text.len() as u64,
    };
    let rows = ROWS_PER_BATCH + 1;
    let text = content(rows);
    let (file, _) = open(&text);
    let sender = ImportSender::CommandLine;
    let queued = job::enqueue(db, &act, sender, new(&text, None), file).await;
    let queued = queued.unwrap().unwrap();
    let find = async |sender, text: &str, licence| {
        let (_, summary) = open(text);
        let found = job::find_unfinished(db, sender, &new(text, licence), &summary).await;
        found.unwrap().map(|import| import.id)
    };
    assert_eq!(find(sender, &text, None).await, Some(queued.id));
    let other = text.replace("Record", "record");
    assert_eq!(find(sender, &other, None).await, None, "another file");
    assert_eq!(
        find(sender, &text, Some("CC0-1.0")).await,
        None,
        "under another licence"
    );
    let member = AuthenticatedMember {
        id: app.app.clock.new_id(),
        subject: "a member".into(),
        role: Role::Steward,
        organisation: None,
        token: None,
    };
    let member = ImportSender::Member(&member, ImportRecordsMode::Draft);
    assert_eq!(find(member, &text, None).await, None, "by another sender");
    let (_, summary) = open(&text);
    let table = NewImport {
        format: FileFormat::Csv,
        ..new(&text, None)
    };
    let found = job::find_unfinished(db, sender, &table, &summary).await.unwrap();
    assert_eq!(found.map(|import| import.id), None, "in another format");
    // A server can run such an import too.
    worker::run_queued(&app.app).await.unwrap();
    assert_eq!(find(sender, &text, None).await, None, "the import has ended");
    let found = app.steward().await.query("{ initiatives { totalCount } }").await;
    assert_eq!(found["initiatives"]["totalCount"], rows);
    app.assert_no_violations().await;
}
