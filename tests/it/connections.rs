//! Connections whose clients do not finish their requests.

use std::time::Duration;

use axum::http::header;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wayin::server::settings::HttpSettings;

use crate::support::app::{TestApp, sign_token};
use crate::support::socket::TestServer;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    unfinished_request_is_closed,
    websocket_is_not_limited_by_request_timeouts,
    longest_waiting_connection_is_evicted,
    address_over_its_limit_is_rejected,
    sent_requests_are_answered_on_shutdown,
];

/// Longer than any wait in these tests.
const LONG_TIMEOUT: Duration = Duration::from_mins(1);
const SHORT_TIMEOUT: Duration = Duration::from_secs(1);

const HEALTH_REQUEST: &str = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";

async fn start_with_http_settings(database: Database, settings: HttpSettings) -> (TestApp, TestServer) {
    let app = TestApp::start_with(database, |app| app.with_http_settings(settings)).await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    (app, listening)
}

/// Opens a connection and sends a text.
async fn open_and_send(listening: &TestServer, text: &str) -> TcpStream {
    let address = listening.origin();
    let mut stream = TcpStream::connect(address.trim_start_matches("http://"))
        .await
        .unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Reads until the service closes the connection.
async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // An aborted connection may be reset.
    let _ = timeout(LONG_TIMEOUT, stream.read_to_end(&mut text))
        .await
        .expect("the service closes the connection");
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads until a text has arrived.
async fn read_until(stream: &mut TcpStream, expected: &str) -> String {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(expected) {
        let count = timeout(LONG_TIMEOUT, stream.read_buf(&mut text))
            .await
            .unwrap()
            .unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&text));
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// A request for the steward's role.
fn role_query_request() -> String {
    let body = json!({"query": "{ viewer { role } }"}).to_string();
    format!("{}{body}", post_head(body.len()))
}

fn post_head(length: usize) -> String {
    format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\n{}: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n",
        header::AUTHORIZATION,
        sign_token("steward")
    )
}

async fn unfinished_request_is_closed(database: Database) {
    let settings = HttpSettings {
        header_timeout: SHORT_TIMEOUT,
        idle_timeout: SHORT_TIMEOUT,
        ..HttpSettings::default()
    };
    let (_app, listening) = start_with_http_settings(database, settings).await;
    for (sent, answers) in [
        ("", 0),
        ("GET /health/live HTTP/1.1\r\nHost: x\r\nAcc", 0),
        (HEALTH_REQUEST, 1),
        (&format!("{HEALTH_REQUEST}{HEALTH_REQUEST}"), 2),
        (&format!("{HEALTH_REQUEST}GET /hea"), 1),
        ("PRI * HTTP/2.0\r\n\r\nSM", 0),
    ] {
        let mut stream = open_and_send(&listening, sent).await;
        let read = read_to_end(&mut stream).await;
        assert_eq!(
            read.matches("HTTP/1.1 200 OK").count(),
            answers,
            "{sent:?}: {read}"
        );
    }
}

async fn websocket_is_not_limited_by_request_timeouts(database: Database) {
    let settings = HttpSettings {
        header_timeout: SHORT_TIMEOUT,
        body_timeout: SHORT_TIMEOUT,
        idle_timeout: SHORT_TIMEOUT,
        ..HttpSettings::default()
    };
    let (_app, listening) = start_with_http_settings(database, settings).await;
    let mut socket = listening.connect_as("steward").await;
    // These connections start later. When they have ended, the limits have passed for the socket too.
    for sent in [HEALTH_REQUEST, &post_head(40)] {
        let mut stream = open_and_send(&listening, sent).await;
        wait_for_close_or_timeout(&mut stream).await;
    }
    let answer = socket.query("1", "{ viewer { role } }").await;
    assert_eq!(answer["data"]["viewer"]["role"], "STEWARD", "{answer}");
}

/// Waits until a connection is closed or its request gets a timeout response.
async fn wait_for_close_or_timeout(stream: &mut TcpStream) {
    let read = read_to_end(stream).await;
    assert!(
        read.contains("HTTP/1.1 200") || read.contains("HTTP/1.1 408"),
        "{read}"
    );
}

async fn longest_waiting_connection_is_evicted(database: Database) {
    let settings = HttpSettings {
        max_connections_per_address: Some(2),
        ..HttpSettings::default()
    };
    let (_app, listening) = start_with_http_settings(database, settings).await;
    let mut first = open_and_send(&listening, HEALTH_REQUEST).await;
    read_until(&mut first, "live\n").await;
    let mut second = open_and_send(&listening, HEALTH_REQUEST).await;
    read_until(&mut second, "live\n").await;
    let mut third = open_and_send(&listening, HEALTH_REQUEST).await;
    read_until(&mut third, "live\n").await;
    assert_eq!(read_to_end(&mut first).await, "", "the first was closed");
    second.write_all(HEALTH_REQUEST.as_bytes()).await.unwrap();
    read_until(&mut second, "live\n").await;
}

async fn address_over_its_limit_is_rejected(database: Database) {
    let settings = HttpSettings {
        max_connections_per_address: Some(1),
        ..HttpSettings::default()
    };
    let (_app, listening) = start_with_http_settings(database, settings).await;
    // The service sends `100 Continue` when it starts to read the body.
    let expecting = post_head(40).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    let mut held = open_and_send(&listening, &expecting).await;
    read_until(&mut held, "100 Continue").await;
    let mut refused = open_and_send(&listening, "").await;
    let read = read_to_end(&mut refused).await;
    assert!(read.starts_with("HTTP/1.1 429 "), "{read}");
    let read = read.to_ascii_lowercase();
    assert!(
        read.contains("retry-after: 1") && read.contains("too many connections"),
        "{read}"
    );
}

async fn sent_requests_are_answered_on_shutdown(database: Database) {
    let (_app, mut listening) = start_with_http_settings(database, HttpSettings::default()).await;
    let unused = open_and_send(&listening, "").await;
    let mut kept = open_and_send(&listening, HEALTH_REQUEST).await;
    read_until(&mut kept, "live\n").await;
    let mut begun = open_and_send(&listening, &post_head(40)).await;
    let mut socket = listening.connect_as("steward").await;
    kept.write_all(role_query_request().as_bytes()).await.unwrap();
    let mut pipelined = open_and_send(&listening, &role_query_request().repeat(5)).await;
    listening.stop();
    for (stream, expected) in [(&mut kept, 1), (&mut pipelined, 5)] {
        let read = read_to_end(stream).await;
        assert_eq!(read.matches("STEWARD").count(), expected, "{read}");
    }
    // The service does not wait for a client that sends nothing more.
    let read = read_to_end(&mut begun).await;
    assert!(!read.contains("HTTP/1.1 200"), "{read}");
    let (code, _) = socket.wait_for_close().await;
    assert_eq!(code, 1001);
    drop(unused);
    drop(socket);
    listening.wait_until_stopped().await;
}
