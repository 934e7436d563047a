//! The service over HTTP: POST, GET, WebSocket and the health check.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use jsonwebtoken::{Algorithm, DecodingKey};
use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Error;
use tower::ServiceExt;
use wayin::app::App;
use wayin::auth::jwt::{TokenSubject, TokenVerifier};
use wayin::auth::member;
use wayin::clock::SystemClock;
use wayin::pattern::engine::{EngineSettings, PatternEngine};
use wayin::server;
use wayin_entity::Role;

use crate::support::app::{AUDIENCE, ISSUER, SECRET, TestApp, sign_token};
use crate::support::builders::record;
use crate::support::database::Kind;
use crate::support::socket::TestServer;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    query_works_over_post_and_get,
    variable_defaults_apply_first,
    argument_without_a_value_is_absent,
    null_condition_is_rejected,
    variable_without_a_value_must_have_a_fitting_type,
    operations_of_one_document_share_a_fragment,
    invalid_requests_are_rejected,
    service_is_ready_when_the_index_is_loaded,
    websocket_answers_queries_and_completes,
    websocket_negotiates_its_subprotocol,
    revoked_member_is_rejected_over_an_open_websocket,
    internal_errors_are_reported_neutrally,
];

async fn send_request(app: &TestApp, request: Request<Body>) -> (StatusCode, String) {
    let response = server::build_router(Arc::clone(&app.app))
        .oneshot(request)
        .await
        .unwrap();
    let status = response.status();
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn post_body(app: &TestApp, kind: &str, body: impl Into<Body>) -> (StatusCode, String) {
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, kind)
        .header(header::AUTHORIZATION, format!("Bearer {}", sign_token("steward")))
        .body(body.into());
    send_request(app, request.unwrap()).await
}

/// Sends a query by GET, percent-encoded.
async fn get_query(app: &TestApp, query: &str) -> (StatusCode, String) {
    let mut written = String::new();
    for byte in query.bytes() {
        write!(written, "%{byte:02X}").unwrap();
    }
    let request = Request::get(format!("/graphql?query={written}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", sign_token("steward")))
        .body(Body::empty());
    send_request(app, request.unwrap()).await
}

/// The body as JSON, without the cost, which other tests check.
fn parse_json(body: &str) -> Value {
    let mut said: Value = serde_json::from_str(body).unwrap_or_else(|error| panic!("{body}: {error}"));
    if let Some(extensions) = said.get("extensions") {
        assert!(extensions["cost"]["requested"].is_u64(), "{extensions}");
        said.as_object_mut().unwrap().remove("extensions");
    }
    said
}

async fn query_works_over_post_and_get(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    app.publish(&[record("1").build()]).await;
    let expected = json!({"data": {"initiatives": {"totalCount": 1}, "viewer": {"role": "STEWARD"}}});
    let query = "{ initiatives { totalCount } viewer { role } }";
    let (status, body) = post_body(&app, "application/json", json!({"query": query}).to_string()).await;
    assert_eq!((status, parse_json(&body)), (StatusCode::OK, expected.clone()));
    let (status, body) = get_query(&app, query).await;
    assert_eq!((status, parse_json(&body)), (StatusCode::OK, expected));
    let named = json!({
        "query": "query A { __typename } query B($first: Int) { initiatives(first: $first) { nodes { title } } }",
        "operationName": "B", "variables": {"first": 1},
    });
    let (status, body) = post_body(&app, "application/json; charset=utf-8", named.to_string()).await;
    assert_eq!(
        (status, parse_json(&body)),
        (
            StatusCode::OK,
            json!({"data": {"initiatives": {"nodes": [{"title": "Initiative 1"}]}}})
        )
    );
    let anonymous = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!({"query": "{ viewer { role } }"}).to_string()));
    let (status, body) = send_request(&app, anonymous.unwrap()).await;
    assert_eq!(status, StatusCode::OK, "a GraphQL error has the status 200");
    assert_eq!(
        parse_json(&body)["errors"][0]["extensions"]["code"],
        "UNAUTHENTICATED"
    );
}

