//! Why a command fails.

use std::path::Path;

use crate::config::ConfigError;
use crate::describe_failure::{describe_database, describe_io};
use crate::error::Error;
use crate::import::ImportError;

/// Why a command did not do what it was asked to: a plain sentence.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A setting is missing or malformed.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The base could not do it.
    #[error("{}", describe_with_cause(.0))]
    Service(#[from] Error),
    /// A file could not be taken.
    #[error("{file}: {}", describe_import_cause(.error))]
    Import {
        /// The file.
        file: String,
        /// Why.
        error: ImportError,
    },
    /// A file or an address could not be used.
    #[error("{}", describe_io_cause(.0, .1))]
    Io(String, std::io::Error),
    /// What was asked for makes no sense.
    #[error("{0}")]
    InvalidArguments(String),
}

impl From<sea_orm::DbErr> for CliError {
    fn from(cause: sea_orm::DbErr) -> Self {
        Self::Service(cause.into())
    }
}

/// Whoever runs a command may see the cause, which clients of the API may not.
pub(super) fn describe_with_cause(error: &Error) -> String {
    match error.root() {
        Error::Database(cause) => format!("The database cannot be used: {}", describe_database(cause)),
        Error::Internal(cause) => format!("Something went wrong inside: {cause}"),
        other => other.to_string(),
    }
}

fn describe_io_cause(file: &str, cause: &std::io::Error) -> String {
    format!("{file}: {}", describe_io(Path::new(file), cause))
}

pub(super) fn describe_import_cause(error: &ImportError) -> String {
    match error {
        ImportError::Base(error) => describe_with_cause(error),
        ImportError::File(error) => error.to_string(),
    }
}

/// How a command ends where a file was taken but for some rows.
pub(super) const ROWS_REJECTED_EXIT_CODE: u8 = 3;
