//! The cache of rows: what it answers is what the database has now, for every reader, whichever server changed it.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use wayin::pattern::engine::EngineSettings;
use wayin_entity::Role;

use crate::support::app::TestApp;
use crate::support::builders::{full_record, organisation};
use crate::support::redaction::redact;
use crate::support::reference_data::save_reference_data;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![servers_with_any_cache_answer_what_the_database_has];

const RECORD_COUNT: u32 = 12;

/// Everything of a record that comes from the cache, or from rows in it.
const FIELDS: &str = "id title summary version isFullyVisible place { name } leadOrganisation { name }
    entryPoints { motivation } challengesFaced { step reasons note } conditionsChanged { change }
    fundingTerms { id programme durationMonths funder { name } } sources { title } sharing { confirmedBy }";

async fn start_server(database: &Database, record_cache_bytes: u64) -> TestApp {
    let settings = EngineSettings {
        record_cache_bytes,
        ..EngineSettings::default()
    };
    let connection = database.connection.clone();
    TestApp::with_settings(database.clone(), connection, settings).await
}

/// Changes something of the base.
async fn change_something(server: &TestApp, random: &mut StdRng, round: u32) {
    let steward = server.steward().await;
    let number = random.random_range(0..RECORD_COUNT);
    match random.random_range(0..6) {
        0 | 1 => {
            let visibility = ["OPEN", "MEMBERS", "AGGREGATE_ONLY"][random.random_range(0..3)];
            let funder = format!("GB-CHC-{}", random.random_range(8..11));
            let record = full_record(&number.to_string())
                .with("title", format!("Initiative {number} of round {round}"))
                .with("summary", format!("What round {round} says"))
                .with("visibility", visibility)
                .with("sharedWithFunders", random.random::<bool>())
                .with(
                    "fundingTerms",
                    json!([{"funder": organisation(&funder), "programme": format!("Programme {round}")}]),
                )
                .in_place("E12000001");
            server.publish(&[record.build()]).await;
        }
        2 => {
            let found = steward
                .query("{ initiatives(first: 1, orderBy: {field: TITLE}) { nodes { id } } }")
                .await;
            let id = &found["initiatives"]["nodes"][0]["id"];
            let query = "mutation($input: WithdrawInitiativeInput!) {
                withdrawInitiative(input: $input) { changeNumber problems { message } } }";
            let input = json!({"input": {"id": id, "reason": "It was sent by mistake"}});
            let response = steward.execute_with(query, input).await;
            assert!(
                response["data"]["withdrawInitiative"]["changeNumber"].is_i64() || id.is_null(),
                "{response}"
            );
        }
        3 => {
            let text = format!("round {}", random.random_range(0..=round));
            redact(&steward, &text, "They asked").await;
        }
        4 => {
            let funder = steward
                .query("{ organisation(identifier: \"GB-CHC-9\") { id } }")
                .await;
            let input = json!({"id": funder["organisation"]["id"], "identifier": "GB-CHC-9", "name": format!("Funder {round}")});
            save_reference_data(&steward, "saveOrganisation", input).await;
        }
        _ => {
            let places = format!("code,name,kind,parents,successor\nE12000001,Region {round},REGION,,\n");
            server.import_places(&places).await;
        }
    }
}

/// What each reader gets for all initiatives that ever were.
async fn read_initiatives(server: &TestApp, ids: &[Value]) -> Vec<Value> {
    let query = format!("query($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on Initiative {{ {FIELDS} }} }} }}");
    let mut answers = Vec::new();
    for subject in ["steward", "dashboard", "funder-9", "funder-10"] {
        let client = server.client(subject);
        let response = client.execute_with(&query, json!({"ids": ids})).await;
        assert_eq!(response.get("errors"), None, "{subject}");
        answers.push(response["data"]["nodes"].clone());
    }
    answers
}

async fn servers_with_any_cache_answer_what_the_database_has(database: Database) {
    let without_cache = start_server(&database, 0).await;
    without_cache
        .import_places("code,name,kind,parents,successor\nE12000001,Region,REGION,,\n")
        .await;
    let records: Vec<Value> = (0..RECORD_COUNT)
        .map(|number| {
            full_record(&number.to_string())
                .in_place("E12000001")
                .funded_by(&["GB-CHC-9", "GB-CHC-10"])
                .build()
        })
        .collect();
    without_cache.publish(&records).await;
    let steward = without_cache.steward().await;
    without_cache
        .create_member("dashboard", Role::Dashboard, None)
        .await;
    for funder in ["9", "10"] {
        let (subject, organisation) = (format!("funder-{funder}"), format!("GB-CHC-{funder}"));
        without_cache
            .create_member(&subject, Role::Funder, Some(&organisation))
            .await;
    }
    let found = steward
        .query("{ initiatives(first: 100) { nodes { id } } }")
        .await;
    let ids: Vec<Value> = found["initiatives"]["nodes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|node| node["id"].clone())
        .collect();
    assert_eq!(ids.len(), RECORD_COUNT as usize);
    let with_small_cache = start_server(&database, 20_000).await;
    let with_cache = start_server(&database, 1 << 20).await;
    let servers = [&without_cache, &with_small_cache, &with_cache];
    let mut random = StdRng::seed_from_u64(19);
    for round in 0..40 {
        change_something(servers[random.random_range(0..3)], &mut random, round).await;
        if random.random_ratio(1, 3) {
            servers[random.random_range(0..3)].catch_up().await;
        }
        let expected = read_initiatives(&without_cache, &ids).await;
        for server in &servers[1..] {
            assert_eq!(read_initiatives(server, &ids).await, expected, "round {round}");
        }
    }
}
