//! The events of each subscription, and who receives them.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use wayin::app::App;
use wayin_entity::Role;

use super::{
    PATTERN_SUBSCRIPTION, PUBLISHED_SUBSCRIPTION, QUIET_PERIOD, follow_submissions, mutate_submission,
    read_next_title, save_draft, start_another_process,
};
use crate::support::app::TestApp;
use crate::support::builders::{DEFAULT_LEAD, RecordBuilder, record, withdraw};
use crate::support::imports::{file_record, json_lines, send_file};
use crate::support::places::start_with_places;
use crate::support::socket::{TestServer, TestSocket, wait_until};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    submission_changes_reach_only_permitted_members,
    submission_changes_of_other_processes_are_sent,
    published_initiatives_reach_only_permitted_readers,
    changed_pattern_is_sent_again,
    hidden_record_changes_only_the_stewards_pattern,
    bursts_are_sent_once_a_second,
    import_progress_is_sent_until_the_end,
];

async fn submission_changes_reach_only_permitted_members(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let one = app.create_member("one", Role::Partner, Some("GB-CHC-1")).await;
    let two = app.create_member("two", Role::Partner, Some("GB-CHC-2")).await;
    app.create_member("funder", Role::Funder, Some("GB-CHC-1")).await;
    app.create_member("dashboard", Role::Dashboard, None).await;
    let listening = TestServer::start(&app).await;
    let mut sockets = Vec::new();
    for subject in ["steward", "one", "two"] {
        let mut socket = listening.connect_as(subject).await;
        follow_submissions(&app.app, &mut socket, "s").await;
        sockets.push(socket);
    }
    for subject in ["funder", "dashboard"] {
        let mut socket = listening.connect_as(subject).await;
        let answer = socket
            .query("s", "subscription { submissionChanged { id } }")
            .await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "FORBIDDEN",
            "{subject}: {answer}"
        );
    }
    let [of_steward, of_one, of_two] = &mut sockets[..] else {
        panic!("there are three");
    };
    let output = |title: &str, state: &str| (title.to_owned(), state.to_owned());
    let first = save_draft(&one, "first").await;
    assert_eq!(read_next_title(of_steward, "s").await, output("first", "DRAFT"));
    assert_eq!(read_next_title(of_one, "s").await, output("first", "DRAFT"));
    save_draft(&two, "second").await;
    assert_eq!(read_next_title(of_steward, "s").await, output("second", "DRAFT"));
    assert_eq!(read_next_title(of_two, "s").await, output("second", "DRAFT"));
    mutate_submission(&one, "discardSubmission", json!({"id": first})).await;
    assert_eq!(
        read_next_title(of_steward, "s").await,
        output("first", "DISCARDED")
    );
    assert_eq!(
        read_next_title(of_one, "s").await,
        output("first", "DISCARDED"),
        "and nothing of the other organisation's in between"
    );
    // Reads cause no events.
    steward.query("{ submissions { nodes { state } } }").await;
    for socket in &mut sockets {
        assert_eq!(socket.receive_within(Duration::from_millis(700)).await, None);
    }
}

async fn submission_changes_of_other_processes_are_sent(database: Database) {
    let app = start_with_places(database.clone()).await;
    app.steward().await;
    let other = start_another_process(&database).await;
    let partner = other
        .create_member("partner", Role::Partner, Some("GB-CHC-1"))
        .await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    follow_submissions(&app.app, &mut socket, "s").await;
    let whole = json!({
        "externalRef": "1", "title": "whole", "place": {"code": "E06000001"}, "visibility": "OPEN",
        "source": {"kind": "SELF_REPORT", "title": "Our return"},
        "sharing": {"basis": "The board agreed", "licence": "CC-BY-4.0"},
    });
    let output = |state: &str| ("whole".to_owned(), state.to_owned());
    let id = mutate_submission(&partner, "saveSubmission", json!({"record": whole})).await;
    assert_eq!(read_next_title(&mut socket, "s").await, output("DRAFT"));
    mutate_submission(&partner, "submitForReview", json!({"id": id})).await;
    assert_eq!(read_next_title(&mut socket, "s").await, output("SUBMITTED"));
    let steward = other.steward().await;
    mutate_submission(&steward, "publishSubmission", json!({"id": id})).await;
    assert_eq!(read_next_title(&mut socket, "s").await, output("PUBLISHED"));
    other.app.db.close_by_ref().await.unwrap();
}

/// Publishes records from another process. The service must notice the change.
async fn publish_by_other_process(other: &TestApp, records: impl IntoIterator<Item = RecordBuilder>) {
    let records: Vec<Value> = records.into_iter().map(RecordBuilder::build).collect();
    other.publish(&records).await;
}

/// Subscribes, and waits until the service follows the database for it.
async fn subscribe_and_wait(app: &App, socket: &mut TestSocket, id: &str, query: &str) {
    let before = app.subscriptions.follower_count();
    socket.subscribe(id, query).await;
    wait_until("the subscription has begun", || {
        app.subscriptions.follower_count() > before && app.subscriptions.has_polled()
    })
    .await;
}

