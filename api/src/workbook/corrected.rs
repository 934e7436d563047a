//! The workbook that goes back to whoever sent records that could not be taken: those records
//! as they were typed, each wrong cell marked, with what to mend beside them. Mended, it can be
//! sent as it is.

use std::io::Write;

use serde_json::Value;

use super::book::{Book, Purpose, WriteError};
use super::guidance::{self, Guided};
use crate::import::parse::file_record::{StrayItem, UnreadCell};
use crate::initiative::validate::Finding;

/// A corrected workbook on its way out.
pub struct CorrectionBook(Book);

impl CorrectionBook {
    /// An empty one, for records of a file that could not be taken.
    pub fn new() -> Result<Self, WriteError> {
        Book::new(Purpose::Correction, &guidance::lines(Guided::Corrections)).map(Self)
    }

    /// An empty one, for records that a steward returned.
    pub fn of_returned() -> Result<Self, WriteError> {
        Book::new(Purpose::Correction, &guidance::lines(Guided::Returned)).map(Self)
    }

    /// Writes a record's document as it was typed, with what is wrong in it; the paths of the
    /// findings lead into the document.
    pub fn add(&mut self, document: &Value, findings: &[Finding]) -> Result<(), WriteError> {
        self.0.add(document, findings)
    }

    /// Writes a row of a list that belongs to no record, with why.
    pub fn add_stray(&mut self, item: &StrayItem, reason: &str) -> Result<(), WriteError> {
        self.0.add_stray(item, reason)
    }

    /// Writes what a cell holds from which nothing was read, to the sheet for such cells.
    pub fn add_unread(&mut self, cell: &UnreadCell) -> Result<(), WriteError> {
        self.0.add_unread(cell)
    }

    /// Writes the file.
    pub fn finish(self, output: impl Write + Send) -> Result<(), WriteError> {
        self.0.finish(output)
    }
}
