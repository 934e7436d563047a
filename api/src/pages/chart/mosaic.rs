//! The four counts of a pattern as areas. The columns are as wide as the groups are large, each is coloured from
//! the bottom as far as `then` is so, and a hatched strip beside them shows how many are not known.

use std::iter;

use wayin_engine::summary::format_count;

use super::{
    Drawing, LegendEntry, LegendSign, NOTE_FONT, Picture, PictureTable, PictureWidth, SMALL_SIZE, SUPPRESSED,
    TEXT_SIZE, draw_legend,
    palette::Colour,
    svg::{Anchor, Area, Canvas, Fill, Font, Paint, Stroke, TextStyle, measure_lines},
};

const HEADER_FONT: Font = Font::bold(TEXT_SIZE);
const COUNT_FONT: Font = Font::bold(TEXT_SIZE);
const SUPPRESSED_FONT: Font = Font::regular(SMALL_SIZE);
const NOTE: TextStyle = TextStyle::new(NOTE_FONT, Colour::Quiet, Anchor::Start);

/// The column of the initiatives for which `when` is FALSE.
const REST: &str = "The rest";
const NOT_SO: &str = "Not true";
const NOT_KNOWN: &str = "Not known";

const AREAS_ARE_COUNTS: &str = "Each area is as large as its number of initiatives.";
const WHAT_IS_NOT_KNOWN: &str =
    "Not known: for the hatched area, the records do not answer one of the conditions, or both.";

const CELL_GAP: f64 = 3.0;
const STRIP_GAP: f64 = 18.0;
const CELL_PADDING: f64 = 6.0;
/// The space beside the areas for counts that do not fit into theirs.
const CALLOUT_TEXT: f64 = 62.0;
const CALLOUT_LINE: f64 = 18.0;
const CALLOUT: f64 = CALLOUT_TEXT + CALLOUT_LINE;
/// The share of the width that a strip has whose size is not known.
const UNMEASURED_STRIP: f64 = 0.2;
const THINNEST_STRIP: f64 = 3.0;

/// The four counts of a pattern and how many are not known.
#[derive(Clone, Debug)]
pub struct Mosaic {
    pub title: String,
    pub description: String,
    pub when_label: String,
    pub then_label: String,
    pub both: MosaicCount,
    pub when_only: MosaicCount,
    pub then_only: MosaicCount,
    pub neither: MosaicCount,
    pub unknown: MosaicCount,
}

/// A count as a reader may see it. `Some(12).into()` makes one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MosaicCount {
    /// None where disclosure control suppresses the count.
    pub count: Option<u64>,
    /// What to write in the place of the number: a few words, such as "about 260".
    pub text: Option<String>,
}

impl From<Option<u64>> for MosaicCount {
    fn from(count: Option<u64>) -> Self {
        Self { count, text: None }
    }
}

impl MosaicCount {
    fn describe(&self) -> String {
        match (&self.text, self.count) {
            (Some(text), _) if !text.trim().is_empty() => text.clone(),
            (_, Some(count)) => format_count(count),
            (_, None) => SUPPRESSED.to_owned(),
        }
    }

    fn font(&self) -> Font {
        if self.count.is_some() {
            COUNT_FONT
        } else {
            SUPPRESSED_FONT
        }
    }

    /// Whether the text fits into an area without a broken word.
    fn fits(&self, area: Area) -> bool {
        let width = area.width - 2.0 * CELL_PADDING;
        let text = self.describe();
        let font = self.font();
        font.fits_words(&text, width)
            && measure_lines(font, &font.wrap(&text, width)) + CELL_PADDING <= area.height
    }
}

/// Which counts are beside their areas.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Callouts {
    when: bool,
    rest: bool,
    unknown: bool,
}

/// Where everything is.
struct Geometry {
    when_not_so: Area,
    when_so: Area,
    rest_not_so: Area,
    rest_so: Area,
    strip: Option<Area>,
}

