//! CSV files with a header, a row at a time.

use std::io::{Chain, Read};

use csv::{ByteRecord, ReaderBuilder, Terminator};

use super::stream::{self, Allowance, Metered};
use super::{FileError, LONGEST_ROW, Refusals, Row};

/// A row under the number of its first line.
type Numbered<T> = (u64, Row<T>);

/// A CSV file past its header.
pub(super) struct Table<'a, R> {
    reader: csv::Reader<Metered<'a, Chain<R, &'static [u8]>>>,
    allowance: &'a Allowance,
    record: ByteRecord,
    /// Whether the record runs to the end of the file within quotation marks.
    is_open: bool,
    header: Vec<String>,
}

impl<'a, R: Read> Table<'a, R> {
    /// Reads the header: the first line that is not blank. `input` has passed
    /// [`stream::text`].
    pub(super) fn open(input: R, allowance: &'a Allowance) -> Result<Self, FileError> {
        Self::open_delimited(input, allowance, b',')
    }

    /// [`Self::open`], with something else between the cells of a row.
    pub(super) fn open_delimited(
        input: R,
        allowance: &'a Allowance,
        delimiter: u8,
    ) -> Result<Self, FileError> {
        // A last line without an end is read and counted like any other.
        let input = input.chain(&b"\n"[..]);
        let reader = ReaderBuilder::new()
            .has_headers(false)
            .flexible(true)
            .delimiter(delimiter)
            // A carriage return stays at the end of the row's last cell, to be
            // trimmed there: the reader counts lines rightly by line feeds alone.
            .terminator(Terminator::Any(b'\n'))
            .from_reader(Metered::new(input, allowance));
        let mut table = Self {
            reader,
            allowance,
            record: ByteRecord::new(),
            is_open: false,
            header: Vec::new(),
        };
        let Some(line) = table.advance()? else {
            return Err(FileError::Empty);
        };
        let mut header = table.cells(line).map_err(|_| FileError::NotText)?;
        while header.last().is_some_and(|title| title.is_empty()) {
            header.pop();
        }
        table.header = header.into_iter().map(str::to_owned).collect();
        Ok(table)
    }

    /// The columns' titles, trimmed.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// The next row that is not blank: its first line, and its cells, trimmed,
    /// one for each title of the header.
    pub(super) fn next_row(&mut self) -> Result<Option<Numbered<Vec<&str>>>, FileError> {
        let Some(line) = self.advance()? else {
            return Ok(None);
        };
        Ok(Some((line, self.cells(line))))
    }

    fn advance(&mut self) -> Result<Option<u64>, FileError> {
        loop {
            self.allowance.limit(LONGEST_ROW);
            let row = self.reader.position().line();
            match self.reader.read_byte_record(&mut self.record) {
                Ok(true) => {}
                Ok(false) => return Ok(None),
                Err(_) if self.allowance.is_spent() => return Err(FileError::EndlessRow { row }),
                Err(error) => return Err(FileError::Unreadable(error.into())),
            }
            // Any other row ends at a line feed, before the end of the file is met.
            self.is_open = self.reader.get_ref().has_ended();
            if self.record.iter().any(|cell| !cell.trim_ascii().is_empty()) {
                let within = self.record.as_slice().split(|b| *b == b'\n').count() - 1;
                let past_the_end = self.reader.position().line();
                return Ok(Some(past_the_end.saturating_sub(1 + within as u64).max(row)));
            }
        }
    }

    fn cells(&self, row: u64) -> Row<Vec<&str>> {
        let mut refusals = Refusals::of(row);
        if self.is_open {
            let reason = "a quotation mark is left open, and what follows is read as part of it";
            refusals.add("", reason);
            return refusals.finish(None);
        }
        let mut cells = Vec::with_capacity(self.record.len());
        for (column, cell) in self.record.iter().enumerate() {
            let title = self.header.get(column).map_or("", String::as_str);
            let text = std::str::from_utf8(cell).map_err(|_| "is not UTF-8 text".to_owned());
            cells.extend(refusals.check(title, text.map(str::trim)));
        }
        if refusals.found.is_empty() && !self.header.is_empty() {
            let titles = self.header.len();
            while cells.len() > titles && cells.last().is_some_and(|cell| cell.is_empty()) {
                cells.pop();
            }
            if cells.len() != titles {
                let reason = format!("has {} cells where the header has {titles}", cells.len());
                refusals.add("", reason);
            }
        }
        refusals.finish(Some(cells))
    }
}

