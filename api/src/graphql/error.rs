//! Converts [`Error`] to GraphQL errors.

use std::sync::Arc;

use async_graphql::{ErrorExtensionValues, Pos, Response, ServerError};
use rand::{TryRngCore as _, rngs::OsRng};
use uuid::Uuid;

use crate::error::{Error, RetryAfter};
use crate::error_code::{ErrorCode, error_headers};
use crate::graphql::operation::variables::scalars::rewrite_library_error;

/// The maximum number of reported errors for a document that is not executed.
const MAX_REPORTED_ERRORS: usize = 20;

/// The maximum number of characters in a message about an invalid document.
const MAX_MESSAGE_CHARACTERS: usize = 400;

/// An error that several fields share because they were loaded together.
#[derive(Clone, Debug, thiserror::Error)]
#[error(transparent)]
pub struct SharedError(Arc<Error>);

impl From<Error> for SharedError {
    fn from(error: Error) -> Self {
        Self(Arc::new(error))
    }
}

impl From<sea_orm::DbErr> for SharedError {
    fn from(error: sea_orm::DbErr) -> Self {
        Error::from(error).into()
    }
}

impl From<SharedError> for Error {
    fn from(error: SharedError) -> Self {
        Self::Shared(error.0)
    }
}

/// Adds a code to each error of a response and hides internal details. The cause goes to the log, with an id
/// that the response also contains.
pub fn finalise_errors(response: &mut Response) {
    for error in &response.errors {
        if let Some(error) = find_cause(error) {
            response.http_headers.extend(error_headers(error));
        }
    }
    // Without data, the first few errors are enough to correct the document.
    if response.data == async_graphql::Value::Null {
        response.errors.truncate(MAX_REPORTED_ERRORS);
    }
    response.errors.iter_mut().for_each(finalise_error);
}

/// Builds a response that contains only an error, to a request that is not GraphQL.
pub fn error_response(error: Error) -> Response {
    let mut shown = async_graphql::Error::from(error).into_server_error(Pos::default());
    finalise_error(&mut shown);
    // There is no document to locate the error in.
    shown.locations.clear();
    Response::from_errors(vec![shown])
}

/// The error of the service that a GraphQL error was made from.
pub fn find_cause(error: &ServerError) -> Option<&Error> {
    let cause = error.source::<Error>().map(Error::root);
    cause.or_else(|| {
        let shared = error.source::<SharedError>();
        shared.map(|SharedError(cause)| cause.root())
    })
}

fn finalise_error(error: &mut ServerError) {
    let cause = find_cause(error);
    let (code, inside, wait) = match cause {
        Some(cause) => (
            ErrorCode::from_error(cause),
            internal_cause(cause),
            cause.retry_after(),
        ),
        None if error.source.is_some() => (ErrorCode::Internal, Some(error.message.clone()), None),
        // The library rejected the document.
        None => (ErrorCode::BadUserInput, None, None),
    };
    let is_the_librarys = cause.is_none() && inside.is_none();
    let is_unforeseen = cause.is_none() && inside.is_some();
    if is_unforeseen {
        error.message = Error::Internal(String::new()).to_string();
    }
    if is_the_librarys {
        let plain = rewrite_library_error(&error.message);
        error.message = shorten_message(plain.as_deref().unwrap_or(&error.message));
    }
    error.source = None;
    let extensions = error.extensions.get_or_insert_with(ErrorExtensionValues::default);
    extensions.set("code", code.name());
    if let Some(RetryAfter(seconds)) = wait {
        extensions.set("retryAfterSeconds", seconds);
    }
    if let Some(cause) = inside {
        // The requester can report the id, and an operator can find it in the log.
        let id = new_incident_id();
        tracing::error!(id, cause, "a request failed inside");
        extensions.set("id", id);
    }
}

/// Shortens a message of the library. Removes its excerpt of the document, because `locations` has the
/// position.
fn shorten_message(message: &str) -> String {
    let summary = match message.rsplit_once(" = ") {
        Some((_, expected)) if message.trim_start().starts_with("--> ") => {
            let expected = expected.replace('_', " ");
            format!("the document cannot be read as GraphQL: {expected}")
        }
        _ => message.to_owned(),
    };
    match summary.char_indices().nth(MAX_MESSAGE_CHARACTERS) {
        Some((end, _)) => format!("{}…", &summary[..end]),
        None => summary,
    }
}

/// Generates a random id for an internal error.
fn new_incident_id() -> String {
    let mut bytes = [0; 16];
    // If no random bytes are available, all errors have the same id.
    let _ = OsRng.try_fill_bytes(&mut bytes);
    Uuid::from_bytes(bytes).simple().to_string()
}

/// Describes the cause of an internal error, only for the log. None for other errors.
fn internal_cause(error: &Error) -> Option<String> {
    match error {
        Error::Database(cause) => Some(format!("in the database: {cause}")),
        Error::Internal(cause) => Some(cause.clone()),
        Error::Unavailable { message, cause } => Some(format!("{message}: {cause}")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;

    use super::*;

    #[test]
    fn parser_errors_do_not_repeat_the_document() {
        for document in [
            "{ viewer { role }",
            "{ a(b: \"long",
            "query {\n\n\n\n\n\n\n\n\n\n\n a(: 1) }",
        ] {
            let message = parse_query(document).unwrap_err().to_string();
            let shortened = shorten_message(&message);
            assert!(
                shortened.starts_with("the document cannot be read as GraphQL: expected "),
                "{message}: {shortened}"
            );
            assert!(
                !shortened.contains('\n') && !shortened.contains("viewer"),
                "{shortened}"
            );
        }
        assert_eq!(shorten_message("Unknown field \"x\""), "Unknown field \"x\"");
        assert_eq!(
            shorten_message(&"é".repeat(5_000)).chars().count(),
            MAX_MESSAGE_CHARACTERS + 1
        );
    }
}
