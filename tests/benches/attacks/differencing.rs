//! Attacks that compare a population with the same population without the target.

use std::collections::HashMap;

use rand::rngs::StdRng;
use wayin_engine::index::IndexedInitiative;
use wayin_engine::predicate::Predicate;
use wayin_entity::{Challenge, Condition, Dimension};

use crate::ask::Asker;
use crate::bases::{Session, find_commonest};
use crate::conditions::{
    VALUE_COUNT, Values, everyone, everyone_but, find_change, find_step, has_change, has_secret, is_in_place,
    is_record, subtract,
};
use crate::keys::{Key, ListKeys, pick_by_key};
use crate::score::{Attack, Guess, Tally, find_largest};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "1. differencing by place",
        run: |session, random, tally| compare_without_key(session, random, tally, Key::of_place),
    },
    Attack {
        name: "2. by place and funder",
        run: |session, random, tally| compare_without_key(session, random, tally, Key::of_place_and_funders),
    },
    Attack {
        name: "3. by place and year of start",
        run: |session, random, tally| compare_without_key(session, random, tally, Key::of_place_and_year),
    },
    Attack {
        name: "4. by id",
        run: compare_without_id,
    },
    Attack {
        name: "5. by id, in grids with every dimension",
        run: compare_grids,
    },
    Attack {
        name: "6. whole profile by id",
        run: compare_profiles,
    },
    Attack {
        name: "7. direct count, and total less complement",
        run: subtract_complement,
    },
    Attack {
        name: "11. exact count of a small place",
        run: count_small_places,
    },
];

/// Compares all records with all that do not have a key of the target. Would succeed if the target were the only record
/// between both populations. It is certain only of targets that are alone with their key.
fn compare_without_key(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally, list_keys: ListKeys) {
    for keyed in pick_by_key(session, random, list_keys) {
        let without = keyed.key.to_condition(session).negated();
        let mut guess = Guess::from_differences(session.asker.find_differences(everyone(), without));
        guess.certain &= keyed.sharing == 1;
        tally.add(&keyed.target, guess);
    }
}

/// Compares all records with all but the target. Would succeed if a condition could exclude a single record.
fn compare_without_id(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally) {
    for target in session.pick_any(random) {
        let without = everyone_but(target.row.id);
        let differences = session.asker.find_differences(everyone(), without);
        tally.add(&target, Guess::from_differences(differences));
    }
}

/// Compares the totals and the cells of grids of all records and of all but the target. Would succeed if any of the many
/// counts with one value of the secret changed without the target, and none with another value.
fn compare_grids(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally) {
    let is_other = |dimension: &&Dimension| **dimension != Dimension::ChallengeAmbitions;
    for target in session.pick_any(random) {
        let mut differs = [false; VALUE_COUNT];
        let mut sums: Values = [0; VALUE_COUNT];
        for dimension in Dimension::ALL.iter().filter(is_other) {
            let of = session.asker.count_grid(*dimension, everyone());
            let without = session.asker.count_grid(*dimension, everyone_but(target.row.id));
            for (value, (of, without)) in of.iter().zip(&without).enumerate() {
                differs[value] |= of != without;
                sums[value] += of.iter().sum::<i64>() - without.iter().sum::<i64>();
            }
        }
        let mut differing = (0..VALUE_COUNT).filter(|value| differs[*value]);
        let guess = match (differing.next(), differing.next()) {
            (Some(value), None) => Guess {
                value: Some(value),
                certain: true,
            },
            _ => Guess::uncertain(find_largest(sums.map(|sum| sum as f64))),
        };
        tally.add(&target, guess);
    }
}

/// A protected answer of a profile.
#[derive(Clone, Copy)]
enum Field {
    Step(Challenge, Dimension),
    Change(Condition),
}

/// The secret comes first.
const PROFILE: [Field; 4] = [
    Field::Step(Challenge::DefiningAmbitions, Dimension::ChallengeAmbitions),
    Field::Step(
        Challenge::UnderstandingLocalSystem,
        Dimension::ChallengeUnderstanding,
    ),
    Field::Step(Challenge::FosteringConditions, Dimension::ChallengeConditions),
    Field::Change(Condition::Governance),
];