/// The shares of the parts of a mosaic.
struct Shares {
    /// Of the width of the known ones.
    when: f64,
    /// Of the height of each column.
    then_of_when: f64,
    then_of_rest: f64,
    /// Of the whole width; none where all are known.
    unknown: Option<f64>,
}

/// What is said below the areas, where they are not as large as the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ScaleNote {
    NothingToCount,
    CountsSuppressed,
    StripSuppressed,
}

impl ScaleNote {
    fn text(self) -> &'static str {
        match self {
            Self::NothingToCount => "The areas do not show sizes, because there is nothing to count.",
            Self::CountsSuppressed => "The areas do not show sizes, because some counts may not be shown.",
            Self::StripSuppressed => {
                "The hatched area does not show a size, because its count may not be shown."
            }
        }
    }
}

impl Mosaic {
    pub fn render(&self, id: &str, width: PictureWidth) -> Picture {
        let units = f64::from(width.units());
        let picture_id = width.build_id(id);
        let hatching = format!("{picture_id}-hatching");
        let height = if width.is_narrow() { 260.0 } else { 320.0 };
        let (shares, note) = self.measure_shares();

        let mut canvas = Canvas::default();
        canvas.define_hatching(&hatching);
        let legend = self.build_legend(&hatching, shares.unknown.is_some());
        let mut top = draw_legend(&mut canvas, &legend, 0.0, units) + 14.0;
        let (geometry, callouts) = self.place_areas(&shares, units, height);
        top += self.draw_headers(&mut canvas, &geometry, top, units) + 6.0;
        let geometry = geometry.move_down(top);
        self.draw_areas(&mut canvas, &geometry, &hatching);
        self.draw_counts(&mut canvas, &geometry, callouts);
        let mut bottom = top + height + 4.0;
        for note in list_notes(note, shares.unknown.is_some()) {
            let lines = NOTE_FONT.wrap(note, units);
            canvas.lines_from(0.0, bottom + 8.0, NOTE, &lines);
            bottom += 4.0 + measure_lines(NOTE_FONT, &lines);
        }
        Drawing {
            id: picture_id,
            width,
            title: &self.title,
            description: &self.description,
            height: bottom + 8.0,
            canvas,
        }
        .finish()
    }

    /// The same figures as text.
    pub fn table(&self) -> PictureTable {
        let row = |label: &str, so: &MosaicCount, not_so: &MosaicCount| {
            vec![label.to_owned(), so.describe(), not_so.describe()]
        };
        PictureTable {
            headers: vec!["Group".to_owned(), self.then_label.clone(), NOT_SO.to_owned()],
            rows: vec![
                row(&self.when_label, &self.both, &self.when_only),
                row(REST, &self.then_only, &self.neither),
                vec![NOT_KNOWN.to_owned(), self.unknown.describe(), String::new()],
            ],
        }
    }

    /// The shares, and what to say about them. Without one of the four counts every area has the same size, so
    /// that sizes say nothing about the count.
    fn measure_shares(&self) -> (Shares, Option<ScaleNote>) {
        let counts = [&self.both, &self.when_only, &self.then_only, &self.neither].map(|cell| cell.count);
        let equal = |unknown, note| {
            let shares = Shares {
                when: 0.5,
                then_of_when: 0.5,
                then_of_rest: 0.5,
                unknown,
            };
            (shares, Some(note))
        };
        let unmeasured = (self.unknown.count != Some(0)).then_some(UNMEASURED_STRIP);
        let [Some(both), Some(when_only), Some(then_only), Some(neither)] = counts else {
            return equal(unmeasured, ScaleNote::CountsSuppressed);
        };
        let [both, when_only, then_only, neither] =
            [both, when_only, then_only, neither].map(|count| count as f64);
        let known = both + when_only + then_only + neither;
        if known == 0.0 {
            return equal(unmeasured, ScaleNote::NothingToCount);
        }
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let (unknown, note) = match self.unknown.count {
            Some(0) => (None, None),
            Some(count) => (Some(share(count as f64, known + count as f64)), None),
            None => (Some(UNMEASURED_STRIP), Some(ScaleNote::StripSuppressed)),
        };
        let shares = Shares {
            when: share(both + when_only, known),
            then_of_when: share(both, both + when_only),
            then_of_rest: share(then_only, then_only + neither),
            unknown,
        };
        (shares, note)
    }

