//! Transactions whose callers stop waiting for them.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Waker};
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection};
use wayin::database::{begin_exclusive_write, begin_read, begin_write, commit};

use crate::support::database::Kind;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![cancelled_begin_leaves_no_transaction_open];

/// More than a transaction needs to begin, so that it is cancelled before, during and after each step.
const MAX_POLLS: usize = 12;

async fn cancelled_begin_leaves_no_transaction_open(database: Database) {
    let db = &database.connection;
    db.execute_unprepared("CREATE TABLE cancelled (number integer NOT NULL)")
        .await
        .unwrap();
    let observer = wayin::database::connect(&database.url).await.unwrap();
    for polls in 0..MAX_POLLS {
        poll_and_drop(begin_write(db), polls).await;
        poll_and_drop(begin_read(db), polls).await;
        poll_and_drop(begin_exclusive_write(db), polls).await;
        wait_until_none_is_open(&observer, polls, database.kind).await;
        // What is written next is committed at once, whichever connection writes it.
        db.execute_unprepared(&format!("INSERT INTO cancelled VALUES ({polls})"))
            .await
            .unwrap();
        let exclusive = begin_exclusive_write(&observer).await.unwrap();
        let count = count_rows(&exclusive, "SELECT CAST(count(*) AS bigint) FROM cancelled").await;
        assert_eq!(count, i64::try_from(polls).unwrap() + 1, "after {polls} polls");
        commit(exclusive).await.unwrap();
    }
}

/// Polls a future, with a pause after each time in which the database can answer, and drops it.
async fn poll_and_drop<T>(future: impl Future<Output = T>, polls: usize) {
    let mut future = pin!(future);
    for _ in 0..polls {
        if future
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()))
            .is_ready()
        {
            return;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The end of a dropped transaction reaches PostgreSQL a moment later.
async fn wait_until_none_is_open(observer: &DatabaseConnection, polls: usize, kind: Kind) {
    if kind == Kind::Sqlite {
        return;
    }
    let open =
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'";
    for _ in 0..500 {
        if count_rows(observer, open).await == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("a transaction that was cancelled after {polls} polls is still open");
}

async fn count_rows(db: &impl ConnectionTrait, query: &str) -> i64 {
    let row = db.query_one_raw(sea_orm::Statement::from_string(db.get_database_backend(), query));
    row.await.unwrap().unwrap().try_get_by_index(0).unwrap()
}
