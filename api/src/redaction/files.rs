//! Searches the files of imports for a text, and deletes those that contain it. A text cannot be removed from
//! the middle of a file. The outcomes of the rows stay.

use std::collections::{BTreeSet, HashSet};
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};

use encoding_rs::{UTF_16BE, UTF_16LE, WINDOWS_1252};
use quick_xml::events::Event;
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use uuid::Uuid;
use wayin_entity::{FileFormat, import, import_chunk, import_outcome};
use zip::ZipArchive;

use super::search::RedactionMatches;
use super::{ROWS_PER_STATEMENT, chunk_ids, replace_in_columns};
use crate::change_log::ActionContext;
use crate::error::{Error, Result};
use crate::id::NodeKind;
use crate::import::job;
use crate::paging::KeysetScan;
use wayin_records::formats::encoding::TranscodingReader;
use wayin_records::problem::{Problem, ProblemCode};

/// The maximum number of bytes of a workbook that are searched after decompression. A larger workbook counts
/// as containing the text.
const MAX_UNPACKED_BYTES: u64 = 4 << 30;

/// The files that have been searched, and those that contain the text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SearchedFiles {
    searched: HashSet<Uuid>,
    matching: BTreeSet<Uuid>,
}

/// Searches all stored files that have not been searched yet.
pub async fn search_files(db: &impl ConnectionTrait, text: &str, files: &mut SearchedFiles) -> Result<()> {
    let kept = import_chunk::Entity::find().filter(import_chunk::Column::Position.eq(1));
    let mut walk = KeysetScan::new(kept, import_chunk::Column::ImportId, ROWS_PER_STATEMENT as u64);
    while let Some(ids) = walk.next_ids(db).await? {
        for id in ids {
            if files.searched.insert(id) && search_file(db, id, text).await? {
                files.matching.insert(id);
            }
        }
    }
    Ok(())
}

async fn search_file(db: &impl ConnectionTrait, id: Uuid, text: &str) -> Result<bool> {
    let Some(import) = import::Entity::find_by_id(id).one(db).await? else {
        return Ok(false);
    };
    let Some(file) = job::load_file(db, id).await? else {
        return Ok(false);
    };
    let wanted = text.to_owned();
    let found = tokio::task::spawn_blocking(move || contains_text(import.format, file, &wanted));
    let found = found.await.map_err(|cause| Error::Internal(cause.to_string()))?;
    found.map_err(|cause| Error::Internal(format!("a file could not be read: {cause}")))
}

/// Finds the running imports whose files contain the text. They prevent the redaction.
pub async fn find_running_imports(db: &impl ConnectionTrait, files: &SearchedFiles) -> Result<Vec<Problem>> {
    let mut problems = Vec::new();
    for ids in chunk_ids(&files.matching) {
        let under_way = import::Entity::find()
            .filter(import::Column::Id.is_in(ids))
            .filter(import::Column::EndedAt.is_null())
            .all(db)
            .await?;
        problems.extend(under_way.iter().map(|import| {
            let reason = format!(
                "is in the file of the import {}, which is running; try again when it has ended",
                NodeKind::Import.encode_id(import.id)
            );
            Problem::new(ProblemCode::WrongState, "text", reason)
        }));
    }
    Ok(problems)
}

/// Deletes the files that contain the text, and redacts it in imports and the outcomes of their rows. Returns
/// the number of affected imports.
pub async fn redact_files(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    text: &str,
    found: &RedactionMatches,
) -> Result<usize> {
    let mut altered = found.files.matching.clone();
    for ids in chunk_ids(&found.files.matching) {
        import_chunk::Entity::delete_many()
            .filter(import_chunk::Column::ImportId.is_in(ids))
            .exec(db)
            .await?;
    }
    for ids in chunk_ids(&found.import_outcome) {
        let of = import_outcome::Entity::find()
            .select_only()
            .column(import_outcome::Column::ImportId)
            .distinct()
            .filter(import_outcome::Column::Id.is_in(ids));
        altered.extend(of.into_tuple::<Uuid>().all(db).await?);
    }
    {
        use import_outcome::Column;
        let columns = [Column::Message, Column::Column, Column::Path, Column::Sheet];
        let touched = (Column::UpdatedAt, act.now());
        replace_in_columns::<import_outcome::Entity>(
            db,
            &found.import_outcome,
            Column::Id,
            &columns,
            touched,
            text,
        )
        .await?;
    }
    {
        use import::Column;
        let columns = [
            Column::FileName,
            Column::FailureReason,
            Column::Licence,
            Column::Notes,
        ];
        let touched = (Column::UpdatedAt, act.now());
        replace_in_columns::<import::Entity>(db, &found.import, Column::Id, &columns, touched, text).await?;
    }
    altered.extend(&found.import);
    Ok(altered.len())
}

