//! Rows set aside in a temporary file, so that those of one record can be brought together
//! however far from each other they stand, and memory holds a few numbers of each alone.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use serde::{Deserialize, Serialize};

use crate::workbook::parse_cell::Raw;

/// What stands in a column of a row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum Held {
    /// A cell that holds something.
    Cell(Raw),
    /// Nothing, as it is part of a merged cell that begins in this row.
    Merged(u32),
}

/// A row of a sheet.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct SheetRow {
    /// What the record is told by in an exported workbook.
    pub(super) record: Option<String>,
    /// What the partner calls the record.
    pub(super) reference: Option<String>,
    /// What each column holds, by its place in the table of columns.
    pub(super) cells: Vec<(u16, Held)>,
    /// What stands under columns that are not known, by where they are in the sheet.
    pub(super) unread: Vec<(u32, String)>,
}

/// Where a row lies in the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    offset: u64,
    length: u32,
}

/// Rows on their way in.
pub(super) struct Writing {
    file: BufWriter<File>,
    offset: u64,
    row: Vec<u8>,
}

/// Rows on their way out.
pub(super) struct Spool {
    file: File,
    row: Vec<u8>,
}

impl Writing {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            file: BufWriter::with_capacity(1 << 18, tempfile::tempfile()?),
            offset: 0,
            row: Vec::new(),
        })
    }

    pub(super) fn put(&mut self, row: &SheetRow) -> io::Result<Place> {
        self.row.clear();
        self.row = postcard::to_extend(row, std::mem::take(&mut self.row)).map_err(io::Error::other)?;
        let length = u32::try_from(self.row.len()).map_err(io::Error::other)?;
        self.file.write_all(&self.row)?;
        let place = Place {
            offset: self.offset,
            length,
        };
        self.offset += u64::from(length);
        Ok(place)
    }

    pub(super) fn finish(self) -> io::Result<Spool> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        Ok(Spool {
            file,
            row: Vec::new(),
        })
    }
}

impl Spool {
    pub(super) fn get(&mut self, place: Place) -> io::Result<SheetRow> {
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
    fn rows_come_back_in_any_order() {
        let row = |reference: &str, cells: Vec<(u16, Held)>| SheetRow {
            record: None,
            reference: Some(reference.into()),
            cells,
            unread: vec![(3, reference.into()), (16_000, String::new())],
        };
        let cell = Held::Cell;
        let rows = [
            row("a", vec![]),
            row(
                "é",
                vec![
                    (0, cell(Raw::Text("=1\r\n\u{1}".into()))),
                    (1, cell(Raw::Moment("2021-04-01".into()))),
                    (2, cell(Raw::Error("#REF!".into()))),
                    (3, cell(Raw::Formula("A1".into()))),
                    (4, cell(Raw::Bool(true))),
                    (500, cell(Raw::Number(-0.1))),
                    (6, Held::Merged(7)),
                ],
            ),
            SheetRow::default(),
        ];
        let mut writing = Writing::new().unwrap();
        let places: Vec<_> = rows.iter().map(|row| writing.put(row).unwrap()).collect();
        let mut spool = writing.finish().unwrap();
        for at in [2, 0, 1, 1] {
            assert_eq!(spool.get(places[at]).unwrap(), rows[at]);
        }
    }
}
