//! The template over HTTP, for everybody.

use axum::{
    Router,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::template;
use crate::etag::ETag;

/// Where it is had.
pub const PATH: &str = "/template/records.xlsx";
/// The media type of a workbook.
pub const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The route.
pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route(PATH, get(answer))
}

/// The template, or `304 Not Modified` to whoever already holds it.
async fn answer(request: HeaderMap) -> Response {
    // It is written once, which takes a moment.
    let written = tokio::task::spawn_blocking(template::bytes).await;
    let Ok(Ok(body)) = written else {
        tracing::error!(?written, "the template could not be written");
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let tag = ETag::of(body);
    let headers = [
        (header::CONTENT_TYPE, MEDIA_TYPE),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"records.xlsx\"",
        ),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    let etag = [(header::ETAG, tag.header())];
    if tag.is_held(&request) {
        (StatusCode::NOT_MODIFIED, headers, etag).into_response()
    } else {
        (headers, etag, body).into_response()
    }
}
