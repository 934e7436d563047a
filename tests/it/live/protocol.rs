//! Each rule of graphql-transport-ws, with what the service does about it.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use futures_util::SinkExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio_tungstenite::tungstenite::{Error, Message};
use tower::ServiceExt;
use wayin::live::Limits;
use wayin::schema::sdl;
use wayin::server;
use wayin_entity::Role;

use super::{A_WHILE, PATTERN, SUBMISSIONS, follow_submissions, next_title, save, short};
use crate::support::app::{TestApp, token};
use crate::support::socket::{Heard, Listening, PROTOCOL, Socket, until};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    each_rule_of_the_protocol_has_its_close_code,
    a_ping_is_answered_with_what_came_with_it,
    what_cannot_begin_is_told_as_an_error,
    a_subscription_is_to_one_field_that_it_names_itself,
    nothing_is_subscribed_to_without_a_token,
    what_is_completed_is_told_of_no_more,
    a_connection_has_so_many_operations_and_no_more,
    a_token_has_so_many_connections_and_no_more,
    an_address_has_so_many_connections_that_have_not_begun,
    mutations_are_answered_over_a_websocket,
    a_subscription_over_plain_http_is_refused,
    a_service_that_ends_says_so,
];

async fn silent(listening: &Listening) -> Socket {
    listening.connect(Some(PROTOCOL)).await.unwrap().0
}

