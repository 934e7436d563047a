//! Records as a workbook to keep, or to take into another base: every field of every record.

use std::io::Write;

use serde_json::Value;

use super::writer::{Book, Purpose, WriteError};

/// A workbook of records on its way out.
pub struct RecordBook(Book);

impl RecordBook {
    /// An empty one.
    pub fn new() -> Result<Self, WriteError> {
        Book::new(Purpose::Export, &[]).map(Self)
    }

    /// Writes a record's document.
    pub fn add(&mut self, document: &Value) -> Result<(), WriteError> {
        self.0.add(document, &[])
    }

    /// Writes the file.
    pub fn finish(self, output: impl Write + Send) -> Result<(), WriteError> {
        self.0.finish(output)
    }
}
