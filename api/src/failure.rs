//! How a failure is answered: the one table of its code and its HTTP status, and the answer over HTTP for routes that
//! are not GraphQL.

use axum::Json;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error::Error;
use crate::server::body::BodyError;
use crate::{cost, database, graphql};

/// What kind of failure it is. Clients read its [name](Self::name) in `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    /// The request is wrong.
    BadUserInput,
    /// The body is too long.
    BodyTooLong,
    /// The body did not arrive in time.
    BodyTooSlow,
    /// The body is of a type, a charset or a coding that is not read.
    UnsupportedBody,
    /// It is not known who asks.
    Unauthenticated,
    /// Who asks may not.
    Forbidden,
    /// The answer could identify single records.
    DisclosureControl,
    /// It costs more than any request may.
    QueryTooExpensive,
    /// The budget is spent.
    RateLimited,
    /// The document is not known by its hash.
    PersistedQueryNotFound,
    /// It took too long.
    QueryTimeout,
    /// The service has not read its database yet.
    NotReady,
    /// The disk is full.
    StorageFull,
    /// The service cannot do it at present.
    Unavailable,
    /// Something failed inside.
    Internal,
}

impl ErrorCode {
    /// Every code. Of several with one name, the first is the one that the name alone means.
    pub const ALL: [Self; 15] = [
        Self::BadUserInput,
        Self::BodyTooLong,
        Self::BodyTooSlow,
        Self::UnsupportedBody,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::DisclosureControl,
        Self::QueryTooExpensive,
        Self::RateLimited,
        Self::PersistedQueryNotFound,
        Self::QueryTimeout,
        Self::NotReady,
        Self::StorageFull,
        Self::Internal,
        Self::Unavailable,
    ];

    /// The code of an error.
    pub fn of(error: &Error) -> Self {
        match error {
            Error::BadInput(_) | Error::Conflict(_) => Self::BadUserInput,
            Error::Body(
                BodyError::TooLong { .. } | BodyError::PartTooLong { .. } | BodyError::FileTooLong { .. },
            ) => Self::BodyTooLong,
            Error::Body(BodyError::TooSlow { .. }) => Self::BodyTooSlow,
            Error::Body(BodyError::Unsupported(_)) => Self::UnsupportedBody,
            Error::Body(BodyError::NotGzip | BodyError::EndedEarly) => Self::BadUserInput,
            Error::Unauthenticated(_) => Self::Unauthenticated,
            Error::Forbidden(_) => Self::Forbidden,
            Error::Disclosing(_) => Self::DisclosureControl,
            Error::TooExpensive(_) | Error::TooDear { .. } => Self::QueryTooExpensive,
            Error::RateLimited(_) | Error::TooManyConnections => Self::RateLimited,
            Error::NotPersisted => Self::PersistedQueryNotFound,
            Error::Late => Self::QueryTimeout,
            Error::NotReady => Self::NotReady,
            Error::Unavailable { .. } => Self::Unavailable,
            Error::Shared(error) => Self::of(error),
            Error::Database(cause) if database::is_full(cause) => Self::StorageFull,
            Error::Database(_) | Error::Internal(_) => Self::Internal,
        }
    }

    /// What clients read.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BadUserInput | Self::BodyTooLong | Self::BodyTooSlow | Self::UnsupportedBody => {
                "BAD_USER_INPUT"
            }
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::DisclosureControl => "DISCLOSURE_CONTROL",
            Self::QueryTooExpensive => "QUERY_TOO_EXPENSIVE",
            Self::RateLimited => "RATE_LIMITED",
            Self::PersistedQueryNotFound => "PERSISTED_QUERY_NOT_FOUND",
            Self::QueryTimeout => "QUERY_TIMEOUT",
            Self::NotReady => "NOT_READY",
            Self::StorageFull => "STORAGE_FULL",
            Self::Unavailable | Self::Internal => "INTERNAL",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadUserInput | Self::QueryTooExpensive | Self::PersistedQueryNotFound => {
                StatusCode::BAD_REQUEST
            }
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::BodyTooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLong => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedBody => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::DisclosureControl => StatusCode::UNPROCESSABLE_ENTITY,
            Self::RateLimited => StatusCode::TOO_MANY_REQUESTS,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::NotReady | Self::Unavailable => StatusCode::SERVICE_UNAVAILABLE,
            Self::QueryTimeout => StatusCode::GATEWAY_TIMEOUT,
            Self::StorageFull => StatusCode::INSUFFICIENT_STORAGE,
        }
    }

    /// The first code of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }
}

