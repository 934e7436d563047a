//! A small writer of SVG. It escapes texts, and wraps them by an estimate of how wide the widest of the usual
//! system fonts draws each character, so that a text that fits here fits on every screen.

use std::fmt::Write as _;

use super::palette::Colour;

/// Widths of the characters from space to tilde, in thousandths of the font size.
const REGULAR_WIDTHS: [u16; 95] = [
    318, 401, 460, 838, 638, 950, 780, 275, 390, 390, 552, 838, 318, 460, 318, 367, 636, 636, 636, 636, 642,
    636, 636, 636, 636, 636, 337, 337, 838, 838, 838, 531, 1000, 684, 686, 727, 770, 632, 587, 775, 752, 295,
    543, 656, 562, 903, 754, 787, 635, 787, 695, 638, 642, 741, 684, 989, 685, 665, 685, 390, 367, 390, 838,
    500, 577, 613, 635, 558, 635, 615, 361, 635, 634, 278, 278, 579, 278, 974, 634, 612, 635, 635, 411, 523,
    392, 634, 592, 818, 592, 592, 541, 636, 551, 636, 838,
];
const BOLD_WIDTHS: [u16; 95] = [
    348, 456, 521, 838, 696, 1002, 872, 306, 457, 457, 545, 838, 380, 415, 380, 413, 696, 696, 696, 696, 696,
    696, 696, 696, 696, 696, 400, 400, 838, 838, 838, 580, 1000, 774, 762, 734, 830, 683, 683, 821, 837, 372,
    372, 775, 637, 995, 837, 850, 733, 850, 770, 720, 682, 812, 774, 1103, 771, 724, 725, 457, 413, 457, 838,
    500, 607, 675, 716, 593, 716, 678, 435, 716, 712, 343, 343, 665, 343, 1042, 712, 687, 716, 716, 493, 595,
    478, 712, 652, 924, 645, 652, 582, 712, 551, 712, 838,
];
/// A letter of a European script. Han, kana and hangul are as wide as the font size.
const LETTER_WIDTH: u16 = 780;
const IDEOGRAPH_WIDTH: u16 = 1_100;
const FIRST_IDEOGRAPH: char = '\u{2e80}';

/// A size and a weight of text.
#[derive(Clone, Copy, Debug)]
pub struct Font {
    pub size: f64,
    pub is_bold: bool,
}

impl Font {
    pub const fn regular(size: f64) -> Self {
        Self { size, is_bold: false }
    }

    pub const fn bold(size: f64) -> Self {
        Self { size, is_bold: true }
    }

    /// The distance between the baselines of two lines.
    pub fn line_height(self) -> f64 {
        (self.size * 1.32).round()
    }

    /// How far the baseline is below the middle of a line.
    pub fn baseline_shift(self) -> f64 {
        self.size * 0.35
    }

    /// The estimated width of a text on one line.
    pub fn measure(self, text: &str) -> f64 {
        text.chars().map(|letter| self.measure_letter(letter)).sum()
    }

    /// The estimated width of the widest of the lines.
    pub fn measure_widest(self, lines: &[String]) -> f64 {
        lines.iter().map(|line| self.measure(line)).fold(0.0, f64::max)
    }

    fn measure_letter(self, letter: char) -> f64 {
        let widths = if self.is_bold {
            &BOLD_WIDTHS
        } else {
            &REGULAR_WIDTHS
        };
        let index = (u32::from(letter)).checked_sub(u32::from(' '));
        let known = index
            .and_then(|index| usize::try_from(index).ok())
            .and_then(|index| widths.get(index));
        let width = match known {
            Some(width) => *width,
            None if letter >= FIRST_IDEOGRAPH => IDEOGRAPH_WIDTH,
            None => LETTER_WIDTH,
        };
        self.size * f64::from(width) / 1_000.0
    }

