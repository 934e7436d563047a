//! Who leads the hidden initiatives of a cell, in a few bytes: whether at least five
//! organisations do, and which one alone could lead more than half.
//!
//! The candidate is found as in J. S. Moore and R. S. Boyer, "MJRTY: a fast majority
//! vote algorithm" (1991); summaries of parts are merged as in P. K. Agarwal et al.,
//! "Mergeable summaries", ACM Transactions on Database Systems 38 (2013): whoever leads
//! more than half of the whole is still the candidate.

/// Beyond so many organisations their number does not matter.
pub const ENOUGH: u8 = 5;

/// A summary of who leads some initiatives.
#[derive(Clone, Copy, Debug, Default)]
pub struct Contributors {
    seen: [u32; ENOUGH as usize - 1],
    distinct: u8,
    candidate: u32,
    ahead: u32,
}

impl Contributors {
    /// Counts one initiative of an organisation.
    pub fn add(&mut self, organisation: u32) {
        if self.distinct < ENOUGH {
            self.see(organisation);
        }
        // One more for the candidate, or one less; whoever comes when nobody is ahead is the
        // next candidate. Written without branches, which could not be foretold.
        let free = self.ahead == 0;
        self.candidate = if free { organisation } else { self.candidate };
        let agrees = u32::from(self.candidate == organisation);
        self.ahead = self.ahead + 2 * agrees - 1;
    }

    fn see(&mut self, organisation: u32) {
        if self.distinct == ENOUGH || self.known().contains(&organisation) {
            return;
        }
        if let Some(free) = self.seen.get_mut(usize::from(self.distinct)) {
            *free = organisation;
        }
        self.distinct += 1;
    }

    fn known(&self) -> &[u32] {
        &self.seen[..usize::from(self.distinct).min(self.seen.len())]
    }

    /// The summary of two parts that share no initiative.
    #[must_use]
    pub fn merged(&self, other: &Self) -> Self {
        let mut merged = *self;
        if other.distinct == ENOUGH {
            merged.distinct = ENOUGH;
        } else {
            other
                .known()
                .iter()
                .for_each(|organisation| merged.see(*organisation));
        }
        if merged.candidate == other.candidate {
            merged.ahead += other.ahead;
        } else if merged.ahead >= other.ahead {
            merged.ahead -= other.ahead;
        } else {
            merged.candidate = other.candidate;
            merged.ahead = other.ahead - merged.ahead;
        }
        merged
    }

    /// How many organisations there are; [`ENOUGH`] stands for so many or more.
    pub fn organisations(&self) -> u8 {
        self.distinct
    }

    /// The organisation that leads more than half, if any does.
    pub fn candidate(&self) -> u32 {
        self.candidate
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    #[test]
    fn a_summary_of_parts_finds_the_majority_and_counts_to_five() {
        let mut random = StdRng::seed_from_u64(13);
        for _ in 0..2_000 {
            let organisations = random.random_range(1..9);
            let favoured = random.random_range(0..organisations);
            let parts: Vec<Vec<u32>> = (0..random.random_range(1..5))
                .map(|_| {
                    (0..random.random_range(0..40))
                        .map(|_| {
                            if random.random_ratio(1, 2) {
                                favoured
                            } else {
                                random.random_range(0..organisations)
                            }
                        })
                        .collect()
                })
                .collect();
            let summary = parts
                .iter()
                .map(|part| {
                    let mut summary = Contributors::default();
                    part.iter().for_each(|one| summary.add(*one));
                    summary
                })
                .reduce(|a, b| a.merged(&b))
                .unwrap();
            let mut counts: HashMap<u32, usize> = HashMap::new();
            parts
                .iter()
                .flatten()
                .for_each(|one| *counts.entry(*one).or_default() += 1);
            let all: usize = counts.values().sum();
            assert_eq!(
                usize::from(summary.organisations()),
                counts.len().min(5),
                "{parts:?}"
            );
            if let Some((majority, _)) = counts.iter().find(|(_, count)| **count * 2 > all) {
                assert_eq!(summary.candidate(), *majority, "{parts:?}");
            }
        }
    }
}
