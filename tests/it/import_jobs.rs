//! Imports of files of partners and funders: every row has an outcome, completed work is kept, and nothing is
//! done twice.

use std::io::Write;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{self, StatusCode, header};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};
use tower::ServiceExt;
use wayin::auth::member;
use wayin::clock::{Clock, SystemClock};
use wayin::expiry::{self, ExpiryPolicy};
use wayin::import::job::{self, worker};
use wayin::server;
use wayin_entity::{Role, import, import_chunk, import_outcome, initiative, revision, submission};
use wayin_records::formats::records::FileLimits;

use crate::support::app::PARTNER_ORGANISATION;
use crate::support::app::{Client, TestApp, sign_token};
use crate::support::imports::{
    allow_auto_publish, expire_leases, file_record, json_lines, load_import, load_rows,
    restart_with_import_settings, send_file,
};
use crate::support::places::start_with_places;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    every_row_has_an_outcome,
    valid_rows_are_submitted_and_the_rest_after_correction,
    trusted_organisation_publishes_by_import,
    import_does_not_overwrite_a_record_in_review,
    import_resumes_after_a_server_stops,
    two_servers_import_each_row_once,
    funder_can_import_only_its_own_grants,
    imports_are_visible_only_to_their_sender,
    file_sent_twice_with_one_key_is_imported_once,
    truncated_file_reports_what_was_imported,
    import_of_a_revoked_member_stops,
    multipart_upload_is_limited,
    files_expire_after_the_retention_period,
    only_the_first_rows_of_an_oversized_file_are_imported,
];

/// Sends a file and runs the import; returns it.
async fn run_import(app: &TestApp, client: &Client<'_>, content: &str, input: Value) -> Value {
    let sent = send_file(app, client, "return.jsonl", content, input).await;
    let sent = &sent["data"]["importRecords"];
    assert_eq!(sent["problems"], json!([]), "{sent}");
    assert_eq!(sent["import"]["state"], "QUEUED");
    worker::run_queued(&app.app).await.unwrap();
    app.catch_up().await;
    load_import(client, &sent["import"]["id"]).await
}

fn list_counts(import: &Value) -> [i64; 7] {
    [
        "rowsProcessed",
        "draftCount",
        "submittedCount",
        "publishedCount",
        "unchangedCount",
        "invalidCount",
        "rejectedCount",
    ]
    .map(|name| {
        import[name]
            .as_i64()
            .unwrap_or_else(|| panic!("{name} in {import}"))
    })
}

async fn every_row_has_an_outcome(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let mut wrong = file_record("b");
    wrong["startedOn"] = json!("31/12/2021");
    wrong["fundingTerms"][0]["durationMonths"] = json!("a year");
    let mut nameless = file_record("");
    nameless["title"] = json!("No reference");
    let mut odd = file_record("c");
    odd["fundingTerms"][0]["startsOn"] = json!("2020-01-01");
    odd["fundingTerms"][0]["endsOn"] = json!("2022-12-31");
    let content = [
        file_record("a").to_string(),
        wrong.to_string(),
        String::new(),
        nameless.to_string(),
        "{\"title\": ".to_owned(),
        file_record("twice").to_string(),
        "[1]".to_owned(),
        odd.to_string(),
        file_record("twice").to_string(),
    ]
    .join("\r\n");
    let import = run_import(&app, &partner, &content, json!({})).await;
    assert_eq!(import["state"], "COMPLETED");
    assert_eq!(import["failureReason"], Value::Null);
    assert_eq!(
        (&import["kind"], &import["mode"]),
        (&json!("RECORDS"), &json!("DRAFT"))
    );
    assert_eq!(import["organisation"]["identifier"], PARTNER_ORGANISATION);
    assert_eq!(import["fileName"], "return.jsonl");
    assert_eq!(list_counts(&import), [8, 3, 0, 0, 0, 0, 5]);
    assert_eq!(import["warningCount"], 1);
    let messages = load_rows(&partner, &import).await;
    insta::allow_duplicates! {
        insta::assert_snapshot!(messages.join("\n"), @"
        1 DRAFTED - -
        2 DRAFTED INVALID_FORMAT fundingTerms/0/durationMonths
        2 DRAFTED INVALID_FORMAT startedOn
        4 REJECTED REQUIRED externalRef
        5 REJECTED INVALID_FORMAT -
        6 REJECTED DUPLICATE externalRef
        7 REJECTED INVALID_FORMAT -
        8 DRAFTED CONTRADICTORY fundingTerms/0/durationMonths (a warning)
        9 REJECTED DUPLICATE externalRef
        ");
    }
    // The stored records are exactly as typed.
    let kept = partner
        .query("{ submissions(first: 100) { nodes { state record problems { path } } } }")
        .await;
    let kept = kept["submissions"]["nodes"].as_array().unwrap();
    let mut records: Vec<&Value> = kept.iter().map(|one| &one["record"]).collect();
    records.sort_by_key(|record| record["externalRef"].to_string());
    assert_eq!(records, [&file_record("a"), &wrong, &odd]);
    assert!(kept.iter().all(|one| one["state"] == "DRAFT"));
    let found = partner
        .query(&format!(
            "{{ import(id: {}) {{ all: rows {{ totalCount }} refused: rows(filter: {{outcomes: [REJECTED]}}) {{ totalCount }}
                found: rows(filter: {{hasProblems: true}}) {{ totalCount }} }} imports {{ totalCount }} node(id: {}) {{ id }} }}",
            import["id"], import["id"]
        ))
        .await;
    assert_eq!(
        found["import"],
        json!({"all": {"totalCount": 9}, "refused": {"totalCount": 5}, "found": {"totalCount": 8}})
    );
    assert_eq!(found["imports"]["totalCount"], 1);
    assert_eq!(found["node"]["id"], import["id"]);
    // Importing the same file again changes nothing.
    let again = run_import(&app, &partner, &content, json!({})).await;
    assert_eq!(list_counts(&again), [8, 0, 0, 0, 3, 0, 5]);
    let kept = submission::Entity::find().all(&app.app.db).await.unwrap();
    assert!(
        kept.len() == 3 && kept.iter().all(|one| one.version == 1),
        "{kept:#?}"
    );
}

