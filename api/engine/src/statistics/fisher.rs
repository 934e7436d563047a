//! Inference conditional on the margins of a table: Fisher's exact test and the conditional odds ratio.
//!
//! `both` has Fisher's noncentral hypergeometric distribution. Each term is computed from its neighbour, outward from the
//! mode, until the terms are negligible: about ten standard deviations away.

use super::TwoByTwoCounts;

/// A table counts as no likelier than the observed one if its probability is at most this many times as large, because
/// rounding can make equal probabilities differ. R's `fisher.test` uses the same tolerance.
const EQUAL_PROBABILITY_TOLERANCE: f64 = 1.0 + 1e-7;
/// Terms below this share of the largest do not change a sum of doubles.
const NEGLIGIBLE_SHARE: f64 = 1e-20;

/// The margins of a table, and the possible range of `both`.
#[derive(Clone, Copy)]
struct TableMargins {
    with: f64,
    then: f64,
    all: f64,
    min_both: f64,
    max_both: f64,
}

impl TableMargins {
    fn from_counts(counts: &TwoByTwoCounts) -> Self {
        let [a, b, c, d] = counts.values();
        let (with, then, all) = (a + b, a + c, a + b + c + d);
        Self {
            with,
            then,
            all,
            min_both: (with + then - all).max(0.0),
            max_both: with.min(then),
        }
    }

    /// The probability of `x + 1` divided by that of `x`, at odds ratio 1.
    fn probability_ratio(&self, x: f64) -> f64 {
        (self.with - x) / (x + 1.0) * ((self.then - x) / (self.all - self.with - self.then + x + 1.0))
    }

