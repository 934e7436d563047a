//! The pictures of the pages: SVG that the service renders, with a title, a description and the same figures as
//! a table. They know nothing of the database, GraphQL or HTTP.
//!
//! A page shows each picture twice, `PictureWidth::Wide` and `PictureWidth::Narrow`, and its stylesheet hides one
//! of them (`.picture-wide`, `.picture-narrow`). Texts keep a readable size on a telephone that way. The
//! stylesheet takes the colours of the dark scheme from `palette::render_dark_rules`.

pub mod bars;
pub mod count_bars;
pub mod dot_plot;
pub mod fonts;
pub mod mosaic;
pub mod palette;
pub mod png;
pub mod svg;
pub mod trend;

#[cfg(test)]
mod tests;

use palette::Colour;
use svg::{Anchor, Area, Canvas, Font, Paint, Root, Stroke, TextStyle, measure_lines, normalise_id};

pub use bars::{RateBar, RateBars};
pub use dot_plot::{DotPlot, DotRow, DotState};
pub use mosaic::{Mosaic, MosaicCount};
pub use png::{PngError, render_png};
pub use trend::{Trend, TrendPoint};

/// In the place of a figure that disclosure control suppresses.
const SUPPRESSED: &str = "may not be shown";
/// In the place of a figure that does not exist, for example a rate of none.
const NO_RATE: &str = "no rate";

/// The sizes of texts, the same in all pictures. A page shows a picture in its own size, or a little smaller where there
/// is less space.
const TEXT_SIZE: f64 = 14.0;
const SMALL_SIZE: f64 = 13.0;

const TICK_FONT: Font = Font::regular(SMALL_SIZE);
const NOTE_FONT: Font = Font::regular(SMALL_SIZE);
const LEGEND_FONT: Font = Font::regular(TEXT_SIZE);

/// A rate with its 95% confidence interval, as fractions from 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Interval {
    pub value: f64,
    pub lower: f64,
    pub upper: f64,
}

impl Interval {
    /// The interval within 0 and 1 and around its value; none where the value is not a number.
    fn bring_within_limits(self) -> Option<Self> {
        if !self.value.is_finite() {
            return None;
        }
        let value = self.value.clamp(0.0, 1.0);
        let limit = |bound: f64| {
            if bound.is_finite() {
                bound.clamp(0.0, 1.0)
            } else {
                value
            }
        };
        Some(Self {
            value,
            lower: limit(self.lower).min(value),
            upper: limit(self.upper).max(value),
        })
    }

    /// The rate in words, such as "57 in 100 (52 to 62)".
    fn describe(self) -> String {
        format!(
            "{} in 100 ({})",
            format_out_of_100(self.value),
            self.describe_range()
        )
    }

    /// The interval in words, such as "52 to 62".
    fn describe_range(self) -> String {
        format!(
            "{} to {}",
            format_out_of_100(self.lower),
            format_out_of_100(self.upper)
        )
    }
}

/// A fraction out of 100: a whole number, except where that would hide that there are some, or some others.
fn format_out_of_100(fraction: f64) -> String {
    let value = fraction * 100.0;
    let is_near_an_end = (value > 0.0 && value < 1.0) || (value > 99.0 && value < 100.0);
    if is_near_an_end {
        format!("{:.1}", value.clamp(0.1, 99.9))
    } else {
        format!("{value:.0}")
    }
}

/// How wide a picture is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureWidth {
    /// 640 units, for a column of text and for downloads. The stylesheet shows it where there is space for at least 576.
    Wide,
    /// 360 units, for a telephone.
    Narrow,
}

impl PictureWidth {
    pub const BOTH: [Self; 2] = [Self::Wide, Self::Narrow];

    pub fn units(self) -> u32 {
        match self {
            Self::Wide => 640,
            Self::Narrow => 360,
        }
    }

    fn is_narrow(self) -> bool {
        self == Self::Narrow
    }

    /// The classes of the root element.
    fn class(self) -> &'static str {
        match self {
            Self::Wide => "picture picture-wide",
            Self::Narrow => "picture picture-narrow",
        }
    }

    /// The ids of both widths differ, because both are on one page.
    fn build_id(self, id: &str) -> String {
        let suffix = match self {
            Self::Wide => "wide",
            Self::Narrow => "narrow",
        };
        format!("{}-{suffix}", normalise_id(id))
    }
}

/// A rendered picture. `svg` is safe to put into HTML as it is: every text in it is escaped.
#[derive(Clone, Debug)]
pub struct Picture {
    pub svg: String,
    pub title: String,
    pub description: String,
    pub width: u32,
    pub height: u32,
    id: String,
    /// What is inside the root element.
    content: String,
}

/// What a picture is made of, before it is put together.
struct Drawing<'a> {
    id: String,
    width: PictureWidth,
    title: &'a str,
    description: &'a str,
    height: f64,
    canvas: Canvas,
}

