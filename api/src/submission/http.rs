//! The corrections workbook of submissions over HTTP, for those who can see them.

use std::fs::File;
use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Query, State},
    http::Uri,
    response::Response,
    routing::get,
};

use super::corrections;
use crate::app::App;
use crate::auth::requester::Requester;
use crate::change_log::ActionContext;
use crate::error::{Error, Result};
use crate::graphql::operation::client_ip::ClientIp;
use crate::graphql::operation::cost::{RateLimitKey, weights};
use crate::id::{self, NodeKind};
use crate::workbook_http::send_workbook;
use wayin_records::text::quote;

/// The path of the download.
pub const PATH: &str = "/submissions/corrections.xlsx";

/// The query parameter: the global id of an organisation, to select its records.
const ORGANISATION_PARAMETER: &str = "organisation";

/// Parses the organisation from the query.
fn parse_organisation(address: &Uri) -> Result<Option<String>> {
    let Query(given) = Query::<Vec<(String, String)>>::try_from_uri(address)
        .map_err(|_| Error::BadInput("the query string cannot be parsed".into()))?;
    let mut organisation = None;
    for (name, value) in given {
        if name != ORGANISATION_PARAMETER {
            let reason = format!("{name} is not a parameter; {ORGANISATION_PARAMETER} is");
            return Err(Error::BadInput(reason));
        }
        if organisation.replace(value).is_some() {
            return Err(Error::bad_input(
                ORGANISATION_PARAMETER,
                "is given more than once",
            ));
        }
    }
    Ok(organisation)
}

pub fn router<S: Clone + Send + Sync + 'static>(app: Arc<App>) -> Router<S> {
    Router::new()
        .route(PATH, get(download_corrections))
        .with_state(app)
}

async fn download_corrections(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<ClientIp>,
    requester: Requester,
    address: Uri,
) -> Result<Response> {
    let file = write_corrections(&app, caller, &requester, parse_organisation(&address)?).await?;
    let file =
        file.ok_or_else(|| Error::NotFound("there are no requested changes that you can see".into()))?;
    Ok(send_workbook(file, "corrections.xlsx"))
}

/// Writes the workbook for a requester, and charges for it. None if nothing was returned that the requester can see.
pub async fn write_corrections(
    app: &App,
    caller: ClientIp,
    requester: &Requester,
    organisation: Option<String>,
) -> Result<Option<File>> {
    let payer = RateLimitKey::from_request(Some(requester), Some(&caller));
    app.cost_control.reserve(payer, app.clock.now())?;
    let member = requester.member()?;
    for field in ["record", "problems", "reviewNote"] {
        app.permissions
            .check_field(app.permissions.identify(requester), "Submission", field)?;
    }
    let organisation = organisation.map(|id| {
        id::decode_as(NodeKind::Organisation, &id).ok_or_else(|| {
            Error::bad_input(
                ORGANISATION_PARAMETER,
                format!("{} is not the id of an organisation", quote(&id)),
            )
        })
    });
    let organisation = match organisation.transpose()? {
        Some(id) => Some(crate::organisation::alias::resolve_id(&app.db, id).await?),
        None => None,
    };
    app.cost_control
        .settle(payer, weights::WORKBOOK_POINTS, app.clock.now())?;
    // The semaphore is never closed.
    let _turn = app.imports.writing.acquire().await.ok();
    let act = ActionContext {
        clock: &*app.clock,
        member: None,
        reason: "",
    };
    corrections::write_corrections(&app.db, &act, member, organisation).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_parameters_are_rejected() {
        let read = |query: &str| parse_organisation(&format!("{PATH}{query}").parse().unwrap());
        assert_eq!(read("").unwrap(), None);
        assert_eq!(read("?organisation=a").unwrap().as_deref(), Some("a"));
        let refused = read("?foo=1").unwrap_err().to_string();
        assert!(
            refused.contains("foo is not a parameter; organisation is"),
            "{refused}"
        );
        assert!(read("?organisation=a&organisation=b").is_err());
    }
}
