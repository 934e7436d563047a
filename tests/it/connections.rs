//! Connections whose clients do not finish what they begin, and how they end.

use std::time::Duration;

use axum::http::header;
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::time::timeout;
use wayin::server::settings::HttpSettings;

use crate::support::app::{TestApp, token};
use crate::support::socket::Listening;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    a_connection_whose_request_is_not_finished_is_closed,
    a_websocket_outlives_the_limits_of_requests,
    the_longest_waiting_connection_of_an_address_makes_room,
    a_crowded_address_is_refused_while_each_connection_has_a_request,
    requests_that_were_sent_are_answered_when_the_service_stops,
];

/// Longer than anything takes that a story waits for.
const LONG: Duration = Duration::from_mins(1);
const SHORT: Duration = Duration::from_secs(1);

const LIVE: &str = "GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n";

async fn start(database: Database, settings: HttpSettings) -> (TestApp, Listening) {
    let app = TestApp::changed(database, |app| app.with_http(settings)).await;
    app.steward().await;
    let listening = Listening::start(&app).await;
    (app, listening)
}

/// A connection on which something was sent.
async fn send(listening: &Listening, text: &str) -> TcpStream {
    let address = listening.origin();
    let mut stream = TcpStream::connect(address.trim_start_matches("http://"))
        .await
        .unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// What the service sends until it closes a connection.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    // A connection that is cut off may be reset.
    let _ = timeout(LONG, stream.read_to_end(&mut text))
        .await
        .expect("the service closes the connection");
    String::from_utf8_lossy(&text).into_owned()
}

/// Reads until a text has arrived.
async fn read_until(stream: &mut TcpStream, expected: &str) -> String {
    let mut text = Vec::new();
    while !String::from_utf8_lossy(&text).contains(expected) {
        let count = timeout(LONG, stream.read_buf(&mut text)).await.unwrap().unwrap();
        assert!(count > 0, "{}", String::from_utf8_lossy(&text));
    }
    String::from_utf8_lossy(&text).into_owned()
}

/// A request for the role of the steward.
fn query() -> String {
    let body = json!({"query": "{ viewer { role } }"}).to_string();
    format!("{}{body}", head(body.len()))
}

fn head(length: usize) -> String {
    format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\n{}: Bearer {}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n",
        header::AUTHORIZATION,
        token("steward")
    )
}

async fn a_connection_whose_request_is_not_finished_is_closed(database: Database) {
    let settings = HttpSettings {
        head: SHORT,
        idle: SHORT,
        ..HttpSettings::default()
    };
    let (_app, listening) = start(database, settings).await;
    for (sent, answers) in [
        ("", 0),
        ("GET /health/live HTTP/1.1\r\nHost: x\r\nAcc", 0),
        (LIVE, 1),
        (&format!("{LIVE}{LIVE}"), 2),
        (&format!("{LIVE}GET /hea"), 1),
        ("PRI * HTTP/2.0\r\n\r\nSM", 0),
    ] {
        let mut stream = send(&listening, sent).await;
        let read = rest(&mut stream).await;
        assert_eq!(
            read.matches("HTTP/1.1 200 OK").count(),
            answers,
            "{sent:?}: {read}"
        );
    }
}

async fn a_websocket_outlives_the_limits_of_requests(database: Database) {
    let settings = HttpSettings {
        head: SHORT,
        body: SHORT,
        idle: SHORT,
        ..HttpSettings::default()
    };
    let (_app, listening) = start(database, settings).await;
    let mut socket = listening.begin_as("steward").await;
    // Connections that begin later and have ended: the limits are over.
    for sent in [LIVE, &head(40)] {
        let mut stream = send(&listening, sent).await;
        rest_or_answer(&mut stream).await;
    }
    let answer = socket.ask("1", "{ viewer { role } }").await;
    assert_eq!(answer["data"]["viewer"]["role"], "STEWARD", "{answer}");
}

/// Waits until a connection is closed, or its request is answered with a timeout.
async fn rest_or_answer(stream: &mut TcpStream) {
    let read = rest(stream).await;
    assert!(
        read.contains("HTTP/1.1 200") || read.contains("HTTP/1.1 408"),
        "{read}"
    );
}

async fn the_longest_waiting_connection_of_an_address_makes_room(database: Database) {
    let settings = HttpSettings {
        per_address: Some(2),
        ..HttpSettings::default()
    };
    let (_app, listening) = start(database, settings).await;
    let mut first = send(&listening, LIVE).await;
    read_until(&mut first, "live\n").await;
    let mut second = send(&listening, LIVE).await;
    read_until(&mut second, "live\n").await;
    let mut third = send(&listening, LIVE).await;
    read_until(&mut third, "live\n").await;
    assert_eq!(rest(&mut first).await, "", "the first was closed");
    second.write_all(LIVE.as_bytes()).await.unwrap();
    read_until(&mut second, "live\n").await;
}

async fn a_crowded_address_is_refused_while_each_connection_has_a_request(database: Database) {
    let settings = HttpSettings {
        per_address: Some(1),
        ..HttpSettings::default()
    };
    let (_app, listening) = start(database, settings).await;
    // The service reads the body once it asks for it.
    let expecting = head(40).replace("\r\n\r\n", "\r\nExpect: 100-continue\r\n\r\n");
    let mut held = send(&listening, &expecting).await;
    read_until(&mut held, "100 Continue").await;
    let mut refused = send(&listening, "").await;
    let read = rest(&mut refused).await;
    assert!(read.starts_with("HTTP/1.1 429 "), "{read}");
    let read = read.to_ascii_lowercase();
    assert!(
        read.contains("retry-after: 1") && read.contains("too many connections"),
        "{read}"
    );
}

async fn requests_that_were_sent_are_answered_when_the_service_stops(database: Database) {
    let (_app, mut listening) = start(database, HttpSettings::default()).await;
    let unused = send(&listening, "").await;
    let mut kept = send(&listening, LIVE).await;
    read_until(&mut kept, "live\n").await;
    let mut begun = send(&listening, &head(40)).await;
    let mut socket = listening.begin_as("steward").await;
    kept.write_all(query().as_bytes()).await.unwrap();
    let mut pipelined = send(&listening, &query().repeat(5)).await;
    listening.stop();
    for (stream, expected) in [(&mut kept, 1), (&mut pipelined, 5)] {
        let read = rest(stream).await;
        assert_eq!(read.matches("STEWARD").count(), expected, "{read}");
    }
    // A client that sends nothing more is not waited for.
    let read = rest(&mut begun).await;
    assert!(!read.contains("HTTP/1.1 200"), "{read}");
    let (code, _) = socket.closed().await;
    assert_eq!(code, 1001);
    drop(unused);
    drop(socket);
    listening.ended().await;
}
