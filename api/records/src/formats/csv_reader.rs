//! Reads CSV tables row by row, for grants, places and records.
//!
//! [`encoding`] detects the encoding and [`delimiter`] the delimiter. A line ends with a line feed, a carriage return or
//! both. A row with fewer cells than the header gets empty cells. A row with more cells is an error, unless they are
//! empty.

use std::io::{Chain, Read, Seek};

use csv::{ByteRecord, ReaderBuilder, Terminator};

use super::encoding::TextKind;
use super::stream::{ByteAllowance, MeteredReader};
use super::{FileError, MAX_ROW_BYTES, Notes, RowProblem, RowProblems, delimiter, encoding, require_rows};
use crate::money::DecimalSign;

/// A row, with its number in a spreadsheet.
type NumberedRow<T> = (u64, Result<T, Vec<RowProblem>>);

/// The text of a table, with a line end after the last line.
type CsvText<'a> = Chain<Box<dyn Read + 'a>, &'static [u8]>;

/// A table after its header.
pub(super) struct CsvTable<'a> {
    reader: csv::Reader<MeteredReader<'a, CsvText<'a>>>,
    allowance: &'a ByteAllowance,
    record: ByteRecord,
    /// Whether a quotation mark is open at the end of the file.
    has_open_quote: bool,
    header: Vec<String>,
    decimal_sign: DecimalSign,
    has_rows: bool,
    /// The number of line ends in cells so far. A spreadsheet shows each record as one row, and each blank line as a blank
    /// row.
    lines_within_cells: u64,
}

impl<'a> CsvTable<'a> {
    /// Reads the header, which is the first line that is not blank.
    pub(super) fn open(
        input: impl Read + Seek + 'a,
        allowance: &'a ByteAllowance,
        notes: &mut Notes,
    ) -> Result<Self, FileError> {
        let (input, delimiter) =
            delimiter::detect_delimiter(encoding::open_as_utf8(input, TextKind::Table, notes)?)?;
        let separated = match delimiter {
            b',' => None,
            b';' => Some("semicolons".to_owned()),
            b'\t' => Some("tabs".to_owned()),
            other => Some(format!("\"{}\"", char::from(other))),
        };
        if let Some(separated) = separated {
            notes.add(format!("The columns are separated by {separated}."));
        }
        // With a line end, the last line is read and counted as the others.
        let input = (Box::new(input) as Box<dyn Read + 'a>).chain(&b"\n"[..]);
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            // The reader counts lines correctly only by line feeds. Carriage returns are trimmed from cells.
            .terminator(Terminator::Any(b'\n'))
            .from_reader(MeteredReader::new(input, allowance));
        let mut table = Self {
            reader,
            allowance,
            record: ByteRecord::new(),
            has_open_quote: false,
            header: Vec::new(),
            decimal_sign: match delimiter {
                b';' | b'\t' => DecimalSign::PointOrComma,
                _ => DecimalSign::Point,
            },
            has_rows: false,
            lines_within_cells: 0,
        };
        let Some(line) = table.read_record()? else {
            return Err(FileError::Empty);
        };
        let header = table.validate_cells(line).map_err(|problems| {
            let is_open = table.has_open_quote;
            let reason = problems.into_iter().next().map(|problem| problem.reason);
            reason
                .filter(|_| is_open)
                .map_or(FileError::NotText, FileError::Header)
        })?;
        table.header = header.into_iter().map(clean_title).collect();
        while table.header.last().is_some_and(String::is_empty) {
            table.header.pop();
        }
        Ok(table)
    }

    /// The titles of the columns, with single spaces.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// The decimal sign of the table.
    pub(super) const fn decimal_sign(&self) -> DecimalSign {
        self.decimal_sign
    }

    /// Reads the next row that is not blank: its number in a spreadsheet, and a trimmed cell for each title. A table without
    /// rows is an error.
    pub(super) fn next_row(&mut self) -> Result<Option<NumberedRow<Vec<&str>>>, FileError> {
        let Some(line) = self.read_record()? else {
            return require_rows(self.has_rows).map(|()| None);
        };
        self.has_rows = true;
        Ok(Some((line, self.validate_cells(line))))
    }

    /// Returns the trimmed cells of the last row, even if it is invalid. Invalid bytes become U+FFFD.
    pub(super) fn last_cells(&self) -> Vec<String> {
        let text = |cell| String::from_utf8_lossy(cell).trim().to_owned();
        self.record.iter().map(text).collect()
    }

    fn read_record(&mut self) -> Result<Option<u64>, FileError> {
        loop {
            self.allowance.limit(MAX_ROW_BYTES);
            let row = self.reader.position().line() - self.lines_within_cells;
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(_) if self.allowance.is_spent() => return Err(FileError::EndlessRow { row }),
                Err(error) => return Err(FileError::Unreadable(error.into())),
            }
            // All other rows end at a line feed, before the end of the file.
            self.has_open_quote = self.reader.get_ref().has_ended();
            let within = self.record.as_slice().split(|b| *b == b'\n').count() - 1;
            self.lines_within_cells += within as u64;
            if self.record.iter().any(|cell| !is_blank(cell)) {
                // The reader skips blank lines before a record, so the row is counted from its end.
                let past_the_end = self.reader.position().line() - self.lines_within_cells;
                return Ok(Some(past_the_end.saturating_sub(1).max(row)));
            }
        }
    }

