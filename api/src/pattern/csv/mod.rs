//! Answers as CSV files, for spreadsheets: what such a file looks like.
//!
//! A file is for two readers. A person who opens it sees first what was asked, the reading,
//! what to mind, as of when it is, and under which licence a figure of it may be cited; then
//! the table. A program skips to the first empty line and reads one header row and the rows
//! after it. `docs/spreadsheets.md` tells both.

mod answers;
pub mod http;
mod parameters;

use std::borrow::Cow;

use crate::error::{Error, Result};
use wayin_engine::statistics::Estimate;

/// Excel takes a CSV file that is opened with a double click for one in the machine's old code
/// page, unless it begins so; `LibreOffice` chooses UTF-8 by it. Readers that know nothing of
/// the mark find it before the first word of the head, not in the name of a column.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// The first characters by which spreadsheets take a text for a formula, or drop what is
/// before one: those that OWASP lists, with the wide forms that some take for the same.
const BEGINS_FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '＠'];

/// A cell.
#[derive(Clone, Debug, PartialEq)]
enum Cell {
    /// Suppressed, not known, or nothing that can be worked out.
    Empty,
    /// Words. They are never written so that a spreadsheet takes them for a formula.
    Text(String),
    /// A whole number.
    Whole(i64),
    /// A figure, as exact as it was worked out.
    Figure(f64),
}

impl Cell {
    fn text(words: impl Into<String>) -> Self {
        Self::Text(words.into())
    }

    /// What is written: the shortest text that reads back as the same number, with an
    /// exponent where it would be long; words as they are, unless they look like a formula.
    fn written(&self) -> Cow<'_, str> {
        match self {
            Self::Empty => Cow::Borrowed(""),
            Self::Text(words) if words.starts_with(BEGINS_FORMULA) => Cow::Owned(format!("'{words}")),
            Self::Text(words) => Cow::Borrowed(words),
            Self::Whole(number) => Cow::Owned(number.to_string()),
            Self::Figure(figure) => Cow::Owned(format!("{figure:?}")),
        }
    }
}

impl From<Option<i64>> for Cell {
    fn from(number: Option<i64>) -> Self {
        number.map_or(Self::Empty, Self::Whole)
    }
}

impl From<Option<f64>> for Cell {
    fn from(figure: Option<f64>) -> Self {
        figure.map_or(Self::Empty, Self::Figure)
    }
}

/// A figure with the two ends of its interval, in a cell each.
fn with_interval(estimate: Option<Estimate>) -> [Cell; 3] {
    estimate.map_or([const { Cell::Empty }; 3], |estimate| {
        [estimate.value, estimate.lower, estimate.upper].map(Cell::Figure)
    })
}

/// A file: a head of names and what they stand for, and one table.
#[derive(Clone, Debug, PartialEq)]
struct File {
    head: Vec<(&'static str, Cell)>,
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl File {
    /// The file as it is sent. The head and the table are written apart from each other, so
    /// that each is as RFC 4180 has it: lines that end in CRLF and have equally many fields.
    ///
    /// # Errors
    /// [`Error::Internal`] where a row is not as wide as the table.
    fn write(&self) -> Result<Vec<u8>> {
        let head = self
            .head
            .iter()
            .map(|(name, cell)| vec![Cow::Borrowed(*name), cell.written()]);
        let columns = self.columns.iter().map(|name| Cow::Borrowed(name.as_str()));
        let rows = self
            .rows
            .iter()
            .map(|row| row.iter().map(Cell::written).collect());
        let mut written = BYTE_ORDER_MARK.as_bytes().to_vec();
        lines(&mut written, head)?;
        written.extend_from_slice(b"\r\n");
        lines(&mut written, std::iter::once(columns.collect()).chain(rows))?;
        Ok(written)
    }
}

fn lines<'a>(to: &mut Vec<u8>, rows: impl Iterator<Item = Vec<Cow<'a, str>>>) -> Result<()> {
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
    use super::{Cell, File};

    #[test]
    fn words_are_no_formulas_and_numbers_stay_numbers() {
        for words in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(Cell::text(words).written(), format!("'{words}"));
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
            assert_eq!(Cell::text(words).written(), words);
        }
        assert_eq!(Cell::Whole(-1).written(), "-1");
        for (figure, written) in [
            (-0.25, "-0.25"),
            (1.0, "1.0"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1.25e-9, "1.25e-9"),
        ] {
            assert_eq!(Cell::Figure(figure).written(), written);
        }
    }

    #[test]
    fn a_file_is_a_head_an_empty_line_and_a_table() {
        let file = File {
            head: vec![
                ("about", Cell::text("A, \"b\"")),
                ("as of change", Cell::Whole(7)),
            ],
            columns: vec!["label".into(), "count".into(), "share".into()],
            rows: vec![
                vec![Cell::text("=x"), Cell::Whole(3), Cell::Figure(0.5)],
                vec![Cell::text("two\r\nlines"), Cell::Empty, Cell::Empty],
            ],
        };
        let written = String::from_utf8(file.write().unwrap()).unwrap();
        assert_eq!(
            written,
            "\u{feff}about,\"A, \"\"b\"\"\"\r\nas of change,7\r\n\r\n\
             label,count,share\r\n'=x,3,0.5\r\n\"two\r\nlines\",,\r\n"
        );
        let ragged = File {
            rows: vec![vec![Cell::Empty]],
            ..file
        };
        assert!(ragged.write().is_err());
    }
}
