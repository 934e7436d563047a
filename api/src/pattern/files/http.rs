//! The routes under `/export`, which send answers as files. A client uses GET, or POST if the parameters are long.
//! As in GraphQL, members can use them, and visitors where the service lets them; [`PatternService`] runs the query, and
//! the same deadline applies.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    response::{IntoResponse, Response},
    routing::get,
};
use wayin_entity::Dimension;

use super::super::asker::Asker;
use super::super::service::{ComparisonInput, PatternInput, PatternService};
use super::details::{ExportDetails, ExportRequest};
use super::parameters::FileParameters;
use super::question::{AnswerFormat, FileQuestion, FileRoute, authorise};
use super::readable::ReadableAnswer;
use super::tables::ExportTable;
use super::{answers, csv, readable, xlsx};
use crate::app::App;
use crate::auth::requester::Requester;
use crate::error::{BodyError, Error, Result};
use crate::graphql::operation::client_ip::ClientIp;
use crate::graphql::operation::cost;
use crate::graphql::operation::cost::RateLimitKey;
use crate::initiative::filter_input::InitiativeFilter;
use crate::server::body::{self, JSON_MEDIA_TYPE};
use crate::workbook_http;

const fn media_type(format: AnswerFormat) -> &'static str {
    match format {
        AnswerFormat::Csv => "text/csv; charset=utf-8",
        AnswerFormat::Workbook => workbook_http::MEDIA_TYPE,
    }
}

/// The routes of all kinds of files.
pub fn router<S: Clone + Send + Sync + 'static>(app: Arc<App>) -> Router<S> {
    let mut router = Router::new();
    for route in FileRoute::list_all() {
        let answer =
            move |app, caller, requester, request| handle_request(route, app, caller, requester, request);
        router = router.route(&route.path(), get(answer).post(answer));
    }
    router.with_state(app)
}

async fn handle_request(
    route: FileRoute,
    State(app): State<Arc<App>>,
    Extension(caller): Extension<ClientIp>,
    requester: Requester,
    request: Request,
) -> Result<Response> {
    // As in GraphQL: charges the minimum first, and the rest when the parameters are known.
    let payer = RateLimitKey::from_request(Some(&requester), Some(&caller));
    app.cost_control.reserve(payer, app.clock.now())?;
    authorise(&app, &requester, route.kind)?;
    let given = if request.method() == Method::POST {
        let (parts, body) = request.into_parts();
        read_body_parameters(&parts.headers, body).await?
    } else {
        FileParameters::from_uri(request.uri())?
    };
    let points = route.kind.cost_points(&given);
    let balance = app.cost_control.settle(payer, points, app.clock.now())?;
    let build = tokio::time::timeout(
        app.engine.deadline(),
        Box::pin(build_file(&app, route, &requester, given)),
    );
    let file = build.await.unwrap_or(Err(Error::QueryTimeout))?;
    let headers = [
        (header::CONTENT_TYPE, media_type(route.format).to_owned()),
        (header::CONTENT_DISPOSITION, route.disposition()),
    ];
    Ok((headers, cost::cost_headers(points, &balance), file).into_response())
}

async fn read_body_parameters(headers: &HeaderMap, body: Body) -> Result<FileParameters> {
    if body::parse_media_type(headers)? != JSON_MEDIA_TYPE {
        let reason = "send the parameters as application/json";
        return Err(BodyError::Unsupported(reason.into()).into());
    }
    FileParameters::from_body(&body::read_body(headers, body, body::MAX_BODY_BYTES).await?)
}

