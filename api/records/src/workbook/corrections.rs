//! The workbook that goes back to whoever sent records that could not be taken: those records
//! as they were typed, each wrong cell marked, with what to mend beside them. Mended, it can be
//! sent as it is.

use std::io::Write;

use serde_json::Value;

use super::guidance::{self, GuidanceKind};
use super::writer::{WorkbookPurpose, WorkbookWriter, WriteError};
use crate::formats::file_record::{StrayItem, UnreadCell};
use crate::problem::Problem;

/// A corrected workbook on its way out.
pub struct CorrectionsWorkbook(WorkbookWriter);

impl CorrectionsWorkbook {
    /// An empty one, for records of a file that could not be taken.
    pub fn new() -> Result<Self, WriteError> {
        WorkbookWriter::new(
            WorkbookPurpose::Correction,
            &guidance::list_lines(GuidanceKind::Corrections),
        )
        .map(Self)
    }

    /// An empty one, for records that a steward returned.
    pub fn for_requested_changes() -> Result<Self, WriteError> {
        WorkbookWriter::new(
            WorkbookPurpose::Correction,
            &guidance::list_lines(GuidanceKind::ChangesRequested),
        )
        .map(Self)
    }

    /// Writes a record's document as it was typed, with what is wrong in it; the paths of the
    /// findings lead into the document.
    pub fn add_record(&mut self, document: &Value, findings: &[Problem]) -> Result<(), WriteError> {
        self.0.write_record(document, findings)
    }

    /// Writes a row of a list that belongs to no record, with why.
    pub fn add_stray(&mut self, item: &StrayItem, reason: &str) -> Result<(), WriteError> {
        self.0.write_stray(item, reason)
    }

    /// Writes what a cell holds from which nothing was read, to the sheet for such cells.
    pub fn add_unread(&mut self, cell: &UnreadCell) -> Result<(), WriteError> {
        self.0.write_unread(cell)
    }

    /// Writes the file.
    pub fn finish(self, output: impl Write + Send) -> Result<(), WriteError> {
        self.0.finish(output)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Read as _};

    use serde_json::json;
    use zip::ZipArchive;

    use super::*;
    use crate::problem::ProblemCode;

    /// The height of a row of a sheet in points, where it has one of its own.
    fn row_height(sheet: &str, row: u32) -> Option<f64> {
        let (_, from) = sheet.split_once(&format!("<row r=\"{row}\""))?;
        let (attributes, _) = from.split_once('>')?;
        let (_, height) = attributes.split_once("ht=\"")?;
        height.split_once('"')?.0.parse().ok()
    }

    #[test]
    fn rows_fit_their_text_and_sheets_fit_the_page() {
        let mut book = CorrectionsWorkbook::new().unwrap();
        book.add_record(
            &json!({"externalRef": "a", "title": "Short"}),
            &[Problem::new(ProblemCode::Required, "place", "is needed")],
        )
        .unwrap();
        let reasons = ["is too long", "names a person", "has a telephone number"]
            .map(|reason| Problem::new(ProblemCode::InvalidFormat, "summary", reason));
        book.add_record(&json!({"externalRef": "b", "summary": "x"}), &reasons)
            .unwrap();
        book.add_record(
            &json!({"externalRef": "c", "summary": "eight letters ".repeat(100)}),
            &reasons[..1],
        )
        .unwrap();
        let mut written = Vec::new();
        book.finish(&mut written).unwrap();
        let mut archive = ZipArchive::new(Cursor::new(written)).unwrap();
        let mut part = |name: &str| {
            let mut text = String::new();
            archive.by_name(name).unwrap().read_to_string(&mut text).unwrap();
            text
        };
        let guidance = part("xl/worksheets/sheet1.xml");
        let initiatives = part("xl/worksheets/sheet2.xml");
        for sheet in [&guidance, &initiatives] {
            assert!(
                sheet.contains("orientation=\"landscape\"") && sheet.contains("fitToPage=\"1\""),
                "{sheet}"
            );
        }
        let heights = (2..=4).map(|row| row_height(&initiatives, row));
        let heights: Vec<_> = heights.collect();
        assert_eq!(heights[..2], [None, Some(45.0)], "three reasons take three lines");
        assert!(heights[2].is_some_and(|height| height > 200.0), "{heights:?}");
        assert_eq!(
            row_height(&guidance, 3),
            Some(45.0),
            "a paragraph of three lines is not cut off"
        );
    }
}