    /// The lines of a text, none wider than the given width; at least one. A word that is wider than a line
    /// is broken.
    pub fn wrap(self, text: &str, width: f64) -> Vec<String> {
        let space = self.measure(" ");
        let mut lines = Vec::new();
        let mut line = String::new();
        let mut used = 0.0;
        for word in text.split_whitespace() {
            for (piece, size) in self.break_word(word, width) {
                if !line.is_empty() && used + space + size > width {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                if !line.is_empty() {
                    line.push(' ');
                    used += space;
                }
                line.push_str(&piece);
                used += size;
            }
        }
        if !line.is_empty() || lines.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// The pieces of a word that fit into the width, with their widths: usually the whole word.
    fn break_word(self, word: &str, width: f64) -> Vec<(String, f64)> {
        let mut pieces = Vec::new();
        let mut piece = String::new();
        let mut used = 0.0;
        for letter in word.chars() {
            let size = self.measure_letter(letter);
            if !piece.is_empty() && used + size > width {
                pieces.push((std::mem::take(&mut piece), used));
                used = 0.0;
            }
            piece.push(letter);
            used += size;
        }
        pieces.push((piece, used));
        pieces
    }

    /// Whether a text fits into the width, on several lines if need be, without a broken word.
    pub fn fits_words(self, text: &str, width: f64) -> bool {
        text.split_whitespace().all(|word| self.measure(word) <= width)
    }
}

/// Where a text is relative to its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

/// How a text is set.
#[derive(Clone, Copy, Debug)]
pub struct TextStyle {
    pub font: Font,
    pub colour: Colour,
    pub anchor: Anchor,
}

impl TextStyle {
    pub const fn new(font: Font, colour: Colour, anchor: Anchor) -> Self {
        Self { font, colour, anchor }
    }
}

/// A line's colour and width.
#[derive(Clone, Copy, Debug)]
pub struct Stroke {
    pub colour: Colour,
    pub width: f64,
    pub is_dashed: bool,
}

impl Stroke {
    pub const fn solid(colour: Colour, width: f64) -> Self {
        Self {
            colour,
            width,
            is_dashed: false,
        }
    }

    pub const fn dashed(colour: Colour, width: f64) -> Self {
        Self {
            colour,
            width,
            is_dashed: true,
        }
    }
}

/// What fills a shape.
#[derive(Clone, Debug)]
pub enum Fill {
    None,
    Colour(Colour),
    /// A colour that others shine through, from 0 to 1.
    Faint(Colour, f64),
    /// The pattern with this id.
    Pattern(String),
}

/// A shape's fill and outline.
#[derive(Clone, Debug)]
pub struct Paint {
    pub fill: Fill,
    pub stroke: Option<Stroke>,
}

impl Paint {
    pub const fn fill(colour: Colour) -> Self {
        Self {
            fill: Fill::Colour(colour),
            stroke: None,
        }
    }

    pub const fn outlined(colour: Colour, stroke: Stroke) -> Self {
        Self {
            fill: Fill::Colour(colour),
            stroke: Some(stroke),
        }
    }

    /// The presentation attributes, with a leading space. There are no `style` attributes: the pages' policy
    /// forbids them.
    fn attributes(&self) -> String {
        let mut classes = Vec::new();
        let mut attributes = String::new();
        match &self.fill {
            Fill::None => attributes.push_str(" fill=\"none\""),
            Fill::Colour(colour) => {
                classes.push(colour.fill_class());
                push(&mut attributes, format_args!(" fill=\"{}\"", colour.light()));
            }
            Fill::Faint(colour, opacity) => {
                classes.push(colour.fill_class());
                push(
                    &mut attributes,
                    format_args!(" fill=\"{}\" fill-opacity=\"{opacity}\"", colour.light()),
                );
            }
            Fill::Pattern(id) => push(&mut attributes, format_args!(" fill=\"url(#{id})\"")),
        }
        if let Some(stroke) = self.stroke {
            classes.push(stroke.colour.line_class());
            let (light, width) = (stroke.colour.light(), format_number(stroke.width));
            push(
                &mut attributes,
                format_args!(" stroke=\"{light}\" stroke-width=\"{width}\""),
            );
            if stroke.is_dashed {
                attributes.push_str(" stroke-dasharray=\"4 3\"");
            }
        }
        if classes.is_empty() {
            attributes
        } else {
            format!(" class=\"{}\"{attributes}", classes.join(" "))
        }
    }
}

/// A rectangle.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    pub left: f64,
    pub top: f64,
    pub width: f64,
    pub height: f64,
}

impl Area {
    pub fn right(self) -> f64 {
        self.left + self.width
    }

    pub fn bottom(self) -> f64 {
        self.top + self.height
    }

    pub fn centre(self) -> (f64, f64) {
        (self.left + self.width / 2.0, self.top + self.height / 2.0)
    }
}

/// The shapes and texts of a picture, in the order in which they are painted.
#[derive(Debug, Default)]
pub struct Canvas {
    content: String,
}

impl Canvas {
    pub fn into_content(self) -> String {
        self.content
    }

