//! The index follows the change log. It misses no change, in whatever order changes become visible, and a
//! client can read its own writes.

use std::sync::Arc;
use std::time::Duration;

use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, Statement, TransactionTrait};
use serde_json::{Value, json};
use wayin::app::App;
use wayin::database::begin_read;
use wayin::database::json_rows::SCANNED_ROWS_PER_PAGE;
use wayin::error::Error;
use wayin::pattern::engine::EngineSettings;
use wayin::pattern::loader::{load_newest_change, load_snapshot};
use wayin_engine::cancellation::Cancelled;
use wayin_engine::index::{IndexedInitiative, Snapshot};

use crate::support::app::TestApp;
use crate::support::database::Kind;
use crate::support::places::start_with_places;
use crate::support::records::complete_record;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    out_of_order_commits_are_not_missed,
    restored_log_is_reloaded,
    connections_that_see_different_moments_are_not_mixed,
    order_of_the_stored_rows_does_not_matter,
    own_write_is_visible_by_its_change_number,
    places_that_change_change_their_groups,
    withdrawn_record_is_not_counted,
    follower_sees_other_writers_and_survives_lost_connections,
    slow_or_abandoned_query_is_cancelled,
];

fn place_record(reference: usize, place: &str) -> Value {
    json!({
        "externalRef": reference.to_string(), "title": format!("Initiative {reference}"), "visibility": "OPEN",
        "place": {"code": place},
        "leadOrganisation": {"identifier": "GB-CHC-1", "name": "A charity"},
        "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED"}],
        "source": {"kind": "SELF_REPORT", "title": "A return"},
    })
}

async fn start_with_records(database: Database, records: usize) -> TestApp {
    let app = start_with_places(database).await;
    let records: Vec<Value> = (0..records)
        .map(|reference| place_record(reference, "E06000001"))
        .collect();
    app.publish(&records).await;
    app
}

/// The number of initiatives that skipped defining their ambitions, as a steward counts them.
async fn count_skipped(app: &TestApp) -> i64 {
    let answer = app
        .steward()
        .await
        .query("{ pattern(when: {}, then: {challenge: {on: DEFINING_AMBITIONS, step: {in: [SKIPPED]}}}) { table { both } } }")
        .await;
    answer["pattern"]["table"]["both"].as_i64().unwrap()
}

async fn newest_change_number(db: &impl ConnectionTrait, backend: DbBackend) -> i64 {
    let newest = Statement::from_string(backend, "SELECT CAST(MAX(number) AS BIGINT) FROM change_log");
    db.query_one_raw(newest)
        .await
        .unwrap()
        .unwrap()
        .try_get_by_index(0)
        .unwrap()
}

/// Sets the step of a record to RUSHED and logs the change, without the lock of the change log. Change numbers
/// can then become visible in another order.
async fn mark_rushed(db: &impl ConnectionTrait, backend: DbBackend, reference: usize) {
    let which = format!("SELECT id FROM initiative WHERE external_ref = '{reference}'");
    let now = "2026-01-01 00:00:00+00:00";
    for statement in [
        format!("UPDATE challenge_faced SET step = 'RUSHED' WHERE initiative_id = ({which})"),
        format!(
            "INSERT INTO change_log (kind, subject, subject_id, created_at, updated_at)
             SELECT 'ALTERED', 'INITIATIVE', id, '{now}', '{now}' FROM ({which}) AS one"
        ),
    ] {
        db.execute_raw(Statement::from_string(backend, statement))
            .await
            .unwrap();
    }
}

/// Two transactions are open. The one with the later change number commits first.
async fn out_of_order_commits_are_not_missed(database: Database) {
    // SQLite has one writer at a time, so numbers become visible in order.
    if database.kind == Kind::Sqlite {
        return;
    }
    let backend = DbBackend::Postgres;
    let app = start_with_records(database, 5).await;
    let db = &app.app.db;
    assert_eq!(count_skipped(&app).await, 5);
    let (earlier, later) = (db.begin().await.unwrap(), db.begin().await.unwrap());
    let rolled_back = db.begin().await.unwrap();
    mark_rushed(&earlier, backend, 0).await;
    mark_rushed(&rolled_back, backend, 1).await;
    mark_rushed(&later, backend, 2).await;
    later.commit().await.unwrap();
    rolled_back.rollback().await.unwrap();
    app.catch_up().await;
    assert_eq!(count_skipped(&app).await, 4, "the later number is visible");
    app.catch_up().await;
    earlier.commit().await.unwrap();
    app.catch_up().await;
    assert_eq!(
        count_skipped(&app).await,
        3,
        "the earlier number became visible after it"
    );
    // The number that was rolled back leaves a gap, which does not stop the index.
    mark_rushed(db, backend, 3).await;
    app.catch_up().await;
    assert_eq!(count_skipped(&app).await, 2);
}

