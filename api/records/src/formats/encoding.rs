//! Detects the encoding of a text file and converts the file to UTF-8. The file is read once to detect the encoding.
//!
//! A byte order mark decides. Without one, a file that is valid UTF-8 is UTF-8. Another file is Windows-1252, unless it
//! has more valid non-ASCII characters than invalid bytes, or bytes that Windows-1252 does not define. Then it is UTF-8
//! with damaged rows, which the reader of rows rejects.

use std::io::{self, Read, Seek, SeekFrom};

use encoding_rs::{Decoder, Encoding, UTF_8, WINDOWS_1252};
use memchr::{memchr_iter, memchr2_iter};

use super::stream::{MIN_BYTES_PER_NUL, reject_non_text};
use super::{FileError, Notes, delimiter};

const BUFFER_BYTES: usize = 1 << 16;

/// The content of a text file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum TextKind {
    /// A table, whose cells may be in quotation marks.
    #[default]
    Table,
    /// JSON, which is never Windows-1252 and has no NUL.
    Json,
}

/// Opens a file as UTF-8 without a byte order mark.
///
/// If any line ends with only a carriage return, all line ends become line feeds. NUL characters in a table are removed.
pub(super) fn open_as_utf8<'a>(
    mut input: impl Read + Seek + 'a,
    form: TextKind,
    notes: &mut Notes,
) -> Result<Box<dyn Read + 'a>, FileError> {
    input.seek(SeekFrom::Start(0))?;
    let mut start = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut start)?;
    reject_non_text(&start)?;
    let (marked, mark_bytes) = Encoding::for_bom(&start).unzip();
    let mark_bytes = mark_bytes.unwrap_or(0) as u64;
    input.seek(SeekFrom::Start(mark_bytes))?;
    let mut survey = EncodingSurvey {
        form,
        ..EncodingSurvey::default()
    };
    let encoding = match marked {
        Some(wide) if wide != UTF_8 => {
            let mut text = TranscodingReader::new(&mut input, wide);
            survey.scan_input(&mut text)?;
            notes.add(format!("The file is read as {}.", wide.name()));
            if text.had_errors {
                notes.add("The file has characters that are broken; each is read as \u{fffd}.");
            }
            wide
        }
        marked => {
            survey.scan_input(&mut input)?;
            let is_western =
                survey.invalid > 0 && survey.invalid >= survey.wide_characters && !survey.has_undefined;
            if marked.is_none() && is_western && form == TextKind::Table {
                let note = "The file is read as Windows-1252, because it is not UTF-8 text. Check that letters with \
                            accents are right; if they are not, save the file as \"CSV UTF-8\".";
                notes.add(note);
                WINDOWS_1252
            } else {
                UTF_8
            }
        }
    };
    let is_cleaned = survey.nuls > 0 && form == TextKind::Table;
    if is_cleaned && survey.nuls > survey.bytes / MIN_BYTES_PER_NUL as u64 {
        return Err(FileError::Binary);
    }
    if is_cleaned {
        let note = format!("The file has {} NUL characters, which are left out.", survey.nuls);
        notes.add(note);
    }
    input.seek(SeekFrom::Start(mark_bytes))?;
    let text: Box<dyn Read + 'a> = if encoding == UTF_8 {
        Box::new(input)
    } else {
        Box::new(TranscodingReader::new(input, encoding))
    };
    if !is_cleaned && !survey.has_lone_return {
        return Ok(text);
    }
    Ok(Box::new(CleaningReader {
        input: text,
        removes_nul: is_cleaned,
        removes_carriage_returns: survey.has_lone_return,
        is_after_return: false,
    }))
}

/// The findings of a first reading of the file.
#[derive(Debug, Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "separate findings and the state of a scanner"
)]
struct EncodingSurvey {
    form: TextKind,
    bytes: u64,
    /// The number of invalid UTF-8 sequences.
    invalid: u64,
    /// The number of valid non-ASCII characters.
    wide_characters: u64,
    /// Whether any byte is undefined in Windows-1252.
    has_undefined: bool,
    nuls: u64,
    /// Whether a carriage return ends a line without a line feed.
    has_lone_return: bool,
    /// Whether the last byte is a carriage return that ends a line.
    ends_in_return: bool,
    /// Whether the last byte is within quotation marks.
    is_quoted: bool,
    last: Option<u8>,
}

impl EncodingSurvey {
    fn scan_input(&mut self, input: &mut impl Read) -> io::Result<()> {
        let mut buffer = vec![0; BUFFER_BYTES];
        // The number of bytes of a character that is split between two reads.
        let mut held = 0;
        loop {
            let read = match input.read(&mut buffer[held..]) {
                Ok(read) => read,
                Err(cause) if cause.kind() == io::ErrorKind::Interrupted => continue,
                Err(cause) => return Err(cause),
            };
            if read == 0 {
                break;
            }
            self.scan_chunk(&buffer[held..held + read]);
            let end = held + read;
            let left = self.scan_characters(&buffer[..end]);
            buffer.copy_within(end - left..end, 0);
            held = left;
        }
        self.invalid += u64::from(held > 0);
        self.has_lone_return |= self.ends_in_return;
        Ok(())
    }

