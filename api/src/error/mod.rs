//! The error type of all domains. [`crate::error_code`] gives each its code and HTTP status, and
//! [`crate::graphql::error`] turns it into a GraphQL error.

mod database;
mod document_limit;
mod request_body;
mod token;

use sea_orm::{DbErr, SqlErr};
use wayin_engine::disclosure::query_restriction::RestrictedQuery;

pub use self::database::is_storage_full;
pub use self::document_limit::{DocumentLimitExceeded, RetryAfter};
pub use self::request_body::BodyError;
pub use self::token::TokenError;

/// An error. Its message can be shown to clients. Its cause cannot.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The input is wrong. The text says what and where.
    #[error("{0}")]
    BadInput(String),
    /// The request has no valid token.
    #[error("{0}")]
    Unauthenticated(#[source] TokenError),
    /// The requester does not have permission.
    #[error("{0}")]
    Forbidden(String),
    /// The object does not exist or the requester cannot see it.
    #[error("{0}")]
    NotFound(String),
    /// The route does not accept the method for this request.
    #[error("{0}")]
    MethodNotAllowed(&'static str),
    /// The client accepts none of the service's media types.
    #[error("responses are application/graphql-response+json or application/json")]
    NotAcceptable,
    /// The change conflicts with what is stored.
    #[error("{0}")]
    Conflict(String),
    /// The answer could identify single records.
    #[error("{0}")]
    DisclosureControl(String),
    /// The document exceeds a limit.
    #[error("{0}")]
    DocumentLimitExceeded(#[from] DocumentLimitExceeded),
    /// The operation costs more than the requester can ever spend at once.
    #[error("the operation costs {points} points, and the maximum is {most}; request less at once")]
    CostLimitExceeded { points: u32, most: u32 },
    /// The rate limit of the requester is exceeded.
    #[error("your rate limit is exceeded; try again in {0}")]
    RateLimited(RetryAfter),
    /// An address has too many WebSockets without a token.
    #[error("too many connections from this address have not sent a token; try again shortly")]
    TooManyConnections,
    /// The hash of a persisted query is unknown. Clients then send the document.
    #[error("PersistedQueryNotFound")]
    PersistedQueryNotFound,
    /// The query exceeded the time limit.
    #[error("the query exceeded the time limit; request less at once")]
    QueryTimeout,
    /// The index is not built yet.
    #[error("the evidence base is being loaded; try again shortly")]
    NotReady,
    /// The body of the request cannot be read.
    #[error("{0}")]
    Body(#[from] BodyError),
    /// The service is temporarily unavailable. Only the log contains the cause.
    #[error("{message}")]
    Unavailable {
        /// The message for the client.
        message: &'static str,
        /// The cause, for the log.
        cause: String,
    },
    /// The database failed. Only the log contains the cause.
    #[error("{}", database::public_message(.0))]
    Database(#[source] DbErr),
    /// An error that several parts of a request share, as they were loaded together.
    #[error(transparent)]
    Shared(std::sync::Arc<Self>),
    /// An unexpected error. Only the log contains the text.
    #[error("an internal error occurred")]
    Internal(String),
}

/// When clients can retry after a temporary failure.
const DEFAULT_RETRY_AFTER: RetryAfter = RetryAfter(2);

/// The result of a domain function.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Creates a [`BadInput`](Self::BadInput) at a path of the input.
    pub fn bad_input(path: &str, reason: impl std::fmt::Display) -> Self {
        Self::BadInput(if path.is_empty() {
            reason.to_string()
        } else {
            format!("{path}: {reason}")
        })
    }
}

impl Error {
    /// A text contains the character NUL. PostgreSQL cannot store it, so neither database accepts it.
    pub fn nul_in_text() -> Self {
        Self::BadInput("a text contains a character that cannot be stored".into())
    }

    /// When the client can retry with success, if known.
    pub fn retry_after(&self) -> Option<RetryAfter> {
        match self.root() {
            Self::RateLimited(wait) => Some(*wait),
            Self::NotReady | Self::Unavailable { .. } | Self::TooManyConnections => Some(DEFAULT_RETRY_AFTER),
            _ => None,
        }
    }

    /// The error itself, without the wrapper of a shared one.
    pub fn root(&self) -> &Self {
        match self {
            Self::Shared(error) => error.root(),
            error => error,
        }
    }
}

impl From<RestrictedQuery> for Error {
    fn from(refused: RestrictedQuery) -> Self {
        Self::DisclosureControl(refused.0)
    }
}

impl From<DbErr> for Error {
    fn from(cause: DbErr) -> Self {
        match cause.sql_err() {
            Some(SqlErr::UniqueConstraintViolation(_)) => Self::Conflict("it is already there".into()),
            Some(SqlErr::ForeignKeyConstraintViolation(_)) => Self::Conflict(
                "it refers to something that does not exist, or something that exists refers to it".into(),
            ),
            _ if database::is_nul_in_text(&cause) => Self::nul_in_text(),
            _ => Self::Database(cause),
        }
    }
}
