//! The list of reflections and its filters.

use serde_json::{Value, json};
use wayin::clock::{Clock, SystemClock};
use wayin::id::NodeKind;
use wayin_entity::Role;

use crate::support::app::{Client, TestApp};
use crate::support::reference_data::save_reference_data;
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    reflections_are_filtered,
    newest_reflection_comes_first,
    invalid_filters_of_reflections_are_rejected,
    members_read_reflections_and_nobody_else,
];

const TIME: &str = "There was no time: 100%_sure.";
const BREAD: &str = "Wir brauchen ÄPFEL\nund  Brot.";
const ASKED: &str = "Nobody asked us.";

/// Saves two meetings, with three reflections; returns the ids of the meetings.
async fn save_meetings(app: &TestApp) -> [String; 2] {
    let steward = app.steward().await;
    let mut meetings = Vec::new();
    for title in ["The first", "The second"] {
        let input = json!({"title": title, "heldOn": "2024-05-01"});
        meetings.push(save_reference_data(&steward, "saveMeeting", input).await.0);
    }
    for input in [
        json!({"meeting": meetings[0], "perspective": "FUNDER", "challenge": "DEFINING_AMBITIONS", "text": TIME}),
        json!({"meeting": meetings[0], "perspective": "COMMUNITY", "entryPoint": "COLLABORATION", "text": BREAD}),
        json!({"meeting": meetings[1], "perspective": "FUNDER", "text": ASKED}),
    ] {
        save_reference_data(&steward, "saveReflection", input).await;
    }
    meetings.try_into().unwrap()
}

/// The texts of the reflections that a filter finds, the last added first.
async fn list_texts(client: &Client<'_>, filter: Value) -> Vec<String> {
    let query =
        "query($filter: ReflectionFilter) { reflections(filter: $filter) { totalCount nodes { text } } }";
    let response = client
        .execute_with(query, json!({"filter": filter.clone()}))
        .await;
    assert_eq!(response.get("errors"), None, "{filter}");
    let found = &response["data"]["reflections"];
    let nodes = found["nodes"].as_array().unwrap();
    assert_eq!(found["totalCount"], nodes.len(), "{filter}");
    nodes
        .iter()
        .map(|node| node["text"].as_str().unwrap().to_owned())
        .collect()
}

async fn reflections_are_filtered(database: Database) {
    let app = TestApp::start(database).await;
    let [first, second] = save_meetings(&app).await;
    let dashboard = app.create_member("dashboard", Role::Dashboard, None).await;
    let no_meeting = NodeKind::Meeting.encode_id(SystemClock.new_id());
    for (filter, expected) in [
        (json!(null), &[ASKED, BREAD, TIME][..]),
        (json!({}), &[ASKED, BREAD, TIME]),
        (json!({"meeting": {"eq": first}}), &[BREAD, TIME]),
        (json!({"meeting": {"ne": first}}), &[ASKED]),
        (json!({"meeting": {"in": [first, second]}}), &[ASKED, BREAD, TIME]),
        (json!({"meeting": {"eq": no_meeting}}), &[]),
        (json!({"perspective": {"eq": "FUNDER"}}), &[ASKED, TIME]),
        (json!({"perspective": {"in": ["COMMUNITY"]}}), &[BREAD]),
        (json!({"perspective": {"isKnown": false}}), &[]),
        (json!({"entryPoint": {"eq": "COLLABORATION"}}), &[BREAD]),
        // Unknown is neither equal nor different.
        (json!({"entryPoint": {"ne": "COLLABORATION"}}), &[]),
        (json!({"challenge": {"isKnown": true}}), &[TIME]),
        (json!({"challenge": {"isKnown": false}}), &[ASKED, BREAD]),
        (json!({"text": {"contains": "no"}}), &[ASKED, TIME]),
        (json!({"text": {"contains": "äpfel UND brot"}}), &[BREAD]),
        (json!({"text": {"contains": "100%_"}}), &[TIME]),
        (json!({"text": {"contains": "%"}}), &[TIME]),
        (json!({"text": {"contains": "0_s"}}), &[]),
        (json!({"text": {"startsWith": "nobody"}}), &[ASKED]),
        (json!({"text": {"ne": "nobody asked us."}}), &[BREAD, TIME]),
        // All parts must hold.
        (
            json!({"meeting": {"eq": first}, "perspective": {"eq": "FUNDER"}, "text": {"contains": "time"}}),
            &[TIME],
        ),
        (
            json!({"meeting": {"eq": second}, "text": {"contains": "time"}}),
            &[],
        ),
    ] {
        assert_eq!(list_texts(&dashboard, filter.clone()).await, expected, "{filter}");
    }
}

async fn newest_reflection_comes_first(database: Database) {
    let app = TestApp::start(database).await;
    save_meetings(&app).await;
    let steward = app.steward().await;
    let page = steward
        .query("{ reflections(first: 2) { nodes { text meeting { title } } pageInfo { hasNextPage endCursor } } }")
        .await["reflections"]
        .take();
    assert_eq!(
        page["nodes"],
        json!([
            {"text": ASKED, "meeting": {"title": "The second"}},
            {"text": BREAD, "meeting": {"title": "The first"}},
        ])
    );
    assert_eq!(page["pageInfo"]["hasNextPage"], true);
    let end = &page["pageInfo"]["endCursor"];
    let rest = steward
        .query(&format!(
            "{{ reflections(first: 2, after: {end}) {{ nodes {{ text }} }} }}"
        ))
        .await;
    assert_eq!(rest["reflections"]["nodes"], json!([{"text": TIME}]));
}

async fn invalid_filters_of_reflections_are_rejected(database: Database) {
    let app = TestApp::start(database).await;
    let steward = app.steward().await;
    let place = NodeKind::Place.encode_id(SystemClock.new_id());
    for (filter, reason) in [
        ("{text: {contains: \"\"}}".to_owned(), "filter.text: "),
        ("{text: {}}".to_owned(), "filter.text: "),
        ("{perspective: {in: []}}".to_owned(), "filter.perspective: "),
        ("{challenge: {}}".to_owned(), "filter.challenge: "),
        ("{entryPoint: {in: []}}".to_owned(), "filter.entryPoint: "),
        (format!("{{meeting: {{eq: \"{place}\"}}}}"), "filter.meeting: "),
    ] {
        let query = format!("{{ reflections(filter: {filter}) {{ totalCount }} }}");
        let (message, code) = steward.query_error(&query).await;
        assert_eq!(code, "BAD_USER_INPUT", "{filter}");
        assert!(message.starts_with(reason), "{filter}: {message}");
    }
}

async fn members_read_reflections_and_nobody_else(database: Database) {
    let app = TestApp::start(database).await;
    save_meetings(&app).await;
    for client in [
        app.steward().await,
        app.partner().await,
        app.create_member("funder", Role::Funder, Some("GB-CHC-9")).await,
        app.create_member("dashboard", Role::Dashboard, None).await,
    ] {
        let found = client.query("{ reflections { totalCount } }").await;
        assert_eq!(found["reflections"]["totalCount"], 3);
    }
    for query in [
        "{ reflections { nodes { text } } }",
        "{ reflections { totalCount } }",
        "{ meetings { nodes { reflections { text } } } }",
        "{ claims { nodes { reflection { meeting { title } } } } }",
    ] {
        let (_, code) = app.anonymous().query_error(query).await;
        assert_eq!(code, "UNAUTHENTICATED", "{query}");
    }
}
