//! The connection to a base: SQLite or PostgreSQL, told apart by the address.

#[cfg(test)]
mod full;
mod insert;
mod like;

use std::fs::OpenOptions;
use std::time::Duration;

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    EntityTrait, IntoActiveModel, IsolationLevel, Iterable, PrimaryKeyToColumn, SqliteTransactionMode,
    SqlxSqliteConnector, TransactionOptions, TransactionTrait, Value,
    sea_query::{Expr, ExprTrait as _, OnConflict, extension::postgres::PgFunc},
    sqlx::{
        self, ConnectOptions as _, Connection as _,
        sqlite::{SqliteConnectOptions, SqlitePoolOptions},
    },
};

pub use self::insert::insert_all;
pub use self::like::escape_like;

use crate::locks::{AdvisoryLock, LockMode, acquire_lock};

/// How long a pool waits for its connections when it is closed, before it closes without them.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// How long the last checkpoint waits for other processes that read or write.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens a base. On SQLite with a write-ahead log that is on the disk when a transaction
/// ends, foreign keys enforced and a wait of ten seconds for another writer.
pub async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    create_private_file(url);
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
        })
        .map_sqlx_sqlite_pool_opts(close_connections_in_transaction);
    Database::connect(options).await
}

/// A connection for a task that writes transaction after transaction. On SQLite it is one connection, which keeps what
/// it has read and prepared: a write on another connection invalidates the cache of every other. It is closed when
/// it is dropped.
pub fn connect_dedicated_writer(db: &DatabaseConnection) -> DatabaseConnection {
    match db.get_database_backend() {
        DbBackend::Sqlite => {
            let options = db.get_sqlite_connection_pool().connect_options();
            let one = close_connections_in_transaction(SqlitePoolOptions::new().max_connections(1));
            SqlxSqliteConnector::from_sqlx_sqlite_pool(one.connect_lazy_with((*options).clone()))
        }
        _ => db.clone(),
    }
}

/// Closes a connection that comes back to the pool within a transaction.
///
/// On a full disk, an I/O error or a lack of memory, SQLite rolls a transaction back without being asked. The driver's
/// own ROLLBACK then fails and its count of open transactions stays too high, so that it would begin the next
/// transaction as a savepoint that nothing ever commits.
fn close_connections_in_transaction(options: SqlitePoolOptions) -> SqlitePoolOptions {
    options.after_release(|connection, _| {
        Box::pin(async move {
            // A rollback may still be waiting in the connection's queue; this runs after it.
            connection.ping().await?;
            let unfinished = connection.is_in_transaction();
            if unfinished {
                tracing::warn!("a database connection could not end its transaction, and is closed");
            }
            Ok(!unfinished)
        })
    })
}

/// Creates the file of an SQLite base that is to be created, so that only its owner can read it. A file that exists
/// keeps its mode. Where this fails, opening the base says why.
fn create_private_file(url: &str) {
    let creates = url.starts_with("sqlite:")
        && url
            .split_once('?')
            .is_some_and(|(_, query)| query.split('&').any(|pair| pair == "mode=rwc"));
    if creates && let Ok(options) = url.parse::<SqliteConnectOptions>() {
        let mut file = OpenOptions::new();
        file.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
        drop(file.open(options.get_filename()));
    }
}

/// Closes a base. On SQLite everything is then in the one file, unless another process has the base open.
pub async fn close(db: &DatabaseConnection) {
    if tokio::time::timeout(CLOSE_TIMEOUT, db.close_by_ref())
        .await
        .is_err()
    {
        tracing::warn!("database connections are still in use, and are closed without waiting for them");
    }
    if db.get_database_backend() == DbBackend::Sqlite
        && let Err(cause) = checkpoint(&db.get_sqlite_connection_pool().connect_options()).await
    {
        tracing::warn!(%cause, "the write-ahead log could not be written back into the database's file");
    }
}

/// Writes the write-ahead log back into the base's file and truncates it, on a connection of its own.
async fn checkpoint(options: &SqliteConnectOptions) -> Result<(), sqlx::Error> {
    let options = options
        .clone()
        .create_if_missing(false)
        .busy_timeout(CHECKPOINT_TIMEOUT);
    let mut connection = options.connect().await?;
    // A checkpoint that has to wait for another process too long says so in its row, not as an error.
    let busy: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&mut connection)
        .await?;
    if busy != 0 {
        tracing::info!("another process uses the database: its write-ahead log stays");
    }
    connection.close().await
}

