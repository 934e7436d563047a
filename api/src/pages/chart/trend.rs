//! Rates over time as lines, with the bands of their intervals. A line has a gap where there is no rate.

use super::{
    Drawing, Interval, LEGEND_FONT, LegendEntry, LegendSign, Mark, NO_RATE, NOTE_FONT, Picture, PictureTable,
    PictureWidth, Series, TEXT_SIZE, TICK_FONT, draw_legend,
    palette::Colour,
    svg::{Anchor, Area, Canvas, Fill, Font, Paint, Stroke, TextStyle, measure_lines},
};

const SERIES_FONT: Font = Font::bold(TEXT_SIZE);
const NOTE: TextStyle = TextStyle::new(NOTE_FONT, Colour::Quiet, Anchor::Start);
/// The space for the numbers at the left.
const SCALE_WIDTH: f64 = 36.0;
/// The most that the name of a point may be wide.
const POINT_WIDTH: f64 = 90.0;
/// Between the last point and the name of a series.
const NAME_GAP: f64 = 16.0;
/// The height of the plot of a wide picture.
const WIDE_HEIGHT: f64 = 280.0;
/// Points that are closer than this have small marks.
const CLOSE_POINTS: f64 = 34.0;
const SCALE_NOTE: &str = "Out of 100. The shade is the 95% interval.";
/// The least space between two names of series.
const NAMES_APART: f64 = 4.0;
const BAND_OPACITY: f64 = 0.16;

/// Lines over years.
#[derive(Clone, Debug)]
pub struct Trend {
    pub title: String,
    pub description: String,
    pub first_label: String,
    /// None where there is only one line.
    pub second_label: Option<String>,
    /// In the order of time.
    pub points: Vec<TrendPoint>,
}

/// A year.
#[derive(Clone, Debug)]
pub struct TrendPoint {
    pub label: String,
    pub first: Option<Interval>,
    pub second: Option<Interval>,
}

/// A rate and where its point is from left to right.
type PlacedRate = (f64, Interval);

/// A series' name on lines, beside the end of its line.
struct PlacedName<'a> {
    series: Series,
    lines: &'a [String],
    height: f64,
    top: f64,
}

impl TrendPoint {
    fn rate(&self, series: Series) -> Option<Interval> {
        let rate = match series {
            Series::First => self.first,
            Series::Second => self.second,
        };
        rate.and_then(Interval::bring_within_limits)
    }

    fn describe_rate(&self, series: Series) -> String {
        self.rate(series)
            .map_or_else(|| NO_RATE.to_owned(), Interval::describe)
    }
}

impl Trend {
    pub fn render(&self, id: &str, width: PictureWidth) -> Picture {
        let units = f64::from(width.units());
        let mut canvas = Canvas::default();
        let names = self.wrap_names(width);
        let mut top = if names.is_empty() {
            draw_legend(&mut canvas, &self.build_legend(), 0.0, units) + 8.0
        } else {
            0.0
        };
        canvas.lines_from(0.0, top, NOTE, &[SCALE_NOTE.to_owned()]);
        top += NOTE_FONT.line_height() + 16.0;
        let name_space = names
            .iter()
            .map(|(_, lines)| SERIES_FONT.measure_widest(lines) + NAME_GAP)
            .fold(14.0, f64::max);
        let plot = Area {
            left: SCALE_WIDTH,
            top,
            width: units - SCALE_WIDTH - name_space,
            height: if width.is_narrow() { 230.0 } else { WIDE_HEIGHT },
        };
        draw_scale(&mut canvas, plot);
        let places = self.place_points(plot);
        let height = self.draw_point_names(&mut canvas, plot, &places, units);
        self.draw_series(&mut canvas, plot, &places);
        self.draw_names(&mut canvas, plot, &names, &places);
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
        let mut headers = vec!["When".to_owned(), self.first_label.clone()];
        headers.extend(self.second_label.clone());
        let rows = self.points.iter().map(|point| {
            let mut cells = vec![point.label.clone()];
            cells.extend(self.series().map(|series| point.describe_rate(series)));
            cells
        });
        PictureTable {
            rows: rows.collect(),
            headers,
        }
    }

    fn series(&self) -> impl Iterator<Item = Series> + use<> {
        let second = self.second_label.is_some().then_some(Series::Second);
        [Some(Series::First), second].into_iter().flatten()
    }

    fn name(&self, series: Series) -> &str {
        match (series, &self.second_label) {
            (Series::Second, Some(label)) => label,
            _ => &self.first_label,
        }
    }

