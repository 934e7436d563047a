//! Imports of files. Each import is stored as a [`job`], which survives a restart. A thread of its own parses the file
//! row by row (`producer`). The rows are written in batches, each in one transaction (`engine`). Files of [`places`]
//! are imported directly, without a job.

mod batch;
mod batch_order;
mod engine;
pub mod grants;
pub mod graphql;
pub mod http;
pub mod job;
mod lead_organisation;
pub mod places;
mod producer;
mod publish;
mod submit;
pub mod subscription;

pub use self::batch::ROWS_PER_BATCH;

use wayin_entity::{FileFormat, ImportKind, import};

use crate::error::Error;
use wayin_records::formats::file_format::{detect_grant_format, detect_record_format};
use wayin_records::formats::records::FileLimits;
use wayin_records::formats::{FileError, RowProblem};
use wayin_records::problem::{Problem, ProblemCode};

/// Why a file could not be imported to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// The file has the wrong format, or it is incomplete.
    #[error("{0}")]
    File(#[from] FileError),
    /// The database could not be read or written.
    #[error("{0}")]
    Base(#[from] Error),
}

impl From<sea_orm::DbErr> for ImportError {
    fn from(cause: sea_orm::DbErr) -> Self {
        Self::Base(cause.into())
    }
}

/// Detects the format of a file.
pub fn detect_format(kind: ImportKind, name: &str, start: &[u8]) -> Result<FileFormat, FileError> {
    match kind {
        ImportKind::Records => detect_record_format(name, start),
        ImportKind::Grants360Giving => detect_grant_format(name, start),
    }
}

/// Detects the format of an uploaded file, or returns why the file is rejected.
pub fn check_file(
    kind: ImportKind,
    name: &str,
    file: &job::FileSummary,
    limits: &FileLimits,
) -> Result<FileFormat, Problem> {
    if file.bytes > limits.bytes {
        let reason = format!(
            "has {} bytes; at most {} can be sent at once",
            file.bytes, limits.bytes
        );
        return Err(Problem::new(ProblemCode::TooLong, "file", reason));
    }
    let format = detect_format(kind, name, &file.start);
    format.map_err(|error| Problem::new(ProblemCode::InvalidFormat, "file", error.to_string()))
}

/// The numbers of rows of a file, by result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows that created a record or place.
    pub added: u64,
    /// Rows that changed an existing record or place.
    pub altered: u64,
    /// Rows that were already stored in the same form.
    pub unchanged: u64,
    /// Invalid rows, which were not imported.
    pub refused: u64,
    /// Rows that were imported with warnings.
    pub warned: u64,
}

impl From<&import::Model> for Tally {
    fn from(import: &import::Model) -> Self {
        let (added, count) = (import.added_count.unwrap_or(0), i64::unsigned_abs);
        Self {
            added: count(added),
            altered: count(import.published_count - added),
            unchanged: count(import.unchanged_count),
            refused: count(import.rejected_count),
            warned: count(import.warning_count),
        }
    }
}

/// A message about a file or one of its rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// The row was not imported.
    Refused(RowProblem),
    /// The row was imported, but should be checked.
    Warning(RowProblem),
    /// A sentence about how the whole file was read.
    Note(String),
}
