//! A share of a whole.

use super::{Count, Estimate, NORMAL_QUANTILE_975, noise_variance};

/// The share of a part in the whole that it makes with the rest, with Wilson's score
/// interval; none of nothing. Noise in the counts widens each side of the interval: its
/// variance is added to the square of the side.
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
    // The interval reaches exactly 0 and 1 at the ends, which rounding would miss.
    let lower = if part.n == 0 {
        0.0
    } else {
        ((centre - margin) / scale).min(p)
    };
    let upper = if rest.n == 0 {
        1.0
    } else {
        ((centre + margin) / scale).max(p)
    };
    let added =
        NORMAL_QUANTILE_975 * NORMAL_QUANTILE_975 * noise_variance(&[part, rest], &[(1.0 - p) / n, -p / n]);
    let widened = |side: f64| {
        if added > 0.0 {
            (side * side + added).sqrt()
        } else {
            side
        }
    };
    Some(Estimate {
        value: p,
        lower: if added > 0.0 {
            (p - widened(p - lower)).max(0.0)
        } else {
            lower
        },
        upper: if added > 0.0 {
            (p + widened(upper - p)).min(1.0)
        } else {
            upper
        },
    })
}
