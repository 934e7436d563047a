//! OpenDocument spreadsheets, read cell by cell: what is repeated is never written out, and no
//! sheet is held whole.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use quick_xml::Reader;
use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::read::ZipFile;

use super::records::Limits;
use super::workbook_records::{EachCell, MOST_MERGED, Merged, Workbook};
use super::{FileError, LONGEST_ROW, archive};
use crate::workbook::parse_cell;
use crate::workbook::parse_cell::Raw;

/// The part that holds every sheet.
const CONTENT: &str = "content.xml";
/// The rows and columns that a sheet can have.
const MOST_ROWS: u32 = 1_048_576;
const MOST_COLUMNS: u32 = 16_384;
/// The most cells that are handed on, repeated ones counted each time.
const MOST_CELLS: u64 = 50_000_000;

/// A spreadsheet whose archive has been looked over.
pub(super) struct Book<R: Read + Seek> {
    archive: ZipArchive<R>,
    /// Its sheets with their merged cells, in order.
    sheets: Vec<(String, Vec<Merged>)>,
}

impl<R: Read + Seek> Book<R> {
    pub(super) fn open(mut input: R, length: u64, limits: &Limits) -> Result<Self, FileError> {
        if is_locked(&mut input)? {
            return Err(FileError::Locked);
        }
        input.seek(SeekFrom::Start(0))?;
        archive::examine(&mut input, length, limits)?;
        input.seek(SeekFrom::Start(0))?;
        let archive = ZipArchive::new(input).map_err(|_| FileError::Damaged)?;
        let mut book = Self {
            archive,
            sheets: Vec::new(),
        };
        let mut sheets = Vec::new();
        book.content()?.each_table(&mut |table| {
            sheets.push((table.name.clone(), table.merged()?));
            Ok(ControlFlow::Continue(()))
        })?;
        book.sheets = sheets;
        Ok(book)
    }

    fn content(&mut self) -> Result<Content<'_, R>, FileError> {
        let part = self.archive.by_name(CONTENT).map_err(|_| FileError::Damaged)?;
        let mut reader = Reader::from_reader(BufReader::new(part));
        reader.config_mut().expand_empty_elements = true;
        Ok(Content {
            reader,
            buffer: Vec::new(),
        })
    }
}

/// Whether the file says that its parts are encrypted.
fn is_locked(input: impl Read + Seek) -> Result<bool, FileError> {
    let mut archive = ZipArchive::new(input).map_err(|_| FileError::Damaged)?;
    let Ok(part) = archive.by_name("META-INF/manifest.xml") else {
        return Ok(false);
    };
    let mut manifest = Vec::new();
    part.take(1 << 20)
        .read_to_end(&mut manifest)
        .map_err(|_| FileError::Damaged)?;
    Ok(memchr::memmem::find(&manifest, b"encryption-data").is_some())
}

impl<R: Read + Seek> Workbook for Book<R> {
    fn sheets(&self) -> Vec<String> {
        self.sheets.iter().map(|(name, _)| name.clone()).collect()
    }

    fn merged(&mut self, sheet: &str) -> Result<Vec<Merged>, FileError> {
        let named = self.sheets.iter().find(|(name, _)| name == sheet);
        Ok(named.map(|(_, merged)| merged.clone()).unwrap_or_default())
    }

    fn walk(&mut self, sheet: &str, each: &mut EachCell<'_>) -> Result<(), FileError> {
        self.content()?.each_table(&mut |table| {
            if table.name != sheet {
                return Ok(ControlFlow::Continue(()));
            }
            table.cells(each)?;
            Ok(ControlFlow::Break(()))
        })
    }
}

/// The sheets of a file, on their way in.
struct Content<'a, R: Read> {
    reader: Reader<BufReader<ZipFile<'a, R>>>,
    buffer: Vec<u8>,
}

/// A sheet that has begun.
struct Table<'b, 'a, R: Read> {
    content: &'b mut Content<'a, R>,
    name: String,
    is_read: bool,
}

fn damaged(_: impl std::error::Error) -> FileError {
    FileError::Damaged
}

/// The value of an attribute, by its name without a prefix.
pub(super) fn attribute(tag: &BytesStart<'_>, named: &str) -> Result<Option<String>, FileError> {
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(damaged)?;
        if attribute.key.local_name().as_ref() == named {
            return Ok(Some(unescape(&attribute.value).map_err(damaged)?.into_owned()));
        }
    }
    Ok(None)
}

fn repeats(tag: &BytesStart<'_>, named: &str, most: u32) -> Result<u32, FileError> {
    let Some(said) = attribute(tag, named)? else {
        return Ok(1);
    };
    let said: u64 = said.parse().map_err(damaged)?;
    Ok(u32::try_from(said).unwrap_or(u32::MAX).clamp(1, most))
}