async fn valid_rows_are_submitted_and_the_rest_after_correction(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let mut wrong = file_record("b");
    wrong["place"] = json!({"name": "Hartlepol"});
    wrong["summary"] = json!("Ask ann@example.org");
    let import = run_import(
        &app,
        &partner,
        &json_lines(&[file_record("a"), wrong.clone()]),
        json!({"mode": "SUBMIT"}),
    )
    .await;
    assert_eq!(list_counts(&import), [2, 0, 1, 0, 0, 1, 0]);
    assert!(import["correctionsUrl"].is_string());
    assert_eq!(
        load_rows(&partner, &import).await,
        [
            "1 SUBMITTED - -",
            "2 INVALID NOT_FOUND place",
            "2 INVALID PERSONAL_DATA summary"
        ]
    );
    let before = submission::Entity::find()
        .filter(submission::Column::ExternalRef.eq("b"))
        .one(&app.app.db)
        .await
        .unwrap()
        .unwrap();
    let corrected = run_import(
        &app,
        &partner,
        &json_lines(&[file_record("a"), file_record("b")]),
        json!({"mode": "SUBMIT"}),
    )
    .await;
    assert_eq!(list_counts(&corrected), [2, 0, 1, 0, 1, 0, 0]);
    assert_eq!(corrected["correctionsUrl"], Value::Null);
    let after = submission::Entity::find_by_id(before.id)
        .one(&app.app.db)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        (after.version, after.state.code()),
        (2, "SUBMITTED"),
        "the draft was corrected"
    );
    // A steward sees the submissions and publishes them.
    let steward = app.steward().await;
    let waiting = steward
        .query("{ submissions(filter: {states: [SUBMITTED]}) { nodes { id } } }")
        .await;
    for one in waiting["submissions"]["nodes"].as_array().unwrap() {
        let publish = format!(
            "mutation {{ publishSubmission(input: {{id: {}}}) {{ submission {{ state }} problems {{ message }} }} }}",
            one["id"]
        );
        let published = steward.query(&publish).await;
        assert_eq!(published["publishSubmission"]["submission"]["state"], "PUBLISHED");
    }
    app.catch_up().await;
    let again = run_import(
        &app,
        &partner,
        &json_lines(&[file_record("a"), file_record("b")]),
        json!({"mode": "SUBMIT"}),
    )
    .await;
    assert_eq!(
        list_counts(&again),
        [2, 0, 0, 0, 2, 0, 0],
        "an identical published record is not submitted again"
    );
    // Another file corrects the published record.
    let mut corrected = file_record("a");
    corrected["title"] = json!("Another title");
    let correction = run_import(
        &app,
        &partner,
        &json_lines(&[corrected]),
        json!({"mode": "SUBMIT"}),
    )
    .await;
    assert_eq!(list_counts(&correction), [1, 0, 1, 0, 0, 0, 0]);
    let waiting = steward
        .query(
            "{ submissions(filter: {states: [SUBMITTED]}) { nodes { initiativeVersion changes { path before after } } } }",
        )
        .await;
    assert_eq!(waiting["submissions"]["nodes"][0]["initiativeVersion"], 1);
    let changes = waiting["submissions"]["nodes"][0]["changes"].as_array().unwrap();
    assert!(
        changes.iter().any(|change| change["path"] == json!(["title"])),
        "{changes:?}"
    );
}

