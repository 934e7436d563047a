//! Measures of association in one two-by-two table.

use statrs::function::erf::erfc;

use super::{Estimate, TwoByTwoCounts, noise_variance, proportion};

/// The risk difference: the rate of `then` with `when` minus the rate without, with Newcombe's hybrid score interval
/// (method 10, without continuity correction). None if a rate is none.
///
/// Source: R. G. Newcombe, "Interval estimation for the difference between independent
/// proportions: comparison of eleven methods", Statistics in Medicine 17 (1998).
pub fn risk_difference(counts: &TwoByTwoCounts) -> Option<Estimate> {
    let with = proportion(counts.both, counts.when_only)?;
    let without = proportion(counts.then_only, counts.neither)?;
    let value = with.value - without.value;
    let down = (with.value - with.lower).hypot(without.upper - without.value);
    let up = (with.upper - with.value).hypot(without.value - without.lower);
    Some(Estimate {
        value,
        lower: (value - down).max(-1.0),
        upper: (value + up).min(1.0),
    })
}

/// The two-sided p-value of the difference of the two rates by the pooled z-test, with the variance of noise added. Without
/// noise, it equals Pearson's chi-squared test without continuity correction. None if a rate is none, or if both are 0 or 1.
///
/// Source: K. Pearson, "On the criterion that a given system of deviations ... is such that it can be reasonably supposed to
/// have arisen from random sampling", Philosophical Magazine 50 (1900).
pub fn compute_difference_p_value(counts: &TwoByTwoCounts) -> Option<f64> {
    let [a, b, c, d] = counts.values();
    let (with, without) = (a + b, c + d);
    if with <= 0.0 || without <= 0.0 {
        return None;
    }
    let pooled = (a + c) / (with + without);
    let slopes = [
        b / (with * with),
        -a / (with * with),
        -d / (without * without),
        c / (without * without),
    ];
    let variance =
        pooled * (1.0 - pooled) * (1.0 / with + 1.0 / without) + noise_variance(&counts.cells(), &slopes);
    if variance <= 0.0 {
        return None;
    }
    let difference = a / with - c / without;
    Some(erfc((difference.abs() / variance.sqrt()) / std::f64::consts::SQRT_2).clamp(0.0, 1.0))
}

/// The risk ratio: the rate of `then` with `when` divided by the rate without, with Katz's log interval. None if a rate is
/// none or 0.
///
/// Source: D. Katz, J. Baptista, S. P. Azen and M. C. Pike, "Obtaining confidence
/// intervals for the risk ratio in cohort studies", Biometrics 34 (1978).
pub fn risk_ratio(counts: &TwoByTwoCounts) -> Option<Estimate> {
    let [a, b, c, d] = counts.values();
    if a <= 0.0 || c <= 0.0 {
        return None;
    }
    let (with, without) = (a + b, c + d);
    let slopes = [
        1.0 / a - 1.0 / with,
        -1.0 / with,
        -(1.0 / c - 1.0 / without),
        1.0 / without,
    ];
    let variance = 1.0 / a - 1.0 / with + 1.0 / c - 1.0 / without;
    Estimate::from_log_variance(
        (a / with) / (c / without),
        variance + noise_variance(&counts.cells(), &slopes),
    )
}

/// The odds ratio, with Wald's log interval. None if a count is 0.
///
/// Source: B. Woolf, "On estimating the relation between blood group and disease",
/// Annals of Human Genetics 19 (1955).
pub fn odds_ratio(counts: &TwoByTwoCounts) -> Option<Estimate> {
    let [a, b, c, d] = counts.values();
    if [a, b, c, d].contains(&0.0) {
        return None;
    }
    let slopes = [1.0 / a, -1.0 / b, -1.0 / c, 1.0 / d];
    let variance = 1.0 / a + 1.0 / b + 1.0 / c + 1.0 / d;
    Estimate::from_log_variance(
        (a / b) * (d / c),
        variance + noise_variance(&counts.cells(), &slopes),
    )
}

/// The phi coefficient, from -1 to 1. None if a margin is empty.
///
/// Source: K. Pearson, "On the theory of contingency and its relation to association and normal correlation" (1904). Phi
/// squared is his mean square contingency of a 2x2 table.
pub fn phi(counts: &TwoByTwoCounts) -> Option<f64> {
    if counts.has_empty_margin() {
        return None;
    }
    let [a, b, c, d] = counts.values();
    let margins = (a + b).sqrt() * (c + d).sqrt() * (a + c).sqrt() * (b + d).sqrt();
    Some(((a * d - b * c) / margins).clamp(-1.0, 1.0))
}
