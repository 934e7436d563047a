//! Issued tokens: who issues them, for how long, when they were used, and how they are revoked.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};
use wayin::auth::jwt::TokenSubject;
use wayin::auth::member;
use wayin::clock::{Clock, SystemClock};
use wayin_entity::Role;

use crate::support::app::{Client, ISSUER, TestApp};
use crate::support::http::{get, send};
use crate::support::imports::restart_with_import_settings;
use crate::support::redaction::read_all_text;
use crate::support::socket::{SocketEvent, TestServer, wait_until};
use crate::support::tokens::{find_member_id, issue_token, revoke_token};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    issued_token_is_shown_once,
    revoked_token_is_rejected_at_once,
    other_servers_reject_a_revoked_token_within_a_second,
    revoking_a_token_ends_its_subscriptions,
    token_lifetime_is_limited_and_needs_a_member,
    only_stewards_manage_tokens,
    service_without_a_signing_key_issues_no_tokens,
    redaction_covers_token_names,
];

/// The listed tokens, in order.
async fn list_tokens(steward: &Client<'_>, filter: &str) -> Vec<Value> {
    let tokens = steward
        .query(&format!(
            "{{ tokens(filter: {{{filter}}}) {{ totalCount nodes {{ id name lastUsedAt revokedAt member {{ subject }} }} }} }}"
        ))
        .await;
    let nodes = tokens["tokens"]["nodes"].as_array().unwrap().clone();
    assert_eq!(tokens["tokens"]["totalCount"], nodes.len());
    nodes
}

