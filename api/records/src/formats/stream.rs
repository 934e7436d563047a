//! Checks the first bytes of files, and limits the size of a row.

use std::cell::Cell;
use std::io::{self, Read};

use super::FileError;

const UTF8_BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
const UTF16_BYTE_ORDER_MARKS: [&[u8]; 2] = [b"\xff\xfe", b"\xfe\xff"];

/// A file with more than one NUL in this number of bytes is not text.
pub(super) const MIN_BYTES_PER_NUL: usize = 8;

/// Rejects a file that is empty, or not text according to its first bytes.
pub(super) fn reject_non_text(start: &[u8]) -> Result<(), FileError> {
    match start {
        [] => Err(FileError::Empty),
        [b'P', b'K', 3, 4, ..] | [0xd0, 0xcf, 0x11, 0xe0, ..] | [0x1f, 0x8b, ..] => Err(FileError::Workbook),
        _ => Ok(()),
    }
}

/// Finds the first byte after a byte order mark and white space. In UTF-16, only ASCII characters are considered.
pub(super) fn first_significant_byte(start: &[u8]) -> Option<u8> {
    let is_wide = UTF16_BYTE_ORDER_MARKS.iter().any(|mark| start.starts_with(mark));
    let mut text = match start.strip_prefix(UTF8_BYTE_ORDER_MARK) {
        Some(text) => text.iter(),
        None if is_wide => start[2..].iter(),
        None => start.iter(),
    };
    text.find(|byte| !byte.is_ascii_whitespace() && (!is_wide || **byte != 0))
        .copied()
}

/// Returns whether the first bytes of a file have more NUL characters than text has.
pub(super) fn is_binary(start: &[u8]) -> bool {
    let is_wide = UTF16_BYTE_ORDER_MARKS.iter().any(|mark| start.starts_with(mark));
    !is_wide && memchr::memchr_iter(0, start).count() > start.len() / MIN_BYTES_PER_NUL
}

/// The number of bytes that the current row may still have.
#[derive(Debug)]
pub(super) struct ByteAllowance(Cell<usize>);

impl ByteAllowance {
    pub(super) const fn unlimited() -> Self {
        Self(Cell::new(usize::MAX))
    }

    /// Allows a new row of up to `bytes`.
    pub(super) fn limit(&self, bytes: usize) {
        self.0.set(bytes);
    }

    /// Removes the limit after the last row.
    pub(super) fn lift(&self) {
        self.0.set(usize::MAX);
    }

    pub(super) fn is_spent(&self) -> bool {
        self.0.get() == 0
    }
}

/// A reader that fails once the allowance is spent.
pub(super) struct MeteredReader<'a, R> {
    input: R,
    allowance: &'a ByteAllowance,
    has_ended: bool,
}

impl<'a, R> MeteredReader<'a, R> {
    pub(super) const fn new(input: R, allowance: &'a ByteAllowance) -> Self {
        Self {
            input,
            allowance,
            has_ended: false,
        }
    }

    /// Returns whether the end was reached.
    pub(super) const fn has_ended(&self) -> bool {
        self.has_ended
    }
}

impl<R: Read> Read for MeteredReader<'_, R> {
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
