//! Estimates that are pooled over several tables (strata). An estimate leaves out the tables that carry no information for
//! it, and [`ExcludedStrata`] counts them.

#![allow(
    clippy::many_single_char_names,
    reason = "the variables of a formula have the names that its source uses"
)]

use statrs::function::erf::erfc;
use statrs::function::gamma::gamma_ur;

use super::{Estimate, TwoByTwoCounts, noise_variance};

/// Whether a table carries information for the pooled odds ratio, the Cochran-Mantel-Haenszel test and the test of
/// homogeneity: no row and no column of it is empty.
pub fn is_informative_for_odds_ratio(counts: &TwoByTwoCounts) -> bool {
    !counts.has_empty_margin()
}

/// Whether a table carries information for the pooled risk ratio: neither group is empty, and some member has the outcome.
/// A table in which all members have the outcome counts: its risk ratio is 1.
pub fn is_informative_for_risk_ratio(counts: &TwoByTwoCounts) -> bool {
    let [a, b, c, d] = counts.values();
    ![a + b, c + d, a + c].contains(&0.0)
}

/// The tables with records that a pooled estimate leaves out because they carry no information for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ExcludedStrata {
    /// How many tables.
    pub strata: usize,
    /// How many initiatives they have.
    pub initiatives: u64,
}

impl ExcludedStrata {
    /// Counts the tables with records that are not informative.
    pub fn count(strata: &[TwoByTwoCounts], is_informative: fn(&TwoByTwoCounts) -> bool) -> Self {
        let excluded = strata
            .iter()
            .filter(|counts| counts.total() > 0 && !is_informative(counts));
        excluded.fold(Self::default(), |sum, counts| Self {
            strata: sum.strata + 1,
            initiatives: sum.initiatives + counts.total(),
        })
    }
}

/// The variance that noise adds to the logarithm of a ratio of sums, by the delta method. `slopes` returns the derivatives
/// of the numerator and of the denominator with respect to each count.
fn log_ratio_noise_variance(
    strata: &[&TwoByTwoCounts],
    (numerator, denominator): (f64, f64),
    slopes: impl Fn([f64; 4]) -> [(f64, f64); 4],
) -> f64 {
    let stratum_variance = |counts: &&TwoByTwoCounts| {
        let slopes = slopes(counts.values()).map(|(up, down)| up / numerator - down / denominator);
        noise_variance(&counts.cells(), &slopes)
    };
    strata.iter().map(stratum_variance).sum()
}

fn select_informative(
    strata: &[TwoByTwoCounts],
    is_informative: fn(&TwoByTwoCounts) -> bool,
) -> Vec<&TwoByTwoCounts> {
    strata.iter().filter(|counts| is_informative(counts)).collect()
}

