//! The connection to a base: SQLite or PostgreSQL, told apart by the address.

mod insert;

use std::time::Duration;

use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, DatabaseTransaction, DbErr, IsolationLevel,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
};

pub use self::insert::insert_all;

/// Opens a base. On SQLite with a write-ahead log that is on the disk when a transaction
/// ends, foreign keys enforced and a wait of ten seconds for another writer.
pub async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .sqlx_logging(false)
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(10))
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .foreign_keys(true)
                .busy_timeout(Duration::from_secs(10))
                .pragma("journal_mode", "WAL")
                // What was acknowledged outlives a loss of power too, which NORMAL leaves to chance.
                .pragma("synchronous", "FULL")
                // A batch of an import alters more pages than the two megabytes that are held otherwise.
                .pragma("cache_size", "-16384")
                // What is written again in the next transactions goes into the base once for many of them.
                .pragma("wal_autocheckpoint", "4000")
        });
    Database::connect(options).await
}

/// Begins a transaction that writes. SQLite takes its one writer's lock at
/// once: a lock that is taken later, after reading, can be refused.
pub async fn begin_writing(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    db.begin_with_options(TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    })
    .await
}

/// Begins a transaction whose reads all see the base at one moment.
pub async fn begin_reading(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let isolation_level = match db.get_database_backend() {
        sea_orm::DbBackend::Postgres => Some(IsolationLevel::RepeatableRead),
        _ => None,
    };
    db.begin_with_options(TransactionOptions {
        isolation_level,
        ..TransactionOptions::default()
    })
    .await
}
