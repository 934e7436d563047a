//! Reads the files that an import takes, row by row, with nothing of the base or the web.
//!
//! Every reader hands each row to a callback as it is read, so that memory
//! stays flat however long the file is. A row that cannot be taken is handed
//! over as the list of all that is wrong with it. A file that is not what it
//! should be is refused whole, as a [`FileError`]; where that shows only part
//! of the way through, the rows before that point have been handed over.

mod archive;
mod base_version;
mod csv_reader;
mod csv_records;
mod delimiter;
pub mod encoding;
pub mod file_record;
pub mod format;
pub mod grants;
mod ods;
pub mod places;
mod record_builder;
pub mod records;
pub mod references;
mod repeated_fields;
mod row_spill;
mod stream;
mod workbook_records;
#[cfg(test)]
mod workbook_tests;
mod xlsx;

use std::fmt;

use self::file_record::CellPosition;
use crate::problem::Problem;

/// The most bytes that one row may take; what is longer is refused unread.
pub const MAX_ROW_BYTES: usize = 4 * 1024 * 1024;

/// What a row of a file says in a column that the file may not have.
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

/// A row as read, or everything that is wrong with it (never empty).
pub type ParsedRowResult<T> = Result<ParsedRow<T>, Vec<RowProblem>>;

/// A row that can be taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParsedRow<T> {
    /// What it holds.
    pub value: T,
    /// What of it could not be taken as it is written, with what became of it.
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

/// What is to be known of how a file was read, one sentence each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notes(Vec<String>);

impl Notes {
    /// Adds a note, unless it is there already.
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

/// One reason why a row was not taken, or a warning about one that was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowProblem {
    /// The sheet of a workbook; none in a file of one table or of lines.
    pub sheet: Option<String>,
    /// The row as a spreadsheet shows it, of a table as text too; the line of a JSON Lines file; or the position in a
    /// JSON list. Counted from 1.
    pub row: u64,
    /// The field as the file names it: a CSV column's header, or a path such as
    /// `plannedDates/0/startDate`. Empty where the whole row is meant.
    pub field: String,
    /// What is wrong, in plain words that follow the field's name.
    pub reason: String,
}

impl RowProblem {
    /// Where it is, in plain words: `sheet Funding terms, row 3, Last day`.
    pub fn describe_position(&self) -> String {
        let sheet = self.sheet.as_ref().map(|sheet| format!("sheet {sheet}, "));
        let field = (!self.field.is_empty()).then(|| format!(", {}", self.field));
        format!(
            "{}row {}{}",
            sheet.unwrap_or_default(),
            self.row,
            field.unwrap_or_default()
        )
    }
}

impl From<(CellPosition, Problem)> for RowProblem {
    fn from((at, finding): (CellPosition, Problem)) -> Self {
        Self {
            sheet: at.sheet,
            row: at.row,
            field: at.column.unwrap_or_default(),
            reason: finding.reason,
        }
    }
}

impl fmt::Display for RowProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.describe_position(), self.reason)
    }
}

