//! The pictures of an answer.

use wayin_entity::{Dimension, Labelled as _, to_heading};

use super::data::{AsOfData, GroupData, PatternData, ShareData};
use super::wording::{
    CountPrecision, describe_as_of, describe_basis, describe_groups_basis, describe_share, describe_unknown,
};
use crate::pages::chart::bars::{RateBar, RateBars};
use crate::pages::chart::dot_plot::{DotPlot, DotRow, DotState};
use crate::pages::chart::mosaic::{Mosaic, MosaicCount};
use crate::pages::chart::trend::{Trend, TrendPoint};
use crate::pages::chart::{Interval, Picture, PictureTable, PictureWidth};

/// Shares of fewer initiatives than this are faded.
pub const FEW_INITIATIVES: u64 = 10;

/// A picture in two widths, with its figures as a table.
pub struct PictureSet {
    /// The id of the picture in the page, and the start of the ids within it.
    pub id: String,
    /// On which records it rests.
    pub basis: String,
    pub wide: Picture,
    pub narrow: Picture,
    pub table: PictureTable,
}

impl PictureSet {
    /// Draws a picture in both widths.
    pub fn draw(
        id: &str,
        basis: impl Into<String>,
        render: impl Fn(PictureWidth) -> Picture,
        table: PictureTable,
    ) -> Self {
        Self {
            id: id.to_owned(),
            basis: basis.into(),
            wide: render(PictureWidth::Wide),
            narrow: render(PictureWidth::Narrow),
            table,
        }
    }
}

/// A picture with what is below it.
pub struct PictureView {
    pub picture: PictureSet,
    /// What the figures rest on, their date and licence.
    pub source: String,
    /// Addresses and names of its files.
    pub downloads: Vec<(String, String)>,
}

impl PictureView {
    /// A picture without files.
    pub fn new(picture: PictureSet, as_of: &AsOfData, licence: &str) -> Self {
        Self {
            source: format!(
                "{}. As of {}. Licence: {licence}.",
                picture.basis,
                describe_as_of(as_of)
            ),
            picture,
            downloads: Vec::new(),
        }
    }

    #[must_use]
    pub fn with_downloads(self, downloads: impl IntoIterator<Item = (String, String)>) -> Self {
        Self {
            downloads: downloads.into_iter().collect(),
            ..self
        }
    }
}

/// The addresses and names of the files of a picture. `subject` is what it shows, such as "bars".
pub fn name_picture_files(subject: &str, address: impl Fn(&str) -> String) -> Vec<(String, String)> {
    ["png", "svg"]
        .map(|ending| {
            let name = format!("Picture of the {subject} ({})", ending.to_uppercase());
            (address(ending), name)
        })
        .into()
}

/// The addresses and names of the files with all figures of an answer.
pub fn name_answer_files(address: impl Fn(&str) -> String) -> Vec<(String, String)> {
    [
        ("xlsx", "Answer as a workbook (XLSX)"),
        ("csv", "Answer as a table (CSV)"),
    ]
    .map(|(ending, name)| (address(ending), name.to_owned()))
    .into()
}

/// A share as a bar.
pub fn build_bar(
    label: impl Into<String>,
    share: &ShareData,
    precision: CountPrecision,
    is_emphasised: bool,
) -> RateBar {
    RateBar {
        label: label.into(),
        rate: to_interval(share),
        value_text: describe_share(share),
        detail: precision.describe_counts(share),
        is_emphasised,
    }
}

/// The two shares as bars out of 100, with intervals.
pub fn build_rate_bars(id: &str, pattern: &PatternData) -> PictureSet {
    let precision = pattern.precision();
    let conditions = &pattern.conditions;
    let bars = RateBars {
        title: format!("How many {}", conditions.then),
        description: pattern.summary.headline.clone(),
        bars: vec![
            build_bar(
                format!("Those that {}", conditions.when),
                &pattern.rate_when,
                precision,
                true,
            ),
            build_bar("The rest", &pattern.rate_otherwise, precision, false),
        ],
    };
    PictureSet::draw(
        id,
        describe_basis(pattern),
        |width| bars.render(id, width),
        bars.table(),
    )
}

/// The four counts and the unknown ones as areas.
pub fn build_mosaic(id: &str, pattern: &PatternData) -> PictureSet {
    let (table, conditions) = (pattern.measured_table(), &pattern.conditions);
    let precision = pattern.precision();
    let count = |count: Option<u64>| MosaicCount {
        count,
        text: count.map(|count| precision.describe(Some(count))),
    };
    let mosaic = Mosaic {
        title: "How many initiatives there are".into(),
        description: describe_unknown(pattern),
        when_label: to_heading(&conditions.when),
        then_label: to_heading(&conditions.then),
        both: count(table.both),
        when_only: count(table.when_only),
        then_only: count(table.then_only),
        neither: count(table.neither),
        unknown: count(table.unknown),
    };
    PictureSet::draw(
        id,
        describe_basis(pattern),
        |width| mosaic.render(id, width),
        mosaic.table(),
    )
}

/// The two shares of each group as dots, with intervals. `by` is what the groups are of.
pub fn build_group_dots(
    id: &str,
    pattern: &PatternData,
    by: Option<Dimension>,
    groups: &[GroupData],
) -> PictureSet {
    let by = by.map_or("group", Dimension::label);
    let plot = DotPlot {
        title: format!("How many {}, by {by}", pattern.conditions.then),
        description: pattern.summary.where_different.clone().unwrap_or_default(),
        first_label: format!("Those that {}", pattern.conditions.when),
        second_label: Some("The rest".into()),
        rows: groups
            .iter()
            .map(|group| build_dot_row(group, CountPrecision::of(&group.basis, &pattern.cautions)))
            .collect(),
    };
    PictureSet::draw(
        id,
        describe_groups_basis(pattern, groups),
        |width| plot.render(id, width),
        plot.table(),
    )
}

/// The two shares by year.
pub fn build_trend(id: &str, pattern: &PatternData, years: &[GroupData]) -> PictureSet {
    let points = years
        .iter()
        .filter(|year| year.key.is_some())
        .map(|year| TrendPoint {
            label: year.label.clone(),
            first: to_interval(&year.rate_when),
            second: to_interval(&year.rate_otherwise),
        });
    let trend = Trend {
        title: format!(
            "How many {}, by the year in which they started",
            pattern.conditions.then
        ),
        description: "A gap means that a year has too few initiatives to say.".into(),
        first_label: format!("Those that {}", pattern.conditions.when),
        second_label: Some("The rest".into()),
        points: points.collect(),
    };
    PictureSet::draw(
        id,
        describe_groups_basis(pattern, years),
        |width| trend.render(id, width),
        trend.table(),
    )
}

fn build_dot_row(group: &GroupData, precision: CountPrecision) -> DotRow {
    let (first, second) = (to_interval(&group.rate_when), to_interval(&group.rate_otherwise));
    let known = group.rate_when.denominator;
    let state = match known {
        None => DotState::Suppressed,
        Some(known) if known < FEW_INITIATIVES => DotState::FewRecords,
        Some(_) => DotState::Shown,
    };
    DotRow {
        label: group.label.clone(),
        detail: precision.describe_counts(&group.rate_when),
        first,
        second,
        state,
    }
}

fn to_interval(share: &ShareData) -> Option<Interval> {
    Some(Interval {
        value: share.value?,
        lower: share.lower?,
        upper: share.upper?,
    })
}
