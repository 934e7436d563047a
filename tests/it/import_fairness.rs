//! Imports take turns, and one without progress fails.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, ColumnTrait, EntityTrait, IntoActiveModel, QueryFilter};
use serde_json::{Value, json};
use wayin::clock::{Clock, SystemClock};
use wayin::import::job::{self, worker};
use wayin_entity::{ImportState, Role, import, member};

use crate::support::imports::{
    expire_leases, file_record, json_lines, load_import, restart_with_import_settings, send_file,
};
use crate::support::places::start_with_places;
use crate::support::workbooks::build_open_document;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    short_import_does_not_wait_for_a_long_one,
    duplicate_reference_rejects_every_row_that_has_it,
    import_without_progress_fails,
    queued_imports_per_organisation_are_limited,
    import_stops_when_the_role_changes,
    import_messages_are_always_storable,
    open_document_can_be_imported,
];

async fn short_import_does_not_wait_for_a_long_one(database: Database) {
    let settings = job::ImportSettings {
        rows_per_turn: 500,
        ..job::ImportSettings::default()
    };
    let app = restart_with_import_settings(start_with_places(database).await, settings);
    let long_one = app.create_member("long", Role::Partner, Some("GB-CHC-501")).await;
    let short_one = app
        .create_member("short", Role::Partner, Some("GB-CHC-502"))
        .await;
    let records: Vec<Value> = (0..1_600)
        .map(|number| file_record(&number.to_string()))
        .collect();
    let long = send_file(&app, &long_one, "long.jsonl", json_lines(&records), json!({})).await;
    let short = send_file(
        &app,
        &short_one,
        "short.jsonl",
        json_lines(&[file_record("a")]),
        json!({}),
    )
    .await;
    worker::run_queued(&app.app).await.unwrap();
    let long = load_import(&long_one, &long["data"]["importRecords"]["import"]["id"]).await;
    let short = load_import(&short_one, &short["data"]["importRecords"]["import"]["id"]).await;
    for (import, drafted) in [(&long, 1_600), (&short, 1)] {
        assert_eq!(import["state"], "COMPLETED", "{import}");
        assert_eq!(
            import["draftCount"], drafted,
            "each row is processed once: {import}"
        );
    }
    let ended = |import: &Value| import["endedAt"].as_str().unwrap().to_owned();
    assert!(ended(&short) < ended(&long), "{short} {long}");
}

async fn duplicate_reference_rejects_every_row_that_has_it(database: Database) {
    let settings = job::ImportSettings {
        rows_per_turn: 500,
        ..job::ImportSettings::default()
    };
    let app = restart_with_import_settings(start_with_places(database).await, settings);
    let partner = app.partner().await;
    let other = app
        .create_member("other", Role::Partner, Some("GB-CHC-502"))
        .await;
    // In one turn, and in two turns, the second of which starts after the first rows.
    for turns in [1, 2] {
        let named = |name: &str| file_record(&format!("{name}-{turns}"));
        let (waits, same) = (named("waits"), named("same"));
        let before = json_lines(&[waits.clone(), same.clone()]);
        send_file(&app, &partner, "before.jsonl", before, json!({"mode": "SUBMIT"})).await;
        worker::run_queued(&app.app).await.unwrap();

        let mut altered = waits.clone();
        altered["title"] = "Another title".into();
        let mut too_long = named("long");
        too_long["summary"] = "x".repeat(200_000).into();
        let mut spaced = named("sound");
        spaced["externalRef"] = format!(" sound-{turns} ").into();
        let mut records = vec![altered, same.clone(), named("sound"), too_long];
        records.extend((5..=1_100).map(|row| named(&row.to_string())));
        records.extend([waits, same, named("sound"), named("long"), spaced]);
        let sent = send_file(
            &app,
            &partner,
            "return.jsonl",
            json_lines(&records),
            json!({"mode": "SUBMIT"}),
        )
        .await;
        if turns == 2 {
            send_file(
                &app,
                &other,
                "short.jsonl",
                json_lines(&[file_record("a")]),
                json!({}),
            )
            .await;
        }
        let expected = if turns == 2 { 3 } else { 1 };
        assert_eq!(
            worker::run_queued(&app.app).await.unwrap(),
            expected,
            "the number of turns"
        );
        let import = load_import(&partner, &sent["data"]["importRecords"]["import"]["id"]).await;
        assert_eq!(
            (
                &import["state"],
                &import["submittedCount"],
                &import["unchangedCount"],
                &import["rejectedCount"]
            ),
            (&json!("COMPLETED"), &json!(1_096), &json!(0), &json!(9)),
            "{import}"
        );
        let refused = format!(
            "{{ import(id: {}) {{ rows(first: 50, filter: {{outcomes: [REJECTED]}}) {{ nodes {{ row code message }} }} }} }}",
            import["id"]
        );
        let refused = partner.query(&refused).await;
        let output: Vec<String> = refused["import"]["rows"]["nodes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| match row["code"].as_str() {
                Some("DUPLICATE") => format!("{} {}", row["row"], row["message"].as_str().unwrap()),
                _ => format!("{} {}", row["row"], row["code"].as_str().unwrap()),
            })
            .collect();
        let too = |row: u64, other: u64| {
            format!("{row} is the reference of row {other} too; each record needs a reference of its own")
        };
        assert_eq!(
            output,
            [
                too(1, 1101),
                too(2, 1102),
                too(3, 1103),
                too(4, 1104),
                "4 TOO_LONG".to_owned(),
                too(1101, 1),
                too(1102, 2),
                too(1103, 3),
                too(1104, 4),
                too(1105, 3),
            ]
        );
    }
    app.assert_no_violations().await;
}

