//! The cache of answers: a repeated question has the same answer as a new one, for every reader and after every change.

use serde_json::Value;
use wayin_entity::Role;

use crate::support::app::{Client, TestApp};
use crate::support::builders::full_record;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![repeated_questions_are_answered_as_new_ones];

const QUESTIONS: [&str; 6] = [
    "{ pattern(when: {fundingTerms: {isRecorded: true}}, then: {}, by: FUNDER) {
        summary { text } table { both population } groups(first: 20) { nodes { label table { both } } } } }",
    "{ pattern(when: {fundingTerms: {isRecorded: true}}, then: {}, by: FUNDER, scope: VISIBLE) {
        summary { text } table { both population } groups(first: 20) { nodes { label table { both } } } cautions { code } } }",
    "{ patternGrid(rows: FUNDER, columns: YEAR_STARTED, scope: VISIBLE) { cells { count } } }",
    "{ distribution(of: FUNDER, scope: VISIBLE) { bins { label count } } }",
    "{ associations(scope: VISIBLE, conditions: [{name: \"a\", condition: {fundingTerms: {isRecorded: true}}},
        {name: \"b\", condition: {title: {contains: \"1\"}}}]) { pairs { table { both population } } } }",
    "{ compare(scope: VISIBLE, groups: [{label: \"a\", filter: {fundingTerms: {isRecorded: true}}}],
        then: {title: {contains: \"1\"}}) { summary { text } groups { label table { both population } } } }",
];

async fn answer_all(client: &Client<'_>) -> Vec<Value> {
    let mut answers = Vec::new();
    for question in QUESTIONS {
        answers.push(client.query(question).await);
    }
    answers
}

async fn repeated_questions_are_answered_as_new_ones(database: Database) {
    const SUBJECTS: [&str; 4] = ["steward", "funder-8", "funder-9", "dashboard"];
    let app = TestApp::start(database.clone()).await;
    app.steward().await;
    app.publish(&[full_record("0").funded_by(&["GB-CHC-8", "GB-CHC-9"]).build()])
        .await;
    for funder in ["8", "9"] {
        let (subject, organisation) = (format!("funder-{funder}"), format!("GB-CHC-{funder}"));
        app.create_member(&subject, Role::Funder, Some(&organisation))
            .await;
    }
    app.create_member("dashboard", Role::Dashboard, None).await;
    let mut before = Vec::new();
    for number in 1..8 {
        let record = full_record(&number.to_string())
            .with("visibility", ["OPEN", "MEMBERS", "AGGREGATE_ONLY"][number % 3])
            .with("sharedWithFunders", true)
            .funded_by(&[if number % 2 == 0 { "GB-CHC-8" } else { "GB-CHC-9" }]);
        app.publish(&[record.build()]).await;
        // Nobody has asked this server yet.
        let new_server = TestApp::start(database.clone()).await;
        let mut after = Vec::new();
        for subject in SUBJECTS {
            let answers = answer_all(&app.client(subject)).await;
            assert_eq!(answers, answer_all(&app.client(subject)).await, "{subject}");
            after.push(answers);
        }
        for (subject, answers) in SUBJECTS.iter().zip(&after) {
            // Answers about records that are hidden from the reader depend on when a server started.
            let others = answer_all(&new_server.client(subject)).await;
            assert_eq!(answers[1..], others[1..], "{subject}");
        }
        assert_ne!(after[0], before, "a change shows to a steward");
        let funders_differ = after[1] != after[2];
        assert!(number < 7 || funders_differ, "funders have answers of their own");
        before.clone_from(&after[0]);
    }
}
