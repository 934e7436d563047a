//! Counts as bars, each from zero to the largest count.

use wayin_engine::summary::format_count;

use super::{
    Drawing, Picture, PictureTable, PictureWidth, SUPPRESSED, TEXT_SIZE,
    palette::Colour,
    svg::{Anchor, Area, Canvas, Font, Paint, Stroke, TextStyle, measure_lines},
};

const LABEL: TextStyle = TextStyle::new(Font::regular(TEXT_SIZE), Colour::Ink, Anchor::Start);
const VALUE: TextStyle = TextStyle::new(Font::bold(TEXT_SIZE), Colour::Ink, Anchor::Start);
const QUIET_VALUE: TextStyle = TextStyle::new(Font::regular(TEXT_SIZE), Colour::Quiet, Anchor::Start);

const AXIS: Stroke = Stroke::solid(Colour::Axis, 1.0);

const BAR_HEIGHT: f64 = 24.0;
const BAR_GAP: f64 = 12.0;
const VALUE_GAP: f64 = 8.0;

/// Horizontal bars of counts.
#[derive(Clone, Debug)]
pub struct CountBars {
    pub title: String,
    pub description: String,
    /// What each bar is a value of, as the heading of the table, such as "Length of funding".
    pub value_heading: String,
    /// What is counted, as the heading of the table, such as "Initiatives".
    pub count_heading: String,
    pub bars: Vec<CountBar>,
}

/// The count of one value.
#[derive(Clone, Debug)]
pub struct CountBar {
    pub label: String,
    /// None if disclosure control suppresses the count.
    pub count: Option<u64>,
    /// Whether the bar is of initiatives without a known value. It is paler than the others.
    pub is_unknown: bool,
}

impl CountBar {
    fn describe_count(&self) -> String {
        self.count.map_or_else(|| SUPPRESSED.to_owned(), format_count)
    }
}

/// Where the bars of a picture begin and end.
#[derive(Clone, Copy)]
struct BarSpace {
    width: PictureWidth,
    left: f64,
    right: f64,
    label_width: f64,
    most: f64,
}

impl CountBars {
    pub fn render(&self, id: &str, width: PictureWidth) -> Picture {
        let space = self.measure_space(width);
        let mut canvas = Canvas::default();
        let mut top = 4.0;
        for bar in &self.bars {
            top = draw_count_bar(&mut canvas, space, bar, top);
        }
        let bottom = top - BAR_GAP + 4.0;
        if !width.is_narrow() {
            canvas.line((space.left, 0.0), (space.left, bottom), AXIS);
        }
        Drawing {
            id: width.build_id(id),
            width,
            title: &self.title,
            description: &self.description,
            height: bottom.max(1.0),
            canvas,
        }
        .finish()
    }

    /// The same figures as text.
    pub fn table(&self) -> PictureTable {
        PictureTable {
            headers: vec![self.value_heading.clone(), self.count_heading.clone()],
            rows: self
                .bars
                .iter()
                .map(|bar| vec![bar.label.clone(), bar.describe_count()])
                .collect(),
        }
    }

    /// Leaves space for the labels, and for the number after the longest bar.
    fn measure_space(&self, width: PictureWidth) -> BarSpace {
        let measure = |font: Font, text: &str| font.measure(text);
        let widest_label = self
            .bars
            .iter()
            .map(|bar| measure(LABEL.font, &bar.label))
            .fold(0.0, f64::max);
        let widest_value = self
            .bars
            .iter()
            .filter(|bar| bar.count.is_some())
            .map(|bar| measure(VALUE.font, &bar.describe_count()))
            .fold(0.0, f64::max);
        let whole = f64::from(width.units());
        let (left, label_width) = if width.is_narrow() {
            (1.0, whole)
        } else {
            let label_width = widest_label.clamp(60.0, 260.0);
            (label_width + 15.0, label_width)
        };
        BarSpace {
            width,
            left,
            right: whole - widest_value - VALUE_GAP - 2.0,
            label_width,
            most: self.find_largest_count(),
        }
    }

    /// The largest count, at least 1.
    fn find_largest_count(&self) -> f64 {
        let largest = self.bars.iter().filter_map(|bar| bar.count).max();
        largest.unwrap_or(1).max(1) as f64
    }
}