    fn build_legend(&self, hatching: &str, has_unknown: bool) -> Vec<LegendEntry> {
        let entry = |paint, text: &str| LegendEntry {
            sign: LegendSign::Swatch(paint),
            text: text.to_owned(),
            colour: Colour::Ink,
        };
        let mut entries = vec![
            entry(Paint::fill(Colour::First), &self.then_label),
            entry(not_so_paint(), NOT_SO),
        ];
        if has_unknown {
            entries.push(entry(hatched_paint(hatching), NOT_KNOWN));
        }
        entries
    }

    /// Makes space beside the areas until every count has a place.
    fn place_areas(&self, shares: &Shares, units: f64, height: f64) -> (Geometry, Callouts) {
        let mut callouts = Callouts::default();
        loop {
            let geometry = Geometry::place(shares, callouts, units, height);
            let needed = Callouts {
                when: callouts.when
                    || !self.both.fits(geometry.when_so)
                    || !self.when_only.fits(geometry.when_not_so),
                rest: callouts.rest
                    || !self.then_only.fits(geometry.rest_so)
                    || !self.neither.fits(geometry.rest_not_so),
                unknown: callouts.unknown || geometry.strip.is_some_and(|strip| !self.unknown.fits(strip)),
            };
            if needed == callouts {
                return (geometry, callouts);
            }
            callouts = needed;
        }
    }

    /// The names of the columns, each above a line as wide as its column. The name of a thin column is above
    /// the other name, with a line down to its column. Returns the height.
    fn draw_headers(&self, canvas: &mut Canvas, geometry: &Geometry, top: f64, units: f64) -> f64 {
        const GAP: f64 = 16.0;
        let (when, rest) = (geometry.when_so, geometry.rest_so);
        let rest_left = rest.left.min(units - HEADER_FONT.measure(REST));
        let beside = rest_left - when.left - GAP;
        let is_thin = !HEADER_FONT.fits_words(&self.when_label, beside)
            || HEADER_FONT.wrap(&self.when_label, beside).len() > 3;
        let space = if is_thin { units - when.left } else { beside };
        let lines = HEADER_FONT.wrap(&self.when_label, space);
        let height = measure_lines(HEADER_FONT, &lines);
        let line = HEADER_FONT.line_height();
        let rest_top = if is_thin {
            top + height + 4.0
        } else {
            top + height - line
        };

        let style = TextStyle::new(HEADER_FONT, Colour::Ink, Anchor::Start);
        canvas.lines_from(when.left, top, style, &lines);
        let indent = if is_thin {
            rest_left.max(when.left + 10.0)
        } else {
            rest_left
        };
        let indent = indent.min(units - HEADER_FONT.measure(REST));
        canvas.lines_from(indent, rest_top, style, &[REST.to_owned()]);
        let rule = rest_top + line + 4.0;
        let stroke = Stroke::solid(Colour::Ink, 1.5);
        for column in [when, rest] {
            if column.width > 0.0 {
                canvas.line((column.left, rule), (column.right(), rule), stroke);
            }
        }
        if is_thin {
            let x = when.left + 0.75;
            canvas.line((x, top + height + 2.0), (x, rule), stroke);
        }
        rule + 2.0 - top
    }

    fn draw_areas(&self, canvas: &mut Canvas, geometry: &Geometry, hatching: &str) {
        let parts = [
            (geometry.when_not_so, &self.when_only, false),
            (geometry.when_so, &self.both, true),
            (geometry.rest_not_so, &self.neither, false),
            (geometry.rest_so, &self.then_only, true),
        ];
        for (area, count, is_so) in parts {
            if area.width > 0.0 && area.height > 0.0 {
                canvas.rectangle(area, 0.0, &paint_part(count, is_so));
            }
        }
        if let Some(strip) = geometry.strip {
            canvas.rectangle(strip, 0.0, &hatched_paint(hatching));
        }
    }

