//! Attacks that compare the same questions before and after a record changes.

use chrono::TimeDelta;
use rand::Rng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use uuid::Uuid;
use wayin_engine::index::IndexedInitiative;
use wayin_engine::predicate::InitiativePredicate;
use wayin_entity::{Challenge, ChallengeStep};

use crate::ask::Asker;
use crate::bases::{Release, Session, Target, find_commonest};
use crate::conditions::{VALUE_COUNT, Values, add, everyone, everyone_but, find_secret, is_within, subtract};
use crate::score::{Attack, Guess, Tally, find_largest};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "15a. before and after a change",
        run: |session, random, tally| compare_changes(session, random, tally, OtherChanges::None),
    },
    Attack {
        name: "15b. before and after a change and 30 others",
        run: |session, random, tally| compare_changes(session, random, tally, OtherChanges::Any),
    },
    Attack {
        name: "15c. before and after a change and 30 others of classes that are described alike",
        run: |session, random, tally| compare_changes(session, random, tally, OtherChanges::Alike),
    },
    Attack {
        name: "16a. before and after a new record",
        run: |session, random, tally| compare_additions(session, random, tally, OtherChanges::None),
    },
    Attack {
        name: "16b. before and after a new record and 30 changes",
        run: |session, random, tally| compare_additions(session, random, tally, OtherChanges::Any),
    },
    Attack {
        name: "16c. before and after a new record and 30 changes of classes that are described alike",
        run: |session, random, tally| compare_additions(session, random, tally, OtherChanges::Alike),
    },
    Attack {
        name: "17a. before a change and after a restart",
        run: |session, random, tally| compare_restarts(session, random, tally, Release::restart),
    },
    Attack {
        name: "17b. before a change and after forming all classes again",
        run: |session, random, tally| compare_restarts(session, random, tally, form_all_again),
    },
];

/// How many other hidden records change too.
const OTHER_CHANGES: usize = 30;

/// Which other hidden records change too.
#[derive(Clone, Copy, PartialEq, Eq)]
enum OtherChanges {
    None,
    Any,
    /// Those of classes with the description of the target's class, so that these classes are replaced.
    Alike,
}

/// The record with another value of the secret, each as likely.
fn alter_secret(row: &IndexedInitiative, random: &mut StdRng) -> IndexedInitiative {
    let value = (find_secret(row) + random.random_range(1..VALUE_COUNT)) % VALUE_COUNT;
    let mut altered = row.clone();
    altered.updated_at += TimeDelta::minutes(1);
    altered.steps[Challenge::DefiningAmbitions as usize] = ChallengeStep::ALL.get(value).copied();
    altered
}

/// Some other hidden records, with other values of the secret.
fn alter_others(
    session: &Session<'_>,
    random: &mut StdRng,
    target: &Target<'_>,
    others: OtherChanges,
) -> Vec<IndexedInitiative> {
    let is_other = |index: &&usize| {
        **index != target.index
            && (others == OtherChanges::Any || session.is_described_alike(**index, target))
    };
    let candidates: Vec<&usize> = session.hidden().iter().filter(is_other).collect();
    candidates
        .choose_multiple(random, OTHER_CHANGES)
        .map(|index| alter_secret(&session.world.rows[**index], random))
        .collect()
}

/// The populations whose counts are compared.
fn list_populations(session: &Session<'_>, row: &IndexedInitiative) -> Vec<InitiativePredicate> {
    let places = &session.world.release.snapshot.places;
    let region = row
        .place
        .and_then(|place| places.get(place).regions.first().copied());
    let mut populations = vec![everyone(), everyone_but(row.id)];
    populations.extend(region.map(|region| is_within(places, region)));
    populations
}

/// How the counts of each population changed until a later release.
fn find_changes(
    session: &Session<'_>,
    tally: &mut Tally,
    after: &Release,
    row: &IndexedInitiative,
) -> Vec<Values> {
    let later = Asker::new(after, &session.world.tools, session.asker.reader());
    let change = |population: InitiativePredicate| {
        let before = session.asker.count_values(population.clone());
        subtract(later.count_values(population), before)
    };
    let changes = list_populations(session, row).into_iter().map(change).collect();
    tally.questions += later.take_asked();
    changes
}

