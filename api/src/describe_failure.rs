//! Describes in plain words why a file or a database cannot be used. The technical cause is logged at debug
//! level.

use std::io::{self, ErrorKind};
use std::path::Path;

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Describes why a file cannot be read or written, as a clause without the file's name.
pub fn describe_io(file: &Path, cause: &io::Error) -> String {
    tracing::debug!(file = %file.display(), %cause, "a file cannot be used");
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
    match cause.kind() {
        ErrorKind::NotFound => match folder.filter(|folder| !folder.is_dir()) {
            Some(folder) => format!("there is no folder {}", folder.display()),
            None => "there is no such file".into(),
        },
        ErrorKind::NotADirectory => "part of its path is a file, not a folder".into(),
        ErrorKind::IsADirectory => "it is a folder, not a file".into(),
        ErrorKind::PermissionDenied => "you do not have permission; check the file and its folder".into(),
        ErrorKind::ReadOnlyFilesystem => "its disk is read-only".into(),
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "its disk is full".into(),
        ErrorKind::BrokenPipe => "the program that reads it has stopped".into(),
        ErrorKind::AddrInUse => "another program already uses this address".into(),
        ErrorKind::AddrNotAvailable => "this machine has no such address".into(),
        ErrorKind::InvalidData => "it is not text in UTF-8".into(),
        _ => strip_error_number(&cause.to_string()),
    }
}

/// The operating system's message without its number.
fn strip_error_number(message: &str) -> String {
    let end = message.find(" (os error ").unwrap_or(message.len());
    message[..end].to_owned()
}

/// Describes why a database operation failed, as a clause.
pub fn describe_database(cause: &DbErr) -> String {
    tracing::debug!(%cause, "the database fails");
    let (DbErr::Conn(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Query(RuntimeErr::SqlxError(error))) = cause
    else {
        return match cause {
            DbErr::ConnectionAcquire(_) => "no connection was available in time; it may be overloaded".into(),
            _ => cause.to_string(),
        };
    };
    describe_driver(error)
}

/// Describes why the database driver failed, as a clause.
pub fn describe_driver(error: &sqlx::Error) -> String {
    let refused = match error {
        sqlx::Error::Database(refused) => refused,
        sqlx::Error::Io(cause) => return strip_error_number(&cause.to_string()),
        sqlx::Error::PoolTimedOut => {
            return "no connection was available in time; it may be overloaded".into();
        }
        sqlx::Error::Tls(_) => return "an encrypted connection (TLS) cannot be opened".into(),
        other => return other.to_string(),
    };
    let code = refused.code();
    let code = code.as_deref().unwrap_or_default();
    // The lowest byte of an extended SQLite error code is the primary code.
    let sqlite = code
        .parse::<u32>()
        .ok()
        .filter(|_| code.len() < 5)
        .map(|code| code & 0xff);
    match (sqlite, code) {
        (Some(26), _) => "the file is not an SQLite database".into(),
        (Some(11), _) => "the file is damaged; restore it from a backup".into(),
        (Some(14), _) => {
            "the file cannot be opened; check that you can read and write it and its folder".into()
        }
        (Some(8), _) => "the file is read-only; check that you can write it and its folder".into(),
        (Some(5 | 6), _) => "another process has the file locked".into(),
        (Some(13), _) | (_, "53100") => "its disk is full".into(),
        (Some(10), _) => "its disk fails".into(),
        (_, "42501") => format!("the user does not have permission: {}", refused.message()),
        (_, "53300") => "it has no free connection".into(),
        (_, "57P03") => "it is still starting, or is stopping".into(),
        _ => refused.message().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn file_errors_are_described_without_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str| {
            let file = folder.path().join(name);
            let cause = std::fs::read(&file).unwrap_err();
            describe_io(&file, &cause)
        };
        std::fs::write(folder.path().join("file"), "").unwrap();
        assert_eq!(open("missing.csv"), "there is no such file");
        assert!(open("missing/a.csv").starts_with("there is no folder "));
        assert_eq!(open(""), "it is a folder, not a file");
        assert!(!open("file/a.csv").contains("os error"));
        assert_eq!(
            strip_error_number("Too many links (os error 31)"),
            "Too many links"
        );
    }

    #[tokio::test]
    async fn database_errors_are_described_without_numbers() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("notes.txt");
        std::fs::write(&file, "These are notes, and no database at all. ".repeat(50)).unwrap();
        let cause = crate::database::connect(&format!("sqlite:{}", file.display()))
            .await
            .unwrap_err();
        assert_eq!(describe_database(&cause), "the file is not an SQLite database");
    }
}
