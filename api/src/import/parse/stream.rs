//! Bytes on their way in: byte order marks, and a limit on what one row may take.

use std::cell::Cell;
use std::io::{self, Cursor, Read};

use super::FileError;

const UTF8_MARK: &[u8] = b"\xef\xbb\xbf";

/// The input without a UTF-8 byte order mark; input in UTF-16 or a zipped
/// workbook is refused, as it cannot be anything that is read here.
pub(super) fn text(mut input: impl Read) -> Result<impl Read, FileError> {
    let mut start = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut start)?;
    refuse_other_than_text(&start)?;
    if start.starts_with(UTF8_MARK) {
        start.drain(..UTF8_MARK.len());
    }
    Ok(Cursor::new(start).chain(input))
}

/// As [`text`], but takes input in UTF-16 too, where it begins with a byte order mark: some
/// spreadsheets save their text so.
pub(super) fn text_of_any_width(mut input: impl Read) -> Result<impl Read, FileError> {
    let mut start = Vec::with_capacity(4);
    input.by_ref().take(4).read_to_end(&mut start)?;
    let unit = match start.as_slice() {
        [0xff, 0xfe, ..] => Some(u16::from_le_bytes as fn([u8; 2]) -> u16),
        [0xfe, 0xff, ..] => Some(u16::from_be_bytes as fn([u8; 2]) -> u16),
        _ => None,
    };
    let past_mark = start.split_off(if unit.is_some() { 2 } else { 0 });
    let input = Cursor::new(past_mark).chain(input);
    Ok(match unit {
        Some(unit) => EitherWidth::Wide(wide(input, unit)),
        None => EitherWidth::Narrow(text(input)?),
    })
}

/// Input in UTF-16, of units that are read so, as UTF-8. What is no character becomes U+FFFD.
pub(crate) fn wide<R: Read>(input: R, unit: fn([u8; 2]) -> u16) -> impl Read {
    Wide {
        input,
        unit,
        held: Vec::new(),
        text: Cursor::default(),
    }
}

/// Text in UTF-8, or in UTF-16.
enum EitherWidth<N, W> {
    Narrow(N),
    Wide(W),
}

impl<N: Read, W: Read> Read for EitherWidth<N, W> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Narrow(input) => input.read(buffer),
            Self::Wide(input) => input.read(buffer),
        }
    }
}

struct Wide<R> {
    input: R,
    unit: fn([u8; 2]) -> u16,
    /// Bytes that are not a whole character yet.
    held: Vec<u8>,
    text: Cursor<Vec<u8>>,
}

impl<R: Read> Read for Wide<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let read = self.text.read(buffer)?;
            if read > 0 || buffer.is_empty() {
                return Ok(read);
            }
            let before = self.held.len();
            self.input.by_ref().take(1 << 14).read_to_end(&mut self.held)?;
            let is_over = self.held.len() == before;
            if self.held.is_empty() {
                return Ok(0);
            }
            let mut units: Vec<u16> = self
                .held
                .chunks_exact(2)
                .map(|pair| (self.unit)([pair[0], pair[1]]))
                .collect();
            // The first half of a character waits for the second.
            if !is_over && units.last().is_some_and(|last| (0xd800..0xdc00).contains(last)) {
                units.pop();
            }
            let text: String = char::decode_utf16(units.iter().copied())
                .map(|read| read.unwrap_or(char::REPLACEMENT_CHARACTER))
                .collect();
            self.held.drain(..units.len() * 2);
            if is_over {
                self.held.clear();
            }
            self.text = Cursor::new(text.into_bytes());
        }
    }
}

/// Refuses input that by its first bytes is no UTF-8 text, or is empty.
pub(super) fn refuse_other_than_text(start: &[u8]) -> Result<(), FileError> {
    match start {
        [] => Err(FileError::Empty),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => Err(FileError::NotText),
        [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..] | [0x1f, 0x8b, ..] => Err(FileError::Workbook),
        _ => Ok(()),
    }
}

/// The first bytes past a byte order mark and blank space.
pub(super) fn first_of_substance(start: &[u8]) -> Option<u8> {
    let start = start.strip_prefix(UTF8_MARK).unwrap_or(start);
    start.trim_ascii_start().first().copied()
}

/// How many bytes may still be read before the row counts as endless.
#[derive(Debug)]
pub(super) struct Allowance(Cell<usize>);

impl Allowance {
    pub(super) const fn unlimited() -> Self {
        Self(Cell::new(usize::MAX))
    }

    /// A row begins, and may take this much.
    pub(super) fn limit(&self, bytes: usize) {
        self.0.set(bytes);
    }

    /// The row has ended.
    pub(super) fn lift(&self) {
        self.0.set(usize::MAX);
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// Input that stops with an error once the allowance is spent.
pub(super) struct Metered<'a, R> {
    input: R,
    allowance: &'a Allowance,
    has_ended: bool,
}

impl<'a, R> Metered<'a, R> {
    pub(super) const fn new(input: R, allowance: &'a Allowance) -> Self {
        Self {
            input,
            allowance,
            has_ended: false,
        }
    }

    /// Whether somebody has asked for more than there is.
    pub(super) const fn has_ended(&self) -> bool {
        self.has_ended
    }
}

impl<R: Read> Read for Metered<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = self.allowance.0.get();
        if left == 0 {
            return Err(io::Error::other("a row is too long"));
        }
        let read = self.input.read(buffer)?;
        self.allowance.0.set(left.saturating_sub(read));
        self.has_ended = read == 0 && !buffer.is_empty();
        Ok(read)
    }
}
