//! Workbooks over HTTP: the template, which is open to everyone, and downloads of other workbooks.

use std::fs::File;

use axum::{
    Router,
    body::{Body, Bytes},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};

use tokio::io::AsyncReadExt as _;

use crate::error::Error;
use crate::etag::ETag;
use wayin_records::workbook::template;

pub const PATH: &str = "/template/records.xlsx";
/// The media type of workbooks (.xlsx).
pub const MEDIA_TYPE: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

pub fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new().route(PATH, get(download_template))
}

/// Responds with the template, or with `304 Not Modified` if the client has it.
async fn download_template(request: HeaderMap) -> Response {
    // Writing takes a moment, so it is done once.
    let written = tokio::task::spawn_blocking(template::template_bytes).await;
    let Ok(Ok(body)) = written else {
        return Error::Internal(format!("the template could not be written: {written:?}")).into_response();
    };
    let tag = ETag::from_body(body);
    let headers = [
        (header::CONTENT_TYPE, MEDIA_TYPE),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"records.xlsx\"",
        ),
        (header::CACHE_CONTROL, "public, max-age=3600"),
    ];
    let etag = [(header::ETAG, tag.to_header())];
    if tag.matches_request(&request) {
        (StatusCode::NOT_MODIFIED, headers, etag).into_response()
    } else {
        (headers, etag, body).into_response()
    }
}

/// Responds with a workbook as a download, read from the file while it is sent.
pub fn send_workbook(file: File, name: &str) -> Response {
    const CHUNK_BYTES: usize = 64 * 1024;
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers = [
        (header::CONTENT_TYPE, MEDIA_TYPE),
        (header::CONTENT_DISPOSITION, disposition.as_str()),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let file = tokio::fs::File::from_std(file);
    let body = Body::from_stream(futures_util::stream::try_unfold(file, async |mut file| {
        let mut chunk = vec![0; CHUNK_BYTES];
        let read = file.read(&mut chunk).await?;
        chunk.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(chunk), file)))
    }));
    (headers, body).into_response()
}
