//! Errors as pages.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use wayin_entity::to_heading;

use super::document::Page;
use super::layout::Layout;
use super::operation::encode_parameter;
use crate::error::{Error, RetryAfter};
use crate::error_code::ErrorCode;

/// Why a page cannot be shown.
#[derive(Debug)]
pub enum PageError {
    /// The visitor must sign in first. `next` is the local address to return to.
    SignIn { next: String },
    /// Something else is the matter.
    Failure(Box<FailureTemplate>),
}

#[derive(Debug, Template)]
#[template(path = "layout/error.html")]
pub struct FailureTemplate {
    layout: Layout,
    status: StatusCode,
    text: String,
    retry_after: Option<RetryAfter>,
}

impl PageError {
    /// A page with a heading and an explanation, within a layout whose title is the heading.
    pub fn new(layout: Layout, status: StatusCode, text: impl Into<String>) -> Self {
        Self::Failure(Box::new(FailureTemplate {
            layout,
            status,
            text: text.into(),
            retry_after: None,
        }))
    }

    /// The same, before it is known who opens the page.
    pub fn for_anyone(status: StatusCode, text: impl Into<String>) -> Self {
        Self::new(Layout::for_anyone(heading_of(status)), status, text)
    }

    /// What is the matter, for a page that reports it beside something else.
    pub fn text(&self) -> &str {
        match self {
            Self::SignIn { .. } => "Sign in first.",
            Self::Failure(failure) => &failure.text,
        }
    }

    #[must_use]
    pub fn with_retry_after(mut self, seconds: Option<u64>) -> Self {
        if let Self::Failure(failure) = &mut self {
            failure.retry_after = seconds.map(RetryAfter);
        }
        self
    }
}

/// The heading of a page for a status.
pub const fn heading_of(status: StatusCode) -> &'static str {
    match status {
        StatusCode::FORBIDDEN => "You cannot open this page",
        StatusCode::NOT_FOUND => "There is no such page",
        StatusCode::METHOD_NOT_ALLOWED => "This is not a page",
        StatusCode::GONE => "This link has ended",
        StatusCode::TOO_MANY_REQUESTS => "You have asked too much at once",
        StatusCode::SERVICE_UNAVAILABLE | StatusCode::GATEWAY_TIMEOUT => "Wayin is busy",
        StatusCode::BAD_REQUEST => "This address cannot be read",
        StatusCode::UNPROCESSABLE_ENTITY => "There is a problem",
        _ => "Something went wrong",
    }
}

/// The message of an error of the API as a sentence of a page.
pub fn describe_error(status: StatusCode, message: &str) -> String {
    if status == StatusCode::TOO_MANY_REQUESTS {
        // How long to wait follows in a sentence of its own.
        return "Wayin limits how much each person asks in a minute, so that it is quick for everybody."
            .into();
    }
    format!("{}.", to_heading(message.trim_end_matches('.')))
}

impl From<Error> for PageError {
    fn from(error: Error) -> Self {
        let status = ErrorCode::from_error(&error).status();
        let wait = error.retry_after().map(|RetryAfter(seconds)| seconds);
        let response = crate::graphql::error::error_response(error);
        // The message of an internal error has no details, and its cause is in the log.
        let message = response.errors.into_iter().next().map(|error| error.message);
        let text = describe_error(status, &message.unwrap_or_default());
        Self::for_anyone(status, text).with_retry_after(wait)
    }
}

impl IntoResponse for PageError {
    fn into_response(self) -> Response {
        match self {
            Self::SignIn { next } => {
                Redirect::to(&format!("/sign-in?next={}", encode_parameter(&next))).into_response()
            }
            Self::Failure(failure) => {
                let (status, retry_after) = (failure.status, failure.retry_after);
                let mut response = Page::with_status(status, *failure).into_response();
                if let Some(RetryAfter(seconds)) = retry_after {
                    response
                        .headers_mut()
                        .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
                }
                response
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn render(error: PageError) -> (StatusCode, Option<RetryAfter>, String) {
        let PageError::Failure(failure) = error else {
            panic!("the error is a page");
        };
        (failure.status, failure.retry_after, failure.render().unwrap())
    }

    #[test]
    fn page_says_in_words_how_long_to_wait() {
        for (seconds, words) in [(1, "Try again in 1 second."), (12, "Try again in 12 seconds.")] {
            let (status, wait, html) = render(Error::RateLimited(RetryAfter(seconds)).into());
            assert_eq!(
                (status, wait),
                (StatusCode::TOO_MANY_REQUESTS, Some(RetryAfter(seconds)))
            );
            assert!(html.contains(words), "{html}");
            assert_eq!(html.to_lowercase().matches("try again").count(), 1, "{html}");
        }
        let (_, wait, html) = render(Error::NotFound("there is no such claim".into()).into());
        assert_eq!(wait, None);
        assert!(html.contains(">There is no such claim.<"), "{html}");
        assert!(!html.contains("Try again"), "{html}");
    }

    #[test]
    fn page_of_an_internal_error_has_no_details() {
        let (status, _, html) = render(Error::Internal("the password is secret".into()).into());
        assert_eq!(status, StatusCode::INTERNAL_SERVER_ERROR);
        assert!(!html.contains("secret"), "{html}");
        assert!(
            html.contains("href=\"/words\""),
            "the navigation is there: {html}"
        );
    }
}