impl Drawing<'_> {
    fn finish(self) -> Picture {
        let (width, height) = (self.width.units(), round_up(self.height));
        let content = self.canvas.into_content();
        let root = Root {
            id: &self.id,
            class: self.width.class(),
            title: self.title,
            description: self.description,
            width,
            height,
        };
        Picture {
            svg: root.render(&content),
            title: self.title.to_owned(),
            description: self.description.to_owned(),
            width,
            height,
            id: self.id,
            content,
        }
    }
}

/// The figures of a picture as text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PictureTable {
    pub headers: Vec<String>,
    /// Each has as many cells as there are headers.
    pub rows: Vec<Vec<String>>,
}

/// The longest address that a picture states as it is.
const MAX_ADDRESS_CHARACTERS: usize = 120;

/// What a picture says about itself when it leaves the page. A text that is empty is left out.
#[derive(Clone, Debug, Default)]
pub struct PictureFooter {
    /// What was asked, with all conditions, and by what the answer is grouped.
    pub question: String,
    /// The evidence base.
    pub source: String,
    /// What the figures are computed from.
    pub basis: String,
    pub licence: String,
    /// When the figures were computed.
    pub date: String,
    /// Where the picture is on the web. A long address is without its question.
    pub address: String,
}

impl PictureFooter {
    fn lines(&self) -> Vec<String> {
        let named = |name: &str, text: &str| (!text.is_empty()).then(|| format!("{name}: {text}"));
        // Nobody types the conditions of a question from a picture, and it states them in words.
        let is_readable = self.address.chars().count() <= MAX_ADDRESS_CHARACTERS;
        let page = self.address.split('?').next().unwrap_or_default();
        let address = if is_readable { &self.address } else { page };
        [
            named("Question", &self.question),
            named("Source", &self.source),
            named("Basis", &self.basis),
            named("Licence", &self.licence),
            named("Date", &self.date),
            named("Address", address),
        ]
        .into_iter()
        .flatten()
        .collect()
    }
}

/// A picture that can be kept apart from its page: on white, with its title on top, and at the bottom what was
/// asked and where it is from.
pub fn standalone_svg(picture: &Picture, footer: &PictureFooter) -> String {
    const MARGIN: f64 = 28.0;
    const TITLE: TextStyle = TextStyle::new(Font::bold(20.0), Colour::Ink, Anchor::Start);
    const FOOTER: TextStyle = TextStyle::new(Font::regular(12.0), Colour::Quiet, Anchor::Start);
    let inner = f64::from(picture.width);
    let width = inner + 2.0 * MARGIN;

    let title = TITLE.font.wrap(&picture.title, inner);
    let picture_top = MARGIN + measure_lines(TITLE.font, &title) + 20.0;
    let rule = picture_top + f64::from(picture.height) + 20.0;
    let footer: Vec<String> = footer
        .lines()
        .iter()
        .flat_map(|line| FOOTER.font.wrap(line, inner))
        .collect();
    let footer_top = rule + 12.0;
    let height = footer_top + measure_lines(FOOTER.font, &footer) + MARGIN - 6.0;

    let mut canvas = Canvas::default();
    let page = Area {
        left: 0.0,
        top: 0.0,
        width,
        height: height.ceil(),
    };
    canvas.rectangle(page, 0.0, &Paint::fill(Colour::Paper));
    canvas.lines_from(MARGIN, MARGIN, TITLE, &title);
    canvas.nested(MARGIN, picture_top, &picture.content);
    canvas.line(
        (MARGIN, rule),
        (MARGIN + inner, rule),
        Stroke::solid(Colour::Grid, 1.0),
    );
    canvas.lines_from(MARGIN, footer_top, FOOTER, &footer);
    let root = Root {
        id: &format!("{}-alone", picture.id),
        class: "picture",
        title: &picture.title,
        description: &picture.description,
        width: round_up(width),
        height: round_up(height),
    };
    root.render(&canvas.into_content())
}

/// A height in whole units.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "heights of pictures are positive and small, and the cast saturates"
)]
fn round_up(value: f64) -> u32 {
    value.ceil() as u32
}

/// The axis from 0 to 100, from left to right.
#[derive(Clone, Copy, Debug)]
struct Axis {
    left: f64,
    right: f64,
}

impl Axis {
    /// The space that the ticks need below the plot.
    const TICK_HEIGHT: f64 = 24.0;

    fn place(self, fraction: f64) -> f64 {
        self.left + fraction * (self.right - self.left)
    }

    /// Lines of the grid, darker at zero.
    fn draw_grid(self, canvas: &mut Canvas, top: f64, bottom: f64) {
        for tick in [25, 50, 75, 100] {
            let x = self.place(f64::from(tick) / 100.0);
            canvas.line((x, top), (x, bottom), Stroke::solid(Colour::Grid, 1.0));
        }
        canvas.line(
            (self.left, top),
            (self.left, bottom),
            Stroke::solid(Colour::Axis, 1.0),
        );
    }

