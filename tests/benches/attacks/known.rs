//! Attacks by someone who knows more: one answer of the target, that the records of a class may agree, or the answers to
//! another role.

use rand::rngs::StdRng;
use wayin_engine::predicate::InitiativePredicate;
use wayin_engine::visibility::Reader;
use wayin_entity::Challenge;

use crate::ask::Asker;
use crate::bases::{AskerKind, Session, Target};
use crate::conditions::{
    VALUE_COUNT, Values, add, everyone, everyone_but, find_step, has_secret, has_step, is_record, subtract,
};
use crate::keys::{Key, ListKeys, pick_by_key};
use crate::score::{Attack, Guess, Tally, find_largest};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "12a. knowing one answer, with the id",
        run: use_answer_and_id,
    },
    Attack {
        name: "12b. knowing one answer, with place and year",
        run: |session, random, tally| use_answer_and_key(session, random, tally, Key::of_place_and_year),
    },
    Attack {
        name: "12c. knowing one answer, with the funder",
        run: |session, random, tally| use_answer_and_key(session, random, tally, Key::of_funders),
    },
    Attack {
        name: "13. a class whose members agree",
        run: compare_single_values,
    },
    Attack {
        name: "14. the roles of dashboard and partner",
        run: combine_roles,
    },
];

/// The step that the attacker knows.
const KNOWN_CHALLENGE: Challenge = Challenge::UnderstandingLocalSystem;

/// Compares all records with all that are not in a part or do not have the known answer of the target.
fn compare_with_answer(session: &Session<'_>, target: &Target<'_>, part: InitiativePredicate) -> Guess {
    let known = has_step(KNOWN_CHALLENGE, find_step(target.row, KNOWN_CHALLENGE));
    let without = part.and(known).negated();
    Guess::from_differences(session.asker.find_differences(everyone(), without))
}

/// Excludes the target by its id and its known answer. Would succeed if the known answer singled it out in its class.
fn use_answer_and_id(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally) {
    for target in session.pick_any(random) {
        let guess = compare_with_answer(session, &target, is_record(target.row.id));
        tally.add(&target, guess);
    }
}

/// Excludes the target by key variables and its known answer. Would succeed if both singled it out. It is certain only of
/// targets that are alone with their key.
fn use_answer_and_key(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally, list_keys: ListKeys) {
    for keyed in pick_by_key(session, random, list_keys) {
        let mut guess = compare_with_answer(session, &keyed.target, keyed.key.to_condition(session));
        guess.certain &= keyed.sharing == 1;
        tally.add(&keyed.target, guess);
    }
}

/// Compares all records with all but the target, with one question for each value. Takes targets first in classes where
/// three in four agree. Would succeed if the counts of a class were of one value only, as the attacker then knows the value
/// of the target without knowing which record is which.
fn compare_single_values(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally) {
    let agrees = |target: &Target<'_>| {
        let counts = session.count_members(target.class);
        counts[target.majority] * 4 >= counts.iter().sum::<usize>() * 3
    };
    for target in session.pick(random, |_| true, agrees) {
        let differences = std::array::from_fn(|value| {
            let of = session.asker.count_where(has_secret(value), everyone());
            let without = everyone_but(target.row.id);
            of - session.asker.count_where(has_secret(value), without)
        });
        tally.add(&target, Guess::from_differences(differences));
    }
}

/// One person asks as a dashboard and as a member. Subtracts what the member can read from the counts of the dashboard, so
/// that both are about the records that neither can read, and compares all records with all but the target. Would succeed
/// if the classes of both roles had only the target in common. Only the partner does this.
fn combine_roles(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally) {
    if session.kind != AskerKind::Partner {
        return;
    }
    let member = &session.asker;
    let dashboard = Asker::new(&session.world.release, &session.world.tools, Reader::Dashboard);
    let count_for_dashboard = |population: InitiativePredicate| {
        let hidden = dashboard.count_values(population.clone());
        let readable = subtract(
            member.count_visible_values(population.clone()),
            dashboard.count_visible_values(population),
        );
        subtract(hidden, readable)
    };
    for target in session.pick_any(random) {
        let without = everyone_but(target.row.id);
        let for_member = member.find_differences(everyone(), without.clone());
        let for_dashboard = subtract(count_for_dashboard(everyone()), count_for_dashboard(without));
        tally.add(&target, intersect(for_member, for_dashboard));
    }
    tally.questions += dashboard.take_asked();
}

/// The guess from the values that differ for both roles; from either if there are none.
fn intersect(for_member: Values, for_dashboard: Values) -> Guess {
    let sums = add(for_member, for_dashboard);
    let is_in_both = |value: usize| for_member[value] != 0 && for_dashboard[value] != 0;
    let in_both = (0..VALUE_COUNT).filter(|value| is_in_both(*value));
    match in_both.collect::<Vec<_>>()[..] {
        [] => Guess::uncertain(find_largest(sums.map(|sum| sum as f64))),
        [value] => Guess {
            value: Some(value),
            certain: true,
        },
        _ => Guess::uncertain(find_largest(std::array::from_fn(|value| {
            if is_in_both(value) {
                sums[value] as f64
            } else {
                0.0
            }
        }))),
    }
}
