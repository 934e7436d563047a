//! Reads OpenDocument spreadsheets cell by cell, without expanding repeated cells or holding a sheet in memory.

use std::io::{BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;

use quick_xml::Reader;
use quick_xml::escape::{resolve_xml_entity, unescape};
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::read::ZipFile;

use super::records::FileLimits;
use super::spreadsheet::{
    CellCallback, CellCoordinates, MAX_MERGED_RANGES, MergedRange, VisitResult, WorkbookReader,
};
use super::{FileError, MAX_ROW_BYTES, archive};
use crate::workbook::parse_cell;
use crate::workbook::parse_cell::RawValue;

/// The part with all sheets.
const CONTENT_PART: &str = "content.xml";
const MAX_SHEET_ROWS: u32 = 1_048_576;
const MAX_SHEET_COLUMNS: u32 = 16_384;
/// The maximum number of cells, with each repetition counted.
const MAX_CELLS: u64 = 50_000_000;

/// A spreadsheet with a checked archive.
pub(super) struct OdsWorkbook<R: Read + Seek> {
    archive: ZipArchive<R>,
    /// The sheets in order, with their merged ranges.
    sheets: Vec<(String, Vec<MergedRange>)>,
}

impl<R: Read + Seek> OdsWorkbook<R> {
    pub(super) fn open(mut input: R, length: u64, limits: &FileLimits) -> Result<Self, FileError> {
        if is_locked(&mut input)? {
            return Err(FileError::Locked);
        }
        input.seek(SeekFrom::Start(0))?;
        archive::check_archive(&mut input, length, limits)?;
        input.seek(SeekFrom::Start(0))?;
        let archive = ZipArchive::new(input).map_err(|_| FileError::Damaged)?;
        let mut book = Self {
            archive,
            sheets: Vec::new(),
        };
        let mut sheets = Vec::new();
        book.content()?.for_each_table(&mut |table| {
            sheets.push((table.name.clone(), table.read_merged_cells()?));
            Ok(ControlFlow::Continue(()))
        })?;
        book.sheets = sheets;
        Ok(book)
    }

    fn content(&mut self) -> Result<OdsContent<'_, R>, FileError> {
        let part = self
            .archive
            .by_name(CONTENT_PART)
            .map_err(|_| FileError::Damaged)?;
        let mut reader = Reader::from_reader(BufReader::new(part));
        reader.config_mut().expand_empty_elements = true;
        Ok(OdsContent {
            reader,
            buffer: Vec::new(),
        })
    }
}

/// Returns whether the manifest says that parts are encrypted.
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

impl<R: Read + Seek> WorkbookReader for OdsWorkbook<R> {
    fn sheet_names(&self) -> Vec<String> {
        self.sheets.iter().map(|(name, _)| name.clone()).collect()
    }

    fn merged_ranges(&mut self, sheet: &str) -> Result<Vec<MergedRange>, FileError> {
        let named = self.sheets.iter().find(|(name, _)| name == sheet);
        Ok(named.map(|(_, merged)| merged.clone()).unwrap_or_default())
    }

    fn for_each_cell(&mut self, sheet: &str, each: &mut CellCallback<'_>) -> Result<(), FileError> {
        self.content()?.for_each_table(&mut |table| {
            if table.name != sheet {
                return Ok(ControlFlow::Continue(()));
            }
            table.for_each_cell(each)?;
            Ok(ControlFlow::Break(()))
        })
    }
}

/// The content that is being read.
struct OdsContent<'a, R: Read> {
    reader: Reader<BufReader<ZipFile<'a, R>>>,
    buffer: Vec<u8>,
}

/// A sheet whose start was read.
struct OdsTable<'b, 'a, R: Read> {
    content: &'b mut OdsContent<'a, R>,
    name: String,
    is_read: bool,
}

fn file_error_damaged(_: impl std::error::Error) -> FileError {
    FileError::Damaged
}

/// Finds the value of an attribute by its name without a prefix.
pub(super) fn find_attribute(tag: &BytesStart<'_>, named: &str) -> Result<Option<String>, FileError> {
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(file_error_damaged)?;
        if attribute.key.local_name().as_ref() == named {
            let value = unescape(&attribute.value).map_err(file_error_damaged)?;
            return Ok(Some(value.into_owned()));
        }
    }
    Ok(None)
}