async fn trusted_organisation_publishes_by_import(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    allow_auto_publish(&app).await;
    // Two records name the same grant, so the second has a problem.
    let mut records: Vec<Value> = (0..1_100)
        .map(|number| file_record(&number.to_string()))
        .collect();
    records[7]["fundingTerms"][0]["grantIdentifier"] = json!("360G-a-1");
    records[8]["fundingTerms"][0]["grantIdentifier"] = json!("360G-a-1");
    let import = run_import(&app, &partner, &json_lines(&records), json!({"mode": "SUBMIT"})).await;
    assert_eq!(list_counts(&import), [1_100, 0, 0, 1_099, 0, 1, 0]);
    let kept = submission::Entity::find().all(&app.app.db).await.unwrap();
    let states = |state: &str| kept.iter().filter(|one| one.state.code() == state).count();
    assert_eq!((states("PUBLISHED"), states("DRAFT")), (1_099, 1));
    assert!(
        kept.iter()
            .all(|one| one.state.code() == "DRAFT" || one.initiative_id.is_some())
    );
    let counted = partner
        .query("{ pattern(when: {}, then: {}, scope: VISIBLE) { table { both } } }")
        .await;
    assert_eq!(counted["pattern"]["table"]["both"], 1_099);
    assert_eq!(revision::Entity::find().count(&app.app.db).await.unwrap(), 1_099);
    let output = revision::Entity::find().one(&app.app.db).await.unwrap().unwrap();
    assert_eq!(output.reason, "imported from return.jsonl");
    assert!(output.member_id.is_some());
    // Importing the same file again publishes nothing new. Only a changed record is published.
    records.remove(8);
    records[0]["title"] = json!("Another title");
    let again = run_import(&app, &partner, &json_lines(&records), json!({"mode": "SUBMIT"})).await;
    assert_eq!(list_counts(&again), [1_099, 0, 0, 1, 1_098, 0, 0]);
    assert_eq!(
        initiative::Entity::find().count(&app.app.db).await.unwrap(),
        1_099
    );
    assert_eq!(revision::Entity::find().count(&app.app.db).await.unwrap(), 1_100);
}

async fn import_does_not_overwrite_a_record_in_review(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    run_import(
        &app,
        &partner,
        &json_lines(&[file_record("a")]),
        json!({"mode": "SUBMIT"}),
    )
    .await;
    let mut other = file_record("a");
    other["title"] = json!("Another title");
    for kept_as in ["SUBMIT", "DRAFT"] {
        let import = run_import(
            &app,
            &partner,
            &json_lines(&[other.clone()]),
            json!({"mode": kept_as}),
        )
        .await;
        assert_eq!(list_counts(&import), [1, 0, 0, 0, 0, 0, 1]);
        assert_eq!(
            load_rows(&partner, &import).await,
            ["1 REJECTED WRONG_STATE externalRef"]
        );
    }
    let kept = submission::Entity::find().all(&app.app.db).await.unwrap();
    assert_eq!((kept.len(), &kept[0].document), (1, &file_record("a")));
    // A file corrects a submission with requested changes.
    let steward = app.steward().await;
    let waiting = steward.query("{ submissions { nodes { id } } }").await;
    let id = &waiting["submissions"]["nodes"][0]["id"];
    steward
        .query(&format!(
            "mutation {{ requestChanges(input: {{id: {id}, note: \"Which title?\"}}) {{ submission {{ state }} }} }}"
        ))
        .await;
    let import = run_import(
        &app,
        &partner,
        &json_lines(&[other.clone()]),
        json!({"mode": "SUBMIT"}),
    )
    .await;
    assert_eq!(list_counts(&import), [1, 0, 1, 0, 0, 0, 0]);
    let kept = submission::Entity::find().all(&app.app.db).await.unwrap();
    assert_eq!((kept.len(), &kept[0].document), (1, &other));
    assert_eq!((kept[0].state.code(), &kept[0].review_note), ("SUBMITTED", &None));
}

