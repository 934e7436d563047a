//! Shows a page where a browser would get an error without one: for an address that does not exist or cannot be read, for an
//! address to which only a form leads, and after a panic.

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::error::PageError;
use super::service::PageService;
use super::visitor::Visitor;

/// The response to an address that does not exist, for programs. Browsers get a page instead.
pub async fn answer_unknown_address() -> StatusCode {
    StatusCode::NOT_FOUND
}

/// Replaces errors by pages where a browser opens an address. Programs and the modules of the pages get them as they are.
pub async fn show_errors_as_pages(
    State(service): State<PageService>,
    request: Request,
    next: Next,
) -> Response {
    if !accepts_html(request.headers()) {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let opened = parts.clone();
    let response = next.run(Request::from_parts(parts, body)).await;
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    if !is_error || is_html(response.headers()) {
        return response;
    }
    let mut page = build_error_page(opened, &service, status).await;
    if let Some(methods) = response.headers().get(header::ALLOW) {
        page.headers_mut().insert(header::ALLOW, methods.clone());
    }
    page
}

/// The page for an error, for the visitor who opened the address.
pub async fn build_error_page(mut opened: Parts, service: &PageService, status: StatusCode) -> Response {
    let text = describe_status(status);
    let page = match Visitor::from_request_parts(&mut opened, service).await {
        Ok(visitor) => visitor.failure(status, text),
        Err(_) => PageError::for_anyone(status, text),
    };
    page.into_response()
}

/// Whether a browser opens the address. Modules of the pages do not ask for HTML by name.
fn accepts_html(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|ranges| ranges.contains("text/html"))
}

fn is_html(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"text/html"))
}

const fn describe_status(status: StatusCode) -> &'static str {
    match status {
        StatusCode::NOT_FOUND => "There is nothing at this address. Check it, or choose a page above.",
        StatusCode::METHOD_NOT_ALLOWED => {
            "Only a form leads to this address. Choose a page above, and send the form from there."
        }
        StatusCode::BAD_REQUEST => {
            "A part of this address is not as Wayin writes it. Check it, or choose a page above."
        }
        StatusCode::INTERNAL_SERVER_ERROR => {
            "The service has a fault, which is in its log. Try again in a minute. If it happens again, tell a steward."
        }
        _ => "The service cannot answer this. Go back and try again. If it happens again, tell a steward.",
    }
}
