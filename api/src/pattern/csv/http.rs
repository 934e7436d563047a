//! The routes under `/export`: answers as CSV files, by GET, and by POST where a question is
//! long. They are asked as over GraphQL: by [`Asker`], by members alone, and within the same
//! deadline.

use std::sync::Arc;

use axum::{
    Extension, Router,
    body::Body,
    extract::{Request, State},
    http::{HeaderMap, Method, header},
    response::{IntoResponse, Response},
    routing::get,
};

use super::super::ask::{Asker, PatternInput};
use super::super::graphql::NamedCondition;
use super::answers::{self, Frame};
use super::parameters::Parameters;
use crate::app::App;
use crate::auth::permission::Asking;
use crate::auth::requester::Requester;
use crate::error::{BodyError, Error, Result};
use crate::graphql::operation::client_ip::Caller;
use crate::graphql::operation::cost;
use crate::graphql::operation::cost::{Payer, weights};
use crate::server::body::{self, JSON};
use wayin_engine::visibility::Reader;

/// A kind of file.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Pattern,
    Grid,
    Distribution,
    Flows,
    Associations,
}

impl Kind {
    const ALL: [Self; 5] = [
        Self::Pattern,
        Self::Grid,
        Self::Distribution,
        Self::Flows,
        Self::Associations,
    ];

    /// What it costs: as much as the field of GraphQL that answers the same.
    fn points(self, given: &Parameters) -> u32 {
        let field = match self {
            Self::Pattern => "pattern",
            Self::Grid => "patternGrid",
            Self::Distribution => "distribution",
            Self::Flows => "entryPointFlows",
            Self::Associations => "associations",
        };
        weights::of_question(field, &|name| given.values(name), given.comparisons())
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

    /// What a browser saves it as.
    const fn disposition(self) -> &'static str {
        match self {
            Self::Pattern => "attachment; filename=\"wayin-pattern.csv\"",
            Self::Grid => "attachment; filename=\"wayin-grid.csv\"",
            Self::Distribution => "attachment; filename=\"wayin-distribution.csv\"",
            Self::Flows => "attachment; filename=\"wayin-flows.csv\"",
            Self::Associations => "attachment; filename=\"wayin-associations.csv\"",
        }
    }

    /// The field that answers the same over GraphQL, and the types of which its file tells every field.
    const fn of_graphql(self) -> (&'static str, &'static [&'static str]) {
        match self {
            Self::Pattern => ("pattern", &["Pattern", "PatternGroup", "ContingencyTable"]),
            Self::Grid => ("patternGrid", &["PatternGrid", "GridHeading", "GridCell"]),
            Self::Distribution => ("distribution", &["DistributionBin"]),
            Self::Flows => ("entryPointFlows", &["EntryPointFlow"]),
            Self::Associations => ("associations", &["Association", "ContingencyTable"]),
        }
    }

    const fn about(self) -> &'static str {
        match self {
            Self::Pattern => "How often two conditions coincide",
            Self::Grid => "Every value of one dimension against every value of another",
            Self::Distribution => "How many initiatives have each value of a dimension",
            Self::Flows => "From which way in to which later entry points initiatives move",
            Self::Associations => "Which pairs of conditions coincide more than chance",
        }
    }

    /// The parameters that it has beside those that every file has.
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

/// The routes.
pub fn router<S: Clone + Send + Sync + 'static>(app: Arc<App>) -> Router<S> {
    let mut router = Router::new();
    for kind in Kind::ALL {
        let answer = move |app, caller, requester, request| answer(kind, app, caller, requester, request);
        router = router.route(kind.path(), get(answer).post(answer));
    }
    router.with_state(app)
}

async fn answer(
    kind: Kind,
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    requester: Requester,
    request: Request,
) -> Result<Response> {
    // As over GraphQL: a point for asking at all, and the rest once it is known what is asked.
    let payer = Payer::of(Some(&requester), Some(&caller));
    app.costs.charge_least(payer, app.clock.now())?;
    let (asking, reader) = who_may(&app, &requester, kind)?;
    let given = if request.method() == Method::POST {
        let (parts, body) = request.into_parts();
        of_body(&parts.headers, body).await?
    } else {
        Parameters::of_address(request.uri())?
    };
    let points = kind.points(&given);
    let standing = app.costs.charge_rest(payer, points, app.clock.now())?;
    let asked = tokio::time::timeout(
        app.engine.deadline(),
        Box::pin(file(&app, kind, (asking, reader), given)),
    );
    let file = asked.await.unwrap_or(Err(Error::Late))?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, kind.disposition()),
    ];
    Ok((headers, cost::headers(points, &standing), file).into_response())
}

/// Who asks for a kind of file, where they may, and what they may read.
fn who_may(app: &App, requester: &Requester, kind: Kind) -> Result<(Asking, Reader)> {
    let (asking, reader) = (Asking::of(requester), requester.member()?.reader());
    let (field, told) = kind.of_graphql();
    app.permissions.check_field(asking, "Query", field)?;
    told.iter()
        .try_for_each(|of| app.permissions.check_all_fields(asking, of))?;
    Ok((asking, reader))
}

async fn of_body(headers: &HeaderMap, body: Body) -> Result<Parameters> {
    if body::media_type(headers)? != JSON {
        let reason = "send the parameters as application/json";
        return Err(BodyError::Unsupported(reason.into()).into());
    }
    Parameters::of_body(&body::read(headers, body, body::MAX_BODY_BYTES).await?)
}

async fn file(
    app: &Arc<App>,
    kind: Kind,
    (asking, reader): (Asking, Reader),
    mut given: Parameters,
) -> Result<Vec<u8>> {
    given.take_only(kind.parameters())?;
    let asker = Asker::new(
        app,
        Some(asking),
        reader,
        given.scope()?,
        given.min_change_number()?,
    );
    let frame = Frame {
        about: kind.about(),
        path: kind.path(),
        asked: given.asked(kind.parameters()),
        licence: app.engine.licence(),
    };
    let file = match kind {
        Kind::Pattern => {
            let input = PatternInput {
                when: given.needed("when")?,
                then: given.needed("then")?,
                among: given.among()?,
                by: given.optional("by")?,
                concentration: true,
            };
            let (question, answer) = Box::pin(asker.pattern(input)).await?;
            answers::pattern(frame, &question, &answer)
        }
        Kind::Grid => {
            let (rows, columns) = (given.needed("rows")?, given.needed("columns")?);
            let grid = Box::pin(asker.grid(rows, columns, given.among()?)).await?;
            answers::grid(frame, &grid)
        }
        Kind::Distribution => {
            let of = given.needed("of")?;
            let distribution = Box::pin(asker.distribution(of, given.among()?)).await?;
            answers::distribution(frame, &distribution)
        }
        Kind::Flows => {
            let perspective = given.optional("perspective")?;
            let flows = Box::pin(asker.flows(given.among()?, perspective)).await?;
            answers::flows(frame, &flows)
        }
        Kind::Associations => {
            let named: Vec<NamedCondition> = given.needed("conditions")?;
            let (names, conditions): (Vec<String>, Vec<_>) =
                named.into_iter().map(|one| (one.name, one.condition)).unzip();
            let found = Box::pin(asker.associations(conditions, given.among()?)).await?;
            answers::associations(frame, &names, &found)
        }
    };
    file.write()
}
