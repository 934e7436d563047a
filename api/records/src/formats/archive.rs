//! Looks a workbook's archive over before it is opened: what its parts really unpack to, that no
//! cell of it runs on without an end, and how many cells are merged. A reader of workbooks trusts what it is given;
//! after this it can, and takes no more memory than the limits here say.

use std::io::{BufReader, Read, Seek};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use super::ods::find_attribute;
use super::records::FileLimits;
use super::workbook_records::MAX_MERGED_RANGES;
use super::{FileError, MAX_ROW_BYTES};

/// The most parts of an archive.
const MAX_PARTS: usize = 10_000;
/// How many times its size an archive may unpack to.
const MAX_COMPRESSION_RATIO: u64 = 100;
/// What an archive may unpack to, whatever its size.
const MIN_UNPACKED_LIMIT_BYTES: u64 = 64 << 20;
/// The most bytes of a part that a reader holds whole, such as the texts that cells share.
const MAX_IN_MEMORY_PART_BYTES: u64 = 128 << 20;
/// How much of a part is read to find out what a sheet is called.
const MAX_SHEET_NAME_SCAN_BYTES: u64 = 1 << 20;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct ArchiveInfo {
    /// Whether any cells are merged.
    pub(super) has_merged_cells: bool,
}

/// Unpacks every part, keeping nothing, and refuses an archive that is cut short or damaged,
/// locked, or that unpacks to more than a workbook of its size can.
pub(super) fn inspect_archive(
    input: impl Read + Seek,
    length: u64,
    limits: &FileLimits,
) -> Result<ArchiveInfo, FileError> {
    let most = (length.saturating_mul(MAX_COMPRESSION_RATIO)).clamp(
        MIN_UNPACKED_LIMIT_BYTES,
        limits.bytes.saturating_mul(40).max(MIN_UNPACKED_LIMIT_BYTES),
    );
    let mut archive = ZipArchive::new(input).map_err(file_error_from_zip)?;
    if archive.len() > MAX_PARTS {
        return Err(FileError::DecompressionBomb(most >> 20));
    }
    let mut found = ArchiveInfo::default();
    let mut total = 0;
    let mut buffer = vec![0; 1 << 16];
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).map_err(file_error_from_zip)?;
        let name = part.name().map_err(file_error_from_zip)?.into_owned();
        let lower = name.to_ascii_lowercase();
        let is_xml = lower
            .rsplit_once('.')
            .is_some_and(|(_, ending)| matches!(ending, "xml" | "rels"));
        // Sheets are read as they come, all else at once.
        let is_streamed = !is_xml || lower.contains("worksheets/") || lower == "content.xml";
        let mut look = is_xml.then(|| XmlScanner::new(&mut found));
        let mut size = 0;
        loop {
            let read = part.read(&mut buffer).map_err(|_| FileError::Damaged)?;
            if read == 0 {
                break;
            }
            size += read as u64;
            total += read as u64;
            if total > most {
                return Err(FileError::DecompressionBomb(most >> 20));
            }
            if !is_streamed && size > MAX_IN_MEMORY_PART_BYTES {
                return Err(FileError::DecompressionBomb(MAX_IN_MEMORY_PART_BYTES >> 20));
            }
            if let Some(look) = &mut look {
                look.scan(&buffer[..read])?;
                if look.merged_cell_count > MAX_MERGED_RANGES {
                    drop(part);
                    let sheet = find_sheet_name(&mut archive, &name).unwrap_or(name);
                    return Err(FileError::TooManyMerged(sheet));
                }
            }
        }
        if let Some(look) = look {
            look.finish(size)?;
        }
    }
    Ok(found)
}

