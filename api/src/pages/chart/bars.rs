//! Rates as bars out of 100, each with the line of its interval.

use super::{
    Axis, Drawing, Interval, Picture, PictureTable, PictureWidth, SMALL_SIZE, TEXT_SIZE,
    measure_label_column,
    palette::Colour,
    svg::{Anchor, Area, Canvas, Font, Paint, Stroke, TextStyle, measure_lines},
};

const LABEL_FONT: Font = Font::regular(TEXT_SIZE);
const EMPHASISED_LABEL_FONT: Font = Font::bold(TEXT_SIZE);
const VALUE: TextStyle = TextStyle::new(Font::bold(TEXT_SIZE), Colour::Ink, Anchor::Start);
const DETAIL: TextStyle = TextStyle::new(Font::regular(SMALL_SIZE), Colour::Quiet, Anchor::Start);
const NO_RATE: TextStyle = TextStyle::new(Font::regular(TEXT_SIZE), Colour::Quiet, Anchor::Start);

/// In the place of a rate that is null, unless the bar says it otherwise.
const CANNOT_BE_SHOWN: &str = "cannot be shown";

const INTERVAL_NOTE: &str = "The line at the end of a bar is its 95% interval.";

const BAR_HEIGHT: f64 = 32.0;
const CAP_HEIGHT: f64 = 12.0;
/// Between a bar or its interval and the text after it.
const VALUE_GAP: f64 = 10.0;

/// Horizontal bars out of 100.
#[derive(Clone, Debug)]
pub struct RateBars {
    pub title: String,
    pub description: String,
    pub bars: Vec<RateBar>,
}

/// One rate.
#[derive(Clone, Debug)]
pub struct RateBar {
    pub label: String,
    pub rate: Option<Interval>,
    /// The rate in words, such as "57 in 100"; without a rate, why there is none.
    pub value_text: String,
    /// What the rate is made from, such as "264 of 463".
    pub detail: Option<String>,
    /// Whether the picture is about this bar. The others are grey.
    pub is_emphasised: bool,
}

/// A bar with its texts on lines, and where it is.
struct PlacedBar<'a> {
    bar: &'a RateBar,
    rate: Option<Interval>,
    label: Vec<String>,
    label_top: f64,
    value: Vec<String>,
    detail: Vec<String>,
    /// The middle of the bar.
    middle: f64,
}

impl RateBar {
    fn label_font(&self) -> Font {
        if self.is_emphasised {
            EMPHASISED_LABEL_FONT
        } else {
            LABEL_FONT
        }
    }

    /// The rate in words, or that there is none.
    fn describe_rate(&self) -> &str {
        if self.value_text.trim().is_empty() && self.rate.is_none() {
            CANNOT_BE_SHOWN
        } else {
            &self.value_text
        }
    }
}

impl RateBars {
    pub fn render(&self, id: &str, width: PictureWidth) -> Picture {
        let label_width = self.measure_labels(width);
        let axis = self.place_axis(width, label_width);
        let (bars, bottom) = self.place_bars(width, axis, label_width);

        let mut canvas = Canvas::default();
        // A narrow picture has labels above the bars, so its grid is drawn bar by bar.
        if !width.is_narrow() {
            axis.draw_grid(&mut canvas, 0.0, bottom);
        }
        for bar in &bars {
            draw_bar(&mut canvas, axis, bar, width);
        }
        axis.draw_ticks(&mut canvas, bottom + Axis::TICK_HEIGHT / 2.0 + 2.0);
        let mut height = bottom + Axis::TICK_HEIGHT;
        if self.bars.iter().any(|bar| bar.rate.is_some()) {
            height += 8.0;
            canvas.lines_from(0.0, height, DETAIL, &[INTERVAL_NOTE.to_owned()]);
            height += DETAIL.font.line_height();
        }
        Drawing {
            id: width.build_id(id),
            width,
            title: &self.title,
            description: &self.description,
            height,
            canvas,
        }
        .finish()
    }

    /// The same figures as text.
    pub fn table(&self) -> PictureTable {
        let mut headers = vec!["Group".to_owned(), "Rate".to_owned(), "95% interval".to_owned()];
        let has_details = self.bars.iter().any(|bar| bar.detail.is_some());
        if has_details {
            headers.push("Counts".to_owned());
        }
        let rows = self.bars.iter().map(|bar| {
            let rate = bar.rate.and_then(Interval::bring_within_limits);
            let interval = rate.map(Interval::describe_range).unwrap_or_default();
            let mut row = vec![bar.label.clone(), bar.describe_rate().to_owned(), interval];
            if has_details {
                row.push(bar.detail.clone().unwrap_or_default());
            }
            row
        });
        PictureTable {
            rows: rows.collect(),
            headers,
        }
    }

    /// The width of the column of labels. A narrow picture has each label above its bar.
    fn measure_labels(&self, width: PictureWidth) -> f64 {
        if width.is_narrow() {
            return f64::from(width.units());
        }
        let labels = self.bars.iter().map(|bar| (bar.label_font(), bar.label.as_str()));
        measure_label_column(labels, 230.0)
    }

    /// Leaves space for the text after a bar of 100.
    fn place_axis(&self, width: PictureWidth, label_width: f64) -> Axis {
        let widest = self
            .bars
            .iter()
            .filter(|bar| bar.rate.is_some())
            .map(|bar| {
                let value = VALUE.font.measure(bar.describe_rate());
                let detail = bar.detail.as_deref().unwrap_or_default();
                value.max(DETAIL.font.measure(detail))
            })
            .fold(0.0, f64::max);
        let (left, most) = if width.is_narrow() {
            (0.0, 120.0)
        } else {
            (label_width + 14.0, 170.0)
        };
        let space = widest.min(most) + VALUE_GAP;
        Axis {
            left: left + 1.0,
            right: f64::from(width.units()) - space - 6.0,
        }
    }

