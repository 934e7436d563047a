//! The rules of graphql-transport-ws, and what the service does for each.

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use futures_util::SinkExt;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use tokio_tungstenite::tungstenite::{Error, Message};
use tower::ServiceExt;
use wayin::schema::schema_sdl;
use wayin::server;
use wayin::subscriptions::ConnectionLimits;
use wayin_entity::Role;

use super::{
    PATTERN_SUBSCRIPTION, QUIET_PERIOD, SUBMISSION_SUBSCRIPTION, follow_submissions, read_next_title,
    save_draft, short_limits,
};
use crate::support::app::{TestApp, sign_token};
use crate::support::socket::{SUBPROTOCOL, SocketEvent, TestServer, TestSocket, wait_until};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    protocol_violations_have_their_close_codes,
    pong_echoes_the_ping_payload,
    operation_that_cannot_start_is_an_error,
    subscription_has_exactly_one_root_field,
    subscriptions_need_a_token,
    completed_subscription_sends_nothing,
    operations_per_connection_are_limited,
    connections_per_token_are_limited,
    uninitialised_connections_per_address_are_limited,
    mutations_work_over_websockets,
    subscription_over_http_is_rejected,
    shutdown_closes_connections_with_a_code,
];

async fn connect_silently(listening: &TestServer) -> TestSocket {
    listening.connect(Some(SUBPROTOCOL)).await.unwrap().0
}

async fn protocol_violations_have_their_close_codes(database: Database) {
    let app = TestApp::with_limits(database, short_limits()).await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    let init = json!({"type": "connection_init", "payload": {"authorization": format!("Bearer {}", sign_token("steward"))}});
    let query = |id: &str| json!({"type": "subscribe", "id": id, "payload": {"query": "{ __typename }"}});
    let stream =
        |id: &str| json!({"type": "subscribe", "id": id, "payload": {"query": PATTERN_SUBSCRIPTION}});
    let begun = |rest: &[Value]| {
        let all = std::iter::once(init.clone()).chain(rest.iter().cloned());
        all.map(|message| Message::text(message.to_string()))
            .collect::<Vec<_>>()
    };
    let bad_token = json!({"type": "connection_init", "payload": {"authorization": "Bearer nonsense"}});
    let no_member = json!({"type": "connection_init", "payload": {"authorization": format!("Bearer {}", sign_token("nobody"))}});
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
            "The payload of subscribe is not a request: its query is not a text",
        ),
        (
            vec![Message::text(r#"{"type": "ping", "payload": {"a": "\ud83d"}}"#)],
            4400,
            "Not a message of the protocol: the escape \\ud83d is not a character",
        ),
        (
            vec![Message::text(bad_token.to_string())],
            4403,
            "Forbidden: this service does not accept the token",
        ),
        (
            vec![Message::text(no_member.to_string())],
            4403,
            "Forbidden: the token's subject is not a member",
        ),
        (
            begun(&[json!({"type": "ping", "payload": {"long": long}})]),
            1009,
            "Message too big",
        ),
    ] {
        let mut socket = connect_silently(&listening).await;
        for message in &messages {
            socket.0.send(message.clone()).await.unwrap();
        }
        let closed = socket.wait_for_close().await;
        assert_eq!(closed.0, code, "{closed:?} after {} messages", messages.len());
        assert!(closed.1.starts_with(reason), "{closed:?}");
    }
    // A completed operation can be completed again, and its id can be used again.
    let mut socket = listening.connect_as("steward").await;
    socket.complete("never").await;
    for _ in 0..2 {
        assert_eq!(
            socket.query("1", "{ __typename }").await,
            json!({"data": {"__typename": "Query"}})
        );
        socket.complete("1").await;
    }
    wait_until("everything has ended", || {
        app.app.subscriptions.follower_count() == 0
    })
    .await;
}

async fn pong_echoes_the_ping_payload(database: Database) {
    let app = TestApp::start(database).await;
    let listening = TestServer::start(&app).await;
    let mut socket = connect_silently(&listening).await;
    socket.send(json!({"type": "ping"})).await;
    assert_eq!(
        socket.receive().await,
        json!({"type": "pong"}),
        "also before it begins"
    );
    socket.init(None).await;
    socket.send(json!({"type": "pong"})).await;
    socket.send(json!({"type": "ping", "payload": {"a": 1}})).await;
    assert_eq!(
        socket.receive().await,
        json!({"type": "pong", "payload": {"a": 1}})
    );
}

