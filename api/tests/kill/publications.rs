//! The server is killed while several clients send, publish, correct, withdraw and redact.

use std::thread::{scope, sleep};
use std::time::Duration;

use rand::Rng;

use crate::Chance;
use crate::base::Base;
use crate::client::Client;

/// How many clients send at once.
const CLIENTS: usize = 4;
/// For how long at most they send before the server is killed.
const LONGEST: u64 = 700;

pub fn told(base: &Base, chance: &mut Chance) {
    base.begin();
    let mut clients: Vec<Client> = (0..CLIENTS).map(|number| Client::new(base, number)).collect();
    let (mut service, mut address) = base.serve();
    for round in 1..=chance.rounds {
        let moment = Duration::from_millis(chance.moments.random_range(5..LONGEST));
        scope(|scope| {
            for client in &mut clients {
                scope.spawn(move || while client.go_on(address) {});
            }
            sleep(moment);
            // Killed, and not asked to end.
            drop(service);
        });
        let acknowledged: u64 = clients.iter().map(Client::journal).sum();
        println!(
            "Round {round}: killed after {moment:?}, with {acknowledged} mutations acknowledged so far."
        );
        (service, address) = base.serve();
        base.holds("after the restart");
        clients
            .iter()
            .for_each(|client| client.nothing_is_there_by_half(base));
        // What was under way is sent once more, under its key.
        for client in &mut clients {
            assert!(client.go_on(address), "the service answers after round {round}");
        }
        clients.iter().for_each(|client| client.all_is_there(base));
    }
    base.holds("in the end");
    let told = service.stop();
    assert_eq!(told.code, Some(0), "{told:?}");
    let acknowledged: u64 = clients.iter().map(Client::journal).sum();
    assert!(acknowledged > chance.rounds, "something was done: {acknowledged}");
}
