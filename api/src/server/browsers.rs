//! What browsers hold to on our word: which pages of other origins may read an answer, and what no page may do with one.

use std::time::Duration;

use axum::Router;
use axum::http::header::{
    ACCEPT, AUTHORIZATION, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH,
    REFERRER_POLICY, RETRY_AFTER, WWW_AUTHENTICATE, X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use axum::http::{HeaderName, HeaderValue, Method};
use axum::middleware::map_response;
use axum::response::Response;
use tower_http::cors::{AllowOrigin, CorsLayer};

use crate::cost;
use crate::origins::Origins;

/// How long a browser may keep what it was told of another origin's requests.
const TOLD_FOR: Duration = Duration::from_hours(1);

/// What every answer says, where it says nothing else itself.
const SAID: [(HeaderName, HeaderValue); 6] = [
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

async fn say(mut answer: Response) -> Response {
    for (name, value) in SAID {
        answer.headers_mut().entry(name).or_insert(value);
    }
    answer
}

/// The headers that such a page may read.
const READ: [HeaderName; 7] = [
    ETAG,
    RETRY_AFTER,
    WWW_AUTHENTICATE,
    cost::COST,
    cost::LIMIT,
    cost::REMAINING,
    cost::RESET,
];

/// What tells browsers which pages of other origins may ask (CORS); none where none may.
fn shared(origins: &Origins) -> Option<CorsLayer> {
    let allowed = match origins {
        Origins::Own => return None,
        Origins::Any => AllowOrigin::any(),
        Origins::These(these) => AllowOrigin::list(these.iter().filter_map(|one| one.parse().ok())),
    };
    let layer = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([ACCEPT, AUTHORIZATION, CONTENT_TYPE, IF_NONE_MATCH])
        .expose_headers(READ)
        .max_age(TOLD_FOR);
    Some(layer)
}

/// The routes, with what browsers are told beside each answer.
pub fn told(router: Router, origins: &Origins) -> Router {
    let router = router.layer(map_response(say));
    match shared(origins) {
        Some(layer) => router.layer(layer),
        None => router,
    }
}
