//! Clients that do not finish their requests: others are still answered, and the service stops in time.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::program::{
    CommandFolder, RunningProgram, find_free_address, poll_until, post_json, query_service, wait_until_ready,
};
use crate::serve_settings;

/// The hard limit of open files of the service.
const MAX_OPEN_FILES: usize = 256;
/// More connections than that.
const UNFINISHED_CONNECTIONS: usize = 400;

/// An incomplete head, and an incomplete body.
const UNFINISHED_REQUESTS: [&str; 2] = [
    "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Ty",
    "POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 40\r\n\r\n{\"query\":",
];

/// Starts the service with a small limit of open files.
fn start_limited_service(folder: &CommandFolder, address: SocketAddr) -> RunningProgram {
    let service = folder.start_with_files(MAX_OPEN_FILES, &["serve"]);
    wait_until_ready(address);
    service
}

fn send_unfinished(address: SocketAddr, beginning: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the service listens");
    // Writing fails if the connection was rejected at once.
    let _ = stream.write_all(beginning.as_bytes());
    stream
}

#[test]
fn unfinished_requests_do_not_block_others() {
    for beginning in UNFINISHED_REQUESTS {
        let address = find_free_address();
        let folder = serve_settings()
            .with_setting("BIND", address.to_string())
            .with_setting("BODY_SECONDS", "2")
            .with_setting("CONNECTIONS_PER_ADDRESS", "0");
        let service = start_limited_service(&folder, address);
        let held: Vec<TcpStream> = (0..UNFINISHED_CONNECTIONS)
            .map(|_| send_unfinished(address, beginning))
            .collect();
        // A connection with an incomplete head is closed at once, one with an incomplete body after its time limit.
        poll_until("an answer beside half-sent requests", || {
            post_json(address, "GET /health/ready HTTP/1.1", "").filter(|(status, _)| *status == 200)
        });
        let output = service.stop();
        assert_eq!(output.code, Some(0), "{output:?}");
        assert!(
            output
                .err
                .contains(&format!("up to {MAX_OPEN_FILES} files can be open")),
            "{output:?}"
        );
        drop(held);
    }
}

#[test]
fn service_answers_received_requests_and_stops() {
    let address = find_free_address();
    let folder = serve_settings()
        .with_setting("BIND", address.to_string())
        .with_setting("BODY_SECONDS", "600")
        .with_setting("HEADER_SECONDS", "600")
        .with_setting("IDLE_SECONDS", "600");
    folder.run_ok(&["member", "add", "--subject", "ada", "--role", "STEWARD"]);
    let token = folder.run_ok(&["token", "issue", "--subject", "ada"]);
    let token = token.trim();
    let service = start_limited_service(&folder, address);
    let viewer = "{ viewer { role } }";
    assert_eq!(
        query_service(address, token, viewer)["data"]["viewer"]["role"],
        "STEWARD"
    );
    let body = format!("{{\"query\": \"{viewer}\"}}");
    let whole = format!(
        "POST /graphql HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let upgrade = format!(
        "GET /graphql/ws HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nConnection: Upgrade\r\n\
         Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
         Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
    );
    // A client that requests much and reads nothing.
    let unread = "GET /schema.graphql HTTP/1.1\r\nHost: x\r\n\r\n".repeat(500);
    let held: Vec<TcpStream> = UNFINISHED_REQUESTS
        .into_iter()
        .chain(["", &upgrade, &unread])
        .map(|beginning| send_unfinished(address, beginning))
        .collect();
    // One connection with several pipelined requests.
    let mut pipelined = send_unfinished(address, &whole.repeat(5));
    let mut single = send_unfinished(address, &whole);
    let output = service.stop();
    assert_eq!(output.code, Some(0), "{output:?}");
    assert!(!output.err.contains("is ended"), "it ended in time: {output:?}");
    for (stream, expected) in [(&mut pipelined, 5), (&mut single, 1)] {
        stream.set_read_timeout(Some(Duration::from_mins(1))).unwrap();
        let mut answers = Vec::new();
        let _ = stream.read_to_end(&mut answers);
        let answers = String::from_utf8_lossy(&answers);
        assert_eq!(answers.matches("STEWARD").count(), expected, "{answers}");
    }
    drop(held);
}

#[test]
fn client_limits_are_validated_at_start() {
    for (name, value) in [
        ("HEADER_SECONDS", "0"),
        ("BODY_SECONDS", "ten"),
        ("IDLE_SECONDS", "-1"),
        ("STOP_SECONDS", "0"),
        ("CONNECTIONS_PER_ADDRESS", "many"),
        ("CORS_HEADERS", "x one"),
    ] {
        let folder = serve_settings()
            .with_setting("BIND", find_free_address().to_string())
            .with_setting(name, value);
        let output = folder.run(&["serve"]);
        assert_eq!(output.code, Some(1), "{name}: {output:?}");
        assert!(
            output.err.contains(&format!("The setting {name} cannot be used")),
            "{output:?}"
        );
    }
}
