//! The route `/export/link/{secret}`, which sends the file of a link without a token.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Body,
    extract::{Path, State},
    http::{HeaderValue, Request, StatusCode, header},
    response::Response,
    routing::get,
};
use tower::ServiceExt as _;

use super::{LINK_PATH, find_target};
use crate::app::App;
use crate::error::{Error, Result};
use crate::graphql::operation::client_ip::ClientIp;
use crate::graphql::operation::cost::RateLimitKey;
use crate::http::requester::LinkRequester;

#[derive(Clone)]
struct LinkState {
    app: Arc<App>,
    /// The routes of the files.
    files: Router,
}

pub fn router<S: Clone + Send + Sync + 'static>(app: Arc<App>) -> Router<S> {
    let files = crate::pattern::files::http::router(Arc::clone(&app));
    Router::new()
        .route(&format!("{LINK_PATH}{{secret}}"), get(serve_link))
        .with_state(LinkState { app, files })
}

/// Sends the file as its own route would send it to the member now. The member pays.
async fn serve_link(
    State(LinkState { app, files }): State<LinkState>,
    Extension(caller): Extension<ClientIp>,
    Path(secret): Path<String>,
) -> Result<Response> {
    let now = app.clock.now();
    let Some(target) = find_target(&app.db, &secret, now).await? else {
        // Nobody is known who could pay, so the address does.
        let payer = RateLimitKey::from_request(None, Some(&caller));
        app.cost_control.reserve(payer, now)?;
        return Err(link_ended());
    };
    let mut request = Request::get(target.address)
        .body(Body::empty())
        .map_err(|cause| Error::Internal(format!("the address of a link cannot be requested: {cause}")))?;
    request.extensions_mut().insert(caller);
    request.extensions_mut().insert(LinkRequester(target.member));
    let Ok(mut response) = files.oneshot(request).await;
    // A file that the member may no longer read looks like a link that has ended.
    if matches!(
        response.status(),
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN | StatusCode::NOT_FOUND
    ) {
        return Err(link_ended());
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    Ok(response)
}

/// The error of every link that opens no file. It does not say why.
fn link_ended() -> Error {
    Error::NotFound("this link has ended; ask for a new one".into())
}
