//! Estimates that are pooled over several tables (strata), each compared only within itself. An estimate leaves out
//! the tables that carry no information for it, and [`ExcludedStrata`] counts them.

#![allow(
    clippy::many_single_char_names,
    reason = "the cells of a table and the sums of a formula are called what its source calls them"
)]

use statrs::function::erf::erfc;
use statrs::function::gamma::gamma_ur;

use super::{Estimate, TwoByTwoCounts};

/// Whether a table carries information for the pooled odds ratio, the Cochran-Mantel-Haenszel test and the test of
/// homogeneity: no row and no column of it is empty.
pub fn is_informative_for_odds_ratio(counts: &TwoByTwoCounts) -> bool {
    !counts.has_empty_margin()
}

/// Whether a table carries information for the pooled risk ratio: both groups have members, and somebody in it has the
/// outcome. A table in which everybody has the outcome counts: its risk ratio is 1.
pub fn is_informative_for_risk_ratio(counts: &TwoByTwoCounts) -> bool {
    let [a, b, c, d] = counts.values();
    ![a + b, c + d, a + c].contains(&0.0)
}

/// The tables that hold records and that a pooled estimate leaves out, as they carry no information for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExcludedStrata {
    /// How many tables.
    pub strata: usize,
    /// How many initiatives their four cells hold.
    pub initiatives: u64,
}

impl ExcludedStrata {
    /// Counts the tables that hold records and do not inform an estimate.
    pub fn count(strata: &[TwoByTwoCounts], informs: fn(&TwoByTwoCounts) -> bool) -> Self {
        let left_out = strata
            .iter()
            .filter(|counts| counts.total() > 0 && !informs(counts));
        left_out.fold(Self::default(), |sum, counts| Self {
            strata: sum.strata + 1,
            initiatives: sum.initiatives + counts.total(),
        })
    }
}

/// The variance that noise adds to the logarithm of a ratio of sums, by the delta method:
/// `slopes` gives the derivatives of the numerator and of the denominator by each count.
fn log_ratio_noise_variance<'a>(
    strata: impl Iterator<Item = &'a TwoByTwoCounts>,
    (over, under): (f64, f64),
    slopes: impl Fn([f64; 4]) -> [(f64, f64); 4],
) -> f64 {
    let of_stratum = |counts: &TwoByTwoCounts| {
        let slopes = slopes(counts.values());
        let each = counts.cells().into_iter().zip(slopes);
        each.map(|(count, (up, down))| {
            let slope = up / over - down / under;
            slope * slope * count.variance
        })
        .sum::<f64>()
    };
    strata.map(of_stratum).sum()
}

/// The Mantel-Haenszel odds ratio, with the interval of Robins, Breslow and Greenland;
/// none where no stratum tells of both sides.
///
/// Sources: N. Mantel and W. Haenszel, "Statistical aspects of the analysis of data from
/// retrospective studies of disease", Journal of the National Cancer Institute 22 (1959);
/// J. Robins, N. Breslow and S. Greenland, "Estimators of the Mantel-Haenszel variance
/// consistent in both sparse data and large-strata limiting models", Biometrics 42 (1986).
pub fn mantel_haenszel_odds_ratio(strata: &[TwoByTwoCounts]) -> Option<Estimate> {
    let (mut r, mut s, mut pr, mut mixed, mut qs) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let informative = || {
        strata
            .iter()
            .filter(|counts| is_informative_for_odds_ratio(counts))
    };
    for counts in informative() {
        let [a, b, c, d] = counts.values();
        let n = a + b + c + d;
        let (of_r, of_s) = (a / n * d, b / n * c);
        let (p, q) = ((a + d) / n, (b + c) / n);
        r += of_r;
        s += of_s;
        pr += p * of_r;
        mixed += p * of_s + q * of_r;
        qs += q * of_s;
    }
    if r <= 0.0 || s <= 0.0 {
        return None;
    }
    let variance = pr / (2.0 * r * r) + mixed / (2.0 * r * s) + qs / (2.0 * s * s);
    let added = log_ratio_noise_variance(informative(), (r, s), |[a, b, c, d]| {
        let n = a + b + c + d;
        let (up, down) = (a * d / (n * n), b * c / (n * n));
        [
            (d / n - up, -down),
            (-up, c / n - down),
            (-up, b / n - down),
            (a / n - up, -down),
        ]
    });
    Estimate::from_log_variance(r / s, variance + added)
}