    fn scan_chunk(&mut self, bytes: &[u8]) {
        self.bytes += bytes.len() as u64;
        self.nuls += memchr_iter(0, bytes).count() as u64;
        self.has_lone_return |= self.ends_in_return && bytes.first() != Some(&b'\n');
        self.ends_in_return = false;
        if !self.has_lone_return {
            self.scan_line_ends(bytes);
        }
        self.last = bytes.last().copied().or(self.last);
    }

    /// Finds line ends outside quotation marks.
    fn scan_line_ends(&mut self, bytes: &[u8]) {
        let mut closed = None;
        for at in memchr2_iter(b'\r', b'"', bytes) {
            if bytes[at] == b'"' {
                let before = at.checked_sub(1).map_or(self.last, |before| Some(bytes[before]));
                // A quotation mark opens a quotation at the start of a cell, or directly after one that closed it.
                let may_open = before.is_none_or(delimiter::can_precede_a_cell)
                    || closed.map_or(at == 0 && before == Some(b'"'), |closed| closed + 1 == at);
                if self.is_quoted {
                    self.is_quoted = false;
                    closed = Some(at);
                } else if self.form == TextKind::Table {
                    self.is_quoted = may_open;
                }
            } else if !self.is_quoted {
                match bytes.get(at + 1) {
                    Some(b'\n') => {}
                    Some(_) => {
                        self.has_lone_return = true;
                        return;
                    }
                    None => self.ends_in_return = true,
                }
            }
        }
    }

    /// Counts characters and returns the number of bytes at the end that may begin another.
    fn scan_characters(&mut self, bytes: &[u8]) -> usize {
        if bytes.is_ascii() {
            return 0;
        }
        let is_undefined = |byte: &u8| matches!(byte, 0x81 | 0x8d | 0x8f | 0x90 | 0x9d);
        self.has_undefined |= bytes.iter().any(is_undefined);
        let mut rest = bytes;
        loop {
            let Err(error) = std::str::from_utf8(rest) else {
                self.wide_characters += count_wide_characters(rest);
                return 0;
            };
            let (valid, after) = rest.split_at(error.valid_up_to());
            self.wide_characters += count_wide_characters(valid);
            let Some(length) = error.error_len() else {
                return after.len();
            };
            self.invalid += 1;
            rest = &after[length..];
        }
    }
}

/// Counts the non-ASCII characters of valid UTF-8.
fn count_wide_characters(valid: &[u8]) -> u64 {
    valid.iter().filter(|byte| **byte >= 0xc0).count() as u64
}

/// Converts text in another encoding to UTF-8. Invalid characters become U+FFFD.
pub struct TranscodingReader<R> {
    input: R,
    decoder: Decoder,
    raw: Vec<u8>,
    text: Vec<u8>,
    at: usize,
    is_finished: bool,
    had_errors: bool,
}

impl<R: Read> TranscodingReader<R> {
    /// Creates a reader of `input` in `encoding`.
    pub fn new(input: R, encoding: &'static Encoding) -> Self {
        Self {
            input,
            decoder: encoding.new_decoder_without_bom_handling(),
            raw: vec![0; BUFFER_BYTES],
            text: Vec::new(),
            at: 0,
            is_finished: false,
            had_errors: false,
        }
    }
}

impl<R: Read> Read for TranscodingReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.text.len() {
            if self.is_finished || buffer.is_empty() {
                return Ok(0);
            }
            let read = self.input.read(&mut self.raw)?;
            self.is_finished = read == 0;
            let most = self.decoder.max_utf8_buffer_length(read);
            let most = most.ok_or_else(|| io::Error::other("a piece of text is too long"))?;
            self.text.resize(most, 0);
            let (_, _, written, had_errors) =
                self.decoder
                    .decode_to_utf8(&self.raw[..read], &mut self.text, self.is_finished);
            self.text.truncate(written);
            self.had_errors |= had_errors;
            self.at = 0;
        }
        let length = buffer.len().min(self.text.len() - self.at);
        buffer[..length].copy_from_slice(&self.text[self.at..self.at + length]);
        self.at += length;
        Ok(length)
    }
}

/// Replaces carriage returns by line feeds and removes NUL characters.
struct CleaningReader<R> {
    input: R,
    removes_nul: bool,
    removes_carriage_returns: bool,
    is_after_return: bool,
}

