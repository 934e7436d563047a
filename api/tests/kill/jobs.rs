//! The server is killed while it takes in a file that was sent to it, and goes on when it is started again.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::Rng;
use serde_json::{Value, json};
use wayin::import::ROWS_PER_BATCH;

use crate::Chance;
use crate::base::Base;
use crate::program::{ask, request_of};

/// How many records a file holds.
const RECORDS: usize = 3_000;
/// How long at most an import runs before the server is killed.
const LONGEST: u64 = 2_500;
/// How long an import may take to go on and end; the server that was killed has it in hand for ten seconds.
const ENDS_WITHIN: Duration = Duration::from_mins(2);

const OWN: &str = "GB-CHC-77";

pub fn told(base: &Base, chance: &mut Chance) {
    base.begin();
    let partner = base.member("sender", "PARTNER", Some(OWN));
    let steward = base.member("steward", "STEWARD", None);
    let (mut service, mut address) = base.serve();
    trust(address, &steward);
    for round in 1..=chance.rounds {
        let beginning = format!("round {round}, ");
        let content = records(&beginning);
        let import = send(address, &partner, round, &content);
        let moment = Duration::from_millis(chance.moments.random_range(5..LONGEST));
        sleep(moment);
        // Killed, and not asked to end.
        drop(service);
        let taken = base.versions(&beginning).len();
        println!(
            "Round {round}: a server was killed after {moment:?}, with {taken} records of a file taken."
        );
        assert!(
            taken == RECORDS || taken.is_multiple_of(ROWS_PER_BATCH),
            "whole transactions alone: {taken}"
        );
        (service, address) = base.serve();
        base.holds("after the restart");
        assert_eq!(
            send(address, &partner, round, &content),
            import,
            "the same file under its key is the same import"
        );
        let since = Instant::now();
        let ended = loop {
            let asked = format!(
                "{{ import(id: \"{import}\") {{ state rowsProcessed publishedCount failureReason }} }}"
            );
            let answer = ask(address, &partner, &asked);
            let told = &answer["data"]["import"];
            if !["QUEUED", "RUNNING"].contains(&told["state"].as_str().unwrap_or_default()) {
                break told.clone();
            }
            assert!(since.elapsed() < ENDS_WITHIN, "the import goes on: {told}");
            sleep(Duration::from_millis(200));
        };
        let all = json!({"state": "COMPLETED", "rowsProcessed": RECORDS, "publishedCount": RECORDS, "failureReason": null});
        assert_eq!(ended, all, "round {round}");
        let versions = base.versions(&beginning);
        assert_eq!(versions, vec![1; RECORDS], "each once, and published once");
        base.holds("after the import has ended");
    }
    let told = service.stop();
    assert_eq!(told.code, Some(0), "{told:?}");
}

/// Lets the organisation publish without a review.
fn trust(address: SocketAddr, steward: &str) {
    let found = ask(
        address,
        steward,
        &format!("{{ organisation(identifier: \"{OWN}\") {{ id }} }}"),
    );
    let id = &found["data"]["organisation"]["id"];
    let answer = ask(
        address,
        steward,
        &format!(
            "mutation {{ saveOrganisation(input: {{id: {id}, name: \"{OWN}\", identifier: \"{OWN}\", autoPublish: true}}) {{
                userErrors {{ message }} }} }}"
        ),
    );
    assert_eq!(
        answer["data"]["saveOrganisation"]["userErrors"],
        json!([]),
        "{answer}"
    );
}

fn records(beginning: &str) -> String {
    let lines = (0..RECORDS).map(|number| {
        json!({
            "externalRef": format!("{beginning}{number}"), "title": format!("Initiative {number}"),
            "place": {"code": "E06000001"}, "visibility": "OPEN",
            "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": ["SHORT_FUNDING"]}],
            "source": {"kind": "SELF_REPORT", "title": "Our return"},
            "sharing": {"basis": "The board agreed", "licence": "CC-BY-4.0"},
        })
        .to_string()
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Sends a file, and answers the import's id.
fn send(address: SocketAddr, token: &str, round: u64, content: &str) -> String {
    let query = "mutation($input: ImportRecordsInput!) {
        importRecords(input: $input) { import { id } userErrors { message path } } }";
    let input = json!({"file": null, "mode": "SUBMIT", "idempotencyKey": format!("round {round}")});
    let operations = json!({"query": query, "variables": {"input": input}});
    let map = json!({"0": ["variables.input.file"]});
    let body = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n{operations}\r\n\
         --edge\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n{map}\r\n\
         --edge\r\nContent-Disposition: form-data; name=\"0\"; filename=\"return.jsonl\"\r\n\r\n{content}\r\n\
         --edge--\r\n"
    );
    let head = format!("POST /graphql HTTP/1.1\r\nAuthorization: Bearer {token}");
    let kind = "multipart/form-data; boundary=edge";
    let (_, body) = request_of(address, &head, kind, &body).expect("it answers");
    let answer: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("it answers in JSON: {body}"));
    let payload = &answer["data"]["importRecords"];
    assert_eq!(payload["userErrors"], json!([]), "{answer}");
    payload["import"]["id"].as_str().expect("it has an id").to_owned()
}
