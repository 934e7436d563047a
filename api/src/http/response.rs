//! HTTP responses as in the specification "GraphQL over HTTP" (draft of 2025): the media type that the client
//! accepts, and the status.

use std::any::Any;

use async_graphql::{Response, ServerError, Value};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::IntoResponse;
use serde_json::json;

use crate::error::Error;
use crate::error_code::{self, ErrorCode};
use crate::etag::ETag;
use crate::graphql::error;

/// How long shared caches can store a response that is the same for everyone.
pub const PUBLIC_CACHE_CONTROL: HeaderValue = HeaderValue::from_static("public, max-age=60");

/// The media type of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResponseMediaType {
    /// `application/graphql-response+json`: the status says whether the request was executed.
    GraphqlResponse,
    /// `application/json`: the status is 200 even if the document is invalid, as older clients expect.
    Json,
}

impl ResponseMediaType {
    /// The media type that the client prefers. None if it accepts neither. The default is JSON.
    pub fn negotiate(headers: &HeaderMap) -> Option<Self> {
        let accepted: Vec<&str> = headers
            .get_all(header::ACCEPT)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|range| !range.is_empty())
            .collect();
        if accepted.is_empty() {
            return Some(Self::Json);
        }
        let taken = |of: Self| Some((of, of.preference(&accepted)?));
        match (taken(Self::GraphqlResponse), taken(Self::Json)) {
            (Some((of, one)), Some((_, other))) if one > other => Some(of),
            // If both are named with the same quality, the more informative one is chosen.
            (Some((of, one)), Some((_, other))) if one == other && one.1 => Some(of),
            (_, Some((of, _))) | (Some((of, _)), None) => Some(of),
            (None, None) => None,
        }
    }

    /// The quality of the media type for the client, and whether the client names it exactly. None if it is
    /// not accepted.
    fn preference(self, accepted: &[&str]) -> Option<(f32, bool)> {
        let mut best: Option<(u8, f32)> = None;
        for range in accepted {
            let mut parts = range.split(';').map(str::trim);
            let name = parts.next().unwrap_or_default();
            let closeness = if name.eq_ignore_ascii_case(self.name()) {
                2
            } else if name.eq_ignore_ascii_case("application/*") {
                1
            } else if name == "*/*" {
                0
            } else {
                continue;
            };
            let weight = parts
                .filter_map(|part| part.split_once('='))
                .find(|(name, _)| name.trim().eq_ignore_ascii_case("q"))
                .map_or(1.0, |(_, weight)| weight.trim().parse().unwrap_or(1.0));
            // The most specific media range applies.
            if best.is_none_or(|(before, _)| closeness > before) {
                best = Some((closeness, weight));
            }
        }
        let (closeness, weight) = best?;
        (weight > 0.0).then_some((weight, closeness == 2))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::GraphqlResponse => "application/graphql-response+json",
            Self::Json => "application/json",
        }
    }

    const fn to_header(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::GraphqlResponse => "application/graphql-response+json; charset=utf-8",
            Self::Json => "application/json; charset=utf-8",
        })
    }
}

/// The response to an operation, executed or not. Caches do not store it.
pub fn operation_response(
    of: ResponseMediaType,
    response: &Response,
    was_executed: bool,
) -> axum::response::Response {
    let status = match (of, error_status(response)) {
        _ if was_executed && has_only_temporary_errors(response) => StatusCode::SERVICE_UNAVAILABLE,
        _ if was_executed => StatusCode::OK,
        // Proxies look only at the status, so a rate limit is always in the status.
        (_, refusal @ StatusCode::TOO_MANY_REQUESTS) => refusal,
        (ResponseMediaType::GraphqlResponse, refusal) => refusal,
        (ResponseMediaType::Json, _) => StatusCode::OK,
    };
    response_with_status(of, status, response, was_executed)
}