async fn import_resumes_after_a_server_stops(database: Database) {
    // Five batches, so that some are left on a slow machine, where a batch can finish before the test sees it.
    const ROW_COUNT: i64 = 5_000;
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    allow_auto_publish(&app).await;
    let records: Vec<Value> = (0..ROW_COUNT)
        .map(|number| file_record(&number.to_string()))
        .collect();
    let sent = send_file(
        &app,
        &partner,
        "return.jsonl",
        &json_lines(&records),
        json!({"mode": "SUBMIT"}),
    )
    .await;
    let id = sent["data"]["importRecords"]["import"]["id"].clone();
    // The server stops during the import, more than once.
    let mut seen = 0;
    for _ in 0..2 {
        expire_leases(&app).await;
        let done = async {
            loop {
                let done = load_import(&partner, &id).await["rowsProcessed"]
                    .as_i64()
                    .unwrap();
                if done > seen {
                    seen = done;
                    break;
                }
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            ended = worker::run_queued(&app.app) => panic!("it ended before it was stopped: {ended:?}"),
            () = done => {}
        }
    }
    let left = load_import(&partner, &id).await;
    assert_eq!(left["state"], "RUNNING");
    assert!(left["rowsProcessed"].as_i64().unwrap() < ROW_COUNT, "{left}");
    assert_eq!(
        worker::run_queued(&app.app).await.unwrap(),
        0,
        "no other server takes the import before its lease ends"
    );
    expire_leases(&app).await;
    let before = import::Entity::find().one(&app.app.db).await.unwrap();
    assert_eq!(worker::run_queued(&app.app).await.unwrap(), 1, "{before:?}");
    let import = load_import(&partner, &id).await;
    assert_eq!(import["state"], "COMPLETED");
    assert_eq!(list_counts(&import), [ROW_COUNT, 0, 0, ROW_COUNT, 0, 0, 0]);
    let expected = ROW_COUNT.unsigned_abs();
    assert_eq!(
        submission::Entity::find().count(&app.app.db).await.unwrap(),
        expected
    );
    assert_eq!(
        revision::Entity::find().count(&app.app.db).await.unwrap(),
        expected
    );
    assert_eq!(
        import_outcome::Entity::find().count(&app.app.db).await.unwrap(),
        expected
    );
}

async fn two_servers_import_each_row_once(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    allow_auto_publish(&app).await;
    for file in 0..3 {
        // Some references are in several files.
        let records: Vec<Value> = (file * 800..file * 800 + 1_200)
            .map(|number| file_record(&number.to_string()))
            .collect();
        let sent = send_file(
            &app,
            &partner,
            "return.jsonl",
            &json_lines(&records),
            json!({"mode": "SUBMIT"}),
        )
        .await;
        assert_eq!(sent["data"]["importRecords"]["problems"], json!([]));
    }
    let other = TestApp::start_on_connection(
        app.database.clone(),
        crate::support::database::connect(&app.database.url)
            .await
            .unwrap(),
    )
    .await;
    let (one, another) = tokio::join!(worker::run_queued(&app.app), worker::run_queued(&other.app));
    assert_eq!(one.unwrap() + another.unwrap(), 3);
    assert_eq!(
        initiative::Entity::find().count(&app.app.db).await.unwrap(),
        2_800
    );
    let rows: Vec<import::Model> = import::Entity::find().all(&app.app.db).await.unwrap();
    let sum = |of: fn(&import::Model) -> i64| rows.iter().map(of).sum::<i64>();
    assert_eq!(
        (
            sum(|row| row.published_count),
            sum(|row| row.unchanged_count),
            sum(|row| row.rejected_count)
        ),
        (2_800, 800, 0),
        "{rows:#?}"
    );
    other.app.db.close_by_ref().await.unwrap();
}

const GRANTS_JSON: &str = r#"{"license": "https://creativecommons.org/licenses/by/4.0/", "grants": [
    {"id": "360G-a-1", "title": "One", "description": "D", "currency": "GBP", "amountAwarded": 100, "awardDate": "2020-01-01",
     "plannedDates": [{"startDate": "2020-01-01", "endDate": "2020-12-31", "duration": 12}],
     "recipientOrganization": [{"id": "GB-CHC-1", "name": "A charity"}],
     "fundingOrganization": [{"id": "GB-CHC-9", "name": "A funder"}]},
    {"id": "360G-b-1", "title": "Two", "description": "D", "currency": "GBP", "amountAwarded": 100, "awardDate": "2020-01-01",
     "recipientOrganization": [{"id": "GB-CHC-1", "name": "A charity"}],
     "fundingOrganization": [{"id": "GB-CHC-10", "name": "Another funder"}]},
    {"id": "360G-a-2", "title": "", "description": "D", "currency": "GBP", "amountAwarded": 100, "awardDate": "2020-01-01",
     "recipientOrganization": [{"id": "GB-CHC-1", "name": "A charity"}],
     "fundingOrganization": [{"id": "GB-CHC-9", "name": "A funder"}]}]}"#;