/// What the sheet is called that a part of a workbook of Excel's kind holds; none where the workbook does not say.
fn find_sheet_name(archive: &mut ZipArchive<impl Read + Seek>, part: &str) -> Option<String> {
    let mut id = None;
    for_each_tag(archive, "xl/_rels/workbook.xml.rels", "Relationship", |tag| {
        let target = find_attribute(tag, "Target").ok().flatten()?;
        let target = target.trim_start_matches('/');
        let is_it = target == part || part.strip_prefix("xl/") == Some(target);
        is_it.then(|| id = find_attribute(tag, "Id").ok().flatten())
    })?;
    let id = id?;
    let mut name = None;
    for_each_tag(archive, "xl/workbook.xml", "sheet", |tag| {
        let is_it = find_attribute(tag, "id").ok().flatten()? == id;
        is_it.then(|| name = find_attribute(tag, "name").ok().flatten())
    })?;
    name
}

/// Hands on the tags of a name in a part, until one is the one that is looked for.
fn for_each_tag(
    archive: &mut ZipArchive<impl Read + Seek>,
    part: &str,
    named: &str,
    mut each: impl FnMut(&BytesStart<'_>) -> Option<()>,
) -> Option<()> {
    let part = archive.by_name(part).ok()?;
    let mut reader = Reader::from_reader(BufReader::new(part.take(MAX_SHEET_NAME_SCAN_BYTES)));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(tag) | Event::Empty(tag)
                if tag.local_name().as_ref() == named && each(&tag).is_some() =>
            {
                return Some(());
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn file_error_from_zip(error: ZipError) -> FileError {
    match error {
        ZipError::Io(cause) if cause.kind() != std::io::ErrorKind::UnexpectedEof => {
            FileError::Unreadable(cause)
        }
        ZipError::UnsupportedArchive(reason) if reason == ZipError::PASSWORD_REQUIRED => FileError::Locked,
        _ => FileError::Damaged,
    }
}

/// Where in an XML document a byte stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum XmlState {
    Text,
    /// Just past `<`, or in the name that follows.
    Name,
    Tag,
    Quotes(u8),
    /// Past `<!`.
    Declaration,
    /// How many of the bytes that end it stand last.
    Comment(u8),
    CData(u8),
    Instruction,
}

/// Goes over an XML document, byte by byte.
struct XmlScanner<'a> {
    found: &'a mut ArchiveInfo,
    state: XmlState,
    /// The name of the tag, or the beginning of a tag or instruction that is looked into.
    text: Vec<u8>,
    last_byte: u8,
    in_cell: bool,
    /// How many bytes have passed since the last place where a reader starts afresh.
    bytes_since_restart: usize,
    /// How many shared texts the document says it has.
    declared_shared_texts: u64,
    /// How many times cells are merged.
    merged_cell_count: usize,
}

impl<'a> XmlScanner<'a> {
    fn new(found: &'a mut ArchiveInfo) -> Self {
        Self {
            found,
            state: XmlState::Text,
            text: Vec::new(),
            last_byte: 0,
            in_cell: false,
            bytes_since_restart: 0,
            declared_shared_texts: 0,
            merged_cell_count: 0,
        }
    }

    fn scan(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        for byte in bytes {
            self.bytes_since_restart += 1;
            if self.bytes_since_restart > MAX_ROW_BYTES {
                return Err(FileError::EndlessCell);
            }
            self.scan_byte(*byte)?;
            self.last_byte = *byte;
        }
        Ok(())
    }

    fn buffer_byte(&mut self, byte: u8) {
        if self.text.len() < 1024 {
            self.text.push(byte);
        }
    }

    fn scan_byte(&mut self, byte: u8) -> Result<(), FileError> {
        // No byte of UTF-8; what is in another encoding reads otherwise than it looks.
        if matches!(byte, 0 | 0xfe | 0xff) {
            return Err(FileError::Damaged);
        }
        self.state = match (self.state, byte) {
            (XmlState::Text, b'<') => {
                self.text.clear();
                XmlState::Name
            }
            (XmlState::Text, _) => XmlState::Text,
            (XmlState::Name, b'!') if self.text.is_empty() => XmlState::Declaration,
            (XmlState::Name, b'?') if self.text.is_empty() => XmlState::Instruction,
            (XmlState::Name | XmlState::Tag, b'>') => {
                self.finish_tag();
                XmlState::Text
            }
            (XmlState::Name | XmlState::Tag, quote @ (b'"' | b'\'')) => {
                self.buffer_byte(quote);
                XmlState::Quotes(quote)
            }
            (XmlState::Name, byte) => {
                self.buffer_byte(byte);
                if byte.is_ascii_whitespace() {
                    XmlState::Tag
                } else {
                    XmlState::Name
                }
            }
            (XmlState::Tag, byte) => {
                self.buffer_byte(byte);
                XmlState::Tag
            }
            (XmlState::Quotes(quote), byte) => {
                self.buffer_byte(byte);
                if byte == quote {
                    XmlState::Tag
                } else {
                    XmlState::Quotes(quote)
                }
            }
            (XmlState::Declaration, byte) => {
                self.buffer_byte(byte);
                match self.text.as_slice() {
                    b"--" => XmlState::Comment(0),
                    b"[CDATA[" => XmlState::CData(0),
                    start if b"--".starts_with(start) || b"[CDATA[".starts_with(start) => {
                        XmlState::Declaration
                    }
                    // A workbook declares no document type.
                    _ => return Err(FileError::Damaged),
                }
            }
            (XmlState::Comment(2) | XmlState::CData(2), b'>') => XmlState::Text,
            (XmlState::Comment(dashes), b'-') => XmlState::Comment((dashes + 1).min(2)),
            (XmlState::Comment(_), _) => XmlState::Comment(0),
            (XmlState::CData(brackets), b']') => XmlState::CData((brackets + 1).min(2)),
            (XmlState::CData(_), _) => XmlState::CData(0),
            (XmlState::Instruction, b'>') if self.last_byte == b'?' => {
                let said = String::from_utf8_lossy(&self.text).to_ascii_lowercase();
                let encoding = said.split_once("encoding").map(|(_, named)| named);
                if encoding.is_some_and(|named| !named.contains("utf-8") && !named.contains("us-ascii")) {
                    return Err(FileError::Damaged);
                }
                XmlState::Text
            }
            (XmlState::Instruction, byte) => {
                self.buffer_byte(byte);
                XmlState::Instruction
            }
        };
        Ok(())
    }

    fn finish_tag(&mut self) {
        let is_end = self.text.first() == Some(&b'/');
        let named = self
            .text
            .split(|byte| byte.is_ascii_whitespace() || *byte == b'/');
        let name = named
            .into_iter()
            .find(|name| !name.is_empty())
            .unwrap_or_default();
        let local = name.rsplit(|byte| *byte == b':').next().unwrap_or_default();
        match local {
            b"c" | b"si" | b"table-cell" | b"covered-table-cell" => {
                self.in_cell = !is_end && self.last_byte != b'/';
            }
            b"mergeCell" if !is_end => {
                self.found.has_merged_cells = true;
                self.merged_cell_count += 1;
            }
            b"sst" if !is_end => {
                let said = String::from_utf8_lossy(&self.text);
                let count = said.split_once("uniqueCount").and_then(|(_, count)| {
                    let digits = count.trim_start_matches(|c: char| !c.is_ascii_digit());
                    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
                    (end > 0).then(|| digits[..end].parse().unwrap_or(u64::MAX))
                });
                self.declared_shared_texts = self.declared_shared_texts.max(count.unwrap_or(0));
            }
            _ => {}
        }
        if !self.in_cell {
            self.bytes_since_restart = 0;
        }
    }

    /// Room is made for as many shared texts as are counted, before they are read.
    fn finish(self, size: u64) -> Result<(), FileError> {
        if self.declared_shared_texts > size {
            return Err(FileError::Damaged);
        }
        Ok(())
    }
}
