//! The formats of cells.

use rust_xlsxwriter::{Format, FormatAlign, FormatBorder};

pub(super) const DATE_NUMBER_FORMAT: &str = "yyyy-mm-dd";
pub(super) const MONEY_NUMBER_FORMAT: &str = "#,##0.00##";
pub(super) const TEXT_NUMBER_FORMAT: &str = "@";

pub(super) struct CellFormats {
    pub(super) header: Format,
    /// By the content of a cell: text, text that looks like a formula, number, date, amount.
    pub(super) plain: [Format; 5],
    pub(super) wrong: [Format; 5],
    pub(super) example: [Format; 5],
    pub(super) reasons: [Format; 5],
    pub(super) heading: Format,
    pub(super) paragraph: Format,
}

impl CellFormats {
    pub(super) fn new() -> Self {
        let base = Format::new().set_align(FormatAlign::Top);
        let by_content = |base: &Format| {
            let text = base.clone().set_num_format(TEXT_NUMBER_FORMAT).set_text_wrap();
            [
                text.clone(),
                text.clone().set_quote_prefix(),
                base.clone(),
                base.clone().set_num_format(DATE_NUMBER_FORMAT),
                base.clone().set_num_format(MONEY_NUMBER_FORMAT),
            ]
        };
        let wrong = base
            .clone()
            .set_background_color(0x00FF_C7CE)
            .set_border(FormatBorder::Thin);
        let example = base.clone().set_italic().set_font_color(0x0080_8080);
        Self {
            header: Format::new()
                .set_bold()
                .set_text_wrap()
                .set_align(FormatAlign::Top)
                .set_background_color(0x00DD_EBF7)
                .set_border_bottom(FormatBorder::Thin),
            plain: by_content(&base),
            wrong: by_content(&wrong),
            example: by_content(&example),
            reasons: by_content(&base.clone().set_background_color(0x00FF_F2CC)),
            heading: Format::new().set_bold().set_font_size(14),
            paragraph: base.set_text_wrap(),
        }
    }
}
