//! Attacks that find out whether a record is there.

use std::collections::HashSet;

use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use wayin_engine::predicate::InitiativePredicate;

use crate::bases::Session;
use crate::conditions::everyone;
use crate::keys::{Key, ListKeys};
use crate::score::{Attack, Guess, Tally};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "19a. presence by place and funder",
        run: |session, random, tally| find_presence(session, random, tally, Key::of_place_and_funders),
    },
    Attack {
        name: "19b. presence by place and year of start",
        run: |session, random, tally| find_presence(session, random, tally, Key::of_place_and_year),
    },
];

/// The secrets: whether a hidden record with a key is there.
const ABSENT: usize = 0;
const PRESENT: usize = 1;

/// Compares all records with all that do not have a key, of which a hidden record is there in half of the cases. Guesses
/// that it is there if any count differs. Would succeed if the records of a class decided what is asked of the class.
fn find_presence(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally, list_keys: ListKeys) {
    let there: HashSet<Key> = session.hidden_rows().flat_map(list_keys).collect();
    let mut keys: Vec<Key> = there.iter().copied().collect();
    keys.sort_unstable();
    for _ in 0..session.sizes.targets {
        let is_there = random.random::<bool>();
        let Some(key) = keys.choose(random).copied() else {
            break;
        };
        let key = if is_there {
            key
        } else {
            // What is published about classes must not tell.
            let alike = keys
                .iter()
                .filter(|other| other.find_region(session) == key.find_region(session));
            let alike = alike.map(|other| key.with_place_of(*other));
            let absent: Vec<Key> = alike.filter(|other| !there.contains(other)).collect();
            let Some(absent) = absent.choose(random).copied() else {
                continue;
            };
            absent
        };
        let without: InitiativePredicate = key.to_condition(session).negated();
        let differences = session.asker.find_differences(everyone(), without);
        let found = if differences.iter().any(|difference| *difference != 0) {
            PRESENT
        } else {
            ABSENT
        };
        let secret = if is_there { PRESENT } else { ABSENT };
        // Somebody who asks nothing says that all are there, which is right for half of them.
        tally.add_secret(secret, PRESENT, Guess::uncertain(Some(found)));
    }
}