async fn variable_defaults_apply_first(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening
        .connect_and_init(Some(&format!("Bearer {}", sign_token("steward"))))
        .await;
    let field = "viewer { role @include(if: $more) subject @skip(if: $more) }";
    let inline = "viewer { ... @include(if: $more) { role } ... @skip(if: $more) { subject } }";
    let spread = "viewer { ...R @include(if: $more) ...S @skip(if: $more) }";
    let fragments = "fragment R on Viewer { role } fragment S on Viewer { subject }";
    for (document, more_variables) in [
        (format!("query ($more: Boolean = true) {{ {field} }}"), json!({})),
        (
            format!("query ($more: Boolean! = true) {{ {inline} }}"),
            json!({}),
        ),
        (
            format!("query ($more: Boolean = true) {{ {spread} }} {fragments}"),
            json!({}),
        ),
        (
            format!("query ($more: Boolean = false) {{ {field} }}"),
            json!({"more": true}),
        ),
    ] {
        let expected = json!({"data": {"viewer": {"role": "STEWARD"}}});
        let request = json!({"query": document, "variables": more_variables});
        let (status, body) = post_body(&app, "application/json", request.to_string()).await;
        assert_eq!(
            (status, parse_json(&body)),
            (StatusCode::OK, expected),
            "{document}"
        );
        if more_variables == json!({}) {
            let answer = socket.query("1", &document).await;
            assert_eq!(answer["data"]["viewer"], json!({"role": "STEWARD"}), "{document}");
        }
    }
    // The default counts towards the cost, as a value does.
    let document =
        |first: &str| format!("query ({first}) {{ initiatives(first: $first) {{ nodes {{ title }} }} }}");
    let cost = async |document: String, variables: Value| {
        let request = json!({"query": document, "variables": variables});
        let (_, body) = post_body(&app, "application/json", request.to_string()).await;
        let answer: Value = serde_json::from_str(&body).unwrap();
        answer["extensions"]["cost"]["requested"].as_u64().unwrap()
    };
    let by_default = cost(document("$first: Int = 90"), json!({})).await;
    assert_eq!(
        by_default,
        cost(document("$first: Int"), json!({"first": 90})).await
    );
    assert!(by_default > cost(document("$first: Int"), json!({"first": 1})).await);
}

/// GraphQL, September 2025, 6.4.1: an argument whose value is a variable without a value is not provided, so
/// its own default applies.
async fn argument_without_a_value_is_absent(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    for (document, variables, expected) in [
        (
            "query ($scope: RecordScope) { pattern(when: {}, then: {}, scope: $scope) { scope } }",
            json!({}),
            "ALL",
        ),
        (
            "query ($scope: RecordScope) { pattern(when: {}, then: {}, scope: $scope) { scope } }",
            json!({"scope": "VISIBLE"}),
            "VISIBLE",
        ),
    ] {
        let request = json!({"query": document, "variables": variables});
        let (_, body) = post_body(&app, "application/json", request.to_string()).await;
        assert_eq!(
            parse_json(&body),
            json!({"data": {"pattern": {"scope": expected}}}),
            "{document}"
        );
    }
}

/// GraphQL, September 2025, 5.8.5: a variable of the type `Boolean` with a default is allowed as a condition,
/// but null is not a valid condition.
async fn null_condition_is_rejected(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    for (document, variables, names) in [
        (
            "query ($more: Boolean = true) { viewer { role @include(if: $more) } }",
            json!({"more": null}),
            "$more is null",
        ),
        (
            "query ($more: Boolean = false) { viewer { ...R @skip(if: $more) } } fragment R on Viewer { role }",
            json!({"more": null}),
            "$more is null",
        ),
        (
            "query ($more: Boolean = null) { viewer { ... @skip(if: $more) { role } } }",
            json!({}),
            "$more is null",
        ),
        (
            "query ($more: Boolean) { viewer { role @include(if: $more) } }",
            json!({}),
            "$more has no value",
        ),
        ("{ viewer { role @include(if: null) } }", json!({}), "if"),
    ] {
        let request = json!({"query": document, "variables": variables});
        let (_, body) = post_body(&app, "application/json", request.to_string()).await;
        let answer = parse_json(&body);
        assert_eq!(answer.get("data"), None, "{document}: {answer}");
        let error = &answer["errors"][0];
        assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{answer}");
        assert!(
            error["message"].as_str().unwrap().contains(names),
            "{document}: {answer}"
        );
        socket.subscribe_with("1", document, variables).await;
        let output = socket.receive().await;
        assert_eq!(output["type"], "error", "{output}");
        assert_eq!(output["payload"][0]["message"], error["message"], "{output}");
    }
    // The variable is also used in another operation, which is not executed.
    let document =
        "query A { viewer { role } } query B($more: Boolean = true) { viewer { role @skip(if: $more) } }";
    let request = json!({"query": document, "operationName": "A", "variables": {"more": null}});
    let (_, body) = post_body(&app, "application/json", request.to_string()).await;
    assert_eq!(parse_json(&body)["data"]["viewer"]["role"], "STEWARD", "{body}");
}

