//! The format of answers as CSV files, for spreadsheets.
//!
//! A file has a head and a table. A person first sees the head: the query, the summary, the cautions, the newest change
//! that the answer includes, and the licence under which its numbers may be cited. A program skips to the first empty
//! line, and reads one header row and the rows after it. `docs/spreadsheets.md` explains both.

mod answers;
pub mod http;
mod parameters;
pub mod question;

use std::borrow::Cow;

use crate::error::{Error, Result};
use wayin_engine::statistics::Estimate;

/// Marks the file as UTF-8. Without the mark, Excel reads a CSV file that is opened with a double click in the
/// computer's legacy code page. `LibreOffice` also recognises UTF-8 by the mark. A program that does not know the mark
/// finds it before the first word of the head, not in the name of a column.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The first characters that make a spreadsheet read a text as a formula, or that it drops before a formula. They are
/// those that OWASP lists, with the full-width forms that some spreadsheets treat alike.
const FORMULA_PREFIXES: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '＠'];

#[derive(Clone, Debug, PartialEq)]
enum CsvCell {
    /// Suppressed, not known or not computable.
    Empty,
    /// A text. It is escaped if a spreadsheet would read it as a formula.
    Text(String),
    Integer(i64),
    /// A number in full precision.
    Number(f64),
}

impl CsvCell {
    fn from_text(words: impl Into<String>) -> Self {
        Self::Text(words.into())
    }

    /// The text in the file. A number is the shortest text that parses to the same number, with an exponent if it would
    /// be long. A text is unchanged, unless it looks like a formula.
    fn to_csv_text(&self) -> Cow<'_, str> {
        match self {
            Self::Empty => Cow::Borrowed(""),
            Self::Text(words) if words.starts_with(FORMULA_PREFIXES) => Cow::Owned(format!("'{words}")),
            Self::Text(words) => Cow::Borrowed(words),
            Self::Integer(number) => Cow::Owned(number.to_string()),
            Self::Number(figure) => Cow::Owned(format!("{figure:?}")),
        }
    }
}

impl From<Option<i64>> for CsvCell {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Empty, Self::Integer)
    }
}

impl From<Option<f64>> for CsvCell {
    fn from(figure: Option<f64>) -> Self {
        figure.map_or(Self::Empty, Self::Number)
    }
}

/// A cell each for the value and the two ends of its interval.
fn estimate_cells(estimate: Option<Estimate>) -> [CsvCell; 3] {
    estimate.map_or([const { CsvCell::Empty }; 3], |estimate| {
        [estimate.value, estimate.lower, estimate.upper].map(CsvCell::Number)
    })
}

/// A head of names and values, and one table.
#[derive(Clone, Debug, PartialEq)]
struct CsvFile {
    head: Vec<(&'static str, CsvCell)>,
    columns: Vec<String>,
    rows: Vec<Vec<CsvCell>>,
}

impl CsvFile {
    /// Writes the file. The head and the table are written separately, so that each follows RFC 4180: lines end in CRLF
    /// and have the same number of fields.
    ///
    /// # Errors
    /// [`Error::Internal`] if a row is not as wide as the table.
    fn to_bytes(&self) -> Result<Vec<u8>> {
        let head = self
            .head
            .iter()
            .map(|(name, cell)| vec![Cow::Borrowed(*name), cell.to_csv_text()]);
        let columns = self.columns.iter().map(|name| Cow::Borrowed(name.as_str()));
        let rows = self
            .rows
            .iter()
            .map(|row| row.iter().map(CsvCell::to_csv_text).collect());
        let mut written = BYTE_ORDER_MARK.as_bytes().to_vec();
        write_lines(&mut written, head)?;
        written.extend_from_slice(b"\r\n");
        write_lines(&mut written, std::iter::once(columns.collect()).chain(rows))?;
        Ok(written)
    }
}

fn write_lines<'a>(to: &mut Vec<u8>, rows: impl Iterator<Item = Vec<Cow<'a, str>>>) -> Result<()> {
    let failed = |cause: ::csv::Error| Error::Internal(format!("a file could not be written: {cause}"));
    let mut writer = ::csv::WriterBuilder::new()
        .terminator(::csv::Terminator::CRLF)
        .from_writer(to);
    for row in rows {
        writer
            .write_record(row.iter().map(|cell| cell.as_bytes()))
            .map_err(failed)?;
    }
    writer.flush().map_err(|cause| failed(cause.into()))
}

#[cfg(test)]
mod tests {
    use super::{CsvCell, CsvFile};

    #[test]
    fn text_is_escaped_and_numbers_are_not() {
        for words in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(CsvCell::from_text(words).to_csv_text(), format!("'{words}"));
        }
        for words in [
            "",
            "1",
            "a=b",
            "'=1",
            " =1",
            "Ynys Môn",
            "{\"title\":{\"eq\":\"=1\"}}",
        ] {
            assert_eq!(CsvCell::from_text(words).to_csv_text(), words);
        }
        assert_eq!(CsvCell::Integer(-1).to_csv_text(), "-1");
        for (figure, written) in [
            (-0.25, "-0.25"),
            (1.0, "1.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1.25e-9, "1.25e-9"),
        ] {
            assert_eq!(CsvCell::Number(figure).to_csv_text(), written);
        }
    }

    #[test]
    fn file_has_a_head_a_blank_line_and_a_table() {
        let file = CsvFile {
            head: vec![
                ("about", CsvCell::from_text("A, \"b\"")),
                ("as of change", CsvCell::Integer(7)),
            ],
            columns: vec!["label".into(), "count".into(), "share".into()],
            rows: vec![
                vec![
                    CsvCell::from_text("=x"),
                    CsvCell::Integer(3),
                    CsvCell::Number(0.5),
                ],
                vec![CsvCell::from_text("two\r\nlines"), CsvCell::Empty, CsvCell::Empty],
            ],
        };
        let written = String::from_utf8(file.to_bytes().unwrap()).unwrap();
        assert_eq!(
            written,
            "\u{feff}about,\"A, \"\"b\"\"\"\r\nas of change,7\r\n\r\n\
             label,count,share\r\n'=x,3,0.5\r\n\"two\r\nlines\",,\r\n"
        );
        let ragged = CsvFile {
            rows: vec![vec![CsvCell::Empty]],
            ..file
        };
        assert!(ragged.to_bytes().is_err());
    }
}