async fn operation_that_cannot_start_is_an_error(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    for query in [
        "{",
        "{ nothing }",
        "query($a: Int!) { __typename }",
        "subscription { patternChanged(when: {}) { summary { text } } }",
        "subscription { patternChanged(when: {title: {contains: \"\"}}, then: {}) { summary { text } } }",
        "subscription { initiativePublished(filter: {place: {within: {code: \"E99\"}}}) { title } }",
        "query A { __typename } query B { __typename }",
    ] {
        socket.subscribe("1", query).await;
        let output = socket.receive().await;
        assert_eq!(
            (&output["type"], &output["id"]),
            (&json!("error"), &json!("1")),
            "{query}: {output}"
        );
        let errors = output["payload"].as_array().unwrap();
        assert!(!errors.is_empty(), "{query}");
        for error in errors {
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{query}: {output}");
            assert!(error["message"].is_string(), "{output}");
        }
    }
    // None of these errors is followed by `complete`. Later errors are part of the response.
    socket
        .subscribe("1", "{ initiatives(first: 101) { totalCount } }")
        .await;
    let output = socket.receive().await;
    assert_eq!(output["type"], "next", "{output}");
    assert_eq!(
        output["payload"]["errors"][0]["extensions"]["code"],
        "BAD_USER_INPUT"
    );
    assert_eq!(socket.receive().await, json!({"type": "complete", "id": "1"}));
}

async fn subscription_has_exactly_one_root_field(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    for query in [
        "subscription { submissionChanged { id } initiativePublished { id } }",
        "subscription { a: submissionChanged { id } b: submissionChanged { id } }",
        "subscription { __typename }",
        "subscription { ... on Subscription { submissionChanged { id } } }",
        "subscription { ...F } fragment F on Subscription { submissionChanged { id } }",
    ] {
        let answer = socket.query("1", query).await;
        let message = answer["errors"][0]["message"].as_str().unwrap();
        assert!(message.starts_with("a subscription "), "{query}: {answer}");
    }
    assert_eq!(app.app.subscriptions.submission_subscriber_count(), 0);
}

async fn subscriptions_need_a_token(database: Database) {
    let app = TestApp::start(database).await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_and_init(None).await;
    let sdl = schema_sdl();
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
        let output = socket.receive().await;
        assert_eq!(output["type"], "error", "{query}: {output}");
        assert_eq!(
            output["payload"][0]["extensions"]["code"], "UNAUTHENTICATED",
            "{query}: {output}"
        );
    }
}

async fn completed_subscription_sends_nothing(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let partner = app
        .create_member("partner", wayin_entity::Role::Partner, Some("GB-CHC-1"))
        .await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    follow_submissions(&app.app, &mut socket, "1").await;
    save_draft(&partner, "one").await;
    assert_eq!(read_next_title(&mut socket, "1").await.0, "one");
    socket.complete("1").await;
    wait_until("it has ended", || {
        app.app.subscriptions.submission_subscriber_count() == 0
    })
    .await;
    save_draft(&partner, "two").await;
    assert_eq!(
        socket.receive_within(QUIET_PERIOD).await,
        None,
        "and nobody is notified that it ended"
    );
    wait_until("no follower is left", || {
        app.app.subscriptions.follower_count() == 0
    })
    .await;
    // The id can be used again.
    follow_submissions(&app.app, &mut socket, "1").await;
    save_draft(&partner, "three").await;
    assert_eq!(read_next_title(&mut socket, "1").await.0, "three");
    drop((socket, steward));
    wait_until("a client that leaves is followed for no more", || {
        app.app.subscriptions.submission_subscriber_count() == 0
            && app.app.subscriptions.follower_count() == 0
    })
    .await;
}

async fn operations_per_connection_are_limited(database: Database) {
    let limits = ConnectionLimits {
        max_operations: 3,
        ..ConnectionLimits::default()
    };
    let app = TestApp::with_limits(database, limits).await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    for id in ["1", "2", "3"] {
        subscribe_to_submissions(&mut socket, id).await;
    }
    wait_until("three are followed", || {
        app.app.subscriptions.submission_subscriber_count() == 3
    })
    .await;
    let refused = socket.query("4", "{ __typename }").await;
    assert_eq!(
        refused["errors"][0]["message"],
        "3 operations are running, which is the maximum for one connection"
    );
    socket.complete("2").await;
    wait_until("one has ended", || {
        app.app.subscriptions.submission_subscriber_count() == 2
    })
    .await;
    let answered = socket.query("4", "{ __typename }").await;
    assert_eq!(answered, json!({"data": {"__typename": "Query"}}));
}