async fn import_without_progress_fails(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let sent = send_file(
        &app,
        &partner,
        "return.jsonl",
        json_lines(&[file_record("a")]),
        json!({}),
    )
    .await;
    let id = &sent["data"]["importRecords"]["import"]["id"];
    // As if the server had stopped each time before it processed a row.
    let row = import::Entity::find().one(&app.app.db).await.unwrap().unwrap();
    let mut row = row.into_active_model();
    row.state = Set(ImportState::Running);
    row.attempts = Set(5);
    row.runner = Set(Some(SystemClock.new_id()));
    row.runner_until = Set(Some(SystemClock.now()));
    row.update(&app.app.db).await.unwrap();
    expire_leases(&app).await;
    worker::run_queued(&app.app).await.unwrap();
    let import = load_import(&partner, id).await;
    assert_eq!(import["state"], "FAILED", "{import}");
    assert!(
        import["failureReason"]
            .as_str()
            .unwrap()
            .contains("without progress"),
        "{import}"
    );
    app.assert_no_violations().await;
}

async fn queued_imports_per_organisation_are_limited(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let other = app
        .create_member("other", Role::Partner, Some("GB-CHC-502"))
        .await;
    for number in 0..20 {
        let content = json_lines(&[file_record(&number.to_string())]);
        let sent = send_file(&app, &partner, "return.jsonl", content, json!({})).await;
        assert_eq!(sent["data"]["importRecords"]["problems"], json!([]), "{sent}");
    }
    let one_more = || {
        send_file(
            &app,
            &partner,
            "return.jsonl",
            json_lines(&[file_record("z")]),
            json!({}),
        )
    };
    let refused = one_more().await;
    let refused = &refused["data"]["importRecords"];
    assert_eq!(refused["import"], Value::Null);
    assert_eq!(refused["problems"][0]["code"], "WRONG_STATE", "{refused}");
    assert_eq!(refused["problems"][0]["path"], json!(["file"]), "{refused}");
    let others = send_file(
        &app,
        &other,
        "return.jsonl",
        json_lines(&[file_record("a")]),
        json!({}),
    )
    .await;
    assert_eq!(others["data"]["importRecords"]["problems"], json!([]), "{others}");
    assert_eq!(worker::run_queued(&app.app).await.unwrap(), 21);
    let sent = one_more().await;
    assert_eq!(sent["data"]["importRecords"]["problems"], json!([]), "{sent}");
}

