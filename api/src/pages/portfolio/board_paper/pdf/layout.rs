//! Places the contents of a board paper on one page.

use super::text::{FontMetrics, TextStyle};
use super::{AnswerRow, COLUMNS, PaperContents, PaperPicture, PdfError};

/// A4, in points.
pub const PAGE_WIDTH: f32 = 595.28;
pub const PAGE_HEIGHT: f32 = 841.89;
/// The margins of the printed page: 11, 14 and 12 mm.
const TOP: f32 = 31.2;
pub const LEFT: f32 = 39.7;
pub const RIGHT: f32 = PAGE_WIDTH - LEFT;
pub const BOTTOM: f32 = PAGE_HEIGHT - 34.0;
const WIDTH: f32 = RIGHT - LEFT;

const TITLE: TextStyle = TextStyle::bold(15.0);
const HEADING: TextStyle = TextStyle::bold(11.0);
const HEADLINE: TextStyle = TextStyle::regular(10.5);
const BODY: TextStyle = TextStyle::regular(9.5);
const CAUTION: TextStyle = TextStyle::regular(9.0);
const BASIS: TextStyle = TextStyle::quiet(9.5);
const CAPTION: TextStyle = TextStyle::bold(9.5);
const CITATION: TextStyle = TextStyle::quiet(9.0);
const SOURCE: TextStyle = TextStyle::quiet(8.0);

/// The scales that are tried if the contents do not fit.
const SMALLER_SCALES: [f32; 8] = [0.95, 0.9, 0.85, 0.8, 0.75, 0.7, 0.65, SMALLEST_SCALE];
const SMALLEST_SCALE: f32 = 0.6;

const BULLET: &str = "•";
const BULLET_WIDTH: f32 = 11.0;
const COLUMN_GAP: f32 = 10.0;
const ROW_PADDING: f32 = 1.9;
/// The column of the verdicts: the last one.
const VERDICT: usize = COLUMNS - 1;
const PICTURE_GAP: f32 = 22.7;
const MOST_PICTURE_WIDTH: f32 = 214.0;

/// A rectangle, in points from the top left corner of the page.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Area {
    pub left: f32,
    pub top: f32,
    pub width: f32,
    pub height: f32,
}

/// A line of text, or the part of it that is a link.
#[derive(Clone, Debug)]
pub struct Line {
    pub left: f32,
    pub baseline: f32,
    pub style: TextStyle,
    pub text: String,
    /// Where to press, if it is a link to the paper on the web.
    pub link: Option<Area>,
}

/// The lines of one text, from top to bottom.
pub type Lines = Vec<Line>;

/// What is on the page, in the order in which it is read.
#[derive(Debug)]
pub enum Part {
    /// A line that only divides.
    Rule(Area),
    Title(Lines),
    Heading(Lines),
    Paragraph(Lines),
    List(Vec<ListItem>),
    Table(Table),
    Picture(PlacedPicture),
}

#[derive(Debug)]
pub struct ListItem {
    pub bullet: Line,
    pub lines: Lines,
}

#[derive(Debug)]
pub struct Table {
    pub caption: Lines,
    pub headings: Vec<Lines>,
    /// Each row has as many cells as there are headings. The first one is the heading of the row.
    pub rows: Vec<Vec<Lines>>,
}

#[derive(Debug)]
pub struct PlacedPicture {
    /// Which of the pictures it shows.
    pub at: usize,
    pub caption: Lines,
    pub area: Area,
    pub source: Lines,
}

/// The parts with their places.
#[derive(Debug)]
pub struct Layout {
    pub parts: Vec<Part>,
    /// The lower end of the last part.
    pub bottom: f32,
}

/// How the contents are made to fit.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Fit {
    /// How many cautions are shown.
    cautions: usize,
    picture_scale: f32,
    text_scale: f32,
}