    fn validate_cells(&self, row: u64) -> Result<Vec<&str>, Vec<RowProblem>> {
        let mut problems = RowProblems::for_row(row);
        if self.has_open_quote {
            let reason = "a quotation mark is left open, and what follows is read as part of it";
            problems.add_error("", reason);
            return Err(problems.errors);
        }
        let mut cells = Vec::with_capacity(self.record.len().max(self.header.len()));
        for (column, cell) in self.record.iter().enumerate() {
            let title = self.header.get(column).map_or("", String::as_str);
            let text = std::str::from_utf8(cell)
                .map_err(|_| "is not UTF-8 text; save the file again as \"CSV UTF-8\"".to_owned());
            cells.extend(problems.check(title, text.map(str::trim)));
        }
        if problems.errors.is_empty() && !self.header.is_empty() {
            let titles = self.header.len();
            while cells.len() > titles && cells.last().is_some_and(|cell| cell.is_empty()) {
                cells.pop();
            }
            if cells.len() > titles {
                let reason = format!(
                    "has {} cells, and the header has {titles}; put a cell that contains the separator in quotation marks",
                    cells.len()
                );
                problems.add_error("", reason);
            }
            cells.resize(titles, "");
        }
        if problems.errors.is_empty() {
            Ok(cells)
        } else {
            Err(problems.errors)
        }
    }
}

/// Returns whether a cell has nothing but white space.
fn is_blank(cell: &[u8]) -> bool {
    std::str::from_utf8(cell).is_ok_and(|text| text.trim().is_empty())
}

