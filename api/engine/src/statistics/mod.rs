//! Statistics of two-by-two tables: pure functions, each with its source. None of them
//! gives NaN or infinity: what cannot be worked out is none.

pub mod fisher;
pub mod independence;
pub mod multiple;
mod proportion;
pub mod stratified;
#[cfg(test)]
mod tests;
mod two_by_two;

pub use self::proportion::proportion;
pub use self::two_by_two::{odds_ratio, phi, risk_difference, risk_ratio};

/// The standard normal distribution's 97.5% point: two-sided 95% intervals.
const NORMAL_QUANTILE_975: f64 = 1.959_963_984_540_054;

/// A count, with the variance that disclosure control added to it: 0 where it is exact.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    /// How many.
    pub n: u64,
    /// The variance of the noise in it, in counts squared.
    pub variance: f64,
}

impl Count {
    /// A count without noise.
    pub const fn exact(n: u64) -> Self {
        Self { n, variance: 0.0 }
    }

    const fn value(self) -> f64 {
        self.n as f64
    }
}

/// The four known cells of two conditions.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TwoByTwoCounts {
    /// Both hold.
    pub both: Count,
    /// `when` holds and `then` does not.
    pub when_only: Count,
    /// `then` holds and `when` does not.
    pub then_only: Count,
    /// Neither holds.
    pub neither: Count,
}

impl TwoByTwoCounts {
    /// Counts without noise: `[both, when_only, then_only, neither]`.
    pub const fn exact([both, when_only, then_only, neither]: [u64; 4]) -> Self {
        Self {
            both: Count::exact(both),
            when_only: Count::exact(when_only),
            then_only: Count::exact(then_only),
            neither: Count::exact(neither),
        }
    }

    const fn cells(&self) -> [Count; 4] {
        [self.both, self.when_only, self.then_only, self.neither]
    }

    const fn values(&self) -> [f64; 4] {
        let [a, b, c, d] = self.cells();
        [a.value(), b.value(), c.value(), d.value()]
    }

    /// How many records the four cells hold.
    pub const fn total(&self) -> u64 {
        self.both.n + self.when_only.n + self.then_only.n + self.neither.n
    }

    /// Whether a row or a column is empty.
    fn has_empty_margin(&self) -> bool {
        let [a, b, c, d] = self.values();
        [a + b, c + d, a + c, b + d].contains(&0.0)
    }
}

/// A figure with its 95% interval, all finite, the figure within the interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// The interval's lower end.
    pub lower: f64,
    /// The interval's upper end.
    pub upper: f64,
}

impl Estimate {
    /// A ratio whose logarithm has a variance; none where it is not finite.
    fn from_log_variance(value: f64, variance_of_log: f64) -> Option<Self> {
        let error = variance_of_log.max(0.0).sqrt();
        let estimate = Self {
            value,
            lower: value * (-NORMAL_QUANTILE_975 * error).exp(),
            upper: value * (NORMAL_QUANTILE_975 * error).exp(),
        };
        let finite = [estimate.value, estimate.lower, estimate.upper]
            .iter()
            .all(|one| one.is_finite());
        finite.then_some(estimate)
    }
}

/// The variance that noise adds to a figure, by the delta method: `slopes` are the
/// figure's derivatives by each count.
fn noise_variance(counts: &[Count], slopes: &[f64]) -> f64 {
    counts
        .iter()
        .zip(slopes)
        .map(|(count, slope)| slope * slope * count.variance)
        .sum()
}