    fn build_legend(&self) -> Vec<LegendEntry> {
        self.series()
            .map(|series| LegendEntry {
                sign: LegendSign::Mark(series),
                text: self.name(series).to_owned(),
                colour: series.colour(),
            })
            .collect()
    }

    /// The names of the series on lines, for the ends of the lines. None where the picture has a legend: it is
    /// narrow, or the names are too long.
    fn wrap_names(&self, width: PictureWidth) -> Vec<(Series, Vec<String>)> {
        let names: Vec<(Series, Vec<String>)> = self
            .series()
            .filter(|series| self.has_rate(*series))
            .map(|series| (series, SERIES_FONT.wrap(self.name(series), 170.0)))
            .collect();
        let height: f64 = names
            .iter()
            .map(|(_, lines)| measure_lines(SERIES_FONT, lines))
            .sum();
        if width.is_narrow() || height > WIDE_HEIGHT * 0.6 {
            return Vec::new();
        }
        names
    }

    fn has_rate(&self, series: Series) -> bool {
        self.points.iter().any(|point| point.rate(series).is_some())
    }

    /// The bands, then the lines, then the marks, so that a line is never below a band.
    fn draw_series(&self, canvas: &mut Canvas, plot: Area, places: &[f64]) {
        for draw in [draw_bands, draw_line] {
            for series in self.series() {
                draw(canvas, plot, series, &self.find_runs(series, places));
            }
        }
        for series in self.series() {
            self.draw_marks(canvas, plot, series, places);
        }
        if !self.series().any(|series| self.has_rate(series)) {
            let style = TextStyle::new(LEGEND_FONT, Colour::Quiet, Anchor::Middle);
            let (x, middle) = plot.centre();
            let text = "There are no rates to show.".to_owned();
            canvas.lines_around(x, middle - plot.height / 8.0, style, &[text]);
        }
    }

    /// Where each point is from left to right.
    fn place_points(&self, plot: Area) -> Vec<f64> {
        const INSET: f64 = 14.0;
        let steps = self.points.len().saturating_sub(1) as f64;
        (0..self.points.len())
            .map(|index| {
                let share = if steps > 0.0 { index as f64 / steps } else { 0.5 };
                plot.left + INSET + share * (plot.width - 2.0 * INSET)
            })
            .collect()
    }

    /// Names as many points as there is space for, the last one always. Returns where the names end.
    fn draw_point_names(&self, canvas: &mut Canvas, plot: Area, places: &[f64], units: f64) -> f64 {
        let top = plot.bottom() + 8.0;
        let names: Vec<Vec<String>> = self
            .points
            .iter()
            .map(|point| TICK_FONT.wrap(&point.label, POINT_WIDTH))
            .collect();
        let widest = names
            .iter()
            .map(|lines| TICK_FONT.measure_widest(lines))
            .fold(0.0, f64::max);
        let mut height = TICK_FONT.line_height();
        let mut free_right = f64::INFINITY;
        for (lines, place) in names.iter().zip(places).rev() {
            let half = TICK_FONT.measure_widest(lines) / 2.0;
            let x = place.min(units - half).max(half);
            if place + widest / 2.0 > free_right || x + half > free_right {
                continue;
            }
            free_right = x - half - 12.0;
            canvas.line(
                (*place, plot.bottom()),
                (*place, plot.bottom() + 5.0),
                Stroke::solid(Colour::Axis, 1.0),
            );
            let style = TextStyle::new(TICK_FONT, Colour::Quiet, Anchor::Middle);
            canvas.lines_from(x, top, style, lines);
            height = height.max(measure_lines(TICK_FONT, lines));
        }
        top + height + 4.0
    }

    /// The points of a series that follow each other without a gap.
    fn find_runs(&self, series: Series, places: &[f64]) -> Vec<Vec<PlacedRate>> {
        let mut runs = Vec::new();
        let mut run = Vec::new();
        for (point, place) in self.points.iter().zip(places) {
            match point.rate(series) {
                Some(rate) => run.push((*place, rate)),
                None if !run.is_empty() => runs.push(std::mem::take(&mut run)),
                None => {}
            }
        }
        if !run.is_empty() {
            runs.push(run);
        }
        runs
    }