fn list_problems(payload: &Value) -> Vec<(String, String)> {
    let errors = payload["problems"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    errors
        .iter()
        .map(|error| {
            let path: Vec<&str> = error["path"]
                .as_array()
                .unwrap()
                .iter()
                .map(|step| step.as_str().unwrap())
                .collect();
            (text(&error["code"]), path.join("/"))
        })
        .collect()
}

fn parse_timestamp(value: &Value) -> DateTime<Utc> {
    value.as_str().unwrap().parse().unwrap()
}

async fn issued_token_is_shown_once(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let mut client = app.create_member("dashboard", Role::Dashboard, None).await;
    let input = json!({"member": find_member_id(&steward, "dashboard").await, "name": " The council's dashboard ",
        "days": 30, "reason": "They asked", "idempotencyKey": "1"});
    let issued = issue_token(&steward, input.clone()).await;
    let output = &issued["issuedToken"];
    assert_eq!(issued["problems"], json!([]));
    assert_eq!(output["name"], "The council's dashboard");
    assert_eq!(output["member"]["subject"], "dashboard");
    assert_eq!(
        output["issuedBy"]["id"],
        find_member_id(&steward, "steward").await
    );
    for nothing in ["lastUsedAt", "revokedAt", "revokedBy"] {
        assert_eq!(output[nothing], Value::Null, "{nothing}");
    }
    let good_for = parse_timestamp(&output["expiresAt"]) - parse_timestamp(&output["issuedAt"]);
    assert_eq!(good_for, TimeDelta::days(30));
    // A client that lost the response can send the mutation again.
    assert_eq!(issue_token(&steward, input).await, issued);
    let text = issued["token"].as_str().unwrap().to_owned();
    // The token is valid, and the list shows when it was last used.
    client.authorization = Some(format!("Bearer {text}"));
    assert_eq!(
        client.query("{ viewer { subject role } }").await,
        json!({"viewer": {"subject": "dashboard", "role": "DASHBOARD"}})
    );
    let since = Instant::now();
    let used = loop {
        let used = list_tokens(&steward, "").await[0]["lastUsedAt"].clone();
        if !used.is_null() {
            break used;
        }
        assert!(
            since.elapsed() < Duration::from_secs(20),
            "the last use is written"
        );
        sleep(Duration::from_millis(10)).await;
    };
    assert!(SystemClock.now() - parse_timestamp(&used) < TimeDelta::seconds(60));
    // The last use is written at most once a minute.
    for _ in 0..3 {
        client.query("{ viewer { subject } }").await;
    }
    sleep(Duration::from_millis(200)).await;
    assert_eq!(list_tokens(&steward, "").await[0]["lastUsedAt"], used);
    // The database does not contain anything that can be used as a token.
    let signature = text.rsplit('.').next().unwrap();
    let all = read_all_text(&app).await;
    assert!(all.contains("The council's dashboard"), "the name is kept");
    assert!(!all.contains(signature), "the token is kept nowhere");
    let events = steward
        .query("{ auditEvents(filter: {action: \"issueToken\"}) { nodes { subjectType subjectId detail } } }")
        .await;
    let event = &events["auditEvents"]["nodes"][0];
    assert_eq!(
        (&event["subjectType"], &event["subjectId"]),
        (&json!("IssuedToken"), &output["id"])
    );
    assert_eq!(event["detail"]["reason"], "They asked");
    assert_eq!(
        steward
            .query(&format!("{{ node(id: {}) {{ id __typename }} }}", output["id"]))
            .await,
        json!({"node": {"id": output["id"], "__typename": "IssuedToken"}})
    );
    assert_eq!(
        client
            .query(&format!("{{ node(id: {}) {{ id }} }}", output["id"]))
            .await,
        json!({"node": null})
    );
    app.assert_no_violations().await;
}

async fn revoked_token_is_rejected_at_once(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let mut one = app.create_member("dashboard", Role::Dashboard, None).await;
    let mut other = app.create_member("dashboard", Role::Dashboard, None).await;
    let member = find_member_id(&steward, "dashboard").await;
    let mut ids = Vec::new();
    for (client, name) in [(&mut one, "One"), (&mut other, "Other")] {
        let issued = issue_token(&steward, json!({"member": member, "name": name})).await;
        client.authorization = Some(format!("Bearer {}", issued["token"].as_str().unwrap()));
        client.query("{ viewer { subject } }").await;
        ids.push(issued["issuedToken"]["id"].clone());
    }
    let revoked = revoke_token(&steward, &ids[0]).await;
    assert_eq!(revoked["problems"], json!([]));
    assert_eq!(
        revoked["issuedToken"]["revokedBy"]["id"],
        find_member_id(&steward, "steward").await
    );
    assert_eq!(
        one.query_error("{ viewer { subject } }").await,
        ("the token was revoked".into(), "UNAUTHENTICATED".into())
    );
    // The member's other tokens stay valid, listed or not.
    other.query("{ viewer { subject } }").await;
    app.create_member("dashboard", Role::Dashboard, None)
        .await
        .query("{ viewer { subject } }")
        .await;
    let names = |tokens: Vec<Value>| -> Vec<Value> {
        tokens.into_iter().map(|mut token| token["name"].take()).collect()
    };
    assert_eq!(names(list_tokens(&steward, "revoked: true").await), ["One"]);
    assert_eq!(names(list_tokens(&steward, "revoked: false").await), ["Other"]);
    let of_steward = format!("member: {}", find_member_id(&steward, "steward").await);
    assert_eq!(names(list_tokens(&steward, &of_steward).await), [""; 0]);
    assert_eq!(
        list_problems(&revoke_token(&steward, &ids[0]).await),
        [("WRONG_STATE".into(), "id".into())]
    );
    // All tokens of a revoked member are invalid.
    let named = TokenSubject {
        issuer: ISSUER.into(),
        subject: "dashboard".into(),
    };
    member::revoke(&app.app.db, &TestApp::action(), &named)
        .await
        .unwrap();
    assert_eq!(
        other.query_error("{ viewer { subject } }").await.0,
        "the token's member was revoked"
    );
    app.assert_no_violations().await;
}

/// Whether a server accepts a token over HTTP.
async fn is_accepted(app: &TestApp, authorization: &str) -> bool {
    let request = get("/graphql?query=%7Bviewer%7Bsubject%7D%7D", Some(authorization));
    let (_, _, body) = send(&app.app, request).await;
    let answer: Value = serde_json::from_slice(&body).unwrap();
    answer["data"]["viewer"]["subject"] == "dashboard"
}

async fn other_servers_reject_a_revoked_token_within_a_second(database: Database) {
    let app = TestApp::start(database.clone()).await;
    let other_server = TestApp::start(database).await;
    let steward = app.steward().await;
    app.create_member("dashboard", Role::Dashboard, None).await;
    let member = find_member_id(&steward, "dashboard").await;
    let issued = issue_token(&steward, json!({"member": member, "name": "One"})).await;
    let authorization = format!("Bearer {}", issued["token"].as_str().unwrap());
    // Both servers remember the token now.
    assert!(is_accepted(&app, &authorization).await);
    assert!(is_accepted(&other_server, &authorization).await);
    let revoked = Instant::now();
    revoke_token(&steward, &issued["issuedToken"]["id"]).await;
    assert!(
        !is_accepted(&app, &authorization).await,
        "the server that revoked it"
    );
    while is_accepted(&other_server, &authorization).await {
        assert!(revoked.elapsed() < Duration::from_secs(3), "the other server");
        sleep(Duration::from_millis(20)).await;
    }
}

async fn revoking_a_token_ends_its_subscriptions(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    app.create_member("partner", Role::Partner, Some("GB-CHC-1"))
        .await;
    let member = find_member_id(&steward, "partner").await;
    let issued = issue_token(&steward, json!({"member": member, "name": "A spreadsheet"})).await;
    let listening = TestServer::start(&app).await;
    let authorization = format!("Bearer {}", issued["token"].as_str().unwrap());
    let mut with_it = listening.connect_and_init(Some(&authorization)).await;
    let mut without = listening.connect_as("partner").await;
    let output = "subscription { submissionChanged { id } }";
    with_it.subscribe("1", output).await;
    without.subscribe("1", output).await;
    wait_until("submissions are followed", || {
        app.app.subscriptions.submission_subscriber_count() == 2 && app.app.subscriptions.has_polled()
    })
    .await;
    revoke_token(&steward, &issued["issuedToken"]["id"]).await;
    let SocketEvent::Said(said) = with_it.receive_event().await else {
        panic!("the stream is output first");
    };
    assert_eq!(said["type"], "error", "{said}");
    assert_eq!(said["payload"][0]["message"], "the token was revoked", "{said}");
    assert_eq!(
        with_it.wait_for_close().await,
        (4403, "Forbidden: the token was revoked".to_owned())
    );
    // The same member's other token is not affected.
    without.subscribe("2", "{ viewer { subject } }").await;
    assert_eq!(without.receive().await["type"], "next");
    wait_until("one subscription is left", || {
        app.app.subscriptions.submission_subscriber_count() == 1
    })
    .await;
}

async fn token_lifetime_is_limited_and_needs_a_member(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let member = find_member_id(&steward, "steward").await;
    let elsewhere = TokenSubject {
        issuer: "https://elsewhere.example.org".into(),
        subject: "cy".into(),
    };
    let gone = TokenSubject {
        issuer: ISSUER.into(),
        subject: "bo".into(),
    };
    for subject in [&elsewhere, &gone] {
        member::add_or_update_member(
            &app.app.db,
            &TestApp::action(),
            subject.clone(),
            Role::Dashboard,
            None,
        )
        .await
        .unwrap();
    }
    member::revoke(&app.app.db, &TestApp::action(), &gone)
        .await
        .unwrap();
    let now = SystemClock.now();
    let in_days = |days| json!(now + TimeDelta::days(days));
    let with = |fields: Value| {
        let mut input = json!({"member": member, "name": "A token"});
        let fields = fields.as_object().unwrap().clone();
        input.as_object_mut().unwrap().extend(fields);
        input
    };
    let (of_cy, of_bo) = (
        find_member_id(&steward, "cy").await,
        find_member_id(&steward, "bo").await,
    );
    let nobody = wayin::id::NodeKind::Member.encode_id(SystemClock.new_id());
    for (fields, code, path) in [
        (json!({"days": 0}), "OUT_OF_RANGE", "days"),
        (json!({"days": -1}), "OUT_OF_RANGE", "days"),
        (json!({"days": 367}), "OUT_OF_RANGE", "days"),
        (json!({"expiresAt": in_days(367)}), "OUT_OF_RANGE", "expiresAt"),
        (json!({"expiresAt": in_days(-1)}), "OUT_OF_RANGE", "expiresAt"),
        (json!({"expiresAt": now}), "OUT_OF_RANGE", "expiresAt"),
        (
            json!({"expiresAt": in_days(2), "days": 2}),
            "CONTRADICTORY",
            "expiresAt",
        ),
        (json!({"name": " "}), "REQUIRED", "name"),
        (json!({"name": "x".repeat(201)}), "TOO_LONG", "name"),
        (json!({"name": "ada@example.org"}), "PERSONAL_DATA", "name"),
        (json!({"reason": "x".repeat(2_001)}), "TOO_LONG", "reason"),
        (json!({"member": nobody}), "NOT_FOUND", "member"),
        (json!({"member": of_bo}), "WRONG_STATE", "member"),
        (json!({"member": of_cy}), "NOT_ALLOWED", "member"),
    ] {
        let issued = issue_token(&steward, with(fields.clone())).await;
        assert_eq!(
            list_problems(&issued),
            [(code.to_owned(), path.to_owned())],
            "{fields}: {issued}"
        );
        assert_eq!(
            (&issued["token"], &issued["issuedToken"]),
            (&Value::Null, &Value::Null)
        );
    }
    assert_eq!(list_tokens(&steward, "").await, [json!(null); 0]);
    for (fields, days) in [
        (json!({}), 90),
        (json!({"days": 366}), 366),
        (json!({"days": 1}), 1),
    ] {
        let issued = issue_token(&steward, with(fields)).await;
        let output = &issued["issuedToken"];
        let good_for = parse_timestamp(&output["expiresAt"]) - parse_timestamp(&output["issuedAt"]);
        assert_eq!(good_for, TimeDelta::days(days), "{issued}");
    }
    let issued = issue_token(&steward, with(json!({"expiresAt": in_days(100)}))).await;
    let until = parse_timestamp(&issued["issuedToken"]["expiresAt"]);
    assert!((until - now - TimeDelta::days(100)).abs() <= TimeDelta::seconds(1));
    app.assert_no_violations().await;
}

async fn only_stewards_manage_tokens(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let member = find_member_id(&steward, "steward").await;
    let issued = issue_token(&steward, json!({"member": member, "name": "Mine"})).await;
    let id = &issued["issuedToken"]["id"];
    let asked = [
        "{ tokens { nodes { id } } }".to_owned(),
        format!("mutation {{ issueToken(input: {{member: {member}, name: \"T\"}}) {{ token }} }}"),
        format!("mutation {{ revokeToken(input: {{id: {id}}}) {{ issuedToken {{ id }} }} }}"),
    ];
    for (role, organisation) in [
        (Role::Partner, Some("GB-CHC-1")),
        (Role::Funder, Some("GB-CHC-2")),
        (Role::Dashboard, None),
    ] {
        let client = app.create_member(role.code(), role, organisation).await;
        for query in &asked {
            assert_eq!(
                client.query_error(query).await.1,
                "FORBIDDEN",
                "{role:?}: {query}"
            );
        }
    }
    for query in &asked {
        assert_eq!(
            app.anonymous().query_error(query).await.1,
            "UNAUTHENTICATED",
            "{query}"
        );
    }
    assert_eq!(list_tokens(&steward, "revoked: false").await.len(), 1);
}

async fn service_without_a_signing_key_issues_no_tokens(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let app = restart_with_import_settings(app, wayin::import::job::ImportSettings::default());
    assert!(app.app.token_issuer.is_none());
    let steward = app.steward().await;
    let member = find_member_id(&steward, "steward").await;
    let issued = issue_token(&steward, json!({"member": member, "name": "T"})).await;
    assert_eq!(list_problems(&issued), [("NOT_ALLOWED".into(), String::new())]);
    assert_eq!(issued["token"], Value::Null);
}

async fn redaction_covers_token_names(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let member = find_member_id(&steward, "steward").await;
    let input = json!({"member": member, "name": "For Zelda Quillfeather", "idempotencyKey": "1"});
    let issued = issue_token(&steward, input.clone()).await;
    let redacted = steward
        .query("mutation { redactText(input: {text: \"Zelda Quillfeather\", reason: \"She asked\"}) { problems { message } } }")
        .await;
    assert_eq!(redacted["redactText"]["problems"], json!([]));
    assert!(!read_all_text(&app).await.contains("Quillfeather"));
    assert_eq!(list_tokens(&steward, "").await[0]["name"], "For [redacted]");
    // A replay returns the same token without its text.
    let again = issue_token(&steward, input).await;
    assert_eq!(again["token"], issued["token"]);
    assert_eq!(again["issuedToken"]["name"], "For [redacted]");
    app.assert_no_violations().await;
}
