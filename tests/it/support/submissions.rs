//! Submissions of partners.

use serde_json::{Value, json};

use super::app::{Client, TestApp};

/// A record as a partner enters it in a draft, with the code of a place.
pub fn draft_record(reference: &str) -> Value {
    json!({
        "externalRef": reference,
        "title": format!("Initiative {reference}"),
        "place": {"code": "E06000001"},
        "visibility": "OPEN",
        "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": ["SHORT_FUNDING"]}],
        "source": {"kind": "SELF_REPORT", "title": "Our return"},
        "sharing": {"basis": "The board agreed", "licence": "CC-BY-4.0"},
    })
}

const PAYLOAD_FIELDS: &str =
    "submission { id state version record problems { code path message } reviewNote initiativeVersion
    initiative { id version title } organisation { identifier } changes { path before after } }
    changeNumber conflicts { path before after } problems { code path message }";

/// Runs a mutation of a submission; returns its payload.
pub async fn mutate(client: &Client<'_>, name: &str, input: Value) -> Value {
    let input_type = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let query = format!("mutation($input: {input_type}!) {{ {name}(input: $input) {{ {PAYLOAD_FIELDS} }} }}");
    let mut response = client.execute_with(&query, json!({"input": input})).await;
    assert_eq!(response.get("errors"), None, "{name} {input}: {response}");
    response["data"][name].take()
}

/// Runs a mutation of a submission that must succeed; returns the submission.
pub async fn mutate_ok(client: &Client<'_>, name: &str, input: Value) -> Value {
    let mut payload = mutate(client, name, input.clone()).await;
    assert_eq!(payload["problems"], json!([]), "{name} {input}: {payload}");
    payload["submission"].take()
}

/// Saves a draft; returns its id.
pub async fn save_draft(client: &Client<'_>, record: Value) -> String {
    let submission = mutate_ok(client, "saveSubmission", json!({"record": record})).await;
    submission["id"].as_str().unwrap().to_owned()
}

/// Saves, submits and publishes a record; returns its submission and the change number.
pub async fn publish_draft(app: &TestApp, partner: &Client<'_>, record: Value) -> (Value, i64) {
    let id = save_draft(partner, record).await;
    mutate_ok(partner, "submitForReview", json!({"id": id})).await;
    let steward = app.steward().await;
    let mut payload = mutate(&steward, "publishSubmission", json!({"id": id})).await;
    assert_eq!(payload["problems"], json!([]), "{payload}");
    let change = payload["changeNumber"].as_i64().unwrap();
    app.catch_up().await;
    (payload["submission"].take(), change)
}

/// The code and the path of each problem.
pub fn list_problems(errors: &Value) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let path = |error: &Value| {
        let steps: Vec<String> = error["path"].as_array().unwrap().iter().map(text).collect();
        steps.join("/")
    };
    let errors = errors.as_array().unwrap().iter();
    errors.map(|error| (text(&error["code"]), path(error))).collect()
}

/// Expected codes and paths in the form in which [`list_problems`] returns them.
pub fn to_owned_pairs(complaints: &[(&str, &str)]) -> Vec<(String, String)> {
    complaints
        .iter()
        .map(|(code, path)| ((*code).to_owned(), (*path).to_owned()))
        .collect()
}

/// Lets the organisation of a partner publish without review, over the API as a steward.
pub async fn allow_auto_publish_as_steward(app: &TestApp, partner: &Client<'_>) {
    let viewer = partner
        .query("{ viewer { organisation { id name identifier } } }")
        .await;
    let mut input = viewer["viewer"]["organisation"].clone();
    input["autoPublish"] = true.into();
    let steward = app.steward().await;
    let saved = save_organisation(&steward, input).await;
    assert_eq!(saved["problems"], json!([]), "{saved}");
    assert_eq!(saved["organisation"]["autoPublish"], true);
}

/// Runs `saveOrganisation`; returns its payload.
pub async fn save_organisation(client: &Client<'_>, input: Value) -> Value {
    let query = "mutation($input: SaveOrganisationInput!) { saveOrganisation(input: $input) {
        organisation { id name kind identifier autoPublish } changeNumber problems { code path message } } }";
    let mut response = client.execute_with(query, json!({"input": input})).await;
    assert_eq!(response.get("errors"), None, "{response}");
    response["data"]["saveOrganisation"].take()
}
