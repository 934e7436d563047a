//! A client that sends mutations one after the other, each with an idempotency key, and records
//! which were acknowledged.

use std::net::SocketAddr;

use serde_json::{Value, json};
use wayin_entity::SubmissionState;

use crate::base::CrashTestBase;
use crate::program::post_json;

/// The steps of a record, in order.
const CLIENT_STEPS: [ClientStep; 8] = [
    ClientStep::Save,
    ClientStep::Send,
    ClientStep::Publish,
    ClientStep::SaveCorrection,
    ClientStep::Send,
    ClientStep::Publish,
    ClientStep::Redact,
    ClientStep::Withdraw,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientStep {
    Save,
    Send,
    Publish,
    SaveCorrection,
    Redact,
    Withdraw,
}

/// A record, its number of completed steps, and the ids in the responses.
struct ClientRecord {
    reference: String,
    completed_steps: usize,
    submissions: Vec<String>,
    initiative: String,
    changes: Vec<i64>,
}

/// A client that acts as a partner and as a steward.
pub struct CrashTestClient {
    name: String,
    partner: String,
    steward: String,
    items: Vec<ClientRecord>,
    /// How many mutations of each were acknowledged.
    acknowledged: [u64; 2],
}

/// The text in every record until it is redacted, with the reference of the record.
fn secret_text(reference: &str) -> String {
    format!("the secret of {reference}")
}

impl CrashTestClient {
    pub fn new(base: &CrashTestBase, number: usize) -> Self {
        let name = format!("GB-CHC-70{number}");
        Self {
            partner: base.add_member(&format!("partner {name}"), "PARTNER", Some(&name)),
            steward: base.add_member(&format!("steward {name}"), "STEWARD", None),
            name,
            items: Vec::new(),
            acknowledged: [0; 2],
        }
    }

    /// How many of its mutations were acknowledged.
    pub fn acknowledged_count(&self) -> u64 {
        self.acknowledged.iter().sum()
    }

    fn build_record(&self, reference: &str, title: &str) -> Value {
        json!({
            "externalRef": reference,
            "title": title,
            "summary": format!("It holds {}.", secret_text(reference)),
            "place": {"code": "E06000001"},
            "visibility": "OPEN",
            "startedOn": "2020-01-01",
            "entryPoints": [{"entryPoint": "COLLABORATION", "perspective": "FUNDER"}],
            "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": ["SHORT_FUNDING"]}],
            "conditionsChanged": [{"condition": "GOVERNANCE", "change": "ALTERED"}],
            "fundingTerms": [{"funder": {"identifier": format!("{}-F", self.name), "name": "A funder"},
                "durationMonths": 12}],
            "source": {"kind": "SELF_REPORT", "title": format!("Return of {}", self.name)},
            "sharing": {"basis": "The board agreed", "licence": "CC-BY-4.0"},
        })
    }

    /// Sends the next mutation; returns whether it was acknowledged. One that was not is sent again
    /// with its key in the next call.
    pub fn send_next(&mut self, address: SocketAddr) -> bool {
        if self.items.last().is_none_or(ClientRecord::is_done) {
            let reference = format!("{}/{}", self.name, self.items.len());
            self.items.push(ClientRecord {
                reference,
                completed_steps: 0,
                submissions: Vec::new(),
                initiative: String::new(),
                changes: Vec::new(),
            });
        }
        let Some(item) = self.items.last() else {
            return false;
        };
        let (step, reference) = (CLIENT_STEPS[item.completed_steps], &item.reference);
        let submission = item.submissions.last();
        let (mutation, mut input) = match step {
            ClientStep::Save => (
                "saveSubmission",
                json!({"record": self.build_record(reference, "First")}),
            ),
            ClientStep::SaveCorrection => (
                "saveSubmission",
                json!({"record": self.build_record(reference, "Corrected"), "initiative": item.initiative,
                    "initiativeVersion": 1}),
            ),
            ClientStep::Send => ("submitForReview", json!({"id": submission})),
            ClientStep::Publish => ("publishSubmission", json!({"id": submission})),
            ClientStep::Redact => (
                "redactText",
                json!({"text": secret_text(reference), "reason": "It was asked for"}),
            ),
            ClientStep::Withdraw => (
                "withdrawInitiative",
                json!({"id": item.initiative, "reason": "It is over"}),
            ),
        };
        input["idempotencyKey"] = format!("{reference}/{}", item.completed_steps).into();
        let answered = match step {
            ClientStep::Redact => "initiatives",
            ClientStep::Withdraw => "changeNumber",
            _ => "submission { id initiative { id } } changeNumber",
        };
        let input_type = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ {answered} problems {{ message path }} }} }}"
        );
        let by_steward = matches!(
            step,
            ClientStep::Publish | ClientStep::Redact | ClientStep::Withdraw
        );
        let token = if by_steward { &self.steward } else { &self.partner };
        let body = json!({"query": query, "variables": {"input": input}}).to_string();
        let head = format!("POST /graphql HTTP/1.1\r\nAuthorization: Bearer {token}");
        // An interrupted response is not an acknowledgement.
        let Some(answer) =
            post_json(address, &head, &body).and_then(|(_, body)| serde_json::from_str::<Value>(&body).ok())
        else {
            return false;
        };
        assert_eq!(answer.get("errors"), None, "{mutation} {input}: {answer}");
        let payload = &answer["data"][mutation];
        assert_eq!(payload["problems"], json!([]), "{mutation} {input}: {answer}");
        self.acknowledge(step, payload);
        self.acknowledged[usize::from(by_steward)] += 1;
        true
    }

    fn acknowledge(&mut self, step: ClientStep, payload: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let Some(item) = self.items.last_mut() else {
            return;
        };
        item.completed_steps += 1;
        item.changes.extend(payload["changeNumber"].as_i64());
        match step {
            ClientStep::Save | ClientStep::SaveCorrection => {
                item.submissions.push(text(&payload["submission"]["id"]));
            }
            ClientStep::Publish => item.initiative = text(&payload["submission"]["initiative"]["id"]),
            ClientStep::Redact => assert_eq!(payload["initiatives"], 1, "its own record alone: {payload}"),
            ClientStep::Send | ClientStep::Withdraw => {}
        }
        if matches!(step, ClientStep::Publish | ClientStep::Withdraw) {
            assert!(
                payload["changeNumber"].is_i64(),
                "{step:?} has a change: {payload}"
            );
        }
    }

    /// Asserts that an unacknowledged mutation is stored completely or not at all: each audit event
    /// has its key with a result, and at most one mutation was in progress.
    pub fn assert_atomic(&self, base: &CrashTestBase) {
        let mut beyond = 0;
        for (who, acknowledged) in ["partner", "steward"].iter().zip(self.acknowledged) {
            let (acts, keys) = base.count_actions(&format!("{who} {}", self.name));
            assert_eq!(acts, keys, "each act of {who} {} has its answer", self.name);
            assert!(
                acts >= acknowledged,
                "what was acknowledged is there: {acts} of {acknowledged}"
            );
            beyond += acts - acknowledged;
        }
        assert!(
            beyond <= 1,
            "{}: {beyond} mutations were done without an answer",
            self.name
        );
    }

    /// Asserts that all acknowledged mutations, and nothing else, are stored once.
    pub fn assert_durable(&self, base: &CrashTestBase) {
        for (who, acknowledged) in ["partner", "steward"].iter().zip(self.acknowledged) {
            let acts = base.count_actions(&format!("{who} {}", self.name));
            assert_eq!(acts, (acknowledged, acknowledged), "{who} {}", self.name);
        }
        let mut expected: Vec<(String, SubmissionState)> =
            self.items.iter().flat_map(ClientRecord::submissions).collect();
        let mut found = base.list_submissions(&self.name);
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "the submissions of {}", self.name);
        self.items.iter().for_each(|item| item.assert_stored(base));
    }
}