/// The Mantel-Haenszel odds ratio, with the interval of Robins, Breslow and Greenland. None if it is zero or infinite.
///
/// Sources: N. Mantel and W. Haenszel, "Statistical aspects of the analysis of data from
/// retrospective studies of disease", Journal of the National Cancer Institute 22 (1959);
/// J. Robins, N. Breslow and S. Greenland, "Estimators of the Mantel-Haenszel variance
/// consistent in both sparse data and large-strata limiting models", Biometrics 42 (1986).
pub fn mantel_haenszel_odds_ratio(strata: &[TwoByTwoCounts]) -> Option<Estimate> {
    let (mut r, mut s, mut pr, mut mixed, mut qs) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let informative = select_informative(strata, is_informative_for_odds_ratio);
    for counts in &informative {
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
    let added = log_ratio_noise_variance(&informative, (r, s), |[a, b, c, d]| {
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

/// The Mantel-Haenszel risk ratio, with the interval of Greenland and Robins. None if it is zero or infinite.
///
/// Source: S. Greenland and J. M. Robins, "Estimation of a common effect parameter from
/// sparse follow-up data", Biometrics 41 (1985).
pub fn mantel_haenszel_risk_ratio(strata: &[TwoByTwoCounts]) -> Option<Estimate> {
    let (mut numerator, mut denominator, mut spread) = (0.0, 0.0, 0.0);
    let informative = select_informative(strata, is_informative_for_risk_ratio);
    for counts in &informative {
        let [a, b, c, d] = counts.values();
        let (with, without, then) = (a + b, c + d, a + c);
        let n = with + without;
        numerator += a * without / n;
        denominator += c * with / n;
        spread += (with * without / n * then - a * c) / n;
    }
    if numerator <= 0.0 || denominator <= 0.0 {
        return None;
    }
    let added = log_ratio_noise_variance(&informative, (numerator, denominator), |[a, b, c, d]| {
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
    Estimate::from_log_variance(
        numerator / denominator,
        spread / (numerator * denominator) + added,
    )
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

/// Tests whether the conditions are associated within the strata. None if no stratum is informative.
///
/// Sources: W. G. Cochran, "Some methods for strengthening the common chi-squared tests", Biometrics 10 (1954); N. Mantel
/// and W. Haenszel (1959) for the variance and the continuity correction. As in R's `mantelhaen.test`, the correction is
/// at most the difference itself.
pub fn cochran_mantel_haenszel(strata: &[TwoByTwoCounts]) -> Option<CmhTest> {
    let (mut difference, mut variance) = (0.0, 0.0);
    for counts in select_informative(strata, is_informative_for_odds_ratio) {
        let [a, b, c, d] = counts.values();
        let (with, without, then, not) = (a + b, c + d, a + c, b + d);
        let n = with + without;
        difference += a - with / n * then;
        if n > 1.0 {
            variance += (with / n) * (without / n) * then * (not / (n - 1.0));
        }
    }
    if variance <= 0.0 {
        return None;
    }
    let statistic = difference * difference / variance;
    let corrected = difference.abs() - difference.abs().min(0.5);
    let corrected_statistic = corrected * corrected / variance;
    Some(CmhTest {
        statistic,
        p_value: chi_squared_one_degree_p_value(statistic),
        corrected_statistic,
        corrected_p_value: chi_squared_one_degree_p_value(corrected_statistic),
    })
}

/// The Breslow-Day test of homogeneity of the odds ratios.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Homogeneity {
    /// Breslow and Day's statistic with Tarone's correction.
    pub statistic: f64,
    /// Breslow and Day's statistic without it.
    pub breslow_day: f64,
    /// The degrees of freedom: the number of strata minus 1.
    pub degrees: u32,
    /// The p-value of the corrected statistic.
    pub p_value: f64,
}

/// Why there is no test of homogeneity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HomogeneitySuppressed {
    /// Fewer than two strata are informative.
    #[error("fewer than two strata say anything of the comparison")]
    TooFewStrata,
    /// There is no common odds ratio to compare with.
    #[error("there is no common odds ratio to compare the strata with")]
    NoCommonOddsRatio,
    /// The strata are too small for the test.
    #[error("the groups are too small for the test: over a fifth of the counts that it expects are under 5")]
    StrataTooSmall,
}

/// The chi-squared approximation needs expected counts of at least this size in most cells.
const MIN_EXPECTED_COUNT: f64 = 5.0;
/// The percentage of cells that may have smaller expected counts.
const MAX_SMALL_EXPECTED_PERCENT: usize = 20;

/// Tests whether the strata have the same odds ratio. There is no result if over 20% of the expected counts are below 5,
/// which is the rule of W. G. Cochran (1954) for chi-squared tests.
///
/// Sources: N. E. Breslow and N. E. Day, "Statistical methods in cancer research", volume 1
/// (1980), section 4.4; R. E. Tarone, "On heterogeneity tests based on efficient scores",
/// Biometrika 72 (1985).
pub fn homogeneity(strata: &[TwoByTwoCounts]) -> Result<Homogeneity, HomogeneitySuppressed> {
    let informative = select_informative(strata, is_informative_for_odds_ratio);
    if informative.len() < 2 {
        return Err(HomogeneitySuppressed::TooFewStrata);
    }
    let common = mantel_haenszel_odds_ratio(strata)
        .ok_or(HomogeneitySuppressed::NoCommonOddsRatio)?
        .value;
    let (mut breslow_day, mut difference, mut variance, mut small) = (0.0, 0.0, 0.0, 0);
    for counts in &informative {
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
        let stratum_variance = 1.0 / cells.iter().map(|cell| 1.0 / cell).sum::<f64>();
        breslow_day += (a - expected) * (a - expected) / stratum_variance;
        difference += a - expected;
        variance += stratum_variance;
    }
    if small * 100 > informative.len() * 4 * MAX_SMALL_EXPECTED_PERCENT {
        return Err(HomogeneitySuppressed::StrataTooSmall);
    }
    let statistic = (breslow_day - difference * difference / variance).max(0.0);
    if !statistic.is_finite() {
        return Err(HomogeneitySuppressed::StrataTooSmall);
    }
    let degrees = u32::try_from(informative.len() - 1).unwrap_or(u32::MAX);
    Ok(Homogeneity {
        statistic,
        breslow_day,
        degrees,
        p_value: chi_squared_p_value(statistic, degrees),
    })
}

/// The expected `both` at an odds ratio, given the margins: the root of a quadratic for which no cell is negative.
fn expected_both(with: f64, then: f64, n: f64, odds: f64) -> f64 {
    let without_then = n - with - then;
    let a = odds - 1.0;
    if a.abs() < 1e-9 {
        return with / n * then;
    }
    let b = -(odds * (with + then) + without_then);
    let c = odds * with * then;
    let root = (b * b - 4.0 * a * c).max(0.0).sqrt();
    // The form of the root without cancellation, because b is negative.
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
