//! Rates of many groups as dots with the lines of their intervals, a row for each group.

use super::{
    Axis, Drawing, Interval, LegendEntry, LegendSign, Mark, NO_RATE, Picture, PictureTable, PictureWidth,
    SMALL_SIZE, SUPPRESSED, Series, TEXT_SIZE, draw_legend, format_out_of_100, measure_label_column,
    palette::Colour,
    svg::{Anchor, Area, Canvas, Font, Paint, Stroke, TextStyle, measure_lines},
};

const LABEL_FONT: Font = Font::regular(TEXT_SIZE);
const DETAIL_FONT: Font = Font::regular(SMALL_SIZE);
const NOTE: TextStyle = TextStyle::new(Font::regular(SMALL_SIZE), Colour::Quiet, Anchor::Start);
/// The number after a dot, where there is one series.
const VALUE_FONT: Font = Font::bold(SMALL_SIZE);

const FEW_RECORDS: &str = "few records";
/// Above the details. With two series, its mark says of which they are.
const COUNTS: &str = "Counts";
/// Before the heading of the details, for its mark.
const MARK_SPACE: f64 = 20.0;
/// Half the distance between the dots of a row with two.
const DOT_SHIFT: f64 = 7.0;
const ROW_GAP: f64 = 12.0;
/// A picture with more rows has its ticks on top as well.
const ROWS_WITHOUT_TOP_TICKS: usize = 12;

/// A row of dots for each group.
#[derive(Clone, Debug)]
pub struct DotPlot {
    pub title: String,
    pub description: String,
    pub first_label: String,
    /// None where the rows have only one rate.
    pub second_label: Option<String>,
    pub rows: Vec<DotRow>,
}

/// A group.
#[derive(Clone, Debug)]
pub struct DotRow {
    pub label: String,
    pub first: Option<Interval>,
    pub second: Option<Interval>,
    /// What the first rate is made from, such as "264 of 463".
    pub detail: Option<String>,
    pub state: DotState,
}

/// How much a row may say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DotState {
    Shown,
    /// The rates rest on so few records that they are faded.
    FewRecords,
    /// Disclosure control suppresses the rates.
    Suppressed,
}

/// The columns of a picture.
struct Columns {
    label_width: f64,
    axis: Axis,
    /// Where the details begin or end, and how wide they may be.
    detail_left: f64,
    detail_width: f64,
}

/// A row with its texts on lines, and where it is.
struct PlacedRow<'a> {
    row: &'a DotRow,
    first: Option<Interval>,
    second: Option<Interval>,
    label: Vec<String>,
    label_top: f64,
    detail: Vec<String>,
    detail_top: f64,
    middle: f64,
    /// Where the space of the row ends.
    bottom: f64,
}

impl DotRow {
    fn rate(&self, series: Series) -> Option<Interval> {
        let rate = match series {
            Series::First => self.first,
            Series::Second => self.second,
        };
        if self.state == DotState::Suppressed {
            return None;
        }
        rate.and_then(Interval::bring_within_limits)
    }

    /// The rate in words, or why there is none.
    fn describe_rate(&self, series: Series) -> String {
        match self.rate(series) {
            Some(rate) => rate.describe(),
            None if self.state == DotState::Suppressed => SUPPRESSED.to_owned(),
            None => NO_RATE.to_owned(),
        }
    }
}

impl DotPlot {
    pub fn render(&self, id: &str, width: PictureWidth) -> Picture {
        let mut canvas = Canvas::default();
        let units = f64::from(width.units());
        let mut top = draw_legend(&mut canvas, &self.build_legend(), 0.0, units) + 8.0;
        let columns = self.place_columns(width);
        let has_top_ticks = self.rows.len() > ROWS_WITHOUT_TOP_TICKS;
        if self.has_details() {
            self.draw_detail_heading(&mut canvas, &columns, top + Axis::TICK_HEIGHT / 2.0);
        }
        // In a narrow picture the heading and the ticks would be on each other.
        if self.has_details() && (width.is_narrow() || !has_top_ticks) {
            top += Axis::TICK_HEIGHT;
        }
        if has_top_ticks {
            columns
                .axis
                .draw_ticks(&mut canvas, top + Axis::TICK_HEIGHT / 2.0);
            top += Axis::TICK_HEIGHT;
        }
        let (rows, bottom) = self.place_rows(width, &columns, top + ROW_GAP / 2.0);
        // A narrow picture has labels above the dots, so its grid is drawn row by row.
        if !width.is_narrow() {
            columns.axis.draw_grid(&mut canvas, top, bottom);
        }
        for row in &rows {
            self.draw_row(&mut canvas, &columns, row, width);
        }
        columns
            .axis
            .draw_ticks(&mut canvas, bottom + Axis::TICK_HEIGHT / 2.0);
        Drawing {
            id: width.build_id(id),
            width,
            title: &self.title,
            description: &self.description,
            height: bottom + Axis::TICK_HEIGHT,
            canvas,
        }
        .finish()
    }