async fn funder_can_import_only_its_own_grants(database: Database) {
    let app = start_with_places(database).await;
    let funder = app.create_member("funder", Role::Funder, Some("GB-CHC-9")).await;
    let grants = json!({"kind": "GRANTS_360GIVING"});
    let take = async |client: &Client<'_>, content: &str, input: &Value| {
        let sent = send_file(&app, client, "grants.json", content, input.clone()).await;
        let sent = &sent["data"]["importRecords"];
        assert_eq!(sent["problems"], json!([]), "{sent}");
        worker::run_queued(&app.app).await.unwrap();
        app.catch_up().await;
        load_import(client, &sent["import"]["id"]).await
    };
    let import = take(&funder, GRANTS_JSON, &grants).await;
    assert_eq!(list_counts(&import), [3, 0, 0, 1, 0, 0, 2], "{import}");
    assert_eq!(import["format"], "JSON");
    let output = funder
        .query(&format!(
            "{{ import(id: {}) {{ rows {{ nodes {{ row outcome code column initiative {{ title }} }} }} }} }}",
            import["id"]
        ))
        .await;
    assert_eq!(
        output["import"]["rows"]["nodes"],
        json!([
            {"row": 1, "outcome": "PUBLISHED", "code": null, "column": null, "initiative": {"title": "One"}},
            {"row": 2, "outcome": "REJECTED", "code": "NOT_ALLOWED", "column": "fundingOrganization/0", "initiative": null},
            {"row": 3, "outcome": "REJECTED", "code": "INVALID_FORMAT", "column": "title", "initiative": null},
        ])
    );
    let counted = funder
        .query("{ distribution(of: FUNDING_DURATION_BAND, scope: VISIBLE) { bins { key count } } }")
        .await;
    let bands = counted["distribution"]["bins"].as_array().unwrap();
    let counted: i64 = bands.iter().filter_map(|bin| bin["count"].as_i64()).sum();
    assert_eq!(counted, 1, "{bands:?}");
    // A steward imports the grants of all funders. Existing ones stay unchanged.
    let steward = app.steward().await;
    let import = take(&steward, GRANTS_JSON, &grants).await;
    assert_eq!(list_counts(&import), [3, 0, 0, 1, 1, 0, 1]);
    assert_eq!(import["organisation"], Value::Null);
    // A grant of another funder does not become the funder's own, even if the file states that.
    let claimed = GRANTS_JSON.replace(
        "\"GB-CHC-10\", \"name\": \"Another funder\"",
        "\"GB-CHC-9\", \"name\": \"A funder\"",
    );
    let import = take(&funder, &claimed, &grants).await;
    assert_eq!(list_counts(&import), [3, 0, 0, 0, 1, 0, 2], "{import}");
    let output = load_rows(&steward, &import).await;
    assert_eq!(output[1], "2 REJECTED NOT_ALLOWED id", "{output:#?}");
    let kept = steward
        .query("{ initiatives(filter: {title: {eq: \"Two\"}}) { nodes { fundingTerms { funder { identifier } } } } }")
        .await;
    assert_eq!(
        kept["initiatives"]["nodes"][0]["fundingTerms"][0]["funder"]["identifier"],
        "GB-CHC-10"
    );
    // A file without a licence is rejected unless the input states one.
    let unlicensed = GRANTS_JSON.replace(
        "\"license\": \"https://creativecommons.org/licenses/by/4.0/\", ",
        "",
    );
    let import = take(&funder, &unlicensed, &grants).await;
    assert_eq!((&import["state"], list_counts(&import)[0]), (&json!("FAILED"), 0));
    assert!(
        import["failureReason"].as_str().unwrap().contains("licence"),
        "{import}"
    );
    let licensed = json!({"kind": "GRANTS_360GIVING", "licence": "CC-BY-4.0"});
    let import = take(&funder, &unlicensed, &licensed).await;
    assert_eq!(
        (&import["state"], list_counts(&import)[0]),
        (&json!("COMPLETED"), 3)
    );
}

