//! Mutations that are sent again with an idempotency key run once and return the first result.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use wayin::clock::{Clock, SystemClock};
use wayin::expiry::{self, ExpiryPolicy};
use wayin_entity::{Role, idempotency_key};

use crate::support::app::{Client, TestApp};
use crate::support::places::start_with_places;
use crate::support::redaction::redact;
use crate::support::reference_data::save_reference_data;
use crate::support::submissions::{draft_record, list_problems, mutate, mutate_ok, to_owned_pairs};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    mutation_with_a_key_runs_once,
    replay_returns_the_original_result,
    replay_can_select_other_fields,
    replay_returns_redacted_text,
    replay_needs_the_same_permission,
    result_stored_by_version_0_1_is_replayed,
    concurrent_requests_with_one_key_run_once,
    two_servers_with_one_key_run_it_once,
];

async fn mutation_with_a_key_runs_once(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let input = json!({"record": draft_record("a"), "idempotencyKey": "k-1"});
    let first = mutate_ok(&partner, "saveSubmission", input.clone()).await;
    let again = mutate_ok(&partner, "saveSubmission", input.clone()).await;
    assert_eq!(first, again, "the stored result is returned");
    let total = || partner.query("{ submissions { totalCount } }");
    assert_eq!(total().await["submissions"]["totalCount"], 1);
    let other = json!({"record": draft_record("b"), "idempotencyKey": "k-1"});
    let refused = mutate(&partner, "saveSubmission", other.clone()).await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")])
    );
    let refused = mutate(
        &partner,
        "submitForReview",
        json!({"id": first["id"], "idempotencyKey": "k-1"}),
    )
    .await;
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("IDEMPOTENCY_KEY_REUSED", "idempotencyKey")])
    );
    // Another member can use the same key.
    let stranger = app
        .create_member("stranger", Role::Partner, Some("GB-CHC-501"))
        .await;
    mutate_ok(&stranger, "saveSubmission", other.clone()).await;
    // A rejected mutation stores no result, so the corrected input can use the same key.
    let empty = mutate_ok(&partner, "saveSubmission", json!({"record": {}})).await;
    let refused = mutate(
        &partner,
        "submitForReview",
        json!({"id": empty["id"], "idempotencyKey": "k-2"}),
    )
    .await;
    assert_ne!(refused["problems"], json!([]));
    mutate_ok(
        &partner,
        "saveSubmission",
        json!({"id": empty["id"], "record": draft_record("c")}),
    )
    .await;
    mutate_ok(
        &partner,
        "submitForReview",
        json!({"id": empty["id"], "idempotencyKey": "k-2"}),
    )
    .await;
    // A key can be reused after a day.
    let rows = idempotency_key::Entity::find().all(&app.app.db).await.unwrap();
    for row in rows {
        let mut row = row.into_active_model();
        row.created_at = Set(SystemClock.now() - chrono::TimeDelta::hours(25));
        row.update(&app.app.db).await.unwrap();
    }
    mutate_ok(&partner, "saveSubmission", other).await;
    for (key, long) in [("", 0), ("x", 201), ("\u{0}", 1)] {
        let key = if long > 1 {
            key.repeat(long)
        } else {
            key.to_owned()
        };
        let refused = mutate(
            &partner,
            "saveSubmission",
            json!({"record": {}, "idempotencyKey": key}),
        )
        .await;
        assert_eq!(
            list_problems(&refused["problems"]),
            to_owned_pairs(&[("INVALID_FORMAT", "idempotencyKey")])
        );
    }
}