async fn subscribe_to_submissions(socket: &mut TestSocket, id: &str) {
    socket.subscribe(id, SUBMISSION_SUBSCRIPTION).await;
}

async fn connections_per_token_are_limited(database: Database) {
    let limits = ConnectionLimits {
        max_connections_per_token: 3,
        ..ConnectionLimits::default()
    };
    let app = TestApp::with_limits(database, limits).await;
    app.steward().await;
    app.create_member("other", Role::Dashboard, None).await;
    let listening = TestServer::start(&app).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(listening.connect_as("steward").await);
    }
    let init = json!({"type": "connection_init", "payload": {"authorization": format!("Bearer {}", sign_token("steward"))}});
    let mut refused = connect_silently(&listening).await;
    refused.send(init.clone()).await;
    let (code, reason) = refused.wait_for_close().await;
    assert_eq!(code, 1013, "{reason}");
    assert!(reason.contains("at most 3 connections"), "{reason}");
    // Each member has a separate limit, and a closed connection frees a place.
    listening.connect_as("other").await;
    held.pop();
    loop {
        let mut socket = connect_silently(&listening).await;
        socket.send(init.clone()).await;
        match socket.receive_event().await {
            SocketEvent::Said(said) => break assert_eq!(said, json!({"type": "connection_ack"})),
            SocketEvent::Closed(code, _) => assert_eq!(code, 1013),
        }
    }
}

async fn uninitialised_connections_per_address_are_limited(database: Database) {
    let limits = ConnectionLimits {
        max_anonymous_per_address: 2,
        ..ConnectionLimits::default()
    };
    let app = TestApp::with_limits(database, limits).await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    let silent_one = connect_silently(&listening).await;
    let anonymous = listening.connect_and_init(None).await;
    match listening.connect(Some(SUBPROTOCOL)).await {
        Err(Error::Http(response)) => assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS),
        other => panic!("expected a refusal: {other:?}"),
    }
    // A connection with a token counts for its member, not for its address.
    drop(anonymous);
    let mut held = Vec::new();
    for _ in 0..4 {
        let mut socket = loop {
            if let Ok((socket, _)) = listening.connect(Some(SUBPROTOCOL)).await {
                break socket;
            }
        };
        socket
            .init(Some(&format!("Bearer {}", sign_token("steward"))))
            .await;
        held.push(socket);
    }
    drop(silent_one);
}

async fn mutations_work_over_websockets(database: Database) {
    let app = TestApp::start(database).await;
    app.create_member("partner", wayin_entity::Role::Partner, Some("GB-CHC-1"))
        .await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("partner").await;
    let mutation = "mutation($input: SaveSubmissionInput!) { saveSubmission(input: $input) { submission { state } problems { code } } }";
    socket
        .subscribe_with("1", mutation, json!({"input": {"record": {"title": "one"}}}))
        .await;
    let expected = json!({"saveSubmission": {"submission": {"state": "DRAFT"}, "problems": []}});
    assert_eq!(socket.next_data("1").await, expected);
    assert_eq!(socket.receive().await, json!({"type": "complete", "id": "1"}));
}

async fn subscription_over_http_is_rejected(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let authorization = format!("Bearer {}", sign_token("steward"));
    let post = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::AUTHORIZATION, &authorization)
        .body(Body::from(json!({"query": SUBMISSION_SUBSCRIPTION}).to_string()));
    let get = Request::get("/graphql?query=subscription%7BsubmissionChanged%7Bid%7D%7D")
        .header(header::AUTHORIZATION, &authorization)
        .body(Body::empty());
    for (request, expected) in [
        (post, StatusCode::BAD_REQUEST),
        (get, StatusCode::METHOD_NOT_ALLOWED),
    ] {
        let answered = server::build_router(Arc::clone(&app.app)).oneshot(request.unwrap());
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

async fn shutdown_closes_connections_with_a_code(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let mut listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    follow_submissions(&app.app, &mut socket, "1").await;
    listening.stop();
    assert_eq!(socket.wait_for_close().await, (1001, "Going away".to_owned()));
    wait_until("the follower ends", || {
        app.app.subscriptions.follower_count() == 0
    })
    .await;
}
