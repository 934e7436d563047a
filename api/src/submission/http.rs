//! The workbook of returned records over HTTP, for those who may see them.

use std::fs::File;
use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use super::returned;
use crate::app::App;
use crate::auth::member;
use crate::auth::permission::Asking;
use crate::change::Act;
use crate::cost::address::Caller;
use crate::cost::{Payer, weights};
use crate::error::{Error, Result};
use crate::failure::Failure;
use crate::id::{self, NodeKind};
use crate::workbook::http::send_workbook;

/// Where it is downloaded.
pub const PATH: &str = "/submissions/returned.xlsx";

/// Which records.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Parameters {
    /// Those of an organisation, by its global id.
    organisation: Option<String>,
}

/// The route.
pub fn router<S: Clone + Send + Sync + 'static>(app: Arc<App>) -> Router<S> {
    Router::new().route(PATH, get(answer)).with_state(app)
}

async fn answer(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    headers: HeaderMap,
    parameters: Result<Query<Parameters>, QueryRejection>,
) -> Response {
    let written = match parameters {
        Ok(Query(parameters)) => write(&app, caller, &headers, parameters).await,
        Err(rejection) => Err(Error::BadInput(rejection.body_text())),
    };
    match written {
        Ok(Some(file)) => send_workbook(file, "returned.xlsx"),
        Ok(None) => (StatusCode::NOT_FOUND, "no record that you may see is returned\n").into_response(),
        Err(error) => Failure::from(error).into_response(),
    }
}

async fn write(
    app: &App,
    caller: Caller,
    headers: &HeaderMap,
    parameters: Parameters,
) -> Result<Option<File>> {
    let authorization = headers
        .get(header::AUTHORIZATION)
        .map(|value| value.to_str().unwrap_or_default());
    let requester = member::requester(&app.db, &app.verifier, authorization).await?;
    let payer = Payer::of(Some(&requester), Some(&caller));
    app.costs.charge_least(payer, app.clock.now())?;
    let member = requester.member()?;
    for field in ["record", "problems", "reviewNote"] {
        app.permissions
            .may_ask_for(Asking::of(&requester), "Submission", field)?;
    }
    let organisation = parameters.organisation.map(|id| {
        id::decode_as(NodeKind::Organisation, &id)
            .ok_or_else(|| Error::BadInput(format!("organisation: {id:?} is not the id of an organisation")))
    });
    let organisation = match organisation.transpose()? {
        Some(id) => Some(crate::organisation::former::current(&app.db, id).await?),
        None => None,
    };
    app.costs.charge_rest(payer, weights::WORKBOOK, app.clock.now())?;
    // The semaphore lives as long as the service, and is never closed.
    let _turn = app.imports.writing.acquire().await.ok();
    let act = Act {
        clock: &*app.clock,
        member: None,
        reason: "",
    };
    returned::write(&app.db, &act, member, organisation).await
}
