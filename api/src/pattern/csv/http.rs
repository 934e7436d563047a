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

use super::super::graphql::NamedCondition;
use super::super::service::{PatternInput, PatternService};
use super::answers::{self, CsvHeader};
use super::parameters::CsvParameters;
use crate::app::App;
use crate::auth::permission::RequesterKind;
use crate::auth::requester::{AuthenticatedMember, Requester};
use crate::error::{BodyError, Error, Result};
use crate::graphql::filter::AskerOrganisation;
use crate::graphql::operation::client_ip::ClientIp;
use crate::graphql::operation::cost;
use crate::graphql::operation::cost::{RateLimitKey, weights};
use crate::server::body::{self, JSON_MEDIA_TYPE};

#[derive(Clone, Copy, Debug)]
enum CsvKind {
    Pattern,
    Grid,
    Distribution,
    Flows,
    Associations,
}

impl CsvKind {
    const ALL: [Self; 5] = [
        Self::Pattern,
        Self::Grid,
        Self::Distribution,
        Self::Flows,
        Self::Associations,
    ];

    /// The cost, which is that of the GraphQL field with the same answer.
    fn cost_points(self, given: &CsvParameters) -> u32 {
        let field = match self {
            Self::Pattern => "pattern",
            Self::Grid => "patternGrid",
            Self::Distribution => "distribution",
            Self::Flows => "entryPointFlows",
            Self::Associations => "associations",
        };
        weights::pattern_query_points(field, &|name| given.count_values(name), given.count_comparisons())
    }

    const fn path(self) -> &'static str {
        match self {
            Self::Pattern => "/export/pattern.csv",
            Self::Grid => "/export/grid.csv",
            Self::Distribution => "/export/distribution.csv",
            Self::Flows => "/export/flows.csv",
            Self::Associations => "/export/associations.csv",
        }
    }

    /// The `Content-Disposition` header. A browser saves the file under its name.
    const fn disposition(self) -> &'static str {
        match self {
            Self::Pattern => "attachment; filename=\"wayin-pattern.csv\"",
            Self::Grid => "attachment; filename=\"wayin-grid.csv\"",
            Self::Distribution => "attachment; filename=\"wayin-distribution.csv\"",
            Self::Flows => "attachment; filename=\"wayin-flows.csv\"",
            Self::Associations => "attachment; filename=\"wayin-associations.csv\"",
        }
    }

    /// The GraphQL field with the same answer, and the types whose fields are all in the file.
    const fn graphql_field(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Pattern => ("pattern", &["Pattern", "PatternGroup", "ContingencyTable"]),
            Self::Grid => ("patternGrid", &["PatternGrid", "GridHeading", "GridCell"]),
            Self::Distribution => ("distribution", &["Distribution", "DistributionBin"]),
            Self::Flows => ("entryPointFlows", &["EntryPointFlows", "EntryPointFlow"]),
            Self::Associations => (
                "associations",
                &["Associations", "Association", "ContingencyTable"],
            ),
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Pattern => "How often two conditions coincide",
            Self::Grid => "Every value of one dimension against every value of another",
            Self::Distribution => "How many initiatives have each value of a dimension",
            Self::Flows => "From which way in to which later entry points initiatives move",
            Self::Associations => "Which pairs of conditions coincide more than chance",
        }
    }

    /// The parameters of this kind of file, without those that every file has.
    const fn parameters(self) -> &'static [&'static str] {
        match self {
            Self::Pattern => &["when", "then", "among", "by"],
            Self::Grid => &["rows", "columns", "among"],
            Self::Distribution => &["of", "among"],
            Self::Flows => &["among", "perspective"],
            Self::Associations => &["conditions", "among"],
        }
    }
}

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

/// Checks whether the requester can read a kind of file. Returns whose permissions to check, and the member.
fn authorise<'a>(
    app: &App,
    requester: &'a Requester,
    kind: CsvKind,
) -> Result<(RequesterKind, &'a AuthenticatedMember)> {
    let (asking, member) = (RequesterKind::from_requester(requester), requester.member()?);
    let (field, types) = kind.graphql_field();
    app.permissions.check_field(asking, "Query", field)?;
    types
        .iter()
        .try_for_each(|of| app.permissions.check_all_fields(asking, of))?;
    Ok((asking, member))
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
    let file = match kind {
        CsvKind::Pattern => {
            let input = PatternInput {
                when: given.required("when")?,
                then: given.required("then")?,
                among: given.among()?,
                by: given.optional("by")?,
                concentration: true,
            };
            let (question, answer) = Box::pin(asker.query_pattern(input)).await?;
            answers::pattern_file(frame, &question, &answer)
        }
        CsvKind::Grid => {
            let (rows, columns) = (given.required("rows")?, given.required("columns")?);
            let grid = Box::pin(asker.query_grid(rows, columns, given.among()?)).await?;
            answers::grid_file(frame, &grid)
        }
        CsvKind::Distribution => {
            let of = given.required("of")?;
            let distribution = Box::pin(asker.query_distribution(of, given.among()?)).await?;
            answers::distribution_file(frame, &distribution)
        }
        CsvKind::Flows => {
            let perspective = given.optional("perspective")?;
            let flows = Box::pin(asker.query_flows(given.among()?, perspective)).await?;
            answers::flows_file(frame, &flows)
        }
        CsvKind::Associations => {
            let named: Vec<NamedCondition> = given.required("conditions")?;
            let (names, conditions): (Vec<String>, Vec<_>) =
                named.into_iter().map(|one| (one.name, one.condition)).unzip();
            let found = Box::pin(asker.query_associations(conditions, given.among()?)).await?;
            answers::associations_file(frame, &names, &found)
        }
    };
    file.to_bytes()
}
