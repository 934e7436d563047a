//! Proportions.

use super::{Count, Estimate, NORMAL_QUANTILE_975, noise_variance};

/// The proportion `part / (part + rest)`, with Wilson's score interval. None if both are 0. Noise in the counts widens each
/// side of the interval: its variance is added to the square of the side.
///
/// Source: E. B. Wilson, "Probable inference, the law of succession, and
/// statistical inference", Journal of the American Statistical Association 22 (1927).
pub fn proportion(part: Count, rest: Count) -> Option<Estimate> {
    let n = part.value() + rest.value();
    if n <= 0.0 {
        return None;
    }
    let p = part.value() / n;
    let centre = NORMAL_QUANTILE_975.mul_add(NORMAL_QUANTILE_975 / (2.0 * n), p);
    let margin = NORMAL_QUANTILE_975
        * (p * (1.0 - p) / n + NORMAL_QUANTILE_975 * NORMAL_QUANTILE_975 / (4.0 * n * n)).sqrt();
    let scale = 1.0 + NORMAL_QUANTILE_975 * NORMAL_QUANTILE_975 / n;
    // The interval ends exactly at 0 or 1, which rounding would miss.
    let mut lower = if part.n == 0 {
        0.0
    } else {
        ((centre - margin) / scale).min(p)
    };
    let mut upper = if rest.n == 0 {
        1.0
    } else {
        ((centre + margin) / scale).max(p)
    };
    let noise = noise_variance(&[part, rest], &[(1.0 - p) / n, -p / n]);
    if noise > 0.0 {
        let added = NORMAL_QUANTILE_975 * NORMAL_QUANTILE_975 * noise;
        let widen = |side: f64| (side * side + added).sqrt();
        (lower, upper) = ((p - widen(p - lower)).max(0.0), (p + widen(upper - p)).min(1.0));
    }
    Some(Estimate {
        value: p,
        lower,
        upper,
    })
}
