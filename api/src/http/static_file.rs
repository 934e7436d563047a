//! Files that are compiled in, such as scripts and style sheets.

use std::borrow::Cow;

use axum::{
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS},
    },
    response::{IntoResponse, Response},
};

use crate::etag::ETag;

pub const HTML_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");
pub const SCRIPT_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/javascript; charset=utf-8");
pub const STYLE_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
pub const SVG_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("image/svg+xml");
pub const TEXT_CONTENT_TYPE: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// A file that is compiled in.
pub struct StaticFile {
    name: &'static str,
    content_type: HeaderValue,
    body: Cow<'static, [u8]>,
    etag: ETag,
}

impl StaticFile {
    pub fn new(name: &'static str, content_type: HeaderValue, body: impl Into<Cow<'static, [u8]>>) -> Self {
        let body = body.into();
        Self {
            name,
            content_type,
            etag: ETag::from_body(&body),
            body,
        }
    }

    /// Finds the file with a name.
    pub fn find<'a>(files: &'a [Self], name: &str) -> Option<&'a Self> {
        files.iter().find(|file| file.name == name)
    }

    /// Responds with the file, or with `304 Not Modified` if the browser has it. The caller adds a
    /// `Content-Security-Policy`, unless the default of [`super::security_headers`] is right.
    pub fn respond(&'static self, request: &HeaderMap) -> Response {
        let headers: [(HeaderName, HeaderValue); 4] = [
            (CONTENT_TYPE, self.content_type.clone()),
            // Browsers revalidate their copy each time, so that a new release is used at once.
            (CACHE_CONTROL, HeaderValue::from_static("no-cache")),
            (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
            (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        ];
        let etag = [(ETAG, self.etag.to_header())];
        if self.etag.matches_request(request) {
            (StatusCode::NOT_MODIFIED, headers, etag).into_response()
        } else {
            (headers, etag, &*self.body).into_response()
        }
    }
}