/// The Mantel-Haenszel risk ratio, with the interval of Greenland and Robins; none where
/// no stratum tells of both sides.
///
/// Source: S. Greenland and J. M. Robins, "Estimation of a common effect parameter from
/// sparse follow-up data", Biometrics 41 (1985).
pub fn mantel_haenszel_risk_ratio(strata: &[TwoByTwoCounts]) -> Option<Estimate> {
    let (mut over, mut under, mut spread) = (0.0, 0.0, 0.0);
    let informative = || {
        strata
            .iter()
            .filter(|counts| is_informative_for_risk_ratio(counts))
    };
    for counts in informative() {
        let [a, b, c, d] = counts.values();
        let (with, without, then) = (a + b, c + d, a + c);
        let n = with + without;
        over += a * without / n;
        under += c * with / n;
        spread += (with * without / n * then - a * c) / n;
    }
    if over <= 0.0 || under <= 0.0 {
        return None;
    }
    let added = log_ratio_noise_variance(informative(), (over, under), |[a, b, c, d]| {
        let (with, without) = (a + b, c + d);
        let n = with + without;
        let (up, down) = (a * without / (n * n), c * with / (n * n));
        [
            (without / n - up, c / n - down),
            (-up, c / n - down),
            (a / n - up, with / n - down),
            (a / n - up, -down),
        ]
    });
    Estimate::from_log_variance(over / under, spread / (over * under) + added)
}

/// The Cochran-Mantel-Haenszel test.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CmhTest {
    /// The statistic, without continuity correction.
    pub statistic: f64,
    /// Its p-value, from chi-squared with one degree of freedom.
    pub p_value: f64,
    /// The statistic with continuity correction.
    pub corrected_statistic: f64,
    /// Its p-value.
    pub corrected_p_value: f64,
}

/// Whether the two go together within the strata; none where no stratum says.
///
/// Sources: W. G. Cochran, "Some methods for strengthening the common chi-squared tests",
/// Biometrics 10 (1954); N. Mantel and W. Haenszel (1959), whose variance and continuity
/// correction are taken, the latter as in R's `mantelhaen.test`: no more than the difference itself.
pub fn cochran_mantel_haenszel(strata: &[TwoByTwoCounts]) -> Option<CmhTest> {
    let (mut off, mut variance) = (0.0, 0.0);
    for counts in strata
        .iter()
        .filter(|counts| is_informative_for_odds_ratio(counts))
    {
        let [a, b, c, d] = counts.values();
        let (with, without, then, not) = (a + b, c + d, a + c, b + d);
        let n = with + without;
        off += a - with / n * then;
        if n > 1.0 {
            variance += (with / n) * (without / n) * then * (not / (n - 1.0));
        }
    }
    if variance <= 0.0 {
        return None;
    }
    let statistic = off * off / variance;
    let corrected = off.abs() - off.abs().min(0.5);
    let corrected_statistic = corrected * corrected / variance;
    Some(CmhTest {
        statistic,
        p_value: chi_squared_one_degree_p_value(statistic),
        corrected_statistic,
        corrected_p_value: chi_squared_one_degree_p_value(corrected_statistic),
    })
}

/// Whether the strata have one odds ratio.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Homogeneity {
    /// Breslow and Day's statistic with Tarone's correction.
    pub statistic: f64,
    /// Breslow and Day's statistic without it.
    pub breslow_day: f64,
    /// The degrees of freedom: one less than there are strata.
    pub degrees: u32,
    /// The p-value of the corrected statistic.
    pub p_value: f64,
}

