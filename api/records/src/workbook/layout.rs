//! How much text fits into a cell, the heights of rows, so that wrapped text is visible, and the page setup for printing.

use rust_xlsxwriter::{Worksheet, XlsxError};
use unicode_width::UnicodeWidthStr as _;

/// The height of a line of 11-point text.
const LINE_POINTS: u32 = 15;
/// The height of a line of 14-point text, for headings.
const HEADING_LINE_POINTS: u32 = 24;
/// The maximum height of a row.
const MAX_ROW_POINTS: u32 = 409;
/// The number of characters that fit on a line of A4 landscape and are still readable, at 60% of 11 points.
const MAX_PAGE_CHARACTERS: u16 = 225;
/// The number of the paper size A4 in workbooks.
const PAPER_A4: u8 = 9;
pub(super) const NOTE_WIDTH_PIXELS: u32 = 320;
const MIN_NOTE_HEIGHT_PIXELS: u32 = 110;
const NOTE_LINE_PIXELS: u32 = 16;
const NOTE_WIDTH_CHARACTERS: u16 = 48;

/// The maximum length of the text of a cell, in UTF-16 units.
pub const MAX_CELL_UTF16_UNITS: usize = 32_767;

/// Returns the beginning of a text that fits into a cell.
pub fn truncate_to_cell(text: &str) -> &str {
    truncate_to_units(text, MAX_CELL_UTF16_UNITS)
}

/// Returns the beginning of a text that has at most `max` UTF-16 units.
pub fn truncate_to_units(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut units = 0;
    let end = text.char_indices().find(|(_, letter)| {
        units += letter.len_utf16();
        units > max
    });
    end.map_or(text, |(end, _)| &text[..end])
}

/// Counts the lines of a text that wraps in a column of `width` characters. As in spreadsheets, a word breaks only if it
/// is wider than the column.
pub fn count_wrapped_lines(text: &str, width: u16) -> u32 {
    // Widths are in digits, and letters are a little narrower. The padding of a cell takes about one character.
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

/// Sets the height of a row. A row of one line keeps the default height.
pub fn fit_row_height(worksheet: &mut Worksheet, row: u32, lines: u32) -> Result<(), XlsxError> {
    if lines > 1 {
        worksheet.set_row_height(row, (lines * LINE_POINTS).min(MAX_ROW_POINTS))?;
    }
    Ok(())
}

/// Sets the height of a row of the guidance.
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

/// Computes the height of a note in pixels at which all of its text is visible.
pub(super) fn compute_note_height(text: &str) -> u32 {
    let lines = count_wrapped_lines(text, NOTE_WIDTH_CHARACTERS) + 1;
    (lines * NOTE_LINE_PIXELS).max(MIN_NOTE_HEIGHT_PIXELS)
}

/// Sets a sheet of `width` characters up for printing: A4 landscape, fitted to the width of one page, or of several if
/// it would be too small to read, with its name and the page number at the bottom.
pub fn set_up_pages(worksheet: &mut Worksheet, width: u16) {
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
