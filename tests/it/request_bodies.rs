//! Request bodies: media types, encodings, empty fields, escapes, and bodies that are too long or incomplete.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::http::{HeaderMap, Request, StatusCode, header};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tower::ServiceExt;
use wayin::server;
use wayin::server::settings::HttpSettings;

use crate::support::app::{TestApp, sign_token};
use crate::support::socket::TestServer;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    media_types_are_case_insensitive,
    gzip_bodies_are_read_within_the_limit,
    empty_fields_count_as_absent,
    escapes_in_literals_are_resolved,
    mutation_with_escapes_is_rejected_over_get,
    oversized_body_is_answered_while_it_is_being_sent,
    incomplete_body_is_answered_with_a_timeout,
];

const VIEWER_QUERY: &str = "{ viewer { role } }";
const JSON_MEDIA_TYPE: &str = "application/json";

/// `{"query":"{ viewer { role } }"}`, compressed with gzip.
const GZIPPED_QUERY: &str = "H4sIAAAAAAACA6tWKixNLapUslKqVijLTC1PLVKoVijKz0lVqFWoVaoFAC7zHlUfAAAA";

/// The same with 300 KB of spaces in its query.
const LONG_GZIPPED_QUERY: &str = concat!(
    "H4sIAAAAAAACA+3BwQmAQAwAsFVKx3CfPgRBLKjIcbvrGkKSkcdZ/eSSI6617uoY0ftWMb8AAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAADwQzlfCMAmmB+wBAA=",
);

async fn send_request(app: &TestApp, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let response = server::build_router(Arc::clone(&app.app))
        .oneshot(request)
        .await
        .unwrap();
    let (status, headers) = (response.status(), response.headers().clone());
    let body = to_bytes(response.into_body(), 1 << 20).await.unwrap();
    (status, headers, String::from_utf8(body.to_vec()).unwrap())
}

/// Sends a POST request as a steward.
async fn post(
    app: &TestApp,
    headers: &[(&str, &str)],
    body: impl Into<Body>,
) -> (StatusCode, HeaderMap, String) {
    let mut request =
        Request::post("/graphql").header(header::AUTHORIZATION, format!("Bearer {}", sign_token("steward")));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    send_request(app, request.body(body.into()).unwrap()).await
}

/// Sends a GET request as a steward.
async fn get(app: &TestApp, parameters: &str) -> (StatusCode, String) {
    let request = Request::get(format!("/graphql?{parameters}"))
        .header(header::AUTHORIZATION, format!("Bearer {}", sign_token("steward")))
        .body(Body::empty());
    let (status, _, body) = send_request(app, request.unwrap()).await;
    (status, body)
}

/// Percent-encodes a text.
fn percent_encode(text: &str) -> String {
    text.bytes().fold(String::new(), |mut written, byte| {
        write!(written, "%{byte:02X}").unwrap();
        written
    })
}

fn parse_json(body: &str) -> Value {
    serde_json::from_str(body).unwrap_or_else(|error| panic!("{body}: {error}"))
}

fn is_steward_response(body: &str) -> bool {
    parse_json(body)["data"]["viewer"]["role"] == "STEWARD"
}

async fn media_types_are_case_insensitive(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let query = json!({"query": VIEWER_QUERY}).to_string();
    for kind in [
        "Application/JSON",
        "APPLICATION/JSON; Charset=\"UTF-8\"",
        "application/json;charset=utf8",
        "application/json; version=\"1;charset=x\"",
    ] {
        let (status, _, body) = post(&app, &[("content-type", kind)], query.clone()).await;
        assert!(
            status == StatusCode::OK && is_steward_response(&body),
            "{kind}: {status} {body}"
        );
    }
    let form = format!(
        "--X\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{query}\r\n\
         --X\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{{}}\r\n--X--\r\n"
    );
    let kind = "Multipart/Form-Data; Boundary=X";
    let (status, _, body) = post(&app, &[("content-type", kind)], form).await;
    assert!(
        status == StatusCode::OK && is_steward_response(&body),
        "{status} {body}"
    );
    // The error of each route that reads JSON names the unsupported charset.
    for path in ["/graphql", "/export/pattern.csv"] {
        for charset in ["UTF-16", "iso-8859-1"] {
            let request = Request::post(path)
                .header(header::AUTHORIZATION, format!("Bearer {}", sign_token("steward")))
                .header(
                    header::CONTENT_TYPE,
                    format!("application/json; charset={charset}"),
                )
                .body(Body::from(query.clone()));
            let (status, _, body) = send_request(&app, request.unwrap()).await;
            assert_eq!(
                status,
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "{path} {charset}: {body}"
            );
            let error = &parse_json(&body)["errors"][0];
            assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{body}");
            assert!(error["message"].as_str().unwrap().contains(charset), "{body}");
        }
    }
}