/// Whether a file contains a text. Ignores whitespace, quotation marks and backslashes, so that the text is found
/// however the format escapes it. A file with a similar text may be included.
fn contains_text(format: FileFormat, mut file: File, text: &str) -> std::io::Result<bool> {
    match format {
        FileFormat::Xlsx | FileFormat::Ods => Ok(contains_in_workbook(file, text)),
        FileFormat::JsonLines | FileFormat::Json | FileFormat::Csv => {
            let mut is_wide = false;
            if contains_in_text(BufReader::new(&file), text, &mut is_wide)? {
                return Ok(true);
            }
            // Files that were rejected for their encoding are stored too. They may have no byte order mark.
            for wide in [UTF_16LE, UTF_16BE] {
                file.rewind()?;
                let read_wide = || BufReader::new(TranscodingReader::new(&file, wide));
                if is_wide && contains_in_text(read_wide(), text, &mut false)? {
                    return Ok(true);
                }
            }
            Ok(false)
        }
    }
}

/// Searches a stream of bytes in linear time (Knuth, Morris and Pratt).
struct TextSearch {
    pattern: Vec<u8>,
    /// The length of the longest proper prefix that is also a suffix, for each prefix of the pattern.
    fallback: Vec<usize>,
    matched: usize,
}

impl TextSearch {
    fn new(text: &str) -> Self {
        Self::from_bytes(text.bytes())
    }

    /// One search for each encoding that a file can have.
    fn for_each_encoding(text: &str) -> Vec<Self> {
        let western = to_windows_1252(text).filter(|_| !text.is_ascii());
        std::iter::once(Self::new(text))
            .chain(western.map(Self::from_bytes))
            .collect()
    }

    fn from_bytes(bytes: impl IntoIterator<Item = u8>) -> Self {
        let wanted: Vec<u8> = bytes.into_iter().filter(|byte| is_searched(*byte)).collect();
        let mut fallback = vec![0; wanted.len()];
        let mut length = 0;
        for at in 1..wanted.len() {
            while length > 0 && wanted[at] != wanted[length] {
                length = fallback[length - 1];
            }
            length += usize::from(wanted[at] == wanted[length]);
            fallback[at] = length;
        }
        Self {
            pattern: wanted,
            fallback,
            matched: 0,
        }
    }

    /// Reads more bytes. Returns whether the text has been found.
    fn feed(&mut self, bytes: &[u8]) -> bool {
        if self.matched == self.pattern.len() {
            return true;
        }
        for byte in bytes.iter().copied().filter(|byte| is_searched(*byte)) {
            while self.matched > 0 && self.pattern[self.matched] != byte {
                self.matched = self.fallback[self.matched - 1];
            }
            self.matched += usize::from(self.pattern[self.matched] == byte);
            if self.matched == self.pattern.len() {
                return true;
            }
        }
        false
    }
}

/// The text in Windows-1252, in which spreadsheets can save CSV files. None if it cannot be encoded. The
/// import rejects such files, but stores them.
fn to_windows_1252(text: &str) -> Option<Vec<u8>> {
    let (bytes, _, has_others) = WINDOWS_1252.encode(text);
    (!has_others).then(|| bytes.into_owned())
}

/// The number of characters that are compared.
pub fn count_searched_characters(text: &str) -> usize {
    let counts = |letter: &char| !letter.is_ascii() || is_searched(*letter as u8);
    text.chars().filter(counts).count()
}

const fn is_searched(byte: u8) -> bool {
    !byte.is_ascii_whitespace() && byte != b'"' && byte != b'\\'
}

/// Searches a text file: literally, and with JSON escapes decoded. Sets `is_wide` if the file may be UTF-16,
/// in which every line break contains a NUL byte.
fn contains_in_text(mut input: impl BufRead, text: &str, is_wide: &mut bool) -> std::io::Result<bool> {
    let (mut as_written, mut as_meant) = (
        TextSearch::for_each_encoding(text),
        TextSearch::for_each_encoding(text),
    );
    let mut escape = JsonEscape::default();
    loop {
        let bytes = input.fill_buf()?;
        if bytes.is_empty() {
            return Ok(false);
        }
        if as_written.iter_mut().any(|search| search.feed(bytes)) {
            return Ok(true);
        }
        *is_wide = *is_wide || bytes.contains(&0);
        for byte in bytes {
            let mut letter = [0; 4];
            let meant = escape.decode_byte(*byte, &mut letter);
            if as_meant.iter_mut().any(|search| search.feed(meant)) {
                return Ok(true);
            }
        }
        let read = bytes.len();
        input.consume(read);
    }
}