    /// The same figures as text.
    pub fn table(&self) -> PictureTable {
        let mut headers = vec!["Group".to_owned(), self.first_label.clone()];
        headers.extend(self.second_label.clone());
        let has_details = self.has_details();
        let has_notes = self.rows.iter().any(|row| row.state == DotState::FewRecords);
        if has_details {
            headers.push(match self.second_label {
                Some(_) => format!("{COUNTS}: {}", self.first_label),
                None => COUNTS.to_owned(),
            });
        }
        if has_notes {
            headers.push("Note".to_owned());
        }
        let rows = self.rows.iter().map(|row| {
            let mut cells = vec![row.label.clone(), row.describe_rate(Series::First)];
            if self.second_label.is_some() {
                cells.push(row.describe_rate(Series::Second));
            }
            if has_details {
                cells.push(row.detail.clone().unwrap_or_default());
            }
            if has_notes {
                let is_few = row.state == DotState::FewRecords;
                cells.push(if is_few { FEW_RECORDS } else { "" }.to_owned());
            }
            cells
        });
        PictureTable {
            rows: rows.collect(),
            headers,
        }
    }

    fn has_details(&self) -> bool {
        self.rows.iter().any(|row| row.detail.is_some())
    }

    /// How wide the heading of the details is. 0 without details.
    fn measure_detail_heading(&self) -> f64 {
        if !self.has_details() {
            return 0.0;
        }
        let mark = if self.second_label.is_some() {
            MARK_SPACE
        } else {
            0.0
        };
        mark + DETAIL_FONT.measure(COUNTS)
    }

    fn draw_detail_heading(&self, canvas: &mut Canvas, columns: &Columns, middle: f64) {
        let style = TextStyle::new(DETAIL_FONT, Colour::Quiet, Anchor::End);
        let baseline = middle + DETAIL_FONT.baseline_shift();
        canvas.text((columns.detail_left, baseline), style, COUNTS);
        if self.second_label.is_some() {
            let left = columns.detail_left - self.measure_detail_heading();
            Series::First.draw_mark(canvas, (left + 8.0, middle), Mark::Full);
        }
    }

    fn build_legend(&self) -> Vec<LegendEntry> {
        let mut entries = vec![LegendEntry {
            sign: LegendSign::Mark(Series::First),
            text: self.first_label.clone(),
            colour: Colour::First,
        }];
        if let Some(label) = &self.second_label {
            entries.push(LegendEntry {
                sign: LegendSign::Mark(Series::Second),
                text: label.clone(),
                colour: Colour::Second,
            });
        }
        entries.push(LegendEntry {
            sign: LegendSign::Interval,
            text: "95% interval".to_owned(),
            colour: Colour::Quiet,
        });
        if self.rows.iter().any(|row| row.state == DotState::FewRecords) {
            entries.push(LegendEntry {
                sign: LegendSign::FadedMark(Series::First),
                text: "Few records".to_owned(),
                colour: Colour::Quiet,
            });
        }
        entries
    }

    fn place_columns(&self, width: PictureWidth) -> Columns {
        let units = f64::from(width.units());
        let widest_detail = self
            .rows
            .iter()
            .filter_map(|row| row.detail.as_deref())
            .map(|detail| DETAIL_FONT.measure(detail))
            .fold(0.0, f64::max);
        let heading = self.measure_detail_heading();
        // Space for a dot at 100, and for the number after it.
        let end = if self.second_label.is_some() {
            10.0
        } else {
            16.0 + VALUE_FONT.measure("99.9")
        };
        if width.is_narrow() {
            let detail_width = widest_detail.min(130.0).max(heading);
            let gap = if detail_width > 0.0 { 12.0 } else { 0.0 };
            return Columns {
                label_width: units - detail_width - gap,
                axis: Axis {
                    left: 10.0,
                    right: units - end,
                },
                detail_left: units,
                detail_width,
            };
        }
        let labels = self.rows.iter().map(|row| (LABEL_FONT, row.label.as_str()));
        let label_width = measure_label_column(labels, 220.0);
        let detail_width = widest_detail.min(140.0).max(heading);
        let detail_space = if detail_width > 0.0 {
            detail_width + 12.0
        } else {
            0.0
        };
        Columns {
            label_width,
            axis: Axis {
                left: label_width + 20.0,
                right: units - detail_space - end,
            },
            detail_left: units,
            detail_width,
        }
    }

    /// The rows from top to bottom, and where the last one ends.
    fn place_rows(&self, width: PictureWidth, columns: &Columns, from: f64) -> (Vec<PlacedRow<'_>>, f64) {
        let mut top = from;
        let mut placed = Vec::with_capacity(self.rows.len());
        for row in &self.rows {
            let (first, second) = (row.rate(Series::First), row.rate(Series::Second));
            let label = LABEL_FONT.wrap(&row.label, columns.label_width);
            let detail = row
                .detail
                .as_deref()
                .map(|detail| DETAIL_FONT.wrap(detail, columns.detail_width))
                .unwrap_or_default();
            let label_height = measure_lines(LABEL_FONT, &label);
            let detail_height = measure_lines(DETAIL_FONT, &detail);
            let dots = if first.is_some() && second.is_some() {
                2.0 * DOT_SHIFT + 14.0
            } else {
                18.0
            };
            let (label_top, detail_top, middle, bottom);
            if width.is_narrow() {
                (label_top, detail_top) = (top, top);
                let texts = label_height.max(detail_height);
                middle = top + texts + 5.0 + dots / 2.0;
                bottom = middle + dots / 2.0 + ROW_GAP + 4.0;
            } else {
                let height = label_height.max(detail_height).max(dots);
                middle = top + height / 2.0;
                label_top = middle - label_height / 2.0;
                detail_top = middle - detail_height / 2.0;
                bottom = top + height + ROW_GAP;
            }
            placed.push(PlacedRow {
                row,
                first,
                second,
                label,
                label_top,
                detail,
                detail_top,
                middle,
                bottom,
            });
            top = bottom;
        }
        (placed, top)
    }