    pub fn rectangle(&mut self, area: Area, radius: f64, paint: &Paint) {
        let (x, y) = (format_number(area.left), format_number(area.top));
        let (width, height) = (format_number(area.width), format_number(area.height));
        let rounded = if radius > 0.0 {
            format!(" rx=\"{}\"", format_number(radius))
        } else {
            String::new()
        };
        let attributes = paint.attributes();
        push(
            &mut self.content,
            format_args!(
                "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\"{rounded}{attributes}/>"
            ),
        );
    }

    pub fn line(&mut self, from: (f64, f64), to: (f64, f64), stroke: Stroke) {
        let (x1, y1) = (format_number(from.0), format_number(from.1));
        let (x2, y2) = (format_number(to.0), format_number(to.1));
        let paint = Paint {
            fill: Fill::None,
            stroke: Some(stroke),
        };
        let attributes = paint.attributes();
        push(
            &mut self.content,
            format_args!("<line x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"{attributes}/>"),
        );
    }

    /// A line through the points, with round corners.
    pub fn polyline(&mut self, points: &[(f64, f64)], stroke: Stroke) {
        let paint = Paint {
            fill: Fill::None,
            stroke: Some(stroke),
        };
        let (points, attributes) = (format_points(points), paint.attributes());
        push(
            &mut self.content,
            format_args!(
                "<polyline points=\"{points}\" stroke-linejoin=\"round\" \
                 stroke-linecap=\"round\"{attributes}/>"
            ),
        );
    }

    pub fn polygon(&mut self, points: &[(f64, f64)], paint: &Paint) {
        let (points, attributes) = (format_points(points), paint.attributes());
        push(
            &mut self.content,
            format_args!("<polygon points=\"{points}\"{attributes}/>"),
        );
    }

    pub fn circle(&mut self, centre: (f64, f64), radius: f64, paint: &Paint) {
        let (x, y, radius) = (
            format_number(centre.0),
            format_number(centre.1),
            format_number(radius),
        );
        let attributes = paint.attributes();
        push(
            &mut self.content,
            format_args!("<circle cx=\"{x}\" cy=\"{y}\" r=\"{radius}\"{attributes}/>"),
        );
    }

    pub fn diamond(&mut self, centre: (f64, f64), radius: f64, paint: &Paint) {
        let (x, y) = centre;
        let points = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)];
        self.polygon(&points, paint);
    }

    /// A text on one line. The point is on its baseline.
    pub fn text(&mut self, point: (f64, f64), style: TextStyle, text: &str) {
        if text.is_empty() {
            return;
        }
        let (x, y) = (format_number(point.0), format_number(point.1));
        let anchor = match style.anchor {
            Anchor::Start => "",
            Anchor::Middle => " text-anchor=\"middle\"",
            Anchor::End => " text-anchor=\"end\"",
        };
        let weight = if style.font.is_bold {
            " font-weight=\"700\""
        } else {
            ""
        };
        let size = format_number(style.font.size);
        let attributes = Paint::fill(style.colour).attributes();
        let text = escape(text);
        push(
            &mut self.content,
            format_args!(
                "<text x=\"{x}\" y=\"{y}\" font-size=\"{size}\"{weight}{anchor}{attributes}>{text}</text>"
            ),
        );
    }

    /// Lines of text whose block begins at the top.
    pub fn lines_from(&mut self, left: f64, top: f64, style: TextStyle, lines: &[String]) {
        let height = style.font.line_height();
        let mut baseline = top + height / 2.0 + style.font.baseline_shift();
        for line in lines {
            self.text((left, baseline), style, line);
            baseline += height;
        }
    }

    /// Lines of text whose block has its middle at the given height.
    pub fn lines_around(&mut self, left: f64, middle: f64, style: TextStyle, lines: &[String]) {
        let top = middle - measure_lines(style.font, lines) / 2.0;
        self.lines_from(left, top, style, lines);
    }

    /// A group of shapes that shows a text when the pointer is over it.
    pub fn explained(&mut self, explanation: &str, draw: impl FnOnce(&mut Self)) {
        push(
            &mut self.content,
            format_args!("<g><title>{}</title>", escape(explanation)),
        );
        draw(self);
        self.content.push_str("</g>");
    }

    /// Defines a pattern of slanted lines.
    pub fn define_hatching(&mut self, id: &str) {
        let paper = Paint::fill(Colour::Paper).attributes();
        let line = Paint {
            fill: Fill::None,
            stroke: Some(Stroke::solid(Colour::Axis, 1.5)),
        };
        let line = line.attributes();
        push(
            &mut self.content,
            format_args!(
                "<defs><pattern id=\"{id}\" width=\"7\" height=\"7\" patternUnits=\"userSpaceOnUse\" \
                 patternTransform=\"rotate(45)\"><rect width=\"7\" height=\"7\"{paper}/>\
                 <line x1=\"3.5\" y1=\"0\" x2=\"3.5\" y2=\"7\"{line}/></pattern></defs>"
            ),
        );
    }

