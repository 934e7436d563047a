//! What is to be mended of an import, as a download for those who may see it.

use std::fs::File;
use std::sync::Arc;

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tokio::io::AsyncReadExt;

use super::job::{self, to_mend};
use crate::app::App;
use crate::auth::member;
use crate::auth::permission::Asking;
use crate::cost::address::Caller;
use crate::cost::{Payer, weights};
use crate::error::Result;
use crate::failure::Failure;
use crate::id::{self, NodeKind};
use crate::workbook::http::MEDIA_TYPE;

/// The route.
pub fn router<S: Clone + Send + Sync + 'static>(app: Arc<App>) -> Router<S> {
    Router::new()
        .route("/imports/{id}/to-mend.xlsx", get(answer))
        .with_state(app)
}

async fn answer(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    Path(id): Path<String>,
) -> Response {
    match written(&app, caller, &headers, &id).await {
        Ok(Some(file)) => {
            let headers = [
                (header::CONTENT_TYPE, MEDIA_TYPE),
                (
                    header::CONTENT_DISPOSITION,
                    "attachment; filename=\"to-mend.xlsx\"",
                ),
            ];
            (headers, in_pieces(file)).into_response()
        }
        Ok(None) => (StatusCode::NOT_FOUND, "there is no such file that you may see\n").into_response(),
        Err(error) => Failure::from(error).into_response(),
    }
}

async fn written(app: &App, caller: Caller, headers: &HeaderMap, id: &str) -> Result<Option<File>> {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default());
    let requester = member::requester(&app.db, &app.verifier, authorization).await?;
    let payer = Payer::of(Some(&requester), Some(&caller));
    app.costs.charge_least(payer, app.clock.now())?;
    let member = requester.member()?;
    // What is not theirs to ask for is not there.
    let asked = app
        .permissions
        .may_ask_for(Asking::of(&requester), "Import", "toMend");
    if asked.is_err() {
        return Ok(None);
    }
    let Some(id) = id::decode_as(NodeKind::Import, id) else {
        return Ok(None);
    };
    let Some(import) = job::find(&app.db, member, id).await? else {
        return Ok(None);
    };
    if !to_mend::is_there(&app.db, &import).await? {
        return Ok(None);
    }
    app.costs.charge_rest(payer, weights::WORKBOOK, app.clock.now())?;
    // The semaphore lives as long as the service, and is never closed.
    let _turn = app.imports.writing.acquire().await.ok();
    to_mend::write(&app.db, &import, app.imports.settings.limits).await
}

/// A file as a body, read as it is sent.
fn in_pieces(file: File) -> Body {
    const PIECE: usize = 64 * 1024;
    let file = tokio::fs::File::from_std(file);
    Body::from_stream(futures_util::stream::try_unfold(file, async |mut file| {
        let mut piece = vec![0; PIECE];
        let read = file.read(&mut piece).await?;
        piece.truncate(read);
        Ok::<_, std::io::Error>((read > 0).then(|| (Bytes::from(piece), file)))
    }))
}
