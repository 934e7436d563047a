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
