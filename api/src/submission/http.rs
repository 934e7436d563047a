//! The workbook of returned records over HTTP, for those who may see them.

use std::fs::File;
use std::sync::Arc;

use axum::{
    Extension, Router,
    extract::{Query, State},
    http::Uri,
    response::Response,
    routing::get,
};

use super::returned;
use crate::app::App;
use crate::auth::permission::Asking;
use crate::auth::requester::Requester;
use crate::change::Act;
use crate::error::{Error, Result};
use crate::graphql::operation::client_ip::Caller;
use crate::graphql::operation::cost::{Payer, weights};
use crate::id::{self, NodeKind};
use crate::workbook_http::send_workbook;
use wayin_records::text::quoted;

/// Where it is downloaded.
pub const PATH: &str = "/submissions/returned.xlsx";

/// The one parameter: records of an organisation alone, by its global id.
const ORGANISATION: &str = "organisation";

/// The organisation that an address names.
fn organisation(address: &Uri) -> Result<Option<String>> {
    let Query(given) = Query::<Vec<(String, String)>>::try_from_uri(address)
        .map_err(|_| Error::BadInput("the address does not hold parameters".into()))?;
    let mut organisation = None;
    for (name, value) in given {
        if name != ORGANISATION {
            let reason = format!("{name} is not a parameter; {ORGANISATION} is");
            return Err(Error::BadInput(reason));
        }
        if organisation.replace(value).is_some() {
            return Err(Error::bad_input(ORGANISATION, "is given more than once"));
        }
    }
    Ok(organisation)
}

/// The route.
pub fn router<S: Clone + Send + Sync + 'static>(app: Arc<App>) -> Router<S> {
    Router::new().route(PATH, get(answer)).with_state(app)
}

async fn answer(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    requester: Requester,
    address: Uri,
) -> Result<Response> {
    let file = write(&app, caller, &requester, organisation(&address)?).await?;
    let file = file.ok_or_else(|| Error::NotFound("no record that you may see is returned".into()))?;
    Ok(send_workbook(file, "returned.xlsx"))
}

async fn write(
    app: &App,
    caller: Caller,
    requester: &Requester,
    organisation: Option<String>,
) -> Result<Option<File>> {
    let payer = Payer::of(Some(requester), Some(&caller));
    app.costs.charge_least(payer, app.clock.now())?;
    let member = requester.member()?;
    for field in ["record", "problems", "reviewNote"] {
        app.permissions
            .check_field(Asking::of(requester), "Submission", field)?;
    }
    let organisation = organisation.map(|id| {
        id::decode_as(NodeKind::Organisation, &id).ok_or_else(|| {
            Error::bad_input(
                ORGANISATION,
                format!("{} is not the id of an organisation", quoted(&id)),
            )
        })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_other_parameter_is_taken() {
        let read = |query: &str| organisation(&format!("{PATH}{query}").parse().unwrap());
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
