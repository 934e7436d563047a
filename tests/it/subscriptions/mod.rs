//! Subscriptions and their protocol.

mod access;
mod backpressure;
mod protocol;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use wayin::app::App;
use wayin::auth::jwt::TokenVerifier;
use wayin::clock::SystemClock;
use wayin::pattern::engine::{EngineSettings, PatternEngine};
use wayin::subscriptions::ConnectionLimits;

use crate::support::Database;
use crate::support::app::{AUDIENCE, Client, ISSUER, SECRET, TestApp};
use crate::support::database::connect;
use crate::support::socket::{TestSocket, wait_until};

const SUBMISSION_SUBSCRIPTION: &str =
    "subscription { submissionChanged { state version record organisation { identifier } } }";
const PUBLISHED_SUBSCRIPTION: &str = "subscription { initiativePublished { title } }";
const PATTERN_SUBSCRIPTION: &str = "subscription { patternChanged(when: {}, then: {}, scope: VISIBLE) { table { population both } asOf { changeNumber } } }";

/// Long enough that an unexpected message would arrive.
const QUIET_PERIOD: Duration = Duration::from_millis(1_200);

/// Limits that are short enough for a test.
fn short_limits() -> ConnectionLimits {
    ConnectionLimits {
        init_timeout: Duration::from_millis(400),
        write_timeout: Duration::from_millis(800),
        ..ConnectionLimits::default()
    }
}

/// Another server process with the same database. It shares no memory with the test's own service.
async fn start_another_process(database: &Database) -> TestApp {
    let connection = connect(&database.url).await.unwrap();
    TestApp::start_on_connection(database.clone(), connection).await
}

/// A service over a database, without a client.
async fn start_service(database: &Database, limits: ConnectionLimits) -> Arc<App> {
    let verifier = TokenVerifier::new(
        Algorithm::HS256,
        DecodingKey::from_secret(SECRET),
        ISSUER,
        AUDIENCE,
    );
    let engine = Arc::new(PatternEngine::new(EngineSettings::default()).unwrap());
    let db = connect(&database.url).await.unwrap();
    Arc::new(App::new(db, verifier, Arc::new(SystemClock), engine).with_limits(limits))
}

/// Runs a mutation of a submission that must succeed; returns the id of the submission.
async fn mutate_submission(client: &Client<'_>, name: &str, input: Value) -> String {
    let input_type = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let query = format!(
        "mutation($input: {input_type}!) {{ {name}(input: $input) {{ submission {{ id }} problems {{ message }} }} }}"
    );
    let response = client.execute_with(&query, json!({"input": input})).await;
    let payload = &response["data"][name];
    assert_eq!(payload["problems"], json!([]), "{name}: {response}");
    payload["submission"]["id"].as_str().unwrap().to_owned()
}

/// Saves a draft with a title; returns its id.
async fn save_draft(client: &Client<'_>, title: &str) -> String {
    mutate_submission(client, "saveSubmission", json!({"record": {"title": title}})).await
}

/// Subscribes to submissions, and waits until the subscription has started.
async fn follow_submissions(app: &App, socket: &mut TestSocket, id: &str) {
    let before = app.subscriptions.submission_subscriber_count();
    socket.subscribe(id, SUBMISSION_SUBSCRIPTION).await;
    // A query over the same connection is answered after the earlier operations have started.
    wait_until("submissions are followed", || {
        app.subscriptions.submission_subscriber_count() > before
    })
    .await;
    let answer = loop {
        socket.subscribe("ready", "{ __typename }").await;
        let answer = socket.receive().await;
        assert_eq!(socket.receive().await["type"], "complete");
        if app.subscriptions.has_polled() {
            break answer;
        }
    };
    assert_eq!(answer["id"], "ready", "{answer}");
}

/// The title and the state of the next submission of a subscription.
async fn read_next_title(socket: &mut TestSocket, id: &str) -> (String, String) {
    let output = socket.next_data(id).await;
    let submission = &output["submissionChanged"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&submission["record"]["title"]), text(&submission["state"]))
}
