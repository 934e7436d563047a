//! Rows set aside in a temporary file, so that those of one record can be brought together
//! however far from each other they stand, and memory holds a few numbers of each alone.

use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

use crate::workbook::parse_cell::Raw;

/// What stands in a column of a row.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Held {
    /// A cell that holds something.
    Cell(Raw),
    /// Nothing, as it is part of a merged cell that begins in this row.
    Merged(u32),
}

/// A row of a sheet.
#[derive(Clone, Debug, Default, PartialEq)]
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
        write_row(&mut self.row, row)?;
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
        read_row(&mut self.row.as_slice())
    }
}

fn write_text(to: &mut Vec<u8>, text: &str) -> io::Result<()> {
    let length = u32::try_from(text.len()).map_err(io::Error::other)?;
    to.extend_from_slice(&length.to_le_bytes());
    to.extend_from_slice(text.as_bytes());
    Ok(())
}

fn write_row(to: &mut Vec<u8>, row: &SheetRow) -> io::Result<()> {
    for key in [&row.record, &row.reference] {
        to.push(u8::from(key.is_some()));
        if let Some(key) = key {
            write_text(to, key)?;
        }
    }
    let unread = u32::try_from(row.unread.len()).map_err(io::Error::other)?;
    to.extend_from_slice(&unread.to_le_bytes());
    for (column, text) in &row.unread {
        to.extend_from_slice(&column.to_le_bytes());
        write_text(to, text)?;
    }
    for (column, held) in &row.cells {
        to.extend_from_slice(&column.to_le_bytes());
        let (tag, text) = match held {
            Held::Cell(Raw::Text(text)) => (0, text),
            Held::Cell(Raw::Moment(text)) => (1, text),
            Held::Cell(Raw::Error(text)) => (2, text),
            Held::Cell(Raw::Formula(text)) => (3, text),
            Held::Cell(Raw::Bool(is)) => {
                to.extend_from_slice(&[4, u8::from(*is)]);
                continue;
            }
            Held::Cell(Raw::Number(number)) => {
                to.push(5);
                to.extend_from_slice(&number.to_le_bytes());
                continue;
            }
            Held::Merged(row) => {
                to.push(6);
                to.extend_from_slice(&row.to_le_bytes());
                continue;
            }
        };
        to.push(tag);
        write_text(to, text)?;
    }
    Ok(())
}

fn take<const N: usize>(from: &mut &[u8]) -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    from.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn read_text(from: &mut &[u8]) -> io::Result<String> {
    let length = u32::from_le_bytes(take(from)?) as usize;
    let (text, rest) = from
        .split_at_checked(length)
        .ok_or(io::ErrorKind::UnexpectedEof)?;
    *from = rest;
    String::from_utf8(text.to_vec()).map_err(io::Error::other)
}

fn read_key(from: &mut &[u8]) -> io::Result<Option<String>> {
    let [is_there] = take(from)?;
    if is_there == 0 {
        Ok(None)
    } else {
        read_text(from).map(Some)
    }
}

fn read_row(from: &mut &[u8]) -> io::Result<SheetRow> {
    let mut row = SheetRow {
        record: read_key(from)?,
        reference: read_key(from)?,
        ..SheetRow::default()
    };
    for _ in 0..u32::from_le_bytes(take(from)?) {
        let column = u32::from_le_bytes(take(from)?);
        row.unread.push((column, read_text(from)?));
    }
    while !from.is_empty() {
        let column = u16::from_le_bytes(take(from)?);
        let [tag] = take(from)?;
        let held = match tag {
            0 => Held::Cell(Raw::Text(read_text(from)?)),
            1 => Held::Cell(Raw::Moment(read_text(from)?)),
            2 => Held::Cell(Raw::Error(read_text(from)?)),
            3 => Held::Cell(Raw::Formula(read_text(from)?)),
            4 => Held::Cell(Raw::Bool(take::<1>(from)? != [0])),
            5 => Held::Cell(Raw::Number(f64::from_le_bytes(take(from)?))),
            _ => Held::Merged(u32::from_le_bytes(take(from)?)),
        };
        row.cells.push((column, held));
    }
    Ok(row)
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