fn unpack_all(snapshot: &Snapshot) -> Vec<IndexedInitiative> {
    snapshot.chunks.iter().flat_map(|chunk| chunk.unpack()).collect()
}

async fn connections_that_see_different_moments_are_not_mixed(database: Database) {
    let app = start_with_records(database, 20).await;
    let db = &app.app.db;
    let earlier = begin_read(db).await.unwrap();
    load_newest_change(&earlier).await.unwrap();
    let changed: Vec<Value> = (0..10)
        .map(|reference| {
            let mut record = place_record(reference, "E06000001");
            record["challengesFaced"][0]["step"] = "TAKEN".into();
            record
        })
        .collect();
    app.publish(&changed).await;
    let later = begin_read(db).await.unwrap();
    let of_one = load_snapshot([&earlier, &earlier], &|_| ()).await.unwrap();
    let of_both = load_snapshot([&earlier, &later], &|_| ()).await.unwrap();
    assert_eq!(unpack_all(&of_both), unpack_all(&of_one));
    let newest = load_snapshot([&later, &later], &|_| ()).await.unwrap();
    assert_ne!(
        unpack_all(&newest),
        unpack_all(&of_one),
        "the connections see different moments"
    );
}

/// The test moves rows in the database. The initiatives fill more than one page of a scan.
async fn order_of_the_stored_rows_does_not_matter(database: Database) {
    let app = start_with_places(database).await;
    let mut records: Vec<Value> = (0..12)
        .map(|reference| {
            let mut record = complete_record(&reference.to_string());
            let further = json!({"funder": {"identifier": "GB-CHC-201", "name": "Another funder"}, "durationMonths": 36,
                "missing": {"renewable": "NOT_ASKED"}});
            record["fundingTerms"].as_array_mut().unwrap().push(further);
            record
        })
        .collect();
    let count = SCANNED_ROWS_PER_PAGE + 10;
    records.extend((12..=count).map(|reference| place_record(reference, "E06000001")));
    app.publish(&records).await;
    let db = &app.app.db;
    let withdraw =
        "UPDATE initiative SET withdrawn_at = '2026-01-01 00:00:00+00:00' WHERE external_ref = '0'";
    db.execute_unprepared(withdraw).await.unwrap();
    let load = async || {
        let moment = begin_read(db).await.unwrap();
        unpack_all(&load_snapshot([&moment, &moment], &|_| ()).await.unwrap())
    };
    let before = load().await;
    assert_eq!(before.len(), count, "all but the one that was withdrawn");
    assert!(
        before
            .iter()
            .any(|row| row.terms.len() > 1 && !row.missing_in_terms.is_empty()),
        "some have several funding terms, and a missing reason"
    );
    for (table, moved) in [
        ("initiative", "external_ref LIKE '%3'"),
        ("entry_point_taken", "position = 1"),
        ("challenge_faced", "challenge = 'DEFINING_AMBITIONS'"),
        ("challenge_reason", "reason = 'SHORT_FUNDING'"),
        ("condition_changed", "condition = 'GOVERNANCE'"),
        ("funding_term", "position = 1"),
    ] {
        let moving = match db.get_database_backend() {
            DbBackend::Sqlite => format!("UPDATE {table} SET rowid = -rowid"),
            // PostgreSQL writes a new version of each row that changes, behind the others.
            _ => format!("UPDATE {table} SET updated_at = updated_at WHERE {moved}"),
        };
        db.execute_unprepared(&moving).await.unwrap();
    }
    // `assert_eq` would print thousands of rows.
    assert!(load().await == before, "the index is the same");
}

