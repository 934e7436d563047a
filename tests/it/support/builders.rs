//! Initiative records as partners send them, with defaults for what a test does not state.

use serde_json::{Value, json};
use uuid::Uuid;
use wayin::initiative::publish;

use super::app::TestApp;

/// The default lead organisation of records.
pub const DEFAULT_LEAD: &str = "GB-CHC-1";

/// A reference to an organisation: its identifier, and a name if it is new.
pub fn organisation(identifier: &str) -> Value {
    json!({"identifier": identifier, "name": format!("Organisation {identifier}")})
}

/// A funding term with a funder and nothing else.
pub fn term(funder: &str) -> Value {
    json!({"funder": organisation(funder)})
}

/// A builder of a record.
#[derive(Clone, Debug)]
pub struct RecordBuilder(Value);

/// A minimal open record with its own title and source.
pub fn record(reference: &str) -> RecordBuilder {
    RecordBuilder(json!({
        "externalRef": reference,
        "title": format!("Initiative {reference}"),
        "visibility": "OPEN",
        "leadOrganisation": organisation(DEFAULT_LEAD),
        "source": {"kind": "SELF_REPORT", "title": format!("Return {reference}")},
    }))
}

/// A record with an item in every part.
pub fn full_record(reference: &str) -> RecordBuilder {
    record(reference)
        .with("summary", "What it does")
        .with("startedOn", "2020-01-01")
        .with("endedOn", "2022-12-31")
        .with(
            "entryPoints",
            json!([{"entryPoint": "COLLABORATION", "perspective": "FUNDER", "motivation": "It was asked for"}]),
        )
        .with(
            "challengesFaced",
            json!([{"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": ["SHORT_FUNDING"], "note": "No time"}]),
        )
        .with(
            "conditionsChanged",
            json!([{"condition": "GOVERNANCE", "change": "ALTERED"}]),
        )
        .with("sharing", json!({"confirmedBy": "The board", "licence": "CC-BY-4.0"}))
        .with("missing", json!({"ongoing": "NOT_ASKED"}))
}

impl RecordBuilder {
    /// Sets a field.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0[field] = value.into();
        self
    }

    /// Sets the lead organisation.
    #[must_use]
    pub fn led_by(self, identifier: &str) -> Self {
        self.with("leadOrganisation", organisation(identifier))
    }

    /// Sets the place by its code.
    #[must_use]
    pub fn in_place(self, code: &str) -> Self {
        self.with("place", json!({"code": code}))
    }

    /// Adds a funding term for each funder.
    #[must_use]
    pub fn funded_by(self, funders: &[&str]) -> Self {
        let terms: Vec<Value> = funders.iter().copied().map(term).collect();
        self.with("fundingTerms", terms)
    }

    /// The record as one JSON document.
    pub fn build(self) -> Value {
        self.0
    }
}

/// Withdraws a published record as a steward.
pub async fn withdraw(app: &TestApp, initiative: Uuid) {
    let withdrawn = publish::withdraw_initiative(&app.app.db, &TestApp::action(), initiative).await;
    let withdrawn = withdrawn.expect("the database accepts it");
    assert!(
        withdrawn.is_some(),
        "there is no published initiative {initiative}"
    );
    app.catch_up().await;
}
