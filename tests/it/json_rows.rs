//! Rows that a database returns as JSON equal the rows that it returns as columns.

use std::fmt::Debug;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use chrono::DateTime;
use sea_orm::sea_query::Expr;
use sea_orm::{DbErr, EntityTrait, IntoActiveModel, QueryFilter as _};
use uuid::Uuid;
use wayin::database::insert_all;
use wayin::database::json_rows::{SCANNED_ROWS_PER_PAGE, TablesQuery, TupleQuery, load_rows};
use wayin_entity::{
    ChangeKind, ChangeSubject, challenge_faced, challenge_reason, change, condition_changed,
    entry_point_taken, funding_term, initiative, initiative_source, organisation, place, source,
};

use crate::support::{Database, complete_base, tests_on_both_databases};

tests_on_both_databases![rows_as_json_equal_rows_as_columns, scan_reads_each_row_once];

async fn rows_as_json_equal_rows_as_columns(database: Database) {
    let db = &database.connection;
    complete_base::insert_complete_base(db).await;
    macro_rules! compare_tables {
        ($($table:ident)+) => {
            let mut query = TablesQuery::new(db);
            $(query = query.add_table($table::Entity::find());)+
            let loaded = query.load(db).await.unwrap();
            $(
                let expected = $table::Entity::find().all(db).await.unwrap();
                assert!(!expected.is_empty(), "the base has rows in {}", stringify!($table));
                let alone = load_rows(db, $table::Entity::find()).await.unwrap();
                let together = loaded.parse_rows::<$table::Entity>().unwrap();
                assert_eq!(sort_by_text(alone), sort_by_text(expected.clone()), "loaded alone");
                assert_eq!(sort_by_text(together), sort_by_text(expected), "loaded with other tables");
            )+
        };
    }
    compare_tables!(
        initiative place organisation source initiative_source entry_point_taken challenge_faced
        challenge_reason condition_changed funding_term
    );
    let none = load_rows(db, initiative::Entity::find().filter(Expr::cust("FALSE")));
    assert!(none.await.unwrap().is_empty(), "a query without rows");
}

/// A scan reads a table in several pages.
async fn scan_reads_each_row_once(database: Database) {
    let db = &database.connection;
    let now = DateTime::UNIX_EPOCH;
    let mut inserted: Vec<(i64, Uuid)> = Vec::new();
    let page = i64::try_from(SCANNED_ROWS_PER_PAGE).unwrap();
    // No row, one row, full pages, and one more row than full pages.
    for count in [0, 1, page, 2 * page, 3 * page + 1] {
        let numbers = i64::try_from(inserted.len()).unwrap() + 1..=count;
        let new: Vec<(i64, Uuid)> = numbers
            .map(|number| (number * 3, Uuid::from_u128(number.unsigned_abs().into())))
            .collect();
        let rows = new.iter().map(|(number, subject_id)| change::Model {
            number: *number,
            kind: ChangeKind::Altered,
            subject: ChangeSubject::Initiative,
            subject_id: *subject_id,
            version: None,
            created_at: now,
            updated_at: now,
        });
        insert_all(db, rows.map(IntoActiveModel::into_active_model))
            .await
            .unwrap();
        inserted.extend(new);
        let scanned = Arc::new(Mutex::new(Vec::new()));
        let add = {
            let scanned = Arc::clone(&scanned);
            move |rows: Vec<(i64, Uuid)>| {
                scanned.lock().unwrap().extend(rows);
                Ok(())
            }
        };
        let progress = AtomicUsize::new(0);
        let columns = [change::Column::Number, change::Column::SubjectId];
        TupleQuery::new(change::Entity::find(), &columns, [])
            .scan(db, add, &|rows| {
                progress.fetch_add(rows, Ordering::Relaxed);
            })
            .await
            .unwrap();
        let mut scanned = std::mem::take(&mut *scanned.lock().unwrap());
        scanned.sort_unstable();
        assert!(scanned == inserted, "{count} rows, each once");
        assert_eq!(progress.into_inner(), inserted.len());
        let failing = TupleQuery::new(change::Entity::find(), &columns, []).scan(
            db,
            |_: Vec<(i64, Uuid)>| Err(DbErr::Custom("a deliberate failure".into())),
            &|_| (),
        );
        assert_eq!(
            failing.await.is_err(),
            count > 0,
            "what `add` returns is not lost"
        );
    }
}

/// Neither query has an order.
fn sort_by_text<M: Debug>(mut rows: Vec<M>) -> Vec<M> {
    rows.sort_by_key(|row| format!("{row:?}"));
    rows
}