async fn import_stops_when_the_role_changes(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let sent = send_file(
        &app,
        &partner,
        "return.jsonl",
        json_lines(&[file_record("a")]),
        json!({}),
    )
    .await;
    let of_subject = member::Column::Subject.eq("partner");
    let found = member::Entity::find().filter(of_subject).one(&app.app.db).await;
    let mut row = found.unwrap().unwrap().into_active_model();
    row.role = Set(Role::Funder);
    row.update(&app.app.db).await.unwrap();
    worker::run_queued(&app.app).await.unwrap();
    let steward = app.steward().await;
    let import = load_import(&steward, &sent["data"]["importRecords"]["import"]["id"]).await;
    assert_eq!(import["state"], "FAILED", "{import}");
    assert_eq!(import["rowsProcessed"], 0, "{import}");
    assert!(
        import["failureReason"]
            .as_str()
            .unwrap()
            .contains("no longer allowed to import it"),
        "{import}"
    );
}

async fn import_messages_are_always_storable(database: Database) {
    let app = start_with_places(database).await;
    let funder = app.create_member("funder", Role::Funder, Some("GB-CHC-9")).await;
    let grants = json!({"license": "CC-BY-4.0", "grants": [{
        "id": "360G-a-1", "title": "One", "currency": "GBP", "amountAwarded": 1, "awardDate": "20\u{0}21",
        "recipientOrganization": [{"id": "GB-CHC-500", "name": "A charity"}],
        "fundingOrganization": [{"id": "GB-CHC-9", "name": "A funder"}],
    }]});
    let input = json!({"kind": "GRANTS_360GIVING"});
    let sent = send_file(&app, &funder, "grants.json", grants.to_string(), input).await;
    let sent = &sent["data"]["importRecords"];
    assert_eq!(sent["problems"], json!([]), "{sent}");
    worker::run_queued(&app.app).await.unwrap();
    let import = load_import(&funder, &sent["import"]["id"]).await;
    assert_eq!(
        (&import["state"], &import["warningCount"]),
        (&json!("COMPLETED"), &json!(1)),
        "{import}"
    );
    let query = format!(
        "{{ import(id: {}) {{ rows {{ nodes {{ message }} }} }} }}",
        import["id"]
    );
    let output = funder.query(&query).await["import"]["rows"]["nodes"][0]["message"].take();
    assert!(output.as_str().unwrap().contains("is not a date"), "{output}");
}

async fn open_document_can_be_imported(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let table: &[&[&str]] = &[
        &["Your reference", "Title", "Place"],
        &["a", "Initiative a", "Hartlepool"],
        &["b", "Initiative b", "Nowhere at all"],
    ];
    let book = build_open_document("Initiatives", table);
    let sent = send_file(&app, &partner, "return.ods", book, json!({"mode": "SUBMIT"})).await;
    let sent = &sent["data"]["importRecords"];
    assert_eq!(sent["problems"], json!([]), "{sent}");
    assert_eq!(sent["import"]["format"], "ODS", "{sent}");
    worker::run_queued(&app.app).await.unwrap();
    let import = load_import(&partner, &sent["import"]["id"]).await;
    assert_eq!(
        (&import["state"], &import["invalidCount"]),
        (&json!("COMPLETED"), &json!(2)),
        "{import}"
    );
    let query = format!(
        "{{ import(id: {}) {{ rows(first: 100) {{ nodes {{ sheet row column code }} }} }} }}",
        import["id"]
    );
    let output = partner.query(&query).await;
    let nowhere = json!({"sheet": "Initiatives", "row": 3, "column": "Place", "code": "NOT_FOUND"});
    let output = output["import"]["rows"]["nodes"].as_array().unwrap();
    assert!(output.contains(&nowhere), "{output:?}");
    let drafts = partner
        .query("{ submissions(first: 10) { nodes { record } } }")
        .await;
    let drafts = drafts["submissions"]["nodes"].as_array().unwrap();
    assert!(
        drafts
            .iter()
            .any(|draft| draft["record"]["place"]["name"] == "Nowhere at all"),
        "the typed values are kept: {drafts:?}"
    );
}
