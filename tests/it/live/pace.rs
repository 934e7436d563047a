//! Clients that are slow, and clients that come and go: what they take of the service is bounded.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use serde_json::{Value, json};
use tokio::time::Instant;
use wayin::live::Limits;
use wayin_entity::{Role, SubmissionState, submission};

use super::{follow_submissions, next_title, save, service_over, short};
use crate::support::app::{TestApp, token};
use crate::support::imports::{file_record, json_lines, send_file};
use crate::support::places::start_with_places;
use crate::support::socket::{Listening, until};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    a_client_that_does_not_read_is_dropped_and_others_go_on,
    a_client_that_falls_behind_is_told_so,
    a_client_that_reads_keeps_up_with_a_large_file,
    clients_that_come_and_go_leave_nothing_behind,
];

/// An answer of some hundreds of kilobytes.
const LONG: &str = "{ __schema { types { name description fields { name description args { name description type { name kind ofType { name kind ofType { name } } } } type { name kind ofType { name kind ofType { name } } } } } } }";

async fn a_client_that_does_not_read_is_dropped_and_others_go_on(database: Database) {
    let app = TestApp::with_limits(database, short()).await;
    let partner = app.member("partner", Role::Partner, Some("GB-CHC-1")).await;
    app.steward().await;
    let listening = Listening::start(&app).await;
    let mut reading = listening.begin_as("steward").await;
    follow_submissions(&app.app, &mut reading, "1").await;
    let mut slow = listening.connect_narrowly(4_096).await;
    slow.init(Some(&format!("Bearer {}", token("steward")))).await;
    follow_submissions(&app.app, &mut slow, "1").await;
    // From now on it asks, and reads nothing: what it is sent soon fills all that lies between.
    let (mut asked, since) = (0, Instant::now());
    while app.app.live.submissions_told_to() == 2 {
        assert!(
            since.elapsed() < Duration::from_secs(30),
            "{asked} long answers are held for a client that reads none"
        );
        let more = asked < 90
            && slow
                .try_subscribe(&format!("long{asked}"), LONG, Duration::from_millis(50))
                .await;
        asked += usize::from(more);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    until("it is followed for one alone", || {
        app.app.live.followed_for() == 2
    })
    .await;
    save(&partner, "meanwhile").await;
    assert_eq!(next_title(&mut reading, "1").await.0, "meanwhile");
    // When it reads again it hears what was sent, and then why nothing more comes.
    assert_eq!(
        slow.closed().await,
        (4008, "Fell behind: connect and ask again".to_owned())
    );
}

async fn a_client_that_falls_behind_is_told_so(database: Database) {
    let app = TestApp::start(database.clone()).await;
    let partner = app.member("partner", Role::Partner, Some("GB-CHC-1")).await;
    app.steward().await;
    let limits = Limits {
        most_waiting: 4,
        // So that it is not for this that it is dropped.
        write_within: Duration::from_mins(2),
        ..Limits::default()
    };
    let held = service_over(&database, limits).await;
    held.engine.catch_up(&held.db, &|_| ()).await.unwrap();
    let listening = Listening::serve(Arc::clone(&held)).await;
    let mut slow = listening.connect_narrowly(4_096).await;
    slow.init(Some(&format!("Bearer {}", token("steward")))).await;
    follow_submissions(&held, &mut slow, "1").await;
    // It is sent more than fits between, and while it reads nothing more happens than is held for it.
    save(&partner, "first").await;
    for _ in 0..100 {
        save_as_of(&app, TimeDelta::zero(), &"long".repeat(50_000)).await;
    }
    for number in 0..8 {
        // What is found by one look counts as one.
        tokio::time::sleep(Duration::from_millis(600)).await;
        save(&partner, &format!("{number}")).await;
    }
    assert_eq!(
        slow.closed().await,
        (4008, "Fell behind: connect and ask again".to_owned())
    );
    until("it is followed for no more", || held.live.followed_for() == 0).await;
    drop(listening);
    held.db.close_by_ref().await.unwrap();
}

async fn a_client_that_reads_keeps_up_with_a_large_file(database: Database) {
    const RECORDS: usize = 5_000;
    const LATE: &str = "late";
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    app.steward().await;
    let listening = Listening::start(&app).await;
    let mut socket = listening.begin_as("steward").await;
    follow_submissions(&app.app, &mut socket, "s").await;
    let records: Vec<Value> = (0..RECORDS)
        .map(|number| file_record(&number.to_string()))
        .collect();
    let file = json_lines(&records);
    let sent = send_file(&app, &partner, "return.jsonl", &file, json!({"mode": "SUBMIT"})).await;
    assert_eq!(sent["data"]["importRecords"]["userErrors"], json!([]), "{sent}");
    let mut told_of = HashSet::new();
    let mut late = false;
    while told_of.len() < RECORDS + usize::from(late) {
        let (title, state) = next_title(&mut socket, "s").await;
        if title == LATE {
            assert_eq!(state, "DRAFT");
        } else {
            assert_eq!(state, "SUBMITTED", "{title}");
        }
        assert!(told_of.insert(title), "each is told of once");
        if told_of.len() == RECORDS / 2 {
            // Saved by a transaction that was long, or by a server whose clock is late.
            save_as_of(&app, TimeDelta::seconds(-8), LATE).await;
            late = true;
        }
    }
    assert!(told_of.contains(LATE));
}

/// Writes a draft as if it had been saved so long from now.
async fn save_as_of(app: &TestApp, from_now: TimeDelta, title: &str) {
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

async fn clients_that_come_and_go_leave_nothing_behind(database: Database) {
    let app = TestApp::start(database).await;
    let partner = app.member("partner", Role::Partner, Some("GB-CHC-1")).await;
    app.steward().await;
    let listening = Listening::start(&app).await;
    let mut socket = listening.begin_as("steward").await;
    assert_eq!(
        socket.ask("first", "{ __typename }").await["data"]["__typename"],
        "Query"
    );
    // Whatever follows or streams holds on to the service.
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
        socket.ask("last", "{ __typename }").await["data"]["__typename"],
        "Query"
    );
    until("all are over", || {
        app.app.live.followed_for() == 0 && app.app.live.submissions_told_to() == 0
    })
    .await;
    // The follower ends when it next looks for whom it follows.
    until("no task is left", || held() == before).await;
    // And all is as it was.
    follow_submissions(&app.app, &mut socket, "again").await;
    save(&partner, "again").await;
    assert_eq!(next_title(&mut socket, "again").await.0, "again");
}
