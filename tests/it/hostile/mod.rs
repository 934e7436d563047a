//! Requests that try to overload the service. Each is rejected cheaply and briefly.

mod documents;

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode, header};
use serde_json::{Value, json};
use tower::ServiceExt;
use wayin::graphql::operation::document_limits::{DocumentLimits, measure_document};
use wayin::server;

use crate::support::app::{TestApp, sign_token};
use crate::support::socket::TestServer;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    hostile_documents_are_rejected_cheaply,
    hostile_variables_are_rejected,
    hostile_documents_are_rejected_over_websockets,
];

/// The maximum length of an error response, which has no unnecessary content.
const MAX_ERROR_BYTES: usize = 16 * 1024;

async fn post_body(app: &TestApp, body: String) -> (StatusCode, Vec<u8>) {
    let request = Request::post("/graphql")
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "application/graphql-response+json")
        .header(header::AUTHORIZATION, format!("Bearer {}", sign_token("steward")))
        .body(Body::from(body))
        .unwrap();
    let response = server::build_router(Arc::clone(&app.app))
        .oneshot(request)
        .await
        .unwrap();
    let status = response.status();
    (
        status,
        to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec(),
    )
}

async fn hostile_documents_are_rejected_cheaply(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    for hostile in documents::list_documents() {
        let (tries, document) = (hostile.tries, &hostile.document);
        if let Ok(work) = measure_document(document, &DocumentLimits::UNLIMITED) {
            assert!(work.steps <= document.len(), "{tries}: {work:?}");
        }
        let (status, answer) = post_body(&app, json!({"query": document}).to_string()).await;
        assert!(answer.len() <= MAX_ERROR_BYTES, "{tries}: {} bytes", answer.len());
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        // If an argument is rejected, the response has `data`. If the document is rejected, it does not.
        let expected = if answer.get("data").is_some() {
            StatusCode::OK
        } else {
            StatusCode::BAD_REQUEST
        };
        assert_eq!(status, expected, "{tries}: {answer}");
        let errors = answer["errors"].as_array().unwrap();
        assert!((1..=20).contains(&errors.len()), "{tries}: {answer}");
        for error in errors {
            assert_eq!(error["extensions"]["code"], hostile.code, "{tries}: {error}");
        }
    }
    // The service still answers.
    let (status, _) = post_body(&app, json!({"query": "{ viewer { role } }"}).to_string()).await;
    assert_eq!(status, StatusCode::OK);
}

async fn hostile_variables_are_rejected(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let filtered = "query($filter: InitiativeFilter) { initiatives(filter: $filter) { totalCount } }";
    let nested = |deep: usize| {
        let open = "{\"and\": [".repeat(deep);
        let close = "]}".repeat(deep);
        format!("{{\"query\": \"{filtered}\", \"variables\": {{\"filter\": {open}{{}}{close}}}}}")
    };
    let many = |count: usize| {
        let conditions = vec![json!({"title": {"contains": "a"}}); count];
        json!({"query": filtered, "variables": {"filter": {"and": conditions}}}).to_string()
    };
    let ids = json!({
        "query": "query($ids: [ID!]!) { nodes(ids: $ids) { id } }",
        "variables": {"ids": vec!["a"; 20_000]},
    });
    // The value is valid JSON, but too deeply nested for a filter. A recursive parser would call itself at each
    // level.
    let (_, answer) = post_body(&app, nested(40)).await;
    let answer: Value = serde_json::from_slice(&answer).unwrap();
    assert_eq!(
        answer["errors"][0]["extensions"]["code"], "QUERY_TOO_EXPENSIVE",
        "{answer}"
    );
    for (tries, body) in [
        ("a filter 40 deep", nested(40)),
        ("a filter 5,000 deep", nested(5_000)),
        ("a filter of 5,000 parts", many(5_000)),
        ("20,000 ids", ids.to_string()),
        ("a body that is one bracket, often", "[".repeat(200_000)),
        (
            "the same inside the variables",
            format!(
                "{{\"query\": \"{{ __typename }}\", \"variables\": {}",
                "[".repeat(200_000)
            ),
        ),
        ("a body that is too long", " ".repeat(400_000)),
    ] {
        let (status, answer) = post_body(&app, body).await;
        assert!(answer.len() <= MAX_ERROR_BYTES, "{tries}: {} bytes", answer.len());
        assert!(!status.is_server_error(), "{tries}: {status}");
        let answer: Value = serde_json::from_slice(&answer).unwrap();
        assert!(
            answer["errors"][0]["extensions"]["code"].is_string(),
            "{tries}: {answer}"
        );
    }
}

async fn hostile_documents_are_rejected_over_websockets(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    for hostile in documents::list_documents() {
        let answer = socket.query("1", &hostile.document).await;
        let code = &answer["errors"][0]["extensions"]["code"];
        assert_eq!(code, hostile.code, "{}", hostile.tries);
    }
    let answer = socket.query("1", "{ viewer { role } }").await;
    assert_eq!(answer["data"]["viewer"]["role"], "STEWARD");
}
