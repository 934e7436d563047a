//! Imports of files. Each is stored as a [`job`], which survives a restart. A file is parsed row by row on a thread of its
//! own (`producer`), and its rows are written in batches, each in one transaction (`engine`). Files of [`places`] are
//! imported directly.

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

/// Why a file was not read to its end.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// It is no such file, or it breaks off.
    #[error("{0}")]
    File(#[from] FileError),
    /// The base could not take it.
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

/// Detects the format of a file that was sent, or finds why it is rejected.
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

/// What became of a file's rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// New to the base.
    pub added: u64,
    /// Took the place of what was there.
    pub altered: u64,
    /// Stood so already.
    pub unchanged: u64,
    /// Wrong in themselves, and left out.
    pub refused: u64,
    /// Taken, but worth a look.
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

/// What is said of a row while a file is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Remark {
    /// It was left out.
    Refused(RowProblem),
    /// It was taken, but is worth a look.
    Warning(RowProblem),
    /// Something about how the whole file was read, as a sentence.
    Note(String),
}