/// Why a file was refused whole: one plain sentence each.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Reading failed.
    #[error("The file could not be read.")]
    Unreadable(#[from] std::io::Error),
    /// There is nothing in it.
    #[error("The file is empty.")]
    Empty,
    /// It is in an encoding that is not read.
    #[error(
        "The file is neither UTF-8 nor Windows-1252 text; save it again as UTF-8 (in Excel: as \"CSV UTF-8\")."
    )]
    NotText,
    /// It is no text.
    #[error(
        "The file is no text, or it is UTF-16 text without a byte order mark; save it again as UTF-8 (in Excel: as \"CSV UTF-8\")."
    )]
    Binary,
    /// Its header cannot be read.
    #[error("The header of the file cannot be read: {0}.")]
    Header(String),
    /// There is nothing in it that could be taken, such as a header alone.
    #[error("The file has no rows to import.")]
    NoRows,
    /// It has the layout of records, and no record but the template's example.
    #[error(
        "The file has no rows to import. Rows with the reference {} are examples, and are not read.",
        crate::fields::column::EXAMPLE
    )]
    NoRecords,
    /// It is a workbook or an archive.
    #[error(
        "The file is a spreadsheet or an archive, which is not read here; save its sheet as CSV (UTF-8)."
    )]
    Workbook,
    /// Its header does not say places.
    #[error("The file is not a list of places: {0}.")]
    NotPlaces(String),
    /// Neither its keys nor its header say grants.
    #[error("The file is not a list of 360Giving grants: {0}.")]
    NotGrants(String),
    /// Its first line is not a record.
    #[error("The file is not a list of records: its first line is not one whole JSON object.")]
    NotRecords,
    /// Its header names none of a record's fields.
    #[error(
        "The file is not a table of records: its first line names neither the column \"externalRef\" nor \"title\"."
    )]
    NotRecordTable,
    /// It is of a kind that is not read.
    #[error("The file is {0}, which cannot be read; save it as .xlsx, .ods or .csv, or send JSON Lines.")]
    UnsupportedKind(&'static str),
    /// It is locked.
    #[error("The workbook is protected with a password; save it without one, as .xlsx.")]
    Locked,
    /// It is cut short, or not what it says.
    #[error(
        "The workbook is damaged or cut short; open it in a spreadsheet program, save it again as .xlsx, and send that."
    )]
    Damaged,
    /// It has more bytes than may be taken at once.
    #[error("The file is over {} MB long, which is more than may be taken at once.", .0.div_ceil(1 << 20))]
    TooLong(u64),
    /// It unpacks to more than may be taken.
    #[error("The workbook unpacks to over {0} MB, which is more than a workbook of records can need.")]
    DecompressionBomb(u64),
    /// One cell runs on without an end.
    #[error("A cell of the workbook is over {} MB long.", MAX_ROW_BYTES >> 20)]
    EndlessCell,
    /// One row runs on without an end.
    #[error("Row {row} of the sheet \"{sheet}\" is over {} MB long.", MAX_ROW_BYTES >> 20)]
    LongRow {
        /// The sheet.
        sheet: String,
        /// The row, counted from 1.
        row: u64,
    },
    /// Cells that are repeated come to more than can be read.
    #[error("The workbook repeats its cells over and over, and has more of them than can be read.")]
    TooManyCells,
    /// It lacks the sheet that all others hang on.
    #[error("The workbook has no sheet \"{0}\" with anything in it; begin with the template.")]
    NoSheet(&'static str),
    /// A sheet does not say which records its rows belong to.
    #[error("The sheet \"{0}\" has no column \"{1}\" in its first row; begin with the template.")]
    NoColumn(String, &'static str),
    /// Two columns stand for the same field.
    #[error("In {0}, the column \"{1}\" is there twice.")]
    RepeatedColumn(String, String),
    /// A sheet has very many merged cells.
    #[error("The sheet \"{0}\" has thousands of merged cells; unmerge them.")]
    TooManyMerged(String),
    /// It is not valid JSON, or it ends too early.
    #[error("The file is not valid JSON at line {line}, column {column}: {reason}.")]
    InvalidJson {
        /// The line, counted from 1.
        line: usize,
        /// The byte within the line, counted from 1.
        column: usize,
        /// What the reader stumbled over.
        reason: String,
    },
    /// It has more rows than may be taken at once.
    #[error("The file has over {0} rows, which is more than may be taken at once.")]
    TooManyRows(u64),
    /// A row runs on without an end, as after a quotation mark that is never closed.
    #[error("The row at {row} is over {} MB long; is a quotation mark left open?", MAX_ROW_BYTES >> 20)]
    EndlessRow {
        /// The row, counted as in [`RowProblem::row`].
        row: u64,
    },
}

/// Refuses a file that was read to its end and has no row: its sender expects an import.
const fn require_rows(has_rows: bool) -> Result<(), FileError> {
    if has_rows { Ok(()) } else { Err(FileError::NoRows) }
}

/// What is wrong with one row, gathered as it is read.
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
            errors: Vec::new(),
            warnings: Vec::new(),
        }
    }

    /// Adds a reason to refuse the row.
    fn add_error(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        let refusal = self.new_problem(field, reason);
        self.errors.push(refusal);
    }

    /// Adds a warning, with which the row is taken.
    fn add_warning(&mut self, field: impl Into<String>, reason: impl Into<String>) {
        let warning = self.new_problem(field, reason);
        self.warnings.push(warning);
    }

    fn new_problem(&self, field: impl Into<String>, reason: impl Into<String>) -> RowProblem {
        RowProblem {
            sheet: None,
            row: self.row,
            field: field.into(),
            reason: reason.into(),
        }
    }

    /// All that was found, to name its fields as the file does.
    fn all_mut(&mut self) -> impl Iterator<Item = &mut RowProblem> {
        self.errors.iter_mut().chain(&mut self.warnings)
    }

    /// The value, or nothing and its reason among the refusals.
    fn check<T>(&mut self, field: &str, outcome: Result<T, String>) -> Option<T> {
        outcome.map_err(|reason| self.add_error(field, reason)).ok()
    }

    /// The row, if nothing was found wrong with it and all of it is there.
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

/// Why a text is not valid JSON, without the position: a row's own line and column mean nothing to the reader of the
/// file.
fn describe_json_error(error: &serde_json::Error) -> String {
    if error.is_eof() {
        return "it ends in the middle".to_owned();
    }
    let said = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    let said = said.strip_suffix(&position).unwrap_or(&said);
    if error.is_data() {
        // Such words are this crate's own, but for what a reader of fields says.
        if let Some(field) = said.strip_prefix("duplicate field `") {
            return format!("the field {} is given twice", field.trim_end_matches('`'));
        }
        if said.starts_with("invalid type") || said.starts_with("invalid value") {
            let expected = said
                .split_once(", expected ")
                .map_or("something else", |(_, one)| one);
            return format!("{expected} is expected");
        }
        return said.to_owned();
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
            "a text holds an escape such as \\ud800 that is no character",
        ),
        (
            "unexpected end of hex escape",
            "a text holds an escape such as \\ud800 that is no character",
        ),
        ("recursion limit", "it is nested too deep"),
        ("expected", "a value is missing, or is not in quotation marks"),
    ];
    let fault = faults.iter().find(|(start, _)| said.starts_with(start));
    fault.map_or("it cannot be read", |(_, fault)| fault).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    #[test]
    fn problem_displays_row_field_and_reason() {
        let mut refusals = RowProblems::for_row(12);
        refusals.add_error("awardDate", text::parse_date("05/06/2014").unwrap_err());
        refusals.add_error("", "is not UTF-8 text");
        let said: Vec<_> = refusals.errors.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(said.join("\n"), @r#"
        row 12, awardDate: "05/06/2014" is not a date; write it as 2014-06-05 if the day comes first
        row 12: is not UTF-8 text
        "#);
    }
}
