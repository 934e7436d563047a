//! What the member's organisation funds or leads, compared with the rest, and its own grants.

pub mod comparison;
pub mod grants;
pub mod operations;
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
use self::grants::GrantFigures;
use self::operations::{FundedInitiative, OwnGrantsOperation, PortfolioOperation};
use self::question::{PortfolioQuestion, list_variables};
use super::answer::address::{read_scope, scope_code};
use super::answer::data::CautionData;
use super::answer::wording::{describe_as_of, format_day};
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

/// The most pictures of comparisons on a board paper, so that it fits on a page.
const BOARD_PAPER_PICTURES: usize = 2;
/// The most sentences at the top of a board paper. Its table has all answers.
const BOARD_PAPER_HEADLINES: usize = 3;

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/portfolio", get(show_portfolio))
        .route("/portfolio/board-paper", get(show_board_paper))
        .route("/portfolio/download.xlsx", get(send_workbook))
        .route("/portfolio/download.csv", get(send_csv))
}

#[derive(Deserialize)]
struct PortfolioParameters {
    scope: Option<String>,
    question: Option<String>,
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
    figures: GrantFigures,
}

async fn load_evidence(
    service: &PageService,
    visitor: &Visitor,
    scope: RecordScope,
) -> Result<PortfolioEvidence, PageError> {
    visitor.require(Capability::ActForOrganisation)?;
    let variables = list_variables(scope);
    let found: PortfolioOperation = service.execute(visitor, &variables).await?;
    let owner = found.viewer.organisation.as_ref().map_or_else(
        || "your organisation".to_owned(),
        |organisation| organisation.name.clone(),
    );
    let first = PortfolioQuestion::Ambitions.find_answer(&found);
    let grants = if visitor.can(Capability::ImportGrants) {
        let found: OwnGrantsOperation = service.execute(visitor, serde_json::json!({})).await?;
        Some(OwnGrants {
            figures: GrantFigures::draw(&found, &owner, first),
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
        board_paper_address: format!("/portfolio/board-paper?scope={}", scope_code(scope)),
        evidence,
    }))
}

#[derive(Template)]
#[template(path = "portfolio/board_paper.html")]
struct BoardPaperTemplate {
    layout: Layout,
    evidence: PortfolioEvidence,
    /// The sentences of the answers that differ clearly.
    headlines: Vec<String>,
    today: String,
    /// The address of this page.
    address: String,
    portfolio_address: String,
    downloads: Vec<(String, String)>,
}

impl BoardPaperTemplate {
    /// The answers that are shown as pictures.
    fn pictured_cards(&self) -> &[ComparisonCard] {
        let cards = &self.evidence.cards;
        cards.get(..BOARD_PAPER_PICTURES).unwrap_or(cards)
    }
}

async fn show_board_paper(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(given): Query<PortfolioParameters>,
) -> Result<Page<BoardPaperTemplate>, PageError> {
    let scope = given.scope();
    let mut evidence = load_evidence(&service, &visitor, scope).await?;
    // The clearest answers come first, and each group keeps its order.
    evidence.cards.sort_by_key(|card| !card.is_clear());
    for card in &mut evidence.cards {
        // The paper says once, at the top, what all answers rest on. Its files are listed below it.
        card.bars.source = String::new();
        card.bars.downloads = Vec::new();
    }
    let clear = evidence.cards.iter().filter(|card| card.is_clear());
    let headlines = clear
        .take(BOARD_PAPER_HEADLINES)
        .map(|card| card.sentence.clone())
        .collect();
    let downloads = PortfolioQuestion::ALL
        .into_iter()
        .map(|question| {
            let label = format!("{} (XLSX)", question.title());
            (question.download_address(scope, "xlsx"), label)
        })
        .collect();
    let layout = visitor
        .layout("Board paper", "/portfolio")
        .with_query(evidence.query_address.clone())
        .with_scripts(&["print.js"])
        .with_illustrative_evidence(evidence.is_illustrative);
    let address = format!("/portfolio/board-paper?scope={}", scope_code(scope));
    Ok(Page::new(BoardPaperTemplate {
        layout,
        headlines,
        portfolio_address: format!("/portfolio?scope={}", scope_code(scope)),
        today: format_day(service.app.clock.now()),
        address: service.app.public_address(&address),
        downloads,
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
