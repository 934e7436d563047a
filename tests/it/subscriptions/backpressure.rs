//! Slow clients, and clients that connect and disconnect, use bounded resources.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use tokio::time::Instant;
use wayin::subscriptions::ConnectionLimits;
use wayin_entity::{Role, SubmissionState, submission};

use super::{follow_submissions, read_next_title, save_draft, short_limits, start_service};
use crate::support::app::{TestApp, sign_token};
use crate::support::imports::{file_record, json_lines, send_file};
use crate::support::places::start_with_places;
use crate::support::socket::{TestServer, wait_until};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    slow_reader_is_dropped,
    lagging_client_is_notified,
    reading_client_keeps_up_with_a_large_import,
    disconnected_clients_leave_no_state,
];

/// A query with a response of some hundreds of kilobytes.
const LONG_QUERY: &str = "{ __schema { types { name description fields { name description args { name description type { name kind ofType { name kind ofType { name } } } } type { name kind ofType { name kind ofType { name } } } } } } }";

async fn slow_reader_is_dropped(database: Database) {
    let app = TestApp::with_limits(database, short_limits()).await;
    let partner = app
        .create_member("partner", Role::Partner, Some("GB-CHC-1"))
        .await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    let mut reading = listening.connect_as("steward").await;
    follow_submissions(&app.app, &mut reading, "1").await;
    let mut slow = listening.connect_with_small_buffer(4_096).await;
    slow.init(Some(&format!("Bearer {}", sign_token("steward"))))
        .await;
    follow_submissions(&app.app, &mut slow, "1").await;
    // From now on the client sends queries and reads nothing, so that all buffers fill.
    let (mut asked, since) = (0, Instant::now());
    while app.app.subscriptions.submission_subscriber_count() == 2 {
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "{asked} long responses are buffered for a client that does not read"
        );
        let more = asked < 90
            && slow
                .try_subscribe(&format!("long{asked}"), LONG_QUERY, Duration::from_millis(50))
                .await;
        asked += usize::from(more);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    wait_until("two followers are left", || {
        app.app.subscriptions.follower_count() == 2
    })
    .await;
    save_draft(&partner, "meanwhile").await;
    assert_eq!(read_next_title(&mut reading, "1").await.0, "meanwhile");
    // When the client reads again, it receives what was sent, and then the reason for the close.
    assert_eq!(
        slow.wait_for_close().await,
        (4008, "Fell behind: connect and subscribe again".to_owned())
    );
}

async fn lagging_client_is_notified(database: Database) {
    let app = TestApp::start(database.clone()).await;
    let partner = app
        .create_member("partner", Role::Partner, Some("GB-CHC-1"))
        .await;
    app.steward().await;
    let limits = ConnectionLimits {
        max_pending_events: 4,
        // Long enough that the write timeout does not close the connection.
        write_timeout: Duration::from_mins(2),
        ..ConnectionLimits::default()
    };
    let held = start_service(&database, limits).await;
    held.engine.catch_up(&held.db, &|_| ()).await.unwrap();
    let listening = TestServer::serve(Arc::clone(&held)).await;
    let mut slow = listening.connect_with_small_buffer(4_096).await;
    slow.init(Some(&format!("Bearer {}", sign_token("steward"))))
        .await;
    follow_submissions(&held, &mut slow, "1").await;
    // The events exceed the buffers, and then the maximum of pending events.
    save_draft(&partner, "first").await;
    for _ in 0..100 {
        save_with_time_offset(&app, TimeDelta::zero(), &"long".repeat(50_000)).await;
    }
    for number in 0..8 {
        // All changes of one poll count as one event.
        tokio::time::sleep(Duration::from_millis(600)).await;
        save_draft(&partner, &format!("{number}")).await;
    }
    assert_eq!(
        slow.wait_for_close().await,
        (4008, "Fell behind: connect and subscribe again".to_owned())
    );
    wait_until("the follower ends", || held.subscriptions.follower_count() == 0).await;
    drop(listening);
    held.db.close_by_ref().await.unwrap();
}

async fn reading_client_keeps_up_with_a_large_import(database: Database) {
    const RECORD_COUNT: usize = 5_000;
    const LATE_TITLE: &str = "late";
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    follow_submissions(&app.app, &mut socket, "s").await;
    let records: Vec<Value> = (0..RECORD_COUNT)
        .map(|number| file_record(&number.to_string()))
        .collect();
    let file = json_lines(&records);
    let sent = send_file(&app, &partner, "return.jsonl", &file, json!({"mode": "SUBMIT"})).await;
    assert_eq!(sent["data"]["importRecords"]["problems"], json!([]), "{sent}");
    let mut told_of = HashSet::new();
    let mut late = false;
    while told_of.len() < RECORD_COUNT + usize::from(late) {
        let (title, state) = read_next_title(&mut socket, "s").await;
        if title == LATE_TITLE {
            assert_eq!(state, "DRAFT");
        } else {
            assert_eq!(state, "SUBMITTED", "{title}");
        }
        assert!(told_of.insert(title), "each is received once");
        if told_of.len() == RECORD_COUNT / 2 {
            // As if saved by a long transaction, or by a server whose clock is slow.
            save_with_time_offset(&app, TimeDelta::seconds(-8), LATE_TITLE).await;
            late = true;
        }
    }
    assert!(told_of.contains(LATE_TITLE));
}

/// Inserts a draft with an offset to the time of its last change.
async fn save_with_time_offset(app: &TestApp, from_now: TimeDelta, title: &str) {
    let db = &app.app.db;
    let standing = submission::Entity::find().one(db).await.unwrap().unwrap();
    let row = submission::Model {
        id: app.app.clock.new_id(),
        state: SubmissionState::Draft,
        document: json!({"title": title}),
        external_ref: None,
        updated_at: app.app.clock.now() + from_now,
        ..standing
    };
    row.into_active_model().insert(db).await.unwrap();
}

async fn disconnected_clients_leave_no_state(database: Database) {
    let app = TestApp::start(database).await;
    let partner = app
        .create_member("partner", Role::Partner, Some("GB-CHC-1"))
        .await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    assert_eq!(
        socket.query("first", "{ __typename }").await["data"]["__typename"],
        "Query"
    );
    // Pollers and subscriptions hold a reference to the service.
    let held = || Arc::strong_count(&app.app);
    let before = held();
    follow_submissions(&app.app, &mut socket, "0").await;
    assert!(held() > before);
    socket.complete("0").await;
    for number in 0..1_000 {
        let id = number.to_string();
        socket
            .subscribe(&id, "subscription { submissionChanged { id } }")
            .await;
        socket.complete(&id).await;
    }
    assert_eq!(
        socket.query("last", "{ __typename }").await["data"]["__typename"],
        "Query"
    );
    wait_until("all subscriptions end", || {
        app.app.subscriptions.follower_count() == 0
            && app.app.subscriptions.submission_subscriber_count() == 0
    })
    .await;
    // The follower ends at its next check for subscribers.
    wait_until("no task is left", || held() == before).await;
    // The service works as before.
    follow_submissions(&app.app, &mut socket, "again").await;
    save_draft(&partner, "again").await;
    assert_eq!(read_next_title(&mut socket, "again").await.0, "again");
}
