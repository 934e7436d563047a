//! The grants of the member's organisation as pictures.

use wayin_engine::query::RecordScope;

use super::operations::{OwnGrantsOperation, PortfolioAnswer};
use super::question::list_picture_files;
use crate::pages::answer::pictures::{PictureSet, PictureView};
use crate::pages::chart::count_bars::{CountBar, CountBars};

/// How grants are divided.
#[derive(Debug)]
pub struct GrantDivision {
    /// The id of the picture.
    pub id: &'static str,
    title: &'static str,
    /// What is asked, after "how many have".
    asked: &'static str,
    heading: &'static str,
    /// The fields of the operation with their labels. The last is what is not known.
    values: &'static [(&'static str, &'static str)],
}

const LENGTHS: GrantDivision = GrantDivision {
    id: "grants-by-length",
    title: "Initiatives by the length of your grants",
    asked: "grants of each length",
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
    asked: "grants that paid for research before the work",
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
    asked: "grants with each frequency of reports",
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

impl GrantDivision {
    pub const ALL: [&'static Self; 3] = [&LENGTHS, &RESEARCH, &REPORTING];

    pub fn from_id(id: &str) -> Option<&'static Self> {
        Self::ALL.into_iter().find(|division| division.id == id)
    }

    /// What is asked, in plain words. `owner` is the name of the organisation.
    pub fn describe(&self, owner: &str) -> String {
        format!(
            "Of the initiatives that {owner} funds, how many have {}?",
            self.asked
        )
    }

    pub fn draw(&self, owner: &str, found: &OwnGrantsOperation) -> PictureSet {
        let last = self.values.len() - 1;
        let bars = self
            .values
            .iter()
            .enumerate()
            .map(|(at, (field, label))| CountBar {
                label: (*label).to_owned(),
                count: found.counts.get(*field).map(|count| count.total_count),
                is_unknown: at == last,
            });
        let bars = CountBars {
            title: self.title.into(),
            description: "An initiative with several of your grants counts once for each different answer."
                .into(),
            value_heading: self.heading.into(),
            count_heading: "Initiatives".into(),
            bars: bars.collect(),
        };
        let basis = format!("The initiatives that {owner} funds and whose records you can read in full");
        PictureSet::draw(self.id, basis, |width| bars.render(self.id, width), bars.table())
    }
}

/// The pictures of the grants.
pub struct GrantPictures {
    pub lengths: PictureView,
    pub research: PictureView,
    pub reporting: PictureView,
}

impl GrantPictures {
    /// Draws them. `owner` is the name of the organisation; `answer` says as of when, and has the licence.
    pub fn draw(
        found: &OwnGrantsOperation,
        owner: &str,
        answer: &PortfolioAnswer,
        scope: RecordScope,
    ) -> Self {
        let draw = |division: &'static GrantDivision| {
            PictureView::new(division.draw(owner, found), &answer.as_of, &answer.licence)
                .with_downloads(list_picture_files(division.id, scope))
        };
        Self {
            lengths: draw(&LENGTHS),
            research: draw(&RESEARCH),
            reporting: draw(&REPORTING),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pages::operation::PageOperation as _;

    #[test]
    fn each_value_is_a_field_of_the_operation() {
        let mut listed = 0;
        for division in GrantDivision::ALL {
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
