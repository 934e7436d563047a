//! Who may not be told any more is told that, and nothing else.

use chrono::TimeDelta;
use serde_json::json;
use wayin::auth::jwt::Subject;
use wayin::auth::member;
use wayin::clock::{Clock, SystemClock};
use wayin_entity::Role;

use super::{PATTERN, another_process, follow_submissions, next_title, save};
use crate::support::app::{ISSUER, TestApp, token_until};
use crate::support::socket::{Heard, Listening, Socket, until};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    a_member_who_is_revoked_by_another_process_hears_nothing_more,
    a_member_whose_organisation_changes_has_to_come_anew,
    a_token_that_expires_ends_what_it_began,
];

fn named(subject: &str) -> Subject {
    Subject {
        issuer: ISSUER.into(),
        subject: subject.into(),
    }
}

/// Hears each stream end with an error of a message, and the connection closed.
async fn ended(socket: &mut Socket, streams: usize, message: &str) {
    for _ in 0..streams {
        let Heard::Said(said) = socket.next().await else {
            panic!("each stream is told first");
        };
        assert_eq!(said["type"], "error", "{said}");
        let error = &said["payload"][0];
        assert_eq!(error["message"], message, "{said}");
        assert_eq!(error["extensions"], json!({"code": "UNAUTHENTICATED"}), "{said}");
    }
    assert_eq!(socket.closed().await, (4403, format!("Forbidden: {message}")));
}

async fn a_member_who_is_revoked_by_another_process_hears_nothing_more(database: Database) {
    let app = TestApp::start(database.clone()).await;
    let one = app.member("one", Role::Partner, Some("GB-CHC-1")).await;
    app.member("two", Role::Partner, Some("GB-CHC-1")).await;
    let other = another_process(&database).await;
    let listening = Listening::start(&app).await;
    let mut of_one = listening.begin_as("one").await;
    let mut of_two = listening.begin_as("two").await;
    follow_submissions(&app.app, &mut of_one, "1").await;
    follow_submissions(&app.app, &mut of_two, "1").await;
    of_two.subscribe("2", PATTERN).await;
    of_two.told("2").await;
    save(&one, "before").await;
    assert_eq!(next_title(&mut of_one, "1").await.0, "before");
    assert_eq!(next_title(&mut of_two, "1").await.0, "before");
    // As `wayin member revoke` does.
    member::revoke(&other.app.db, &TestApp::act(), &named("two"))
        .await
        .unwrap();
    ended(&mut of_two, 2, "the token is good, but its member was revoked").await;
    // Nobody else is bothered.
    save(&one, "after").await;
    assert_eq!(next_title(&mut of_one, "1").await.0, "after");
    until("one is followed for", || app.app.live.submissions_told_to() == 1).await;
    other.app.db.close_by_ref().await.unwrap();
}

async fn a_member_whose_organisation_changes_has_to_come_anew(database: Database) {
    let app = TestApp::start(database).await;
    let one = app.member("one", Role::Partner, Some("GB-CHC-1")).await;
    app.member("two", Role::Partner, Some("GB-CHC-2")).await;
    let listening = Listening::start(&app).await;
    let mut socket = listening.begin_as("two").await;
    follow_submissions(&app.app, &mut socket, "1").await;
    app.member("two", Role::Partner, Some("GB-CHC-1")).await;
    ended(&mut socket, 1, "your permissions have changed; connect again").await;
    let mut socket = listening.begin_as("two").await;
    follow_submissions(&app.app, &mut socket, "1").await;
    save(&one, "theirs").await;
    assert_eq!(next_title(&mut socket, "1").await.0, "theirs");
}

async fn a_token_that_expires_ends_what_it_began(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let listening = Listening::start(&app).await;
    // A token is taken for half a minute after it has expired, as clocks differ.
    let left = TimeDelta::seconds(3) - TimeDelta::seconds(30);
    let authorization = format!("Bearer {}", token_until("steward", SystemClock.now() + left));
    let mut socket = listening.begin(Some(&authorization)).await;
    follow_submissions(&app.app, &mut socket, "1").await;
    ended(&mut socket, 1, "the token has expired; ask for a new one").await;
    until("it is followed for no more", || app.app.live.followed_for() == 0).await;
    // And it begins nothing more.
    let (mut socket, _) = listening.connect(Some("graphql-transport-ws")).await.unwrap();
    let payload = json!({"authorization": authorization});
    socket
        .say(json!({"type": "connection_init", "payload": payload}))
        .await;
    assert_eq!(
        socket.closed().await,
        (
            4403,
            "Forbidden: the token has expired; ask for a new one".to_owned()
        )
    );
}
