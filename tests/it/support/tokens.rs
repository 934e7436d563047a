//! Keys, and tokens that the service issues.

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use super::app::Client;

/// A key as a PEM file.
pub fn encode_pem(kind: &str, der: &[u8]) -> Vec<u8> {
    let text = BASE64_STANDARD.encode(der);
    let lines: Vec<&str> = text
        .as_bytes()
        .chunks(64)
        .map(|line| std::str::from_utf8(line).unwrap())
        .collect();
    format!(
        "-----BEGIN {kind} KEY-----\n{}\n-----END {kind} KEY-----\n",
        lines.join("\n")
    )
    .into_bytes()
}

/// Runs `issueToken`; returns its payload.
pub async fn issue_token(steward: &Client<'_>, input: Value) -> Value {
    let query = "mutation($input: IssueTokenInput!) { issueToken(input: $input) { token
        issuedToken { id name member { subject } issuedAt issuedBy { id } expiresAt lastUsedAt revokedAt revokedBy { id } }
        problems { code path message } } }";
    let mut response = steward.execute_with(query, json!({"input": input})).await;
    assert_eq!(response.get("errors"), None, "{response}");
    response["data"]["issueToken"].take()
}

/// Runs `revokeToken`; returns its payload.
pub async fn revoke_token(steward: &Client<'_>, id: &Value) -> Value {
    let query = "mutation($input: RevokeTokenInput!) { revokeToken(input: $input) {
        issuedToken { id revokedAt revokedBy { id } } problems { code path message } } }";
    let input = json!({"id": id, "reason": "It was lost"});
    let mut response = steward.execute_with(query, json!({"input": input})).await;
    assert_eq!(response.get("errors"), None, "{response}");
    response["data"]["revokeToken"].take()
}

/// The global id of the member with a subject.
pub async fn find_member_id(steward: &Client<'_>, subject: &str) -> Value {
    let members = steward
        .query("{ members(first: 100) { nodes { id subject } } }")
        .await;
    let members = members["members"]["nodes"].as_array().unwrap().clone();
    let found = members.iter().find(|member| member["subject"] == subject);
    found.unwrap_or_else(|| panic!("{subject} is a member"))["id"].clone()
}