async fn build_file(
    app: &Arc<App>,
    route: FileRoute,
    requester: &Requester,
    mut given: FileParameters,
) -> Result<Vec<u8>> {
    let kind = route.kind;
    given.require_known(kind.parameters(), route.format == AnswerFormat::Csv)?;
    let preamble = given.preamble()?;
    let scope = given.scope()?;
    let asker = Asker::from_requester(&app.permissions, requester, scope)?;
    let service = PatternService::new(app, asker, scope, given.min_change_number()?);
    let request = ExportRequest {
        title: kind.title(),
        path: route.path(),
        parameters: given.list_given(kind.parameters()),
        licence: app.engine.licence().to_owned(),
    };
    let answer = match FileQuestion::parse(kind, &given, asker.organisation)? {
        FileQuestion::Pattern(input) => answer_pattern(&service, *input, request, route.format).await?,
        FileQuestion::Grid { rows, columns, among } => {
            answer_grid(&service, [rows, columns], among, request, route.format).await?
        }
        FileQuestion::Distribution { of, among } => {
            answer_distribution(&service, of, among, request, route.format).await?
        }
        FileQuestion::Flows { among, perspective } => {
            let flows = Box::pin(service.query_flows(among, perspective)).await?;
            FileContent::from_table(answers::build_flows_table(request, &flows))
        }
        FileQuestion::Associations {
            names,
            conditions,
            among,
        } => {
            let found = Box::pin(service.query_associations(conditions, among)).await?;
            FileContent::from_table(answers::build_associations_table(request, &names, &found))
        }
        FileQuestion::Compare(input) => answer_comparison(&service, *input, request, route.format).await?,
    };
    if let (AnswerFormat::Workbook, Some(readable)) = (route.format, answer.readable) {
        return write_workbook(answer.details, readable, answer.table).await;
    }
    let lines = preamble.then(|| answer.details.list_lines());
    csv::write_csv(&answer.table, lines.as_deref())
}

/// What a file has, in any format.
struct FileContent {
    details: ExportDetails,
    table: ExportTable,
    /// What a workbook shows besides. None for an answer that has no workbook.
    readable: Option<ReadableAnswer>,
}

impl FileContent {
    fn from_table((details, table): answers::DetailedTable) -> Self {
        Self {
            details,
            table,
            readable: None,
        }
    }
}

async fn answer_pattern(
    asker: &PatternService,
    input: PatternInput,
    request: ExportRequest,
    format: AnswerFormat,
) -> Result<FileContent> {
    let (question, answer) = Box::pin(asker.query_pattern(input)).await?;
    let (details, table) = answers::build_pattern_table(request, &question, &answer);
    let is_read = format == AnswerFormat::Workbook;
    let readable = is_read.then(|| readable::describe_pattern(&question, &answer));
    Ok(FileContent {
        details,
        table,
        readable,
    })
}

async fn answer_grid(
    asker: &PatternService,
    [rows, columns]: [Dimension; 2],
    among: Option<InitiativeFilter>,
    request: ExportRequest,
    format: AnswerFormat,
) -> Result<FileContent> {
    let grid = Box::pin(asker.query_grid(rows, columns, among.clone())).await?;
    let (details, table) = answers::build_grid_table(request, &grid);
    let readable = if format == AnswerFormat::Workbook {
        let among = asker.describe_population(among).await?;
        Some(readable::describe_grid([rows, columns], among, &grid))
    } else {
        None
    };
    Ok(FileContent {
        details,
        table,
        readable,
    })
}

async fn answer_distribution(
    asker: &PatternService,
    of: Dimension,
    among: Option<InitiativeFilter>,
    request: ExportRequest,
    format: AnswerFormat,
) -> Result<FileContent> {
    let distribution = Box::pin(asker.query_distribution(of, among.clone())).await?;
    let (details, table) = answers::build_distribution_table(request, &distribution);
    let readable = if format == AnswerFormat::Workbook {
        let among = asker.describe_population(among).await?;
        Some(readable::describe_distribution(of, among, &distribution))
    } else {
        None
    };
    Ok(FileContent {
        details,
        table,
        readable,
    })
}

async fn answer_comparison(
    asker: &PatternService,
    input: ComparisonInput,
    request: ExportRequest,
    format: AnswerFormat,
) -> Result<FileContent> {
    let labels = input.list_labels();
    let (question, answer) = Box::pin(asker.query_comparison(input)).await?;
    let (details, table) = answers::build_comparison_table(request, &question, &labels, &answer);
    let is_read = format == AnswerFormat::Workbook;
    let readable = is_read.then(|| readable::describe_comparison(&question, &labels, &answer));
    Ok(FileContent {
        details,
        table,
        readable,
    })
}

/// Writes a workbook. Writing takes a while, so another thread does it.
async fn write_workbook(
    details: ExportDetails,
    readable: ReadableAnswer,
    table: ExportTable,
) -> Result<Vec<u8>> {
    let writing = tokio::task::spawn_blocking(move || xlsx::write_workbook(&details, &readable, &table));
    let failed =
        |cause: &dyn std::fmt::Display| Error::Internal(format!("a workbook could not be written: {cause}"));
    writing
        .await
        .map_err(|cause| failed(&cause))?
        .map_err(|cause| failed(&cause))
}
