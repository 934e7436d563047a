//! Random draws from a fixed seed, in integers only, so that every machine draws the same.

use rand::{Rng, SeedableRng, rngs::StdRng};

/// A random number generator.
pub(super) struct SampleRng(StdRng);

impl SampleRng {
    /// A generator that draws the same each time.
    pub(super) fn from_seed(seed: u64) -> Self {
        Self(StdRng::seed_from_u64(seed))
    }

    /// A number below `limit`; 0 if the limit is 0.
    pub(super) fn number_below(&mut self, limit: u32) -> u32 {
        self.0.random_range(0..limit.max(1))
    }

    /// A number from `low` to `high`, inclusive.
    pub(super) fn number_between(&mut self, low: u32, high: u32) -> u32 {
        low + self.number_below(high.saturating_sub(low) + 1)
    }

    /// True with a probability of `percent`.
    pub(super) fn chance(&mut self, percent: u32) -> bool {
        self.number_below(100) < percent
    }

    /// The value with a probability of `percent`.
    pub(super) fn maybe<T>(&mut self, percent: u32, value: T) -> Option<T> {
        self.chance(percent).then_some(value)
    }

    /// One of the items, all equally likely; none if there are no items.
    pub(super) fn choose<'a, T>(&mut self, listed: &'a [T]) -> Option<&'a T> {
        let limit = u32::try_from(listed.len()).unwrap_or(u32::MAX);
        listed.get(self.number_below(limit) as usize)
    }

    /// One of the values, with probabilities in proportion to their weights.
    pub(super) fn choose_weighted<T: Copy>(&mut self, first: (T, u32), others: &[(T, u32)]) -> T {
        let total = first.1 + others.iter().map(|(_, weight)| weight).sum::<u32>();
        let mut drawn = self.number_below(total);
        for (value, weight) in std::iter::once(&first).chain(others) {
            if drawn < *weight {
                return *value;
            }
            drawn -= weight;
        }
        first.0
    }
}