async fn imports_are_visible_only_to_their_sender(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let import = run_import(&app, &partner, &json_lines(&[file_record("a")]), json!({})).await;
    let funder = app.create_member("funder", Role::Funder, Some("GB-CHC-9")).await;
    let other = app
        .create_member("other", Role::Partner, Some("GB-CHC-501"))
        .await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    for client in [&funder, &other] {
        let seen = client
            .query(&format!(
                "{{ import(id: {0}) {{ id }} imports {{ totalCount }} node(id: {0}) {{ id }} }}",
                import["id"]
            ))
            .await;
        assert_eq!(
            seen,
            json!({"import": null, "imports": {"totalCount": 0}, "node": null})
        );
    }
    let (_, code) = dashboard.query_error("{ imports { totalCount } }").await;
    assert_eq!(code, "FORBIDDEN");
    let foreign = app
        .steward()
        .await
        .query(&format!(
            "{{ organisation(identifier: \"{PARTNER_ORGANISATION}\") {{ id }} }}"
        ))
        .await;
    let foreign = &foreign["organisation"]["id"];
    for (client, input, code, path) in [
        (&funder, json!({}), "NOT_ALLOWED", "kind"),
        (
            &partner,
            json!({"kind": "GRANTS_360GIVING"}),
            "NOT_ALLOWED",
            "kind",
        ),
        (
            &other,
            json!({"organisation": foreign}),
            "NOT_ALLOWED",
            "organisation",
        ),
    ] {
        let grants = input["kind"] == "GRANTS_360GIVING";
        let content = if grants {
            GRANTS_JSON.to_owned()
        } else {
            json_lines(&[file_record("a")])
        };
        let sent = send_file(&app, client, "file", &content, input).await;
        let errors = &sent["data"]["importRecords"]["problems"];
        assert_eq!(
            (&errors[0]["code"], &errors[0]["path"]),
            (&json!(code), &json!([path])),
            "{sent}"
        );
    }
    let sent = send_file(&app, &dashboard, "file", "{}", json!({})).await;
    assert_eq!(sent["errors"][0]["extensions"]["code"], "FORBIDDEN");
    // A steward acts for no organisation, so the input must name it.
    let steward = app.steward().await;
    let sent = send_file(
        &app,
        &steward,
        "file",
        &json_lines(&[file_record("b")]),
        json!({}),
    )
    .await;
    assert_eq!(
        sent["data"]["importRecords"]["problems"][0]["code"], "REQUIRED",
        "{sent}"
    );
    let import = run_import(
        &app,
        &steward,
        &json_lines(&[file_record("b")]),
        json!({"organisation": foreign, "mode": "SUBMIT"}),
    )
    .await;
    assert_eq!(list_counts(&import), [1, 0, 1, 0, 0, 0, 0]);
    assert_eq!(
        import::Entity::find().count(&app.app.db).await.unwrap(),
        2,
        "a rejected file is not stored"
    );
}

async fn file_sent_twice_with_one_key_is_imported_once(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let content = json_lines(&[file_record("a")]);
    let input = json!({"idempotencyKey": "march"});
    let first = send_file(&app, &partner, "return.jsonl", &content, input.clone()).await;
    let second = send_file(&app, &partner, "return.jsonl", &content, input.clone()).await;
    assert_eq!(
        first["data"]["importRecords"]["import"]["id"],
        second["data"]["importRecords"]["import"]["id"]
    );
    let other = send_file(
        &app,
        &partner,
        "return.jsonl",
        &json_lines(&[file_record("b")]),
        input,
    )
    .await;
    let errors = &other["data"]["importRecords"]["problems"];
    assert_eq!(errors[0]["code"], "IDEMPOTENCY_KEY_REUSED", "{other}");
    assert_eq!(worker::run_queued(&app.app).await.unwrap(), 1);
    assert_eq!(submission::Entity::find().count(&app.app.db).await.unwrap(), 1);
}

async fn truncated_file_reports_what_was_imported(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    for content in ["", " \n", "\u{0}"] {
        let sent = send_file(&app, &partner, "return.txt", content, json!({})).await;
        let errors = &sent["data"]["importRecords"]["problems"];
        assert_eq!(errors[0]["path"], json!(["file"]), "{content:?}: {sent}");
    }
    let funder = app.create_member("funder", Role::Funder, Some("GB-CHC-9")).await;
    let broken = &GRANTS_JSON[..GRANTS_JSON.len() / 2];
    let sent = send_file(
        &app,
        &funder,
        "grants.json",
        broken,
        json!({"kind": "GRANTS_360GIVING"}),
    )
    .await;
    worker::run_queued(&app.app).await.unwrap();
    let import = load_import(&funder, &sent["data"]["importRecords"]["import"]["id"]).await;
    assert_eq!(import["state"], "FAILED");
    assert!(
        import["failureReason"].as_str().unwrap().contains("line"),
        "{import}"
    );
    // Too many rows: only those up to the limit are imported, and the import reports that.
    let limits = FileLimits {
        rows: 3,
        ..FileLimits::default()
    };
    let app = with_file_limits(app, limits);
    let records: Vec<Value> = (0..5).map(|number| file_record(&number.to_string())).collect();
    let import = run_import(&app, &partner_client(&app), &json_lines(&records), json!({})).await;
    assert_eq!((&import["state"], list_counts(&import)[0]), (&json!("FAILED"), 3));
    assert!(
        import["failureReason"].as_str().unwrap().contains("over 3 rows"),
        "{import}"
    );
}