/// Removes invisible characters from a title and replaces each run of white space with one space.
pub(super) fn clean_title(cell: &str) -> String {
    let visible = cell.replace(['\u{feff}', '\u{200b}', '\u{2060}', '\u{ad}'], "");
    visible.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    fn read_rows(text: &[u8]) -> Result<Vec<NumberedRow<Vec<String>>>, FileError> {
        let allowance = ByteAllowance::unlimited();
        let mut table = CsvTable::open(Cursor::new(text), &allowance, &mut Notes::default())?;
        let mut rows = Vec::new();
        while let Some((line, row)) = table.next_row()? {
            rows.push((
                line,
                row.map(|cells| cells.into_iter().map(str::to_owned).collect()),
            ));
        }
        Ok(rows)
    }

    fn valid_row(line: u64, cells: [&str; 2]) -> NumberedRow<Vec<String>> {
        (line, Ok(cells.map(str::to_owned).to_vec()))
    }

    #[test]
    fn row_numbers_match_a_spreadsheet() {
        let text = "a,b\n1,2\n\n\"x\ny\",\"3, 4\"\n,\n5,6";
        let expected = vec![
            valid_row(2, ["1", "2"]),
            valid_row(4, ["x\ny", "3, 4"]),
            valid_row(6, ["5", "6"]),
        ];
        assert_eq!(read_rows(text.as_bytes()).unwrap(), expected);
        // LibreOffice shows the same rows: a blank line, and one of blank cells, is a row of its own.
        let blank = "a,b\r\n1,\"x\r\ny\r\nz\"\r\n\r\n\"\n\",\r\n   \r\n,\r\n3,4\r\n";
        let expected_of_blank = vec![valid_row(2, ["1", "x\r\ny\r\nz"]), valid_row(7, ["3", "4"])];
        assert_eq!(read_rows(blank.as_bytes()).unwrap(), expected_of_blank);
        let marked = format!("\u{feff}{text}\n");
        assert_eq!(read_rows(marked.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn carriage_returns_are_stripped_from_cells() {
        let text = "a,b\r\n1,2\r\n\r\n\"x\r\ny\",\"z\"\r\n5,6\r\n";
        let expected = vec![
            valid_row(2, ["1", "2"]),
            valid_row(4, ["x\r\ny", "z"]),
            valid_row(5, ["5", "6"]),
        ];
        assert_eq!(read_rows(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn row_with_the_wrong_number_of_cells_is_rejected() {
        let rows = read_rows(b"a,b,\n1\n1,2,3\n1,2,,\n\xff,\xfe\n\xc3\xa9,\xc3\xa9\xc3\xa9\n").unwrap();
        assert_eq!(rows[0], valid_row(2, ["1", ""]));
        assert_eq!(rows[2], valid_row(4, ["1", "2"]));
        let said: Vec<_> = rows
            .into_iter()
            .filter_map(|(_, row)| row.err())
            .flatten()
            .map(|problem| problem.to_string())
            .collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        row 3: has 3 cells, and the header has 2; put a cell that contains the separator in quotation marks
        row 5, a: is not UTF-8 text; save the file again as "CSV UTF-8"
        row 5, b: is not UTF-8 text; save the file again as "CSV UTF-8"
        "#);
    }

    #[test]
    fn file_that_is_not_a_table_is_rejected() {
        let cases: [(&[u8], &str); 8] = [
            (b"", "The file is empty."),
            (b"\xef\xbb\xbf", "The file is empty."),
            (b"\n \r\n", "The file is empty."),
            (b"\xff\xfea\0,\0", "no rows to import"),
            (b"a,b\n\xc2\xa0,\n", "no rows to import"),
            (b"n\x81e,b\n", "neither UTF-8 nor"),
            (b"a,\"b\n1,2\n", "a quotation mark is left open"),
            (b"PK\x03\x04", "save its sheet as CSV"),
        ];
        for (text, reason) in cases {
            let said = read_rows(text).unwrap_err().to_string();
            assert!(said.contains(reason), "{said}");
        }
    }

    #[test]
    fn every_kind_of_line_end_is_accepted() {
        let expected = vec![
            valid_row(2, ["1", "2"]),
            valid_row(4, ["x\ny", "3"]),
            valid_row(5, ["5", "6"]),
        ];
        for text in [
            "a,b\r1,2\r\r\"x\ry\",3\r5,6",
            "a,b\r\n1,2\r\r\n\"x\r\ny\",3\r5,6\n",
        ] {
            assert_eq!(read_rows(text.as_bytes()).unwrap(), expected, "{text:?}");
        }
    }

    #[test]
    fn white_space_in_a_title_becomes_one_space() {
        let allowance = ByteAllowance::unlimited();
        let text = "\u{feff}\u{feff}Recipient\u{a0}Org: \u{2003}Name ,b\u{200b}\n1,2\n";
        let table = CsvTable::open(Cursor::new(text), &allowance, &mut Notes::default()).unwrap();
        assert_eq!(table.header(), ["Recipient Org: Name", "b"]);
    }

    #[test]
    fn delimiter_is_noted() {
        for (text, sign, note) in [
            (
                "a;b\n1;2\n",
                DecimalSign::PointOrComma,
                Some("The columns are separated by semicolons."),
            ),
            (
                "a\tb\n1\t2\n",
                DecimalSign::PointOrComma,
                Some("The columns are separated by tabs."),
            ),
            (
                "a|b\n1|2\n",
                DecimalSign::Point,
                Some("The columns are separated by \"|\"."),
            ),
            ("a,b\n1,2\n", DecimalSign::Point, None),
        ] {
            let (allowance, mut notes) = (ByteAllowance::unlimited(), Notes::default());
            let mut table = CsvTable::open(Cursor::new(text), &allowance, &mut notes).unwrap();
            assert_eq!(table.next_row().unwrap().unwrap().1.unwrap(), ["1", "2"]);
            assert_eq!(table.decimal_sign(), sign);
            assert_eq!(notes.into_iter().next().as_deref(), note);
        }
    }

    #[test]
    fn unclosed_quote_is_reported() {
        let rows = read_rows(b"a,b\n1,\"2\n\"\n3,\"4\n5,6\n").unwrap();
        assert_eq!(rows[0], valid_row(2, ["1", "2"]));
        let problem = &rows[1].1.as_ref().unwrap_err()[0];
        assert!(
            problem
                .to_string()
                .starts_with("row 3: a quotation mark is left open")
        );
        assert_eq!(rows.len(), 2);
    }

    #[test]
    fn unclosed_quote_does_not_consume_the_file() {
        let text = format!("a,b\n1,2\n\"3,4\n{}", "x".repeat(MAX_ROW_BYTES * 2));
        let allowance = ByteAllowance::unlimited();
        let mut table = CsvTable::open(Cursor::new(text), &allowance, &mut Notes::default()).unwrap();
        assert!(table.next_row().unwrap().is_some());
        let error = table.next_row().unwrap_err();
        assert!(matches!(error, FileError::EndlessRow { row: 3 }), "{error:?}");
    }
}
