//! Headers for browsers: which pages of other origins can read a response (CORS), and what no page can do
//! with it.

use std::time::Duration;

use axum::Router;
use axum::http::header::{
    ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_HEADERS, CACHE_CONTROL, CONTENT_DISPOSITION,
    CONTENT_SECURITY_POLICY, ETAG, REFERRER_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::map_response;
use axum::response::Response;
use tower_http::cors::{AllowHeaders, AllowOrigin, CorsLayer};

use crate::cors::AllowedOrigins;
use crate::graphql::operation::cost;
use crate::server::settings::AllowedCorsHeaders;

/// How long a browser can cache the response to a preflight request.
const PREFLIGHT_MAX_AGE: Duration = Duration::from_hours(1);

/// The default headers of every response.
const DEFAULT_HEADERS: [(HeaderName, HeaderValue); 6] = [
    (CACHE_CONTROL, HeaderValue::from_static("no-store")),
    (X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"),
    ),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

async fn add_default_headers(mut answer: Response) -> Response {
    for (name, value) in DEFAULT_HEADERS {
        answer.headers_mut().entry(name).or_insert(value);
    }
    answer
}

/// The headers that pages of other origins can read.
const EXPOSED_HEADERS: [HeaderName; 9] = [
    ACCEPT_ENCODING,
    CONTENT_DISPOSITION,
    ETAG,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    cost::COST_HEADER,
    cost::LIMIT_HEADER,
    cost::REMAINING_HEADER,
    cost::RESET_HEADER,
];

/// The CORS layer. None if no other origin is allowed.
fn cors_layer(origins: &AllowedOrigins) -> Option<CorsLayer> {
    let allowed = match origins {
        AllowedOrigins::Own => return None,
        AllowedOrigins::Any => AllowOrigin::any(),
        AllowedOrigins::These(these) => AllowOrigin::list(these.iter().filter_map(|one| one.parse().ok())),
    };
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        // [`filter_allowed_headers`] removes those that are not allowed.
        .allow_headers(AllowHeaders::mirror_request())
        .expose_headers(EXPOSED_HEADERS)
        .max_age(PREFLIGHT_MAX_AGE);
    Some(layer)
}

/// Adds the headers for browsers to each response.
pub fn add_browser_headers(router: Router, origins: &AllowedOrigins, headers: &AllowedCorsHeaders) -> Router {
    let router = router.layer(map_response(add_default_headers));
    let Some(layer) = cors_layer(origins) else {
        return router;
    };
    let headers = headers.clone();
    router.layer(layer).layer(map_response(move |answer| {
        std::future::ready(filter_allowed_headers(answer, &headers))
    }))
}

/// Limits the response to a preflight request to the requested headers that are allowed.
fn filter_allowed_headers(mut answer: Response, allowed: &AllowedCorsHeaders) -> Response {
    if let Some(asked) = answer.headers_mut().remove(ACCESS_CONTROL_ALLOW_HEADERS) {
        let asked = asked.to_str().unwrap_or_default().split(',').map(str::trim);
        let named: Vec<&str> = asked
            .filter(|name| !name.is_empty() && allowed.allows(name))
            .collect();
        if let Ok(named) = HeaderValue::from_str(&named.join(","))
            && !named.is_empty()
        {
            answer.headers_mut().insert(ACCESS_CONTROL_ALLOW_HEADERS, named);
        }
    }
    answer
}
