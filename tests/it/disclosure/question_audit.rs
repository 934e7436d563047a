//! Stewards see how many questions each member asks under disclosure control, and how many of these rest on few hidden
//! records.

use std::sync::Arc;

use axum::http::StatusCode;
use chrono::{DateTime, Days};
use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait};
use serde_json::{Value, json};
use wayin::clock::{Clock, FixedClock, SystemClock};
use wayin::expiry::{ExpiryPolicy, delete_expired};
use wayin::id;
use wayin_entity::{Role, question_count};

use super::fixture::{create_clients, start_with_records};
use crate::support::app::{Client, TestApp, unlimited_cost_settings};
use crate::support::http::{export_address, get, send};
use crate::support::reference_data::save_reference_data;
use crate::support::socket::TestServer;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    questions_on_few_hidden_records_are_counted,
    every_way_to_ask_is_counted,
    counts_of_all_servers_are_added,
    counts_are_stored_when_a_server_stops,
    counts_that_cannot_be_stored_are_kept,
    counts_are_listed_by_days_and_deleted_after_a_year,
    only_stewards_read_question_counts,
];

/// Nearly all hidden records count in each of these.
const BROAD_QUESTIONS: [&str; 6] = [
    "pattern(when: {}, then: {}) { scope }",
    "patternGrid(rows: REGION, columns: YEAR_STARTED) { scope }",
    "distribution(of: REGION) { scope }",
    "entryPointFlows(perspective: FUNDER) { scope }",
    "associations(conditions: [{name: \"a\", condition: {}}, {name: \"b\", condition: {}}]) { scope }",
    // However many groups it has, it is one question.
    "compare(groups: [{label: \"a\", filter: {}}, {label: \"b\", filter: {}}], then: {}) { scope }",
];

// Each is true of a third of the hidden records, and all three of about 17 of them.
const SKIPPED: &str = "{challenge: {on: DEFINING_AMBITIONS, step: {in: [SKIPPED]}}}";
const ALTERED: &str = "{condition: {on: GOVERNANCE, change: {eq: ALTERED}}}";
const COLLABORATION: &str = "{wayIn: {in: [COLLABORATION], perspective: FUNDER}}";

/// Questions with a count over all initiatives that rests on about 17 hidden records.
fn list_narrow_questions() -> [String; 5] {
    let all = format!("{{and: [{SKIPPED}, {ALTERED}, {COLLABORATION}]}}");
    [
        format!("pattern(when: {SKIPPED}, then: {ALTERED}, among: {COLLABORATION}) {{ scope }}"),
        format!("patternGrid(rows: REGION, columns: YEAR_STARTED, among: {all}) {{ scope }}"),
        format!("distribution(of: REGION, among: {all}) {{ scope }}"),
        format!(
            "associations(conditions: [{{name: \"a\", condition: {SKIPPED}}}, {{name: \"b\", condition: {ALTERED}}}],
               among: {COLLABORATION}) {{ scope }}"
        ),
        format!(
            "compare(groups: [{{label: \"a\", filter: {SKIPPED}}}], then: {ALTERED}, among: {COLLABORATION}) {{ scope }}"
        ),
    ]
}

async fn ask(client: &Client<'_>, question: &str) {
    client.query(&format!("{{ {question} }}")).await;
}

/// The counts of the last days, as a steward reads them.
async fn list_counts(steward: &Client<'_>, days: u32) -> Value {
    let fields = "member { subject } questions questionsOnFewHiddenRecords";
    let query = format!("{{ questionCounts(days: {days}) {{ {fields} }} }}");
    steward.query(&query).await["questionCounts"].take()
}

fn count_of(subject: &str, questions: usize, on_few_hidden: usize) -> Value {
    json!({"member": {"subject": subject}, "questions": questions, "questionsOnFewHiddenRecords": on_few_hidden})
}

