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

#[cfg(test)]
mod tests {
    use rand::rngs::StdRng;
    use rand::{Rng, SeedableRng};

    use super::*;

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6
    }

    /// Published values: R's `prop.test(correct = FALSE)`, by its own reference output
    /// and by the tests of scipy and statsmodels.
    #[test]
    fn wilsons_interval_is_as_published() {
        for (part, whole, lower, upper) in [
            (52, 100, 0.423_165_8, 0.615_354_5),
            (3, 10, 0.107_791_3, 0.603_221_9),
            (0, 10, 0.0, 0.277_532_8),
            (10, 10, 0.722_467_2, 1.0),
            (100, 200, 0.431_360_9, 0.568_639_1),
        ] {
            let found = proportion(part, whole).unwrap();
            assert!(
                close(found.lower, lower) && close(found.upper, upper),
                "{part} of {whole}: {found:?}"
            );
        }
        assert_eq!(proportion(0, 0), None);
    }

    /// Published values: R's epitools, by scipy's tests of `relative_risk`.
    #[test]
    fn katzs_interval_is_as_published() {
        let found = risk_ratio(16, 128, 24, 256).unwrap();
        assert!(close(found.value, 1.333_333_333), "{found:?}");
        assert!(
            (found.lower - 0.734_731_7).abs() < 1e-5 && (found.upper - 2.419_628).abs() < 1e-5,
            "{found:?}"
        );
        for (both, when, then_only, otherwise) in
            [(0, 12, 0, 30), (0, 12, 1, 30), (1, 12, 0, 30), (0, 0, 1, 2)]
        {
            assert_eq!(risk_ratio(both, when, then_only, otherwise), None);
        }
    }

    #[test]
    fn intervals_contain_their_figure_and_are_finite() {
        let mut random = StdRng::seed_from_u64(5);
        for _ in 0..2_000 {
            let most = 10_u64.pow(random.random_range(0..8));
            let (when, otherwise) = (random.random_range(0..=most), random.random_range(0..=most));
            let (both, then_only) = (random.random_range(0..=when), random.random_range(0..=otherwise));
            let share = proportion(both, when);
            let ratio = risk_ratio(both, when, then_only, otherwise);
            for found in share.iter().chain(&ratio) {
                let Estimate { value, lower, upper } = *found;
                assert!(
                    value.is_finite() && lower.is_finite() && upper.is_finite(),
                    "{found:?}"
                );
                assert!(
                    lower <= value && value <= upper,
                    "{both} of {when}, {then_only} of {otherwise}: {found:?}"
                );
            }
            if let Some(share) = share {
                assert!(share.lower >= 0.0 && share.upper <= 1.0, "{share:?}");
            }
        }
    }
}
