//! Statistics of two-by-two tables: pure functions, each with its source.

/// The standard normal distribution's 97.5% point: two-sided 95% intervals.
const Z: f64 = 1.959_963_984_540_054;

/// A figure with its 95% interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Estimate {
    /// The figure.
    pub value: f64,
    /// The interval's lower end.
    pub lower: f64,
    /// The interval's upper end.
    pub upper: f64,
}

/// A share with Wilson's score interval; none of nothing.
///
/// Source: E. B. Wilson, "Probable inference, the law of succession, and
/// statistical inference", Journal of the American Statistical Association 22 (1927).
pub fn proportion(part: u64, whole: u64) -> Option<Estimate> {
    if whole == 0 {
        return None;
    }
    let (n, p) = (whole as f64, part as f64 / whole as f64);
    let centre = Z.mul_add(Z / (2.0 * n), p);
    let margin = Z * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    let scale = 1.0 + Z * Z / n;
    // The interval reaches exactly 0 and 1 at the ends, which rounding would miss.
    let lower = if part == 0 { 0.0 } else { (centre - margin) / scale };
    let upper = if part == whole {
        1.0
    } else {
        (centre + margin) / scale
    };
    Some(Estimate {
        value: p,
        lower,
        upper,
    })
}

/// How many times as likely `then` is with `when` as without, with Katz's log
/// interval; none where a rate is not known or one of them is zero.
///
/// Source: D. Katz, J. Baptista, S. P. Azen and M. C. Pike, "Obtaining confidence
/// intervals for the risk ratio in cohort studies", Biometrics 34 (1978).
pub fn risk_ratio(both: u64, when: u64, then_only: u64, otherwise: u64) -> Option<Estimate> {
    if both == 0 || then_only == 0 || when == 0 || otherwise == 0 {
        return None;
    }
    let (a, n1, c, n2) = (both as f64, when as f64, then_only as f64, otherwise as f64);
    let value = (a / n1) / (c / n2);
    let error = (1.0 / a - 1.0 / n1 + 1.0 / c - 1.0 / n2).max(0.0).sqrt();
    Some(Estimate {
        value,
        lower: value * (-Z * error).exp(),
        upper: value * (Z * error).exp(),
    })
}
