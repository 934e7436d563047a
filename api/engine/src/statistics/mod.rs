//! Statistics of two-by-two tables, with the source of each formula. No function returns NaN or infinity: a statistic that
//! cannot be computed is none.

pub mod fisher;
pub mod independence;
pub mod multiple_testing;
mod proportion;
pub mod stratified;
#[cfg(test)]
mod tests;
mod two_by_two;

pub use self::proportion::proportion;
pub use self::two_by_two::{compute_difference_p_value, odds_ratio, phi, risk_difference, risk_ratio};

/// The 97.5% quantile of the standard normal distribution, for two-sided 95% intervals.
const NORMAL_QUANTILE_975: f64 = 1.959_963_984_540_054;

/// A count with the variance of its noise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Count {
    /// The count.
    pub n: u64,
    /// The variance of the noise from disclosure control, in counts squared; 0 if the count is exact.
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

/// The four cells of a two-by-two table.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TwoByTwoCounts {
    /// Both conditions are true.
    pub both: Count,
    /// `when` is true and `then` is false.
    pub when_only: Count,
    /// `then` is true and `when` is false.
    pub then_only: Count,
    /// Both are false.
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

    /// The sum of the four cells.
    pub const fn total(&self) -> u64 {
        self.both.n + self.when_only.n + self.then_only.n + self.neither.n
    }

    /// Whether a row or a column is empty.
    fn has_empty_margin(&self) -> bool {
        let [a, b, c, d] = self.values();
        [a + b, c + d, a + c, b + d].contains(&0.0)
    }
}

/// An estimate with its 95% confidence interval. All numbers are finite, and the value is within the interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The value.
    pub value: f64,
    /// The lower end of the interval.
    pub lower: f64,
    /// The upper end of the interval.
    pub upper: f64,
}

impl Estimate {
    /// A ratio whose logarithm has this variance; none if it is not finite.
    fn from_log_variance(value: f64, variance_of_log: f64) -> Option<Self> {
        let error = variance_of_log.max(0.0).sqrt();
        let estimate = Self {
            value,
            lower: value * (-NORMAL_QUANTILE_975 * error).exp(),
            upper: value * (NORMAL_QUANTILE_975 * error).exp(),
        };
        let is_finite = [estimate.value, estimate.lower, estimate.upper]
            .into_iter()
            .all(f64::is_finite);
        is_finite.then_some(estimate)
    }
}

/// The variance that noise adds to an estimate, by the delta method. `slopes` are the derivatives of the estimate with
/// respect to each count.
fn noise_variance(counts: &[Count], slopes: &[f64]) -> f64 {
    counts
        .iter()
        .zip(slopes)
        .map(|(count, slope)| slope * slope * count.variance)
        .sum()
}