async fn replay_returns_the_original_result(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    // The conflicts of a record depend on other data, so a replay returns the current ones.
    let answer = async |client: &Client<'_>, name: &str, input: &Value| {
        let mut payload = mutate(client, name, input.clone()).await;
        assert_eq!(payload["problems"], json!([]), "{name} {input}: {payload}");
        payload["submission"]["problems"].take();
        payload
    };
    let save = json!({"record": draft_record("a"), "idempotencyKey": "save"});
    let saved = answer(&partner, "saveSubmission", &save).await;
    let id = &saved["submission"]["id"];
    let mut altered = draft_record("a");
    altered["title"] = "Altered".into();
    mutate_ok(&partner, "saveSubmission", json!({"id": id, "record": altered})).await;
    let send = json!({"id": id, "idempotencyKey": "send"});
    let sent = answer(&partner, "submitForReview", &send).await;
    let give_back = json!({"id": id, "note": "Correct it", "idempotencyKey": "return"});
    let returned = answer(&steward, "requestChanges", &give_back).await;
    mutate_ok(
        &partner,
        "saveSubmission",
        json!({"id": id, "record": draft_record("a")}),
    )
    .await;
    mutate_ok(&partner, "submitForReview", json!({"id": id})).await;
    let publish = json!({"id": id, "idempotencyKey": "publish"});
    let published = answer(&steward, "publishSubmission", &publish).await;
    let output = |payload: &Value| {
        let submission = &payload["submission"];
        let fields = ["state", "version", "reviewNote"].map(|field| submission[field].clone());
        (
            Value::from(fields.to_vec()),
            submission["record"]["title"].clone(),
        )
    };
    for (client, name, input, first, expected) in [
        (
            &partner,
            "saveSubmission",
            &save,
            &saved,
            (json!(["DRAFT", 1, null]), json!("Initiative a")),
        ),
        (
            &partner,
            "submitForReview",
            &send,
            &sent,
            (json!(["SUBMITTED", 2, null]), json!("Altered")),
        ),
        (
            &steward,
            "requestChanges",
            &give_back,
            &returned,
            (json!(["CHANGES_REQUESTED", 2, "Correct it"]), json!("Altered")),
        ),
        (
            &steward,
            "publishSubmission",
            &publish,
            &published,
            (json!(["PUBLISHED", 3, null]), json!("Initiative a")),
        ),
    ] {
        assert_eq!(output(first), expected, "{name}");
        assert_eq!(&answer(client, name, input).await, first, "{name}: again");
    }
    let events =
        format!("{{ submissions {{ totalCount }} auditEvents(filter: {{subject: {id}}}) {{ totalCount }} }}");
    assert_eq!(
        steward.query(&events).await,
        json!({"submissions": {"totalCount": 1}, "auditEvents": {"totalCount": 7}}),
        "nothing was done twice"
    );
    // A member that can no longer see the submission gets no replay.
    app.create_member("partner", Role::Partner, Some("GB-CHC-501"))
        .await;
    let refused = mutate(&partner, "saveSubmission", save).await;
    assert_eq!(refused["submission"], Value::Null);
    assert_eq!(
        list_problems(&refused["problems"]),
        to_owned_pairs(&[("NOT_FOUND", "id")])
    );
    // Stored results expire after a day.
    let later = |hours| SystemClock.now() + chrono::TimeDelta::hours(hours);
    for (hours, answers) in [(23, 0), (25, 4)] {
        let gone = expiry::delete_expired(&app.app.db, &SystemClock, &ExpiryPolicy::default(), later(hours))
            .await
            .unwrap();
        assert_eq!(gone.idempotency_keys, answers, "after {hours} hours");
    }
}

async fn replay_can_select_other_fields(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    let input = json!({"record": draft_record("a"), "idempotencyKey": "k"});
    let saved = mutate_ok(&partner, "saveSubmission", input.clone()).await;
    let other = json!({"id": saved["id"], "record": draft_record("b")});
    mutate_ok(&partner, "saveSubmission", other).await;
    let query = "mutation($input: SaveSubmissionInput!) { saveSubmission(input: $input) {
        changeNumber conflicts { path } submission { version record organisation { name } } } }";
    let again = partner.execute_with(query, json!({"input": input})).await;
    assert_eq!(
        again["data"]["saveSubmission"],
        json!({
            "changeNumber": null, "conflicts": [],
            "submission": {
                "version": 1, "record": draft_record("a"),
                "organisation": {"name": "GB-CHC-500"},
            },
        }),
        "{again}"
    );
}

async fn replay_returns_redacted_text(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let mut record = draft_record("a");
    record["title"] = "Zelda's group".into();
    let save = json!({"record": record, "idempotencyKey": "save"});
    mutate_ok(&partner, "saveSubmission", save.clone()).await;
    let term =
        json!({"slug": "group", "name": "group", "definition": "As Zelda says", "idempotencyKey": "term"});
    save_reference_data(&steward, "saveTerm", term.clone()).await;

    let redacted = redact(&steward, "Zelda", "They asked").await;
    assert_eq!(redacted["problems"], json!([]));
    let again = mutate_ok(&partner, "saveSubmission", save).await;
    assert_eq!(again["record"]["title"], "[redacted]'s group");
    let query =
        "mutation($input: SaveTermInput!) { saveTerm(input: $input) { term { definition version } } }";
    let again = steward.execute_with(query, json!({"input": term})).await;
    assert_eq!(
        again["data"]["saveTerm"]["term"],
        json!({"definition": "As [redacted] says", "version": 1}),
        "{again}"
    );
    let stored = idempotency_key::Entity::find().all(&app.app.db).await.unwrap();
    assert_eq!(stored.len(), 2);
    assert!(!format!("{stored:?}").contains("Zelda"), "{stored:?}");
}

