//! Connections to SQLite or PostgreSQL, chosen by the URL.

#[cfg(test)]
mod full;
mod insert;
pub mod json_rows;
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
use tokio::task::spawn_blocking;
use uuid::Uuid;

pub use self::insert::insert_all;
pub use self::like::escape_like;

use crate::locks::{AdvisoryLock, LockMode, acquire_lock};

/// How long closing the pool waits for connections in use.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);

/// The most kibibytes of pages that each SQLite connection of the pool keeps, as a negative number.
const POOL_CACHE_SIZE: &str = "-2048";

/// The same of the connection for large writes: a batch of an import changes more pages than fit into
/// [`POOL_CACHE_SIZE`].
const WRITER_CACHE_SIZE: &str = "-16384";

/// How long the last checkpoint waits for other processes.
const CHECKPOINT_TIMEOUT: Duration = Duration::from_secs(2);

/// Opens a database. SQLite uses a write-ahead log that is synchronised at each commit, enforces foreign
/// keys, and waits ten seconds for another writer.
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
                // With NORMAL, a loss of power can lose the last commits.
                .pragma("synchronous", "FULL")
                .pragma("cache_size", POOL_CACHE_SIZE)
                // Pages that several transactions change are then written to the database file once.
                .pragma("wal_autocheckpoint", "4000")
        })
        .map_sqlx_sqlite_pool_opts(close_connections_in_transaction);
    Database::connect(options).await
}

/// Opens a connection for a task that writes many transactions. On SQLite, the pool has one connection, which
/// keeps its cached pages and prepared statements: a write on another connection would invalidate its cache.
/// The pool closes when it is dropped.
pub fn connect_dedicated_writer(db: &DatabaseConnection) -> DatabaseConnection {
    match db.get_database_backend() {
        DbBackend::Sqlite => {
            let options = db.get_sqlite_connection_pool().connect_options();
            let options = (*options).clone().pragma("cache_size", WRITER_CACHE_SIZE);
            let one = close_connections_in_transaction(SqlitePoolOptions::new().max_connections(1));
            SqlxSqliteConnector::from_sqlx_sqlite_pool(one.connect_lazy_with(options))
        }
        _ => db.clone(),
    }
}

/// Closes a connection that returns to the pool within a transaction.
///
/// On a full disk, an I/O error or a lack of memory, SQLite rolls back a transaction automatically. The driver's
/// own ROLLBACK then fails and its count of open transactions stays too high, so that it would begin the next
/// transaction as a savepoint that nothing ever commits.
fn close_connections_in_transaction(options: SqlitePoolOptions) -> SqlitePoolOptions {
    options.after_release(|connection, _| {
        Box::pin(async move {
            // A rollback may still wait in the connection's queue. The ping runs after it.
            connection.ping().await?;
            let unfinished = connection.is_in_transaction();
            if unfinished {
                tracing::warn!("a database connection could not end its transaction, and is closed");
            }
            Ok(!unfinished)
        })
    })
}

/// Creates the file of a new SQLite database so that only its owner can read it. An existing file keeps its
/// mode. If this fails, opening the database returns the error.
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

/// Closes a database. On SQLite, the one file then contains everything, unless another process has the
/// database open.
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

/// Writes the write-ahead log back into the database file and truncates it, on a separate connection.
async fn checkpoint(options: &SqliteConnectOptions) -> Result<(), sqlx::Error> {
    let options = options
        .clone()
        .create_if_missing(false)
        .busy_timeout(CHECKPOINT_TIMEOUT);
    let mut connection = options.connect().await?;
    // A checkpoint that waits too long for another process reports it in its row, not as an error.
    let busy: i64 = sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)")
        .fetch_one(&mut connection)
        .await?;
    if busy != 0 {
        tracing::info!("another process uses the database: its write-ahead log stays");
    }
    connection.close().await
}

/// Commits a transaction. An error means that nothing was written.
///
/// If a statement of the transaction failed, PostgreSQL answers COMMIT with a rollback, which the driver does
/// not report. Such a transaction rejects every further statement, so one more statement shows it. SQLite
/// rejects COMMIT if no transaction is open.
pub async fn commit(transaction: DatabaseTransaction) -> Result<(), DbErr> {
    if transaction.get_database_backend() == DbBackend::Postgres {
        transaction.execute_unprepared("SELECT 1").await?;
    }
    transaction.commit().await
}

