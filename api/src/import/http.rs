//! Download of the corrections workbook of an import.

use std::fs::File;
use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Path, State},
    response::Response,
    routing::get,
};

use super::job::{self, corrections};
use crate::app::App;
use crate::auth::requester::Requester;
use crate::error::{Error, Result};
use crate::graphql::operation::client_ip::ClientIp;
use crate::graphql::operation::cost::{RateLimitKey, weights};
use crate::id::{self, NodeKind};
use crate::workbook_http::send_workbook;

pub fn router<S: Clone + Send + Sync + 'static>(app: Arc<App>) -> Router<S> {
    Router::new()
        .route("/imports/{id}/corrections.xlsx", get(answer))
        .with_state(app)
}

async fn answer(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<ClientIp>,
    requester: Requester,
    Path(id): Path<String>,
) -> Result<Response> {
    let file = write_corrections(&app, caller, &requester, &id).await?;
    let file = file.ok_or_else(|| Error::NotFound("there is no such file that you may see".into()))?;
    Ok(send_workbook(file, "corrections.xlsx"))
}

/// Writes the workbook for a requester, and charges for it. None if there is none that the requester can see.
pub async fn write_corrections(
    app: &App,
    caller: ClientIp,
    requester: &Requester,
    id: &str,
) -> Result<Option<File>> {
    let payer = RateLimitKey::from_request(Some(requester), Some(&caller));
    app.cost_control.reserve(payer, app.clock.now())?;
    let member = requester.member()?;
    // The response is the same as for an import that does not exist.
    let permission =
        app.permissions
            .check_field(app.permissions.identify(requester), "Import", "correctionsUrl");
    if permission.is_err() {
        return Ok(None);
    }
    let Some(id) = id::decode_as(NodeKind::Import, id) else {
        return Ok(None);
    };
    let Some(import) = job::find(&app.db, member, id).await? else {
        return Ok(None);
    };
    if !corrections::has_corrections(&app.db, &import).await? {
        return Ok(None);
    }
    app.cost_control
        .settle(payer, weights::WORKBOOK_POINTS, app.clock.now())?;
    // The semaphore is never closed, so this cannot fail.
    let _turn = app.imports.writing.acquire().await.ok();
    let limits = app.imports.settings.file_limits(import.mode);
    corrections::write_workbook(&app.db, &import, limits).await
}