/// A database is restored from a backup: later changes that the index has read no longer exist.
async fn restored_log_is_reloaded(database: Database) {
    let app = start_with_records(database, 4).await;
    let db = &app.app.db;
    let backend = db.get_database_backend();
    let before = newest_change_number(db, backend).await;
    mark_rushed(db, backend, 0).await;
    app.catch_up().await;
    assert_eq!(count_skipped(&app).await, 3);
    let statements = [
        "UPDATE challenge_faced SET step = 'SKIPPED'".to_owned(),
        format!("DELETE FROM change_log WHERE number > {before}"),
    ];
    for statement in statements {
        db.execute_raw(Statement::from_string(backend, statement))
            .await
            .unwrap();
    }
    app.catch_up().await;
    assert_eq!(
        count_skipped(&app).await,
        4,
        "the log is shorter than what was read"
    );
    assert_eq!(app.app.engine.snapshot().unwrap().as_of.change_number, before);
}

async fn own_write_is_visible_by_its_change_number(database: Database) {
    let app = start_with_records(database, 2).await;
    let db = &app.app.db;
    let following = tokio::spawn({
        let app = Arc::clone(&app.app);
        async move { app.engine.follow_change_log(&app.db, &|_| ()).await }
    });
    mark_rushed(db, db.get_database_backend(), 0).await;
    let change = newest_change_number(db, db.get_database_backend()).await;
    let steward = app.steward().await;
    let ask = |min_change_number: i64| {
        format!(
            "{{ pattern(when: {{}}, then: {{challenge: {{on: DEFINING_AMBITIONS, step: {{in: [SKIPPED]}}}}}},
               minChangeNumber: {min_change_number}) {{ table {{ both }} asOf {{ changeNumber }} }} }}"
        )
    };
    let answer = steward.query(&ask(change)).await;
    assert_eq!(
        answer["pattern"]["table"]["both"], 1,
        "a client reads its own writes: {answer}"
    );
    assert!(
        answer["pattern"]["asOf"]["changeNumber"].as_i64() >= Some(change),
        "{answer}"
    );
    assert_eq!(steward.query(&ask(0)).await["pattern"]["table"]["both"], 1);
    let refused = steward.execute(&ask(change + 1_000)).await;
    let error = &refused["errors"][0];
    assert_eq!(error["extensions"]["code"], "BAD_USER_INPUT", "{refused}");
    let message = error["message"].as_str().unwrap();
    assert!(
        message.starts_with("minChangeNumber: ") && message.contains(&(change + 1_000).to_string()),
        "{message}"
    );
    following.abort();
}

async fn places_that_change_change_their_groups(database: Database) {
    let app = start_with_records(database, 3).await;
    let by_region = "{ distribution(of: REGION) { bins { label count } } }";
    let in_north_east =
        "{ pattern(when: {place: {within: {code: \"E12000001\"}}}, then: {}) { table { both } } }";
    let steward = app.steward().await;
    let counted = |answer: &Value, label: &str| {
        let bins = answer["distribution"]["bins"].as_array().unwrap();
        bins.iter()
            .find(|bin| bin["label"] == label)
            .map(|bin| bin["count"].clone())
    };
    assert_eq!(
        counted(&steward.query(by_region).await, "North East"),
        Some(json!(3))
    );
    assert_eq!(steward.query(in_north_east).await["pattern"]["table"]["both"], 3);
    app.import_places("code,name,kind,parents,successor\nE06000001,Hartlepool,LOCAL_AUTHORITY,E12000002,\n")
        .await;
    let moved = steward.query(by_region).await;
    assert_eq!(counted(&moved, "North West"), Some(json!(3)), "{moved}");
    assert_eq!(counted(&moved, "North East"), Some(json!(0)), "{moved}");
    assert_eq!(
        steward.query(in_north_east).await["pattern"]["table"]["both"],
        0,
        "the stored results for the former place are not used"
    );
    app.import_places(
        "code,name,kind,parents,successor\nE06000001,Old Hartlepool,LOCAL_AUTHORITY,E12000002,E06000002\n",
    )
    .await;
    let retired = steward
        .query("{ distribution(of: PLACE) { bins { label count } } }")
        .await;
    assert_eq!(counted(&retired, "Middlesbrough"), Some(json!(3)), "{retired}");
    assert_eq!(counted(&retired, "Old Hartlepool"), None, "{retired}");
}