impl Fit {
    /// What is tried, in this order: fewer cautions, smaller pictures, smaller text.
    fn list(cautions: usize) -> impl Iterator<Item = Self> {
        let full = move |cautions| Self {
            cautions,
            picture_scale: 1.0,
            text_scale: 1.0,
        };
        let smaller_pictures = SMALLER_SCALES.map(|picture_scale| Self {
            picture_scale,
            ..full(0)
        });
        let smaller_text = SMALLER_SCALES.map(|text_scale| Self {
            picture_scale: SMALLEST_SCALE,
            text_scale,
            ..full(0)
        });
        let fewer_cautions = (0..=cautions).rev().map(full);
        fewer_cautions.chain(smaller_pictures).chain(smaller_text)
    }
}

/// Places the contents on the page.
///
/// # Errors
/// [`PdfError::DoesNotFit`] if they do not fit on one page even in small print.
pub fn lay_out(contents: &PaperContents, metrics: &FontMetrics) -> Result<Layout, PdfError> {
    Fit::list(contents.cautions.len())
        .map(|fit| Composer::new(metrics, fit).compose(contents))
        .find(|layout| layout.bottom <= BOTTOM)
        .ok_or(PdfError::DoesNotFit)
}

impl AnswerRow {
    fn verdict_style(&self) -> TextStyle {
        if self.is_clear { CAPTION } else { BODY }
    }
}

/// The most that a column takes from that of the questions.
const fn most_width(column: usize) -> f32 {
    if column == VERDICT { 150.0 } else { 75.0 }
}

/// Places one part below the other.
struct Composer<'a> {
    metrics: &'a FontMetrics,
    fit: Fit,
    parts: Vec<Part>,
    /// Where the next part begins.
    top: f32,
}

impl<'a> Composer<'a> {
    fn new(metrics: &'a FontMetrics, fit: Fit) -> Self {
        Self {
            metrics,
            fit,
            parts: Vec::new(),
            top: TOP,
        }
    }

    fn compose(mut self, contents: &PaperContents) -> Layout {
        if let Some((mark, explanation)) = contents.illustrative_mark {
            self.place_mark(mark, explanation);
        }
        let title = self.place_text(TITLE, &contents.title, LEFT, WIDTH);
        self.parts.push(Part::Title(title));
        self.place_paragraph(BASIS, &contents.basis, &contents.address);
        self.skip(4.0);
        self.place_rule(1.5);
        self.skip(7.0);
        self.place_headlines(&contents.headlines);
        self.skip(7.0);
        self.place_table(contents);
        self.skip(9.0);
        self.place_pictures(&contents.pictures);
        let heading = self.place_text(HEADING, contents.caution_heading, LEFT, WIDTH);
        self.parts.push(Part::Heading(heading));
        self.skip(2.0);
        let cautions = self.join_cautions(contents);
        self.place_paragraph(CAUTION, &cautions, &contents.address);
        self.skip(6.0);
        self.place_rule(0.75);
        self.skip(4.0);
        self.place_paragraph(CITATION, &contents.citation, &contents.address);
        Layout {
            parts: self.parts,
            bottom: self.top,
        }
    }

    fn skip(&mut self, height: f32) {
        self.top += height * self.fit.text_scale;
    }

    fn scale(&self, style: TextStyle) -> TextStyle {
        TextStyle {
            size: style.size * self.fit.text_scale,
            ..style
        }
    }

    /// Places the lines of a text in a column, below what there is.
    fn place_text(&mut self, style: TextStyle, text: &str, left: f32, width: f32) -> Lines {
        let style = self.scale(style);
        let lines = self.metrics.wrap(style, text, width);
        let placed = lines.into_iter().map(|text| {
            let baseline = self.top + style.baseline_shift();
            self.top += style.line_height();
            Line {
                left,
                baseline,
                style,
                text,
                link: None,
            }
        });
        placed.collect()
    }

    fn place_paragraph(&mut self, style: TextStyle, text: &str, address: &str) {
        let lines = self.place_text(style, text, LEFT, WIDTH);
        let lines = lines
            .into_iter()
            .flat_map(|line| self.link_address(line, address));
        let lines = lines.collect();
        self.parts.push(Part::Paragraph(lines));
    }

