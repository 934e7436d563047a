//! The board paper as a page.

use askama::Template;
use axum::extract::{Query, State};
use wayin_engine::query::RecordScope;

use super::{BoardPaper, NO_HEADLINE, pdf_address};
use crate::pages::answer::address::scope_code;
use crate::pages::answer::wording::NOT_A_CAUSE;
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::layout::Layout;
use crate::pages::portfolio::PortfolioParameters;
use crate::pages::portfolio::question::PortfolioQuestion;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

#[derive(Template)]
#[template(path = "portfolio/board_paper.html")]
pub struct BoardPaperTemplate {
    layout: Layout,
    paper: BoardPaper,
    no_headline: &'static str,
    first_caution: &'static str,
    pdf_address: String,
    portfolio_address: String,
    /// The workbooks of the answers: their addresses and names.
    downloads: Vec<(String, String)>,
}

pub async fn show_board_paper(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(given): Query<PortfolioParameters>,
) -> Result<Page<BoardPaperTemplate>, PageError> {
    let scope = given.scope();
    let paper = BoardPaper::load(&service, &visitor, scope).await?;
    let layout = visitor
        .layout("Board paper", "/portfolio")
        .with_query(paper.evidence.query_address.clone())
        .with_scripts(&["print.js"])
        .with_illustrative_evidence(paper.evidence.is_illustrative);
    Ok(Page::new(BoardPaperTemplate {
        layout,
        no_headline: NO_HEADLINE,
        first_caution: NOT_A_CAUSE,
        pdf_address: pdf_address(scope),
        portfolio_address: format!("/portfolio?scope={}", scope_code(scope)),
        downloads: list_workbooks(scope),
        paper,
    }))
}

fn list_workbooks(scope: RecordScope) -> Vec<(String, String)> {
    PortfolioQuestion::ALL
        .into_iter()
        .map(|question| {
            let label = format!("{} (XLSX)", question.title());
            (question.download_address(scope, "xlsx"), label)
        })
        .collect()
}
