//! The one error of the domains. It gets its code and its HTTP status in one place,
//! [`crate::error_code`], and is turned into a GraphQL error in one, [`crate::graphql::error`].

mod body;
mod database;
mod limit;
mod token;

use sea_orm::{DbErr, SqlErr};
use wayin_engine::disclosure::query_restriction::RestrictedQuery;

pub use self::body::BodyError;
pub use self::database::is_storage_full;
pub use self::limit::{DocumentLimitExceeded, RetryAfter};
pub use self::token::TokenError;

/// What went wrong, in words that may be shown, apart from the cause, which may not.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// What was asked or sent does not make sense; the text says what and where.
    #[error("{0}")]
    BadInput(String),
    /// Nobody has said who is asking.
    #[error("{0}")]
    Unauthenticated(#[source] TokenError),
    /// Who is asking may not do this.
    #[error("{0}")]
    Forbidden(String),
    /// There is nothing such that the requester may see.
    #[error("{0}")]
    NotFound(String),
    /// The route answers no request of this method that asks for this.
    #[error("{0}")]
    MethodNotAllowed(&'static str),
    /// The client takes no media type of ours.
    #[error("answers are application/graphql-response+json or application/json")]
    NotAcceptable,
    /// It clashes with what is already there.
    #[error("{0}")]
    Conflict(String),
    /// It could tell single records from the others.
    #[error("{0}")]
    DisclosureControl(String),
    /// The document has too much of something to be looked at closely.
    #[error("{0}")]
    DocumentLimitExceeded(#[from] DocumentLimitExceeded),
    /// The operation weighs more than whoever asks may ever spend at once.
    #[error(
        "the operation costs {points} points, and at most {most} can be spent on one; ask for less at once"
    )]
    CostLimitExceeded {
        /// What it weighs.
        points: u32,
        /// The most that it may.
        most: u32,
    },
    /// Whoever asks has spent too much of their budget.
    #[error("your budget is spent; ask again in {0}")]
    RateLimited(RetryAfter),
    /// An address has too many `WebSockets` whose client has not sent a token.
    #[error("too many connections from this address have not sent a token; try again shortly")]
    TooManyConnections,
    /// A document is named by a hash that is not known. Clients know the text, and then send the document.
    #[error("PersistedQueryNotFound")]
    PersistedQueryNotFound,
    /// It took longer than a query may.
    #[error("the query took longer than it may; ask for less at once")]
    QueryTimeout,
    /// The base's index is not built yet.
    #[error("the evidence base is being read; try again shortly")]
    NotReady,
    /// The body of the request cannot be read.
    #[error("{0}")]
    Body(#[from] BodyError),
    /// The service cannot do it at present; the cause goes to the log alone.
    #[error("{message}")]
    Unavailable {
        /// What the client reads.
        message: &'static str,
        /// What the log reads.
        cause: String,
    },
    /// The database failed; the cause goes to the log alone.
    #[error("{}", database::public_message(.0))]
    Database(#[source] DbErr),
    /// One that several parts of a request were given, as they were read together.
    #[error(transparent)]
    Shared(std::sync::Arc<Self>),
    /// Something that should not happen did; the text goes to the log alone.
    #[error("something went wrong inside")]
    Internal(String),
}

/// When to ask again for what cannot be done at present.
const DEFAULT_RETRY_AFTER: RetryAfter = RetryAfter(2);

/// What a domain function answers.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// A [`BadInput`](Self::BadInput) at a place in the input.
    pub fn bad_input(path: &str, reason: impl std::fmt::Display) -> Self {
        Self::BadInput(if path.is_empty() {
            reason.to_string()
        } else {
            format!("{path}: {reason}")
        })
    }
}

impl Error {
    /// A text holds the character NUL, which `PostgreSQL` keeps in none: both databases refuse it so.
    pub fn nul_in_text() -> Self {
        Self::BadInput("a text holds a character that no text of the base can hold".into())
    }

    /// When a client can ask again with success, where that is known.
    pub fn retry_after(&self) -> Option<RetryAfter> {
        match self.root() {
            Self::RateLimited(wait) => Some(*wait),
            Self::NotReady | Self::Unavailable { .. } | Self::TooManyConnections => Some(DEFAULT_RETRY_AFTER),
            _ => None,
        }
    }

    /// The error itself, also where several parts of a request share it.
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
                "it names something that is not there, or is named by something that is".into(),
            ),
            _ if database::is_nul_in_text(&cause) => Self::nul_in_text(),
            _ => Self::Database(cause),
        }
    }
}