/// Draws one bar with its label and its number. Returns where the next one begins.
fn draw_count_bar(canvas: &mut Canvas, space: BarSpace, bar: &CountBar, top: f64) -> f64 {
    let label = LABEL.font.wrap(&bar.label, space.label_width);
    let label_height = measure_lines(LABEL.font, &label);
    let (label_top, bar_top, bottom) = if space.width.is_narrow() {
        let bar_top = top + label_height + 2.0;
        (top, bar_top, bar_top + BAR_HEIGHT)
    } else {
        let height = label_height.max(BAR_HEIGHT);
        let middle = top + height / 2.0;
        (
            middle - label_height / 2.0,
            middle - BAR_HEIGHT / 2.0,
            top + height,
        )
    };
    if space.width.is_narrow() {
        canvas.lines_from(0.0, label_top, LABEL, &label);
        // The label is above the bar, and the line does not cross it.
        canvas.line((space.left, bar_top), (space.left, bottom), AXIS);
    } else {
        let style = TextStyle::new(LABEL.font, LABEL.colour, Anchor::End);
        canvas.lines_from(space.left - 14.0, label_top, style, &label);
    }
    let share = bar.count.map_or(0.0, |count| count as f64 / space.most);
    let length = (space.right - space.left) * share;
    let colour = if bar.is_unknown {
        Colour::Rest
    } else {
        Colour::First
    };
    if length > 0.0 {
        let area = Area {
            left: space.left,
            top: bar_top,
            width: length,
            height: BAR_HEIGHT,
        };
        canvas.rectangle(area, 0.0, &Paint::fill(colour));
    }
    let style = if bar.count.is_some() { VALUE } else { QUIET_VALUE };
    let baseline = bar_top + BAR_HEIGHT / 2.0 + style.font.baseline_shift();
    canvas.text(
        (space.left + length + VALUE_GAP, baseline),
        style,
        &bar.describe_count(),
    );
    bottom + BAR_GAP
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(label: &str, count: Option<u64>) -> CountBar {
        CountBar {
            label: label.into(),
            count,
            is_unknown: false,
        }
    }

    fn build(bars: Vec<CountBar>) -> CountBars {
        CountBars {
            title: "By length".into(),
            description: "How many initiatives there are of each length.".into(),
            value_heading: "Length".into(),
            count_heading: "Initiatives".into(),
            bars,
        }
    }

    /// The widths of the bars, in the order of the picture.
    fn list_widths(svg: &str) -> Vec<f64> {
        svg.split("<rect ")
            .skip(1)
            .filter_map(|rest| rest.split(" width=\"").nth(1)?.split('"').next()?.parse().ok())
            .collect()
    }

    #[test]
    fn bars_are_as_long_as_their_counts_are_large() {
        let bars = build(vec![
            bar("Short", Some(200)),
            bar("Long", Some(50)),
            bar("None", Some(0)),
        ]);
        for width in PictureWidth::BOTH {
            let widths = list_widths(&bars.render("length", width).svg);
            assert_eq!(widths.len(), 2, "a count of zero has no bar");
            assert!((widths[0] / widths[1] - 4.0).abs() < 0.01, "{widths:?}");
            assert!(widths[0] < f64::from(width.units()));
        }
    }

    #[test]
    fn suppressed_counts_are_said_and_have_no_bar() {
        let bars = build(vec![bar("Short", None), bar("Long", Some(1_234))]);
        let picture = bars.render("length", PictureWidth::Wide);
        assert_eq!(list_widths(&picture.svg).len(), 1);
        assert!(picture.svg.contains(SUPPRESSED), "{}", picture.svg);
        assert!(picture.svg.contains("1,234"), "{}", picture.svg);
        assert_eq!(
            bars.table().rows,
            [["Short", SUPPRESSED], ["Long", "1,234"]].map(|row| row.map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn a_picture_without_bars_has_a_title() {
        let picture = build(Vec::new()).render("length", PictureWidth::Narrow);
        assert!(picture.svg.contains("<title"), "{}", picture.svg);
        assert!(picture.height > 0);
    }
}
