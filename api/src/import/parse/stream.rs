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