/// Commits a transaction; an error means that nothing of it was written.
///
/// `PostgreSQL` answers the COMMIT of a transaction in which a statement failed with a rollback, which the driver does not
/// report. Such a transaction refuses every other statement, so that one more shows it. SQLite refuses a COMMIT where no
/// transaction is open.
pub async fn commit(transaction: DatabaseTransaction) -> Result<(), DbErr> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        transaction.execute_unprepared("SELECT 1").await?;
    }
    transaction.commit().await
}

/// Begins a transaction that writes. SQLite takes its one writer's lock at
/// once: a lock that is taken later, after reading, can be refused.
pub async fn begin_write(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    begin_with_lock(db, LockMode::Shared).await
}

/// Begins a transaction that writes alone: it waits until whoever writes is done, and others wait for it. It sees
/// all that was written, and nothing is written beside it. On SQLite every one that writes is such.
pub async fn begin_exclusive_write(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    begin_with_lock(db, LockMode::Exclusive).await
}

async fn begin_with_lock(db: &DatabaseConnection, mode: LockMode) -> Result<DatabaseTransaction, DbErr> {
    let transaction = db
        .begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        })
        .await?;
    acquire_lock(&transaction, mode, AdvisoryLock::Writing).await?;
    Ok(transaction)
}

/// Has `PostgreSQL` look at what stands in the tables that records go into, which it does of itself within minutes: until then
/// it takes all records for those of many organisations, and looks a batch's references up by reading every record of
/// the one that sent it.
pub async fn analyze_tables(db: &DatabaseConnection) -> Result<(), DbErr> {
    if db.get_database_backend() == DbBackend::Postgres {
        let tables = "initiative, submission, revision, funding_term, source, organisation";
        db.execute_unprepared(&format!("ANALYZE {tables}")).await?;
    }
    Ok(())
}

/// That a column has one of some values.
pub fn is_in<V: Into<Value>>(
    db: &impl ConnectionTrait,
    column: Expr,
    values: impl IntoIterator<Item = V>,
) -> Expr {
    is_in_any(db, column, values).unwrap_or_else(|| Expr::cust("FALSE"))
}

/// That a column has one of some values; nothing where there are none, to be left out of a choice of conditions: beside
/// one that never holds, `SQLite` finds nothing by an index.
///
/// `PostgreSQL` is given the values as one array: a list of a thousand it would read and plan anew each time, and,
/// where another condition must hold too, rather compare with every row that meets that one.
pub fn is_in_any<V: Into<Value>>(
    db: &impl ConnectionTrait,
    column: Expr,
    values: impl IntoIterator<Item = V>,
) -> Option<Expr> {
    let values: Vec<Value> = values.into_iter().map(Into::into).collect();
    Some(match values.as_slice() {
        [] => return None,
        [one] => column.eq(one.clone()),
        [one, ..] if db.get_database_backend() == DbBackend::Postgres => {
            let array = Value::Array(one.array_type(), Some(Box::new(values)));
            column.eq(PgFunc::any(Expr::val(array)))
        }
        _ => column.is_in(values),
    })
}

/// Writes rows over those that are there, these columns of them, in one statement: neither database has another
/// that gives many rows each its own values. At most so many that all their values can be bound.
pub async fn upsert<E>(
    db: &impl ConnectionTrait,
    rows: Vec<E::Model>,
    columns: &[E::Column],
) -> Result<(), DbErr>
where
    E: EntityTrait,
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    if rows.is_empty() {
        return Ok(());
    }
    let key = E::PrimaryKey::iter().map(PrimaryKeyToColumn::into_column);
    let over = OnConflict::columns(key)
        .update_columns(columns.iter().copied())
        .to_owned();
    E::insert_many(rows.into_iter().map(IntoActiveModel::into_active_model))
        .on_conflict(over)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Begins a transaction whose reads all see the base at one moment.
pub async fn begin_read(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
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
