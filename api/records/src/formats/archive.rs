//! Checks the archive of a workbook before it is opened: the unpacked size of its parts, the length of its cells and the
//! number of merged cells. The readers of workbooks trust a file, so these limits bound their memory.

use std::cell::Cell;
use std::io::{self, BufReader, Read, Seek};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;
use zip::result::ZipError;

use super::ods::find_attribute;
use super::records::FileLimits;
use super::spreadsheet::MAX_MERGED_RANGES;
use super::stream::{ByteAllowance, MeteredReader};
use super::{FileError, MAX_ROW_BYTES};

/// The maximum number of parts of an archive.
const MAX_PARTS: usize = 10_000;
/// The maximum ratio of the unpacked size of an archive to its size.
const MAX_COMPRESSION_RATIO: u64 = 100;
/// The unpacked size that is allowed for any archive.
const MIN_UNPACKED_LIMIT_BYTES: u64 = 64 << 20;
/// The maximum size of a part that a reader holds in memory, such as the shared texts.
const MAX_IN_MEMORY_PART_BYTES: u64 = 128 << 20;
/// The number of bytes of a part that are searched for the name of a sheet.
const MAX_SHEET_NAME_SCAN_BYTES: u64 = 1 << 20;

/// Unpacks all parts and returns whether any cells are merged. Rejects an archive that is damaged or locked, or that
/// exceeds a limit.
pub(super) fn check_archive(
    input: impl Read + Seek,
    length: u64,
    limits: &FileLimits,
) -> Result<bool, FileError> {
    let most = (length.saturating_mul(MAX_COMPRESSION_RATIO)).clamp(
        MIN_UNPACKED_LIMIT_BYTES,
        limits.bytes.saturating_mul(40).max(MIN_UNPACKED_LIMIT_BYTES),
    );
    let mut archive = ZipArchive::new(input).map_err(file_error_from_zip)?;
    if archive.len() > MAX_PARTS {
        return Err(FileError::DecompressionBomb(most >> 20));
    }
    let mut has_merged = false;
    let mut rest = most;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(file_error_from_zip)?;
        let name = part.name().map_err(file_error_from_zip)?.into_owned();
        let lower = name.to_ascii_lowercase();
        let is_xml = [".xml", ".rels"].iter().any(|ending| lower.ends_with(ending));
        // Sheets are read as a stream, and all other XML is held in memory.
        let is_streamed = !is_xml || lower.contains("worksheets/") || lower == "content.xml";
        let limit = if is_streamed {
            rest
        } else {
            rest.min(MAX_IN_MEMORY_PART_BYTES)
        };
        let size = Cell::new(0);
        let part = SizedReader {
            part,
            size: &size,
            limit,
        };
        let outcome = if is_xml {
            scan_xml(part)
        } else {
            let mut part = part;
            io::copy(&mut part, &mut io::sink())
                .map(|_| 0)
                .map_err(|_| FileError::Damaged)
        };
        if size.get() > limit {
            let exceeded = if size.get() > rest {
                most
            } else {
                MAX_IN_MEMORY_PART_BYTES
            };
            return Err(FileError::DecompressionBomb(exceeded >> 20));
        }
        let merged = outcome?;
        if merged > MAX_MERGED_RANGES {
            let sheet = find_sheet_name(&mut archive, &name).unwrap_or(name);
            return Err(FileError::TooManyMerged(sheet));
        }
        has_merged |= merged > 0;
        rest -= size.get();
    }
    Ok(has_merged)
}

/// A part of an archive, which ends in an error once its size exceeds the limit.
struct SizedReader<'a, R> {
    part: R,
    size: &'a Cell<u64>,
    limit: u64,
}

impl<R: Read> Read for SizedReader<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.part.read(buffer)?;
        self.size.set(self.size.get() + read as u64);
        if self.size.get() > self.limit {
            return Err(io::Error::other("the part is too large"));
        }
        Ok(read)
    }
}

/// XML that ends in an error at a byte that UTF-8 does not have. In another encoding, other programs may read the part
/// differently.
struct Utf8Reader<R>(R);

impl<R: Read> Read for Utf8Reader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.0.read(buffer)?;
        match memchr::memchr3(0, 0xfe, 0xff, &buffer[..read]) {
            Some(_) => Err(io::Error::other("the part is not UTF-8")),
            None => Ok(read),
        }
    }
}

