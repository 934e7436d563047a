//! The board paper: the clearest answers about the portfolio on one page of A4, to print or to download.

mod download;
mod page;
pub mod pdf;

use axum::Router;
use axum::routing::get;
use chrono::NaiveDate;
use wayin_engine::query::RecordScope;

use super::{PortfolioEvidence, load_evidence};
use crate::pages::answer::address::scope_code;
use crate::pages::answer::pictures::PictureView;
use crate::pages::answer::wording::format_date;
use crate::pages::error::PageError;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

/// The most pictures of comparisons, so that the paper fits on a page.
const MOST_PICTURES: usize = 2;
/// The most sentences at the top. The table has all answers.
const MOST_HEADLINES: usize = 3;

/// The one sentence at the top if there is no other.
const NO_HEADLINE: &str = "No answer shows a clear difference between your portfolio and the rest.";

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/portfolio/board-paper", get(page::show_board_paper))
        .route("/portfolio/board-paper.pdf", get(download::send_pdf))
}

/// What a board paper says, as a page and as a PDF.
struct BoardPaper {
    title: String,
    /// The day, what the answers rest on, and as of when.
    basis: String,
    /// The sentences of the answers that differ clearly.
    headlines: Vec<String>,
    /// What to know before using the paper.
    cautions: Vec<String>,
    citation: String,
    /// The address of the page.
    address: String,
    day: NaiveDate,
    evidence: PortfolioEvidence,
}

impl BoardPaper {
    async fn load(service: &PageService, visitor: &Visitor, scope: RecordScope) -> Result<Self, PageError> {
        let mut evidence = load_evidence(service, visitor, scope).await?;
        // The clearest answers come first, and each group keeps its order.
        evidence.cards.sort_by_key(|card| !card.is_clear());
        for card in &mut evidence.cards {
            // The paper says once, at the top, what all answers rest on. Its files are listed below it.
            card.bars.source = String::new();
            card.bars.downloads = Vec::new();
        }
        if let Some(grants) = &mut evidence.grants {
            grants.pictures.lengths.downloads = Vec::new();
        }
        let day = service.app.clock.now().date_naive();
        let address = service.app.public_address(&page_address(scope));
        Ok(Self::new(evidence, day, address))
    }

    fn new(evidence: PortfolioEvidence, day: NaiveDate, address: String) -> Self {
        let clear = evidence.cards.iter().filter(|card| card.is_clear());
        let headlines = clear.take(MOST_HEADLINES).map(|card| card.sentence.clone());
        let (today, as_of) = (format_date(day), &evidence.as_of);
        let title = format!("How the initiatives of {} compare", evidence.owner);
        Self {
            basis: format!("{today}. {}, as of {as_of}.", evidence.basis),
            headlines: headlines.collect(),
            cautions: evidence
                .cautions
                .iter()
                .map(|caution| caution.text.clone())
                .collect(),
            citation: format!(
                "Cite as: Wayin, “{title}”, evidence of {as_of}, read on {today}. {address}. Licence: {}.",
                evidence.licence
            ),
            title,
            address,
            day,
            evidence,
        }
    }

    /// The pictures: of the first answers, and of the grants if the organisation gives some.
    fn list_pictures(&self) -> Vec<&PictureView> {
        let grants = self.evidence.grants.as_ref();
        let grants = grants.filter(|grants| grants.total.is_some());
        let lengths = grants.map(|grants| &grants.pictures.lengths);
        let cards = self.evidence.cards.iter().take(MOST_PICTURES);
        cards.map(|card| &card.bars).chain(lengths).collect()
    }
}

/// The address of the page.
pub fn page_address(scope: RecordScope) -> String {
    format!("/portfolio/board-paper?scope={}", scope_code(scope))
}

/// The address of the PDF.
fn pdf_address(scope: RecordScope) -> String {
    format!("/portfolio/board-paper.pdf?scope={}", scope_code(scope))
}
