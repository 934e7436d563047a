//! Guesses, and how often they are right.

use std::collections::BTreeMap;

use rand::rngs::StdRng;

use crate::bases::{Session, Target};
use crate::conditions::{VALUE_COUNT, Values};

/// The number of standard errors between a mean and its upper bound.
const BOUND_ERRORS: f64 = 1.96;

/// An attack on the targets of one asker.
pub struct Attack {
    pub name: &'static str,
    pub run: fn(&Session<'_>, &mut StdRng, &mut Tally),
}

/// What an attack says of one target.
#[derive(Clone, Copy, Debug, Default)]
pub struct Guess {
    /// The value; none if the attack found no information.
    pub value: Option<usize>,
    /// Whether the attacker believes it to be proved.
    pub certain: bool,
}

impl Guess {
    /// A guess that is not proved.
    pub fn uncertain(value: Option<usize>) -> Self {
        Self {
            value,
            certain: false,
        }
    }

    /// The guess from the counts of two populations that differ, as the attacker believes, only in the target. Equal sets
    /// have equal counts, so the value is proved if only its count differs. Otherwise it is the one that differs most.
    pub fn from_differences(differences: Values) -> Self {
        let mut differing = (0..VALUE_COUNT).filter(|value| differences[*value] != 0);
        match (differing.next(), differing.next()) {
            (Some(value), None) => Self {
                value: Some(value),
                certain: true,
            },
            _ => Self::uncertain(find_largest(differences.map(|difference| difference as f64))),
        }
    }
}

/// The value with the largest estimate; none if no estimate is above 0.
pub fn find_largest(estimates: [f64; VALUE_COUNT]) -> Option<usize> {
    let (mut found, mut largest) = (None, 0.0);
    for (value, estimate) in estimates.into_iter().enumerate() {
        if estimate > largest {
            (found, largest) = (Some(value), estimate);
        }
    }
    found
}

#[derive(Clone, Copy, Debug)]
struct Trial {
    certain: bool,
    is_right: bool,
    is_baseline_right: bool,
}

/// The guesses of one attack by one asker over one base.
#[derive(Default)]
pub struct Tally {
    trials: Vec<Trial>,
    /// How many questions were asked, repeated ones included.
    pub questions: usize,
    /// Further results: how often they were right.
    notes: BTreeMap<&'static str, usize>,
}

impl Tally {
    /// Adds a guess at the secret of a target.
    pub fn add(&mut self, target: &Target<'_>, guess: Guess) {
        self.add_secret(target.secret, target.majority, guess);
    }

    /// Adds a guess at any secret. `baseline` is the guess of someone who asks nothing about the target.
    pub fn add_secret(&mut self, secret: usize, baseline: usize, guess: Guess) {
        self.trials.push(Trial {
            certain: guess.certain,
            is_right: guess.value.unwrap_or(baseline) == secret,
            is_baseline_right: baseline == secret,
        });
    }

    /// Adds a further result.
    pub fn add_note(&mut self, what: &'static str, is_right: bool) {
        *self.notes.entry(what).or_default() += usize::from(is_right);
    }

    pub fn is_empty(&self) -> bool {
        self.trials.is_empty()
    }

    /// The further results in words.
    pub fn list_notes(&self) -> Vec<String> {
        let target_count = self.trials.len();
        let notes = self.notes.iter();
        notes
            .map(|(what, right)| format!("{what}: {right} of {target_count}"))
            .collect()
    }

    /// The cells of the table after the names of the attack, the asker and the base.
    pub fn render(&self) -> String {
        let count = |is_counted: fn(&Trial) -> bool| self.trials.iter().filter(|one| is_counted(one)).count();
        let target_count = self.trials.len() as f64;
        let percent = |count: usize| 100.0 * count as f64 / target_count;
        let (mean, bound) = self.find_excess();
        format!(
            "{} | {}/{} | {:.1} % | {:.1} % | {:+.1} (at most {:+.1}) | {:.1}",
            self.trials.len(),
            count(|one| one.certain && one.is_right),
            count(|one| one.certain),
            percent(count(|one| one.is_right)),
            percent(count(|one| one.is_baseline_right)),
            100.0 * mean,
            100.0 * bound,
            self.questions as f64 / target_count,
        )
    }

    /// The mean over the targets of how much the guess is better than the baseline, and the upper bound of the mean.
    fn find_excess(&self) -> (f64, f64) {
        let as_number = |is_right: bool| f64::from(u8::from(is_right));
        let gain = |one: &Trial| as_number(one.is_right) - as_number(one.is_baseline_right);
        let count = self.trials.len() as f64;
        let mean = self.trials.iter().map(gain).sum::<f64>() / count;
        let squares: f64 = self.trials.iter().map(|one| (gain(one) - mean).powi(2)).sum();
        let variance = squares / (count - 1.0).max(1.0);
        (mean, mean + BOUND_ERRORS * (variance / count).sqrt())
    }
}