/// Whether to go on.
type Next = Result<ControlFlow<()>, FileError>;

impl<'a, R: Read + Seek> Content<'a, R> {
    fn each_table(&mut self, each: &mut dyn FnMut(&mut Table<'_, 'a, R>) -> Next) -> Result<(), FileError> {
        loop {
            self.buffer.clear();
            let name = match self.reader.read_event_into(&mut self.buffer).map_err(damaged)? {
                Event::Start(tag) if tag.local_name().as_ref() == "table" => attribute(&tag, "name")?,
                Event::Start(tag) if tag.local_name().as_ref() == "tracked-changes" => {
                    let end = tag.to_end().into_owned();
                    self.skip(end.name().as_ref())?;
                    continue;
                }
                Event::Eof => return Ok(()),
                _ => continue,
            };
            let mut table = Table {
                content: self,
                name: name.unwrap_or_default(),
                is_read: false,
            };
            if each(&mut table)?.is_break() {
                return Ok(());
            }
            if !table.is_read {
                table.rows(None, &mut |_, _| {})?;
            }
        }
    }

    /// Passes over everything up to the end of an element that has begun.
    fn skip(&mut self, name: &str) -> Result<(), FileError> {
        let mut depth = 1;
        while depth > 0 {
            self.buffer.clear();
            match self.reader.read_event_into(&mut self.buffer).map_err(damaged)? {
                Event::Start(tag) if tag.name().as_ref() == name => depth += 1,
                Event::End(tag) if tag.name().as_ref() == name => depth -= 1,
                Event::Eof => return Err(FileError::Damaged),
                _ => {}
            }
        }
        Ok(())
    }
}

/// What a cell's tag says of it.
#[derive(Debug, Default)]
struct Tag {
    kind: String,
    value: Option<String>,
    formula: Option<String>,
    is_error: bool,
    columns: u32,
    spans: (u32, u32),
}

impl Tag {
    fn read(tag: &BytesStart<'_>) -> Result<Self, FileError> {
        let mut read = Self {
            columns: 1,
            spans: (1, 1),
            ..Self::default()
        };
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(damaged)?;
            let value = unescape(&attribute.value).map_err(damaged)?;
            let number = |most: u32| value.parse::<u32>().unwrap_or(most).clamp(1, most);
            match attribute.key.as_ref() {
                "office:value-type" => read.kind = value.into_owned(),
                "calcext:value-type" => read.is_error = value == "error",
                "office:value"
                | "office:string-value"
                | "office:date-value"
                | "office:time-value"
                | "office:boolean-value" => read.value = Some(value.into_owned()),
                "table:formula" => read.formula = Some(value.into_owned()),
                "table:number-columns-repeated" => read.columns = number(MOST_COLUMNS),
                "table:number-columns-spanned" => read.spans.1 = number(MOST_COLUMNS),
                "table:number-rows-spanned" => read.spans.0 = number(MOST_ROWS),
                _ => {}
            }
        }
        Ok(read)
    }

    /// What the cell holds, where there is something in it.
    fn raw(self, text: String) -> Option<Raw> {
        if self.is_error {
            return Some(Raw::Error(text));
        }
        let value = self.value.unwrap_or_default();
        match self.kind.as_str() {
            "float" | "percentage" | "currency" => Some(
                value
                    .parse()
                    .map_or_else(|_| Raw::Text(value.clone()), Raw::Number),
            ),
            "date" => Some(Raw::Moment(parse_cell::plain_moment(&value))),
            "boolean" => Some(Raw::Bool(value == "true")),
            "time" => Some(Raw::Text(if text.is_empty() { value } else { text })),
            "" if text.is_empty() => self.formula.map(Raw::Formula),
            _ => {
                let held = if text.is_empty() { value } else { text };
                (!held.is_empty()).then_some(Raw::Text(held))
            }
        }
    }
}

impl<R: Read + Seek> Table<'_, '_, R> {
    /// The merged cells of the sheet.
    fn merged(&mut self) -> Result<Vec<Merged>, FileError> {
        let mut merged = Vec::new();
        self.rows(None, &mut |at, spans| {
            if merged.len() <= MOST_MERGED {
                merged.push(Merged {
                    first: at,
                    last: (at.0.saturating_add(spans.0 - 1), at.1.saturating_add(spans.1 - 1)),
                });
            }
        })?;
        Ok(merged)
    }

    /// Hands on each cell that holds something.
    fn cells(&mut self, each: &mut EachCell<'_>) -> Result<(), FileError> {
        self.rows(Some(each), &mut |_, _| {})
    }