    /// Puts content of another picture at a place.
    pub fn nested(&mut self, left: f64, top: f64, content: &str) {
        let (left, top) = (format_number(left), format_number(top));
        push(
            &mut self.content,
            format_args!("<g transform=\"translate({left} {top})\">{content}</g>"),
        );
    }
}

/// The height of a block of lines.
pub fn measure_lines(font: Font, lines: &[String]) -> f64 {
    font.line_height() * lines.len() as f64
}

/// What the root element of a picture says.
#[derive(Clone, Copy, Debug)]
pub struct Root<'a> {
    pub id: &'a str,
    pub class: &'a str,
    pub title: &'a str,
    pub description: &'a str,
    pub width: u32,
    pub height: u32,
}

impl Root<'_> {
    /// The whole SVG, with this content.
    pub fn render(&self, content: &str) -> String {
        let Self {
            id, width, height, ..
        } = self;
        let (class, title, description) = (escape(self.class), escape(self.title), escape(self.description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"{class}\" viewBox=\"0 0 {width} {height}\" \
             width=\"{width}\" height=\"{height}\" role=\"img\" aria-labelledby=\"{id}-title\" \
             aria-describedby=\"{id}-description\" font-family=\"system-ui, sans-serif\">\
             <title id=\"{id}-title\">{title}</title><desc id=\"{id}-description\">{description}</desc>\
             {content}</svg>"
        )
    }
}

/// An id that is safe in an attribute and in `url(#...)`.
pub fn normalise_id(id: &str) -> String {
    let safe = id.chars().map(|letter| {
        if letter.is_ascii_alphanumeric() || letter == '-' || letter == '_' {
            letter
        } else {
            '-'
        }
    });
    "picture-".chars().chain(safe).collect()
}

/// A text that is safe in an element and in an attribute. Characters that XML does not allow become U+FFFD.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            '\t' | '\n' | '\r' => escaped.push(' '),
            '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(letter),
        }
    }
    escaped
}

/// A coordinate with at most two decimals.
fn format_number(value: f64) -> String {
    // Adding zero turns -0 into 0.
    let rounded = (value * 100.0).round() / 100.0 + 0.0;
    rounded.to_string()
}

fn format_points(points: &[(f64, f64)]) -> String {
    let points: Vec<String> = points
        .iter()
        .map(|(x, y)| format!("{},{}", format_number(*x), format_number(*y)))
        .collect();
    points.join(" ")
}

fn push(content: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = content.write_fmt(arguments);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_escaped() {
        assert_eq!(
            escape("<b>\"R&D\"</b> it's"),
            "&lt;b&gt;&quot;R&amp;D&quot;&lt;/b&gt; it&#39;s"
        );
        assert_eq!(escape("a\u{0}b\nc"), "a\u{fffd}b c");
    }

    #[test]
    fn ids_are_safe_and_begin_with_a_letter() {
        assert_eq!(normalise_id("3 \"claims\"_a"), "picture-3--claims-_a");
    }

    #[test]
    fn a_text_wraps_between_words_and_keeps_every_word() {
        let font = Font::regular(14.0);
        let text = "Initiatives whose funder asked for reports every fortnight";
        let lines = font.wrap(text, 140.0);
        assert!(lines.len() > 2);
        assert!(font.measure_widest(&lines) <= 140.0);
        assert_eq!(lines.join(" "), text);
    }

    #[test]
    fn a_word_wider_than_a_line_is_broken() {
        let font = Font::bold(14.0);
        let word = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch";
        let lines = font.wrap(word, 100.0);
        assert!(lines.len() > 1);
        assert!(font.measure_widest(&lines) <= 100.0);
        assert_eq!(lines.concat(), word);
        assert!(!font.fits_words(word, 100.0));
    }

    #[test]
    fn an_empty_text_has_one_empty_line() {
        assert_eq!(Font::regular(14.0).wrap("  ", 100.0), [String::new()]);
    }

    #[test]
    fn numbers_have_at_most_two_decimals() {
        assert_eq!(format_number(1.0 / 3.0), "0.33");
        assert_eq!(format_number(-0.001), "0");
        assert_eq!(format_number(12.0), "12");
    }
}