async fn replay_needs_the_same_permission(database: Database) {
    let app = start_with_places(database).await;
    let steward = app.steward().await;
    let query = "mutation($input: SaveTermInput!) { saveTerm(input: $input) { term { name } } }";
    let variables = json!({"input": {"slug": "group", "name": "group", "definition": "Some people", "idempotencyKey": "k"}});
    let first = steward.execute_with(query, variables.clone()).await;
    assert_eq!(first["data"]["saveTerm"]["term"]["name"], "group", "{first}");
    app.create_member("steward", Role::Dashboard, None).await;
    let refused = steward.execute_with(query, variables.clone()).await;
    assert_eq!(refused["data"], Value::Null);
    assert_eq!(
        refused["errors"][0]["extensions"]["code"], "FORBIDDEN",
        "{refused}"
    );
    app.create_member("steward", Role::Steward, None).await;
    assert_eq!(steward.execute_with(query, variables).await, first);
}

/// Results were stored column by column. Columns that later versions added are absent, and those that they
/// removed are still stored.
async fn result_stored_by_version_0_1_is_replayed(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let db = &app.app.db;
    let save = json!({"record": draft_record("a"), "idempotencyKey": "submission"});
    let saved = mutate_ok(&partner, "saveSubmission", save.clone()).await;
    let query = "mutation($input: SaveTermInput!) { saveTerm(input: $input) {
        cleared term { id slug name definition synonyms version } } }";
    let term = json!({"input": {"slug": "group", "name": "group", "definition": "Some people", "idempotencyKey": "term"}});
    let term_saved = steward.execute_with(query, term.clone()).await;

    let rows = idempotency_key::Entity::find().all(db).await.unwrap();
    assert_eq!(rows.len(), 2);
    for row in rows {
        let answer = row.answer.as_ref().unwrap();
        let at = "2026-11-01T10:00:00.123456Z";
        let old = if row.key == "term" {
            json!({
                "row": {
                    "id": answer["row"]["id"], "slug": "group", "name": "group", "name_folded": "group",
                    "definition": "Some people", "synonyms": [], "usage_note": null, "code": null,
                    "created_at": at, "updated_at": at,
                },
                "version": 1, "change": null,
            })
        } else {
            let row = &answer["submission"];
            json!({
                "submission": {
                    "id": row["id"], "organisation_id": row["organisation_id"], "author_id": row["author_id"],
                    "state": "DRAFT", "document": draft_record("a"), "external_ref": "a", "initiative_id": null,
                    "initiative_version": null, "review_note": null, "version": 1, "submitted_at": null,
                    "decided_at": null, "created_at": row["created_at"], "updated_at": row["updated_at"],
                    "no_longer_a_column": 1,
                },
                "change": null,
            })
        };
        let mut row = row.into_active_model();
        row.answer = Set(Some(old));
        row.update(db).await.unwrap();
    }
    assert_eq!(mutate_ok(&partner, "saveSubmission", save).await, saved);
    assert_eq!(steward.execute_with(query, term).await, term_saved);
}

async fn two_servers_with_one_key_run_it_once(database: Database) {
    let app = start_with_places(database).await;
    let connection = crate::support::database::connect(&app.database.url)
        .await
        .unwrap();
    let other = TestApp::start_on_connection(app.database.clone(), connection).await;
    let (here, there) = (app.partner().await, other.partner().await);
    for round in 0..5 {
        let input =
            json!({"record": draft_record(&format!("r-{round}")), "idempotencyKey": format!("k-{round}")});
        let all =
            [&here, &there, &here, &there].map(|client| mutate_ok(client, "saveSubmission", input.clone()));
        let answers = futures_util::future::join_all(all).await;
        assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
        let total = there.query("{ submissions { totalCount } }").await;
        assert_eq!(total["submissions"]["totalCount"], round + 1);
    }
    other.app.db.close_by_ref().await.unwrap();
}

async fn concurrent_requests_with_one_key_run_once(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    for round in 0..5 {
        let input =
            json!({"record": draft_record(&format!("r-{round}")), "idempotencyKey": format!("k-{round}")});
        let all = (0..6).map(|_| mutate_ok(&partner, "saveSubmission", input.clone()));
        let answers = futures_util::future::join_all(all).await;
        assert!(answers.iter().all(|answer| answer == &answers[0]), "{answers:?}");
        let total = partner.query("{ submissions { totalCount } }").await;
        assert_eq!(total["submissions"]["totalCount"], round + 1);
    }
}