impl<R: Read> Read for CleaningReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.input.read(buffer)?;
            let mut kept = 0;
            for at in 0..read {
                let byte = buffer[at];
                let is_second = byte == b'\n' && self.is_after_return;
                self.is_after_return = byte == b'\r' && self.removes_carriage_returns;
                if !is_second && (byte != 0 || !self.removes_nul) {
                    buffer[kept] = if self.is_after_return { b'\n' } else { byte };
                    kept += 1;
                }
            }
            if kept > 0 || read == 0 {
                return Ok(kept);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use proptest::prelude::*;

    use super::*;

    fn read_all(bytes: &[u8]) -> Result<(String, Vec<String>), FileError> {
        let mut notes = Notes::default();
        let mut text = String::new();
        open_as_utf8(Cursor::new(bytes), TextKind::Table, &mut notes)?.read_to_string(&mut text)?;
        Ok((text, notes.into_iter().collect()))
    }

    #[test]
    fn byte_order_mark_decides_the_encoding() {
        let wide = |unit: fn(u16) -> [u8; 2], text: &str| -> Vec<u8> {
            "\u{feff}"
                .encode_utf16()
                .chain(text.encode_utf16())
                .flat_map(unit)
                .collect()
        };
        for unit in [u16::to_le_bytes as fn(u16) -> [u8; 2], u16::to_be_bytes] {
            let (text, notes) = read_all(&wide(unit, "é,😀\r\n")).unwrap();
            assert_eq!(text, "é,😀\r\n");
            assert!(notes[0].starts_with("The file is read as UTF-16"), "{notes:?}");
        }
        assert_eq!(read_all("\u{feff}é".as_bytes()).unwrap(), ("é".into(), vec![]));
        let cut = &wide(u16::to_le_bytes, "ab")[..5];
        let (text, notes) = read_all(cut).unwrap();
        assert_eq!(text, "a\u{fffd}");
        assert!(notes[1].contains("broken"), "{notes:?}");
    }

    #[test]
    fn invalid_utf8_anywhere_makes_the_file_windows_1252() {
        for before in [0, 10, BUFFER_BYTES - 1, BUFFER_BYTES, 3 * BUFFER_BYTES + 1] {
            let mut bytes = vec![b'a'; before];
            bytes.extend(b"caf\xe9 \x80 \x93x\x94");
            let (text, notes) = read_all(&bytes).unwrap();
            assert_eq!(text[before..], *"café € “x”");
            assert!(notes[0].contains("Windows-1252"), "{notes:?}");
        }
    }

    #[test]
    fn mostly_valid_utf8_stays_utf8() {
        for damaged in ["é é \u{fffd}", "é, \u{fffd}\u{fffd}x, ü, ö, €"] {
            let bytes: Vec<u8> = damaged
                .split('\u{fffd}')
                .map(|piece| piece.as_bytes().to_vec())
                .collect::<Vec<_>>()
                .join(&0xe9);
            let mut notes = Notes::default();
            let mut read = Vec::new();
            open_as_utf8(Cursor::new(&bytes), TextKind::Table, &mut notes)
                .unwrap()
                .read_to_end(&mut read)
                .unwrap();
            assert_eq!(read, bytes);
            assert_eq!(notes.into_iter().count(), 0);
        }
    }

    #[test]
    fn lone_carriage_returns_end_lines_and_nul_is_removed() {
        assert_eq!(read_all(b"a\rb\r\nc\n\rd\r").unwrap().0, "a\nb\nc\n\nd\n");
        for kept in [
            "a\r\nb\r\n",
            "a,\"b\rc\"\n",
            "\"a \"\"\rc\",\"\r\"\r\n",
            "\"\"\"\r\"\"\"\n",
        ] {
            assert_eq!(read_all(kept.as_bytes()).unwrap().0, kept);
        }
        assert_eq!(read_all(b"a,\"b\rc\"\rd\" e\r").unwrap().0, "a,\"b\nc\"\nd\" e\n");
        let mut json = String::new();
        let input = Cursor::new(b"{\"a\": \"\\\"\"}\r{}\r\xff");
        let mut read_json = open_as_utf8(input, TextKind::Json, &mut Notes::default()).unwrap();
        read_json.by_ref().take(15).read_to_string(&mut json).unwrap();
        assert_eq!(json, "{\"a\": \"\\\"\"}\n{}\n");
        let (text, notes) = read_all(b"a title,b\nx\0y,z\r1,2\n").unwrap();
        assert_eq!(text, "a title,b\nxy,z\n1,2\n");
        assert_eq!(notes, ["The file has 1 NUL characters, which are left out."]);
        assert!(matches!(read_all(b"a\0b\0c\0"), Err(FileError::Binary)));
        assert!(matches!(read_all(b""), Err(FileError::Empty)));
    }

    proptest! {
        #[test]
        fn text_in_utf8_comes_out_as_it_was(text in "[^\0\r\u{feff}]{1,200}", piece in 1_usize..9) {
            /// Reads a few bytes at a time, so that characters fall apart.
            struct Slow<R>(R, usize);
            impl<R: Read> Read for Slow<R> {
                fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
                    let length = buffer.len().min(self.1);
                    self.0.read(&mut buffer[..length])
                }
            }
            impl<R: Seek> Seek for Slow<R> {
                fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
                    self.0.seek(to)
                }
            }
            prop_assume!(!text.starts_with("PK\u{3}\u{4}"));
            let mut notes = Notes::default();
            let mut read = String::new();
            let input = Slow(Cursor::new(text.clone().into_bytes()), piece);
            open_as_utf8(input, TextKind::Table, &mut notes).unwrap().read_to_string(&mut read).unwrap();
            prop_assert_eq!(read, text);
            prop_assert_eq!(notes.into_iter().count(), 0);
        }
    }
}
