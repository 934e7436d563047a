//! What each subscription tells, whom, and of what it is silent.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;
use wayin::app::App;
use wayin_entity::Role;

use super::{A_WHILE, PATTERN, PUBLISHED, another_process, follow_submissions, mutate, next_title, save};
use crate::support::app::TestApp;
use crate::support::builders::{LEAD, Record, record, withdraw};
use crate::support::imports::{file_record, json_lines, send_file};
use crate::support::places::start_with_places;
use crate::support::socket::{Listening, Socket, until};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    a_submission_is_told_of_to_those_who_may_see_it,
    what_another_process_does_to_a_submission_is_told,
    what_is_published_is_told_to_those_who_may_read_it,
    a_pattern_is_told_again_when_its_answer_changes,
    a_hidden_record_moves_nobodys_pattern_but_a_stewards,
    a_burst_is_told_of_once_a_second,
    an_import_is_told_of_until_it_has_ended,
];

async fn a_submission_is_told_of_to_those_who_may_see_it(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let one = app.member("one", Role::Partner, Some("GB-CHC-1")).await;
    let two = app.member("two", Role::Partner, Some("GB-CHC-2")).await;
    app.member("funder", Role::Funder, Some("GB-CHC-1")).await;
    app.member("dashboard", Role::Dashboard, None).await;
    let listening = Listening::start(&app).await;
    let mut sockets = Vec::new();
    for subject in ["steward", "one", "two"] {
        let mut socket = listening.begin_as(subject).await;
        follow_submissions(&app.app, &mut socket, "s").await;
        sockets.push(socket);
    }
    for subject in ["funder", "dashboard"] {
        let mut socket = listening.begin_as(subject).await;
        let answer = socket.ask("s", "subscription { submissionChanged { id } }").await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], "FORBIDDEN",
            "{subject}: {answer}"
        );
    }
    let [of_steward, of_one, of_two] = &mut sockets[..] else {
        panic!("there are three");
    };
    let told = |title: &str, state: &str| (title.to_owned(), state.to_owned());
    let first = save(&one, "first").await;
    assert_eq!(next_title(of_steward, "s").await, told("first", "DRAFT"));
    assert_eq!(next_title(of_one, "s").await, told("first", "DRAFT"));
    save(&two, "second").await;
    assert_eq!(next_title(of_steward, "s").await, told("second", "DRAFT"));
    assert_eq!(next_title(of_two, "s").await, told("second", "DRAFT"));
    mutate(&one, "discardSubmission", json!({"id": first})).await;
    assert_eq!(next_title(of_steward, "s").await, told("first", "DISCARDED"));
    assert_eq!(
        next_title(of_one, "s").await,
        told("first", "DISCARDED"),
        "and nothing of the other organisation's in between"
    );
    // What is read and not changed is told to nobody.
    steward.query("{ submissions { nodes { state } } }").await;
    for socket in &mut sockets {
        assert_eq!(socket.within(Duration::from_millis(700)).await, None);
    }
}

async fn what_another_process_does_to_a_submission_is_told(database: Database) {
    let app = start_with_places(database.clone()).await;
    app.steward().await;
    let other = another_process(&database).await;
    let partner = other.member("partner", Role::Partner, Some("GB-CHC-1")).await;
    let listening = Listening::start(&app).await;
    let mut socket = listening.begin_as("steward").await;
    follow_submissions(&app.app, &mut socket, "s").await;
    let whole = json!({
        "externalRef": "1", "title": "whole", "place": {"code": "E06000001"}, "visibility": "OPEN",
        "source": {"kind": "SELF_REPORT", "title": "Our return"},
        "sharing": {"basis": "The board agreed", "licence": "CC-BY-4.0"},
    });
    let told = |state: &str| ("whole".to_owned(), state.to_owned());
    let id = mutate(&partner, "saveSubmission", json!({"record": whole})).await;
    assert_eq!(next_title(&mut socket, "s").await, told("DRAFT"));
    mutate(&partner, "submitForReview", json!({"id": id})).await;
    assert_eq!(next_title(&mut socket, "s").await, told("SUBMITTED"));
    let steward = other.steward().await;
    mutate(&steward, "publishSubmission", json!({"id": id})).await;
    assert_eq!(next_title(&mut socket, "s").await, told("PUBLISHED"));
    other.app.db.close_by_ref().await.unwrap();
}

/// Publishes records by another process, which the service's own has to hear of.
async fn publish(other: &TestApp, records: impl IntoIterator<Item = Record>) {
    let records: Vec<Value> = records.into_iter().map(Record::json).collect();
    other.publish(&records).await;
}

