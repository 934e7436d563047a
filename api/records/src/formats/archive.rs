//! Looks a workbook's archive over before it is opened: what its parts really unpack to, that no
//! cell of it runs on without an end, and how many cells are merged. A reader of workbooks trusts what it is given;
//! after this it can, and takes no more memory than the limits here say.

use std::io::{BufReader, Read, Seek};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use super::ods::attribute;
use super::records::Limits;
use super::workbook_records::MOST_MERGED;
use super::{FileError, LONGEST_ROW};

/// The most parts of an archive.
const MOST_PARTS: usize = 10_000;
/// How many times its size an archive may unpack to.
const MOST_TIMES: u64 = 100;
/// What an archive may unpack to, whatever its size.
const ALWAYS: u64 = 64 << 20;
/// The most bytes of a part that a reader holds whole, such as the texts that cells share.
const LARGEST_WHOLE: u64 = 128 << 20;
/// How much of a part is read to find out what a sheet is called.
const MOST_OF_NAMES: u64 = 1 << 20;

/// What was found.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    /// Whether any cells are merged.
    pub(super) has_merged: bool,
}

/// Unpacks every part, keeping nothing, and refuses an archive that is cut short or damaged,
/// locked, or that unpacks to more than a workbook of its size can.
pub(super) fn examine(input: impl Read + Seek, length: u64, limits: &Limits) -> Result<Found, FileError> {
    let most = (length.saturating_mul(MOST_TIMES)).clamp(ALWAYS, limits.bytes.saturating_mul(40).max(ALWAYS));
    let mut archive = ZipArchive::new(input).map_err(refusal)?;
    if archive.len() > MOST_PARTS {
        return Err(FileError::Bomb(most >> 20));
    }
    let mut found = Found::default();
    let mut total = 0;
    let mut buffer = vec![0; 1 << 16];
    for at in 0..archive.len() {
        let mut part = archive.by_index(at).map_err(refusal)?;
        let name = part.name().map_err(refusal)?.into_owned();
        let lower = name.to_ascii_lowercase();
        let is_xml = lower
            .rsplit_once('.')
            .is_some_and(|(_, ending)| matches!(ending, "xml" | "rels"));
        // Sheets are read as they come, all else at once.
        let is_streamed = !is_xml || lower.contains("worksheets/") || lower == "content.xml";
        let mut look = is_xml.then(|| Look::new(&mut found));
        let mut size = 0;
        loop {
            let read = part.read(&mut buffer).map_err(|_| FileError::Damaged)?;
            if read == 0 {
                break;
            }
            size += read as u64;
            total += read as u64;
            if total > most {
                return Err(FileError::Bomb(most >> 20));
            }
            if !is_streamed && size > LARGEST_WHOLE {
                return Err(FileError::Bomb(LARGEST_WHOLE >> 20));
            }
            if let Some(look) = &mut look {
                look.over(&buffer[..read])?;
                if look.merged > MOST_MERGED {
                    drop(part);
                    let sheet = sheet_of(&mut archive, &name).unwrap_or(name);
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
fn sheet_of(archive: &mut ZipArchive<impl Read + Seek>, part: &str) -> Option<String> {
    let mut id = None;
    each_tag(archive, "xl/_rels/workbook.xml.rels", "Relationship", |tag| {
        let target = attribute(tag, "Target").ok().flatten()?;
        let target = target.trim_start_matches('/');
        let is_it = target == part || part.strip_prefix("xl/") == Some(target);
        is_it.then(|| id = attribute(tag, "Id").ok().flatten())
    })?;
    let id = id?;
    let mut name = None;
    each_tag(archive, "xl/workbook.xml", "sheet", |tag| {
        let is_it = attribute(tag, "id").ok().flatten()? == id;
        is_it.then(|| name = attribute(tag, "name").ok().flatten())
    })?;
    name
}

/// Hands on the tags of a name in a part, until one is the one that is looked for.
fn each_tag(
    archive: &mut ZipArchive<impl Read + Seek>,
    part: &str,
    named: &str,
    mut each: impl FnMut(&BytesStart<'_>) -> Option<()>,
) -> Option<()> {
    let part = archive.by_name(part).ok()?;
    let mut reader = Reader::from_reader(BufReader::new(part.take(MOST_OF_NAMES)));
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

fn refusal(error: ZipError) -> FileError {
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
enum Within {
    Text,
    /// Just past `<`, or in the name that follows.
    Name,
    Tag,
    Quotes(u8),
    /// Past `<!`.
    Bang,
    /// How many of the bytes that end it stand last.
    Comment(u8),
    CData(u8),
    Instruction,
}

/// Goes over an XML document, byte by byte.
struct Look<'a> {
    found: &'a mut Found,
    within: Within,
    /// The name of the tag, or the beginning of a tag or instruction that is looked into.
    text: Vec<u8>,
    last: u8,
    in_cell: bool,
    /// How many bytes have passed since the last place where a reader starts afresh.
    run: usize,
    /// How many shared texts the document says it has.
    counted: u64,
    /// How many times cells are merged.
    merged: usize,
}

impl<'a> Look<'a> {
    fn new(found: &'a mut Found) -> Self {
        Self {
            found,
            within: Within::Text,
            text: Vec::new(),
            last: 0,
            in_cell: false,
            run: 0,
            counted: 0,
            merged: 0,
        }
    }

    fn over(&mut self, bytes: &[u8]) -> Result<(), FileError> {
        for byte in bytes {
            self.run += 1;
            if self.run > LONGEST_ROW {
                return Err(FileError::EndlessCell);
            }
            self.step(*byte)?;
            self.last = *byte;
        }
        Ok(())
    }

    fn keep(&mut self, byte: u8) {
        if self.text.len() < 1024 {
            self.text.push(byte);
        }
    }

    fn step(&mut self, byte: u8) -> Result<(), FileError> {
        // No byte of UTF-8; what is in another encoding reads otherwise than it looks.
        if matches!(byte, 0 | 0xfe | 0xff) {
            return Err(FileError::Damaged);
        }
        self.within = match (self.within, byte) {
            (Within::Text, b'<') => {
                self.text.clear();
                Within::Name
            }
            (Within::Text, _) => Within::Text,
            (Within::Name, b'!') if self.text.is_empty() => Within::Bang,
            (Within::Name, b'?') if self.text.is_empty() => Within::Instruction,
            (Within::Name | Within::Tag, b'>') => {
                self.end_tag();
                Within::Text
            }
            (Within::Name | Within::Tag, quote @ (b'"' | b'\'')) => {
                self.keep(quote);
                Within::Quotes(quote)
            }
            (Within::Name, byte) => {
                self.keep(byte);
                if byte.is_ascii_whitespace() {
                    Within::Tag
                } else {
                    Within::Name
                }
            }
            (Within::Tag, byte) => {
                self.keep(byte);
                Within::Tag
            }
            (Within::Quotes(quote), byte) => {
                self.keep(byte);
                if byte == quote {
                    Within::Tag
                } else {
                    Within::Quotes(quote)
                }
            }
            (Within::Bang, byte) => {
                self.keep(byte);
                match self.text.as_slice() {
                    b"--" => Within::Comment(0),
                    b"[CDATA[" => Within::CData(0),
                    start if b"--".starts_with(start) || b"[CDATA[".starts_with(start) => Within::Bang,
                    // A workbook declares no document type.
                    _ => return Err(FileError::Damaged),
                }
            }
            (Within::Comment(2) | Within::CData(2), b'>') => Within::Text,
            (Within::Comment(dashes), b'-') => Within::Comment((dashes + 1).min(2)),
            (Within::Comment(_), _) => Within::Comment(0),
            (Within::CData(brackets), b']') => Within::CData((brackets + 1).min(2)),
            (Within::CData(_), _) => Within::CData(0),
            (Within::Instruction, b'>') if self.last == b'?' => {
                let said = String::from_utf8_lossy(&self.text).to_ascii_lowercase();
                let encoding = said.split_once("encoding").map(|(_, named)| named);
                if encoding.is_some_and(|named| !named.contains("utf-8") && !named.contains("us-ascii")) {
                    return Err(FileError::Damaged);
                }
                Within::Text
            }
            (Within::Instruction, byte) => {
                self.keep(byte);
                Within::Instruction
            }
        };
        Ok(())
    }

    fn end_tag(&mut self) {
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
                self.in_cell = !is_end && self.last != b'/';
            }
            b"mergeCell" if !is_end => {
                self.found.has_merged = true;
                self.merged += 1;
            }
            b"sst" if !is_end => {
                let said = String::from_utf8_lossy(&self.text);
                let count = said.split_once("uniqueCount").and_then(|(_, count)| {
                    let digits = count.trim_start_matches(|c: char| !c.is_ascii_digit());
                    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
                    (end > 0).then(|| digits[..end].parse().unwrap_or(u64::MAX))
                });
                self.counted = self.counted.max(count.unwrap_or(0));
            }
            _ => {}
        }
        if !self.in_cell {
            self.run = 0;
        }
    }

    /// Room is made for as many shared texts as are counted, before they are read.
    fn finish(self, size: u64) -> Result<(), FileError> {
        if self.counted > size {
            return Err(FileError::Damaged);
        }
        Ok(())
    }
}