async fn variable_without_a_value_must_have_a_fitting_type(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let place =
        |of: &str| format!("query ($code: {of}) {{ terms(first: 1, search: $code) {{ totalCount }} }}");
    for (document, variables) in [(place("String"), json!({})), (place("ID"), json!({"code": null}))] {
        let request = json!({"query": document, "variables": variables});
        let (_, body) = post_body(&app, "application/json", request.to_string()).await;
        assert_eq!(parse_json(&body)["data"]["terms"]["totalCount"], 0, "{body}");
    }
    let request = json!({"query": place("Int")});
    let (_, body) = post_body(&app, "application/json", request.to_string()).await;
    let error = &parse_json(&body)["errors"][0];
    assert_eq!(
        error["message"], "$code is of the type Int, and search of the type String",
        "{body}"
    );
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{body}");
}

async fn operations_of_one_document_share_a_fragment(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let document = "query A($scope: RecordScope) { ...P } query B($scope: RecordScope!) { ...P ...R } \
        fragment P on Query { pattern(when: {}, then: {}, scope: $scope) { scope } } \
        fragment R on Query { viewer { role } }";
    for (name, variables, scope) in [
        ("A", json!({}), "ALL"),
        ("A", json!({"scope": "VISIBLE"}), "VISIBLE"),
        ("B", json!({"scope": "VISIBLE"}), "VISIBLE"),
    ] {
        let request = json!({"query": document, "operationName": name, "variables": variables});
        let (_, body) = post_body(&app, "application/json", request.to_string()).await;
        assert_eq!(
            parse_json(&body)["data"]["pattern"]["scope"],
            scope,
            "{name}: {body}"
        );
    }
}