/// Reads an XML part and counts its merged ranges, up to one more than is allowed.
fn scan_xml<R: Read>(part: SizedReader<'_, R>) -> Result<usize, FileError> {
    let size = part.size;
    let allowance = ByteAllowance::unlimited();
    let mut reader = Reader::from_reader(BufReader::new(MeteredReader::new(Utf8Reader(part), &allowance)));
    reader.config_mut().check_end_names = false;
    reader.config_mut().allow_unmatched_ends = true;
    let (mut buffer, mut is_in_cell) = (Vec::new(), false);
    let (mut merged, mut declared_texts) = (0, 0);
    while merged <= MAX_MERGED_RANGES {
        buffer.clear();
        if !is_in_cell {
            allowance.limit(MAX_ROW_BYTES);
        }
        let event = match reader.read_event_into(&mut buffer) {
            Ok(event) => event,
            Err(_) if allowance.is_spent() => return Err(FileError::EndlessCell),
            Err(_) => return Err(FileError::Damaged),
        };
        let is_start = matches!(event, Event::Start(_));
        match event {
            Event::Start(tag) | Event::Empty(tag) => match tag.local_name().as_ref() {
                "c" | "si" | "table-cell" | "covered-table-cell" => is_in_cell = is_start,
                "mergeCell" => merged += 1,
                // The reader of workbooks uses the first of several, and ignores prefixes. So the highest counts.
                "sst" => declared_texts = declared_texts.max(find_declared_texts(&tag)?),
                _ => {}
            },
            Event::End(tag) => {
                let name = tag.local_name();
                is_in_cell &= !matches!(name.as_ref(), "c" | "si" | "table-cell" | "covered-table-cell");
            }
            Event::Decl(declaration) => {
                let encoding = declaration
                    .encoding()
                    .transpose()
                    .map_err(|_| FileError::Damaged)?;
                let is_utf8 =
                    |name: &str| ["utf-8", "us-ascii"].contains(&name.to_ascii_lowercase().as_str());
                if encoding.is_some_and(|name| !is_utf8(&name)) {
                    return Err(FileError::Damaged);
                }
            }
            // Workbooks declare no document type.
            Event::DocType(_) => return Err(FileError::Damaged),
            Event::Eof => break,
            _ => {}
        }
    }
    // The reader of workbooks allocates memory for as many shared texts as are declared.
    if declared_texts > size.get() {
        return Err(FileError::Damaged);
    }
    Ok(merged)
}

/// The highest number of shared texts that a tag declares, with any prefix. A number that cannot be read is the highest.
fn find_declared_texts(tag: &BytesStart<'_>) -> Result<u64, FileError> {
    let mut highest = 0;
    for attribute in tag.attributes() {
        let attribute = attribute.map_err(|_| FileError::Damaged)?;
        if attribute.key.local_name().as_ref() == "uniqueCount" {
            highest = highest.max(attribute.value.parse().unwrap_or(u64::MAX));
        }
    }
    Ok(highest)
}

/// Finds the name of the sheet in a part of an Excel workbook.
fn find_sheet_name(archive: &mut ZipArchive<impl Read + Seek>, part: &str) -> Option<String> {
    let id = find_in_tags(archive, "xl/_rels/workbook.xml.rels", "Relationship", |tag| {
        let target = find_attribute(tag, "Target").ok().flatten()?;
        let target = target.trim_start_matches('/');
        let is_part = target == part || part.strip_prefix("xl/") == Some(target);
        find_attribute(tag, "Id").ok().flatten().filter(|_| is_part)
    })?;
    find_in_tags(archive, "xl/workbook.xml", "sheet", |tag| {
        let is_sheet = find_attribute(tag, "id").ok().flatten()? == id;
        find_attribute(tag, "name").ok().flatten().filter(|_| is_sheet)
    })
}

/// Returns the first result of `find` among the tags of a name in a part.
fn find_in_tags(
    archive: &mut ZipArchive<impl Read + Seek>,
    part: &str,
    name: &str,
    mut find: impl FnMut(&BytesStart<'_>) -> Option<String>,
) -> Option<String> {
    let part = archive.by_name(part).ok()?;
    let mut reader = Reader::from_reader(BufReader::new(part.take(MAX_SHEET_NAME_SCAN_BYTES)));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer).ok()? {
            Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == name => {
                if let Some(found) = find(&tag) {
                    return Some(found);
                }
            }
            Event::Eof => return None,
            _ => {}
        }
    }
}

fn file_error_from_zip(error: ZipError) -> FileError {
    match error {
        ZipError::Io(cause) if cause.kind() != io::ErrorKind::UnexpectedEof => FileError::Unreadable(cause),
        ZipError::UnsupportedArchive(reason) if reason == ZipError::PASSWORD_REQUIRED => FileError::Locked,
        _ => FileError::Damaged,
    }
}
