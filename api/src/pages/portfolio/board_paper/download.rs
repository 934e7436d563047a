//! The board paper as a PDF to download.

use axum::extract::{Query, State};
use axum::response::Response;

use super::pdf::{AnswerRow, PaperContents, PaperPicture, write_pdf};
use super::{BoardPaper, NO_HEADLINE};
use crate::graphql::operation::cost::weights::PDF_POINTS;
use crate::pages::answer::pictures::PictureView;
use crate::pages::answer::wording::NOT_A_CAUSE;
use crate::pages::answer::wording::describe_verdict;
use crate::pages::chart::PictureTable;
use crate::pages::download::{pay_for_file, serve_bytes};
use crate::pages::error::PageError;
use crate::pages::portfolio::PortfolioParameters;
use crate::pages::portfolio::comparison::ComparisonCard;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

/// What the frame of the pages says of evidence that is made up.
const ILLUSTRATIVE_MARK: (&str, &str) = (
    "All evidence here is illustrative.",
    "It was made up to show how Wayin works, and describes no real initiative.",
);
const TABLE_CAPTION: &str = "Your portfolio against the rest";
const TABLE_HEADINGS: [&str; 5] = [
    "Initiatives that…",
    "Your portfolio",
    "The rest",
    "Not known",
    "Verdict",
];
const CAUTION_HEADING: &str = "Before you use this";

/// Sends what the page of the board paper shows as a PDF.
pub async fn send_pdf(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(given): Query<PortfolioParameters>,
) -> Result<Response, PageError> {
    let paper = BoardPaper::load(&service, &visitor, given.scope()).await?;
    pay_for_file(&service, &visitor, PDF_POINTS)?;
    let contents = list_contents(&paper);
    let written = tokio::task::spawn_blocking(move || write_pdf(&contents)).await;
    let bytes = written
        .map_err(|cause| visitor.internal_error(format!("a board paper was not written: {cause}")))?
        .map_err(|cause| visitor.internal_error(format!("a board paper cannot be written: {cause}")))?;
    let name = format!("board-paper-{}.pdf", paper.day);
    serve_bytes(&visitor, &name, "application/pdf", bytes)
}

fn list_contents(paper: &BoardPaper) -> PaperContents {
    let evidence = &paper.evidence;
    let mut headlines = paper.headlines.clone();
    if headlines.is_empty() {
        headlines.push(NO_HEADLINE.into());
    }
    PaperContents {
        title: paper.title.clone(),
        basis: paper.basis.clone(),
        illustrative_mark: evidence.is_illustrative.then_some(ILLUSTRATIVE_MARK),
        headlines,
        table_caption: TABLE_CAPTION,
        table_headings: TABLE_HEADINGS,
        rows: evidence.cards.iter().map(list_cells).collect(),
        pictures: paper.list_pictures().into_iter().map(copy_picture).collect(),
        caution_heading: CAUTION_HEADING,
        first_caution: NOT_A_CAUSE,
        cautions: paper.cautions.clone(),
        citation: paper.citation.clone(),
        address: paper.address.clone(),
        day: paper.day,
    }
}

fn list_cells(card: &ComparisonCard) -> AnswerRow {
    AnswerRow {
        cells: [
            card.title.to_owned(),
            card.own_share.clone(),
            card.share_of_rest.clone(),
            card.unknown.clone(),
            describe_verdict(&card.verdict).to_owned(),
        ],
        is_clear: card.is_clear(),
    }
}

fn copy_picture(view: &PictureView) -> PaperPicture {
    let picture = &view.picture.narrow;
    PaperPicture {
        svg: picture.svg.clone(),
        width: picture.width as f32,
        height: picture.height as f32,
        title: picture.title.clone(),
        description: format!(
            "{} {}",
            picture.description,
            describe_figures(&view.picture.table)
        ),
        source: view.source.clone(),
    }
}

/// The figures of a picture in words, such as "The rest: Rate 30 in 100, 95% interval 25 to 37.".
fn describe_figures(table: &PictureTable) -> String {
    let rows = table.rows.iter().map(|row| {
        let cells = table.headers.iter().zip(row).skip(1);
        let known = cells.filter(|(_, cell)| !cell.is_empty());
        let cells: Vec<String> = known.map(|(header, cell)| format!("{header} {cell}")).collect();
        let label = row.first().map_or("", String::as_str);
        format!("{label}: {}.", cells.join(", "))
    });
    rows.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pdf_has_the_words_of_the_page() {
        let page = include_str!("../board_paper.html");
        for words in TABLE_HEADINGS.into_iter().chain([TABLE_CAPTION, CAUTION_HEADING]) {
            assert!(page.contains(words), "{words}");
        }
        let frame = include_str!("../../layout/layout.html");
        for words in [ILLUSTRATIVE_MARK.0, ILLUSTRATIVE_MARK.1] {
            assert!(frame.contains(words), "{words}");
        }
    }

    #[test]
    fn figures_are_described_by_row() {
        let table = PictureTable {
            headers: vec!["Group".into(), "Rate".into(), "Counts".into()],
            rows: vec![
                vec!["Your portfolio".into(), "57 in 100".into(), "264 of 463".into()],
                vec!["The rest".into(), "may not be shown".into(), String::new()],
            ],
        };
        assert_eq!(
            describe_figures(&table),
            "Your portfolio: Rate 57 in 100, Counts 264 of 463. The rest: Rate may not be shown."
        );
    }
}
