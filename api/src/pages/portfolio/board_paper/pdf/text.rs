//! Lines of text, measured in the fonts in which they are set.

use std::cell::RefCell;
use std::collections::HashMap;

use rustybuzz::{Direction, Face, UnicodeBuffer};

use super::PdfError;
use crate::pages::chart::fonts::{BOLD_FONT, REGULAR_FONT};

/// How a text is set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TextStyle {
    pub size: f32,
    pub is_bold: bool,
    pub tone: Tone,
}

impl TextStyle {
    pub const fn regular(size: f32) -> Self {
        Self {
            size,
            is_bold: false,
            tone: Tone::Ink,
        }
    }

    pub const fn bold(size: f32) -> Self {
        Self {
            is_bold: true,
            ..Self::regular(size)
        }
    }

    pub const fn quiet(size: f32) -> Self {
        Self {
            tone: Tone::Quiet,
            ..Self::regular(size)
        }
    }

    /// The distance between the baselines of two lines.
    pub fn line_height(self) -> f32 {
        self.size * 1.35
    }

    /// How far the baseline is below the top of a line.
    pub fn baseline_shift(self) -> f32 {
        self.size * 1.03
    }
}

/// A shade of grey, as on the printed page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tone {
    Ink,
    Quiet,
    Line,
}

impl Tone {
    /// The lightness, from 0 to 255.
    pub const fn lightness(self) -> u8 {
        match self {
            Self::Ink => 0,
            Self::Quiet => 0x33,
            Self::Line => 0xaa,
        }
    }
}

/// The fonts, to measure texts.
pub struct FontMetrics {
    regular: MeasuredFace,
    bold: MeasuredFace,
}

/// A font with the texts that it has measured, because a layout is tried several times.
struct MeasuredFace {
    face: Face<'static>,
    /// The widths in units of the font.
    widths: RefCell<HashMap<String, i32>>,
}

impl MeasuredFace {
    fn load(font: &'static [u8]) -> Result<Self, PdfError> {
        Ok(Self {
            face: Face::from_slice(font, 0).ok_or(PdfError::Font)?,
            widths: RefCell::default(),
        })
    }

    /// The width of a text on one line, for a font size of 1.
    fn measure(&self, text: &str) -> f32 {
        let known = self.widths.borrow().get(text).copied();
        let units = known.unwrap_or_else(|| {
            let units = self.count_units(text);
            self.widths.borrow_mut().insert(text.to_owned(), units);
            units
        });
        units as f32 / self.face.units_per_em() as f32
    }

    fn count_units(&self, text: &str) -> i32 {
        let mut buffer = UnicodeBuffer::new();
        buffer.push_str(text);
        buffer.guess_segment_properties();
        buffer.set_direction(Direction::LeftToRight);
        let shaped = rustybuzz::shape(&self.face, &[], buffer);
        shaped.glyph_positions().iter().map(|glyph| glyph.x_advance).sum()
    }
}

impl FontMetrics {
    pub fn load() -> Result<Self, PdfError> {
        Ok(Self {
            regular: MeasuredFace::load(REGULAR_FONT)?,
            bold: MeasuredFace::load(BOLD_FONT)?,
        })
    }

    /// The width of a text on one line.
    pub fn measure(&self, style: TextStyle, text: &str) -> f32 {
        let face = if style.is_bold { &self.bold } else { &self.regular };
        style.size * face.measure(text)
    }

    /// The width of the widest of the lines.
    pub fn measure_widest(&self, style: TextStyle, lines: &[String]) -> f32 {
        let widths = lines.iter().map(|line| self.measure(style, line.trim_end()));
        widths.fold(0.0, f32::max)
    }

    /// The lines of a text, none wider than the given width. A word that is wider than a line is broken. A line that ends
    /// between two words keeps the space, so that somebody who copies the text gets it.
    pub fn wrap(&self, style: TextStyle, text: &str, width: f32) -> Vec<String> {
        let space = self.measure(style, " ");
        let mut lines = Vec::new();
        let mut line = String::new();
        let mut used = 0.0;
        for word in text.split_whitespace() {
            for (at, (piece, size)) in self.break_word(style, word, width).into_iter().enumerate() {
                let is_start_of_word = at == 0;
                if is_start_of_word && !line.is_empty() {
                    line.push(' ');
                    used += space;
                }
                if !line.is_empty() && (!is_start_of_word || used + size > width) {
                    lines.push(std::mem::take(&mut line));
                    used = 0.0;
                }
                line.push_str(&piece);
                used += size;
            }
        }
        if !line.is_empty() {
            lines.push(line);
        }
        lines
    }

    /// The pieces of a word that fit into the width, with their widths: usually the whole word.
    fn break_word(&self, style: TextStyle, word: &str, width: f32) -> Vec<(String, f32)> {
        let whole = self.measure(style, word);
        if whole <= width {
            return vec![(word.to_owned(), whole)];
        }
        let mut pieces = Vec::new();
        let mut piece = String::new();
        let mut used = 0.0;
        for letter in word.chars() {
            let size = self.measure(style, letter.encode_utf8(&mut [0; 4]));
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
}

#[cfg(test)]
mod tests {
    use super::*;

    const STYLE: TextStyle = TextStyle::regular(9.5);

    #[test]
    fn a_text_wraps_between_words_and_keeps_every_word() {
        let metrics = FontMetrics::load().unwrap();
        let text = "Initiatives whose funder asked for “AVA” reports every fortnight, as Ty To We Yo would";
        for width in [60.0, 100.0, 140.0] {
            let lines = metrics.wrap(STYLE, text, width);
            assert!(lines.len() > 2);
            assert!(metrics.measure_widest(STYLE, &lines) <= width + 0.01);
            assert_eq!(lines.concat(), text);
        }
    }

    #[test]
    fn a_word_wider_than_a_line_is_broken() {
        let metrics = FontMetrics::load().unwrap();
        let word = "Llanfairpwllgwyngyllgogerychwyrndrobwllllantysiliogogogoch";
        let lines = metrics.wrap(STYLE, word, 100.0);
        assert!(lines.len() > 1);
        assert!(metrics.measure_widest(STYLE, &lines) <= 101.0);
        assert_eq!(lines.concat(), word);
    }

    #[test]
    fn an_empty_text_has_no_line() {
        assert!(FontMetrics::load().unwrap().wrap(STYLE, " ", 100.0).is_empty());
    }
}
