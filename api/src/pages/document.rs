//! Responds with an HTML page.

use askama::Template;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::error::Error;

/// A page loads only from its own origin, runs no inline script and has no inline style.
const PAGE_SECURITY_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);

/// A response with a rendered template. Nothing stores it, because it depends on who is signed in.
pub struct Page<T> {
    pub status: StatusCode,
    pub template: T,
}

impl<T> Page<T> {
    pub const fn new(template: T) -> Self {
        Self {
            status: StatusCode::OK,
            template,
        }
    }

    /// A page that shows a form again, with what is wrong in it.
    pub const fn unprocessable(template: T) -> Self {
        Self {
            status: StatusCode::UNPROCESSABLE_ENTITY,
            template,
        }
    }

    pub const fn with_status(status: StatusCode, template: T) -> Self {
        Self { status, template }
    }
}

impl<T: Template> IntoResponse for Page<T> {
    fn into_response(self) -> Response {
        let headers: [(HeaderName, HeaderValue); 3] = [
            (
                header::CONTENT_TYPE,
                HeaderValue::from_static("text/html; charset=utf-8"),
            ),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
            (header::CONTENT_SECURITY_POLICY, PAGE_SECURITY_POLICY),
        ];
        match self.template.render() {
            Ok(html) => (self.status, headers, html).into_response(),
            Err(cause) => Error::Internal(format!("a page cannot be rendered: {cause}")).into_response(),
        }
    }
}
