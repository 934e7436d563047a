//! Responses with errors, for routes that are not GraphQL.

use axum::Json;
use axum::response::{IntoResponse, Response};

use crate::error::Error;
use crate::error_code::{self, ErrorCode};
use crate::graphql;

/// The body has the form of a GraphQL error, so that clients can read both in the same way.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, headers) = (
            ErrorCode::from_error(&self).status(),
            error_code::error_headers(&self),
        );
        (status, headers, Json(graphql::error::error_response(self))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::to_bytes;
    use sea_orm::{ConnectOptions, ConnectionTrait as _, Database};
    use serde_json::Value;

    use super::*;
    use crate::error::{BodyError, RetryAfter};

    /// The error of a write if SQLite has no space left.
    async fn storage_full_error() -> Error {
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
    async fn error_status_follows_its_code() {
        for (error, status, code, header) in [
            (Error::BadInput("x".into()), 400, "BAD_USER_INPUT", None),
            (Error::Forbidden("x".into()), 403, "FORBIDDEN", None),
            (Error::NotFound("x".into()), 404, "NOT_FOUND", None),
            (Error::MethodNotAllowed("x"), 405, "BAD_USER_INPUT", None),
            (Error::NotAcceptable, 406, "BAD_USER_INPUT", None),
            (
                Error::DisclosureControl("x".into()),
                422,
                "DISCLOSURE_CONTROL",
                None,
            ),
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
            (Error::QueryTimeout, 504, "QUERY_TIMEOUT", None),
            (storage_full_error().await, 507, "STORAGE_FULL", None),
            (
                Error::Shared(std::sync::Arc::new(storage_full_error().await)),
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
                Error::from(BodyError::Unsupported("no".into())),
                415,
                "BAD_USER_INPUT",
                Some(("accept-encoding", "gzip")),
            ),
            (
                Error::from(BodyError::TooLong { most: 1 }),
                413,
                "BAD_USER_INPUT",
                None,
            ),
        ] {
            let answer = error.into_response();
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
}
