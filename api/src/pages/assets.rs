//! The stylesheet, the icon and the modules of the pages, at `/assets/{file}`. All of them are compiled in.

use std::sync::LazyLock;

use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use super::service::PageService;
use crate::http::static_file::{SCRIPT_CONTENT_TYPE, STYLE_CONTENT_TYPE, SVG_CONTENT_TYPE, StaticFile};

static FILES: LazyLock<Vec<StaticFile>> = LazyLock::new(|| {
    macro_rules! file {
        ($name:literal, $content_type:expr) => {
            StaticFile::new(
                $name,
                $content_type,
                &include_bytes!(concat!("../../assets/pages/", $name))[..],
            )
        };
    }
    vec![
        file!("site.css", STYLE_CONTENT_TYPE),
        file!("icon.svg", SVG_CONTENT_TYPE),
        file!("copy.js", SCRIPT_CONTENT_TYPE),
        file!("print.js", SCRIPT_CONTENT_TYPE),
        file!("explore.js", SCRIPT_CONTENT_TYPE),
        file!("session.js", SCRIPT_CONTENT_TYPE),
        file!("send.js", SCRIPT_CONTENT_TYPE),
        file!("workbook.js", SCRIPT_CONTENT_TYPE),
    ]
});

pub fn router() -> Router<PageService> {
    Router::new().route("/assets/{file}", get(serve_file))
}

async fn serve_file(Path(name): Path<String>, request: HeaderMap) -> Response {
    match StaticFile::find(&FILES, &name) {
        Some(file) => file.respond(&request),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}
