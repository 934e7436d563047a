//! Prints to standard output and standard error.

use std::fmt::Arguments;
use std::io::{self, ErrorKind, Write};
use std::sync::Mutex;

/// The first failure to write to standard output.
static FIRST_WRITE_ERROR: Mutex<Option<io::Error>> = Mutex::new(None);

/// Prints a line to standard output.
macro_rules! print_line {
    ($($argument:tt)*) => { $crate::cli::output::write_out(format_args!($($argument)*)) };
}

/// Prints a line to standard error.
macro_rules! print_note {
    ($($argument:tt)*) => { $crate::cli::output::write_note(format_args!($($argument)*)) };
}

pub(crate) use {print_line, print_note};

/// Writes a line to standard output. A failure does not stop the command. [`take_write_error`] returns it later.
pub(crate) fn write_out(line: Arguments<'_>) {
    if let Err(cause) = writeln!(IgnoreClosedPipe(io::stdout().lock()), "{line}") {
        let mut failure = FIRST_WRITE_ERROR
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        failure.get_or_insert(cause);
    }
}

/// Writes a line to standard error, and ignores failures.
pub fn write_note(line: Arguments<'_>) {
    drop(writeln!(io::stderr().lock(), "{line}"));
}

/// Returns and clears the first failure to write to standard output.
pub(super) fn take_write_error() -> Option<io::Error> {
    let mut failure = FIRST_WRITE_ERROR
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    failure.take()
}

/// A writer that ignores a closed pipe. Readers such as `head` stop reading before the end.
pub(super) struct IgnoreClosedPipe<W>(pub W);

impl<W: Write> Write for IgnoreClosedPipe<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self.0.write(bytes) {
            Err(cause) if cause.kind() == ErrorKind::BrokenPipe => Ok(bytes.len()),
            written => written,
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self.0.flush() {
            Err(cause) if cause.kind() == ErrorKind::BrokenPipe => Ok(()),
            flushed => flushed,
        }
    }
}

/// Formats a count with its noun in the singular or plural.
pub(super) fn format_count(count: impl TryInto<u64>, noun: &str) -> String {
    match count.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}