    /// Divides a line that has the address, so that the address is a link.
    fn link_address(&self, line: Line, address: &str) -> Lines {
        let is_whole = address.starts_with("http");
        let Some((before, after)) = line.text.split_once(address).filter(|_| is_whole) else {
            return vec![line];
        };
        let mut left = line.left;
        let mut pieces = Vec::new();
        for (text, is_link) in [(before, false), (address, true), (after, false)] {
            if text.is_empty() {
                continue;
            }
            let width = self.metrics.measure(line.style, text);
            let area = Area {
                left,
                top: line.baseline - line.style.baseline_shift(),
                width,
                height: line.style.line_height(),
            };
            pieces.push(Line {
                left,
                text: text.to_owned(),
                link: is_link.then_some(area),
                ..line
            });
            left += width;
        }
        pieces
    }

    /// Places a line that divides, over the whole width.
    fn place_rule(&mut self, height: f32) {
        self.parts.push(Part::Rule(Area {
            left: LEFT,
            top: self.top,
            width: WIDTH,
            height,
        }));
        self.top += height;
    }

    /// Places, in a frame, that the evidence is illustrative.
    fn place_mark(&mut self, mark: &str, explanation: &str) {
        const PADDING: f32 = 6.0;
        const LINE: f32 = 0.75;
        let frame_top = self.top;
        self.top += PADDING / 2.0;
        for (style, text) in [(CAPTION, mark), (BODY, explanation)] {
            let lines = self.place_text(style, text, LEFT + PADDING, WIDTH - 2.0 * PADDING);
            self.parts.push(Part::Paragraph(lines));
        }
        self.top += PADDING / 2.0;
        let height = self.top - frame_top;
        for (left, top, width, height) in [
            (LEFT, frame_top, WIDTH, LINE),
            (LEFT, self.top - LINE, WIDTH, LINE),
            (LEFT, frame_top, LINE, height),
            (RIGHT - LINE, frame_top, LINE, height),
        ] {
            self.parts.push(Part::Rule(Area {
                left,
                top,
                width,
                height,
            }));
        }
        self.skip(6.0);
    }

    /// Places the sentences as a list, or one alone as a paragraph.
    fn place_headlines(&mut self, headlines: &[String]) {
        if let [headline] = headlines {
            let lines = self.place_text(HEADLINE, headline, LEFT, WIDTH);
            self.parts.push(Part::Paragraph(lines));
            return;
        }
        let items = headlines.iter().map(|headline| {
            let style = self.scale(HEADLINE);
            let bullet = Line {
                left: LEFT,
                baseline: self.top + style.baseline_shift(),
                style,
                text: format!("{BULLET} "),
                link: None,
            };
            let lines = self.place_text(HEADLINE, headline, LEFT + BULLET_WIDTH, WIDTH - BULLET_WIDTH);
            self.skip(2.0);
            ListItem { bullet, lines }
        });
        let items = items.collect();
        self.parts.push(Part::List(items));
    }

    fn place_table(&mut self, contents: &PaperContents) {
        let caption = self.place_text(CAPTION, contents.table_caption, LEFT, WIDTH);
        self.skip(2.0);
        let widths = self.measure_columns(contents);
        let headings = contents.table_headings.map(str::to_owned);
        let headings = self.place_row(&widths, [CAPTION; COLUMNS], &headings);
        self.place_rule(0.75);
        let mut rows = Vec::new();
        for row in &contents.rows {
            let mut styles = [BODY; COLUMNS];
            styles[VERDICT] = row.verdict_style();
            rows.push(self.place_row(&widths, styles, &row.cells));
            self.place_rule(0.35);
        }
        self.parts.push(Part::Table(Table {
            caption,
            headings,
            rows,
        }));
    }

