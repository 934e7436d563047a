//! Kills the server while it imports an uploaded file. It continues when it starts again.

use std::net::SocketAddr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::Rng;
use serde_json::{Value, json};
use wayin::import::ROWS_PER_BATCH;

use crate::CrashSchedule;
use crate::base::CrashTestBase;
use crate::program::{post_body, query_service};

/// The number of records in a file.
const RECORDS_PER_FILE: usize = 3_000;
/// The longest time before the server is killed.
const MAX_RUN_MILLIS: u64 = 2_500;
/// The longest time for an import to continue and end. The killed server holds the lease for ten seconds.
const COMPLETION_TIMEOUT: Duration = Duration::from_mins(2);

const ORGANISATION_IDENTIFIER: &str = "GB-CHC-77";

pub fn run_scenario(base: &CrashTestBase, chance: &mut CrashSchedule) {
    base.migrate_and_fill();
    let partner = base.add_member("sender", "PARTNER", Some(ORGANISATION_IDENTIFIER));
    let steward = base.add_member("steward", "STEWARD", None);
    let (mut service, mut address) = base.serve();
    allow_auto_publish(address, &steward);
    for round in 1..=chance.rounds {
        let beginning = format!("round {round}, ");
        let content = generate_records(&beginning);
        let import = send_file(address, &partner, round, &content);
        let moment = Duration::from_millis(chance.moments.random_range(5..MAX_RUN_MILLIS));
        sleep(moment);
        // Kills it without a signal to stop.
        drop(service);
        let taken = base.list_versions(&beginning).len();
        println!(
            "Round {round}: a server was killed after {moment:?}, with {taken} records of a file taken."
        );
        assert!(
            taken == RECORDS_PER_FILE || taken.is_multiple_of(ROWS_PER_BATCH),
            "whole transactions alone: {taken}"
        );
        (service, address) = base.serve();
        base.assert_no_violations("after the restart");
        assert_eq!(
            send_file(address, &partner, round, &content),
            import,
            "the same file under its key is the same import"
        );
        let since = Instant::now();
        let ended = loop {
            let asked = format!(
                "{{ import(id: \"{import}\") {{ state rowsProcessed publishedCount failureReason }} }}"
            );
            let answer = query_service(address, &partner, &asked);
            let output = &answer["data"]["import"];
            if !["QUEUED", "RUNNING"].contains(&output["state"].as_str().unwrap_or_default()) {
                break output.clone();
            }
            assert!(
                since.elapsed() < COMPLETION_TIMEOUT,
                "the import goes on: {output}"
            );
            sleep(Duration::from_millis(200));
        };
        let all = json!({"state": "COMPLETED", "rowsProcessed": RECORDS_PER_FILE, "publishedCount": RECORDS_PER_FILE, "failureReason": null});
        assert_eq!(ended, all, "round {round}");
        let versions = base.list_versions(&beginning);
        assert_eq!(
            versions,
            vec![1; RECORDS_PER_FILE],
            "each once, and published once"
        );
        base.assert_no_violations("after the import has ended");
    }
    let output = service.stop();
    assert_eq!(output.code, Some(0), "{output:?}");
}

/// Lets the organisation publish without review.
fn allow_auto_publish(address: SocketAddr, steward: &str) {
    let found = query_service(
        address,
        steward,
        &format!("{{ organisation(identifier: \"{ORGANISATION_IDENTIFIER}\") {{ id }} }}"),
    );
    let id = &found["data"]["organisation"]["id"];
    let answer = query_service(
        address,
        steward,
        &format!(
            "mutation {{ saveOrganisation(input: {{id: {id}, name: \"{ORGANISATION_IDENTIFIER}\", identifier: \"{ORGANISATION_IDENTIFIER}\", autoPublish: true}}) {{
                problems {{ message }} }} }}"
        ),
    );
    assert_eq!(
        answer["data"]["saveOrganisation"]["problems"],
        json!([]),
        "{answer}"
    );
}

fn generate_records(beginning: &str) -> String {
    let lines = (0..RECORDS_PER_FILE).map(|number| {
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

/// Sends a file; returns the id of the import.
fn send_file(address: SocketAddr, token: &str, round: u64, content: &str) -> String {
    let query = "mutation($input: ImportRecordsInput!) {
        importRecords(input: $input) { import { id } problems { message path } } }";
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
    let (_, body) = post_body(address, &head, kind, &body).expect("it answers");
    let answer: Value = serde_json::from_str(&body).unwrap_or_else(|_| panic!("it answers in JSON: {body}"));
    let payload = &answer["data"]["importRecords"];
    assert_eq!(payload["problems"], json!([]), "{answer}");
    payload["import"]["id"].as_str().expect("it has an id").to_owned()
}
