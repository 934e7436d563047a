//! The routes under `/export`, which send answers as CSV files. A client uses GET, or POST if the parameters are long.
//! As in GraphQL, only members can use them, [`PatternService`] runs the query, and the same deadline applies.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::super::service::PatternService;
use super::answers::{self, CsvHeader};
use super::parameters::CsvParameters;
use super::question::{CsvKind, FileQuestion, authorise};
use crate::app::App;
use crate::auth::permission::RequesterKind;
use crate::auth::requester::{AuthenticatedMember, Requester};
use crate::error::{BodyError, Error, Result};
use crate::graphql::filter::AskerOrganisation;
use crate::graphql::operation::client_ip::ClientIp;
use crate::graphql::operation::cost;
use crate::graphql::operation::cost::RateLimitKey;
use crate::server::body::{self, JSON_MEDIA_TYPE};

/// The routes of all kinds of files.
pub fn router<S: Clone + Send + Sync + 'static>(app: Arc<App>) -> Router<S> {
    let mut router = Router::new();
    for kind in CsvKind::ALL {
        let answer =
            move |app, caller, requester, request| handle_request(kind, app, caller, requester, request);
        router = router.route(kind.path(), get(answer).post(answer));
    }
    router.with_state(app)
}

async fn handle_request(
    kind: CsvKind,
    State(app): State<Arc<App>>,
    Extension(caller): Extension<ClientIp>,
    requester: Requester,
    request: Request,
) -> Result<Response> {
    // As in GraphQL: charges the minimum first, and the rest when the parameters are known.
    let payer = RateLimitKey::from_request(Some(&requester), Some(&caller));
    app.cost_control.reserve(payer, app.clock.now())?;
    let (asking, member) = authorise(&app, &requester, kind)?;
    let given = if request.method() == Method::POST {
        let (parts, body) = request.into_parts();
        read_body_parameters(&parts.headers, body).await?
    } else {
        CsvParameters::from_uri(request.uri())?
    };
    let points = kind.cost_points(&given);
    let balance = app.cost_control.settle(payer, points, app.clock.now())?;
    let build = tokio::time::timeout(
        app.engine.deadline(),
        Box::pin(build_file(&app, kind, (asking, member), given)),
    );
    let file = build.await.unwrap_or(Err(Error::QueryTimeout))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, kind.disposition()),
    ];
    Ok((headers, cost::cost_headers(points, &balance), file).into_response())
}

async fn read_body_parameters(headers: &HeaderMap, body: Body) -> Result<CsvParameters> {
    if body::parse_media_type(headers)? != JSON_MEDIA_TYPE {
        let reason = "send the parameters as application/json";
        return Err(BodyError::Unsupported(reason.into()).into());
    }
    CsvParameters::from_body(&body::read_body(headers, body, body::MAX_BODY_BYTES).await?)
}

async fn build_file(
    app: &Arc<App>,
    kind: CsvKind,
    (asking, member): (RequesterKind, &AuthenticatedMember),
    mut given: CsvParameters,
) -> Result<Vec<u8>> {
    given.require_known(kind.parameters())?;
    let asker = PatternService::new(
        app,
        Some(asking),
        member.reader(),
        AskerOrganisation::from_member(member),
        given.scope()?,
        given.min_change_number()?,
    )
    .asked_by(Some(member.id));
    let frame = CsvHeader {
        title: kind.title(),
        path: kind.path(),
        parameters: given.list_given(kind.parameters()),
        licence: app.engine.licence(),
    };
    let file = match FileQuestion::parse(kind, &given)? {
        FileQuestion::Pattern(input) => {
            let (question, answer) = Box::pin(asker.query_pattern(*input)).await?;
            answers::pattern_file(frame, &question, &answer)
        }
        FileQuestion::Grid { rows, columns, among } => {
            let grid = Box::pin(asker.query_grid(rows, columns, among)).await?;
            answers::grid_file(frame, &grid)
        }
        FileQuestion::Distribution { of, among } => {
            let distribution = Box::pin(asker.query_distribution(of, among)).await?;
            answers::distribution_file(frame, &distribution)
        }
        FileQuestion::Flows { among, perspective } => {
            let flows = Box::pin(asker.query_flows(among, perspective)).await?;
            answers::flows_file(frame, &flows)
        }
        FileQuestion::Associations {
            names,
            conditions,
            among,
        } => {
            let found = Box::pin(asker.query_associations(conditions, among)).await?;
            answers::associations_file(frame, &names, &found)
        }
    };
    file.to_bytes()
}