async fn gzip_bodies_are_read_within_the_limit(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let gzip = BASE64_STANDARD.decode(GZIPPED_QUERY).unwrap();
    for coding in ["gzip", "GZIP", "x-gzip", "identity, gzip"] {
        let headers = [("content-type", JSON_MEDIA_TYPE), ("content-encoding", coding)];
        let (status, _, body) = post(&app, &headers, gzip.clone()).await;
        assert!(
            status == StatusCode::OK && is_steward_response(&body),
            "{coding}: {status} {body}"
        );
    }
    let query = json!({"query": VIEWER_QUERY}).to_string();
    let headers = [
        ("content-type", JSON_MEDIA_TYPE),
        ("content-encoding", "identity"),
    ];
    let (status, _, body) = post(&app, &headers, query.clone()).await;
    assert!(
        status == StatusCode::OK && is_steward_response(&body),
        "{status} {body}"
    );
    for coding in ["br", "zstd", "deflate", "gzip, gzip"] {
        let headers = [("content-type", JSON_MEDIA_TYPE), ("content-encoding", coding)];
        let (status, answered, body) = post(&app, &headers, query.clone()).await;
        assert_eq!(status, StatusCode::UNSUPPORTED_MEDIA_TYPE, "{coding}: {body}");
        assert_eq!(answered[header::ACCEPT_ENCODING], "gzip");
        assert!(
            body.contains(&format!("coding {coding} is not supported")),
            "{body}"
        );
    }
    let headers = [("content-type", JSON_MEDIA_TYPE), ("content-encoding", "gzip")];
    for (sent, expected) in [
        (query.into_bytes(), StatusCode::BAD_REQUEST),
        (gzip[..20].to_vec(), StatusCode::BAD_REQUEST),
        (
            BASE64_STANDARD.decode(LONG_GZIPPED_QUERY).unwrap(),
            StatusCode::PAYLOAD_TOO_LARGE,
        ),
    ] {
        let (status, _, body) = post(&app, &headers, sent).await;
        assert_eq!(status, expected, "{body}");
        assert_eq!(
            parse_json(&body)["errors"][0]["extensions"]["code"],
            "BAD_USER_INPUT"
        );
    }
}

async fn empty_fields_count_as_absent(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let query = percent_encode(VIEWER_QUERY);
    for rest in [
        "&variables=&extensions=&operationName=",
        "&variables&extensions&operationName",
        "&variables=%20&operationName=+",
        "&variables=%7B%7D",
        "&variables=null&extensions=null",
    ] {
        let (status, body) = get(&app, &format!("query={query}{rest}")).await;
        assert!(
            status == StatusCode::OK && is_steward_response(&body),
            "{rest}: {status} {body}"
        );
    }
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    for empty in [json!(""), json!(null)] {
        let request = json!({
            "query": VIEWER_QUERY, "variables": empty, "extensions": empty, "operationName": empty,
        });
        let (status, _, body) = post(&app, &[("content-type", JSON_MEDIA_TYPE)], request.to_string()).await;
        assert!(
            status == StatusCode::OK && is_steward_response(&body),
            "{empty}: {status} {body}"
        );
        socket
            .send(json!({"id": "1", "type": "subscribe", "payload": request}))
            .await;
        let answer = socket.receive().await;
        assert_eq!(answer["payload"]["data"]["viewer"]["role"], "STEWARD", "{answer}");
        assert_eq!(socket.receive().await["type"], "complete");
    }
    // A non-empty value that is not an object is rejected.
    let (status, _) = get(&app, &format!("query={query}&variables=1")).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    let request = json!({"query": VIEWER_QUERY, "variables": "{}"}).to_string();
    let (status, _, body) = post(&app, &[("content-type", JSON_MEDIA_TYPE)], request).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    assert!(body.contains("variables are a text"), "{body}");
}

/// GraphQL, September 2025, 2.9.4: a surrogate pair and `\u{..}` each represent one character.
async fn escapes_in_literals_are_resolved(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let save = |slug: &str, name: &str| {
        format!(
            "mutation {{ saveTerm(input: {{slug: \"{slug}\", name: \"{name}\", definition: \"D.\"}}) \
             {{ term {{ name }} problems {{ message }} }} }}"
        )
    };
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    for (slug, word, expected) in [
        ("pair", "a \\uD83C\\uDF08 b", "a \u{1F308} b"),
        ("braces", "\\u{1F308}\\u{41}\\u00e9", "\u{1F308}A\u{e9}"),
        ("quoted", "\\u{22}x\\u{5C}", "\"x\\"),
    ] {
        let request = json!({"query": save(slug, word)}).to_string();
        let (_, _, body) = post(&app, &[("content-type", JSON_MEDIA_TYPE)], request).await;
        assert_eq!(
            parse_json(&body)["data"]["saveTerm"]["term"]["name"],
            expected,
            "{body}"
        );
        let answer = socket
            .query("1", &save(&format!("{slug}-again"), &format!("{word} again")))
            .await;
        let again = format!("{expected} again");
        assert_eq!(answer["data"]["saveTerm"]["term"]["name"], again, "{answer}");
        let question = format!("{{ terms(search: \"{word}\") {{ totalCount }} }}");
        let (_, body) = get(&app, &format!("query={}", percent_encode(&question))).await;
        assert_eq!(
            parse_json(&body)["data"]["terms"]["totalCount"],
            2,
            "{question}: {body}"
        );
    }
    for escape in ["\\uD83C", "\\uDF08\\uD83C", "\\u{D83C}", "\\u{110000}", "\\u{}"] {
        let query = format!(
            "{{ terms(search: \"x\") {{ totalCount }}\n  other: terms(search: \"{escape}\") {{ totalCount }} }}"
        );
        let request = json!({"query": query}).to_string();
        let (_, _, body) = post(&app, &[("content-type", JSON_MEDIA_TYPE)], request).await;
        let by_post = parse_json(&body)["errors"][0].clone();
        let message = by_post["message"].as_str().unwrap();
        let named = escape.get(..6).unwrap_or("\\u{").trim_end_matches("0000}");
        assert!(
            message.contains(named) && message.contains("is not a character"),
            "{escape}: {body}"
        );
        assert_eq!(by_post["extensions"]["code"], "BAD_USER_INPUT");
        assert_eq!(
            by_post["locations"],
            json!([{"line": 2, "column": 25}]),
            "{escape}: {body}"
        );
        let answer = socket.query("2", &query).await;
        assert_eq!(answer["errors"][0]["message"], message, "{answer}");
    }
    // The surrounding JSON has the same rules for escapes.
    let request = "{\"query\": \"{ viewer { role } }\",\n \"variables\": {\"a\": \"\\ud83d\"}}";
    let (status, _, body) = post(&app, &[("content-type", JSON_MEDIA_TYPE)], request).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{body}");
    let message = parse_json(&body)["errors"][0]["message"]
        .as_str()
        .unwrap()
        .to_owned();
    for part in ["\\ud83d is not a character", "line 2 column 22"] {
        assert!(message.contains(part), "{message}");
    }
}

