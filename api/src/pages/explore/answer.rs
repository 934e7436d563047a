//! The answer to a question, as the page and its pictures show it.

use chrono::{DateTime, Utc};
use wayin_entity::Dimension;

use super::operations::ExploredPattern;
use super::question::{GroupSort, MAX_GROUPS, Question};
use crate::pages::answer::data::{CautionData, EstimateData, PatternData};
use crate::pages::answer::pictures::{
    PictureSet, PictureView, build_group_dots, build_mosaic, build_rate_bars, name_answer_files,
    name_picture_files,
};
use crate::pages::answer::wording::{cite, describe_as_of, describe_basis, describe_question};

/// A pooled ratio differs from the crude one if it is further from it than this share. Epidemiologists use the same limit
/// to decide whether a comparison within groups matters.
const CHANGE_IN_ESTIMATE: f64 = 0.1;

/// A picture of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AnswerPicture {
    Bars,
    Mosaic,
    Groups,
}

impl AnswerPicture {
    pub const ALL: [Self; 3] = [Self::Bars, Self::Mosaic, Self::Groups];

    pub const fn name(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Mosaic => "mosaic",
            Self::Groups => "groups",
        }
    }

    /// What it shows, for the names of its files.
    const fn subject(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Mosaic => "areas",
            Self::Groups => "groups",
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|picture| picture.name() == name)
    }

    /// Draws the picture. `by` is what the groups are of. None if the answer has no groups.
    pub fn draw(self, answer: &ExploredPattern, by: Option<Dimension>) -> Option<PictureSet> {
        let pattern = &answer.pattern;
        match self {
            Self::Bars => Some(build_rate_bars(self.name(), pattern)),
            Self::Mosaic => Some(build_mosaic(self.name(), pattern)),
            Self::Groups => answer
                .groups
                .as_ref()
                .map(|groups| build_group_dots(self.name(), pattern, by, &groups.nodes)),
        }
    }
}

/// An order of the groups.
pub struct SortLink {
    pub label: &'static str,
    pub href: String,
    pub is_current: bool,
}

/// An answer.
pub struct AnswerView {
    pub pattern: PatternData,
    /// The cautions about what is shown.
    pub cautions: Vec<CautionData>,
    pub bars: PictureView,
    pub mosaic: PictureView,
    pub groups: Option<PictureView>,
    /// Empty without groups.
    pub sorts: Vec<SortLink>,
    /// That not all groups are shown. Empty if they are.
    pub groups_left_out: String,
    /// The pooled ratio beside the crude one. Empty if there is none.
    pub pooled: String,
    pub basis: &'static str,
    pub as_of: String,
    pub citation: String,
    /// Addresses and names of the files with all figures.
    pub downloads: Vec<(String, String)>,
}

/// Shows an answer. `address` is where it is on the web.
pub fn build_answer(
    question: &Question,
    answer: ExploredPattern,
    address: &str,
    now: DateTime<Utc>,
) -> AnswerView {
    let pattern = &answer.pattern;
    let view = |kind: AnswerPicture, picture| {
        PictureView::new(picture, &pattern.as_of, &pattern.licence)
            .with_downloads(list_picture_files(question, kind))
    };
    let (bars, mosaic) = (AnswerPicture::Bars, AnswerPicture::Mosaic);
    let groups = AnswerPicture::Groups.draw(&answer, question.by);
    let shown_groups = answer.groups.as_ref().map_or(&[][..], |groups| &groups.nodes);
    let total = answer.groups.as_ref().map_or(0, |groups| groups.total_count);
    AnswerView {
        bars: view(bars, build_rate_bars(bars.name(), pattern)),
        mosaic: view(mosaic, build_mosaic(mosaic.name(), pattern)),
        sorts: if groups.is_some() {
            list_sorts(question)
        } else {
            Vec::new()
        },
        groups: groups.map(|picture| view(AnswerPicture::Groups, picture)),
        groups_left_out: if total > MAX_GROUPS {
            format!("These are {MAX_GROUPS} of {total} groups. The files have all of them.")
        } else {
            String::new()
        },
        pooled: describe_pooled(pattern).unwrap_or_default(),
        basis: describe_basis(pattern),
        as_of: describe_as_of(&pattern.as_of),
        citation: cite(&describe_question(&pattern.conditions), pattern, address, now),
        downloads: name_answer_files(|ending| {
            question.file_address(&format!("/explore/download.{ending}"), &[])
        }),
        cautions: pattern.list_shown_cautions(shown_groups),
        pattern: answer.pattern,
    }
}

fn list_picture_files(question: &Question, picture: AnswerPicture) -> Vec<(String, String)> {
    let mut extra = vec![("picture", picture.name())];
    if question.sort != GroupSort::default() {
        extra.push(("sort", question.sort.name()));
    }
    name_picture_files(picture.subject(), |ending| {
        question.file_address(&format!("/explore/download.{ending}"), &extra)
    })
}

fn list_sorts(question: &Question) -> Vec<SortLink> {
    let links = GroupSort::ALL.into_iter().map(|sort| {
        let sorted = Question {
            sort,
            ..question.clone()
        };
        SortLink {
            label: sort.label(),
            href: format!("{}#groups", sorted.address()),
            is_current: question.sort == sort,
        }
    });
    links.collect()
}

/// The ratio within groups beside the ratio without them. None if there is none.
pub fn describe_pooled(pattern: &PatternData) -> Option<String> {
    let adjusted = pattern.adjusted.as_ref()?;
    let (pooled, crude) = adjusted.risk_ratio.as_ref().zip(pattern.risk_ratio.as_ref())?;
    let when = &pattern.conditions.when;
    let times = |ratio: &EstimateData| format!("{:.1} times", ratio.value);
    let range = format!("({:.1} to {:.1})", pooled.lower, pooled.upper);
    let text = if differ(pooled.value, crude.value) {
        format!(
            "Compared only with initiatives of the same group, those that {when} were {} as likely {range}. Compared with all \
             others, {}.",
            times(pooled),
            times(crude)
        )
    } else {
        format!(
            "Compared only with initiatives of the same group, it is much the same: those that {when} were {} as likely \
             {range}. Compared with all others, {}.",
            times(pooled),
            times(crude)
        )
    };
    Some(match adjusted.groups_left_out {
        0 => text,
        1 => format!("{text} One group is left out, because it cannot be compared."),
        count => format!("{text} {count} groups are left out, because they cannot be compared."),
    })
}

/// Whether two ratios say something different: they point in different directions, or one is clearly further from the
/// other.
fn differ(pooled: f64, crude: f64) -> bool {
    let are_opposite = (pooled > 1.0 && crude < 1.0) || (pooled < 1.0 && crude > 1.0);
    are_opposite || (pooled / crude - 1.0).abs() > CHANGE_IN_ESTIMATE
}

#[cfg(test)]
mod tests {
    use super::differ;

    #[test]
    fn ratios_differ_by_more_than_a_tenth_or_in_their_direction() {
        assert!(differ(1.6, 2.0));
        assert!(!differ(2.0, 2.1));
        assert!(differ(0.98, 1.03));
        assert!(!differ(0.5, 0.5));
    }
}
