//! Writes records as a CSV table: a row for each record and a column for each field. The title of a column of a list has
//! the position of the item: `fundingTerms.1.durationMonths`.

use std::io::Write;

use serde_json::Value;

use super::columns::{SHEETS, Sheet};
use super::format_cell::{CellFormat, CellValue, format_cell};
use crate::fields::column::{Column, ColumnKind};

/// Without it, Excel reads the file in the code page of the machine.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The maximum length of each list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListLengths([usize; SHEETS.len()]);

impl ListLengths {
    /// Includes a record.
    pub fn extend_for(&mut self, document: &Value) {
        for (width, sheet) in self.0.iter_mut().zip(&SHEETS) {
            let items = sheet
                .list
                .and_then(|list| document.get(list))
                .and_then(Value::as_array);
            *width = (*width).max(items.map_or(0, Vec::len));
        }
    }
}

/// A table of records that is being written.
pub struct CsvRecordWriter<W: Write> {
    writer: csv::Writer<W>,
    widths: ListLengths,
}

impl<W: Write> CsvRecordWriter<W> {
    /// Writes the header of a table for lists of up to these lengths.
    pub fn new(mut output: W, widths: ListLengths) -> csv::Result<Self> {
        output.write_all(BYTE_ORDER_MARK)?;
        let mut table = Self {
            writer: csv::WriterBuilder::new()
                .terminator(csv::Terminator::CRLF)
                .from_writer(output),
            widths,
        };
        let mut header = Vec::new();
        table.for_each_column(|sheet, position, column| {
            header.push(match sheet.list {
                None => column.dotted_path(),
                Some(list) => format!("{list}.{}.{}", position + 1, column.dotted_path()),
            });
        });
        table.writer.write_record(&header)?;
        Ok(table)
    }

    /// Calls `each` for each column.
    fn for_each_column(&self, mut each: impl FnMut(&'static Sheet, usize, &'static Column)) {
        for (sheet, width) in SHEETS.iter().zip(self.widths.0) {
            for position in 0..if sheet.list.is_some() { width } else { 1 } {
                // Tables have amounts in the minor unit, as documents have.
                let columns = sheet
                    .columns
                    .iter()
                    .filter(|column| column.kind != ColumnKind::Money);
                columns.for_each(|column| each(sheet, position, column));
            }
        }
    }

    /// Writes the document of a record.
    pub fn write_record(&mut self, document: &Value) -> csv::Result<()> {
        let mut row = Vec::new();
        self.for_each_column(|sheet, position, column| {
            let part = match sheet.list {
                None => Some(document),
                Some(list) => document.get(list).and_then(|items| items.get(position)),
            };
            let cell = part.map(|part| format_cell(sheet, column, part, CellFormat::Csv));
            row.push(match cell {
                Some(CellValue::Text(text)) => text,
                _ => String::new(),
            });
        });
        self.writer.write_record(&row)
    }

    /// Writes the buffered rows.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}
