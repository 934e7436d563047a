//! How a sheet looks on a screen and on paper: rows as tall as their wrapped text, and pages as wide as the sheet.

use rust_xlsxwriter::{Worksheet, XlsxError};
use unicode_width::UnicodeWidthStr as _;

/// The height of a line of text of 11 points.
const LINE_POINTS: u32 = 15;
/// The height of a line of a heading, whose text has 14 points.
const HEADING_LINE_POINTS: u32 = 24;
/// The most that a row can be high.
const MAX_ROW_POINTS: u32 = 409;
/// How many characters of 11 points can be fitted beside each other on A4, landscape, and still be read: at 60%.
const MAX_PAGE_CHARACTERS: u16 = 225;
/// The paper size A4, as workbooks number it.
const PAPER_A4: u8 = 9;
/// How wide and how high a note is at least, and what a line and a character of it need.
pub(super) const NOTE_WIDTH_PIXELS: u32 = 320;
const MIN_NOTE_HEIGHT_PIXELS: u32 = 110;
const NOTE_LINE_PIXELS: u32 = 16;
const NOTE_WIDTH_CHARACTERS: u16 = 48;

/// How many lines a text takes where a column of `width` characters wraps it. Words are kept whole, as spreadsheets do,
/// unless one is wider than the column.
pub(super) fn count_wrapped_lines(text: &str, width: u16) -> u32 {
    // A width counts digits. Letters of running text are a little narrower; the edges of a cell take about one.
    let room = usize::from(width + width / 16).saturating_sub(1).max(1);
    let mut lines = 0;
    for line in text.split('\n') {
        lines += 1;
        let mut taken = 0;
        for word in line.split(' ') {
            let word = word.width();
            if taken > 0 && taken + 1 + word > room {
                lines += 1;
                taken = 0;
            } else if taken > 0 {
                taken += 1;
            }
            taken += word;
            while taken > room {
                lines += 1;
                taken -= room;
            }
        }
    }
    lines
}

/// Makes a row as high as its lines of text need. A row of one line keeps the height that every row has.
pub(super) fn fit_row_height(worksheet: &mut Worksheet, row: u32, lines: u32) -> Result<(), XlsxError> {
    if lines > 1 {
        worksheet.set_row_height(row, (lines * LINE_POINTS).min(MAX_ROW_POINTS))?;
    }
    Ok(())
}

/// Makes a row as high as a text of the guidance needs.
pub(super) fn fit_guidance_height(
    worksheet: &mut Worksheet,
    row: u32,
    text: &str,
    width: u16,
    is_heading: bool,
) -> Result<(), XlsxError> {
    let height = if is_heading {
        HEADING_LINE_POINTS
    } else {
        count_wrapped_lines(text, width) * LINE_POINTS
    };
    worksheet.set_row_height(row, height.min(MAX_ROW_POINTS))?;
    Ok(())
}

/// How high a note must be so that all of its text is seen, in pixels.
pub(super) fn note_height_pixels(text: &str) -> u32 {
    let lines = count_wrapped_lines(text, NOTE_WIDTH_CHARACTERS) + 1;
    (lines * NOTE_LINE_PIXELS).max(MIN_NOTE_HEIGHT_PIXELS)
}

/// Prints a sheet of columns of `width` characters together on A4, landscape and fitted to the width of the page, with its
/// name and the number of the page below. A sheet too wide to be read so is fitted to the width of several pages.
pub(super) fn set_up_pages(worksheet: &mut Worksheet, width: u16) {
    worksheet
        .set_paper_size(PAPER_A4)
        .set_landscape()
        .set_print_fit_to_pages(width.div_ceil(MAX_PAGE_CHARACTERS).max(1), 0)
        .set_margins(0.4, 0.4, 0.5, 0.6, 0.3, 0.3)
        .set_footer("&L&A&RPage &P of &N");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_wraps_at_words_and_long_words_break() {
        for (text, width, lines) in [
            ("", 10, 1),
            ("a", 1, 1),
            ("short", 10, 1),
            ("two words", 10, 1),
            ("two wordss", 10, 2),
            ("one\ntwo\n\nthree", 20, 4),
            ("abcdefghijklmnopqrst", 11, 2),
            ("ab abcdefghijklmnopqrst", 11, 3),
            ("食料協力会", 6, 2),
        ] {
            assert_eq!(count_wrapped_lines(text, width), lines, "{text:?} in {width}");
        }
    }
}
