//! Records as one flat table: a record a row, and a column for each field, with the position of
//! an item of a list in its name: `fundingTerms.1.durationMonths`.

use std::io::Write;

use serde_json::Value;

use super::columns::{SHEETS, Sheet};
use super::format_cell::{CellFormat, CellValue, format_cell};
use crate::fields::column::{Column, ColumnKind};

/// Excel takes a CSV file for one in the machine's old code page, unless it begins so.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// How many items the longest list of each kind has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ListLengths([usize; SHEETS.len()]);

impl ListLengths {
    /// Makes room for a record.
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

/// A flat table on its way out.
pub struct CsvRecordWriter<W: Write> {
    writer: csv::Writer<W>,
    widths: ListLengths,
}

impl<W: Write> CsvRecordWriter<W> {
    /// A table with room for records as wide as `widths`.
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

    /// The columns, one by one.
    fn for_each_column(&self, mut each: impl FnMut(&'static Sheet, usize, &'static Column)) {
        for (sheet, width) in SHEETS.iter().zip(self.widths.0) {
            for position in 0..if sheet.list.is_some() { width } else { 1 } {
                // The amount stands in its minor unit, as a record's document has it.
                for column in sheet
                    .columns
                    .iter()
                    .filter(|column| column.kind != ColumnKind::Money)
                {
                    each(sheet, position, column);
                }
            }
        }
    }

    /// Writes a record's document.
    pub fn write_record(&mut self, document: &Value) -> csv::Result<()> {
        let mut row = Vec::new();
        self.for_each_column(|sheet, position, column| {
            let part = match sheet.list {
                None => Some(document),
                Some(list) => document.get(list).and_then(|items| items.get(position)),
            };
            row.push(
                match part.map(|part| format_cell(sheet, column, part, CellFormat::Csv)) {
                    Some(CellValue::Text(text)) => text,
                    _ => String::new(),
                },
            );
        });
        self.writer.write_record(&row)
    }

    /// Writes what is left to write.
    pub fn finish(mut self) -> std::io::Result<()> {
        self.writer.flush()
    }
}
