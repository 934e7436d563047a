//! How the one [`Error`] looks in GraphQL: the one place that says so.

use std::sync::Arc;

use async_graphql::extensions::{Extension, ExtensionContext, ExtensionFactory, NextRequest, NextSubscribe};
use async_graphql::{ErrorExtensionValues, Pos, Response, ServerError};
use futures_util::stream::{BoxStream, StreamExt};
use rand::{TryRngCore as _, rngs::OsRng};
use uuid::Uuid;

use crate::error::{Error, RetryAfter};
use crate::error_code::ErrorCode;
use crate::graphql::operation::variables::scalars::rewrite_library_error;

/// The most errors that are told of a document that is not executed.
const MAX_REPORTED_ERRORS: usize = 20;

/// The most characters that are told of what is wrong with a document.
const MAX_MESSAGE_CHARACTERS: usize = 400;

/// An error that several fields are given, as they were loaded together.
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

/// Gives every error of a response its code, and lets nothing out that is not meant
/// to be shown: causes go to the log, under an id that the answer tells.
#[derive(Clone, Copy, Debug, Default)]
pub struct ErrorCodes;

impl ExtensionFactory for ErrorCodes {
    fn create(&self) -> Arc<dyn Extension> {
        Arc::new(*self)
    }
}

#[async_graphql::async_trait::async_trait]
impl Extension for ErrorCodes {
    async fn request(&self, ctx: &ExtensionContext<'_>, next: NextRequest<'_>) -> Response {
        let mut response = next.run(ctx).await;
        // Where there is no answer beside them, the first few errors say what is to be mended.
        if response.data == async_graphql::Value::Null {
            response.errors.truncate(MAX_REPORTED_ERRORS);
        }
        response.errors.iter_mut().for_each(finalise_error);
        response
    }

    /// What is asked over a WebSocket comes this way alone.
    fn subscribe<'s>(
        &self,
        ctx: &ExtensionContext<'_>,
        stream: BoxStream<'s, Response>,
        next: NextSubscribe<'_>,
    ) -> BoxStream<'s, Response> {
        let shown = next.run(ctx, stream).map(|mut response| {
            response.errors.iter_mut().for_each(finalise_error);
            response
        });
        shown.boxed()
    }
}

/// An error as the whole of a response, to a request that is not GraphQL.
pub fn error_response(error: Error) -> Response {
    let mut shown = async_graphql::Error::from(error).into_server_error(Pos::default());
    finalise_error(&mut shown);
    // There is no document in which it could be.
    shown.locations.clear();
    Response::from_errors(vec![shown])
}

fn finalise_error(error: &mut ServerError) {
    let cause = error.source::<Error>().map(Error::root);
    let cause = cause.or_else(|| {
        error
            .source::<SharedError>()
            .map(|SharedError(cause)| cause.root())
    });
    let (code, inside, wait) = match cause {
        Some(cause) => (
            ErrorCode::from_error(cause),
            internal_cause(cause),
            cause.retry_after(),
        ),
        None if error.source.is_some() => (ErrorCode::Internal, Some(error.message.clone()), None),
        // What the library itself finds wrong with a document.
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
        // Whoever is told it can say which one it was, and whoever keeps the service finds it in the log.
        let id = new_incident_id();
        tracing::error!(id, cause, "a request failed inside");
        extensions.set("id", id);
    }
}

/// What the library finds wrong, without what it repeats of the document: where that is, the locations tell.
fn shorten_message(message: &str) -> String {
    let said = match message.rsplit_once(" = ") {
        Some((_, expected)) if message.trim_start().starts_with("--> ") => {
            let expected = expected.replace('_', " ");
            format!("the document cannot be read as GraphQL: {expected}")
        }
        _ => message.to_owned(),
    };
    match said.char_indices().nth(MAX_MESSAGE_CHARACTERS) {
        Some((end, _)) => format!("{}…", &said[..end]),
        None => said,
    }
}

/// A number by chance, for something that went wrong.
fn new_incident_id() -> String {
    let mut bytes = [0; 16];
    // Where there is no chance to be had, they are all told as one.
    let _ = OsRng.try_fill_bytes(&mut bytes);
    Uuid::from_bytes(bytes).simple().to_string()
}

/// What went wrong inside, for the log alone; none where it is no fault of ours.
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
            let said = parse_query(document).unwrap_err().to_string();
            let told = shorten_message(&said);
            assert!(
                told.starts_with("the document cannot be read as GraphQL: expected "),
                "{said}: {told}"
            );
            assert!(!told.contains('\n') && !told.contains("viewer"), "{told}");
        }
        assert_eq!(shorten_message("Unknown field \"x\""), "Unknown field \"x\"");
        assert_eq!(
            shorten_message(&"é".repeat(5_000)).chars().count(),
            MAX_MESSAGE_CHARACTERS + 1
        );
    }
}
