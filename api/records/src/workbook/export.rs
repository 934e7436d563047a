//! Records as a workbook to keep, or to take into another base: every field of every record.

use std::io::Write;

use serde_json::Value;

use super::writer::{WorkbookPurpose, WorkbookWriter, WriteError};

/// A workbook of records on its way out.
pub struct RecordWorkbook(WorkbookWriter);

impl RecordWorkbook {
    /// An empty one.
    pub fn new() -> Result<Self, WriteError> {
        WorkbookWriter::new(WorkbookPurpose::Export, &[]).map(Self)
    }

    /// Writes a record's document.
    pub fn add_record(&mut self, document: &Value) -> Result<(), WriteError> {
        self.0.write_record(document, &[])
    }

    /// Writes the file.
    pub fn finish(self, output: impl Write + Send) -> Result<(), WriteError> {
        self.0.finish(output)
    }
}
