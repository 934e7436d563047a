//! The audit trail records every action.

use std::collections::BTreeSet;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{TypeKind, TypeSystemDefinition};
use serde_json::json;
use wayin::schema::schema_sdl;

use crate::support::app::Client;
use crate::support::imports::send_file;
use crate::support::places::start_with_places;
use crate::support::redaction::redact;
use crate::support::reference_data::save_one_of_everything;
use crate::support::submissions::{
    draft_record, mutate, mutate_ok, publish_draft, save_draft, save_organisation,
};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![every_mutation_is_audited];

/// Every mutation of the schema.
fn list_mutations() -> BTreeSet<String> {
    let document = parse_schema(schema_sdl()).unwrap();
    let fields = document
        .definitions
        .into_iter()
        .filter_map(|definition| match definition {
            TypeSystemDefinition::Type(named) if named.node.name.node == "Mutation" => {
                match named.node.kind {
                    TypeKind::Object(object) => Some(object.fields),
                    _ => None,
                }
            }
            _ => None,
        });
    fields
        .flatten()
        .map(|field| field.node.name.node.to_string())
        .collect()
}

async fn save_and_delete_question(steward: &Client<'_>) {
    let question = json!({"input": {"name": "Mine", "when": {}, "then": {}}});
    let query =
        "mutation($input: SaveQuestionInput!) { saveQuestion(input: $input) { savedQuestion { id } } }";
    let saved = steward.execute_with(query, question).await;
    let saved = &saved["data"]["saveQuestion"]["savedQuestion"]["id"];
    let deleted = steward
        .query(&format!(
            "mutation {{ deleteSavedQuestion(input: {{id: {saved}}}) {{ problems {{ message }} }} }}"
        ))
        .await;
    assert_eq!(deleted["deleteSavedQuestion"]["problems"], json!([]));
}

async fn every_mutation_is_audited(database: Database) {
    let app = start_with_places(database).await;
    let (partner, steward) = (app.partner().await, app.steward().await);
    let (first, _) = publish_draft(&app, &partner, draft_record("a")).await;
    let second = save_draft(&partner, draft_record("b")).await;
    mutate_ok(&partner, "submitForReview", json!({"id": second})).await;
    mutate_ok(&steward, "requestChanges", json!({"id": second, "note": "Why?"})).await;
    mutate_ok(&partner, "discardSubmission", json!({"id": second})).await;
    let id = &first["initiative"]["id"];
    partner
        .query(&format!(
            "mutation {{ narrowVisibility(input: {{id: {id}, visibility: MEMBERS}}) {{ changeNumber }} }}"
        ))
        .await;
    let notices = steward.query("{ notices { nodes { id } } }").await;
    let notice = &notices["notices"]["nodes"][0]["id"];
    steward
        .query(&format!(
            "mutation {{ acknowledgeNotice(input: {{id: {notice}}}) {{ notice {{ id }} }} }}"
        ))
        .await;
    steward
        .query(&format!(
            "mutation {{ withdrawInitiative(input: {{id: {id}, reason: \"Twice\"}}) {{ changeNumber }} }}"
        ))
        .await;
    save_organisation(&steward, json!({"name": "A new one"})).await;
    redact(&steward, "nowhere to be found", "To be sure").await;
    let content = draft_record("c").to_string();
    let sent = send_file(&app, &partner, "return.jsonl", &content, json!({})).await;
    assert_eq!(sent["data"]["importRecords"]["problems"], json!([]));
    let member = steward.query("{ viewer { id } }").await["viewer"]["id"].take();
    let issued = steward
        .query(&format!(
            "mutation {{ issueToken(input: {{member: {member}, name: \"a dashboard\"}}) {{ issuedToken {{ id }} }} }}"
        ))
        .await;
    let issued = &issued["issueToken"]["issuedToken"]["id"];
    let revoked = steward
        .query(&format!(
            "mutation {{ revokeToken(input: {{id: {issued}}}) {{ problems {{ message }} }} }}"
        ))
        .await;
    assert_eq!(revoked["revokeToken"]["problems"], json!([]));
    let link = steward
        .query("mutation { createExportLink(input: {address: \"/export/distribution.csv?of=REGION\"}) { problems { message } } }")
        .await;
    assert_eq!(link["createExportLink"]["problems"], json!([]));
    let link = steward
        .query(&format!(
            "mutation {{ createSignInLink(input: {{member: {member}}}) {{ problems {{ message }} }} }}"
        ))
        .await;
    assert_eq!(link["createSignInLink"]["problems"], json!([]));
    let invited = steward
        .query("mutation { inviteMember(input: {role: STEWARD, name: \"Grace\"}) { invitation { id } } }")
        .await;
    let invited = &invited["inviteMember"]["invitation"]["id"];
    let revoked = steward
        .query(&format!(
            "mutation {{ revokeInvitation(input: {{id: {invited}}}) {{ problems {{ message }} }} }}"
        ))
        .await;
    assert_eq!(revoked["revokeInvitation"]["problems"], json!([]));
    save_and_delete_question(&steward).await;
    let kept = save_one_of_everything(&steward).await;
    // A rejected mutation leaves no audit event.
    mutate(&partner, "submitForReview", json!({"id": second})).await;
    let events = "auditEvents(first: 100) { nodes { action subjectType subjectId actor { id } versionBefore versionAfter detail } }";
    let output = steward.query(&format!("{{ {events} }}")).await;
    let output = output["auditEvents"]["nodes"].as_array().unwrap();
    let acts: BTreeSet<String> = output
        .iter()
        .map(|event| event["action"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        acts,
        list_mutations(),
        "every mutation of the schema has left its event"
    );
    assert_eq!(
        output.len(),
        21 + kept,
        "one event for each mutation: {output:#?}"
    );
    let returned = output
        .iter()
        .find(|event| event["action"] == "requestChanges")
        .unwrap();
    assert_eq!(returned["subjectId"], json!(second));
    assert_eq!(returned["detail"]["of"]["note"], "Why?");
    let (_, code) = partner.query_error(&format!("{{ {events} }}")).await;
    assert_eq!(code, "FORBIDDEN");
    let viewer = partner.query("{ viewer { id } }").await["viewer"]["id"].take();
    let own = steward
        .query(&format!(
            "{{ auditEvents(filter: {{actor: {viewer}, subject: \"{second}\"}}) {{ totalCount }} }}"
        ))
        .await;
    assert_eq!(own["auditEvents"]["totalCount"], 3);
}
