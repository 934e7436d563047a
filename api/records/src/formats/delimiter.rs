//! Detects the character that separates the cells of a table.

use std::io::{Cursor, Read};

use super::MAX_ROW_BYTES;

/// The possible delimiters, the most likely first.
const DELIMITERS: [u8; 4] = [b',', b';', b'\t', b'|'];

/// Returns whether a cell may begin after a byte.
pub(super) fn can_precede_a_cell(byte: u8) -> bool {
    matches!(byte, b'\n' | b'\r') || DELIMITERS.contains(&byte)
}

/// Detects the delimiter and returns it with the text of the table.
///
/// A first line such as `sep=;`, as Excel writes it, names the delimiter. Otherwise, it is the most frequent of comma,
/// semicolon, tab and vertical bar in the header outside quotation marks.
pub(super) fn detect_delimiter(mut input: impl Read) -> std::io::Result<(impl Read, u8)> {
    let mut start = Vec::new();
    let mut header = HeaderScan::default();
    let mut buffer = [0; 4096];
    while !header.is_complete && start.len() < MAX_ROW_BYTES {
        let read = input.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        header.scan(&buffer[..read]);
        start.extend_from_slice(&buffer[..read]);
    }
    let end = memchr::memchr(b'\n', &start).unwrap_or(start.len());
    let delimiter = match parse_separator_line(&start[..end]) {
        Some(named) => {
            // Spreadsheets do not show this line as a row.
            start.drain(..(end + 1).min(start.len()));
            named
        }
        None => header.most_frequent_delimiter(),
    };
    Ok((Cursor::new(start).chain(input), delimiter))
}

/// Parses a line such as `sep=;`.
fn parse_separator_line(line: &[u8]) -> Option<u8> {
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    let line = line.strip_prefix(b"\"").unwrap_or(line);
    let (name, after) = line.split_at_checked(4)?;
    if !name.eq_ignore_ascii_case(b"sep=") {
        return None;
    }
    let (delimiter, rest) = after.split_first()?;
    // A program that read the line as a row may have added empty cells.
    let is_alone = rest
        .iter()
        .all(|byte| byte == delimiter || matches!(byte, b'"' | b' '));
    let can_separate = *delimiter == b'\t' || (delimiter.is_ascii_punctuation() && *delimiter != b'"');
    (is_alone && can_separate).then_some(*delimiter)
}

/// Counts the delimiters in the first line that is not blank.
#[derive(Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "the state of a scanner")]
struct HeaderScan {
    counts: [usize; DELIMITERS.len()],
    is_quoted: bool,
    /// Whether the scan is within a cell, where a quotation mark opens no quotation.
    is_in_cell: bool,
    has_content: bool,
    is_complete: bool,
}

impl HeaderScan {
    fn scan(&mut self, bytes: &[u8]) {
        for byte in bytes {
            if self.is_complete {
                return;
            }
            if self.is_quoted {
                self.is_quoted = *byte != b'"';
                // Two quotation marks in a row are one within the cell.
                self.is_in_cell = self.is_quoted;
                continue;
            }
            let found = DELIMITERS.iter().position(|delimiter| delimiter == byte);
            match (byte, found) {
                (b'"', _) => self.is_quoted = !self.is_in_cell,
                (b'\n', _) if !self.has_content => self.counts = [0; DELIMITERS.len()],
                (b'\n', _) => self.is_complete = true,
                (_, Some(at)) => self.counts[at] += 1,
                _ => {}
            }
            self.is_in_cell = found.is_none() && *byte != b'\n';
            self.has_content |= !byte.is_ascii_whitespace() && found.is_none();
        }
    }

    fn most_frequent_delimiter(&self) -> u8 {
        let mut most = 0;
        for (at, count) in self.counts.iter().enumerate() {
            if *count > self.counts[most] {
                most = at;
            }
        }
        DELIMITERS[most]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn detect(text: &str) -> (char, String) {
        let (mut input, delimiter) = detect_delimiter(text.as_bytes()).unwrap();
        let mut read = String::new();
        input.read_to_string(&mut read).unwrap();
        (char::from(delimiter), read)
    }

    #[test]
    fn delimiter_is_detected_from_the_header() {
        for (text, delimiter) in [
            ("a,b\n", ','),
            ("a;b;\"c,d,e,f\"\n1,5;2;3", ';'),
            ("a\tb", '\t'),
            ("a|b\n", '|'),
            ("title", ','),
            ("\n ;;\r\na,b\n", ','),
            // A quotation mark within a cell quotes nothing.
            ("5\" pipe;length, in m;width\n", ';'),
            ("\"a;\n;\";b,c\n;;;;", ','),
            ("\"a \"\"x;;;\"\"\",b\n", ','),
        ] {
            assert_eq!(detect(text), (delimiter, text.to_owned()), "{text:?}");
        }
    }

    #[test]
    fn sep_line_names_the_delimiter() {
        for (line, delimiter) in [
            ("sep=;", ';'),
            ("SEP=,", ','),
            ("sep=\t", '\t'),
            ("\"sep=^\"", '^'),
            ("sep=;;;;", ';'),
            ("sep=|\r", '|'),
        ] {
            let (named, read) = detect(&format!("{line}\na;b,c\n"));
            assert_eq!((named, read.trim()), (delimiter, "a;b,c"), "{line:?}");
            assert_eq!(read.matches('\n').count(), 1, "{line:?}");
        }
        for line in ["sep=", "sep=x", "sep=;x", "separator;name"] {
            assert!(detect(&format!("{line}\n")).1.starts_with(line), "{line:?}");
        }
    }
}