    fn draw_row(&self, canvas: &mut Canvas, columns: &Columns, placed: &PlacedRow<'_>, width: PictureWidth) {
        let axis = columns.axis;
        let is_shown = placed.row.state == DotState::Shown;
        let colour = if is_shown { Colour::Ink } else { Colour::Quiet };
        if width.is_narrow() {
            let texts =
                measure_lines(LABEL_FONT, &placed.label).max(measure_lines(DETAIL_FONT, &placed.detail));
            let top = placed.label_top + texts + 2.0;
            axis.draw_grid(canvas, top, placed.bottom - ROW_GAP);
            let style = TextStyle::new(LABEL_FONT, colour, Anchor::Start);
            canvas.lines_from(0.0, placed.label_top, style, &placed.label);
        } else {
            let style = TextStyle::new(LABEL_FONT, colour, Anchor::End);
            canvas.lines_from(columns.label_width, placed.label_top, style, &placed.label);
        }
        canvas.line(
            (axis.left, placed.middle),
            (axis.right, placed.middle),
            Stroke::solid(Colour::Grid, 1.0),
        );
        let style = TextStyle::new(DETAIL_FONT, Colour::Quiet, Anchor::End);
        canvas.lines_from(columns.detail_left, placed.detail_top, style, &placed.detail);

        if placed.first.is_none() && placed.second.is_none() {
            draw_absence(canvas, axis, placed);
            return;
        }
        let shift = if placed.first.is_some() && placed.second.is_some() {
            DOT_SHIFT
        } else {
            0.0
        };
        if let Some(rate) = placed.first {
            self.draw_rate(canvas, axis, placed, Series::First, rate, placed.middle - shift);
        }
        if let Some(rate) = placed.second {
            self.draw_rate(canvas, axis, placed, Series::Second, rate, placed.middle + shift);
        }
    }

    fn draw_rate(
        &self,
        canvas: &mut Canvas,
        axis: Axis,
        placed: &PlacedRow<'_>,
        series: Series,
        rate: Interval,
        middle: f64,
    ) {
        let is_faded = placed.row.state == DotState::FewRecords;
        let label = match (series, &self.second_label) {
            (Series::Second, Some(label)) => label,
            _ => &self.first_label,
        };
        let explanation = format!("{}, {label}: {}", placed.row.label, rate.describe());
        canvas.explained(&explanation, |canvas| {
            let stroke = if is_faded {
                Stroke::solid(series.faded_colour(), 1.5)
            } else {
                Stroke::solid(series.colour(), 2.5)
            };
            let (lower, upper) = (axis.place(rate.lower), axis.place(rate.upper));
            canvas.line((lower, middle), (upper, middle), stroke);
            let mark = if is_faded { Mark::Hollow } else { Mark::Full };
            series.draw_mark(canvas, (axis.place(rate.value), middle), mark);
        });
        if self.second_label.is_none() {
            let left = axis.place(rate.upper).max(axis.place(rate.value) + 6.0) + 6.0;
            let (font, colour) = if is_faded {
                (DETAIL_FONT, Colour::Quiet)
            } else {
                (VALUE_FONT, Colour::Ink)
            };
            let text = format_out_of_100(rate.value);
            draw_backdrop(canvas, left, middle, font, &text);
            let style = TextStyle::new(font, colour, Anchor::Start);
            canvas.text((left, middle + font.baseline_shift()), style, &text);
        }
    }
}

/// Says in the place of the dots why there are none.
fn draw_absence(canvas: &mut Canvas, axis: Axis, placed: &PlacedRow<'_>) {
    let text = if placed.row.state == DotState::Suppressed {
        SUPPRESSED
    } else {
        NO_RATE
    };
    let left = axis.left + 10.0;
    draw_backdrop(canvas, left, placed.middle, NOTE.font, text);
    canvas.text((left, placed.middle + NOTE.font.baseline_shift()), NOTE, text);
}

/// Keeps the lines of the grid out of a text.
fn draw_backdrop(canvas: &mut Canvas, left: f64, middle: f64, font: Font, text: &str) {
    let height = font.line_height();
    let area = Area {
        left: left - 3.0,
        top: middle - height / 2.0,
        width: font.measure(text) + 6.0,
        height,
    };
    canvas.rectangle(area, 0.0, &Paint::fill(Colour::Paper));
}