/// Subscribes, and waits until the service watches the database for it.
async fn subscribed(app: &App, socket: &mut Socket, id: &str, query: &str) {
    let before = app.live.followed_for();
    socket.subscribe(id, query).await;
    until("the subscription has begun", || {
        app.live.followed_for() > before && app.live.has_looked()
    })
    .await;
}

async fn titles(socket: &mut Socket, id: &str, count: usize) -> Vec<String> {
    let mut titles = Vec::new();
    for _ in 0..count {
        let told = socket.told(id).await;
        titles.push(told["initiativePublished"]["title"].as_str().unwrap().to_owned());
    }
    titles.sort();
    titles
}

async fn what_is_published_is_told_to_those_who_may_read_it(database: Database) {
    const HIDDEN: &str = "AGGREGATE_ONLY";
    let app = TestApp::start(database.clone()).await;
    app.steward().await;
    app.member("dashboard", Role::Dashboard, None).await;
    app.member("other", Role::Partner, Some("GB-CHC-7")).await;
    app.member("lead", Role::Partner, Some(LEAD)).await;
    app.member("funder", Role::Funder, Some("GB-CHC-8")).await;
    let other = another_process(&database).await;
    let listening = Listening::start(&app).await;
    let mut sockets = Vec::new();
    for subject in ["steward", "dashboard", "other", "lead", "funder"] {
        let mut socket = listening.begin_as(subject).await;
        subscribed(&app.app, &mut socket, "p", PUBLISHED).await;
        sockets.push(socket);
    }
    // One filter that a funder's part is listed by, and one that it is not.
    let mut by_part = listening.begin_as("funder").await;
    let filter = "filter: {title: {contains: \"funded\"}}";
    let query =
        format!("subscription {{ initiativePublished({filter}) {{ title summary isFullyVisible }} }}");
    subscribed(&app.app, &mut by_part, "p", &query).await;
    let mut by_rest = listening.begin_as("funder").await;
    let filter = "filter: {startedOn: {isKnown: true}}";
    let query = format!("subscription {{ initiativePublished({filter}) {{ title }} }}");
    subscribed(&app.app, &mut by_rest, "p", &query).await;

    publish(
        &other,
        [
            record("1").with("title", "open"),
            record("2").with("title", "members").with("visibility", "MEMBERS"),
            record("3").with("title", "hidden").with("visibility", HIDDEN),
            record("4")
                .with("title", "funded")
                .with("summary", "a secret")
                .with("startedOn", "2020-01-01")
                .with("visibility", HIDDEN)
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
        assert_eq!(titles(socket, "p", expected.len()).await, expected);
    }
    let part = by_part.told("p").await;
    assert_eq!(
        part["initiativePublished"],
        json!({"title": "funded", "summary": null, "isFullyVisible": false})
    );
    for socket in sockets.iter_mut().chain([&mut by_part, &mut by_rest]) {
        assert_eq!(
            socket.within(Duration::from_millis(300)).await,
            None,
            "nothing else is told"
        );
    }
    // What is altered is told as it stands then; what is altered in nothing, and what is withdrawn, is not.
    publish(
        &other,
        [
            record("1").with("title", "opened"),
            record("3").with("title", "hidden").with("visibility", HIDDEN),
        ],
    )
    .await;
    for socket in &mut sockets {
        assert_eq!(titles(socket, "p", 1).await, ["opened"]);
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
        assert_eq!(socket.within(A_WHILE).await, None, "a withdrawal is not told");
    }
    other.app.db.close_by_ref().await.unwrap();
}

/// The population that a pattern is told with next.
async fn population(socket: &mut Socket) -> i64 {
    let told = socket.told("p").await;
    told["patternChanged"]["table"]["population"].as_i64().unwrap()
}

async fn a_pattern_is_told_again_when_its_answer_changes(database: Database) {
    let app = TestApp::start(database.clone()).await;
    app.member("dashboard", Role::Dashboard, None).await;
    let other = another_process(&database).await;
    publish(&other, [record("1")]).await;
    let listening = Listening::start(&app).await;
    app.catch_up().await;
    let mut socket = listening.begin_as("dashboard").await;
    socket.subscribe("p", PATTERN).await;
    assert_eq!(
        population(&mut socket).await,
        1,
        "the present answer comes at once"
    );
    publish(&other, [record("2")]).await;
    assert_eq!(population(&mut socket).await, 2);
    // Another title is another change, and the same answer.
    publish(&other, [record("2").with("title", "another")]).await;
    assert_eq!(
        socket.within(A_WHILE).await,
        None,
        "the same answer is not told again"
    );
    publish(&other, [record("3")]).await;
    assert_eq!(population(&mut socket).await, 3);
    other.app.db.close_by_ref().await.unwrap();
}

async fn a_hidden_record_moves_nobodys_pattern_but_a_stewards(database: Database) {
    const OVER_ALL: &str =
        "subscription { patternChanged(when: {}, then: {}) { table { population } disclosure { applied } } }";
    let app = TestApp::start(database).await;
    app.steward().await;
    app.member("dashboard", Role::Dashboard, None).await;
    let open: Vec<Value> = (0..40)
        .map(|number| record(&format!("o{number}")).json())
        .collect();
    app.publish(&open).await;
    let listening = Listening::start(&app).await;
    let mut of_dashboard = listening.begin_as("dashboard").await;
    let mut of_steward = listening.begin_as("steward").await;
    for socket in [&mut of_dashboard, &mut of_steward] {
        socket.subscribe("p", OVER_ALL).await;
        let told = socket.told("p").await;
        assert!(told["patternChanged"]["table"]["population"].as_i64().unwrap() >= 35);
    }
    let hidden = record("hidden").with("visibility", "AGGREGATE_ONLY");
    app.publish(&[hidden.json()]).await;
    assert_eq!(population(&mut of_steward).await, 41);
    assert_eq!(
        of_dashboard.within(A_WHILE).await,
        None,
        "one hidden record alone is not told of"
    );
}

async fn a_burst_is_told_of_once_a_second(database: Database) {
    let app = TestApp::start(database.clone()).await;
    app.steward().await;
    let other = another_process(&database).await;
    let listening = Listening::start(&app).await;
    let mut socket = listening.begin_as("steward").await;
    socket.subscribe("p", PATTERN).await;
    assert_eq!(population(&mut socket).await, 0);
    let since = Instant::now();
    let publishing = async {
        for number in 1..=40 {
            publish(&other, [record(&number.to_string())]).await;
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    };
    let hearing = async {
        let (mut answers, mut last) = (0_u32, 0);
        while last < 40 {
            let now = population(&mut socket).await;
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
    assert_eq!(socket.within(A_WHILE).await, None);
    other.app.db.close_by_ref().await.unwrap();
}

async fn an_import_is_told_of_until_it_has_ended(database: Database) {
    let app = start_with_places(database).await;
    let partner = app.partner().await;
    app.member("other", Role::Partner, Some("GB-CHC-2")).await;
    app.member("dashboard", Role::Dashboard, None).await;
    let records: Vec<Value> = (0..1_200)
        .map(|number| file_record(&format!("r-{number}")))
        .collect();
    let file = json_lines(&records);
    let sent = send_file(&app, &partner, "return.jsonl", &file, json!({"mode": "SUBMIT"})).await;
    let id = &sent["data"]["importRecords"]["import"]["id"];
    let progress = format!(
        "subscription {{ importProgress(id: {id}) {{ state rowsProcessed submittedCount endedAt }} }}"
    );
    let listening = Listening::start(&app).await;
    for (subject, code) in [("other", "BAD_USER_INPUT"), ("dashboard", "FORBIDDEN")] {
        let mut socket = listening.begin_as(subject).await;
        let answer = socket.ask("i", &progress).await;
        assert_eq!(
            answer["errors"][0]["extensions"]["code"], code,
            "{subject}: {answer}"
        );
    }
    let mut socket = listening.begin_as("partner").await;
    socket.subscribe("i", &progress).await;
    let mut told_of = Vec::new();
    loop {
        let told = socket.told("i").await;
        let import = &told["importProgress"];
        told_of.push(import["rowsProcessed"].as_i64().unwrap());
        if import["state"] == "COMPLETED" {
            assert_eq!(import["submittedCount"], 1_200, "{told}");
            assert!(import["endedAt"].is_string(), "{told}");
            break;
        }
    }
    assert!(told_of.len() > 1, "it is told of while it goes on: {told_of:?}");
    assert!(told_of.is_sorted(), "rows are not undone: {told_of:?}");
    let over = socket.hear().await;
    assert_eq!(over["type"], "complete", "{over}");
    // One that has ended is told of once.
    assert_eq!(
        socket.ask("again", &progress).await["data"]["importProgress"]["state"],
        "COMPLETED"
    );
}
