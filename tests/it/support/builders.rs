//! Initiative records as partners send them, with defaults for what a story does not care about.

use serde_json::{Value, json};
use uuid::Uuid;
use wayin::initiative::publish;

use super::app::TestApp;

/// The organisation that leads the records of which a story does not say who does.
pub const DEFAULT_LEAD: &str = "GB-CHC-1";

/// An organisation as records name it: by its identifier, and by a name where it is new.
pub fn organisation(identifier: &str) -> Value {
    json!({"identifier": identifier, "name": format!("Organisation {identifier}")})
}

/// A funding term of which no more is known than who gave the money.
pub fn term(funder: &str) -> Value {
    json!({"funder": organisation(funder)})
}

/// A record that is being written.
#[derive(Clone, Debug)]
pub struct RecordBuilder(Value);

/// An open record that says no more than it must, with its own title and source.
pub fn record(reference: &str) -> RecordBuilder {
    RecordBuilder(json!({
        "externalRef": reference,
        "title": format!("Initiative {reference}"),
        "visibility": "OPEN",
        "leadOrganisation": organisation(DEFAULT_LEAD),
        "source": {"kind": "SELF_REPORT", "title": format!("Return {reference}")},
    }))
}

/// A record that says something in every part.
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
    /// Says something of a field, in place of what was said of it before.
    #[must_use]
    pub fn with(mut self, field: &str, value: impl Into<Value>) -> Self {
        self.0[field] = value.into();
        self
    }

    /// Leads it by another organisation.
    #[must_use]
    pub fn led_by(self, identifier: &str) -> Self {
        self.with("leadOrganisation", organisation(identifier))
    }

    /// Puts it in the place of a code.
    #[must_use]
    pub fn in_place(self, code: &str) -> Self {
        self.with("place", json!({"code": code}))
    }

    /// Gives it a term of which only the funder is known, for each funder.
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

/// Withdraws a record that was published, as a steward would.
pub async fn withdraw(app: &TestApp, initiative: Uuid) {
    let withdrawn = publish::withdraw_initiative(&app.app.db, &TestApp::action(), initiative).await;
    let withdrawn = withdrawn.expect("the base takes it");
    assert!(
        withdrawn.is_some(),
        "there is no standing initiative {initiative}"
    );
    app.catch_up().await;
}