/// The state within an escape sequence of JSON (RFC 8259, section 7).
#[derive(Default)]
enum JsonEscape {
    #[default]
    None,
    Backslash,
    /// The number of hexadecimal digits so far with their value. Before them, the high surrogate of a pair.
    Code(u8, u32),
}

impl JsonEscape {
    /// Decodes one byte. Returns the UTF-8 bytes that it completes.
    fn decode_byte<'a>(&mut self, byte: u8, letter: &'a mut [u8; 4]) -> &'a [u8] {
        let state = std::mem::take(self);
        match (state, byte) {
            (Self::None, b'\\') => *self = Self::Backslash,
            (Self::Backslash, b'u') => *self = Self::Code(0, 0),
            // They stand for whitespace and control characters, which are ignored.
            (Self::Backslash, b'n' | b'r' | b't' | b'b' | b'f') => {}
            (Self::Code(digits, code), _) => {
                let digit = char::from(byte).to_digit(16).unwrap_or_default();
                let code = (code << 4) | digit;
                if digits < 3 {
                    *self = Self::Code(digits + 1, code);
                } else if let Some(meant) = char::from_u32(code) {
                    return meant.encode_utf8(letter).as_bytes();
                }
            }
            (Self::None | Self::Backslash, _) => {
                letter[0] = byte;
                return &letter[..1];
            }
        }
        &[]
    }
}

/// Searches a workbook: the texts and attributes of its parts. A workbook that cannot be unpacked counts as
/// containing the text.
fn contains_in_workbook(file: File, text: &str) -> bool {
    let Ok(mut archive) = ZipArchive::new(BufReader::new(file)) else {
        return true;
    };
    let mut left = MAX_UNPACKED_BYTES;
    for at in 0..archive.len() {
        let Ok(part) = archive.by_index(at) else {
            return true;
        };
        let mut part = part.take(left);
        if contains_in_part(BufReader::new(&mut part), text).unwrap_or(true) {
            return true;
        }
        left = part.limit();
        if left == 0 {
            return true;
        }
    }
    false
}