async fn read_titles(socket: &mut TestSocket, id: &str, count: usize) -> Vec<String> {
    let mut titles = Vec::new();
    for _ in 0..count {
        let output = socket.next_data(id).await;
        titles.push(
            output["initiativePublished"]["title"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    titles.sort();
    titles
}

async fn published_initiatives_reach_only_permitted_readers(database: Database) {
    const HIDDEN_VISIBILITY: &str = "AGGREGATE_ONLY";
    let app = TestApp::start(database.clone()).await;
    app.steward().await;
    app.create_member("dashboard", Role::Dashboard, None).await;
    app.create_member("other", Role::Partner, Some("GB-CHC-7")).await;
    app.create_member("lead", Role::Partner, Some(DEFAULT_LEAD)).await;
    app.create_member("funder", Role::Funder, Some("GB-CHC-8")).await;
    let other = start_another_process(&database).await;
    let listening = TestServer::start(&app).await;
    let mut sockets = Vec::new();
    for subject in ["steward", "dashboard", "other", "lead", "funder"] {
        let mut socket = listening.connect_as(subject).await;
        subscribe_and_wait(&app.app, &mut socket, "p", PUBLISHED_SUBSCRIPTION).await;
        sockets.push(socket);
    }
    // One filter matches a partly visible record of the funder, and one does not.
    let mut by_part = listening.connect_as("funder").await;
    let filter = "filter: {title: {contains: \"funded\"}}";
    let query =
        format!("subscription {{ initiativePublished({filter}) {{ title summary isFullyVisible }} }}");
    subscribe_and_wait(&app.app, &mut by_part, "p", &query).await;
    let mut by_rest = listening.connect_as("funder").await;
    let filter = "filter: {startedOn: {isKnown: true}}";
    let query = format!("subscription {{ initiativePublished({filter}) {{ title }} }}");
    subscribe_and_wait(&app.app, &mut by_rest, "p", &query).await;

    publish_by_other_process(
        &other,
        [
            record("1").with("title", "open"),
            record("2").with("title", "members").with("visibility", "MEMBERS"),
            record("3")
                .with("title", "hidden")
                .with("visibility", HIDDEN_VISIBILITY),
            record("4")
                .with("title", "funded")
                .with("summary", "a secret")
                .with("startedOn", "2020-01-01")
                .with("visibility", HIDDEN_VISIBILITY)
                .funded_by(&["GB-CHC-8"]),
        ],
    )
    .await;
    let mut expected = [
        vec!["funded", "hidden", "members", "open"],
        vec!["open"],
        vec!["members", "open"],
        vec!["funded", "hidden", "members", "open"],
        vec!["funded", "members", "open"],
    ]
    .into_iter();
    for socket in &mut sockets {
        let expected = expected.next().unwrap();
        assert_eq!(read_titles(socket, "p", expected.len()).await, expected);
    }
    let part = by_part.next_data("p").await;
    assert_eq!(
        part["initiativePublished"],
        json!({"title": "funded", "summary": null, "isFullyVisible": false})
    );
    for socket in sockets.iter_mut().chain([&mut by_part, &mut by_rest]) {
        assert_eq!(
            socket.receive_within(Duration::from_millis(300)).await,
            None,
            "nothing else is sent"
        );
    }
    // An update sends the new state. A save without changes and a withdrawal send nothing.
    publish_by_other_process(
        &other,
        [
            record("1").with("title", "opened"),
            record("3")
                .with("title", "hidden")
                .with("visibility", HIDDEN_VISIBILITY),
        ],
    )
    .await;
    for socket in &mut sockets {
        assert_eq!(read_titles(socket, "p", 1).await, ["opened"]);
    }
    let found = app
        .steward()
        .await
        .query("{ initiatives(filter: {title: {contains: \"opened\"}}) { nodes { id } } }")
        .await;
    let id = found["initiatives"]["nodes"][0]["id"].as_str().unwrap();
    let (_, id) = wayin::id::decode(id).unwrap();
    withdraw(&other, id).await;
    for socket in &mut sockets {
        assert_eq!(
            socket.receive_within(QUIET_PERIOD).await,
            None,
            "a withdrawal is not sent"
        );
    }
    other.app.db.close_by_ref().await.unwrap();
}

/// The population of the next event of a pattern.
async fn read_population(socket: &mut TestSocket) -> i64 {
    let output = socket.next_data("p").await;
    output["patternChanged"]["table"]["population"].as_i64().unwrap()
}

async fn changed_pattern_is_sent_again(database: Database) {
    let app = TestApp::start(database.clone()).await;
    app.create_member("dashboard", Role::Dashboard, None).await;
    let other = start_another_process(&database).await;
    publish_by_other_process(&other, [record("1")]).await;
    let listening = TestServer::start(&app).await;
    app.catch_up().await;
    let mut socket = listening.connect_as("dashboard").await;
    socket.subscribe("p", PATTERN_SUBSCRIPTION).await;
    assert_eq!(
        read_population(&mut socket).await,
        1,
        "the present answer comes at once"
    );
    publish_by_other_process(&other, [record("2")]).await;
    assert_eq!(read_population(&mut socket).await, 2);
    // Another title is a change, but the answer is the same.
    publish_by_other_process(&other, [record("2").with("title", "another")]).await;
    assert_eq!(
        socket.receive_within(QUIET_PERIOD).await,
        None,
        "the same answer is not sent again"
    );
    publish_by_other_process(&other, [record("3")]).await;
    assert_eq!(read_population(&mut socket).await, 3);
    other.app.db.close_by_ref().await.unwrap();
}

async fn hidden_record_changes_only_the_stewards_pattern(database: Database) {
    const ALL_SCOPE_SUBSCRIPTION: &str =
        "subscription { patternChanged(when: {}, then: {}) { table { population } disclosure { applied } } }";
    let app = TestApp::start(database).await;
    app.steward().await;
    app.create_member("dashboard", Role::Dashboard, None).await;
    let open: Vec<Value> = (0..40)
        .map(|number| record(&format!("o{number}")).build())
        .collect();
    app.publish(&open).await;
    let listening = TestServer::start(&app).await;
    let mut of_dashboard = listening.connect_as("dashboard").await;
    let mut of_steward = listening.connect_as("steward").await;
    for socket in [&mut of_dashboard, &mut of_steward] {
        socket.subscribe("p", ALL_SCOPE_SUBSCRIPTION).await;
        let output = socket.next_data("p").await;
        assert!(output["patternChanged"]["table"]["population"].as_i64().unwrap() >= 35);
    }
    let hidden = record("hidden").with("visibility", "AGGREGATE_ONLY");
    app.publish(&[hidden.build()]).await;
    assert_eq!(read_population(&mut of_steward).await, 41);
    assert_eq!(
        of_dashboard.receive_within(QUIET_PERIOD).await,
        None,
        "a single hidden record is not sent"
    );
}

async fn bursts_are_sent_once_a_second(database: Database) {
    let app = TestApp::start(database.clone()).await;
    app.steward().await;
    let other = start_another_process(&database).await;
    let listening = TestServer::start(&app).await;
    let mut socket = listening.connect_as("steward").await;
    socket.subscribe("p", PATTERN_SUBSCRIPTION).await;
    assert_eq!(read_population(&mut socket).await, 0);
    let since = Instant::now();
    let publishing = async {
        for number in 1..=40 {
            publish_by_other_process(&other, [record(&number.to_string())]).await;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    };
    let hearing = async {
        let (mut answers, mut last) = (0_u32, 0);
        while last < 40 {
            let now = read_population(&mut socket).await;
            assert!(now > last, "{now} after {last}");
            (answers, last) = (answers + 1, now);
        }
        answers
    };
    let (answers, ()) = tokio::join!(hearing, publishing);
    let most = since.elapsed().as_secs_f64().ceil();
    assert!(
        f64::from(answers) <= most,
        "{answers} answers in {:?}",
        since.elapsed()
    );
    assert_eq!(socket.receive_within(QUIET_PERIOD).await, None);
    other.app.db.close_by_ref().await.unwrap();
}

async fn import_progress_is_sent_until_the_end(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    app.create_member("other", Role::Partner, Some("GB-CHC-2")).await;
    app.create_member("dashboard", Role::Dashboard, None).await;
    let records: Vec<Value> = (0..1_200)
        .map(|number| file_record(&format!("r-{number}")))
        .collect();
    let file = json_lines(&records);
    let sent = send_file(&app, &partner, "return.jsonl", &file, json!({"mode": "SUBMIT"})).await;
    let id = &sent["data"]["importRecords"]["import"]["id"];
    let progress = format!(
        "subscription {{ importProgress(id: {id}) {{ state rowsProcessed submittedCount endedAt }} }}"
    );
    let listening = TestServer::start(&app).await;
    for (subject, code) in [("other", "BAD_USER_INPUT"), ("dashboard", "FORBIDDEN")] {
        let mut socket = listening.connect_as(subject).await;
        let answer = socket.query("i", &progress).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], code,
            "{subject}: {answer}"
        );
    }
    let mut socket = listening.connect_as("partner").await;
    socket.subscribe("i", &progress).await;
    let mut told_of = Vec::new();
    loop {
        let output = socket.next_data("i").await;
        let import = &output["importProgress"];
        told_of.push(import["rowsProcessed"].as_i64().unwrap());
        if import["state"] == "COMPLETED" {
            assert_eq!(import["submittedCount"], 1_200, "{output}");
            assert!(import["endedAt"].is_string(), "{output}");
            break;
        }
    }
    assert!(
        told_of.len() > 1,
        "the progress is sent during the import: {told_of:?}"
    );
    assert!(told_of.is_sorted(), "rows are not undone: {told_of:?}");
    let over = socket.receive().await;
    assert_eq!(over["type"], "complete", "{over}");
    // An import that has ended is sent once.
    assert_eq!(
        socket.query("again", &progress).await["data"]["importProgress"]["state"],
        "COMPLETED"
    );
}
