//! A subscription ends with an error when its reader loses access.

use chrono::TimeDelta;
use serde_json::json;
use wayin::auth::jwt::TokenSubject;
use wayin::auth::member;
use wayin::clock::{Clock, SystemClock};
use wayin_entity::Role;

use super::{PATTERN_SUBSCRIPTION, follow_submissions, read_next_title, save_draft, start_another_process};
use crate::support::app::{ISSUER, TestApp, sign_token_until};
use crate::support::socket::{SocketEvent, TestServer, TestSocket, wait_until};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    member_revoked_by_another_process_is_disconnected,
    changed_organisation_requires_a_reconnect,
    expired_token_ends_its_subscriptions,
];

fn token_subject(subject: &str) -> TokenSubject {
    TokenSubject {
        issuer: ISSUER.into(),
        subject: subject.into(),
    }
}

/// Asserts that each stream ends with an error, and then the connection.
async fn assert_streams_end(socket: &mut TestSocket, streams: usize, message: &str) {
    for _ in 0..streams {
        let SocketEvent::Said(said) = socket.receive_event().await else {
            panic!("each stream must end with an error first");
        };
        assert_eq!(said["type"], "error", "{said}");
        let error = &said["payload"][0];
        assert_eq!(error["message"], message, "{said}");
        assert_eq!(error["extensions"], json!({"code": "UNAUTHENTICATED"}), "{said}");
    }
    assert_eq!(
        socket.wait_for_close().await,
        (4403, format!("Forbidden: {message}"))
    );
}

async fn member_revoked_by_another_process_is_disconnected(database: Database) {
    let app = TestApp::start(database.clone()).await;
    let one = app.create_member("one", Role::Partner, Some("GB-CHC-1")).await;
    app.create_member("two", Role::Partner, Some("GB-CHC-1")).await;
    let other = start_another_process(&database).await;
    let listening = TestServer::start(&app).await;
    let mut of_one = listening.connect_as("one").await;
    let mut of_two = listening.connect_as("two").await;
    follow_submissions(&app.app, &mut of_one, "1").await;
    follow_submissions(&app.app, &mut of_two, "1").await;
    of_two.subscribe("2", PATTERN_SUBSCRIPTION).await;
    of_two.next_data("2").await;
    save_draft(&one, "before").await;
    assert_eq!(read_next_title(&mut of_one, "1").await.0, "before");
    assert_eq!(read_next_title(&mut of_two, "1").await.0, "before");
    // As `wayin member revoke` does.
    member::revoke(&other.app.db, &TestApp::action(), &token_subject("two"))
        .await
        .unwrap();
    assert_streams_end(&mut of_two, 2, "the token's member was revoked").await;
    // Other members are not affected.
    save_draft(&one, "after").await;
    assert_eq!(read_next_title(&mut of_one, "1").await.0, "after");
    wait_until("one subscription is left", || {
        app.app.subscriptions.submission_subscriber_count() == 1
    })
    .await;
    other.app.db.close_by_ref().await.unwrap();
}

async fn changed_organisation_requires_a_reconnect(database: Database) {
    let app = TestApp::start(database).await;
    let one = app.create_member("one", Role::Partner, Some("GB-CHC-1")).await;
    app.create_member("two", Role::Partner, Some("GB-CHC-2")).await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("two").await;
    follow_submissions(&app.app, &mut socket, "1").await;
    app.create_member("two", Role::Partner, Some("GB-CHC-1")).await;
    assert_streams_end(&mut socket, 1, "your permissions have changed; connect again").await;
    let mut socket = listening.connect_as("two").await;
    follow_submissions(&app.app, &mut socket, "1").await;
    save_draft(&one, "theirs").await;
    assert_eq!(read_next_title(&mut socket, "1").await.0, "theirs");
}

async fn expired_token_ends_its_subscriptions(database: Database) {
    let app = TestApp::start(database).await;
    app.steward().await;
    let listening = TestServer::start(&app).await;
    // A token is accepted for thirty seconds after it expires, because clocks differ.
    let left = TimeDelta::seconds(3) - TimeDelta::seconds(30);
    let authorization = format!("Bearer {}", sign_token_until("steward", SystemClock.now() + left));
    let mut socket = listening.connect_and_init(Some(&authorization)).await;
    follow_submissions(&app.app, &mut socket, "1").await;
    assert_streams_end(&mut socket, 1, "the token has expired; ask for a new one").await;
    wait_until("the follower ends", || {
        app.app.subscriptions.follower_count() == 0
    })
    .await;
    // The token cannot start anything new.
    let (mut socket, _) = listening.connect(Some("graphql-transport-ws")).await.unwrap();
    let payload = json!({"authorization": authorization});
    socket
        .send(json!({"type": "connection_init", "payload": payload}))
        .await;
    assert_eq!(
        socket.wait_for_close().await,
        (
            4403,
            "Forbidden: the token has expired; ask for a new one".to_owned()
        )
    );
}
