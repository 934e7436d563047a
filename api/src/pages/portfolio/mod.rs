//! What the member's organisation funds or leads, compared with the rest, and its own grants.

pub mod board_paper;
pub mod comparison;
pub mod grants;
pub mod operations;
pub mod pictures;
pub mod question;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::response::Response;
use axum::routing::get;
use serde::Deserialize;
use wayin_engine::query::RecordScope;
use wayin_engine::summary::format_count;
use wayin_entity::Capability;

use self::comparison::{ComparisonCard, describe_comparison_basis, list_cautions};
use self::grants::GrantPictures;
use self::operations::{FundedInitiative, OwnGrantsOperation, PortfolioOperation};
use self::question::{PortfolioQuestion, list_variables};
use super::answer::address::read_scope;
use super::answer::data::CautionData;
use super::answer::wording::{NOT_A_CAUSE, describe_as_of};
use super::document::Page;
use super::download::serve_file;
use super::error::PageError;
use super::layout::Layout;
use super::operation::{OperationCheck, PageOperation};
use super::service::PageService;
use super::visitor::Visitor;

pub const OPERATIONS: &[OperationCheck] = &[
    OperationCheck::of::<PortfolioOperation>(),
    OperationCheck::of::<OwnGrantsOperation>(),
];

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/portfolio", get(show_portfolio))
        .route("/portfolio/download.xlsx", get(send_workbook))
        .route("/portfolio/download.csv", get(send_csv))
        .route("/portfolio/download.svg", get(pictures::send_svg))
        .route("/portfolio/download.png", get(pictures::send_png))
        .merge(board_paper::router())
}

#[derive(Deserialize)]
struct PortfolioParameters {
    scope: Option<String>,
    /// The question whose answer is a file.
    question: Option<String>,
    /// The picture that is a file.
    picture: Option<String>,
}

impl PortfolioParameters {
    /// Which records are counted: those that the member can read, unless the address says another scope.
    fn scope(&self) -> RecordScope {
        let given = self.scope.as_deref().and_then(read_scope);
        given.unwrap_or(RecordScope::Visible)
    }
}

/// What the page and the board paper show.
struct PortfolioEvidence {
    /// The name of the organisation.
    owner: String,
    cards: Vec<ComparisonCard>,
    cautions: Vec<CautionData>,
    /// None for members who give no grants.
    grants: Option<OwnGrants>,
    /// On which records the answers rest.
    basis: &'static str,
    as_of: String,
    licence: String,
    is_illustrative: bool,
    query_address: String,
}

/// The grants of the member's organisation.
struct OwnGrants {
    /// The number of initiatives that it funds, in words. None if it funds none.
    total: Option<String>,
    newest: Vec<FundedInitiative>,
    pictures: GrantPictures,
}

async fn load_evidence(
    service: &PageService,
    visitor: &Visitor,
    scope: RecordScope,
) -> Result<PortfolioEvidence, PageError> {
    visitor.require(Capability::ActForOrganisation)?;
    let variables = list_variables(scope);
    let found: PortfolioOperation = service.execute(visitor, &variables).await?;
    let owner = found.owner().to_owned();
    let first = PortfolioQuestion::Ambitions.find_answer(&found);
    let grants = if visitor.can(Capability::ImportGrants) {
        let found: OwnGrantsOperation = service.execute(visitor, serde_json::json!({})).await?;
        Some(OwnGrants {
            pictures: GrantPictures::draw(&found, &owner, first, scope),
            total: match found.funded.total_count {
                0 => None,
                total => Some(format_count(total)),
            },
            newest: found.funded.nodes,
        })
    } else {
        None
    };
    let answers = PortfolioQuestion::ALL.map(|question| question.find_answer(&found));
    Ok(PortfolioEvidence {
        owner,
        cards: ComparisonCard::list(&found, scope),
        cautions: list_cautions(&found),
        grants,
        basis: describe_comparison_basis(first),
        as_of: describe_as_of(&first.as_of),
        licence: first.licence.clone(),
        is_illustrative: answers
            .into_iter()
            .any(operations::PortfolioAnswer::is_illustrative),
        query_address: PageService::graphiql_address(PortfolioOperation::DOCUMENT, &variables),
    })
}

#[derive(Template)]
#[template(path = "portfolio/portfolio.html")]
struct PortfolioTemplate {
    layout: Layout,
    evidence: PortfolioEvidence,
    is_of_all: bool,
    board_paper_address: String,
}

async fn show_portfolio(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(given): Query<PortfolioParameters>,
) -> Result<Page<PortfolioTemplate>, PageError> {
    let scope = given.scope();
    let evidence = load_evidence(&service, &visitor, scope).await?;
    let layout = visitor
        .layout("Your portfolio", "/portfolio")
        .with_query(evidence.query_address.clone())
        .with_illustrative_evidence(evidence.is_illustrative);
    Ok(Page::new(PortfolioTemplate {
        layout,
        is_of_all: scope == RecordScope::All,
        board_paper_address: board_paper::page_address(scope),
        evidence,
    }))
}

async fn send_workbook(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(given): Query<PortfolioParameters>,
) -> Result<Response, PageError> {
    send_file(&service, &visitor, &given, "xlsx").await
}

async fn send_csv(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(given): Query<PortfolioParameters>,
) -> Result<Response, PageError> {
    send_file(&service, &visitor, &given, "csv").await
}

/// Sends the answer to one question as a file.
async fn send_file(
    service: &PageService,
    visitor: &Visitor,
    given: &PortfolioParameters,
    ending: &str,
) -> Result<Response, PageError> {
    visitor.require(Capability::ActForOrganisation)?;
    let named = given.question.as_deref().and_then(PortfolioQuestion::from_name);
    let question = named.ok_or_else(|| {
        visitor.not_found("There is no such question. Open your portfolio and download the answer there.")
    })?;
    serve_file(service, visitor, &question.export_address(given.scope(), ending)).await
}
