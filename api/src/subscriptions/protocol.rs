//! The messages of the protocol graphql-transport-ws, and its close codes.
//!
//! Source: "GraphQL over WebSocket Protocol", `PROTOCOL.md` of the library graphql-ws.

use async_graphql::{Request, Response, ServerError};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::graphql::request;

/// The maximum length of the reason in a close frame (RFC 6455, 5.5).
const MAX_CLOSE_REASON_BYTES: usize = 123;

/// A message from the client.
#[derive(Debug)]
pub enum ClientMessage {
    /// The client opens the session and can authenticate.
    ConnectionInit(Map<String, Value>),
    /// The client checks that the service responds.
    Ping(Option<Map<String, Value>>),
    /// The client responds.
    Pong,
    /// The client starts an operation.
    Subscribe {
        /// The id that the client chose.
        id: String,
        request: Box<Request>,
    },
    /// The client ends an operation.
    Complete(String),
}

/// The JSON form of a message.
#[derive(Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum ClientMessageJson {
    ConnectionInit {
        payload: Option<Map<String, Value>>,
    },
    Ping {
        payload: Option<Map<String, Value>>,
    },
    Pong {
        #[serde(rename = "payload")]
        _payload: Option<Map<String, Value>>,
    },
    Subscribe {
        id: String,
        payload: Map<String, Value>,
    },
    Complete {
        id: String,
    },
}

impl ClientMessage {
    /// Parses a message.
    ///
    /// # Errors
    /// Returns the close reason for a message that is not in the protocol.
    pub fn parse(text: &str) -> Result<Self, CloseReason> {
        let written = serde_json::from_str(text).map_err(|cause| {
            let reason = request::describe_json_error(text.as_bytes(), &cause);
            CloseReason::BadRequest(format!("Not a message of the protocol: {reason}"))
        })?;
        let named = |id: String| {
            if id.is_empty() {
                Err(CloseReason::BadRequest("A message's id is empty".into()))
            } else {
                Ok(id)
            }
        };
        Ok(match written {
            ClientMessageJson::ConnectionInit { payload } => {
                Self::ConnectionInit(payload.unwrap_or_default())
            }
            ClientMessageJson::Ping { payload } => Self::Ping(payload),
            ClientMessageJson::Pong { _payload: _ } => Self::Pong,
            ClientMessageJson::Complete { id } => Self::Complete(named(id)?),
            ClientMessageJson::Subscribe { id, payload } => {
                let request = request::from_json(payload).map_err(|reason| {
                    CloseReason::BadRequest(format!("The payload of subscribe is not a request: {reason}"))
                })?;
                Self::Subscribe {
                    id: named(id)?,
                    request: Box::new(request),
                }
            }
        })
    }
}

/// A message from the service.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerMessage<'a> {
    /// The session is open.
    ConnectionAck,
    /// The response to a ping, with its payload.
    Pong {
        #[serde(skip_serializing_if = "Option::is_none")]
        payload: Option<Map<String, Value>>,
    },
    /// A result of an operation.
    Next { id: &'a str, payload: &'a Response },
    /// An operation failed before it began, or was ended by the service.
    Error { id: &'a str, payload: &'a [ServerError] },
    /// An operation has no more results.
    Complete {
        /// Which operation.
        id: &'a str,
    },
}

/// Why the service closes a connection. `docs/subscriptions.md` lists the codes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CloseReason {
    /// The service stops.
    GoingAway,
    /// A message is too long.
    MessageTooBig,
    /// The database is not available.
    Unavailable,
    /// The token has the maximum number of connections.
    TooManyConnections(usize),
    /// The client does not read its messages, or not fast enough.
    Lagged,
    /// A message is not in the protocol.
    BadRequest(String),
    /// An operation came before the connection was acknowledged.
    Unauthorized,
    /// The client has no access, or has lost it.
    Forbidden(String),
    /// No `connection_init` came in time.
    InitTimeout,
    /// An operation with this id is running.
    DuplicateSubscriber(String),
    /// A second `connection_init` came.
    TooManyInitRequests,
    /// An internal error.
    Internal,
}

impl CloseReason {
    /// The code of the close frame.
    pub const fn code(&self) -> u16 {
        match self {
            Self::GoingAway => 1001,
            Self::MessageTooBig => 1009,
            Self::Unavailable | Self::TooManyConnections(_) => 1013,
            Self::Lagged => 4008,
            Self::BadRequest(_) => 4400,
            Self::Unauthorized => 4401,
            Self::Forbidden(_) => 4403,
            Self::InitTimeout => 4408,
            Self::DuplicateSubscriber(_) => 4409,
            Self::TooManyInitRequests => 4429,
            Self::Internal => 4500,
        }
    }