/// The headers that say with a failure what the client can do: when to ask again, how to say who asks, which codings of
/// a body are read.
pub fn headers(error: &Error) -> HeaderMap {
    let mut headers = HeaderMap::new();
    cost::say_when(&mut headers, error);
    match ErrorCode::of(error) {
        ErrorCode::Unauthenticated => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        ErrorCode::UnsupportedBody => {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        // The rest of the body is of no use, and may never come.
        ErrorCode::BodyTooSlow => {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    headers
}

/// A failure as an answer over HTTP. Its body is that of an error of GraphQL, so that clients read both alike.
#[derive(Debug)]
pub struct Failure(Error);

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let (status, headers) = (ErrorCode::of(&error).status(), headers(&error));
        (status, headers, Json(graphql::error::response(error))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use sea_orm::{ConnectOptions, ConnectionTrait as _, Database};
    use serde_json::Value;

    use super::*;
    use crate::cost::RetryAfter;
    use crate::server::body::BodyError;

    /// What SQLite answers to a write that finds no room.
    async fn full() -> Error {
        let mut options = ConnectOptions::new("sqlite::memory:");
        options.max_connections(1);
        let db = Database::connect(options).await.unwrap();
        let filled = db
            .execute_unprepared(
                "PRAGMA max_page_count = 2; CREATE TABLE t (b BLOB); INSERT INTO t VALUES (zeroblob(100000))",
            )
            .await;
        filled.unwrap_err().into()
    }

    #[tokio::test]
    async fn a_failure_has_the_status_of_its_code() {
        for (error, status, code, header) in [
            (Error::BadInput("x".into()), 400, "BAD_USER_INPUT", None),
            (Error::Forbidden("x".into()), 403, "FORBIDDEN", None),
            (Error::Disclosing("x".into()), 422, "DISCLOSURE_CONTROL", None),
            (Error::NotReady, 503, "NOT_READY", Some(("retry-after", "2"))),
            (
                Error::RateLimited(RetryAfter(7)),
                429,
                "RATE_LIMITED",
                Some(("retry-after", "7")),
            ),
            (
                Error::TooManyConnections,
                429,
                "RATE_LIMITED",
                Some(("retry-after", "2")),
            ),
            (Error::Late, 504, "QUERY_TIMEOUT", None),
            (full().await, 507, "STORAGE_FULL", None),
            (
                Error::Shared(std::sync::Arc::new(full().await)),
                507,
                "STORAGE_FULL",
                None,
            ),
            (Error::Internal("secret".into()), 500, "INTERNAL", None),
            (
                Error::Unavailable {
                    message: "try again shortly",
                    cause: "secret".into(),
                },
                503,
                "INTERNAL",
                Some(("retry-after", "2")),
            ),
            (
                Error::Shared(std::sync::Arc::new(Error::NotReady)),
                503,
                "NOT_READY",
                Some(("retry-after", "2")),
            ),
            (
                BodyError::Unsupported("no".into()).into(),
                415,
                "BAD_USER_INPUT",
                Some(("accept-encoding", "gzip")),
            ),
            (BodyError::TooLong { most: 1 }.into(), 413, "BAD_USER_INPUT", None),
        ] {
            let answer = Failure::from(error).into_response();
            assert_eq!(answer.status(), status, "{code}");
            if let Some((name, value)) = header {
                assert_eq!(answer.headers()[name], value, "{code}");
            }
            let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
            let body: Value = serde_json::from_slice(&body).unwrap();
            assert_eq!(body["errors"][0]["extensions"]["code"], code, "{body}");
            assert!(!body.to_string().contains("secret"), "{body}");
        }
    }

    #[test]
    fn a_name_alone_means_the_first_code_that_has_it() {
        assert_eq!(ErrorCode::named("BAD_USER_INPUT"), Some(ErrorCode::BadUserInput));
        assert_eq!(ErrorCode::named("INTERNAL"), Some(ErrorCode::Internal));
        assert_eq!(ErrorCode::named("OTHER"), None);
    }
}