async fn invalid_requests_are_rejected(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let query = json!({"query": "{ __typename }"}).to_string();
    let long = json!({"query": format!("{{ __typename }} #{}", "x".repeat(300 * 1024))}).to_string();
    for (kind, body, expected) in [
        ("text/plain", query.clone(), StatusCode::UNSUPPORTED_MEDIA_TYPE),
        (
            "application/x-www-form-urlencoded",
            query.clone(),
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
        ),
        ("application/json", "{".into(), StatusCode::BAD_REQUEST),
        ("application/json", String::new(), StatusCode::BAD_REQUEST),
        (
            "application/json",
            "\"{ __typename }\"".into(),
            StatusCode::BAD_REQUEST,
        ),
        (
            "application/json",
            format!("[{query}, {query}]"),
            StatusCode::BAD_REQUEST,
        ),
        ("application/json", long, StatusCode::PAYLOAD_TOO_LARGE),
    ] {
        let (status, answer) = post_body(&app, kind, body).await;
        assert_eq!(status, expected, "{answer}");
        let answer = parse_json(&answer);
        assert_eq!(answer["data"], Value::Null, "{answer}");
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "BAD_USER_INPUT",
            "{answer}"
        );
    }
    for mutation in [
        "mutation { publish { id } }",
        "query A { __typename } mutation B { publish { id } }",
        "subscription { submissionChanged { id } }",
    ] {
        let (status, answer) = get_query(&app, mutation).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{mutation}: {answer}");
    }
    let without_query = Request::get("/graphql").body(Body::empty()).unwrap();
    let (_, answer) = send_request(&app, without_query).await;
    assert_eq!(
        parse_json(&answer)["errors"][0]["extensions"]["code"],
        "BAD_USER_INPUT",
        "{answer}"
    );
    let put = Request::put("/graphql").body(Body::from(query)).unwrap();
    assert_eq!(send_request(&app, put).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

async fn service_is_ready_when_the_index_is_loaded(database: Database) {
    let verifier = TokenVerifier::new(
        Algorithm::HS256,
        DecodingKey::from_secret(SECRET),
        ISSUER,
        AUDIENCE,
    );
    let app = Arc::new(App::new(
        database.connection.clone(),
        verifier,
        Arc::new(SystemClock),
        Arc::new(PatternEngine::new(EngineSettings::default()).unwrap()),
    ));
    let health = async |path: &str| {
        let request = Request::get(path).body(Body::empty()).unwrap();
        let response = server::build_router(Arc::clone(&app))
            .oneshot(request)
            .await
            .unwrap();
        response.status()
    };
    assert_eq!(health("/health/live").await, StatusCode::OK);
    assert_eq!(health("/health/ready").await, StatusCode::SERVICE_UNAVAILABLE);
    app.engine.catch_up(&app.db, &|_| ()).await.unwrap();
    assert_eq!(health("/health/ready").await, StatusCode::OK);
    app.db.close_by_ref().await.unwrap();
    assert_eq!(health("/health/live").await, StatusCode::OK);
    assert_eq!(health("/health/ready").await, StatusCode::SERVICE_UNAVAILABLE);
}

async fn websocket_answers_queries_and_completes(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    app.publish(&[record("1").build()]).await;
    let listening = TestServer::start(&app).await;
    let authorization = format!("Bearer {}", sign_token("steward"));
    let mut socket = listening.connect_and_init(Some(&authorization)).await;
    let page = "{ initiatives { nodes { title leadOrganisation { identifier } } } viewer { role } }";
    let expected = json!({"data": {
        "initiatives": {"nodes": [{"title": "Initiative 1", "leadOrganisation": {"identifier": "GB-CHC-1"}}]},
        "viewer": {"role": "STEWARD"},
    }});
    for id in ["1", "2"] {
        assert_eq!(socket.query(id, page).await, expected);
    }
    for (query, code) in [
        ("{ initiatives(first: 101) { totalCount } }", "BAD_USER_INPUT"),
        ("{ nothing }", "BAD_USER_INPUT"),
        ("{", "BAD_USER_INPUT"),
    ] {
        let answer = socket.query("3", query).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], code,
            "{query}: {answer}"
        );
    }
    let mut anonymous = listening.connect_and_init(None).await;
    let answer = anonymous
        .query("1", "{ vocabulary { roles { code } } viewer { role } }")
        .await;
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "{answer}"
    );
    let answer = anonymous.query("2", "{ vocabulary { roles { code } } }").await;
    assert_eq!(
        answer["data"]["vocabulary"]["roles"].as_array().map(Vec::len),
        Some(4)
    );
}

async fn websocket_negotiates_its_subprotocol(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    for protocols in [None, Some("graphql-ws"), Some("soap"), Some("soap, graphql-ws")] {
        match listening.connect(protocols).await {
            Err(Error::Http(response)) => {
                assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{protocols:?}");
            }
            other => panic!("{protocols:?} must be refused: {other:?}"),
        }
    }
    // If a client also offers an older protocol, the service chooses the one that both support.
    let authorization = format!("Bearer {}", sign_token("steward"));
    let (mut socket, spoken) = listening
        .connect(Some("graphql-ws, graphql-transport-ws"))
        .await
        .unwrap();
    assert_eq!(spoken, "graphql-transport-ws");
    socket.init(Some(&authorization)).await;
    let answer = socket.query("1", "{ viewer { role } }").await;
    assert_eq!(answer["data"]["viewer"]["role"], "STEWARD");
}