/// The table in `input`, whatever its byte order mark.
pub(super) fn open(input: impl Read, allowance: &Allowance) -> Result<Table<'_, impl Read>, FileError> {
    Table::open(stream::text(input)?, allowance)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[u8]) -> Result<Vec<Numbered<Vec<String>>>, FileError> {
        let allowance = Allowance::unlimited();
        let mut table = open(text, &allowance)?;
        let mut rows = Vec::new();
        while let Some((line, row)) = table.next_row()? {
            rows.push((
                line,
                row.map(|cells| cells.into_iter().map(str::to_owned).collect()),
            ));
        }
        Ok(rows)
    }

    fn good(line: u64, cells: [&str; 2]) -> Numbered<Vec<String>> {
        (line, Ok(cells.map(str::to_owned).to_vec()))
    }

    #[test]
    fn lines_are_counted_past_blank_ones_and_within_quotes() {
        let text = "a,b\n1,2\n\n\"x\ny\",\"3, 4\"\n,\n5,6";
        let expected = vec![
            good(2, ["1", "2"]),
            good(4, ["x\ny", "3, 4"]),
            good(7, ["5", "6"]),
        ];
        assert_eq!(rows(text.as_bytes()).unwrap(), expected);
        let marked = format!("\u{feff}{text}\n");
        assert_eq!(rows(marked.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn carriage_returns_are_no_part_of_a_cell() {
        let text = "a,b\r\n1,2\r\n\r\n\"x\r\ny\",\"z\"\r\n5,6\r\n";
        let expected = vec![good(2, ["1", "2"]), good(4, ["x\r\ny", "z"]), good(6, ["5", "6"])];
        assert_eq!(rows(text.as_bytes()).unwrap(), expected);
    }

    #[test]
    fn a_row_that_does_not_fit_the_header_is_refused() {
        let rows = rows(b"a,b,\n1\n1,2,3\n1,2,,\n\xff,\xfe\n").unwrap();
        let said: Vec<_> = rows
            .into_iter()
            .filter_map(|(_, row)| row.err())
            .flatten()
            .map(|refusal| refusal.to_string())
            .collect();
        assert_eq!(
            said,
            [
                "row 2: has 1 cells where the header has 2",
                "row 3: has 3 cells where the header has 2",
                "row 5, a: is not UTF-8 text",
                "row 5, b: is not UTF-8 text",
            ]
        );
    }

    #[test]
    fn what_is_no_table_is_refused_whole() {
        let cases: [(&[u8], &str); 6] = [
            (b"", "The file is empty."),
            (b"\xef\xbb\xbf", "The file is empty."),
            (b"\n \r\n", "The file is empty."),
            (b"\xff\xfea\0,\0", "not UTF-8"),
            (b"n\xe9e,b\n", "not UTF-8"),
            (b"PK\x03\x04", "save its sheet as CSV"),
        ];
        for (text, reason) in cases {
            let said = rows(text).unwrap_err().to_string();
            assert!(said.contains(reason), "{said}");
        }
    }

    #[test]
    fn an_open_quotation_mark_is_told() {
        let rows = rows(b"a,b\n1,\"2\n\"\n3,\"4\n5,6\n").unwrap();
        assert_eq!(rows[0], good(2, ["1", "2"]));
        let refusal = &rows[1].1.as_ref().unwrap_err()[0];
        assert!(
            refusal
                .to_string()
                .starts_with("row 4: a quotation mark is left open")
        );
        assert_eq!(rows.len(), 2);
    }

    #[test]
    fn an_open_quotation_mark_does_not_swallow_the_file() {
        let text = b"a,b\n1,2\n\"3,4\n".chain(std::io::repeat(b'x').take(1 << 30));
        let allowance = Allowance::unlimited();
        let mut table = open(text, &allowance).unwrap();
        assert!(table.next_row().unwrap().is_some());
        let error = table.next_row().unwrap_err();
        assert!(matches!(error, FileError::EndlessRow { row: 3 }), "{error:?}");
    }
}