async fn mutation_with_escapes_is_rejected_over_get(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    for word in ["\\uD83C\\uDF08", "\\u{1F308}"] {
        let mutation = format!(
            "mutation {{ saveTerm(input: {{slug: \"s\", name: \"{word}\", definition: \"D.\"}}) {{ term {{ id }} }} }}"
        );
        let (status, body) = get(&app, &format!("query={}", percent_encode(&mutation))).await;
        assert_eq!(status, StatusCode::METHOD_NOT_ALLOWED, "{body}");
    }
    let found = steward.query("{ terms { totalCount } }").await;
    assert_eq!(found["terms"]["totalCount"], 0);
}

/// The head of a POST request as a steward.
fn request_head(address: &str, length: usize) -> String {
    format!(
        "POST /graphql HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\nContent-Type: application/json\r\n\
         Content-Length: {length}\r\n\r\n",
        sign_token("steward")
    )
}

async fn connect(listening: &TestServer) -> (TcpStream, String) {
    let origin = listening.origin();
    let address = origin.trim_start_matches("http://").to_owned();
    (TcpStream::connect(&address).await.unwrap(), address)
}

/// Reads a response with a `Content-Length`, and leaves the connection open.
async fn read_response(stream: &mut TcpStream) -> String {
    let mut read = Vec::new();
    loop {
        let mut bytes = [0; 4096];
        let count = stream.read(&mut bytes).await.unwrap();
        assert!(
            count > 0,
            "the response is complete: {}",
            String::from_utf8_lossy(&read)
        );
        read.extend_from_slice(&bytes[..count]);
        let text = String::from_utf8_lossy(&read).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let head = head.to_ascii_lowercase();
            let length = head
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "));
            if length.unwrap().parse::<usize>().unwrap() <= body.len() {
                return text;
            }
        }
    }
}

async fn oversized_body_is_answered_while_it_is_being_sent(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    let (mut stream, address) = connect(&listening).await;
    // The body exceeds the buffers of both sides, and the client reads nothing until it has sent everything.
    let body = vec![b' '; 24 << 20];
    stream
        .write_all(request_head(&address, body.len()).as_bytes())
        .await
        .unwrap();
    stream.write_all(&body).await.expect("the whole body can be sent");
    let refused = read_response(&mut stream).await;
    assert!(refused.starts_with("HTTP/1.1 413 "), "{refused}");
    assert!(refused.contains("BAD_USER_INPUT"), "{refused}");
    // The connection can be used again.
    let query = json!({"query": VIEWER_QUERY}).to_string();
    let next = format!("{}{query}", request_head(&address, query.len()));
    stream.write_all(next.as_bytes()).await.unwrap();
    let answered = read_response(&mut stream).await;
    assert!(answered.contains("STEWARD"), "{answered}");
}

async fn incomplete_body_is_answered_with_a_timeout(database: Database) {
    let app = TestApp::start_with(database, |app| {
        app.with_http_settings(HttpSettings {
            body_timeout: Duration::from_secs(1),
            ..HttpSettings::default()
        })
    })
    .await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    for sent in ["", "{\"query\":"] {
        let (mut stream, address) = connect(&listening).await;
        let begun = format!("{}{sent}", request_head(&address, 40));
        stream.write_all(begun.as_bytes()).await.unwrap();
        let refused = read_response(&mut stream).await;
        assert!(refused.starts_with("HTTP/1.1 408 "), "{refused}");
        assert!(refused.contains("did not arrive within 1 second"), "{refused}");
    }
}
