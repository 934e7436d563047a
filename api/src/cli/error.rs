//! The errors of commands.

use std::path::Path;

use crate::config::ConfigError;
use crate::describe_failure::{describe_database, describe_io};
use crate::error::Error;
use crate::import::ImportError;

/// Why a command failed, as a plain sentence.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A setting is missing or malformed.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The database or another part of the service failed.
    #[error("{}", describe_with_cause(.0))]
    Service(#[from] Error),
    /// A file could not be imported.
    #[error("{file}: {}", describe_import_cause(.error))]
    Import {
        /// The name of the file.
        file: String,
        error: ImportError,
    },
    /// A file or an address could not be used.
    #[error("{}", describe_io_cause(.0, .1))]
    Io(String, std::io::Error),
    /// The arguments are not valid, or the command cannot do what they say.
    #[error("{0}")]
    InvalidArguments(String),
}

impl From<sea_orm::DbErr> for CliError {
    fn from(cause: sea_orm::DbErr) -> Self {
        Self::Service(cause.into())
    }
}

/// Describes an error with its cause. Users of the command line may see the cause, but clients of the API may not.
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

/// The exit code if a file was imported, but not all of its rows.
pub(super) const ROWS_REJECTED_EXIT_CODE: u8 = 3;