fn parse_repeat_count(tag: &BytesStart<'_>, named: &str, most: u32) -> Result<u32, FileError> {
    let Some(count) = find_attribute(tag, named)? else {
        return Ok(1);
    };
    let count: u64 = count.parse().map_err(file_error_damaged)?;
    Ok(u32::try_from(count).unwrap_or(u32::MAX).clamp(1, most))
}

impl<'a, R: Read> OdsContent<'a, R> {
    fn next_event(&mut self) -> Result<Event<'_>, FileError> {
        self.buffer.clear();
        let event = self.reader.read_event_into(&mut self.buffer);
        event.map_err(file_error_damaged)
    }

    fn for_each_table(
        &mut self,
        each: &mut dyn FnMut(&mut OdsTable<'_, 'a, R>) -> VisitResult,
    ) -> Result<(), FileError> {
        loop {
            let name = match self.next_event()? {
                Event::Start(tag) if tag.local_name().as_ref() == "table" => find_attribute(&tag, "name")?,
                Event::Start(tag) if tag.local_name().as_ref() == "tracked-changes" => {
                    let end = tag.to_end().into_owned();
                    self.skip_element(end.name().as_ref())?;
                    continue;
                }
                Event::Eof => return Ok(()),
                _ => continue,
            };
            let mut table = OdsTable {
                content: self,
                name: name.unwrap_or_default(),
                is_read: false,
            };
            if each(&mut table)?.is_break() {
                return Ok(());
            }
            if !table.is_read {
                table.for_each_row(None, &mut |_, _| {})?;
            }
        }
    }

    /// Skips to the end of an element.
    fn skip_element(&mut self, name: &str) -> Result<(), FileError> {
        let mut depth = 1;
        while depth > 0 {
            match self.next_event()? {
                Event::Start(tag) if tag.name().as_ref() == name => depth += 1,
                Event::End(tag) if tag.name().as_ref() == name => depth -= 1,
                Event::Eof => return Err(FileError::Damaged),
                _ => {}
            }
        }
        Ok(())
    }
}

/// The tag of a cell.
#[derive(Debug, Default)]
struct CellTag {
    kind: String,
    value: Option<String>,
    formula: Option<String>,
    is_error: bool,
    columns: u32,
    spans: (u32, u32),
}

impl CellTag {
    fn parse(tag: &BytesStart<'_>) -> Result<Self, FileError> {
        let mut read = Self {
            columns: 1,
            spans: (1, 1),
            ..Self::default()
        };
        for attribute in tag.attributes() {
            let attribute = attribute.map_err(file_error_damaged)?;
            let value = unescape(&attribute.value).map_err(file_error_damaged)?;
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
                "table:number-columns-repeated" => read.columns = number(MAX_SHEET_COLUMNS),
                "table:number-columns-spanned" => read.spans.1 = number(MAX_SHEET_COLUMNS),
                "table:number-rows-spanned" => read.spans.0 = number(MAX_SHEET_ROWS),
                _ => {}
            }
        }
        Ok(read)
    }

    /// Converts the cell. Returns `None` if it is empty.
    fn into_raw_value(self, text: String) -> Option<RawValue> {
        if self.is_error {
            return Some(RawValue::Error(text));
        }
        let value = self.value.unwrap_or_default();
        match self.kind.as_str() {
            "float" | "percentage" | "currency" => Some(
                value
                    .parse()
                    .map_or_else(|_| RawValue::Text(value.clone()), RawValue::Number),
            ),
            "date" => Some(RawValue::Moment(parse_cell::strip_midnight(&value))),
            "boolean" => Some(RawValue::Bool(value == "true")),
            "time" => Some(RawValue::Text(if text.is_empty() { value } else { text })),
            "" if text.is_empty() => self.formula.map(RawValue::Formula),
            _ => {
                let held = if text.is_empty() { value } else { text };
                (!held.is_empty()).then_some(RawValue::Text(held))
            }
        }
    }
}

