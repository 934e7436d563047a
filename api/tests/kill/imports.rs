//! `wayin import records` is killed, and run again to its end.

use std::thread::sleep;
use std::time::Duration;

use rand::Rng;
use serde_json::json;

use crate::Chance;
use crate::base::Base;

/// How many records a file holds.
const RECORDS: usize = 1_200;
/// How many are published in one transaction.
const AT_ONCE: usize = 1_024;
/// How long at most an import runs before it is killed.
const LONGEST: u64 = 2_500;

pub fn told(base: &Base, chance: &mut Chance) {
    base.begin();
    for round in 1..=chance.rounds {
        let beginning = format!("round {round}, ");
        let lines: Vec<String> = (0..RECORDS)
            .map(|number| {
                json!({
                    "externalRef": format!("{beginning}{number}"), "title": format!("Initiative {number}"),
                    "leadOrganisation": {"identifier": format!("GB-CHC-{}", number % 7), "name": "A charity"},
                    "challengesFaced": [{"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED",
                        "reasons": ["SHORT_FUNDING", "STAFF_CAPACITY"]}],
                    "source": {"kind": "SELF_REPORT", "title": format!("Return {}", number % 11)},
                })
                .to_string()
            })
            .collect();
        base.folder.file("records.jsonl", lines.join("\n"));
        let import = base.folder.start(&["import", "records", "records.jsonl"]);
        let moment = Duration::from_millis(chance.moments.random_range(50..LONGEST));
        sleep(moment);
        drop(import);
        let taken = base.versions(&beginning).len();
        println!("Round {round}: an import was killed after {moment:?}, with {taken} records taken.");
        assert!(
            taken.is_multiple_of(AT_ONCE) || taken == RECORDS,
            "whole transactions alone: {taken}"
        );
        base.holds("after an import was killed");
        base.folder.good(&["import", "records", "records.jsonl"]);
        let versions = base.versions(&beginning);
        assert_eq!(versions, vec![1; RECORDS], "each once, and published once");
        base.holds("after the import was run again");
    }
}