    /// Goes through the rows, and hands on the cells where somebody wants them.
    fn rows(
        &mut self,
        mut each: Option<&mut EachCell<'_>>,
        spanned: &mut dyn FnMut((u32, u32), (u32, u32)),
    ) -> Result<(), FileError> {
        self.is_read = true;
        let (mut row, mut column) = (0_u32, 0_u32);
        let mut times = 1;
        // The cells of a row that stands several times.
        let mut held: Vec<(u32, u32, Raw)> = Vec::new();
        let mut size = 0;
        let mut cells = 0;
        let mut depth = 1;
        loop {
            self.content.buffer.clear();
            let read = self.content.reader.read_event_into(&mut self.content.buffer);
            let tag = match read.map_err(damaged)? {
                Event::Start(tag) => {
                    let local = tag.local_name();
                    match local.as_ref() {
                        "table-row" => {
                            times = repeats(&tag, "number-rows-repeated", MOST_ROWS)?;
                            column = 0;
                            size = 0;
                            held.clear();
                            continue;
                        }
                        "table-cell" | "covered-table-cell" => Tag::read(&tag)?,
                        // Drawings and sheets within them are none of the sheet's own cells.
                        "shapes" | "forms" | "tracked-changes" => {
                            let end = tag.to_end().into_owned();
                            self.content.skip(end.name().as_ref())?;
                            continue;
                        }
                        "table" => {
                            depth += 1;
                            continue;
                        }
                        _ => continue,
                    }
                }
                Event::End(tag) if tag.local_name().as_ref() == "table" => {
                    depth -= 1;
                    if depth == 0 {
                        return Ok(());
                    }
                    continue;
                }
                Event::End(tag) if tag.local_name().as_ref() == "table-row" => {
                    let last = row.saturating_add(times).min(MOST_ROWS);
                    if let Some(each) = &mut each
                        && !held.is_empty()
                    {
                        for row in row..last {
                            let columns = held.iter().flat_map(|(column, columns, raw)| {
                                (*column..*column + *columns).map(move |column| (column, raw))
                            });
                            for (column, raw) in columns {
                                cells += 1;
                                if cells > MOST_CELLS {
                                    return Err(FileError::TooManyCells);
                                }
                                if each((row, column), raw.clone())?.is_break() {
                                    return Ok(());
                                }
                            }
                        }
                    }
                    row = last;
                    continue;
                }
                Event::Eof => return Err(FileError::Damaged),
                _ => continue,
            };
            let columns = tag.columns.min(MOST_COLUMNS.saturating_sub(column));
            if tag.spans != (1, 1) {
                spanned((row, column), tag.spans);
            }
            let text = self.text()?;
            if let Some(raw) = tag.raw(text)
                && each.is_some()
                && columns > 0
                && row < MOST_ROWS
            {
                size += raw.text().len();
                if size > LONGEST_ROW {
                    return Err(FileError::LongRow {
                        sheet: self.name.clone(),
                        row: u64::from(row) + 1,
                    });
                }
                held.push((column, columns, raw));
            }
            column += columns;
        }
    }

    /// The text of a cell that has begun, up to its end.
    fn text(&mut self) -> Result<String, FileError> {
        let mut text = String::new();
        let mut paragraphs = 0;
        loop {
            self.content.buffer.clear();
            let read = self.content.reader.read_event_into(&mut self.content.buffer);
            match read.map_err(damaged)? {
                Event::Text(piece) if paragraphs > 0 => text.push_str(&piece.xml10_content()),
                Event::CData(piece) if paragraphs > 0 => text.push_str(&piece.xml10_content()),
                Event::GeneralRef(entity) if paragraphs > 0 => {
                    if let Some(known) = resolve_xml_entity(&entity) {
                        text.push_str(known);
                    } else {
                        text.push(
                            entity
                                .resolve_char_ref()
                                .map_err(damaged)?
                                .ok_or(FileError::Damaged)?,
                        );
                    }
                }
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "p" => {
                        if paragraphs > 0 {
                            text.push('\n');
                        }
                        paragraphs += 1;
                    }
                    "s" => {
                        let spaces = repeats(&tag, "c", 32_767)?;
                        text.extend(std::iter::repeat_n(' ', spaces as usize));
                    }
                    "tab" => text.push('\t'),
                    "line-break" => text.push('\n'),
                    // What is noted on a cell is none of what it holds.
                    "annotation" | "frame" | "custom-shape" => {
                        let end = tag.to_end().into_owned();
                        self.content.skip(end.name().as_ref())?;
                    }
                    _ => {}
                },
                Event::End(tag)
                    if matches!(tag.local_name().as_ref(), "table-cell" | "covered-table-cell") =>
                {
                    return Ok(text);
                }
                Event::Eof => return Err(FileError::Damaged),
                _ => {}
            }
            if text.len() > LONGEST_ROW {
                return Err(FileError::EndlessCell);
            }
        }
    }
}