impl<R: Read> OdsTable<'_, '_, R> {
    /// Reads the merged ranges of the sheet.
    fn read_merged_cells(&mut self) -> Result<Vec<MergedRange>, FileError> {
        let mut merged = Vec::new();
        self.for_each_row(None, &mut |at, spans| {
            if merged.len() <= MAX_MERGED_RANGES {
                merged.push(MergedRange {
                    first: at,
                    last: (at.0.saturating_add(spans.0 - 1), at.1.saturating_add(spans.1 - 1)),
                });
            }
        })?;
        Ok(merged)
    }

    /// Calls `each` for the cells with content.
    fn for_each_cell(&mut self, each: &mut CellCallback<'_>) -> Result<(), FileError> {
        self.for_each_row(Some(each), &mut |_, _| {})
    }

    /// Reads the rows. Calls `each` for the cells, if given, and `spanned` for merged ranges.
    fn for_each_row(
        &mut self,
        mut each: Option<&mut CellCallback<'_>>,
        spanned: &mut dyn FnMut(CellCoordinates, (u32, u32)),
    ) -> Result<(), FileError> {
        self.is_read = true;
        let (mut row, mut column) = (0_u32, 0_u32);
        let mut times = 1;
        // The cells of the current row, which may be repeated.
        let mut held: Vec<(u32, u32, RawValue)> = Vec::new();
        let mut size = 0;
        let mut cells = 0;
        let mut depth = 1;
        loop {
            let tag = match self.content.next_event()? {
                Event::Start(tag) => {
                    let local = tag.local_name();
                    match local.as_ref() {
                        "table-row" => {
                            times = parse_repeat_count(&tag, "number-rows-repeated", MAX_SHEET_ROWS)?;
                            column = 0;
                            size = 0;
                            held.clear();
                            continue;
                        }
                        "table-cell" | "covered-table-cell" => CellTag::parse(&tag)?,
                        // Drawings may contain sheets of their own.
                        "shapes" | "forms" | "tracked-changes" => {
                            let end = tag.to_end().into_owned();
                            self.content.skip_element(end.name().as_ref())?;
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
                    let last = row.saturating_add(times).min(MAX_SHEET_ROWS);
                    if let Some(each) = &mut each
                        && !held.is_empty()
                    {
                        for row in row..last {
                            let columns = held.iter().flat_map(|(column, columns, raw)| {
                                (*column..*column + *columns).map(move |column| (column, raw))
                            });
                            for (column, raw) in columns {
                                cells += 1;
                                if cells > MAX_CELLS {
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
            let columns = tag.columns.min(MAX_SHEET_COLUMNS.saturating_sub(column));
            if tag.spans != (1, 1) {
                spanned((row, column), tag.spans);
            }
            let text = self.read_text()?;
            if let Some(raw) = tag.into_raw_value(text)
                && each.is_some()
                && columns > 0
                && row < MAX_SHEET_ROWS
            {
                size += raw.to_text().len();
                if size > MAX_ROW_BYTES {
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

    /// Reads the text of a cell up to its end.
    fn read_text(&mut self) -> Result<String, FileError> {
        let mut text = String::new();
        let mut paragraphs = 0;
        loop {
            match self.content.next_event()? {
                Event::Text(piece) if paragraphs > 0 => text.push_str(&piece.xml10_content()),
                Event::CData(piece) if paragraphs > 0 => text.push_str(&piece.xml10_content()),
                Event::GeneralRef(entity) if paragraphs > 0 => {
                    if let Some(known) = resolve_xml_entity(&entity) {
                        text.push_str(known);
                    } else {
                        let character = entity.resolve_char_ref().map_err(file_error_damaged)?;
                        text.push(character.ok_or(FileError::Damaged)?);
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
                        let spaces = parse_repeat_count(&tag, "c", 32_767)?;
                        text.extend(std::iter::repeat_n(' ', spaces as usize));
                    }
                    "tab" => text.push('\t'),
                    "line-break" => text.push('\n'),
                    // Comments and drawings are not content.
                    "annotation" | "frame" | "custom-shape" => {
                        let end = tag.to_end().into_owned();
                        self.content.skip_element(end.name().as_ref())?;
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
            if text.len() > MAX_ROW_BYTES {
                return Err(FileError::EndlessCell);
            }
        }
    }
}
