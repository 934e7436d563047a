//! The pictures of a claim, on its page and as files.

use wayin_entity::Dimension;

use super::operations::{ClaimData, QuestionData};
use crate::pages::answer::data::GroupData;
use crate::pages::answer::pictures::{PictureSet, build_group_dots, build_rate_bars, build_trend};
use crate::pages::download::PictureFormat;

/// The pictures of a claim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimPicture {
    Bars,
    Groups,
    Trend,
}

impl ClaimPicture {
    const ALL: [Self; 3] = [Self::Bars, Self::Groups, Self::Trend];

    /// The name of its file without the ending.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Groups => "groups",
            Self::Trend => "trend",
        }
    }

    /// What it shows, for the names of its files.
    pub const fn subject(self) -> &'static str {
        match self {
            Self::Bars => "bars",
            Self::Groups => "groups",
            Self::Trend => "years",
        }
    }

    /// How its question groups initiatives.
    pub const fn find_grouping(self, question: &QuestionData) -> Option<Dimension> {
        match self {
            Self::Bars | Self::Groups => question.by,
            Self::Trend => Some(Dimension::YearStarted),
        }
    }

    /// Parses the name of a file, such as `bars.svg`.
    pub fn from_file_name(file: &str) -> Option<(Self, PictureFormat)> {
        let (name, ending) = file.split_once('.')?;
        let picture = Self::ALL.into_iter().find(|picture| picture.name() == name)?;
        Some((picture, PictureFormat::from_ending(ending)?))
    }
}

/// The pictures of a claim's page.
pub struct ClaimPictures {
    pub bars: PictureSet,
    /// None if the claim has no groups.
    pub groups: Option<PictureSet>,
    /// None if no year can be shown.
    pub trend: Option<PictureSet>,
}

impl ClaimPictures {
    pub fn draw(claim: &ClaimData) -> Self {
        let pattern = &claim.pattern.pattern;
        let groups = claim.pattern.groups.as_ref();
        let years = claim.trend.groups.as_ref().map(|years| trim_years(&years.nodes));
        Self {
            bars: build_rate_bars("bars", pattern),
            groups: groups
                .filter(|groups| !groups.nodes.is_empty())
                .map(|groups| build_group_dots("groups", pattern, claim.question.by, &groups.nodes)),
            trend: years
                .filter(|years| !years.is_empty())
                .map(|years| build_trend("trend", pattern, years)),
        }
    }

    /// One of the pictures. None if the claim does not have it.
    pub fn find(self, picture: ClaimPicture) -> Option<PictureSet> {
        match picture {
            ClaimPicture::Bars => Some(self.bars),
            ClaimPicture::Groups => self.groups,
            ClaimPicture::Trend => self.trend,
        }
    }
}

/// The years from the first to the last that has a share. A trend lists every year, also those without initiatives.
fn trim_years(years: &[GroupData]) -> &[GroupData] {
    let has_share = |year: &GroupData| {
        year.key.is_some() && (year.rate_when.value.is_some() || year.rate_otherwise.value.is_some())
    };
    let (first, last) = (
        years.iter().position(has_share),
        years.iter().rposition(has_share),
    );
    match (first, last) {
        (Some(first), Some(last)) => years.get(first..=last).unwrap_or_default(),
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_found_by_the_names_of_their_files() {
        assert_eq!(
            ClaimPicture::from_file_name("trend.png"),
            Some((ClaimPicture::Trend, PictureFormat::Png))
        );
        for wrong in ["trend", "trend.gif", "other.svg", "bars.svg.png", ".svg"] {
            assert_eq!(ClaimPicture::from_file_name(wrong), None, "{wrong}");
        }
    }
}