    /// The mode of `both` at an odds ratio: where the probability ratio falls below 1.
    fn mode(&self, odds: f64) -> f64 {
        let (mut low, mut high) = (self.min_both, self.max_both);
        while low < high {
            let middle = f64::midpoint(low, high).floor();
            if self.probability_ratio(middle) * odds > 1.0 {
                low = middle + 1.0;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Calls `visit` with each `both` that is not negligible and its weight. The weight of the mode is 1.
    fn for_each_weight(&self, odds: f64, mut visit: impl FnMut(f64, f64)) {
        let mode = self.mode(odds);
        visit(mode, 1.0);
        let (mut x, mut weight) = (mode, 1.0);
        while x < self.max_both && weight > NEGLIGIBLE_SHARE {
            weight *= self.probability_ratio(x) * odds;
            x += 1.0;
            visit(x, weight);
        }
        let (mut x, mut weight) = (mode, 1.0);
        while x > self.min_both && weight > NEGLIGIBLE_SHARE {
            x -= 1.0;
            weight /= self.probability_ratio(x) * odds;
            visit(x, weight);
        }
    }

    /// The mean and the variance of `both` at an odds ratio.
    fn moments(&self, odds: f64) -> (f64, f64) {
        // Relative to the mode, because squares of large counts would cancel out the variance.
        let mode = self.mode(odds);
        let (mut sum, mut first, mut second) = (0.0, 0.0, 0.0);
        self.for_each_weight(odds, |x, weight| {
            let away = x - mode;
            sum += weight;
            first += weight * away;
            second += weight * away * away;
        });
        let mean = first / sum;
        (mode + mean, (second / sum - mean * mean).max(0.0))
    }
}

/// The two-sided p-value of Fisher's exact test: the probability, given the margins, of all tables that are no likelier
/// than the observed one. 1 if the margins allow only one table.
///
/// Source: R. A. Fisher, "Statistical methods for research workers" (5th edition, 1934), section 21.02. The tables that
/// count are those of R's `fisher.test`.
pub fn two_sided_p_value(counts: &TwoByTwoCounts) -> f64 {
    let margins = TableMargins::from_counts(counts);
    let observed = counts.both.value();
    // In logarithms, because the probability of the observed table can be too small for a double.
    let mut x = margins.mode(1.0);
    let (mut product, mut log_product) = (1.0_f64, 0.0);
    loop {
        if x < observed {
            product *= margins.probability_ratio(x);
            x += 1.0;
        } else if x > observed {
            x -= 1.0;
            product /= margins.probability_ratio(x);
        } else {
            break;
        }
        if product < 1e-200 {
            log_product += product.ln();
            product = 1.0;
        }
        if log_product < MIN_LOG_PROBABILITY {
            return 0.0;
        }
    }
    let log_observed = product.ln() + log_product;
    let limit = log_observed.exp() * EQUAL_PROBABILITY_TOLERANCE;
    if limit <= NEGLIGIBLE_SHARE {
        return far_tail_p_value(&margins, observed, log_observed);
    }
    let (mut all, mut no_likelier) = (0.0, 0.0);
    margins.for_each_weight(1.0, |_, weight| {
        all += weight;
        if weight <= limit {
            no_likelier += weight;
        }
    });
    (no_likelier / all).min(1.0)
}

/// The logarithm below which a probability is too small for a double.
const MIN_LOG_PROBABILITY: f64 = -760.0;

/// The p-value of a table whose tail, and that of the other side, are negligible compared with the mode.
fn far_tail_p_value(margins: &TableMargins, observed: f64, log_observed: f64) -> f64 {
    let mut all = 0.0;
    margins.for_each_weight(1.0, |_, weight| all += weight);
    let mode = margins.mode(1.0);
    // Terms fall at least as fast as a geometric series.
    let tail = |from: f64, upward: bool| {
        let (mut sum, mut x, mut weight) = (1.0, from, 1.0);
        loop {
            if upward && x < margins.max_both {
                weight *= margins.probability_ratio(x);
                x += 1.0;
            } else if !upward && x > margins.min_both {
                x -= 1.0;
                weight /= margins.probability_ratio(x);
            } else {
                return sum;
            }
            sum += weight;
            if weight < NEGLIGIBLE_SHARE {
                return sum;
            }
        }
    };
    let upward = observed > mode;
    let mut sum = tail(observed, upward);
    // The other side starts with the first table that is no likelier than the observed one.
    let (mut x, mut log) = (mode, 0.0);
    loop {
        if upward && x > margins.min_both {
            x -= 1.0;
            log -= margins.probability_ratio(x).ln();
        } else if !upward && x < margins.max_both {
            log += margins.probability_ratio(x).ln();
            x += 1.0;
        } else {
            break;
        }
        if log <= log_observed + EQUAL_PROBABILITY_TOLERANCE.ln() {
            sum += (log - log_observed).exp() * tail(x, !upward);
            break;
        }
    }
    ((log_observed + (sum / all).ln()).exp()).min(1.0)
}

/// The conditional maximum likelihood estimate of the odds ratio. None if it is zero or infinite, or if the margins allow
/// only one table.
///
/// Source: J. Cornfield, "A statistical problem arising from retrospective studies",
/// Proceedings of the Third Berkeley Symposium (1956); R's `fisher.test` estimates it too.
pub fn conditional_odds_ratio(counts: &TwoByTwoCounts) -> Option<f64> {
    let margins = TableMargins::from_counts(counts);
    let [a, b, c, d] = counts.values();
    if a <= margins.min_both || a >= margins.max_both {
        return None;
    }
    // The mean of `both` increases with the odds ratio. Newton's method on its logarithm, within a bracket.
    let crude = ((a / b) * (d / c)).ln();
    let mut log = if crude.is_finite() { crude } else { 0.0 };
    let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
    for _ in 0..200 {
        let (mean, variance) = margins.moments(log.exp());
        let error = mean - a;
        if error > 0.0 {
            high = log;
        } else {
            low = log;
        }
        let newton = log - error / variance;
        let next = if newton.is_finite() && newton > low && newton < high {
            newton
        } else if low.is_finite() && high.is_finite() {
            f64::midpoint(low, high)
        } else if low.is_finite() {
            low + 1.0
        } else {
            high - 1.0
        };
        let has_converged = (next - log).abs() <= 1e-12 * log.abs().max(1.0);
        log = next;
        if has_converged {
            break;
        }
    }
    Some(log.exp()).filter(|odds| odds.is_finite() && *odds > 0.0)
}