    fn draw_counts(&self, canvas: &mut Canvas, geometry: &Geometry, callouts: Callouts) {
        let when = [
            (&self.when_only, geometry.when_not_so),
            (&self.both, geometry.when_so),
        ];
        let rest = [
            (&self.neither, geometry.rest_not_so),
            (&self.then_only, geometry.rest_so),
        ];
        draw_column_counts(canvas, when, callouts.when.then_some(Side::Left));
        draw_column_counts(canvas, rest, callouts.rest.then_some(Side::Right));
        if let Some(strip) = geometry.strip {
            if callouts.unknown {
                let middle = strip.centre().1;
                draw_callout(canvas, &self.unknown, strip, Side::Right, middle);
            } else {
                draw_count_on_paper(canvas, &self.unknown, strip);
            }
        }
    }
}

impl Geometry {
    fn place(shares: &Shares, callouts: Callouts, units: f64, height: f64) -> Self {
        let space = |is_needed: bool| if is_needed { CALLOUT } else { 0.0 };
        let left = space(callouts.when);
        let strip_gap = if shares.unknown.is_some() { STRIP_GAP } else { 0.0 };
        let drawn =
            units - left - space(callouts.rest) - space(callouts.unknown) - strip_gap - CELL_GAP - 2.0;
        let strip_width = shares
            .unknown
            .map_or(0.0, |share| (share * drawn).max(THINNEST_STRIP));
        let known = (drawn - strip_width).max(0.0);
        let when_width = shares.when * known;
        let rest_left = left + 1.0 + when_width + CELL_GAP;
        let rest_width = known - when_width;
        let split = |left: f64, width: f64, share: f64| {
            let so = share * (height - CELL_GAP);
            let not_so = height - CELL_GAP - so;
            let upper = Area {
                left,
                top: 0.0,
                width,
                height: not_so,
            };
            let lower = Area {
                left,
                top: not_so + CELL_GAP,
                width,
                height: so,
            };
            (upper, lower)
        };
        let (when_not_so, when_so) = split(left + 1.0, when_width, shares.then_of_when);
        let (rest_not_so, rest_so) = split(rest_left, rest_width, shares.then_of_rest);
        let strip = shares.unknown.map(|_| Area {
            left: rest_left + rest_width + space(callouts.rest) + strip_gap,
            top: 0.0,
            width: strip_width,
            height,
        });
        Self {
            when_not_so,
            when_so,
            rest_not_so,
            rest_so,
            strip,
        }
    }

    fn move_down(self, by: f64) -> Self {
        let moved = |area: Area| Area {
            top: area.top + by,
            ..area
        };
        Self {
            when_not_so: moved(self.when_not_so),
            when_so: moved(self.when_so),
            rest_not_so: moved(self.rest_not_so),
            rest_so: moved(self.rest_so),
            strip: self.strip.map(moved),
        }
    }
}

/// How to read the areas.
fn list_notes(scale: Option<ScaleNote>, has_unknown: bool) -> impl Iterator<Item = &'static str> {
    let scale = scale.map_or(AREAS_ARE_COUNTS, ScaleNote::text);
    iter::once(scale).chain(has_unknown.then_some(WHAT_IS_NOT_KNOWN))
}

fn not_so_paint() -> Paint {
    Paint::outlined(Colour::Cell, Stroke::solid(Colour::Axis, 1.0))
}

fn hatched_paint(hatching: &str) -> Paint {
    Paint {
        fill: Fill::Pattern(hatching.to_owned()),
        stroke: Some(Stroke::solid(Colour::Axis, 1.0)),
    }
}

