//! A client that sends mutations one after the other, each under a key, and keeps a journal of
//! what was acknowledged.

use std::net::SocketAddr;

use serde_json::{Value, json};
use wayin_entity::SubmissionState;

use crate::base::Base;
use crate::program::request;

/// What is done with a record, in this order.
const STEPS: [Step; 8] = [
    Step::Save,
    Step::Send,
    Step::Publish,
    Step::SaveCorrection,
    Step::Send,
    Step::Publish,
    Step::Redact,
    Step::Withdraw,
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Save,
    Send,
    Publish,
    SaveCorrection,
    Redact,
    Withdraw,
}

/// A record, how many steps it has behind it, and what was answered on the way.
struct Item {
    reference: String,
    done: usize,
    submissions: Vec<String>,
    initiative: String,
    changes: Vec<i64>,
}

/// One who sends, as a partner and as a steward.
pub struct Client {
    name: String,
    partner: String,
    steward: String,
    items: Vec<Item>,
    /// How many mutations of each of the two were acknowledged.
    acknowledged: [u64; 2],
}

/// What stands in every record until it is taken out, with the record's own reference.
fn secret(reference: &str) -> String {
    format!("the secret of {reference}")
}

impl Client {
    pub fn new(base: &Base, number: usize) -> Self {
        let name = format!("GB-CHC-70{number}");
        Self {
            partner: base.member(&format!("partner {name}"), "PARTNER", Some(&name)),
            steward: base.member(&format!("steward {name}"), "STEWARD", None),
            name,
            items: Vec::new(),
            acknowledged: [0; 2],
        }
    }

    /// How many of its mutations were acknowledged.
    pub fn journal(&self) -> u64 {
        self.acknowledged.iter().sum()
    }

