//! Tests that acknowledged writes survive a full disk.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicI64, Ordering};

use futures_util::future::join_all;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr};

use super::{begin_write, close, commit, connect, connect_dedicated_writer};
use crate::error::is_storage_full;

const ROUNDS: i64 = 10;
const WRITERS: i64 = 6;
const FAILED_WRITES: usize = 10;

/// Writes one row in its own transaction, in a database with a maximum number of pages.
async fn write(db: &DatabaseConnection, id: i64, max_pages: &AtomicI64) -> Result<(), DbErr> {
    let transaction = begin_write(db).await?;
    let limit = max_pages.load(Ordering::Relaxed);
    transaction
        .execute_unprepared(&format!("PRAGMA max_page_count = {limit}"))
        .await?;
    for statement in [
        format!("INSERT INTO kept VALUES ({id}, randomblob(20000))"),
        format!("INSERT INTO also_kept VALUES ({id}, randomblob(3000))"),
    ] {
        transaction.execute_unprepared(&statement).await?;
    }
    commit(transaction).await
}

async fn read_ids(db: &DatabaseConnection, table: &str) -> BTreeSet<i64> {
    let statement =
        sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, format!("SELECT id FROM {table}"));
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter().map(|row| row.try_get_by_index(0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn acknowledged_writes_survive_a_full_disk() {
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("full.db").display());
    let mut acknowledged = BTreeSet::new();
    for round in 0..ROUNDS {
        let db = connect(&url).await.unwrap();
        db.execute_unprepared(
            "CREATE TABLE IF NOT EXISTS kept (id INTEGER PRIMARY KEY, bytes BLOB);
             CREATE TABLE IF NOT EXISTS also_kept (id INTEGER PRIMARY KEY, bytes BLOB)",
        )
        .await
        .unwrap();
        let max_pages = AtomicI64::new(100 * (round + 1));
        let writers = (0..WRITERS).map(|writer| {
            let (url, db, max_pages) = (&url, &db, &max_pages);
            async move {
                // One writer has a dedicated connection, as imports have.
                let db = if writer == 0 {
                    connect_dedicated_writer(db)
                } else {
                    db.clone()
                };
                let (mut written, mut was_full) = (Vec::new(), 0);
                for number in 0.. {
                    let id = (round * WRITERS + writer) * 1_000_000 + number;
                    match write(&db, id, max_pages).await {
                        Ok(()) => written.push(id),
                        Err(cause) => {
                            assert!(is_storage_full(&cause), "{url}: {cause}");
                            was_full += 1;
                        }
                    }
                    if was_full == FAILED_WRITES {
                        break;
                    }
                }
                written
            }
        });
        acknowledged.extend(join_all(writers).await.into_iter().flatten());
        // With space again, every writer continues without a restart.
        max_pages.store(1_000_000, Ordering::Relaxed);
        let after = (0..2 * WRITERS).map(|number| {
            let (db, max_pages) = (&db, &max_pages);
            async move {
                let id = round * WRITERS * 1_000_000 + 900_000 + number;
                write(db, id, max_pages).await.unwrap();
                id
            }
        });
        acknowledged.extend(join_all(after).await);
        close(&db).await;
        // The rows that another process reads.
        let reopened = connect(&url).await.unwrap();
        for table in ["kept", "also_kept"] {
            assert_eq!(
                read_ids(&reopened, table).await,
                acknowledged,
                "{table} in round {round}"
            );
        }
        close(&reopened).await;
        assert!(
            !folder.path().join("full.db-wal").exists(),
            "the log is in the file"
        );
    }
}

/// SQLite writes at most 131,071 bytes of a journal to a file at once. If a journal in memory may be larger, it cannot
/// become a file, and the statement fails as if the disk were full.
#[tokio::test]
async fn statement_with_a_large_journal_is_not_refused_as_on_a_full_disk() {
    const ROW_COUNT: i64 = 20_000;
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite://{}?mode=rwc", folder.path().join("large.db").display());
    let db = connect(&url).await.unwrap();
    db.execute_unprepared(&format!(
        "CREATE TABLE kept (id INTEGER PRIMARY KEY, text TEXT UNIQUE);
         WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {ROW_COUNT})
         INSERT INTO kept SELECT n, hex(randomblob(150)) FROM numbers"
    ))
    .await
    .unwrap();
    let transaction = begin_write(&db).await.unwrap();
    // It may fail at any row, so it has a journal of its own, of all pages.
    let changed = transaction
        .execute_unprepared("UPDATE kept SET text = text || 'x'")
        .await;
    assert_eq!(
        i64::try_from(changed.unwrap().rows_affected()),
        Ok(ROW_COUNT),
        "every row is changed"
    );
    commit(transaction).await.unwrap();
    close(&db).await;
}