/// Restarts the service with other limits for files.
fn with_file_limits(app: TestApp, limits: FileLimits) -> TestApp {
    let settings = job::ImportSettings {
        limits,
        ..job::ImportSettings::default()
    };
    restart_with_import_settings(app, settings)
}

fn partner_client(app: &TestApp) -> Client<'_> {
    let mut client = app.anonymous();
    client.authorization = Some(format!("Bearer {}", sign_token("partner")));
    client
}

async fn import_of_a_revoked_member_stops(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let sent = send_file(
        &app,
        &partner,
        "return.jsonl",
        &json_lines(&[file_record("a")]),
        json!({}),
    )
    .await;
    let subject = wayin::auth::jwt::TokenSubject {
        issuer: crate::support::app::ISSUER.into(),
        subject: "partner".into(),
    };
    member::revoke(&app.app.db, &TestApp::action(), &subject)
        .await
        .unwrap();
    worker::run_queued(&app.app).await.unwrap();
    let steward = app.steward().await;
    let import = load_import(&steward, &sent["data"]["importRecords"]["import"]["id"]).await;
    assert_eq!((&import["state"], list_counts(&import)[0]), (&json!("FAILED"), 0));
    assert_eq!(submission::Entity::find().count(&app.app.db).await.unwrap(), 0);
}

/// The `map` part of a GraphQL multipart request.
const MULTIPART_MAP: &str = r#"{"0": ["variables.input.file"]}"#;

/// A GraphQL multipart request as browsers and curl write it.
fn build_multipart(operations: &str, map: &str, content: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for (name, value) in [("operations", operations), ("map", map)] {
        write!(
            body,
            "--edge\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n"
        )
        .unwrap();
    }
    write!(
        body,
        "--edge\r\nContent-Disposition: form-data; name=\"0\"; filename=\"C:\\files\\return.jsonl\"\r\n\
         Content-Type: application/jsonl\r\n\r\n"
    )
    .unwrap();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--edge--\r\n");
    body
}

async fn multipart_upload_is_limited(database: Database) {
    let app = start_with_places(database).await;
    app.partner().await;
    app.create_member("dashboard", Role::Dashboard, None).await;
    let limits = FileLimits {
        bytes: 400_000,
        ..FileLimits::default()
    };
    let app = with_file_limits(app, limits);
    let operations = json!({
        "query": "mutation($input: ImportRecordsInput!) { importRecords(input: $input) {
            import { fileName bytes state } problems { code path message } } }",
        "variables": {"input": {"file": null}},
    })
    .to_string();
    let send = async |subject: Option<&str>, body: Vec<u8>| {
        let mut request = http::Request::post("/graphql")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=edge");
        if let Some(subject) = subject {
            request = request.header(header::AUTHORIZATION, format!("Bearer {}", sign_token(subject)));
        }
        let request = request.body(Body::from(body)).unwrap();
        let response = server::build_router(Arc::clone(&app.app))
            .oneshot(request)
            .await
            .unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        (status, serde_json::from_slice::<Value>(&body).unwrap())
    };
    let post = async |subject, content: &[u8]| {
        send(subject, build_multipart(&operations, MULTIPART_MAP, content)).await
    };
    let content = file_record("a").to_string();
    let (status, answer) = post(Some("partner"), content.as_bytes()).await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(
        answer["data"]["importRecords"],
        json!({"import": {"fileName": "return.jsonl", "bytes": content.len(), "state": "QUEUED"}, "problems": []}),
        "{answer}"
    );
    // The mutation rejects a file that is slightly too long. A much longer one is not read to its end.
    let long = [content.as_bytes(), &vec![b' '; 400_000]].concat();
    let (status, answer) = post(Some("partner"), &long).await;
    assert_eq!(status, StatusCode::OK);
    let errors = &answer["data"]["importRecords"]["problems"];
    assert_eq!(
        (&errors[0]["code"], &errors[0]["path"]),
        (&json!("TOO_LONG"), &json!(["file"]))
    );
    let (status, answer) = post(Some("partner"), &vec![b' '; 4_000_000]).await;
    assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{answer}");
    let (status, answer) = post(None, content.as_bytes()).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED");
    let (status, answer) = post(Some("dashboard"), content.as_bytes()).await;
    assert_eq!(status, StatusCode::FORBIDDEN, "{answer}");
    // The size of `operations` and `map` has the same limit as a request without a file.
    let much = " ".repeat(256 * 1024);
    for (operations, map, part) in [
        (
            format!("{operations}{much}"),
            MULTIPART_MAP.to_owned(),
            "operations",
        ),
        (operations.clone(), format!("{MULTIPART_MAP}{much}"), "map"),
    ] {
        let body = build_multipart(&operations, &map, content.as_bytes());
        let (status, answer) = send(Some("partner"), body).await;
        assert_eq!(status, StatusCode::PAYLOAD_TOO_LARGE, "{answer}");
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
        let said = error["message"].as_str().unwrap();
        assert!(said.contains(part) && said.contains("262144"), "{said}");
    }
    // A request can have one file, for one variable.
    for map in [
        r#"{"0": ["variables.input.file", "variables.input.file"]}"#,
        r#"{"0": ["variables.input.file"], "1": ["variables.input.file"]}"#,
        r#"{"1": ["variables.input.file"]}"#,
        "[]",
    ] {
        let body = build_multipart(&operations, map, content.as_bytes());
        let (status, answer) = send(Some("partner"), body).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{map}: {answer}");
    }
    assert_eq!(import::Entity::find().count(&app.app.db).await.unwrap(), 1);
}