async fn questions_on_few_hidden_records_are_counted(database: Database) {
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let partner = app
        .create_member("partner", Role::Partner, Some("GB-CHC-100"))
        .await;
    assert_eq!(list_counts(&steward, 30).await, json!([]));
    for question in BROAD_QUESTIONS {
        ask(&dashboard, question).await;
    }
    assert_eq!(
        list_counts(&steward, 30).await,
        json!([count_of("dashboard", 6, 0)])
    );
    // The second time, the answer comes from the cache.
    for _ in 0..2 {
        for (number, question) in (1..).zip(list_narrow_questions()) {
            let before = list_counts(&steward, 30).await[0]["questionsOnFewHiddenRecords"].take();
            ask(&dashboard, &question).await;
            let after = list_counts(&steward, 30).await[0]["questionsOnFewHiddenRecords"].take();
            assert_eq!(
                after.as_i64(),
                before.as_i64().map(|count| count + 1),
                "question {number} rests on few hidden records: {question}"
            );
        }
    }
    assert_eq!(
        list_counts(&steward, 30).await,
        json!([count_of("dashboard", 16, 10)])
    );

    // Those of a steward, over visible records, and those that are refused do not count.
    for question in BROAD_QUESTIONS {
        ask(&steward, question).await;
        ask(&dashboard, &question.replacen(") {", ", scope: VISIBLE) {", 1)).await;
    }
    let refused = format!(
        "{{ distribution(of: CHALLENGE_UNDERSTANDING, among: {{and: [{SKIPPED}, {ALTERED}, {COLLABORATION}]}}) {{ scope }} }}"
    );
    assert_eq!(dashboard.query_error(&refused).await.1, "DISCLOSURE_CONTROL");
    // Those with the most questions on few hidden records come first.
    for _ in 0..17 {
        ask(&partner, BROAD_QUESTIONS[0]).await;
    }
    assert_eq!(
        list_counts(&steward, 30).await,
        json!([count_of("dashboard", 16, 10), count_of("partner", 17, 0)])
    );
}