impl ClientRecord {
    /// Every other record is withdrawn in the end.
    fn is_done(&self) -> bool {
        let stays = self.reference.ends_with(['0', '2', '4', '6', '8']);
        self.completed_steps >= CLIENT_STEPS.len() - usize::from(stays)
    }

    fn submissions(&self) -> Vec<(String, SubmissionState)> {
        let state = |done: usize| match done {
            0 | 1 => SubmissionState::Draft,
            2 => SubmissionState::Submitted,
            _ => SubmissionState::Published,
        };
        let ids = self.submissions.iter().enumerate();
        ids.map(|(index, id)| (id.clone(), state(self.completed_steps.saturating_sub(index * 3))))
            .collect()
    }

    fn assert_stored(&self, base: &CrashTestBase) {
        let found = base.find_initiative(&self.reference);
        let version = match self.completed_steps {
            0..=2 => {
                assert_eq!(found, None, "{} is not published", self.reference);
                return;
            }
            3..=5 => 1,
            6 | 7 => 2,
            _ => 3,
        };
        let found = found.unwrap_or_else(|| panic!("{} is published", self.reference));
        assert_eq!(found.version, version, "{}", self.reference);
        assert_eq!(found.withdrawn_at.is_some(), version == 3, "{}", self.reference);
        let title = if version == 1 { "First" } else { "Corrected" };
        assert_eq!(found.title, title, "{}", self.reference);
        let summary = found.summary.unwrap_or_default();
        let is_told = summary.contains(&secret_text(&self.reference));
        assert_eq!(is_told, self.completed_steps < 7, "{}: {summary}", self.reference);
        for number in &self.changes {
            let subject = base.find_change_subject(*number);
            assert_eq!(
                subject,
                Some(found.id),
                "change {number} is of {}",
                self.reference
            );
        }
    }
}