fn contains_in_part(input: impl BufRead, text: &str) -> Result<bool, quick_xml::Error> {
    let (mut texts, mut attributes) = (TextSearch::new(text), TextSearch::new(text));
    let mut reader = quick_xml::Reader::from_reader(input);
    reader.config_mut().check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        let found = match reader.read_event_into(&mut buffer)? {
            Event::Eof => return Ok(false),
            Event::Text(text) => texts.feed(text.as_bytes()),
            Event::CData(text) => texts.feed(text.as_bytes()),
            Event::GeneralRef(reference) => {
                let mut letter = [0; 4];
                if let Some(meant) = reference.resolve_char_ref()? {
                    texts.feed(meant.encode_utf8(&mut letter).as_bytes())
                } else {
                    let meant = quick_xml::escape::resolve_predefined_entity(&reference);
                    meant.is_some_and(|meant| texts.feed(meant.as_bytes()))
                }
            }
            Event::Start(tag) | Event::Empty(tag) => tag.attributes().flatten().any(|attribute| {
                attributes.matched = 0;
                let meant =
                    quick_xml::escape::unescape(&attribute.value).unwrap_or_else(|_| attribute.value.clone());
                attributes.feed(meant.as_bytes())
            }),
            Event::Comment(text) => attributes.feed(text.as_bytes()),
            Event::Decl(_) | Event::PI(_) | Event::DocType(_) | Event::End(_) => false,
        };
        if found {
            return Ok(true);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use zip::ZipWriter;
    use zip::write::SimpleFileOptions;

    use super::*;

    fn contains_in_file(format: FileFormat, content: &[u8], text: &str) -> bool {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(content).unwrap();
        std::io::Seek::rewind(&mut file).unwrap();
        contains_text(format, file, text).unwrap()
    }

    #[test]
    fn text_is_found_in_json_and_csv() {
        let text = "Zoë \"Z\"\nof C:\\new";
        for (format, content) in [
            (
                FileFormat::JsonLines,
                r#"{"title": "by Zoë \"Z\"\nof C:\\new herself"}"#,
            ),
            (
                FileFormat::JsonLines,
                r#"{"title": "by Zo\u00eb \u0022Z\"\nof C:\u005cnew"}"#,
            ),
            (FileFormat::Csv, "title\r\n\"by Zoë \"\"Z\"\"\r\nof C:\\new\"\r\n"),
        ] {
            assert!(contains_in_file(format, content.as_bytes(), text), "{content}");
        }
        for content in ["", "Zo\\u00eb", "Zoe \"Z\" of C:\\new", "{\"title\": \"Zoë\"}"] {
            assert!(
                !contains_in_file(FileFormat::Csv, content.as_bytes(), text),
                "{content}"
            );
        }
    }

    #[test]
    fn text_is_found_in_non_utf8_csv() {
        for (table, text) in [
            (
                &b"title\r\n\"by Zo\xeb \"\"Z\"\"\r\nof C\"\r\n"[..],
                "Zoë \"Z\" of C",
            ),
            (b"title\r\nZo\xeb\x92s \x80 5\r\n", "Zoë’s € 5"),
            // JSON escapes are decoded in any text file.
            (b"{\"title\": \"Zo\xeb\\nof C\"}\n", "Zoë\nof C"),
        ] {
            assert!(contains_in_file(FileFormat::Csv, table, text), "{text}");
        }
        let table = b"title\r\nby Zo\xeb\r\n";
        for text in ["by Zoé", "by Zo", "by Zoë of", "Ζωή", "by Zoë 🦀"] {
            assert_eq!(
                contains_in_file(FileFormat::Csv, table, text),
                text == "by Zo",
                "{text}"
            );
        }
    }

    #[test]
    fn text_is_found_in_csv_of_any_width() {
        let table = "title\r\n\"by Zoë \"\"Z\"\" 🦀 of C\"\r\n";
        let bytes = |unit: fn(u16) -> [u8; 2], mark: &str| -> Vec<u8> {
            format!("{mark}{table}").encode_utf16().flat_map(unit).collect()
        };
        for unit in [u16::to_le_bytes, u16::to_be_bytes] {
            for mark in ["\u{feff}", ""] {
                let table = bytes(unit, mark);
                assert!(contains_in_file(FileFormat::Csv, &table, "Zoë \"Z\" 🦀 of"));
                assert!(!contains_in_file(FileFormat::Csv, &table, "Zoe \"Z\" 🦀 of"));
            }
        }
        // The text is found across the boundaries of buffers.
        let long = format!("{}by Zoë herself", "title,\r\n".repeat(40_000));
        let long: Vec<u8> = long.encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert!(contains_in_file(FileFormat::Csv, &long, "by Zoë herself"));
    }

    #[test]
    fn text_is_found_in_every_part_of_a_workbook() {
        let book = |part: &str, content: &str| {
            let mut written = ZipWriter::new(std::io::Cursor::new(Vec::new()));
            written.start_file(part, SimpleFileOptions::default()).unwrap();
            written.write_all(content.as_bytes()).unwrap();
            written.finish().unwrap().into_inner()
        };
        let text = "Jane & Zoë";
        for content in [
            "<sst><si><t>by Jane &amp; Zoë</t></si></sst>",
            "<sst><si><r><t>by Ja</t></r><r><b/><t xml:space=\"preserve\">ne &#38; Zo&#xEB;</t></r></si></sst>",
            "<p><![CDATA[Jane & Zoë]]></p>",
            "<c office:string-value='by Jane &amp; Zoë'/>",
            "<a><!-- Jane & Zoë --></a>",
            "<a>this is not XML",
        ] {
            let found = contains_in_file(FileFormat::Xlsx, &book("xl/sharedStrings.xml", content), text);
            assert!(found || content.ends_with("XML"), "{content}");
        }
        let other = "<sst><si><t>Jane and Zoë</t></si></sst>";
        assert!(!contains_in_file(
            FileFormat::Ods,
            &book("content.xml", other),
            text
        ));
        assert!(
            contains_in_file(FileFormat::Xlsx, b"PK no archive", text),
            "what cannot be looked into is not kept"
        );
    }

    #[test]
    fn search_matches_a_naive_search() {
        let letters = ["a", "ab", "aab", "abab", "b", " ", "\""];
        let mut seed = 7_u32;
        for _ in 0..20_000 {
            let mut drawn = |most: usize| {
                let mut text = String::new();
                for _ in 0..most {
                    seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                    text.push_str(letters[(seed >> 16) as usize % letters.len()]);
                }
                text
            };
            let (wanted, content) = (drawn(3), drawn(8));
            let plain = |text: &str| text.replace([' ', '"'], "");
            if plain(&wanted).is_empty() {
                continue;
            }
            let found = content.as_bytes().chunks(3).fold(
                (TextSearch::new(&wanted), false),
                |(mut search, found), piece| {
                    let found = search.feed(piece) || found;
                    (search, found)
                },
            );
            let expected = plain(&content).contains(&plain(&wanted));
            assert_eq!(found.1, expected, "{wanted:?} in {content:?}");
        }
    }
}