/// The guess at the new value of a changed record. If one count rose and one fell, the attacker takes them for the new and
/// the old value. Otherwise it is the value whose counts rose most.
fn guess_new_value(changes: &[Values]) -> Guess {
    let proved = changes.iter().find_map(|changes| {
        let mut risen = (0..VALUE_COUNT).filter(|value| changes[*value] > 0);
        let fallen = changes.iter().filter(|change| **change < 0).count();
        let value = risen.next()?;
        (risen.next().is_none() && fallen == 1).then_some(value)
    });
    guess_proved_or_risen(proved, changes)
}

/// The guess at the value of a new record: the only one whose count changed in some population, or else the one whose
/// counts rose most.
fn guess_added_value(changes: &[Values]) -> Guess {
    let guesses = changes.iter().map(|changes| Guess::from_differences(*changes));
    let proved = guesses
        .filter(|guess| guess.certain)
        .find_map(|guess| guess.value);
    guess_proved_or_risen(proved, changes)
}

fn guess_proved_or_risen(proved: Option<usize>, changes: &[Values]) -> Guess {
    let sums = changes.iter().copied().fold([0; VALUE_COUNT], add);
    Guess {
        value: proved.or_else(|| find_largest(sums.map(|sum| sum as f64))),
        certain: proved.is_some(),
    }
}

/// The likeliest new value of a record whose value changes. Each other value is as likely, so it is the rarest of its
/// class.
fn find_likeliest_new_value(session: &Session<'_>, target: &Target<'_>) -> usize {
    let counts = session.count_members(target.class);
    let rarest = (0..VALUE_COUNT).min_by_key(|value| counts[*value]);
    rarest.unwrap_or_default()
}

/// Compares the counts before and after the target changes, and after other hidden records have changed too. The secret is
/// the new value. Would succeed if a class counted both before and after one of its records changes.
fn compare_changes(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally, others: OtherChanges) {
    for target in session.pick_any(random) {
        let altered = alter_secret(target.row, random);
        let secret = find_secret(&altered);
        let after = session.world.release.publish(vec![altered]);
        let mut changes = find_changes(session, tally, &after, target.row);
        let mut baseline = find_likeliest_new_value(session, &target);
        if others != OtherChanges::None {
            let rows = alter_others(session, random, &target, others);
            if others == OtherChanges::Alike {
                // The sum of the changes is published when the classes are replaced.
                baseline = find_commonest(rows.iter().map(find_secret).chain([secret]));
            }
            let later = after.publish(rows);
            changes.extend(find_changes(session, tally, &later, target.row));
        }
        let mut guess = guess_new_value(&changes);
        // With other changes, the attacker does not believe that only the target differs.
        guess.certain &= others == OtherChanges::None;
        tally.add_secret(secret, baseline, guess);
    }
}

/// Compares the counts before and after a copy of the target is published as a new record, and after other hidden records
/// have changed. Would succeed if a new record were counted before enough others are.
fn compare_additions(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally, others: OtherChanges) {
    for target in session.pick_any(random) {
        let added = IndexedInitiative {
            id: Uuid::max(),
            cell_key: random.random(),
            ..target.row.clone()
        };
        let after = session.world.release.publish(vec![added.clone()]);
        let mut changes = find_changes(session, tally, &after, &added);
        if others != OtherChanges::None {
            let later = after.publish(alter_others(session, random, &target, others));
            changes.extend(find_changes(session, tally, &later, &added));
        }
        let mut guess = guess_added_value(&changes);
        guess.certain &= others == OtherChanges::None;
        tally.add(&target, guess);
    }
}

/// The release on a server that ignores the stored classes and forms all of them again. No server does so; it shows what
/// the attack would find.
fn form_all_again(release: Release) -> Release {
    Release::first(release.snapshot)
}

/// Compares the counts before the target changes with those of a server that has restarted since. The secret is the new
/// value. Would succeed if the server formed the same classes again, with the changed record in them.
fn compare_restarts(
    session: &Session<'_>,
    random: &mut StdRng,
    tally: &mut Tally,
    restart: fn(Release) -> Release,
) {
    for target in session.pick_any(random) {
        let altered = alter_secret(target.row, random);
        let secret = find_secret(&altered);
        let restarted = restart(session.world.release.publish(vec![altered]));
        let changes = find_changes(session, tally, &restarted, target.row);
        let baseline = find_likeliest_new_value(session, &target);
        tally.add_secret(secret, baseline, guess_new_value(&changes));
    }
}
