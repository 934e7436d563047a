//! Kills the server while several clients submit, publish, correct, withdraw and redact.

use std::thread::{scope, sleep};
use std::time::Duration;

use rand::Rng;

use crate::CrashSchedule;
use crate::base::CrashTestBase;
use crate::client::CrashTestClient;

/// The number of concurrent clients.
const CLIENT_COUNT: usize = 4;
/// The longest time before the server is killed.
const MAX_RUN_MILLIS: u64 = 700;

pub fn run_scenario(base: &CrashTestBase, chance: &mut CrashSchedule) {
    base.migrate_and_fill();
    let mut clients: Vec<CrashTestClient> = (0..CLIENT_COUNT)
        .map(|number| CrashTestClient::new(base, number))
        .collect();
    let (mut service, mut address) = base.serve();
    for round in 1..=chance.rounds {
        let moment = Duration::from_millis(chance.moments.random_range(5..MAX_RUN_MILLIS));
        scope(|scope| {
            for client in &mut clients {
                scope.spawn(move || while client.send_next(address) {});
            }
            sleep(moment);
            // Kills it without a signal to stop.
            drop(service);
        });
        let acknowledged: u64 = clients.iter().map(CrashTestClient::acknowledged_count).sum();
        println!(
            "Round {round}: killed after {moment:?}, with {acknowledged} mutations acknowledged so far."
        );
        (service, address) = base.serve();
        base.assert_no_violations("after the restart");
        clients.iter().for_each(|client| client.assert_atomic(base));
        // The mutation in progress is sent again with its key.
        for client in &mut clients {
            assert!(
                client.send_next(address),
                "the service answers after round {round}"
            );
        }
        clients.iter().for_each(|client| client.assert_durable(base));
    }
    base.assert_no_violations("in the end");
    let output = service.stop();
    assert_eq!(output.code, Some(0), "{output:?}");
    let acknowledged: u64 = clients.iter().map(CrashTestClient::acknowledged_count).sum();
    assert!(acknowledged > chance.rounds, "something was done: {acknowledged}");
}