    /// The reason of the close frame.
    pub fn reason(&self) -> String {
        let mut reason = match self {
            Self::GoingAway => "Going away".into(),
            Self::MessageTooBig => "Message too big".into(),
            Self::Unavailable => "Try again later".into(),
            Self::TooManyConnections(most) => {
                format!("Try again later: a token has at most {most} connections at once")
            }
            Self::Lagged => "Fell behind: connect and subscribe again".into(),
            Self::BadRequest(what) => what.clone(),
            Self::Unauthorized => "Unauthorized".into(),
            Self::Forbidden(why) => format!("Forbidden: {why}"),
            Self::InitTimeout => "Connection initialisation timeout".into(),
            Self::DuplicateSubscriber(id) => format!("Subscriber for {id} already exists"),
            Self::TooManyInitRequests => "Too many initialisation requests".into(),
            Self::Internal => "Internal server error".into(),
        };
        reason.truncate(reason.floor_char_boundary(MAX_CLOSE_REASON_BYTES));
        reason
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn valid_messages_are_parsed() {
        let read = |text| ClientMessage::parse(text).unwrap();
        assert!(matches!(
            read(r#"{"type": "connection_init"}"#),
            ClientMessage::ConnectionInit(payload) if payload.is_empty()
        ));
        assert!(matches!(
            read(r#"{"type": "connection_init", "payload": {"authorization": "Bearer x"}}"#),
            ClientMessage::ConnectionInit(payload) if payload["authorization"] == "Bearer x"
        ));
        assert!(matches!(
            read(r#"{"type": "ping", "payload": null}"#),
            ClientMessage::Ping(None)
        ));
        assert!(matches!(
            read(r#"{"type": "pong", "payload": {}}"#),
            ClientMessage::Pong
        ));
        assert!(
            matches!(read(r#"{"type": "complete", "id": "1"}"#), ClientMessage::Complete(id) if id == "1")
        );
        let ClientMessage::Subscribe { id, request } = read(
            r#"{"type": "subscribe", "id": "1", "payload": {"query": "query A($a: Int) { a }", "operationName": "A",
                "variables": {"a": 1}, "extensions": {"x": 1}}}"#,
        ) else {
            panic!("it is a subscribe");
        };
        assert_eq!((id.as_str(), request.operation_name.as_deref()), ("1", Some("A")));
        assert_eq!(request.variables.len(), 1);
    }

    #[test]
    fn unknown_messages_are_rejected() {
        for text in [
            "",
            "hello",
            "null",
            "[]",
            "{}",
            r#"{"type": "start", "id": "1", "payload": {"query": "{ a }"}}"#,
            r#"{"type": "connection_ack"}"#,
            r#"{"type": "next", "id": "1", "payload": {}}"#,
            r#"{"type": "connection_init", "payload": "a"}"#,
            r#"{"type": "ping", "payload": [1]}"#,
            r#"{"type": "subscribe", "payload": {"query": "{ a }"}}"#,
            r#"{"type": "subscribe", "id": "", "payload": {"query": "{ a }"}}"#,
            r#"{"type": "subscribe", "id": 1, "payload": {"query": "{ a }"}}"#,
            r#"{"type": "subscribe", "id": "1"}"#,
            r#"{"type": "subscribe", "id": "1", "payload": {}}"#,
            r#"{"type": "subscribe", "id": "1", "payload": {"extensions": {"x": 1}}}"#,
            r#"{"type": "subscribe", "id": "1", "payload": {"query": 1}}"#,
            r#"{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "variables": []}}"#,
            r#"{"type": "subscribe", "id": "1", "payload": {"query": "{ a }", "operationName": 1}}"#,
            r#"{"type": "complete"}"#,
        ] {
            let refused = ClientMessage::parse(text).unwrap_err();
            assert_eq!(refused.code(), 4400, "{text}");
            assert!(!refused.reason().is_empty());
        }
    }

    #[test]
    fn close_reason_fits_the_frame() {
        for close in [
            CloseReason::DuplicateSubscriber("é".repeat(200)),
            CloseReason::BadRequest("x".repeat(200)),
        ] {
            assert!((100..=123).contains(&close.reason().len()));
        }
    }
}
