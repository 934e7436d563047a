//! The answer to a question about the portfolio, as the page and the board paper show it.

use wayin_engine::query::RecordScope;

use super::operations::{ComparedGroupData, PortfolioAnswer, PortfolioOperation};
use super::question::{PortfolioQuestion, list_picture_files};
use crate::pages::answer::data::{CautionData, choose_verdict, list_shown_cautions};
use crate::pages::answer::pictures::{PictureSet, PictureView, build_bar, name_answer_files};
use crate::pages::answer::wording::describe_share;
use crate::pages::chart::bars::RateBars;

/// A question with its answer.
pub struct ComparisonCard {
    pub name: &'static str,
    pub title: &'static str,
    pub note: Option<&'static str>,
    /// A code of the enum `Verdict`.
    pub verdict: String,
    pub sentence: String,
    pub certainty: Option<String>,
    /// The share of the portfolio, and that of the rest, in words.
    pub own_share: String,
    pub share_of_rest: String,
    pub unknown: String,
    pub bars: PictureView,
}

impl ComparisonCard {
    /// The answers to all questions. A question without an answer is left out.
    pub fn list(found: &PortfolioOperation, scope: RecordScope) -> Vec<Self> {
        PortfolioQuestion::ALL
            .into_iter()
            .filter_map(|question| Self::new(question, question.find_answer(found), scope))
            .collect()
    }

    fn new(question: PortfolioQuestion, answer: &PortfolioAnswer, scope: RecordScope) -> Option<Self> {
        let group = answer.groups.first()?;
        let sentence = answer
            .summary
            .by_group
            .first()
            .unwrap_or(&answer.summary.headline);
        let unknown = if answer.basis == "VISIBLE" {
            group.visible_table.unknown
        } else {
            group.table.unknown
        };
        let files = list_picture_files(question.name(), scope);
        let answer_files = name_answer_files(|ending| question.download_address(scope, ending));
        Some(Self {
            name: question.name(),
            title: question.title(),
            note: question.note(),
            verdict: choose_verdict(
                &answer.scope,
                &answer.basis,
                &group.verdict,
                &group.visible_verdict,
            )
            .to_owned(),
            sentence: sentence.clone(),
            certainty: answer.summary.certainty.clone(),
            own_share: describe_share(&group.rate),
            share_of_rest: describe_share(&group.rate_of_rest),
            unknown: answer.precision().describe(unknown),
            bars: PictureView::new(draw_bars(question, answer, group), &answer.as_of, &answer.licence)
                .with_downloads(files.into_iter().chain(answer_files)),
        })
    }

    pub fn is_clear(&self) -> bool {
        self.verdict == "CLEAR_DIFFERENCE"
    }
}

/// On which records a comparison rests.
pub fn describe_comparison_basis(answer: &PortfolioAnswer) -> &'static str {
    match (answer.scope.as_str(), answer.basis.as_str()) {
        ("ALL", "ALL") => "All published records, with disclosure control",
        ("ALL", _) => {
            "Only the records that you can read: with the others, some counts would be too small to show"
        }
        _ => "The records that you can read in full, counted exactly",
    }
}

/// The cautions of all answers, each once.
pub fn list_cautions(found: &PortfolioOperation) -> Vec<CautionData> {
    let mut listed: Vec<CautionData> = Vec::new();
    let answers = PortfolioQuestion::ALL.map(|question| question.find_answer(found));
    let shown = answers
        .into_iter()
        .flat_map(|answer| list_shown_cautions(&answer.cautions, &answer.scope, &answer.basis));
    for caution in shown {
        if !listed.iter().any(|other| other.text == caution.text) {
            listed.push(caution);
        }
    }
    listed
}

/// Draws the share of the portfolio and that of the rest.
pub fn draw_bars(
    question: PortfolioQuestion,
    answer: &PortfolioAnswer,
    group: &ComparedGroupData,
) -> PictureSet {
    let precision = answer.precision();
    let bars = RateBars {
        title: question.title().into(),
        // The headline is about all records, also where the figures are of readable ones.
        description: answer
            .summary
            .by_group
            .first()
            .unwrap_or(&answer.summary.headline)
            .clone(),
        bars: vec![
            build_bar("Your portfolio", &group.rate, precision, true),
            build_bar("The rest", &group.rate_of_rest, precision, false),
        ],
    };
    let id = format!("bars-{}", question.name());
    let basis = describe_comparison_basis(answer);
    PictureSet::draw(&id, basis, |width| bars.render(&id, width), bars.table())
}