/// Why it is not tested whether the strata have one odds ratio.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HomogeneitySuppressed {
    /// There are not two strata that say anything.
    #[error("fewer than two strata say anything of the comparison")]
    TooFewStrata,
    /// There is no common odds ratio to compare with.
    #[error("there is no common odds ratio to compare the strata with")]
    NoCommonOddsRatio,
    /// The test needs larger strata.
    #[error("the strata are too small for the test: over a fifth of the counts that it expects are under 5")]
    StrataTooSmall,
}

/// The least count that is expected in most cells for the chi-squared approximation to hold.
const MIN_EXPECTED_COUNT: f64 = 5.0;
/// In how many of 100 cells it may be less.
const MAX_SMALL_EXPECTED_PERCENT: usize = 20;

/// Tests whether the strata have one odds ratio. The approximation needs large strata:
/// it is suppressed where over 20% of the expected counts are under 5, the usual rule of
/// W. G. Cochran (1954) for chi-squared tests.
///
/// Sources: N. E. Breslow and N. E. Day, "Statistical methods in cancer research", volume 1
/// (1980), section 4.4; R. E. Tarone, "On heterogeneity tests based on efficient scores",
/// Biometrika 72 (1985).
pub fn homogeneity(strata: &[TwoByTwoCounts]) -> Result<Homogeneity, HomogeneitySuppressed> {
    let count = strata
        .iter()
        .filter(|counts| is_informative_for_odds_ratio(counts))
        .count();
    if count < 2 {
        return Err(HomogeneitySuppressed::TooFewStrata);
    }
    let common = mantel_haenszel_odds_ratio(strata)
        .ok_or(HomogeneitySuppressed::NoCommonOddsRatio)?
        .value;
    let (mut breslow_day, mut off, mut variance, mut small) = (0.0, 0.0, 0.0, 0);
    for counts in strata
        .iter()
        .filter(|counts| is_informative_for_odds_ratio(counts))
    {
        let [a, b, c, d] = counts.values();
        let (with, then, n) = (a + b, a + c, a + b + c + d);
        let expected = expected_both(with, then, n, common);
        let cells = [
            expected,
            with - expected,
            then - expected,
            n - with - then + expected,
        ];
        small += cells.iter().filter(|cell| **cell < MIN_EXPECTED_COUNT).count();
        let of_stratum = 1.0 / cells.iter().map(|cell| 1.0 / cell).sum::<f64>();
        breslow_day += (a - expected) * (a - expected) / of_stratum;
        off += a - expected;
        variance += of_stratum;
    }
    if small * 100 > count * 4 * MAX_SMALL_EXPECTED_PERCENT {
        return Err(HomogeneitySuppressed::StrataTooSmall);
    }
    let statistic = (breslow_day - off * off / variance).max(0.0);
    if !statistic.is_finite() {
        return Err(HomogeneitySuppressed::StrataTooSmall);
    }
    let degrees = u32::try_from(count - 1).unwrap_or(u32::MAX);
    Ok(Homogeneity {
        statistic,
        breslow_day,
        degrees,
        p_value: chi_squared_p_value(statistic, degrees),
    })
}

/// How many there are of `both` where the odds ratio is this and the margins stay: the
/// root of a quadratic that leaves no cell negative.
fn expected_both(with: f64, then: f64, n: f64, odds: f64) -> f64 {
    let without_then = n - with - then;
    let a = odds - 1.0;
    if a.abs() < 1e-9 {
        return with / n * then;
    }
    let b = -(odds * (with + then) + without_then);
    let c = odds * with * then;
    let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
    // The form without cancellation, as b is negative; it is the root within the margins.
    2.0 * c / (root - b)
}

/// The upper tail of chi-squared with one degree of freedom.
fn chi_squared_one_degree_p_value(statistic: f64) -> f64 {
    erfc((statistic / 2.0).max(0.0).sqrt()).clamp(0.0, 1.0)
}

/// The upper tail of chi-squared.
fn chi_squared_p_value(statistic: f64, degrees: u32) -> f64 {
    if statistic <= 0.0 {
        return 1.0;
    }
    gamma_ur(f64::from(degrees) / 2.0, statistic / 2.0).clamp(0.0, 1.0)
}