    /// The numbers at the lines; the middle one says what they are out of. The point is the middle of the line of text.
    fn draw_ticks(self, canvas: &mut Canvas, middle: f64) {
        const MIDDLE: &str = "50 in 100";
        let baseline = middle + TICK_FONT.baseline_shift();
        let style = |anchor| TextStyle::new(TICK_FONT, Colour::Quiet, anchor);
        let half = TICK_FONT.measure("0") / 2.0;
        let zero = if self.left < half {
            Anchor::Start
        } else {
            Anchor::Middle
        };
        canvas.text((self.left, baseline), style(zero), "0");
        canvas.text((self.place(0.5), baseline), style(Anchor::Middle), MIDDLE);
        let space = self.place(0.5) - self.place(0.25);
        let needed = TICK_FONT.measure(MIDDLE) / 2.0 + TICK_FONT.measure("25") / 2.0 + 6.0;
        if space >= needed {
            for tick in [25, 75] {
                let x = self.place(f64::from(tick) / 100.0);
                canvas.text((x, baseline), style(Anchor::Middle), &tick.to_string());
            }
        }
        canvas.text((self.right, baseline), style(Anchor::End), "100");
    }
}

/// One of the two series of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Series {
    First,
    Second,
}

impl Series {
    fn colour(self) -> Colour {
        match self {
            Self::First => Colour::First,
            Self::Second => Colour::Second,
        }
    }

    fn faded_colour(self) -> Colour {
        match self {
            Self::First => Colour::FirstFaded,
            Self::Second => Colour::SecondFaded,
        }
    }

    /// Draws its mark: a circle or a diamond, so that nobody needs to see the colours.
    fn draw_mark(self, canvas: &mut Canvas, centre: (f64, f64), mark: Mark) {
        let paint = match mark {
            Mark::Full | Mark::Small => Paint::outlined(self.colour(), Stroke::solid(Colour::Paper, 1.5)),
            Mark::Hollow => Paint::outlined(Colour::Paper, Stroke::solid(self.faded_colour(), 2.0)),
        };
        let radius = match mark {
            Mark::Full => 6.0,
            Mark::Hollow => 4.75,
            Mark::Small => 4.25,
        };
        match self {
            Self::First => canvas.circle(centre, radius, &paint),
            Self::Second => canvas.diamond(centre, radius * 1.25, &paint),
        }
    }
}

/// How the mark of a rate is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mark {
    Full,
    /// The rate rests on few records.
    Hollow,
    /// There are many rates in little space.
    Small,
}

/// What an entry of a legend shows before its text.
#[derive(Clone, Debug)]
enum LegendSign {
    Mark(Series),
    FadedMark(Series),
    Interval,
    Swatch(Paint),
}

/// An entry of a legend.
#[derive(Clone, Debug)]
struct LegendEntry {
    sign: LegendSign,
    text: String,
    colour: Colour,
}

/// The width of a column of labels: that of its widest line, when no line may be wider than the most.
fn measure_label_column<'a>(labels: impl Iterator<Item = (Font, &'a str)>, most: f64) -> f64 {
    labels
        .map(|(font, label)| font.measure_widest(&font.wrap(label, most)))
        .fold(40.0, f64::max)
}

/// Draws entries from left to right, on as many lines as they need. Returns the height.
fn draw_legend(canvas: &mut Canvas, entries: &[LegendEntry], top: f64, width: f64) -> f64 {
    const SIGN: f64 = 26.0;
    const GAP: f64 = 22.0;
    let height = LEGEND_FONT.line_height() + 4.0;
    let (mut left, mut line_top, mut line_height) = (0.0, top, height);
    for entry in entries {
        let lines = LEGEND_FONT.wrap(&entry.text, width - SIGN);
        let entry_width = SIGN + LEGEND_FONT.measure_widest(&lines);
        if left > 0.0 && left + entry_width > width {
            left = 0.0;
            line_top += line_height;
            line_height = height;
        }
        let middle = line_top + LEGEND_FONT.line_height() / 2.0;
        draw_sign(canvas, &entry.sign, left, middle);
        let style = TextStyle::new(LEGEND_FONT, entry.colour, Anchor::Start);
        canvas.lines_from(left + SIGN, line_top, style, &lines);
        line_height = line_height.max(measure_lines(LEGEND_FONT, &lines) + 4.0);
        left += entry_width + GAP;
    }
    line_top + line_height - top
}

fn draw_sign(canvas: &mut Canvas, sign: &LegendSign, left: f64, middle: f64) {
    match sign {
        LegendSign::Mark(series) => series.draw_mark(canvas, (left + 9.0, middle), Mark::Full),
        LegendSign::FadedMark(series) => series.draw_mark(canvas, (left + 9.0, middle), Mark::Hollow),
        LegendSign::Interval => {
            let stroke = Stroke::solid(Colour::Quiet, 2.0);
            canvas.line((left, middle), (left + 18.0, middle), stroke);
        }
        LegendSign::Swatch(paint) => {
            let area = Area {
                left: left + 1.0,
                top: middle - 8.0,
                width: 16.0,
                height: 16.0,
            };
            canvas.rectangle(area, 2.0, paint);
        }
    }
}
