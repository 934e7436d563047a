//! Attacks that average the noise away, over populations, over paraphrases or by regression.

use rand::rngs::StdRng;
use wayin_engine::index::Bitmap;
use wayin_engine::predicate::{Comparison, InitiativePredicate, InitiativeTest, Predicate, WayInComparison};
use wayin_entity::{Challenge, ChallengeStep, Condition};

use crate::ask::Asker;
use crate::bases::Session;
use crate::conditions::{
    NOT_RECORDED, VALUE_COUNT, Values, add, everyone, everyone_but, has_secret, has_step, subtract,
};
use crate::populations::{PopulationSource, RandomPopulation};
use crate::regression::{Estimates, Regression};
use crate::score::{Attack, Guess, Tally, find_largest};

pub const ATTACKS: &[Attack] = &[
    Attack {
        name: "8. averaging over populations",
        run: average_populations,
    },
    Attack {
        name: "9. averaging over paraphrases",
        run: average_paraphrases,
    },
    Attack {
        name: "10. regression over random populations",
        run: regress,
    },
];

/// How many populations with a target are compared.
const POPULATIONS_OF_TARGET: usize = 40;
/// How many populations are drawn. More than half have a given record with a place.
const DRAWN_POPULATIONS: usize = 100;

/// Compares random populations with the same ones without the target, and guesses the value whose mean difference is
/// largest. Would succeed if the noise of different populations were independent, and the target the only difference.
fn average_populations(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally) {
    let source = PopulationSource::new(session);
    let populations: Vec<RandomPopulation> = (0..DRAWN_POPULATIONS)
        .map(|_| source.draw_places(random))
        .collect();
    for target in session.pick(random, |target| target.row.place.is_some(), |_| true) {
        let Some(position) = session.world.release.snapshot.find_row(target.row.id) else {
            continue;
        };
        let mut sums: Values = [0; VALUE_COUNT];
        let with_target = populations
            .iter()
            .filter(|population| population.contains(position));
        for population in with_target.take(POPULATIONS_OF_TARGET) {
            let condition = population.condition.clone();
            let without = Predicate::All(vec![condition.clone(), everyone_but(target.row.id)]);
            sums = add(sums, session.asker.find_differences(condition, without));
        }
        tally.add(&target, guess_largest(sums));
    }
}

/// The value whose sum of differences is largest.
fn guess_largest(sums: Values) -> Guess {
    Guess::uncertain(find_largest(sums.map(|sum| sum as f64)))
}

/// The forms of a paraphrase.
const FORM_COUNT: usize = 5;
/// The conditions that a paraphrase can add: each form is asked with each.
const ADDED_COUNT: usize = 4;

/// Asks the questions of differencing by id in twenty ways, and guesses the value whose mean difference is largest. Would
/// succeed if the noise depended on how a question is written.
fn average_paraphrases(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally) {
    for target in session.pick_any(random) {
        let mut sums: Values = [0; VALUE_COUNT];
        for form in 0..FORM_COUNT {
            for added in (0..ADDED_COUNT).map(always_true_condition) {
                let count = |population| count_paraphrased(&session.asker, form, population, &added);
                let differences = subtract(count(everyone()), count(everyone_but(target.row.id)));
                sums = add(sums, differences);
            }
        }
        tally.add(&target, guess_largest(sums));
    }
}

/// A condition that is TRUE for every record.
fn always_true_condition(number: usize) -> InitiativePredicate {
    let known_or_not = |test: fn(bool) -> InitiativeTest| {
        let tests = [true, false]
            .into_iter()
            .map(|known| Predicate::Test(test(known)));
        Predicate::Any(tests.collect())
    };
    match number {
        0 => everyone(),
        1 => known_or_not(|known| InitiativeTest::WayIn(None, WayInComparison::Known(known))),
        2 => known_or_not(|known| InitiativeTest::Change(Condition::Governance, Comparison::Known(known))),
        _ => {
            let any_step = Comparison::OneOf(ChallengeStep::ALL.to_vec());
            let of = Challenge::FosteringConditions;
            Predicate::Any(vec![
                Predicate::Test(InitiativeTest::Step(of, any_step)),
                has_step(of, NOT_RECORDED),
            ])
        }
    }
}

/// Counts each value of the secret in a population, in one of several forms. `added` is TRUE for every record.
fn count_paraphrased(
    asker: &Asker<'_>,
    form: usize,
    population: InitiativePredicate,
    added: &InitiativePredicate,
) -> Values {
    let added = added.clone();
    match form {
        0 => asker.count_values(Predicate::All(vec![population.negated().negated(), added])),
        1 => {
            let nested = Predicate::Any(vec![Predicate::All(vec![added, population])]);
            asker.count_values(Predicate::All(vec![nested, everyone()]))
        }
        2 => asker.count_values(Predicate::Any(vec![population.negated(), added.negated()]).negated()),
        3 => std::array::from_fn(|value| {
            asker.count_both(population.clone(), has_secret(value), added.clone())
        }),
        _ => std::array::from_fn(|value| {
            asker.count_both(has_secret(value), added.clone(), population.clone())
        }),
    }
}

/// Counts each value in many random populations, and estimates by least squares which value each hidden record has. Would
/// succeed if populations could divide the records as finely as the attacker knows them.
fn regress(session: &Session<'_>, random: &mut StdRng, tally: &mut Tally) {
    let snapshot = &session.world.release.snapshot;
    let mut is_hidden = vec![false; session.world.rows.len()];
    session.hidden().iter().for_each(|index| is_hidden[*index] = true);
    let mut first_row = 0;
    let hidden_rows: Vec<Bitmap> = snapshot
        .chunks
        .iter()
        .map(|chunk| {
            let start = first_row;
            first_row += chunk.len();
            Bitmap::from_fn(chunk.len(), |row| is_hidden[start + row])
        })
        .collect();
    let source = PopulationSource::new(session);
    let (mut counts, mut populations) = (Vec::new(), Vec::new());
    for _ in 0..session.sizes.populations {
        let population = source.draw(random);
        let hidden = population.members.iter().zip(&hidden_rows);
        populations.push(
            hidden
                .map(|(members, hidden)| members.intersection(hidden))
                .collect(),
        );
        let of_population = session.asker.count_values(population.condition);
        counts.push(of_population.map(|count| count as f64));
    }
    let estimates: Vec<Estimates> = Regression::new(snapshot, populations).solve(&counts);
    for target in session.pick_any(random) {
        tally.add(&target, Guess::uncertain(find_largest(estimates[target.index])));
    }
}
