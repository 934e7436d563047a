//! `wayin import records` is killed. A server, or the same command, continues the import.

use std::thread::sleep;
use std::time::{Duration, Instant};

use rand::Rng;
use serde_json::json;

use wayin::import::ROWS_PER_BATCH;
use wayin_entity::ImportState;

use crate::CrashSchedule;
use crate::base::CrashTestBase;

/// The number of records in a file: several batches, so that an import can be killed between two.
const RECORDS_PER_FILE: usize = 5_000;
/// The shortest and the longest time before an import is killed. The first batch takes about a second to write.
const MIN_RUN_MILLIS: u64 = 400;
/// See [`MIN_RUN_MILLIS`].
const MAX_RUN_MILLIS: u64 = 3_000;
/// How long a server may take to continue an import and end it. The lease of the killed command lasts ten seconds.
const COMPLETION_TIMEOUT: Duration = Duration::from_mins(1);

pub fn run_scenario(base: &CrashTestBase, chance: &mut CrashSchedule) {
    base.migrate_and_fill();
    for round in 1..=chance.rounds {
        let beginning = format!("round {round}, ");
        let lines: Vec<String> = (0..RECORDS_PER_FILE)
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
        base.folder.write_file("records.jsonl", lines.join("\n"));
        let import = base.folder.start(&["import", "records", "records.jsonl"]);
        let moment = Duration::from_millis(chance.moments.random_range(MIN_RUN_MILLIS..MAX_RUN_MILLIS));
        sleep(moment);
        drop(import);
        let taken = base.list_versions(&beginning).len();
        println!("Round {round}: an import was killed after {moment:?}, with {taken} records taken.");
        assert!(
            taken.is_multiple_of(ROWS_PER_BATCH) || taken == RECORDS_PER_FILE,
            "whole transactions alone: {taken}"
        );
        base.assert_no_violations("after an import was killed");
        if round.is_multiple_of(2) {
            let service = base.serve();
            wait_until_ended(base);
            drop(service);
        }
        base.folder.run_ok(&["import", "records", "records.jsonl"]);
        let versions = base.list_versions(&beginning);
        assert_eq!(
            versions,
            vec![1; RECORDS_PER_FILE],
            "each once, and published once"
        );
        base.assert_no_violations("after the import was run again");
        let mut added = 0;
        for import in base.list_published_files() {
            let ended = (import.state, import.rows_processed, import.member_id);
            let rows = i64::try_from(RECORDS_PER_FILE).unwrap();
            assert_eq!(ended, (ImportState::Completed, rows, None), "{import:?}");
            added += import.added_count.unwrap_or_default();
        }
        assert_eq!(added.unsigned_abs(), round * RECORDS_PER_FILE as u64);
    }
}

fn wait_until_ended(base: &CrashTestBase) {
    let since = Instant::now();
    while base
        .list_published_files()
        .iter()
        .any(|import| import.ended_at.is_none())
    {
        assert!(since.elapsed() < COMPLETION_TIMEOUT, "the server ends the import");
        sleep(Duration::from_millis(200));
    }
}
