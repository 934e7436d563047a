//! The meaning of database errors.

use sea_orm::{DbErr, RuntimeErr, sqlx};

/// Whether the database had no space left: SQLite's `SQLITE_FULL` or `SQLITE_IOERR_SHMSIZE`, or PostgreSQL's
/// `disk_full`.
pub fn is_storage_full(cause: &DbErr) -> bool {
    let (DbErr::Query(RuntimeErr::SqlxError(error))
    | DbErr::Exec(RuntimeErr::SqlxError(error))
    | DbErr::Conn(RuntimeErr::SqlxError(error))) = cause
    else {
        return false;
    };
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| ["13", "4874", "53100"].contains(&&*code))
}

/// The message for clients.
pub(super) fn public_message(cause: &DbErr) -> &'static str {
    if is_storage_full(cause) {
        "the database is full, and nothing was saved; ask the operators of the service to free space, then try again"
    } else {
        "the database could not answer"
    }
}

/// Whether PostgreSQL received a text with the character NUL, which it cannot store:
/// `character_not_in_repertoire`, or `untranslatable_character` in a JSON document.
pub(super) fn is_nul_in_text(cause: &DbErr) -> bool {
    let (DbErr::Query(RuntimeErr::SqlxError(error)) | DbErr::Exec(RuntimeErr::SqlxError(error))) = cause
    else {
        return false;
    };
    error
        .as_database_error()
        .and_then(sqlx::error::DatabaseError::code)
        .is_some_and(|code| code == "22021" || code == "22P05")
}