async fn each_rule_of_the_protocol_has_its_close_code(database: Database) {
    let app = TestApp::with_limits(database, short()).await;
    app.steward().await;
    let listening = Listening::start(&app).await;
    let init = json!({"type": "connection_init", "payload": {"authorization": format!("Bearer {}", token("steward"))}});
    let query = |id: &str| json!({"type": "subscribe", "id": id, "payload": {"query": "{ __typename }"}});
    let stream = |id: &str| json!({"type": "subscribe", "id": id, "payload": {"query": PATTERN}});
    let begun = |rest: &[Value]| {
        let all = std::iter::once(init.clone()).chain(rest.iter().cloned());
        all.map(|message| Message::text(message.to_string()))
            .collect::<Vec<_>>()
    };
    let bad_token = json!({"type": "connection_init", "payload": {"authorization": "Bearer nonsense"}});
    let no_member = json!({"type": "connection_init", "payload": {"authorization": format!("Bearer {}", token("nobody"))}});
    let long = "x".repeat(300 * 1024);
    for (messages, code, reason) in [
        (vec![], 4408, "Connection initialisation timeout"),
        (vec![Message::text(query("1").to_string())], 4401, "Unauthorized"),
        (
            begun(std::slice::from_ref(&init)),
            4429,
            "Too many initialisation requests",
        ),
        (
            begun(&[stream("1"), stream("1")]),
            4409,
            "Subscriber for 1 already exists",
        ),
        (vec![Message::text("hello")], 4400, "Not a message"),
        (vec![Message::binary(b"{}".to_vec())], 4400, "Messages are text"),
        (
            begun(&[json!({"type": "start", "id": "1", "payload": {"query": "{ __typename }"}})]),
            4400,
            "Not a message",
        ),
        (
            begun(&[json!({"type": "subscribe", "id": "", "payload": {"query": "{ __typename }"}})]),
            4400,
            "A message's id is empty",
        ),
        (
            begun(&[json!({"type": "subscribe", "id": "1", "payload": {"query": 1}})]),
            4400,
            "A subscribe is no request: its query is not a text",
        ),
        (
            vec![Message::text(r#"{"type": "ping", "payload": {"a": "\ud83d"}}"#)],
            4400,
            "Not a message of the protocol: the escape \\ud83d is no character",
        ),
        (
            vec![Message::text(bad_token.to_string())],
            4403,
            "Forbidden: the token is not one",
        ),
        (
            vec![Message::text(no_member.to_string())],
            4403,
            "Forbidden: the token is good, but its subject is no member here",
        ),
        (
            begun(&[json!({"type": "ping", "payload": {"long": long}})]),
            1009,
            "Message too big",
        ),
    ] {
        let mut socket = silent(&listening).await;
        for message in &messages {
            socket.0.send(message.clone()).await.unwrap();
        }
        let closed = socket.closed().await;
        assert_eq!(closed.0, code, "{closed:?} after {} messages", messages.len());
        assert!(closed.1.starts_with(reason), "{closed:?}");
    }
    // What has ended may be completed again, and its id used again.
    let mut socket = listening.begin_as("steward").await;
    socket.complete("never").await;
    for _ in 0..2 {
        assert_eq!(
            socket.ask("1", "{ __typename }").await,
            json!({"data": {"__typename": "Query"}})
        );
        socket.complete("1").await;
    }
    until("everything has ended", || app.app.live.followed_for() == 0).await;
}

async fn a_ping_is_answered_with_what_came_with_it(database: Database) {
    let app = TestApp::start(database).await;
    let listening = Listening::start(&app).await;
    let mut socket = silent(&listening).await;
    socket.say(json!({"type": "ping"})).await;
    assert_eq!(
        socket.hear().await,
        json!({"type": "pong"}),
        "also before it begins"
    );
    socket.init(None).await;
    socket.say(json!({"type": "pong"})).await;
    socket.say(json!({"type": "ping", "payload": {"a": 1}})).await;
    assert_eq!(socket.hear().await, json!({"type": "pong", "payload": {"a": 1}}));
}

async fn what_cannot_begin_is_told_as_an_error(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let listening = Listening::start(&app).await;
    let mut socket = listening.begin_as("steward").await;
    for query in [
        "{",
        "{ nothing }",
        "query($a: Int!) { __typename }",
        "subscription { patternChanged(when: {}) { summary } }",
        "subscription { patternChanged(when: {title: {contains: \"\"}}, then: {}) { summary } }",
        "subscription { initiativePublished(filter: {place: {within: {code: \"E99\"}}}) { title } }",
        "query A { __typename } query B { __typename }",
    ] {
        socket.subscribe("1", query).await;
        let told = socket.hear().await;
        assert_eq!(
            (&told["type"], &told["id"]),
            (&json!("error"), &json!("1")),
            "{query}: {told}"
        );
        let errors = told["payload"].as_array().unwrap();
        assert!(!errors.is_empty(), "{query}");
        for error in errors {
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{query}: {told}");
            assert!(error["message"].is_string(), "{told}");
        }
    }
    // No `complete` has followed any of them; and what goes wrong later is a part of the answer.
    socket
        .subscribe("1", "{ initiatives(first: 101) { totalCount } }")
        .await;
    let told = socket.hear().await;
    assert_eq!(told["type"], "next", "{told}");
    assert_eq!(
        told["payload"]["errors"][0]["extensions"]["code"],
        "BAD_USER_INPUT"
    );
    assert_eq!(socket.hear().await, json!({"type": "complete", "id": "1"}));
}

async fn a_subscription_is_to_one_field_that_it_names_itself(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let listening = Listening::start(&app).await;
    let mut socket = listening.begin_as("steward").await;
    for query in [
        "subscription { submissionChanged { id } initiativePublished { id } }",
        "subscription { a: submissionChanged { id } b: submissionChanged { id } }",
        "subscription { __typename }",
        "subscription { ... on Subscription { submissionChanged { id } } }",
        "subscription { ...F } fragment F on Subscription { submissionChanged { id } }",
    ] {
        let answer = socket.ask("1", query).await;
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("a subscription "), "{query}: {answer}");
    }
    assert_eq!(app.app.live.submissions_told_to(), 0);
}

async fn nothing_is_subscribed_to_without_a_token(database: Database) {
    let app = TestApp::start(database).await;
    let listening = Listening::start(&app).await;
    let mut socket = listening.begin(None).await;
    let sdl = sdl();
    let fields: Vec<&str> = sdl
        .split_once("type Subscription {")
        .and_then(|(_, rest)| rest.split_once("\n}"))
        .unwrap()
        .0
        .lines()
        .filter(|line| line.starts_with('\t') && !line.starts_with("\t\t"))
        .filter_map(|line| line.trim().split(['(', ':']).next())
        .filter(|word| !word.is_empty() && word.chars().all(char::is_alphanumeric))
        .collect();
    assert!(fields.len() >= 3, "{fields:?}");
    for field in fields {
        let arguments = match field {
            "patternChanged" => "(when: {}, then: {})",
            "importProgress" => "(id: \"x\")",
            _ => "",
        };
        let query = format!("subscription {{ {field}{arguments} {{ __typename }} }}");
        socket.subscribe("1", &query).await;
        let told = socket.hear().await;
        assert_eq!(told["type"], "error", "{query}: {told}");
        assert_eq!(
            told["payload"][0]["extensions"]["code"], "UNAUTHENTICATED",
            "{query}: {told}"
        );
    }
}

async fn what_is_completed_is_told_of_no_more(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let partner = app
        .member("partner", wayin_entity::Role::Partner, Some("GB-CHC-1"))
        .await;
    let listening = Listening::start(&app).await;
    let mut socket = listening.begin_as("steward").await;
    follow_submissions(&app.app, &mut socket, "1").await;
    save(&partner, "one").await;
    assert_eq!(next_title(&mut socket, "1").await.0, "one");
    socket.complete("1").await;
    until("it has ended", || app.app.live.submissions_told_to() == 0).await;
    save(&partner, "two").await;
    assert_eq!(
        socket.within(A_WHILE).await,
        None,
        "and nobody is told that it ended"
    );
    until("nothing is followed", || app.app.live.followed_for() == 0).await;
    // Its id is free.
    follow_submissions(&app.app, &mut socket, "1").await;
    save(&partner, "three").await;
    assert_eq!(next_title(&mut socket, "1").await.0, "three");
    drop((socket, steward));
    until("a client that leaves is followed for no more", || {
        app.app.live.submissions_told_to() == 0 && app.app.live.followed_for() == 0
    })
    .await;
}

async fn a_connection_has_so_many_operations_and_no_more(database: Database) {
    let limits = Limits {
        most_operations: 3,
        ..Limits::default()
    };
    let app = TestApp::with_limits(database, limits).await;
    app.steward().await;
    let listening = Listening::start(&app).await;
    let mut socket = listening.begin_as("steward").await;
    for id in ["1", "2", "3"] {
        follow_submissions_alone(&mut socket, id).await;
    }
    until("three are followed", || app.app.live.submissions_told_to() == 3).await;
    let refused = socket.ask("4", "{ __typename }").await;
    assert_eq!(
        refused["errors"][0]["message"],
        "3 operations are under way; a connection can have no more at once"
    );
    socket.complete("2").await;
    until("one has ended", || app.app.live.submissions_told_to() == 2).await;
    let answered = socket.ask("4", "{ __typename }").await;
    assert_eq!(answered, json!({"data": {"__typename": "Query"}}));
}

async fn follow_submissions_alone(socket: &mut Socket, id: &str) {
    socket.subscribe(id, SUBMISSIONS).await;
}

async fn a_token_has_so_many_connections_and_no_more(database: Database) {
    let limits = Limits {
        most_connections: 3,
        ..Limits::default()
    };
    let app = TestApp::with_limits(database, limits).await;
    app.steward().await;
    app.member("other", Role::Dashboard, None).await;
    let listening = Listening::start(&app).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(listening.begin_as("steward").await);
    }
    let init = json!({"type": "connection_init", "payload": {"authorization": format!("Bearer {}", token("steward"))}});
    let mut refused = silent(&listening).await;
    refused.say(init.clone()).await;
    let (code, reason) = refused.closed().await;
    assert_eq!(code, 1013, "{reason}");
    assert!(reason.contains("at most 3 connections"), "{reason}");
    // Somebody else's are counted apart, and what ends makes room.
    listening.begin_as("other").await;
    held.pop();
    loop {
        let mut socket = silent(&listening).await;
        socket.say(init.clone()).await;
        match socket.next().await {
            Heard::Said(said) => break assert_eq!(said, json!({"type": "connection_ack"})),
            Heard::Closed(code, _) => assert_eq!(code, 1013),
        }
    }
}