/// Begins a transaction that writes. On SQLite, it takes the write lock at once: a lock that is taken later,
/// after a read, can be refused.
pub async fn begin_write(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    begin_with_lock(db, LockMode::Shared).await
}

/// Begins a transaction with no concurrent writers: it waits for those that write, and others wait for it. On
/// SQLite, every transaction that writes is exclusive.
pub async fn begin_exclusive_write(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    begin_with_lock(db, LockMode::Exclusive).await
}

async fn begin_with_lock(db: &DatabaseConnection, mode: LockMode) -> Result<DatabaseTransaction, DbErr> {
    let options = TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    };
    let transaction = begin(db, options).await?;
    acquire_lock(&transaction, mode, AdvisoryLock::Writing).await?;
    Ok(transaction)
}

/// Updates PostgreSQL's statistics of the tables of records. Autovacuum does so only after minutes. Until
/// then, PostgreSQL assumes that the records belong to many organisations, and finds the references of a
/// batch by reading every record of its organisation.
pub async fn analyze_tables(db: &DatabaseConnection) -> Result<(), DbErr> {
    if db.get_database_backend() == DbBackend::Postgres {
        let tables = "initiative, submission, revision, funding_term, source, organisation";
        db.execute_unprepared(&format!("ANALYZE {tables}")).await?;
    }
    Ok(())
}

/// The most ids in one statement. SQLite binds at most 32,766 values.
pub const IDS_PER_STATEMENT: usize = 5_000;

/// A condition: the column has one of the values.
pub fn is_in<V: Into<Value>>(
    db: &impl ConnectionTrait,
    column: Expr,
    values: impl IntoIterator<Item = V>,
) -> Expr {
    is_in_any(db, column, values).unwrap_or_else(|| Expr::cust("FALSE"))
}

/// A condition: the column has one of the values. None if there are no values, to leave it out of an `OR`:
/// beside a condition that is never true, SQLite does not use an index.
///
/// PostgreSQL receives the values as one array. It would parse and plan a list of a thousand each time, and
/// might compare the list with every row that meets another condition.
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

/// A condition: the column has one of the ids.
///
/// Both databases receive the ids as one value, so that the text of the statement does not depend on how many there are.
/// SQLite keeps what it compiled of each text on each connection.
pub fn is_one_of_ids(db: &impl ConnectionTrait, column: Expr, ids: &[Uuid]) -> Expr {
    if db.get_database_backend() != DbBackend::Sqlite {
        return column.eq(PgFunc::any(Expr::val(ids.to_vec())));
    }
    let ids: Vec<String> = ids.iter().map(|id| id.simple().to_string()).collect();
    let ids = serde_json::json!(ids).to_string();
    Expr::cust_with_exprs(
        "? IN (SELECT unhex(value) FROM json_each(?))",
        [column, Expr::val(ids)],
    )
}

/// Updates these columns of existing rows in one statement. Neither database has another statement that gives
/// many rows different values. The values of all rows must fit into the parameters of one statement.
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

/// Does work on rows on a thread that may block.
///
/// # Errors
/// If the work fails or panics.
pub async fn run_blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, DbErr> + Send + 'static,
) -> Result<T, DbErr> {
    let done = spawn_blocking(work).await;
    done.map_err(|cause| DbErr::Custom(format!("the rows could not be processed: {cause}")))?
}

/// Begins a transaction whose reads all see the database at one moment.
pub async fn begin_read(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    let isolation_level = match db.get_database_backend() {
        sea_orm::DbBackend::Postgres => Some(IsolationLevel::RepeatableRead),
        _ => None,
    };
    let options = TransactionOptions {
        isolation_level,
        ..TransactionOptions::default()
    };
    begin(db, options).await
}

/// Begins a transaction. A caller that stops waiting leaves none open.
///
/// If BEGIN is cancelled on PostgreSQL, sqlx 0.9.0 does not roll back (<https://github.com/transact-rs/sqlx/issues/4393>). The
/// next users of the connection would write within that transaction. So a task begins it, which nobody cancels: a transaction
/// that nobody waits for is dropped, and dropping rolls it back.
async fn begin(db: &DatabaseConnection, options: TransactionOptions) -> Result<DatabaseTransaction, DbErr> {
    if db.get_database_backend() == DbBackend::Sqlite {
        return db.begin_with_options(options).await;
    }
    let db = db.clone();
    let begun = tokio::spawn(async move { db.begin_with_options(options).await }).await;
    begun.map_err(|cause| DbErr::Custom(format!("a transaction could not begin: {cause}")))?
}