async fn revoked_member_is_rejected_over_an_open_websocket(database: Database) {
    let app = TestApp::start(database).await;
    app.create_member("partner", Role::Partner, Some("GB-CHC-1"))
        .await;
    let listening = TestServer::start(&app).await;
    let authorization = format!("Bearer {}", sign_token("partner"));
    let mut socket = listening.connect_and_init(Some(&authorization)).await;
    let query = "{ viewer { role } }";
    assert_eq!(
        socket.query("1", query).await["data"]["viewer"]["role"],
        "PARTNER"
    );
    let subject = TokenSubject {
        issuer: ISSUER.into(),
        subject: "partner".into(),
    };
    member::revoke(&app.app.db, &TestApp::action(), &subject)
        .await
        .unwrap();
    let answer = socket.query("2", query).await;
    assert_eq!(answer["data"], Value::Null);
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "UNAUTHENTICATED",
        "{answer}"
    );
    assert_eq!(answer["errors"][0]["message"], "the token's member was revoked");
}

async fn internal_errors_are_reported_neutrally(database: Database) {
    let kind = database.kind;
    let app = TestApp::start(database).await;
    app.steward().await;
    app.publish(&[record("1").build()]).await;
    let listening = TestServer::start(&app).await;
    let authorization = format!("Bearer {}", sign_token("steward"));
    let mut socket = listening.connect_and_init(Some(&authorization)).await;
    let drop = |table: &str| match kind {
        Kind::Sqlite => format!("DROP TABLE {table}"),
        Kind::Postgres => format!("DROP TABLE {table} CASCADE"),
    };
    for table in ["condition_changed", "crisis_place", "crisis"] {
        app.app.db.execute_unprepared(&drop(table)).await.unwrap();
    }
    let output = json!({"message": "the database could not answer", "code": "INTERNAL"});
    for query in [
        "{ crises { totalCount } }",
        "{ crises { nodes { id } } }",
        "{ initiatives { nodes { conditionsChanged { change } } } }",
        "{ initiatives(filter: {activeDuring: {crisis: \"x\"}}) { totalCount } }",
    ] {
        let (status, body) = post_body(&app, "application/json", json!({"query": query}).to_string()).await;
        assert_eq!(status, StatusCode::OK);
        for answer in [parse_json(&body), socket.query("1", query).await] {
            let error = &answer["errors"][0];
            let said = json!({"message": error["message"], "code": error["extensions"]["code"]});
            assert_eq!(said, output, "{query}: {answer}");
            let id = error["extensions"]["id"].as_str().unwrap_or_default();
            assert_eq!(id.len(), 32, "the error has an id, which is in the log: {answer}");
            let answer = answer.to_string();
            for word in [
                "SELECT",
                "select",
                "table",
                "relation",
                "condition_changed",
                "sql",
                "no such",
            ] {
                assert!(!answer.contains(word), "{word} in {answer}");
            }
        }
    }
    // If the members cannot be read, no requester can be identified.
    app.app.db.execute_unprepared(&drop("member")).await.unwrap();
    app.app.engine.notifier().notify_of_commit();
    let (status, body) = post_body(
        &app,
        "application/json",
        json!({"query": "{ __typename }"}).to_string(),
    )
    .await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert_eq!(
        parse_json(&body)["errors"][0]["extensions"]["code"],
        "INTERNAL",
        "{body}"
    );
    assert!(!body.contains("member"), "{body}");
    // Every route returns the same status and a `Retry-After` header.
    for path in [
        "/graphql?query=%7B__typename%7D",
        "/export/pattern.csv",
        "/export/pattern.xlsx",
        "/imports/x/corrections.xlsx",
    ] {
        let request = Request::get(path)
            .header(header::AUTHORIZATION, &authorization)
            .body(Body::empty());
        let response = server::build_router(Arc::clone(&app.app))
            .oneshot(request.unwrap())
            .await
            .unwrap();
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(response.headers().contains_key(header::RETRY_AFTER), "{path}");
    }
    let answer = socket.query("2", "{ __typename }").await;
    assert_eq!(
        answer["errors"][0]["message"], "you cannot be authenticated at present; try again shortly",
        "{answer}"
    );
}