async fn withdrawn_record_is_not_counted(database: Database) {
    let app = start_with_records(database, 3).await;
    let db = &app.app.db;
    let backend = db.get_database_backend();
    let now = "2026-01-01 00:00:00+00:00";
    let withdraw = format!("UPDATE initiative SET withdrawn_at = '{now}' WHERE external_ref = '1'");
    db.execute_raw(Statement::from_string(backend, withdraw))
        .await
        .unwrap();
    let log = format!(
        "INSERT INTO change_log (kind, subject, subject_id, created_at, updated_at)
         SELECT 'WITHDRAWN', 'INITIATIVE', id, '{now}', '{now}' FROM initiative WHERE external_ref = '1'"
    );
    db.execute_raw(Statement::from_string(backend, log))
        .await
        .unwrap();
    app.catch_up().await;
    assert_eq!(count_skipped(&app).await, 2);
    assert_eq!(app.app.engine.snapshot().unwrap().len(), 2);
}

async fn wait_until_seen(app: &App, change: i64) -> bool {
    for _ in 0..600 {
        if app
            .engine
            .snapshot()
            .is_ok_and(|snapshot| snapshot.as_of.change_number >= change)
        {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    false
}

async fn end_other_connections(db: &DatabaseConnection) {
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    db.execute_raw(Statement::from_string(DbBackend::Postgres, end))
        .await
        .unwrap();
}

async fn follower_sees_other_writers_and_survives_lost_connections(database: Database) {
    let kind = database.kind;
    let others = wayin::database::connect(&database.url).await.unwrap();
    let app = start_with_records(database, 3).await;
    let backend = others.get_database_backend();
    let following = tokio::spawn({
        let app = Arc::clone(&app.app);
        async move { app.engine.follow_change_log(&app.db, &|_| ()).await }
    });
    mark_rushed(&others, backend, 0).await;
    let change = newest_change_number(&others, backend).await;
    assert!(
        wait_until_seen(&app.app, change).await,
        "the index reads a change from another connection"
    );
    if kind == Kind::Postgres {
        end_other_connections(&others).await;
        mark_rushed(&others, backend, 1).await;
        let change = newest_change_number(&others, backend).await;
        assert!(
            wait_until_seen(&app.app, change).await,
            "the index reads a change after all connections were closed"
        );
        assert_eq!(count_skipped(&app).await, 1);
    }
    following.abort();
}

async fn slow_or_abandoned_query_is_cancelled(database: Database) {
    let settings = EngineSettings {
        deadline: Duration::ZERO,
        ..EngineSettings::default()
    };
    let started = start_with_records(database.clone(), 2).await;
    let connection = database.connection.clone();
    let hurried = TestApp::with_settings(database, connection, settings).await;
    let refused = hurried
        .steward()
        .await
        .execute("{ pattern(when: {}, then: {}) { summary { text } } }")
        .await;
    assert_eq!(
        refused["errors"][0]["extensions"]["code"], "QUERY_TIMEOUT",
        "{refused}"
    );
    assert_eq!(
        count_skipped(&started).await,
        2,
        "a query with a longer deadline is answered"
    );

    // A computation is cancelled when nobody waits for it.
    let (tell, output) = tokio::sync::oneshot::channel();
    let (begin, begun) = tokio::sync::oneshot::channel();
    let engine = Arc::clone(&started.app.engine);
    let asked = tokio::spawn(async move {
        let view = engine.view().unwrap();
        let endless = view.run_query(move |base| -> Result<(), Cancelled> {
            let _ = begin.send(());
            loop {
                if let Err(stopped) = base.cancellation.check() {
                    let _ = tell.send(stopped);
                    return Err(stopped);
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        });
        endless.await
    });
    begun.await.unwrap();
    asked.abort();
    assert_eq!(output.await, Ok(Cancelled::Abandoned), "the client went away");

    // A computation that panics does not affect others.
    let failed = started
        .app
        .engine
        .view()
        .unwrap()
        .run_query(|base| -> Result<(), Cancelled> {
            panic!("a deliberate panic at change {}", base.newest.as_of.change_number)
        })
        .await;
    assert!(matches!(failed, Err(Error::Internal(_))), "{failed:?}");
    assert_eq!(count_skipped(&started).await, 2, "the next query is answered");
}