/// The paint of a part where `then` is so, or not. A count that may not be shown has an empty area.
fn paint_part(count: &MosaicCount, is_so: bool) -> Paint {
    match (count.count, is_so) {
        (Some(_), true) => Paint::fill(Colour::First),
        (Some(_), false) => not_so_paint(),
        (None, true) => Paint::outlined(Colour::Paper, Stroke::dashed(Colour::First, 1.5)),
        (None, false) => Paint::outlined(Colour::Paper, Stroke::dashed(Colour::Axis, 1.5)),
    }
}

/// Where a count is that does not fit into its area.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Left,
    Right,
}

/// The two counts of a column, the upper one first: inside where they fit, else beside.
fn draw_column_counts(canvas: &mut Canvas, cells: [(&MosaicCount, Area); 2], side: Option<Side>) {
    let side = side.unwrap_or(Side::Left);
    let heights = cells.map(|(count, _)| measure_callout(count));
    let mut middles = cells.map(|(_, area)| area.centre().1);
    let is_outside = cells.map(|(count, area)| !count.fits(area));
    let (top, bottom) = (cells[0].1.top, cells[1].1.bottom());
    if is_outside[0] && is_outside[1] {
        // Both are beside the column, one below the other.
        let apart = f64::midpoint(heights[0], heights[1]) + 4.0;
        let least = top + heights[0] / 2.0;
        middles[0] = middles[0].min(bottom - heights[1] / 2.0 - apart).max(least);
        middles[1] = middles[1].max(middles[0] + apart);
    }
    for (index, (count, area)) in cells.into_iter().enumerate() {
        if is_outside[index] {
            let half = heights[index] / 2.0;
            let middle = middles[index].min(bottom - half).max(top + half);
            draw_callout(canvas, count, area, side, middle);
        } else {
            let is_on_colour = index == 1 && count.count.is_some();
            let colour = if is_on_colour { Colour::Paper } else { Colour::Ink };
            draw_count(canvas, count, area, colour);
        }
    }
}

fn measure_callout(count: &MosaicCount) -> f64 {
    let font = count.font();
    measure_lines(font, &font.wrap(&count.describe(), CALLOUT_TEXT))
}

fn draw_callout(canvas: &mut Canvas, count: &MosaicCount, area: Area, side: Side, middle: f64) {
    let font = count.font();
    let lines = font.wrap(&count.describe(), CALLOUT_TEXT);
    let (edge, direction, anchor) = match side {
        Side::Left => (area.left, -1.0, Anchor::End),
        Side::Right => (area.right(), 1.0, Anchor::Start),
    };
    let points = [
        (edge, area.centre().1),
        (edge + direction * CALLOUT_LINE * 0.45, middle),
        (edge + direction * (CALLOUT_LINE - 5.0), middle),
    ];
    canvas.polyline(&points, Stroke::solid(Colour::Quiet, 1.0));
    let style = TextStyle::new(font, Colour::Ink, anchor);
    canvas.lines_around(edge + direction * CALLOUT_LINE, middle, style, &lines);
}

fn draw_count(canvas: &mut Canvas, count: &MosaicCount, area: Area, colour: Colour) {
    let font = count.font();
    let lines = font.wrap(&count.describe(), area.width - 2.0 * CELL_PADDING);
    let (x, middle) = area.centre();
    let style = TextStyle::new(font, colour, Anchor::Middle);
    canvas.lines_around(x, middle, style, &lines);
}

/// A count on a hatched area, which needs quiet ground.
fn draw_count_on_paper(canvas: &mut Canvas, count: &MosaicCount, area: Area) {
    let font = count.font();
    let lines = font.wrap(&count.describe(), area.width - 2.0 * CELL_PADDING);
    let (x, middle) = area.centre();
    let width = (font.measure_widest(&lines) + 8.0).min(area.width - 2.0);
    let height = measure_lines(font, &lines) + 4.0;
    let ground = Area {
        left: x - width / 2.0,
        top: middle - height / 2.0,
        width,
        height,
    };
    canvas.rectangle(ground, 3.0, &Paint::fill(Colour::Paper));
    let style = TextStyle::new(font, Colour::Ink, Anchor::Middle);
    canvas.lines_around(x, middle, style, &lines);
}
