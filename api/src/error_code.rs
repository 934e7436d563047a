//! The code and HTTP status of each error, and the headers that go with it.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};

use crate::error::{BodyError, Error, RetryAfter, is_storage_full};

/// The kind of an error. Clients read its [name](Self::name) in `extensions.code`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorCode {
    BadUserInput,
    BodyTooLong,
    BodyTooSlow,
    /// The media type, charset or content coding of the body is not supported.
    UnsupportedBody,
    Unauthenticated,
    Forbidden,
    /// The object does not exist or the requester cannot see it.
    NotFound,
    MethodNotAllowed,
    /// The client accepts none of the service's media types.
    NotAcceptable,
    DisclosureControl,
    QueryTooExpensive,
    /// The rate limit is exceeded.
    RateLimited,
    PersistedQueryNotFound,
    QueryTimeout,
    /// The service is still reading its database.
    NotReady,
    StorageFull,
    Unavailable,
    Internal,
}

impl ErrorCode {
    /// All codes. If several have the same name, the first is the one that [`Self::from_name`] returns.
    pub const ALL: [Self; 18] = [
        Self::BadUserInput,
        Self::BodyTooLong,
        Self::BodyTooSlow,
        Self::UnsupportedBody,
        Self::Unauthenticated,
        Self::Forbidden,
        Self::NotFound,
        Self::MethodNotAllowed,
        Self::NotAcceptable,
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

    pub fn from_error(error: &Error) -> Self {
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
            Error::NotFound(_) => Self::NotFound,
            Error::MethodNotAllowed(_) => Self::MethodNotAllowed,
            Error::NotAcceptable => Self::NotAcceptable,
            Error::DisclosureControl(_) => Self::DisclosureControl,
            Error::DocumentLimitExceeded(_) | Error::CostLimitExceeded { .. } => Self::QueryTooExpensive,
            Error::RateLimited(_) | Error::TooManyConnections => Self::RateLimited,
            Error::PersistedQueryNotFound => Self::PersistedQueryNotFound,
            Error::QueryTimeout => Self::QueryTimeout,
            Error::NotReady => Self::NotReady,
            Error::Unavailable { .. } => Self::Unavailable,
            Error::Shared(error) => Self::from_error(error),
            Error::Database(cause) if is_storage_full(cause) => Self::StorageFull,
            Error::Database(_) | Error::Internal(_) => Self::Internal,
        }
    }

    pub const fn name(self) -> &'static str {
        match self {
            Self::BadUserInput
            | Self::BodyTooLong
            | Self::BodyTooSlow
            | Self::UnsupportedBody
            | Self::MethodNotAllowed
            | Self::NotAcceptable => "BAD_USER_INPUT",
            Self::Unauthenticated => "UNAUTHENTICATED",
            Self::Forbidden => "FORBIDDEN",
            Self::NotFound => "NOT_FOUND",
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

    pub const fn status(self) -> StatusCode {
        match self {
            Self::BadUserInput | Self::QueryTooExpensive | Self::PersistedQueryNotFound => {
                StatusCode::BAD_REQUEST
            }
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::NotAcceptable => StatusCode::NOT_ACCEPTABLE,
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

    /// Finds the first code with a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.name() == name)
    }
}

/// The headers that tell the client what to do: when to retry, how to authenticate, which content codings to
/// use.
pub fn error_headers(error: &Error) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Some(RetryAfter(seconds)) = error.retry_after() {
        headers.insert(header::RETRY_AFTER, seconds.into());
    }
    match ErrorCode::from_error(error) {
        ErrorCode::Unauthenticated => {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        ErrorCode::UnsupportedBody => {
            headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("gzip"));
        }
        // The rest of the body is not needed and may never arrive.
        ErrorCode::BodyTooSlow => {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        _ => {}
    }
    headers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shared_name_maps_to_the_first_code() {
        assert_eq!(
            ErrorCode::from_name("BAD_USER_INPUT"),
            Some(ErrorCode::BadUserInput)
        );
        assert_eq!(ErrorCode::from_name("INTERNAL"), Some(ErrorCode::Internal));
        assert_eq!(ErrorCode::from_name("OTHER"), None);
    }
}
