//! What is told as it happens, and the protocol that it is told in.

mod access;
mod pace;
mod protocol;
mod streams;

use std::sync::Arc;
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use wayin::app::App;
use wayin::auth::jwt::Verifier;
use wayin::clock::SystemClock;
use wayin::live::Limits;
use wayin::pattern::engine::{Engine, Settings};

use crate::support::Database;
use crate::support::app::{AUDIENCE, Client, ISSUER, SECRET, TestApp};
use crate::support::database::connect;
use crate::support::socket::{Socket, until};

const SUBMISSIONS: &str =
    "subscription { submissionChanged { state version record organisation { identifier } } }";
const PUBLISHED: &str = "subscription { initiativePublished { title } }";
const PATTERN: &str = "subscription { patternChanged(when: {}, then: {}, scope: VISIBLE) { table { population both } asOf { changeNumber } } }";

/// Long enough for something to come that must not.
const A_WHILE: Duration = Duration::from_millis(1_200);

/// Limits that a story can wait for.
fn short() -> Limits {
    Limits {
        init_within: Duration::from_millis(400),
        write_within: Duration::from_millis(800),
        ..Limits::default()
    }
}

/// Another server process over the same base, which shares nothing with the story's own.
async fn another_process(database: &Database) -> TestApp {
    let connection = connect(&database.url).await.unwrap();
    TestApp::over(database.clone(), connection).await
}

/// A service over a base, without any client of its own.
async fn service_over(database: &Database, limits: Limits) -> Arc<App> {
    let verifier = Verifier::new(
        Algorithm::HS256,
        DecodingKey::from_secret(SECRET),
        ISSUER,
        AUDIENCE,
    );
    let engine = Arc::new(Engine::new(Settings::default()).unwrap());
    let db = connect(&database.url).await.unwrap();
    Arc::new(App::new(db, verifier, Arc::new(SystemClock), engine).with_limits(limits))
}

/// Sends a mutation of a submission that must go well, and answers the submission's id.
async fn mutate(client: &Client<'_>, name: &str, input: Value) -> String {
    let input_type = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let query = format!(
        "mutation($input: {input_type}!) {{ {name}(input: $input) {{ submission {{ id }} userErrors {{ message }} }} }}"
    );
    let response = client.response_with(&query, json!({"input": input})).await;
    let payload = &response["data"][name];
    assert_eq!(payload["userErrors"], json!([]), "{name}: {response}");
    payload["submission"]["id"].as_str().unwrap().to_owned()
}

/// Saves a draft with a title, and answers its id.
async fn save(client: &Client<'_>, title: &str) -> String {
    mutate(client, "saveSubmission", json!({"record": {"title": title}})).await
}

/// Subscribes to submissions, and waits until the service has taken it up.
async fn follow_submissions(app: &App, socket: &mut Socket, id: &str) {
    let before = app.live.submissions_told_to();
    socket.subscribe(id, SUBMISSIONS).await;
    // A query over the same connection is answered once what came before it is under way.
    until("submissions are followed", || {
        app.live.submissions_told_to() > before
    })
    .await;
    let answer = loop {
        socket.subscribe("ready", "{ __typename }").await;
        let answer = socket.hear().await;
        assert_eq!(socket.hear().await["type"], "complete");
        if app.live.has_looked() {
            break answer;
        }
    };
    assert_eq!(answer["id"], "ready", "{answer}");
}

/// The title of the submission that is told of next, with its state.
async fn next_title(socket: &mut Socket, id: &str) -> (String, String) {
    let told = socket.told(id).await;
    let submission = &told["submissionChanged"];
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    (text(&submission["record"]["title"]), text(&submission["state"]))
}
