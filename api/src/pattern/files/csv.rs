//! Writes tables as CSV.

use std::borrow::Cow;

use wayin_records::workbook::formula_escape;

use super::details::DetailLine;
use super::tables::{ExportCell, ExportTable};
use crate::error::{Error, Result};

/// Marks the file as UTF-8. Without the mark, Excel reads a CSV file that is opened with a double click in the
/// computer's legacy code page. `LibreOffice` also recognises UTF-8 by the mark.
const BYTE_ORDER_MARK: &str = "\u{feff}";

/// Writes a table: one row of headers, and the rows. If there is a preamble, its lines and an empty line come first.
/// Both parts follow RFC 4180: lines end in CRLF and have the same number of fields.
///
/// # Errors
/// [`Error::Internal`] if a row is not as wide as the table.
pub fn write_csv(table: &ExportTable, preamble: Option<&[DetailLine]>) -> Result<Vec<u8>> {
    let mut written = BYTE_ORDER_MARK.as_bytes().to_vec();
    if let Some(lines) = preamble {
        let lines = lines
            .iter()
            .map(|(name, cell)| vec![Cow::Borrowed(name.as_str()), format_cell(cell)]);
        write_lines(&mut written, lines)?;
        written.extend_from_slice(b"\r\n");
    }
    let columns = table.columns.iter().map(|name| Cow::Borrowed(name.as_str()));
    let rows = table.rows.iter().map(|row| row.iter().map(format_cell).collect());
    write_lines(&mut written, std::iter::once(columns.collect()).chain(rows))?;
    Ok(written)
}

/// The text of a cell in the file. A text is unchanged, unless a spreadsheet would read it as a formula.
fn format_cell(cell: &ExportCell) -> Cow<'_, str> {
    match cell {
        ExportCell::Text(words) if formula_escape::is_formula_like(words) => Cow::Owned(format!("'{words}")),
        ExportCell::Text(words) => Cow::Borrowed(words),
        cell => cell.format_number().map_or(Cow::Borrowed(""), Cow::Owned),
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
    use super::*;

    #[test]
    fn text_is_escaped_and_numbers_are_not() {
        for words in ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", "＝1"] {
            assert_eq!(format_cell(&ExportCell::from_text(words)), format!("'{words}"));
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
            assert_eq!(format_cell(&ExportCell::from_text(words)), words);
        }
        assert_eq!(format_cell(&ExportCell::Integer(-1)), "-1");
        assert_eq!(format_cell(&ExportCell::from_share(Some(-0.25))), "-25.0");
        assert_eq!(format_cell(&ExportCell::Empty), "");
    }

    #[test]
    fn file_has_a_table_and_a_preamble_only_if_asked() {
        let lines = [
            ("about".to_owned(), ExportCell::from_text("A, \"b\"")),
            ("as of change".to_owned(), ExportCell::Integer(7)),
        ];
        let table = ExportTable {
            columns: vec!["group".into(), "initiatives".into(), "share (%)".into()],
            rows: vec![
                vec![
                    ExportCell::from_text("=x"),
                    ExportCell::Integer(3),
                    ExportCell::from_share(Some(0.5)),
                ],
                vec![
                    ExportCell::from_text("two\r\nlines"),
                    ExportCell::Empty,
                    ExportCell::Empty,
                ],
            ],
        };
        let write = |preamble| String::from_utf8(write_csv(&table, preamble).unwrap()).unwrap();
        let rows = "group,initiatives,share (%)\r\n'=x,3,50.0\r\n\"two\r\nlines\",,\r\n";
        assert_eq!(write(None), format!("\u{feff}{rows}"));
        assert_eq!(
            write(Some(&lines)),
            format!("\u{feff}about,\"A, \"\"b\"\"\"\r\nas of change,7\r\n\r\n{rows}")
        );
        let ragged = ExportTable {
            rows: vec![vec![ExportCell::Empty]],
            ..table
        };
        assert!(write_csv(&ragged, None).is_err());
    }
}