    fn draw_marks(&self, canvas: &mut Canvas, plot: Area, series: Series, places: &[f64]) {
        let are_close = matches!(places, [one, other, ..] if other - one < CLOSE_POINTS);
        let mark = if are_close { Mark::Small } else { Mark::Full };
        for (point, place) in self.points.iter().zip(places) {
            if let Some(rate) = point.rate(series) {
                let explanation = format!("{}, {}: {}", point.label, self.name(series), rate.describe());
                canvas.explained(&explanation, |canvas| {
                    series.draw_mark(canvas, (*place, place_rate(plot, rate.value)), mark);
                });
            }
        }
    }

    /// Names each line at its end, one above the other where the ends are close.
    fn draw_names(&self, canvas: &mut Canvas, plot: Area, names: &[(Series, Vec<String>)], places: &[f64]) {
        let last = |series: Series| {
            let last = self.points.iter().zip(places).rev();
            last.filter_map(|(point, _)| point.rate(series))
                .map(|rate| place_rate(plot, rate.value))
                .next()
                .unwrap_or(plot.top)
        };
        let mut placed: Vec<PlacedName<'_>> = names
            .iter()
            .map(|(series, lines)| {
                let height = measure_lines(SERIES_FONT, lines);
                PlacedName {
                    series: *series,
                    lines,
                    height,
                    top: last(*series) - height / 2.0,
                }
            })
            .collect();
        placed
            .sort_by(|one, other| (one.top + one.height / 2.0).total_cmp(&(other.top + other.height / 2.0)));
        if let [upper, lower] = placed.as_mut_slice() {
            let overlap = upper.top + upper.height + NAMES_APART - lower.top;
            if overlap > 0.0 {
                upper.top -= overlap / 2.0;
                lower.top += overlap / 2.0;
            }
        }
        // Names near the top or the bottom stay beside the plot.
        let mut free_top = plot.top - 10.0;
        for name in &mut placed {
            name.top = name.top.max(free_top);
            free_top = name.top + name.height + NAMES_APART;
        }
        let mut free_bottom = plot.bottom();
        for name in placed.iter_mut().rev() {
            name.top = name.top.min(free_bottom - name.height);
            free_bottom = name.top - NAMES_APART;
        }
        for name in placed {
            let style = TextStyle::new(SERIES_FONT, name.series.colour(), Anchor::Start);
            canvas.lines_from(plot.right() + NAME_GAP - 12.0, name.top, style, name.lines);
        }
    }
}

/// Where a rate is from top to bottom.
fn place_rate(plot: Area, fraction: f64) -> f64 {
    plot.bottom() - fraction * plot.height
}

fn draw_scale(canvas: &mut Canvas, plot: Area) {
    let style = TextStyle::new(TICK_FONT, Colour::Quiet, Anchor::End);
    for tick in [0, 25, 50, 75, 100] {
        let y = place_rate(plot, f64::from(tick) / 100.0);
        let colour = if tick == 0 { Colour::Axis } else { Colour::Grid };
        canvas.line((plot.left, y), (plot.right(), y), Stroke::solid(colour, 1.0));
        canvas.text(
            (plot.left - 8.0, y + TICK_FONT.baseline_shift()),
            style,
            &tick.to_string(),
        );
    }
}

/// The bands of the intervals. A point between two gaps has a line with caps instead.
fn draw_bands(canvas: &mut Canvas, plot: Area, series: Series, runs: &[Vec<PlacedRate>]) {
    for run in runs {
        if let [(x, rate)] = run.as_slice() {
            let (lower, upper) = (place_rate(plot, rate.lower), place_rate(plot, rate.upper));
            let stroke = Stroke::solid(series.colour(), 2.0);
            canvas.line((*x, lower), (*x, upper), stroke);
            for y in [lower, upper] {
                canvas.line((x - 5.0, y), (x + 5.0, y), stroke);
            }
            continue;
        }
        let upper = run.iter().map(|(x, rate)| (*x, place_rate(plot, rate.upper)));
        let lower = run
            .iter()
            .rev()
            .map(|(x, rate)| (*x, place_rate(plot, rate.lower)));
        let outline: Vec<(f64, f64)> = upper.chain(lower).collect();
        let paint = Paint {
            fill: Fill::Faint(series.colour(), BAND_OPACITY),
            stroke: None,
        };
        canvas.polygon(&outline, &paint);
    }
}

fn draw_line(canvas: &mut Canvas, plot: Area, series: Series, runs: &[Vec<PlacedRate>]) {
    for run in runs.iter().filter(|run| run.len() > 1) {
        let points: Vec<(f64, f64)> = run
            .iter()
            .map(|(x, rate)| (*x, place_rate(plot, rate.value)))
            .collect();
        canvas.polyline(&points, Stroke::solid(series.colour(), 2.5));
    }
}