/// A response that is the same for everyone. Caches can store it for a while and then revalidate it.
pub fn public_cacheable(
    of: ResponseMediaType,
    mut response: Response,
    asked: &HeaderMap,
) -> axum::response::Response {
    // The state of one requester's rate limit does not concern the others.
    response.extensions.clear();
    response.http_headers.clear();
    let mut answer = response_with_status(of, StatusCode::OK, &response, true);
    let Ok(data) = serde_json::to_vec(&response.data) else {
        return answer;
    };
    let tag = ETag::from_body(&data);
    if tag.matches_request(asked) {
        answer = StatusCode::NOT_MODIFIED.into_response();
    }
    let headers = answer.headers_mut();
    headers.insert(header::ETAG, tag.to_header());
    headers.insert(header::CACHE_CONTROL, PUBLIC_CACHE_CONTROL);
    // A token or another media type can lead to another response.
    headers.insert(header::VARY, HeaderValue::from_static("accept, authorization"));
    answer
}

/// The response to a request that fails before its document is parsed.
pub fn failed_response(of: ResponseMediaType, error: Error) -> axum::response::Response {
    let (status, headers) = (
        ErrorCode::from_error(&error).status(),
        error_code::error_headers(&error),
    );
    let mut answer = response_with_status(of, status, &error::error_response(error), false);
    answer.headers_mut().extend(headers);
    answer
}

/// The response after a panic. Only the log contains the panic message.
pub fn panic_response(payload: Box<dyn Any + Send>) -> axum::response::Response {
    let message = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied())
        .unwrap_or("the panic has no message");
    failed_response(
        ResponseMediaType::Json,
        Error::Internal(format!("a panic: {message}")),
    )
}

/// A response with a status of its own.
pub fn response_with_status(
    of: ResponseMediaType,
    status: StatusCode,
    response: &Response,
    was_executed: bool,
) -> axum::response::Response {
    let headers = [
        (header::CONTENT_TYPE, of.to_header()),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    // A request that was not executed has no `data`, which differs from `data: null`.
    let written = if was_executed {
        serde_json::to_vec(response)
    } else {
        let mut refused = json!({"errors": response.errors});
        if !response.extensions.is_empty() {
            refused["extensions"] = json!(response.extensions);
        }
        serde_json::to_vec(&refused)
    };
    match written {
        Ok(body) => (status, headers, response.http_headers.clone(), body).into_response(),
        Err(cause) => {
            tracing::error!(%cause, "a response could not be serialised");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    }
}

/// Whether a response has no data, and each of its errors says when to retry.
fn has_only_temporary_errors(response: &Response) -> bool {
    let is_temporary = |error: &ServerError| {
        let extensions = error.extensions.as_ref();
        extensions.is_some_and(|extensions| extensions.get("retryAfterSeconds").is_some())
    };
    let errors = &response.errors;
    response.data == Value::Null && !errors.is_empty() && errors.iter().all(is_temporary)
}

/// The status of a request that was not executed, by the code of its first error.
fn error_status(response: &Response) -> StatusCode {
    let code = response.errors.first().and_then(|error| {
        let code = error.extensions.as_ref()?.get("code")?;
        match code {
            Value::String(code) => Some(code.as_str()),
            _ => None,
        }
    });
    let code = code
        .and_then(ErrorCode::from_name)
        .unwrap_or(ErrorCode::BadUserInput);
    code.status()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn preferred_media_type_is_negotiated() {
        use ResponseMediaType::{GraphqlResponse, Json};
        for (accept, expected) in [
            (None, Some(Json)),
            (Some(""), Some(Json)),
            (Some("*/*"), Some(Json)),
            (Some("application/json"), Some(Json)),
            (Some("application/json; charset=utf-8"), Some(Json)),
            (Some("APPLICATION/JSON"), Some(Json)),
            (Some("Application/*; Q = 0.5"), Some(Json)),
            (
                Some("Application/GraphQL-Response+JSON; Charset=UTF-8"),
                Some(GraphqlResponse),
            ),
            (Some("application/graphql-response+json"), Some(GraphqlResponse)),
            (
                Some("application/json, application/graphql-response+json"),
                Some(GraphqlResponse),
            ),
            (
                Some("application/json, application/graphql-response+json;q=0.9"),
                Some(Json),
            ),
            (Some("application/json, */*"), Some(Json)),
            (Some("text/html, application/json;q=0.5"), Some(Json)),
            (Some("application/json;q=0, */*"), Some(GraphqlResponse)),
            (Some("text/html"), None),
            (Some("application/json;q=0"), None),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(accept) = accept {
                headers.insert(header::ACCEPT, HeaderValue::from_static(accept));
            }
            assert_eq!(ResponseMediaType::negotiate(&headers), expected, "{accept:?}");
        }
    }
}
