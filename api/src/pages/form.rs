//! Forms: their fields, and the proof that a page of this service sent them.

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;

use super::error::PageError;
use super::service::PageService;
use super::visitor::Visitor;

/// The fields of a form that a member sent from a page of this service.
pub struct CheckedForm<T> {
    pub visitor: Visitor,
    pub fields: T,
}

/// The fields of a form that anyone sent from a page of this service.
pub struct SameOriginForm<T> {
    pub fields: T,
}

/// The hidden field of each form of a member.
#[derive(serde::Deserialize)]
struct CsrfField {
    #[serde(default)]
    csrf: String,
}

impl<T: DeserializeOwned> FromRequest<PageService> for CheckedForm<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, service: &PageService) -> Result<Self, PageError> {
        require_same_origin(request.headers())?;
        let (mut parts, body) = request.into_parts();
        let visitor =
            <Visitor as axum::extract::FromRequestParts<_>>::from_request_parts(&mut parts, service).await?;
        visitor.member()?;
        let body = read_body(&parts.headers, body).await?;
        let CsrfField { csrf } = parse_fields(&body)?;
        require_csrf(&visitor, &csrf)?;
        Ok(Self {
            fields: parse_fields(&body)?,
            visitor,
        })
    }
}

impl<T: DeserializeOwned> FromRequest<PageService> for SameOriginForm<T> {
    type Rejection = PageError;

    async fn from_request(request: Request, _: &PageService) -> Result<Self, PageError> {
        require_same_origin(request.headers())?;
        let (parts, body) = request.into_parts();
        let body = read_body(&parts.headers, body).await?;
        Ok(Self {
            fields: parse_fields(&body)?,
        })
    }
}

/// Checks that a page of this service sent the request. Browsers say so in `Sec-Fetch-Site` or `Origin`.
///
/// # Errors
/// A page with status 403 if another page sent it.
pub fn require_same_origin(headers: &HeaderMap) -> Result<(), PageError> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let is_same = match (text("sec-fetch-site"), text("origin"), text("host")) {
        (Some(site), ..) => site == "same-origin",
        (None, Some(origin), Some(host)) => origin
            .split_once("://")
            .is_some_and(|(_, named)| named.eq_ignore_ascii_case(host)),
        _ => false,
    };
    if is_same {
        return Ok(());
    }
    Err(PageError::for_anyone(
        StatusCode::FORBIDDEN,
        "The form was sent from a page of another website. Open it here and send it again.",
    ))
}

/// Checks the hidden field of a member's form.
///
/// # Errors
/// A page with status 403 if it is not that of the visitor's session.
pub fn require_csrf(visitor: &Visitor, given: &str) -> Result<(), PageError> {
    let expected = visitor
        .session
        .as_ref()
        .map(|session| session.csrf_token.as_str());
    if expected.is_some_and(|expected| !given.is_empty() && expected == given) {
        return Ok(());
    }
    Err(visitor.failure(
        StatusCode::FORBIDDEN,
        "The form was opened before you signed in. Open it again and send it then.",
    ))
}

async fn read_body(headers: &HeaderMap, body: axum::body::Body) -> Result<Vec<u8>, PageError> {
    let media_type = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    if !media_type.is_some_and(|name| name.starts_with("application/x-www-form-urlencoded")) {
        let text = "The service can read it only as a form. Open the page and send its form.";
        return Err(PageError::for_anyone(StatusCode::UNSUPPORTED_MEDIA_TYPE, text));
    }
    let bytes = crate::server::body::read_body(headers, body, crate::server::body::MAX_BODY_BYTES).await;
    Ok(bytes.map_err(crate::error::Error::from)?.to_vec())
}

fn parse_fields<T: DeserializeOwned>(body: &[u8]) -> Result<T, PageError> {
    // The same reader as for addresses: repeated fields become lists.
    serde_html_form::from_bytes(body).map_err(|cause| {
        let text = format!("The form cannot be read: {cause}. Open the page again, and send its form.");
        PageError::for_anyone(StatusCode::BAD_REQUEST, text)
    })
}

#[cfg(test)]
mod tests {
    use axum::http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn only_pages_of_the_service_send_forms() {
        let host = ("host", "wayin.example.org");
        for (headers, is_own) in [
            (&[host, ("origin", "https://wayin.example.org")][..], true),
            (&[host, ("origin", "http://WAYIN.example.org")], true),
            // What the browser itself says counts, also behind a proxy that names another host.
            (
                &[
                    ("host", "127.0.0.1:8000"),
                    ("origin", "https://wayin.example.org"),
                    ("sec-fetch-site", "same-origin"),
                ],
                true,
            ),
            (
                &[
                    host,
                    ("origin", "https://wayin.example.org"),
                    ("sec-fetch-site", "cross-site"),
                ],
                false,
            ),
            (
                &[
                    host,
                    ("origin", "https://wayin.example.org"),
                    ("sec-fetch-site", "same-site"),
                ],
                false,
            ),
            (&[host, ("sec-fetch-site", "none")], false),
            (&[host, ("origin", "https://wayin.example.org:8443")], false),
            (
                &[host, ("origin", "https://wayin.example.org.evil.example")],
                false,
            ),
            (&[host, ("origin", "https://evil.example")], false),
            (&[host, ("origin", "wayin.example.org")], false),
            (&[host, ("origin", "null")], false),
            (&[host], false),
            (&[("origin", "https://wayin.example.org")], false),
            (&[], false),
        ] {
            let headers: HeaderMap = headers
                .iter()
                .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
                .collect();
            assert_eq!(require_same_origin(&headers).is_ok(), is_own, "{headers:?}");
        }
    }
}