async fn every_way_to_ask_is_counted(database: Database) {
    let app = TestApp::start(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let claim = json!({"slug": "a-claim", "statement": "One goes with the other", "when": {}, "then": {}});
    save_reference_data(&steward, "saveClaim", claim).await;
    assert_eq!(list_counts(&steward, 30).await, json!([]), "nobody asked");

    let of_claim = "claim(slug: \"a-claim\") { pattern { scope } }";
    ask(&app.anonymous(), of_claim).await;
    assert_eq!(
        list_counts(&steward, 30).await,
        json!([]),
        "nobody is known to ask"
    );
    ask(&dashboard, of_claim).await;
    assert_eq!(
        list_counts(&steward, 30).await,
        json!([count_of("dashboard", 1, 0)])
    );
    dashboard
        .subscribe_first_data("subscription { patternChanged(when: {}, then: {}) { scope } }")
        .await;
    assert_eq!(
        list_counts(&steward, 30).await,
        json!([count_of("dashboard", 2, 0)])
    );
    let files = [
        ("pattern", json!({"when": {}, "then": {}})),
        ("distribution", json!({"of": "REGION"})),
    ];
    for (file, parameters) in files {
        let address = export_address(file, &parameters);
        let (status, ..) = send(&app.app, get(&address, dashboard.authorization.as_deref())).await;
        assert_eq!(status, StatusCode::OK, "{address}");
    }
    assert_eq!(
        list_counts(&steward, 30).await,
        json!([count_of("dashboard", 4, 0)])
    );
}

async fn counts_of_all_servers_are_added(database: Database) {
    let app = TestApp::start(database.clone()).await;
    let other = TestApp::start(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    ask(&dashboard, BROAD_QUESTIONS[0]).await;
    ask(&other.client("dashboard"), BROAD_QUESTIONS[0]).await;
    ask(&other.client("dashboard"), BROAD_QUESTIONS[2]).await;
    let of_all = json!([count_of("dashboard", 3, 0)]);
    assert_eq!(
        list_counts(&steward, 30).await,
        json!([count_of("dashboard", 1, 0)]),
        "the other server has stored nothing yet"
    );
    assert_eq!(list_counts(&other.client("steward"), 30).await, of_all);
    assert_eq!(list_counts(&steward, 30).await, of_all);
}

async fn counts_are_stored_when_a_server_stops(database: Database) {
    let app = TestApp::start(database.clone()).await;
    let other = TestApp::start(database).await;
    let (_, dashboard) = create_clients(&app).await;
    let mut server = TestServer::start(&app).await;
    ask(&dashboard, BROAD_QUESTIONS[0]).await;
    server.stop();
    server.wait_until_stopped().await;
    assert_eq!(
        list_counts(&other.client("steward"), 30).await,
        json!([count_of("dashboard", 1, 0)])
    );
}

async fn counts_that_cannot_be_stored_are_kept(database: Database) {
    let app = TestApp::start(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let (audit, db) = (&app.app.question_audit, &app.app.db);
    ask(&dashboard, BROAD_QUESTIONS[0]).await;
    db.execute_unprepared("ALTER TABLE question_count RENAME TO moved")
        .await
        .unwrap();
    audit.store(db, &SystemClock).await.unwrap_err();
    ask(&dashboard, BROAD_QUESTIONS[0]).await;
    audit.store(db, &SystemClock).await.unwrap_err();
    db.execute_unprepared("ALTER TABLE moved RENAME TO question_count")
        .await
        .unwrap();
    for _ in 0..2 {
        audit.store(db, &SystemClock).await.unwrap();
        assert_eq!(
            list_counts(&steward, 30).await,
            json!([count_of("dashboard", 2, 0)])
        );
    }
}

async fn counts_are_listed_by_days_and_deleted_after_a_year(database: Database) {
    let now = DateTime::from_timestamp(1_700_000_000, 0).unwrap();
    let clock = Arc::new(FixedClock::at(now));
    let app = TestApp::with_costs(database, unlimited_cost_settings(), clock).await;
    let (steward, dashboard) = create_clients(&app).await;
    let db = &app.app.db;
    let viewer = dashboard.query("{ viewer { id } }").await;
    let (_, member_id) = id::decode(viewer["viewer"]["id"].as_str().unwrap()).unwrap();
    for age in [0, 29, 30, 365, 366, 367] {
        let row = question_count::Model {
            id: SystemClock.new_id(),
            member_id,
            day: now.date_naive() - Days::new(age),
            question_count: 10,
            few_hidden_count: 2,
            created_at: now,
            updated_at: now,
        };
        row.into_active_model().insert(db).await.unwrap();
    }
    ask(&dashboard, BROAD_QUESTIONS[0]).await;
    for (days, listed_days) in [(1, 1), (29, 1), (30, 2), (31, 3), (365, 3), (366, 4)] {
        let expected = count_of("dashboard", 10 * listed_days + 1, 2 * listed_days);
        assert_eq!(
            list_counts(&steward, days).await,
            json!([expected]),
            "{days} days"
        );
    }
    let found = steward.query("{ questionCounts { lastAskedOn } }").await;
    assert_eq!(found["questionCounts"], json!([{"lastAskedOn": "2023-11-14"}]));

    for expected in [1, 0] {
        let deleted = delete_expired(db, &SystemClock, &ExpiryPolicy::default(), now).await;
        assert_eq!(deleted.unwrap().question_counts, expected);
    }
    assert_eq!(question_count::Entity::find().count(db).await.unwrap(), 5);
}

async fn only_stewards_read_question_counts(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let query = |days: i32| format!("{{ questionCounts(days: {days}) {{ questions }} }}");
    for (role, organisation) in [
        (Role::Partner, Some("GB-CHC-1")),
        (Role::Funder, Some("GB-CHC-2")),
        (Role::Dashboard, None),
    ] {
        let client = app.create_member(role.code(), role, organisation).await;
        let (message, code) = client.query_error(&query(30)).await;
        assert_eq!(code, "FORBIDDEN", "{role:?}: {message}");
    }
    for days in [i32::MIN, -1, 0, 367, i32::MAX] {
        let (message, code) = steward.query_error(&query(days)).await;
        assert_eq!(code, "BAD_USER_INPUT", "{message}");
        assert!(message.starts_with("days: "), "{message}");
    }
    for days in [1, 366] {
        steward.query(&query(days)).await;
    }
}