    /// The widths of the columns. That of the questions has what the others leave.
    fn measure_columns(&self, contents: &PaperContents) -> [f32; COLUMNS] {
        let mut widths = [0.0; COLUMNS];
        let mut left = WIDTH;
        for (at, width) in widths.iter_mut().enumerate().skip(1) {
            let (most, heading) = (most_width(at), (CAPTION, contents.table_headings[at]));
            let cells = contents.rows.iter().map(|row| {
                let style = if at == VERDICT { row.verdict_style() } else { BODY };
                (style, row.cells[at].as_str())
            });
            let widest = std::iter::once(heading).chain(cells).map(|(style, text)| {
                let style = self.scale(style);
                let lines = self.metrics.wrap(style, text, most);
                self.metrics.measure_widest(style, &lines)
            });
            // What fits exactly must not be broken for a rounding.
            *width = widest.fold(0.0, f32::max) + 0.1;
            left -= *width + COLUMN_GAP;
        }
        widths[0] = left;
        widths
    }

    /// Places cells beside each other. Those of figures are aligned to the right.
    fn place_row(
        &mut self,
        widths: &[f32; COLUMNS],
        styles: [TextStyle; COLUMNS],
        cells: &[String; COLUMNS],
    ) -> Vec<Lines> {
        self.skip(ROW_PADDING);
        let row_top = self.top;
        let mut row_bottom = row_top;
        let mut left = LEFT;
        let mut placed = Vec::new();
        for (at, cell) in cells.iter().enumerate() {
            self.top = row_top;
            let mut lines = self.place_text(styles[at], cell, left, widths[at]);
            let is_figure = at > 0 && at < VERDICT;
            for line in &mut lines {
                if is_figure {
                    line.left += widths[at] - self.metrics.measure(line.style, line.text.trim_end());
                }
            }
            row_bottom = row_bottom.max(self.top);
            left += widths[at] + COLUMN_GAP;
            placed.push(lines);
        }
        self.top = row_bottom;
        self.skip(ROW_PADDING);
        placed
    }

    /// Places two pictures beside each other. Of three, the last one has a column of its own.
    fn place_pictures(&mut self, pictures: &[PaperPicture]) {
        if pictures.is_empty() {
            return;
        }
        let column_width = (WIDTH - PICTURE_GAP) / 2.0;
        let in_first_column = pictures.len().saturating_sub(1).max(1);
        let top = self.top;
        let mut bottom = top;
        for (at, picture) in pictures.iter().enumerate() {
            let is_first_column = at < in_first_column;
            if at == in_first_column {
                self.top = top;
            }
            let left = if is_first_column {
                LEFT
            } else {
                LEFT + column_width + PICTURE_GAP
            };
            self.place_picture(at, picture, left, column_width);
            bottom = bottom.max(self.top);
        }
        self.top = bottom;
    }

    fn place_picture(&mut self, at: usize, picture: &PaperPicture, left: f32, column_width: f32) {
        let caption = self.place_text(CAPTION, &picture.title, left, column_width);
        self.skip(3.0);
        let width = column_width.min(MOST_PICTURE_WIDTH) * self.fit.picture_scale;
        let area = Area {
            left,
            top: self.top,
            width,
            height: width * picture.height / picture.width,
        };
        self.top += area.height;
        self.skip(2.0);
        let source = self.place_text(SOURCE, &picture.source, left, column_width);
        self.skip(8.0);
        self.parts.push(Part::Picture(PlacedPicture {
            at,
            caption,
            area,
            source,
        }));
    }

    /// What to know before using the paper. It says where the cautions are for which there is no space.
    fn join_cautions(&self, contents: &PaperContents) -> String {
        let shown = contents.cautions.iter().take(self.fit.cautions);
        let left_out = contents.cautions.len().saturating_sub(self.fit.cautions);
        let address = &contents.address;
        let rest = match left_out {
            0 => None,
            1 => Some(format!("One more caution is at {address}.")),
            _ => Some(format!("{left_out} more cautions are at {address}.")),
        };
        let mut sentences = vec![contents.first_caution];
        sentences.extend(shown.map(String::as_str));
        sentences.extend(rest.as_deref());
        sentences.join(" ")
    }
}
