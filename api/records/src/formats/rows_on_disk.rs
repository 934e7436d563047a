//! Writes rows to a temporary file and reads them in any order, so that memory has only a few numbers for each row.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};

use crate::workbook::parse_cell::RawValue;

/// The content of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum CellContent {
    /// A value.
    Cell(RawValue),
    /// None, because the cell is part of a merged range that begins in this row.
    Merged(u32),
}

/// A row of a sheet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct SpilledRow {
    /// The number of the record in an exported workbook.
    pub(super) record: Option<String>,
    /// The reference of the record.
    pub(super) reference: Option<String>,
    /// The content by the index in the table of columns.
    pub(super) cells: Vec<(u16, CellContent)>,
    /// The text in columns that are not known, by their position in the sheet.
    pub(super) unread: Vec<(u32, String)>,
}

/// The position of a row in the temporary file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SpillOffset {
    offset: u64,
    length: u32,
}

pub(super) struct RowSpillWriter {
    file: BufWriter<File>,
    offset: u64,
    row: Vec<u8>,
}

pub(super) struct RowSpillReader {
    file: File,
    row: Vec<u8>,
}

impl RowSpillWriter {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::with_capacity(1 << 18, tempfile::tempfile()?),
            offset: 0,
            row: Vec::new(),
        })
    }

    pub(super) fn write(&mut self, row: &SpilledRow) -> io::Result<SpillOffset> {
        self.row.clear();
        self.row = postcard::to_extend(row, std::mem::take(&mut self.row)).map_err(io::Error::other)?;
        let length = u32::try_from(self.row.len()).map_err(io::Error::other)?;
        self.file.write_all(&self.row)?;
        let place = SpillOffset {
            offset: self.offset,
            length,
        };
        self.offset += u64::from(length);
        Ok(place)
    }

    pub(super) fn finish(self) -> io::Result<RowSpillReader> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(RowSpillReader {
            file,
            row: Vec::new(),
        })
    }
}

impl RowSpillReader {
    pub(super) fn read(&mut self, place: SpillOffset) -> io::Result<SpilledRow> {
        self.file.seek(SeekFrom::Start(place.offset))?;
        self.row.resize(place.length as usize, 0);
        self.file.read_exact(&mut self.row)?;
        postcard::from_bytes(&self.row).map_err(io::Error::other)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spilled_rows_can_be_read_in_any_order() {
        let row = |reference: &str, cells: Vec<(u16, CellContent)>| SpilledRow {
            record: None,
            reference: Some(reference.into()),
            cells,
            unread: vec![(3, reference.into()), (16_000, String::new())],
        };
        let cell = CellContent::Cell;
        let rows = [
            row("a", vec![]),
            row(
                "é",
                vec![
                    (0, cell(RawValue::Text("=1\r\n\u{1}".into()))),
                    (1, cell(RawValue::Moment("2021-04-01".into()))),
                    (2, cell(RawValue::Error("#REF!".into()))),
                    (3, cell(RawValue::Formula("A1".into()))),
                    (4, cell(RawValue::Bool(true))),
                    (500, cell(RawValue::Number(-0.1))),
                    (6, CellContent::Merged(7)),
                ],
            ),
            SpilledRow::default(),
        ];
        let mut writing = RowSpillWriter::new().unwrap();
        let places: Vec<_> = rows.iter().map(|row| writing.write(row).unwrap()).collect();
        let mut spool = writing.finish().unwrap();
        for at in [2, 0, 1, 1] {
            assert_eq!(spool.read(places[at]).unwrap(), rows[at]);
        }
    }
}