    fn record(&self, reference: &str, title: &str) -> Value {
        json!({
            "externalRef": reference,
            "title": title,
            "summary": format!("It holds {}.", secret(reference)),
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

    /// Sends the next mutation; whether it was acknowledged. One that was not is sent again, under
    /// its key, when it is asked to go on.
    pub fn go_on(&mut self, address: SocketAddr) -> bool {
        if self.items.last().is_none_or(Item::is_done) {
            let reference = format!("{}/{}", self.name, self.items.len());
            self.items.push(Item {
                reference,
                done: 0,
                submissions: Vec::new(),
                initiative: String::new(),
                changes: Vec::new(),
            });
        }
        let Some(item) = self.items.last() else {
            return false;
        };
        let (step, reference) = (STEPS[item.done], &item.reference);
        let submission = item.submissions.last();
        let (mutation, mut input) = match step {
            Step::Save => (
                "saveSubmission",
                json!({"record": self.record(reference, "First")}),
            ),
            Step::SaveCorrection => (
                "saveSubmission",
                json!({"record": self.record(reference, "Corrected"), "initiative": item.initiative,
                    "initiativeVersion": 1}),
            ),
            Step::Send => ("submitForReview", json!({"id": submission})),
            Step::Publish => ("publishSubmission", json!({"id": submission})),
            Step::Redact => (
                "redactText",
                json!({"text": secret(reference), "reason": "It was asked for"}),
            ),
            Step::Withdraw => (
                "withdrawInitiative",
                json!({"id": item.initiative, "reason": "It is over"}),
            ),
        };
        input["idempotencyKey"] = format!("{reference}/{}", item.done).into();
        let answered = match step {
            Step::Redact => "initiatives",
            Step::Withdraw => "changeNumber",
            _ => "submission { id initiative { id } } changeNumber",
        };
        let input_type = format!("{}{}Input", mutation[..1].to_uppercase(), &mutation[1..]);
        let query = format!(
            "mutation($input: {input_type}!) {{ {mutation}(input: $input) {{ {answered} userErrors {{ message path }} }} }}"
        );
        let by_steward = matches!(step, Step::Publish | Step::Redact | Step::Withdraw);
        let token = if by_steward { &self.steward } else { &self.partner };
        let body = json!({"query": query, "variables": {"input": input}}).to_string();
        let head = format!("POST /graphql HTTP/1.1\r\nAuthorization: Bearer {token}");
        // What breaks off on the way was not acknowledged.
        let Some(answer) =
            request(address, &head, &body).and_then(|(_, body)| serde_json::from_str::<Value>(&body).ok())
        else {
            return false;
        };
        assert_eq!(answer.get("errors"), None, "{mutation} {input}: {answer}");
        let payload = &answer["data"][mutation];
        assert_eq!(payload["userErrors"], json!([]), "{mutation} {input}: {answer}");
        self.acknowledge(step, payload);
        self.acknowledged[usize::from(by_steward)] += 1;
        true
    }

    fn acknowledge(&mut self, step: Step, payload: &Value) {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let Some(item) = self.items.last_mut() else {
            return;
        };
        item.done += 1;
        item.changes.extend(payload["changeNumber"].as_i64());
        match step {
            Step::Save | Step::SaveCorrection => item.submissions.push(text(&payload["submission"]["id"])),
            Step::Publish => item.initiative = text(&payload["submission"]["initiative"]["id"]),
            Step::Redact => assert_eq!(payload["initiatives"], 1, "its own record alone: {payload}"),
            Step::Send | Step::Withdraw => {}
        }
        if matches!(step, Step::Publish | Step::Withdraw) {
            assert!(
                payload["changeNumber"].is_i64(),
                "{step:?} has a change: {payload}"
            );
        }
    }

    /// Makes sure that of what was not acknowledged all is there or nothing: an act that is told
    /// of has its key with the answer, and no more than one was under way.
    pub fn nothing_is_there_by_half(&self, base: &Base) {
        let mut beyond = 0;
        for (who, acknowledged) in ["partner", "steward"].iter().zip(self.acknowledged) {
            let (acts, keys) = base.acts(&format!("{who} {}", self.name));
            assert_eq!(acts, keys, "each act of {who} {} has its answer", self.name);
            assert!(
                acts >= acknowledged,
                "what was acknowledged is there: {acts} of {acknowledged}"
            );
            beyond += acts - acknowledged;
        }
        assert!(
            beyond <= 1,
            "{}: {beyond} were done that nobody was told of",
            self.name
        );
    }

    /// Makes sure that what was acknowledged is there, whole and once, and nothing else.
    pub fn all_is_there(&self, base: &Base) {
        for (who, acknowledged) in ["partner", "steward"].iter().zip(self.acknowledged) {
            let acts = base.acts(&format!("{who} {}", self.name));
            assert_eq!(acts, (acknowledged, acknowledged), "{who} {}", self.name);
        }
        let mut expected: Vec<(String, SubmissionState)> =
            self.items.iter().flat_map(Item::submissions).collect();
        let mut found = base.submissions(&self.name);
        expected.sort();
        found.sort();
        assert_eq!(found, expected, "the submissions of {}", self.name);
        self.items.iter().for_each(|item| item.is_there(base));
    }
}

impl Item {
    /// Every other record is withdrawn in the end.
    fn is_done(&self) -> bool {
        let stays = self.reference.ends_with(['0', '2', '4', '6', '8']);
        self.done >= STEPS.len() - usize::from(stays)
    }

    fn submissions(&self) -> Vec<(String, SubmissionState)> {
        let state = |done: usize| match done {
            0 | 1 => SubmissionState::Draft,
            2 => SubmissionState::Submitted,
            _ => SubmissionState::Published,
        };
        let ids = self.submissions.iter().enumerate();
        ids.map(|(index, id)| (id.clone(), state(self.done.saturating_sub(index * 3))))
            .collect()
    }

    fn is_there(&self, base: &Base) {
        let found = base.initiative(&self.reference);
        let version = match self.done {
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
        let is_told = summary.contains(&secret(&self.reference));
        assert_eq!(is_told, self.done < 7, "{}: {summary}", self.reference);
        for number in &self.changes {
            let subject = base.change(*number);
            assert_eq!(
                subject,
                Some(found.id),
                "change {number} is of {}",
                self.reference
            );
        }
    }
}
