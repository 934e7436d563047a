//! Reads the files of imports.
//!
//! The readers call a function with each row, so that memory does not grow with the file. An invalid row is a list of all
//! its problems. An invalid file is a [`FileError`], which may come after valid rows.

mod archive;
mod base_version;
mod csv_reader;
mod csv_records;
mod delimiter;
pub mod encoding;
pub mod file_format;
pub mod file_record;
pub mod grants;
mod json_lines;
mod ods;
pub mod places;
mod record_builder;
pub mod records;
pub mod references;
mod repeated_fields;
mod rows_on_disk;
mod spreadsheet;
mod stream;
mod workbook_records;
mod workbook_spiller;
#[cfg(test)]
mod workbook_tests;
mod xlsx;

use std::fmt;

use self::file_record::CellPosition;
use crate::problem::Problem;

/// The maximum size of a row in bytes. A longer row is not read.
pub const MAX_ROW_BYTES: usize = 4 * 1024 * 1024;

/// The content of a cell in a column that the file may not have.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ColumnValue<T> {
    /// The file has no such column.
    Absent,
    /// The cell is empty.
    Empty,
    /// The cell has a value.
    Value(T),
}

impl<T> ColumnValue<T> {
    /// The value, if the cell has one.
    pub const fn value(&self) -> Option<&T> {
        match self {
            Self::Absent | Self::Empty => None,
            Self::Value(value) => Some(value),
        }
    }
}

/// A row, or all of its problems (at least one).
pub type ParsedRowResult<T> = Result<ParsedRow<T>, Vec<RowProblem>>;

/// A valid row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedRow<T> {
    /// The content.
    pub value: T,
    /// The values that were changed or left out.
    pub warnings: Vec<RowProblem>,
}

impl<T> From<T> for ParsedRow<T> {
    fn from(value: T) -> Self {
        Self {
            value,
            warnings: Vec::new(),
        }
    }
}

/// Notes about how a file was read, a sentence each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes(Vec<String>);

impl Notes {
    /// Adds a note, unless it was added before.
    pub fn add(&mut self, note: impl Into<String>) {
        let note = note.into();
        if !self.0.contains(&note) {
            self.0.push(note);
        }
    }
}

impl IntoIterator for Notes {
    type Item = String;
    type IntoIter = std::vec::IntoIter<String>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// A problem of a row: an error or a warning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// The sheet of a workbook. `None` in other files.
    pub sheet: Option<String>,
    /// The row as a spreadsheet shows it (also for CSV), the line of a JSON Lines file, or the position in a JSON list.
    /// Counted from 1.
    pub row: u64,
    /// The name of the field in the file: the title of a column, or a path such as `plannedDates/0/startDate`. Empty for
    /// the whole row.
    pub field: String,
    /// The reason, as words that follow the name of the field.
    pub reason: String,
}

impl RowProblem {
    /// Describes the position, such as `sheet Funding terms, row 3, Last day`.
    pub fn describe_position(&self) -> String {
        let sheet = self.sheet.iter().map(|sheet| format!("sheet {sheet}"));
        let field = Some(self.field.clone()).filter(|field| !field.is_empty());
        let parts: Vec<_> = sheet.chain([format!("row {}", self.row)]).chain(field).collect();
        parts.join(", ")
    }
}

impl From<(CellPosition, Problem)> for RowProblem {
    fn from((at, problem): (CellPosition, Problem)) -> Self {
        Self {
            sheet: at.sheet,
            row: at.row,
            field: at.column.unwrap_or_default(),
            reason: problem.reason,
        }
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.describe_position(), self.reason)
    }
}

