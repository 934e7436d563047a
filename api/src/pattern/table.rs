//! The nine counts of two three-valued conditions, and the table they make.

use std::ops::AddAssign;

use super::index::{Bits, Truths};
use crate::truth::Truth;

/// How many initiatives stand in each of the nine combinations of two conditions.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Nine([u64; 9]);

const TRUTHS: [Truth; 3] = [Truth::True, Truth::False, Truth::Unknown];

const fn cell(when: Truth, then: Truth) -> usize {
    when as usize * 3 + then as usize
}

impl Nine {
    /// Counts one chunk's initiatives of `among`.
    pub fn count(when: &Truths, then: &Truths, among: &Bits) -> Self {
        let states = |of: &Truths| {
            [
                of.yes.clone(),
                of.no.clone(),
                Bits::without(&Bits::without(among, &of.yes), &of.no),
            ]
        };
        let (whens, thens) = (states(when), states(then));
        let mut counts = Self::default();
        for (w, when) in whens.iter().enumerate() {
            let when = when.and(among);
            for (t, then) in thens.iter().enumerate() {
                counts.0[w * 3 + t] = when.and(then).count();
            }
        }
        counts
    }

    /// Counts one initiative.
    pub fn add(&mut self, when: Truth, then: Truth) {
        self.0[cell(when, then)] += 1;
    }

    /// How many there are of which `when` and `then` are so.
    pub const fn of(&self, when: Truth, then: Truth) -> u64 {
        self.0[cell(when, then)]
    }

    /// The table that the counts make.
    pub fn table(&self) -> Table {
        use Truth::{False, True, Unknown};
        let (both, when_only) = (self.of(True, True), self.of(True, False));
        let (then_only, neither) = (self.of(False, True), self.of(False, False));
        let population = self.0.iter().sum();
        Table {
            population,
            both,
            when_only,
            then_only,
            neither,
            unknown: population - both - when_only - then_only - neither,
            when_unknown: TRUTHS.iter().map(|then| self.of(Unknown, *then)).sum(),
            then_unknown: TRUTHS.iter().map(|when| self.of(*when, Unknown)).sum(),
        }
    }

    /// The least and the most that the rate of `then` among `when` can be, whatever
    /// the unknowns are; none where there may be no `when` at all.
    pub fn bounds(&self) -> Option<(f64, f64)> {
        use Truth::{False, True, Unknown};
        let (both, when_only, then_unknown) =
            (self.of(True, True), self.of(True, False), self.of(True, Unknown));
        let undecided = self.of(Unknown, Unknown);
        if both + when_only + then_unknown == 0 {
            return None;
        }
        let least =
            both as f64 / (both + when_only + then_unknown + self.of(Unknown, False) + undecided) as f64;
        let could_be = both + then_unknown + self.of(Unknown, True) + undecided;
        Some((least, could_be as f64 / (could_be + when_only) as f64))
    }
}

impl AddAssign for Nine {
    fn add_assign(&mut self, other: Self) {
        for (mine, more) in self.0.iter_mut().zip(other.0) {
            *mine += more;
        }
    }
}

/// The two-by-two table of what is known, and how many are not.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Table {
    /// All that were asked about.
    pub population: u64,
    /// Both conditions are TRUE.
    pub both: u64,
    /// `when` is TRUE and `then` FALSE.
    pub when_only: u64,
    /// `when` is FALSE and `then` TRUE.
    pub then_only: u64,
    /// Both are FALSE.
    pub neither: u64,
    /// One of them or both are UNKNOWN.
    pub unknown: u64,
    /// `when` is UNKNOWN.
    pub when_unknown: u64,
    /// `then` is UNKNOWN.
    pub then_unknown: u64,
}

impl Table {
    /// How many have `when`, of those of which both are known.
    pub const fn when(&self) -> u64 {
        self.both + self.when_only
    }

    /// How many have not, of those of which both are known.
    pub const fn otherwise(&self) -> u64 {
        self.then_only + self.neither
    }
}

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    /// Every way in which a few unknown truths can turn out.
    fn outcomes(pairs: &[(Truth, Truth)]) -> Vec<Vec<(bool, bool)>> {
        let could = |truth: Truth| match truth {
            Truth::True => vec![true],
            Truth::False => vec![false],
            Truth::Unknown => vec![true, false],
        };
        let mut all: Vec<Vec<(bool, bool)>> = vec![Vec::new()];
        for (when, then) in pairs {
            let mut longer = Vec::new();
            for so_far in &all {
                for when in could(*when) {
                    for then in could(*then) {
                        let mut one = so_far.clone();
                        one.push((when, then));
                        longer.push(one);
                    }
                }
            }
            all = longer;
        }
        all
    }

    #[test]
    fn bounds_hold_whatever_the_unknowns_are_and_are_reached() {
        let mut random = StdRng::seed_from_u64(3);
        for _ in 0..300 {
            let pairs: Vec<(Truth, Truth)> = (0..random.random_range(1..6))
                .map(|_| {
                    (
                        TRUTHS[random.random_range(0..3)],
                        TRUTHS[random.random_range(0..3)],
                    )
                })
                .collect();
            let mut counts = Nine::default();
            pairs.iter().for_each(|(when, then)| counts.add(*when, *then));
            let rates: Vec<f64> = outcomes(&pairs)
                .iter()
                .filter_map(|outcome| {
                    let with = outcome.iter().filter(|(when, _)| *when).count();
                    let both = outcome.iter().filter(|(when, then)| *when && *then).count();
                    (with > 0).then(|| both as f64 / with as f64)
                })
                .collect();
            let Some((least, most)) = counts.bounds() else {
                continue;
            };
            let found = rates.iter().fold((f64::MAX, f64::MIN), |(low, high), rate| {
                (low.min(*rate), high.max(*rate))
            });
            assert!(
                (least - found.0).abs() < 1e-9 && (most - found.1).abs() < 1e-9,
                "{pairs:?}: {least} to {most}, {found:?}"
            );
        }
    }

    #[test]
    fn a_table_accounts_for_everybody() {
        let mut counts = Nine::default();
        for (index, (when, then)) in TRUTHS
            .iter()
            .flat_map(|when| TRUTHS.map(|then| (*when, then)))
            .enumerate()
        {
            (0..=index).for_each(|_| counts.add(when, then));
        }
        let table = counts.table();
        assert_eq!(table.population, 45);
        assert_eq!(
            (table.both, table.when_only, table.then_only, table.neither),
            (1, 2, 4, 5)
        );
        assert_eq!(table.unknown, 45 - 12);
        assert_eq!((table.when_unknown, table.then_unknown), (7 + 8 + 9, 3 + 6 + 9));
    }
}
