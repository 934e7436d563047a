//! A board paper as a PDF of one page of A4: with the text as text, in the fonts of the service, and with tags that
//! screen readers follow. It knows nothing of the database, GraphQL or HTTP.

mod layout;
mod text;
mod writer;

use chrono::NaiveDate;
use resvg::usvg;

use self::layout::lay_out;
use self::text::FontMetrics;

/// How many columns the table has.
pub const COLUMNS: usize = 5;

/// What a board paper says. The texts may be long: the cautions and the pictures then get less space.
#[derive(Clone, Debug)]
pub struct PaperContents {
    pub title: String,
    /// The day, what the answers rest on, and as of when.
    pub basis: String,
    /// That the evidence is illustrative, and what this means. None if it is not.
    pub illustrative_mark: Option<(&'static str, &'static str)>,
    /// The findings, or one sentence that there are none.
    pub headlines: Vec<String>,
    pub table_caption: &'static str,
    /// The first column has questions and the last one verdicts. The others have figures.
    pub table_headings: [&'static str; COLUMNS],
    pub rows: Vec<AnswerRow>,
    pub pictures: Vec<PaperPicture>,
    pub caution_heading: &'static str,
    /// The caution that is never left out.
    pub first_caution: &'static str,
    /// The other cautions, the ones to leave out last first.
    pub cautions: Vec<String>,
    pub citation: String,
    /// Where the paper is on the web.
    pub address: String,
    /// The day on which it is written.
    pub day: NaiveDate,
}

/// The answer to a question.
#[derive(Clone, Debug)]
pub struct AnswerRow {
    pub cells: [String; COLUMNS],
    /// Whether it shows a clear difference, which the verdict then emphasises.
    pub is_clear: bool,
}

/// A picture of a board paper.
#[derive(Clone, Debug)]
pub struct PaperPicture {
    pub svg: String,
    pub width: f32,
    pub height: f32,
    pub title: String,
    /// The same in words, for those who do not see it.
    pub description: String,
    /// What its figures rest on. Empty if it is what the whole paper rests on.
    pub source: String,
}

/// Why a board paper cannot be a PDF.
#[derive(Debug, thiserror::Error)]
pub enum PdfError {
    #[error("The font of the service cannot be read.")]
    Font,
    #[error("A picture cannot be read: {0}")]
    Picture(#[from] usvg::Error),
    #[error("The board paper does not fit on one page.")]
    DoesNotFit,
    #[error("The PDF cannot be written: {0}")]
    Write(String),
}

/// The bytes of the PDF. The same contents give the same bytes.
///
/// # Errors
/// [`PdfError`]: the texts do not fit on a page, or a picture is none.
pub fn write_pdf(contents: &PaperContents) -> Result<Vec<u8>, PdfError> {
    let layout = lay_out(contents, &FontMetrics::load()?)?;
    writer::write(contents, &layout)
}

#[cfg(test)]
mod tests;