async fn an_address_has_so_many_connections_that_have_not_begun(database: Database) {
    let limits = Limits {
        most_unnamed: 2,
        ..Limits::default()
    };
    let app = TestApp::with_limits(database, limits).await;
    app.steward().await;
    let listening = Listening::start(&app).await;
    let silent_one = silent(&listening).await;
    let anonymous = listening.begin(None).await;
    match listening.connect(Some(PROTOCOL)).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS),
        other => panic!("it is refused: {other:?}"),
    }
    // Whoever has said who they are is counted by their token instead.
    drop(anonymous);
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut socket = loop {
            if let Ok((socket, _)) = listening.connect(Some(PROTOCOL)).await {
                break socket;
            }
        };
        socket.init(Some(&format!("Bearer {}", token("steward")))).await;
        held.push(socket);
    }
    drop(silent_one);
}

async fn mutations_are_answered_over_a_websocket(database: Database) {
    let app = TestApp::start(database).await;
    app.member("partner", wayin_entity::Role::Partner, Some("GB-CHC-1"))
        .await;
    let listening = Listening::start(&app).await;
    let mut socket = listening.begin_as("partner").await;
    let mutation = "mutation($input: SaveSubmissionInput!) { saveSubmission(input: $input) { submission { state } userErrors { code } } }";
    socket
        .subscribe_with("1", mutation, json!({"input": {"record": {"title": "one"}}}))
        .await;
    let expected = json!({"saveSubmission": {"submission": {"state": "DRAFT"}, "userErrors": []}});
    assert_eq!(socket.told("1").await, expected);
    assert_eq!(socket.hear().await, json!({"type": "complete", "id": "1"}));
}

async fn a_subscription_over_plain_http_is_refused(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let authorization = format!("Bearer {}", token("steward"));
    let post = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, &authorization)
        .body(Body::from(json!({"query": SUBMISSIONS}).to_string()));
    let get = Request::get("/graphql?query=subscription%7BsubmissionChanged%7Bid%7D%7D")
        .header(header::AUTHORIZATION, &authorization)
        .body(Body::empty());
    for (request, expected) in [
        (post, StatusCode::BAD_REQUEST),
        (get, StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answered = server::router(Arc::clone(&app.app)).oneshot(request.unwrap());
        let response = tokio::time::timeout(Duration::from_secs(5), answered)
            .await
            .expect("it does not hang")
            .unwrap();
        assert_eq!(response.status(), expected);
        let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
        let answer: Value = serde_json::from_slice(&body).unwrap();
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT");
        assert!(
            error["message"].as_str().unwrap().contains("/graphql/ws"),
            "{answer}"
        );
    }
}

async fn a_service_that_ends_says_so(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let mut listening = Listening::start(&app).await;
    let mut socket = listening.begin_as("steward").await;
    follow_submissions(&app.app, &mut socket, "1").await;
    listening.stop();
    assert_eq!(socket.closed().await, (1001, "Going away".to_owned()));
    until("it is followed for no more", || app.app.live.followed_for() == 0).await;
}