impl Field {
    fn find_value(self, row: &IndexedInitiative) -> usize {
        match self {
            Self::Step(challenge, _) => find_step(row, challenge),
            Self::Change(condition) => find_change(row, condition),
        }
    }

    fn find_differences(self, asker: &Asker<'_>, row: &IndexedInitiative) -> Values {
        match self {
            Self::Step(_, dimension) => subtract(
                asker.count_by(dimension, everyone()),
                asker.count_by(dimension, everyone_but(row.id)),
            ),
            Self::Change(condition) => std::array::from_fn(|value| {
                let change = has_change(condition, value);
                let of = asker.count_where(change.clone(), everyone());
                of - asker.count_where(change, everyone_but(row.id))
            }),
        }
    }
}

/// Compares all records with all but the target, for each answer of a profile. It is certain if it is of each answer. The
/// table has the guess at the secret. The notes have whole profiles, where an answer without information is guessed as the
/// commonest of the class.
fn compare_profiles(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally) {
    for target in session.pick_any(random) {
        let guesses =
            PROFILE.map(|field| Guess::from_differences(field.find_differences(&session.asker, target.row)));
        let truths = PROFILE.map(|field| field.find_value(target.row));
        let commonest = PROFILE.map(|field| {
            let members = session.list_members(target.class);
            find_commonest(members.map(|row| field.find_value(row)))
        });
        let guessed: Vec<usize> = guesses
            .iter()
            .zip(commonest)
            .map(|(guess, commonest)| guess.value.unwrap_or(commonest))
            .collect();
        tally.add_note("whole profiles guessed right", guessed == truths);
        tally.add_note(
            "whole profiles right by the commonest answers of the class",
            commonest == truths,
        );
        let guess = Guess {
            certain: guesses.iter().all(|guess| guess.certain),
            ..guesses[0]
        };
        tally.add(&target, guess);
    }
}

/// Counts each value of the target itself, and adds the total less the count of all that are not the target with this
/// value. Would succeed if either count were of a single record.
fn subtract_complement(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally) {
    let asker = &session.asker;
    for target in session.pick_any(random) {
        let total = asker.count_where(everyone(), everyone());
        let differences: Values = std::array::from_fn(|value| {
            let itself = is_record(target.row.id);
            let direct = asker.count_where(has_secret(value), itself.clone());
            let complement = Predicate::All(vec![has_secret(value), itself]).negated();
            direct + total - asker.count_where(everyone(), complement)
        });
        tally.add(&target, Guess::from_differences(differences));
    }
}

/// A place with fewer hidden records than this is small.
const SMALL_PLACE_COUNT: usize = 10;

/// Guesses the number of hidden records in the place of the target, from the total less the complement. The secret is this
/// number, and the baseline is the commonest number among the targets.
fn count_small_places(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally) {
    let mut counts: HashMap<u32, usize> = HashMap::new();
    for place in session.hidden_rows().filter_map(|row| row.place) {
        *counts.entry(place).or_default() += 1;
    }
    let find_count = |row: &IndexedInitiative| row.place.map_or(0, |place| counts[&place]);
    let targets = session.pick(
        random,
        |target| target.row.place.is_some(),
        |target| find_count(target.row) < SMALL_PLACE_COUNT,
    );
    let baseline = find_commonest(targets.iter().map(|target| find_count(target.row)));
    let total = session.asker.count_where(everyone(), everyone());
    for target in targets {
        let Some(place) = target.row.place else {
            continue;
        };
        let inside = is_in_place(&session.world.release.snapshot.places, place);
        let difference = total - session.asker.count_where(everyone(), inside.negated());
        let guessed = usize::try_from(difference).ok().filter(|count| *count > 0);
        tally.add_secret(find_count(target.row), baseline, Guess::uncertain(guessed));
    }
}