async fn files_expire_after_the_retention_period(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let import = run_import(&app, &partner, &json_lines(&[file_record("a")]), json!({})).await;
    let db = &app.app.db;
    let sweep = async |days| {
        let now = SystemClock.now() + chrono::TimeDelta::days(days);
        expiry::delete_expired(db, &SystemClock, &ExpiryPolicy::from_days(0, 30), now)
            .await
            .unwrap()
            .imports
    };
    assert_eq!(sweep(29).await, 0);
    assert_eq!(import_chunk::Entity::find().count(db).await.unwrap(), 1);
    assert_eq!(sweep(31).await, 1);
    assert_eq!(sweep(31).await, 0, "once");
    assert_eq!(import_chunk::Entity::find().count(db).await.unwrap(), 0);
    assert_eq!(import_outcome::Entity::find().count(db).await.unwrap(), 0);
    let events = "{ auditEvents(filter: {action: \"expireImport\"}) { nodes { subjectId actor { id } } } }";
    assert_eq!(
        app.steward().await.query(events).await["auditEvents"]["nodes"],
        json!([{"subjectId": import["id"], "actor": null}])
    );
    assert_eq!(load_rows(&partner, &import).await, [] as [&str; 0]);
    let after = load_import(&partner, &import["id"]).await;
    assert_eq!(list_counts(&after), list_counts(&import), "the counts stay");
    assert_eq!(after["correctionsUrl"], Value::Null);
    assert_eq!(
        submission::Entity::find().count(db).await.unwrap(),
        1,
        "the records stay"
    );
}

async fn only_the_first_rows_of_an_oversized_file_are_imported(database: Database) {
    let limits = FileLimits {
        rows: 2,
        ..FileLimits::default()
    };
    let app = with_file_limits(start_with_places(database).await, limits);
    let partner = app.partner().await;
    let funder = app.create_member("funder", Role::Funder, Some("GB-CHC-9")).await;
    let records = json_lines(&["a", "b", "c"].map(file_record));
    let grants = json!({"kind": "GRANTS_360GIVING"});
    for (client, name, content, input) in [
        (&partner, "return.jsonl", records.as_str(), json!({})),
        (&funder, "grants.json", GRANTS_JSON, grants),
    ] {
        let sent = send_file(&app, client, name, content, input).await;
        let sent = &sent["data"]["importRecords"];
        assert_eq!(sent["problems"], json!([]), "{sent}");
        worker::run_queued(&app.app).await.unwrap();
        let import = load_import(client, &sent["import"]["id"]).await;
        assert_eq!(
            (&import["state"], &import["rowsProcessed"]),
            (&json!("FAILED"), &json!(2)),
            "{import}"
        );
        let refusal = import["failureReason"].as_str().unwrap();
        assert!(refusal.contains('2'), "the limit is named: {refusal}");
    }
}