    /// The bars from top to bottom, and where the last one ends.
    fn place_bars(&self, width: PictureWidth, axis: Axis, label_width: f64) -> (Vec<PlacedBar<'_>>, f64) {
        let mut top = if width.is_narrow() { 0.0 } else { 10.0 };
        let mut placed = Vec::with_capacity(self.bars.len());
        for bar in &self.bars {
            let rate = bar.rate.and_then(Interval::bring_within_limits);
            let right = f64::from(width.units());
            let space = match rate {
                Some(_) => right - axis.right - VALUE_GAP,
                None => right - axis.left - VALUE_GAP,
            };
            let value_font = if rate.is_some() { VALUE.font } else { NO_RATE.font };
            let value = value_font.wrap(bar.describe_rate(), space);
            let detail = bar
                .detail
                .as_deref()
                .map(|detail| DETAIL.font.wrap(detail, space))
                .unwrap_or_default();
            let label = bar.label_font().wrap(&bar.label, label_width);

            let text_height = measure_lines(value_font, &value) + measure_lines(DETAIL.font, &detail);
            let label_height = measure_lines(bar.label_font(), &label);
            let (label_top, middle, bottom);
            if width.is_narrow() {
                let height = text_height.max(BAR_HEIGHT);
                label_top = top;
                middle = top + label_height + 6.0 + height / 2.0;
                bottom = middle + height / 2.0;
            } else {
                let height = text_height.max(label_height).max(BAR_HEIGHT);
                middle = top + height / 2.0;
                label_top = middle - label_height / 2.0;
                bottom = top + height;
            }
            placed.push(PlacedBar {
                bar,
                rate,
                label,
                label_top,
                value,
                detail,
                middle,
            });
            top = bottom + 20.0;
        }
        (placed, (top - 10.0).max(10.0))
    }
}

fn draw_bar(canvas: &mut Canvas, axis: Axis, placed: &PlacedBar<'_>, width: PictureWidth) {
    let bar = placed.bar;
    let label_font = bar.label_font();
    if width.is_narrow() {
        let style = TextStyle::new(label_font, Colour::Ink, Anchor::Start);
        if placed.rate.is_some() {
            let half = BAR_HEIGHT / 2.0 + 6.0;
            axis.draw_grid(canvas, placed.middle - half, placed.middle + half);
        }
        canvas.lines_from(0.0, placed.label_top, style, &placed.label);
    } else {
        let style = TextStyle::new(label_font, Colour::Ink, Anchor::End);
        canvas.lines_from(axis.left - 14.0, placed.label_top, style, &placed.label);
    }

    let (text_left, value_style) = match placed.rate {
        Some(rate) => {
            draw_rate(canvas, axis, placed, rate);
            (axis.place(rate.upper) + VALUE_GAP, VALUE)
        }
        None if width.is_narrow() => (axis.left + 3.0, NO_RATE),
        None => (axis.left + VALUE_GAP, NO_RATE),
    };
    let value_height = measure_lines(value_style.font, &placed.value);
    let detail_height = measure_lines(DETAIL.font, &placed.detail);
    let top = placed.middle - f64::midpoint(value_height, detail_height);
    draw_text_backdrop(canvas, text_left, top, placed, value_style.font);
    canvas.lines_from(text_left, top, value_style, &placed.value);
    canvas.lines_from(text_left, top + value_height, DETAIL, &placed.detail);
}

/// Keeps the lines of the grid out of the text after a bar.
fn draw_text_backdrop(canvas: &mut Canvas, left: f64, top: f64, placed: &PlacedBar<'_>, value_font: Font) {
    let width = value_font
        .measure_widest(&placed.value)
        .max(DETAIL.font.measure_widest(&placed.detail));
    let height = measure_lines(value_font, &placed.value) + measure_lines(DETAIL.font, &placed.detail);
    let area = Area {
        left: left - 3.0,
        top,
        width: width + 3.0,
        height,
    };
    canvas.rectangle(area, 0.0, &Paint::fill(Colour::Paper));
}

fn draw_rate(canvas: &mut Canvas, axis: Axis, placed: &PlacedBar<'_>, rate: Interval) {
    let colour = if placed.bar.is_emphasised {
        Colour::First
    } else {
        Colour::Rest
    };
    let bar = Area {
        left: axis.left,
        top: placed.middle - BAR_HEIGHT / 2.0,
        width: axis.place(rate.value) - axis.left,
        height: BAR_HEIGHT,
    };
    canvas.explained(&rate.describe(), |canvas| {
        canvas.rectangle(bar, 0.0, &Paint::fill(colour));
        // The line is visible on the bar because of its edge, and beyond the bar because it is dark.
        let (lower, upper, middle) = (axis.place(rate.lower), axis.place(rate.upper), placed.middle);
        let cap = CAP_HEIGHT / 2.0;
        for (stroke, more) in [
            (Stroke::solid(Colour::Paper, 5.0), 1.5),
            (Stroke::solid(Colour::Ink, 2.0), 0.0),
        ] {
            canvas.line((lower, middle), (upper, middle), stroke);
            for x in [lower, upper] {
                canvas.line((x, middle - cap - more), (x, middle + cap + more), stroke);
            }
        }
    });
}
