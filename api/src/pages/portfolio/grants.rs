//! The grants of the member's organisation as pictures.

use super::operations::{OwnGrantsOperation, PortfolioAnswer};
use crate::pages::answer::pictures::{PictureSet, PictureView};
use crate::pages::chart::count_bars::{CountBar, CountBars};

/// How grants are divided.
struct GrantDivision {
    /// The id of the picture.
    id: &'static str,
    title: &'static str,
    heading: &'static str,
    /// The fields of the operation with their labels. The last is what is not known.
    values: &'static [(&'static str, &'static str)],
}

const LENGTHS: GrantDivision = GrantDivision {
    id: "grants-by-length",
    title: "Initiatives by the length of your grants",
    heading: "Length of the grant",
    values: &[
        ("upTo12", "12 months or less"),
        ("upTo18", "13 to 18 months"),
        ("upTo24", "19 to 24 months"),
        ("upTo36", "25 to 36 months"),
        ("over36", "Over 36 months"),
        ("lengthUnknown", "Not known"),
    ],
};

const RESEARCH: GrantDivision = GrantDivision {
    id: "grants-by-research",
    title: "Initiatives by whether your grants paid for research before the work",
    heading: "Research before the work",
    values: &[
        ("researchPaid", "Paid for"),
        ("researchNotPaid", "Not paid for"),
        ("researchUnknown", "Not known"),
    ],
};

const REPORTING: GrantDivision = GrantDivision {
    id: "grants-by-reporting",
    title: "Initiatives by how often you ask for a report",
    heading: "A report is due",
    values: &[
        ("reportMonthly", "Every month"),
        ("reportQuarterly", "Every three months"),
        ("reportTwiceYearly", "Every six months"),
        ("reportYearly", "Every year"),
        ("reportAtEnd", "At the end only"),
        ("reportNever", "Never"),
        ("reportUnknown", "Not known"),
    ],
};

/// The pictures of the grants.
pub struct GrantPictures {
    pub lengths: PictureView,
    pub research: PictureView,
    pub reporting: PictureView,
}

impl GrantPictures {
    /// Draws them. `owner` is the name of the organisation; `answer` says as of when, and has the licence.
    pub fn draw(found: &OwnGrantsOperation, owner: &str, answer: &PortfolioAnswer) -> Self {
        let basis = format!("The initiatives that {owner} funds and whose records you can read in full");
        let draw = |division| {
            PictureView::new(
                draw_division(division, &basis, found),
                &answer.as_of,
                &answer.licence,
            )
        };
        Self {
            lengths: draw(&LENGTHS),
            research: draw(&RESEARCH),
            reporting: draw(&REPORTING),
        }
    }
}

fn draw_division(division: &GrantDivision, basis: &str, found: &OwnGrantsOperation) -> PictureSet {
    let last = division.values.len() - 1;
    let bars = division
        .values
        .iter()
        .enumerate()
        .map(|(at, (field, label))| CountBar {
            label: (*label).to_owned(),
            count: found.counts.get(*field).map(|count| count.total_count),
            is_unknown: at == last,
        });
    let bars = CountBars {
        title: division.title.into(),
        description: "An initiative with several of your grants counts once for each different answer."
            .into(),
        value_heading: division.heading.into(),
        count_heading: "Initiatives".into(),
        bars: bars.collect(),
    };
    PictureSet::draw(
        division.id,
        basis,
        |width| bars.render(division.id, width),
        bars.table(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::operation::PageOperation as _;

    #[test]
    fn each_value_is_a_field_of_the_operation() {
        let mut listed = 0;
        for division in [LENGTHS, RESEARCH, REPORTING] {
            for (field, _) in division.values {
                let start = format!("  {field}: initiatives(filter: {{ fundingTerms:");
                assert!(OwnGrantsOperation::DOCUMENT.contains(&start), "{field}");
                listed += 1;
            }
        }
        assert_eq!(
            OwnGrantsOperation::DOCUMENT.matches("...GrantCount").count(),
            listed
        );
    }
}