/// Why a file is rejected.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Reading failed.
    #[error("The file could not be read.")]
    Unreadable(#[from] std::io::Error),
    /// The file is empty.
    #[error("The file is empty.")]
    Empty,
    /// The encoding is not supported.
    #[error(
        "The file is neither UTF-8 nor Windows-1252 text; save it again as UTF-8 (in Excel: as \"CSV UTF-8\")."
    )]
    NotText,
    /// The file is not text.
    #[error(
        "The file is not text, or it is UTF-16 text without a byte order mark; save it again as UTF-8 (in Excel: as \"CSV UTF-8\")."
    )]
    Binary,
    /// The header is invalid.
    #[error("The header of the file cannot be read: {0}.")]
    Header(String),
    /// The file has no rows, only a header for example.
    #[error("The file has no rows to import.")]
    NoRows,
    /// The file has no records except the examples of the template.
    #[error(
        "The file has no rows to import. Rows with the reference {} are examples, and are not read.",
        crate::fields::column::EXAMPLE
    )]
    NoRecords,
    /// The file is a workbook or an archive.
    #[error(
        "The file is a spreadsheet or an archive, which is not read here; save its sheet as CSV (UTF-8)."
    )]
    Workbook,
    /// The file is not a list of places.
    #[error("The file is not a list of places: {0}.")]
    NotPlaces(String),
    /// The file is not a list of grants.
    #[error("The file is not a list of 360Giving grants: {0}.")]
    NotGrants(String),
    /// The first line is not a record.
    #[error("The file is not a list of records: its first line is not one whole JSON object.")]
    NotRecords,
    /// The header has no fields of records.
    #[error(
        "The file is not a table of records: its first line names neither the column \"externalRef\" nor \"title\"."
    )]
    NotRecordTable,
    /// The kind of file is not supported.
    #[error("The file is {0}, which cannot be read; save it as .xlsx, .ods or .csv, or send JSON Lines.")]
    UnsupportedKind(&'static str),
    /// The workbook has a password.
    #[error("The workbook is protected with a password; save it without one, as .xlsx.")]
    Locked,
    /// The workbook is damaged.
    #[error(
        "The workbook is damaged or cut short; open it in a spreadsheet program, save it again as .xlsx, and send that."
    )]
    Damaged,
    /// The file has too many bytes.
    #[error("The file is over {} MB long, which is more than may be taken at once.", .0.div_ceil(1 << 20))]
    TooLong(u64),
    /// The unpacked workbook has too many bytes.
    #[error("The workbook unpacks to over {0} MB, which is more than a workbook of records can need.")]
    DecompressionBomb(u64),
    /// A cell is too long.
    #[error("A cell of the workbook is over {} MB long.", MAX_ROW_BYTES >> 20)]
    EndlessCell,
    /// A row of a sheet is too long.
    #[error("Row {row} of the sheet \"{sheet}\" is over {} MB long.", MAX_ROW_BYTES >> 20)]
    LongRow {
        /// The sheet.
        sheet: String,
        /// The row, counted from 1.
        row: u64,
    },
    /// The workbook has too many cells, with each repetition counted.
    #[error("The workbook repeats its cells over and over, and has more of them than can be read.")]
    TooManyCells,
    /// The workbook has no sheet of records.
    #[error("The workbook has no sheet \"{0}\" with anything in it; begin with the template.")]
    NoSheet(&'static str),
    /// A sheet has no column that identifies the records of its rows.
    #[error("The sheet \"{0}\" has no column \"{1}\" in its first row; begin with the template.")]
    NoColumn(String, &'static str),
    /// Two columns are the same field.
    #[error("In {0}, the column \"{1}\" is there twice.")]
    RepeatedColumn(String, String),
    /// A sheet has too many merged cells.
    #[error("The sheet \"{0}\" has thousands of merged cells; unmerge them.")]
    TooManyMerged(String),
    /// The file is not valid JSON.
    #[error("The file is not valid JSON at line {line}, column {column}: {reason}.")]
    InvalidJson {
        /// The line, counted from 1.
        line: usize,
        /// The byte within the line, counted from 1.
        column: usize,
        /// The reason.
        reason: String,
    },
    /// The file has too many rows.
    #[error("The file has over {0} rows, which is more than may be taken at once.")]
    TooManyRows(u64),
    /// A row is too long, for example because a quotation mark is not closed.
    #[error("The row at {row} is over {} MB long; is a quotation mark left open?", MAX_ROW_BYTES >> 20)]
    EndlessRow {
        /// The row, counted as in [`RowProblem::row`].
        row: u64,
    },
}

/// Rejects a file without rows, because its sender expects an import.
const fn require_rows(has_rows: bool) -> Result<(), FileError> {
    if has_rows { Ok(()) } else { Err(FileError::NoRows) }
}

/// The problems of a row that is being read.
#[derive(Debug, Default)]
struct RowProblems {
    row: u64,
    errors: Vec<RowProblem>,
    warnings: Vec<RowProblem>,
}

impl RowProblems {
    fn for_row(row: u64) -> Self {
        Self {
            row,
            ..Self::default()
        }
    }

    fn add_error(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        self.errors.push(self.new_problem(field, reason));
    }

    fn add_warning(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        self.warnings.push(self.new_problem(field, reason));
    }

    fn new_problem(&self, field: impl Into<String>, reason: impl Into<String>) -> RowProblem {
        RowProblem {
            sheet: None,
            row: self.row,
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// Lists all problems, so that their fields can be renamed.
    fn all_mut(&mut self) -> impl Iterator<Item = &mut RowProblem> {
        self.errors.iter_mut().chain(&mut self.warnings)
    }

    /// Returns the value, or adds its reason to the errors.
    fn check<T>(&mut self, field: &str, outcome: Result<T, String>) -> Option<T> {
        outcome.map_err(|reason| self.add_error(field, reason)).ok()
    }

    /// Returns the row if it is complete and has no errors.
    fn finish<T>(self, row: Option<T>) -> ParsedRowResult<T> {
        match row {
            Some(value) if self.errors.is_empty() => Ok(ParsedRow {
                value,
                warnings: self.warnings,
            }),
            _ => Err(self.errors),
        }
    }
}

/// Describes an error of JSON, without the position, because the line and column of a row are not those of the file.
fn describe_json_error(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "it ends in the middle".to_owned();
    }
    let message = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let message = message.strip_suffix(&position).unwrap_or(&message);
    if error.is_data() {
        // Other messages of this kind are from this crate.
        if let Some(field) = message.strip_prefix("duplicate field `") {
            return format!("the field {} is given twice", field.trim_end_matches('`'));
        }
        if message.starts_with("invalid type") || message.starts_with("invalid value") {
            let expected = message
                .split_once(", expected ")
                .map_or("something else", |(_, one)| one);
            return format!("{expected} is expected");
        }
        return message.to_owned();
    }
    let faults = [
        ("trailing characters", "there is more after its end"),
        ("trailing comma", "there is a comma before a closing bracket"),
        ("expected `:`", "a colon is missing after the name of a field"),
        ("expected `,` or", "a comma or a closing bracket is missing"),
        (
            "key must be a string",
            "the name of a field is not in quotation marks",
        ),
        (
            "control character",
            "a text holds a line end or another control character; write it as \\n or \\u000a",
        ),
        (
            "invalid escape",
            "there is a backslash before a character that needs none",
        ),
        ("invalid number", "a number is not written as a number"),
        ("number out of range", "a number is too large"),
        ("invalid unicode", "the file is not UTF-8 text; save it as UTF-8"),
        (
            "lone leading surrogate",
            "a text holds an escape such as \\ud800 that is not a character",
        ),
        (
            "unexpected end of hex escape",
            "a text holds an escape such as \\ud800 that is not a character",
        ),
        ("recursion limit", "it is nested too deep"),
        ("expected", "a value is missing, or is not in quotation marks"),
    ];
    let fault = faults.iter().find(|(start, _)| message.starts_with(start));
    fault.map_or("it cannot be read", |(_, fault)| fault).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    #[test]
    fn problem_displays_row_field_and_reason() {
        let mut problems = RowProblems::for_row(12);
        problems.add_error("awardDate", text::parse_date("05/06/2014").unwrap_err());
        problems.add_error("", "is not UTF-8 text");
        let message: Vec<_> = problems.errors.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(message.join("\n"), @r#"
        row 12, awardDate: "05/06/2014" is not a date; write it as 2014-06-05 if the day comes first
        row 12: is not UTF-8 text
        "#);
    }
}
