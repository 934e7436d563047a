//! Places, organisations, terms, meetings, reflections, crises, claims and members, as stewards save them.

use serde_json::{Value, json};

use super::app::{Client, ISSUER};

/// The field of the payload that holds what a mutation saves, and whether the mutation adds to the change log.
pub fn find_payload_field(name: &str) -> (&'static str, bool) {
    match name {
        "savePlace" => ("place", true),
        "saveOrganisation" | "mergeOrganisations" => ("organisation", true),
        "saveTerm" => ("term", false),
        "saveMeeting" => ("meeting", false),
        "saveReflection" => ("reflection", false),
        "saveCrisis" => ("crisis", true),
        "saveClaim" => ("claim", false),
        "saveMember" | "revokeMember" => ("member", false),
        _ => panic!("{name} is not a mutation of reference data"),
    }
}

/// Runs a mutation of reference data; returns its payload.
pub async fn send_mutation(client: &Client<'_>, name: &str, input: Value) -> Value {
    let (field, logged) = find_payload_field(name);
    let change = if logged { "changeNumber" } else { "" };
    let input_type = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    let query = format!(
        "mutation($input: {input_type}!) {{ {name}(input: $input) {{
           {field} {{ id version }} {change} conflicts {{ path before after }} problems {{ code path message }} }} }}"
    );
    let mut response = client.execute_with(&query, json!({"input": input})).await;
    assert_eq!(response.get("errors"), None, "{name} {input}: {response}");
    response["data"][name].take()
}

/// Runs a mutation of reference data that must succeed; returns the id and the version.
pub async fn save_reference_data(client: &Client<'_>, name: &str, input: Value) -> (String, i64) {
    let payload = send_mutation(client, name, input.clone()).await;
    assert_eq!(payload["problems"], json!([]), "{name} {input}: {payload}");
    let (field, logged) = find_payload_field(name);
    assert_eq!(payload["changeNumber"].is_i64(), logged, "{name}: {payload}");
    let saved = &payload[field];
    (
        saved["id"].as_str().unwrap().to_owned(),
        saved["version"].as_i64().unwrap(),
    )
}

/// A valid input for each mutation except revocation, with a field and another valid value for it. A later input may
/// name what an earlier one saves.
pub async fn build_valid_inputs(steward: &Client<'_>) -> Vec<(&'static str, Value, &'static str, Value)> {
    let (meeting, _) = save_reference_data(
        steward,
        "saveMeeting",
        json!({"title": "The first", "heldOn": "2024-05-01"}),
    )
    .await;
    let skipped = json!({"challenge": {"on": "DEFINING_AMBITIONS", "step": {"in": ["SKIPPED"]}}});
    vec![
        (
            "savePlace",
            json!({"name": "Seaton Carew", "kind": "NEIGHBOURHOOD", "parents": [{"code": "E06000001"}]}),
            "name",
            json!("Seaton"),
        ),
        (
            "saveOrganisation",
            json!({"name": "A trust", "identifier": "GB-CHC-77", "kind": "FUNDER"}),
            "autoPublish",
            json!(true),
        ),
        (
            "saveTerm",
            json!({"slug": "way-in", "name": "Way in", "definition": "Where one starts", "synonyms": ["start"],
                   "usageNote": "None", "code": "COLLABORATION"}),
            "definition",
            json!("Where people start from"),
        ),
        (
            "saveMeeting",
            json!({"title": "The second", "heldOn": "2030-01-01", "theme": "Funding",
                   "registrationUrl": "https://example.org/register"}),
            "heldOn",
            json!("2030-01-02"),
        ),
        (
            "saveReflection",
            json!({"meeting": meeting, "perspective": "FUNDER", "challenge": "DEFINING_AMBITIONS",
                   "text": "There was no time"}),
            "text",
            json!("There was little time"),
        ),
        (
            "saveCrisis",
            json!({"slug": "a-flood", "name": "A flood", "from": "2020-01-01", "to": "2020-12-31",
                   "places": [{"code": "E06000001"}]}),
            "to",
            json!("2021-12-31"),
        ),
        (
            "saveClaim",
            json!({"slug": "a-claim", "statement": "One goes with the other", "when": skipped, "then": {}, "by": "REGION"}),
            "statement",
            json!("One often goes with the other"),
        ),
        (
            "saveMember",
            json!({"issuer": ISSUER, "subject": "somebody", "role": "DASHBOARD"}),
            "role",
            json!("STEWARD"),
        ),
    ]
}

/// Sends each mutation of reference data once; returns how many it sent.
pub async fn save_one_of_everything(steward: &Client<'_>) -> usize {
    let inputs = build_valid_inputs(steward).await;
    let mut sent = 1;
    for (name, input, _, _) in inputs {
        let (id, _) = save_reference_data(steward, name, input).await;
        sent += 1;
        if name == "saveMember" {
            save_reference_data(steward, "revokeMember", json!({"id": id})).await;
            sent += 1;
        }
    }
    let (other, _) =
        save_reference_data(steward, "saveOrganisation", json!({"name": "The same trust"})).await;
    let (into, _) = save_reference_data(steward, "saveOrganisation", json!({"name": "The trust"})).await;
    save_reference_data(
        steward,
        "mergeOrganisations",
        json!({"target": into, "source": other, "reason": "One and the same"}),
    )
    .await;
    sent + 3
}
