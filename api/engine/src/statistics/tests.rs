//! Published values, and properties of random tables.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;

use super::stratified::{
    ExcludedStrata, HomogeneitySuppressed, cochran_mantel_haenszel, homogeneity,
    is_informative_for_odds_ratio, is_informative_for_risk_ratio, mantel_haenszel_odds_ratio,
    mantel_haenszel_risk_ratio,
};
use super::*;

fn load_reference() -> Value {
    serde_json::from_str(include_str!("reference.json")).unwrap()
}

fn parse_numbers(value: &Value) -> Vec<f64> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one.as_f64().unwrap())
        .collect()
}

fn parse_table(value: &Value) -> TwoByTwoCounts {
    let cells: Vec<u64> = value
        .as_array()
        .unwrap()
        .iter()
        .map(|cell| cell.as_u64().unwrap())
        .collect();
    TwoByTwoCounts::exact(cells.try_into().unwrap())
}

fn share(part: u64, whole: u64) -> Option<Estimate> {
    proportion(Count::exact(part), Count::exact(whole - part))
}

#[track_caller]
fn assert_close(found: f64, published: f64, within: f64) {
    let scale = published.abs().max(1e-3);
    assert!(
        (found - published).abs() <= within * scale,
        "{found}, published as {published}"
    );
}

#[track_caller]
fn assert_interval(found: Estimate, published: &Value, within: f64) {
    let ends = parse_numbers(published);
    assert_close(found.lower, ends[0], within);
    assert_close(found.upper, ends[1], within);
}

#[test]
fn proportions_and_risk_differences_match_published_values() {
    for one in load_reference()["wilson"].as_array().unwrap() {
        let found = share(one["x"].as_u64().unwrap(), one["n"].as_u64().unwrap()).unwrap();
        assert_interval(found, &one["ci95"], 1e-6);
    }
    assert_eq!(share(0, 0), None);
    for one in load_reference()["difference_newcombe"].as_array().unwrap() {
        let of = |name: &str| one[name].as_u64().unwrap();
        let counts = [of("x1"), of("n1") - of("x1"), of("x2"), of("n2") - of("x2")];
        // Published to two digits.
        assert_interval(
            risk_difference(&TwoByTwoCounts::exact(counts)).unwrap(),
            &one["ci95"],
            0.03,
        );
    }
}

#[test]
fn ratios_match_published_values() {
    for one in load_reference()["risk_ratio"].as_array().unwrap() {
        let Some(cells) = one.get("table") else {
            let of = |name: &str| {
                one[name]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|n| n.as_u64().unwrap())
                    .collect::<Vec<_>>()
            };
            let (exposed, control) = (of("exposed"), of("control"));
            let counts = [
                exposed[0],
                exposed[1] - exposed[0],
                control[0],
                control[1] - control[0],
            ];
            assert_eq!(risk_ratio(&TwoByTwoCounts::exact(counts)), None, "{one}");
            continue;
        };
        let found = risk_ratio(&parse_table(cells)).unwrap();
        assert_close(found.value, one["rr"].as_f64().unwrap(), 1e-8);
        assert_interval(found, &one["ci95_katz"], 1e-6);
    }
    for one in load_reference()["odds_ratio_wald"].as_array().unwrap() {
        let found = odds_ratio(&parse_table(&one["table"])).unwrap();
        assert_close(found.value, one["or"].as_f64().unwrap(), 1e-6);
        assert_interval(found, &one["ci95"], 1e-6);
    }
}

#[test]
fn fishers_test_matches_published_values() {
    for one in load_reference()["fisher_exact"].as_array().unwrap() {
        let counts = parse_table(&one["table"]);
        if let Some(published) = one["p_two_sided"].as_f64() {
            assert_close(fisher::two_sided_p_value(&counts), published, 1e-4);
        }
        assert_close(
            fisher::conditional_odds_ratio(&counts).unwrap(),
            one["conditional_or"].as_f64().unwrap(),
            1e-5,
        );
    }
    let tea = TwoByTwoCounts::exact([3, 1, 1, 3]);
    assert_close(fisher::two_sided_p_value(&tea), 34.0 / 70.0, 1e-12);
}

#[test]
fn stratified_measures_match_published_values() {
    for one in load_reference()["mantel_haenszel"].as_array().unwrap() {
        let strata: Vec<TwoByTwoCounts> = one["strata"]
            .as_object()
            .unwrap()
            .values()
            .map(parse_table)
            .collect();
        let odds = mantel_haenszel_odds_ratio(&strata).unwrap();
        assert_close(odds.value, one["common_or"].as_f64().unwrap(), 1e-6);
        assert_interval(odds, &one["common_or_ci95"], 1e-6);
        let test = cochran_mantel_haenszel(&strata).unwrap();
        assert_close(
            test.corrected_statistic,
            one["mh_chi2_continuity_corrected"].as_f64().unwrap(),
            1e-4,
        );
        assert_close(test.corrected_p_value, one["p"].as_f64().unwrap(), 1e-3);
        let Some(computed) = one.get("computed") else {
            assert_eq!(
                homogeneity(&strata),
                Err(HomogeneitySuppressed::StrataTooSmall),
                "{one}"
            );
            continue;
        };
        let of = |name: &str| computed[name].as_f64().unwrap();
        assert_close(test.statistic, of("mh_chi2_no_correction"), 1e-8);
        assert_close(test.p_value, of("p_no_correction"), 1e-8);
        let risk = mantel_haenszel_risk_ratio(&strata).unwrap();
        assert_close(risk.value, of("mh_rr"), 1e-10);
        assert_interval(risk, &computed["mh_rr_ci95_greenland_robins"], 1e-10);
        let agree = homogeneity(&strata).unwrap();
        assert_close(agree.breslow_day, of("breslow_day"), 1e-7);
        assert!(
            agree.statistic <= agree.breslow_day && agree.degrees == 5,
            "{agree:?}"
        );
        // Tarone's correction is slight here, so the p-values nearly agree.
        assert_close(agree.p_value, of("breslow_day_p"), 1e-2);
        let pooled = parse_table(&computed["pooled_table"]);
        assert_close(risk_ratio(&pooled).unwrap().value, of("crude_rr"), 1e-10);
        assert_interval(risk_ratio(&pooled).unwrap(), &computed["crude_rr_ci95"], 1e-8);
        assert_close(odds_ratio(&pooled).unwrap().value, of("crude_or"), 1e-10);
        assert_interval(odds_ratio(&pooled).unwrap(), &computed["crude_or_ci95"], 1e-8);
        assert_close(phi(&pooled).unwrap(), of("phi"), 1e-10);
        assert_close(risk_difference(&pooled).unwrap().value, of("rd"), 1e-10);
        assert_interval(
            risk_difference(&pooled).unwrap(),
            &computed["rd_newcombe_ci95"],
            1e-6,
        );
        assert_interval(share(1198, 2691).unwrap(), &computed["wilson_exposed"], 1e-8);
        assert_interval(share(557, 1835).unwrap(), &computed["wilson_unexposed"], 1e-8);
        for (stratum, published) in one["stratum_or"].as_object().unwrap() {
            let found = odds_ratio(&parse_table(&one["strata"][stratum])).unwrap();
            assert_close(found.value, published.as_f64().unwrap(), 1e-5);
        }
    }
}

/// Tables of all sizes, zeros among them.
fn random_table(random: &mut StdRng, most_digits: u32) -> TwoByTwoCounts {
    let most = 10_u64.pow(random.random_range(0..=most_digits));
    TwoByTwoCounts::exact(std::array::from_fn(|_| {
        if random.random_ratio(1, 8) {
            0
        } else {
            random.random_range(0..=most)
        }
    }))
}

fn with_noise(counts: &TwoByTwoCounts, variance: f64) -> TwoByTwoCounts {
    let noisy = |count: Count| Count { n: count.n, variance };
    TwoByTwoCounts {
        both: noisy(counts.both),
        when_only: noisy(counts.when_only),
        then_only: noisy(counts.then_only),
        neither: noisy(counts.neither),
    }
}

fn swap_rows(counts: &TwoByTwoCounts) -> TwoByTwoCounts {
    TwoByTwoCounts {
        both: counts.then_only,
        when_only: counts.neither,
        then_only: counts.both,
        neither: counts.when_only,
    }
}

fn swap_columns(counts: &TwoByTwoCounts) -> TwoByTwoCounts {
    TwoByTwoCounts {
        both: counts.when_only,
        when_only: counts.both,
        then_only: counts.neither,
        neither: counts.then_only,
    }
}

fn transpose(counts: &TwoByTwoCounts) -> TwoByTwoCounts {
    TwoByTwoCounts {
        when_only: counts.then_only,
        then_only: counts.when_only,
        ..*counts
    }
}

fn compute_estimates(counts: &TwoByTwoCounts) -> Vec<Option<Estimate>> {
    vec![
        proportion(counts.both, counts.when_only),
        proportion(counts.then_only, counts.neither),
        risk_difference(counts),
        risk_ratio(counts),
        odds_ratio(counts),
        mantel_haenszel_odds_ratio(&[*counts, TwoByTwoCounts::exact([3, 1, 4, 1])]),
        mantel_haenszel_risk_ratio(&[*counts, TwoByTwoCounts::exact([3, 1, 4, 1])]),
    ]
}

#[test]
fn estimates_are_finite_within_their_interval_and_noise_widens_it() {
    let mut random = StdRng::seed_from_u64(5);
    for _ in 0..3_000 {
        let counts = random_table(&mut random, 7);
        for (found, wider) in compute_estimates(&counts)
            .into_iter()
            .zip(compute_estimates(&with_noise(&counts, 6.0)))
        {
            let Some(found) = found else { continue };
            let Estimate { value, lower, upper } = found;
            assert!(
                [value, lower, upper].iter().all(|one| one.is_finite()),
                "{counts:?}: {found:?}"
            );
            assert!(lower <= value && value <= upper, "{counts:?}: {found:?}");
            if let Some(wider) = wider {
                assert!(
                    wider.lower <= lower && wider.upper >= upper,
                    "{counts:?}: {found:?}, {wider:?}"
                );
            }
        }
        let p = fisher::two_sided_p_value(&counts);
        assert!((0.0..=1.0).contains(&p), "{counts:?}: {p}");
        assert!(phi(&counts).is_none_or(|phi| phi.abs() <= 1.0), "{counts:?}");
        assert!(
            fisher::conditional_odds_ratio(&counts).is_none_or(f64::is_finite),
            "{counts:?}"
        );
        if let Some(test) = cochran_mantel_haenszel(&[counts]) {
            assert!((0.0..=1.0).contains(&test.p_value), "{counts:?}: {test:?}");
            assert!(test.corrected_statistic <= test.statistic, "{counts:?}: {test:?}");
        }
        if let Ok(tested) = homogeneity(&[counts, random_table(&mut random, 7)]) {
            assert!((0.0..=1.0).contains(&tested.p_value), "{counts:?}: {tested:?}");
        }
    }
}

#[test]
fn swapping_rows_or_columns_inverts_measures() {
    let mut random = StdRng::seed_from_u64(6);
    for _ in 0..2_000 {
        let counts = random_table(&mut random, 4);
        let (rows, columns) = (swap_rows(&counts), swap_columns(&counts));
        let p = fisher::two_sided_p_value(&counts);
        for other in [rows, columns, transpose(&counts)] {
            assert_close(fisher::two_sided_p_value(&other), p, 1e-6);
        }
        for other in [rows, columns] {
            if let (Some(one), Some(turned)) = (odds_ratio(&counts), odds_ratio(&other)) {
                assert_close(one.value * turned.value, 1.0, 1e-9);
                assert_close(one.lower * turned.upper, 1.0, 1e-9);
            }
            if let (Some(one), Some(turned)) = (phi(&counts), phi(&other)) {
                assert!((one + turned).abs() < 1e-9, "{counts:?}");
            }
        }
        if let (Some(one), Some(turned)) = (risk_ratio(&counts), risk_ratio(&rows)) {
            assert_close(one.value * turned.value, 1.0, 1e-9);
            assert_close(one.lower * turned.upper, 1.0, 1e-9);
        }
        if let (Some(one), Some(turned)) = (risk_difference(&counts), risk_difference(&rows)) {
            assert!((one.value + turned.value).abs() < 1e-12, "{counts:?}");
            assert!(
                (one.lower + turned.upper).abs() < 1e-9,
                "{counts:?}: {one:?}, {turned:?}"
            );
        }
        if let (Some(one), Some(turned)) = (
            fisher::conditional_odds_ratio(&counts),
            fisher::conditional_odds_ratio(&columns),
        ) {
            assert_close(one * turned, 1.0, 1e-6);
        }
    }
}

/// The logarithm of how many ways there are to choose `k` of `n`.
fn log_choose(n: u64, k: u64) -> f64 {
    (1..=k).map(|i| ((n - k + i) as f64 / i as f64).ln()).sum()
}

#[test]
fn fishers_test_agrees_with_a_sum_over_all_tables() {
    let mut random = StdRng::seed_from_u64(7);
    for _ in 0..1_000 {
        let counts = random_table(&mut random, 2);
        let [a, b, c, d] = [
            counts.both.n,
            counts.when_only.n,
            counts.then_only.n,
            counts.neither.n,
        ];
        let (with, then, all) = (a + b, a + c, a + b + c + d);
        let probability =
            |x: u64| (log_choose(with, x) + log_choose(all - with, then - x) - log_choose(all, then)).exp();
        let range = (with + then).saturating_sub(all)..=with.min(then);
        let limit = probability(a) * (1.0 + 1e-7);
        let expected: f64 = range.clone().map(probability).filter(|p| *p <= limit).sum();
        let found = fisher::two_sided_p_value(&counts);
        assert!(
            (found - expected.min(1.0)).abs() < 1e-9,
            "{counts:?}: {found}, {expected}"
        );
        let Some(odds) = fisher::conditional_odds_ratio(&counts) else {
            assert!(a == *range.start() || a == *range.end(), "{counts:?}");
            continue;
        };
        let weight = |x: u64| (probability(x).ln() + (x as f64 - a as f64) * odds.ln()).exp();
        let sum: f64 = range.clone().map(weight).sum();
        let mean: f64 = range.map(|x| x as f64 * weight(x)).sum::<f64>() / sum;
        assert!(
            (mean - a as f64).abs() < 1e-6,
            "{counts:?}: {odds} has the mean {mean}"
        );
    }
}

#[test]
fn extreme_tables_have_tiny_p_values() {
    // 2 out of C(200, 100) tables: both extremes.
    let all_apart = TwoByTwoCounts::exact([100, 0, 0, 100]);
    let expected = (2.0_f64.ln() - log_choose(200, 100)).exp();
    assert_close(fisher::two_sided_p_value(&all_apart) / expected, 1.0, 1e-9);
    let beyond_doubles = TwoByTwoCounts::exact([10_000_000, 0, 0, 10_000_000]);
    assert!(fisher::two_sided_p_value(&beyond_doubles) < 1e-300);
    let even = TwoByTwoCounts::exact([10_000_000; 4]);
    assert_close(fisher::two_sided_p_value(&even), 1.0, 1e-9);
    assert_close(fisher::conditional_odds_ratio(&even).unwrap(), 1.0, 1e-9);
}

#[test]
fn single_stratum_equals_the_crude_table() {
    let mut random = StdRng::seed_from_u64(9);
    for _ in 0..2_000 {
        let counts = random_table(&mut random, 5);
        if let (Some(adjusted), Some(crude)) = (mantel_haenszel_odds_ratio(&[counts]), odds_ratio(&counts)) {
            assert_close(adjusted.value, crude.value, 1e-9);
            assert_close(adjusted.lower, crude.lower, 1e-9);
        }
        if let (Some(adjusted), Some(crude)) = (mantel_haenszel_risk_ratio(&[counts]), risk_ratio(&counts)) {
            assert_close(adjusted.value, crude.value, 1e-9);
            assert_close(adjusted.lower, crude.lower, 1e-6);
        }
        let n = random.random_range(0..1_000);
        let silent = [
            TwoByTwoCounts::exact([n, 0, 3, 0]),
            TwoByTwoCounts::exact([0, n, 0, 0]),
            TwoByTwoCounts::default(),
        ];
        let some = [counts, random_table(&mut random, 5)];
        let with_silent: Vec<TwoByTwoCounts> = silent.iter().chain(&some).copied().collect();
        assert_eq!(
            mantel_haenszel_odds_ratio(&some),
            mantel_haenszel_odds_ratio(&with_silent),
            "{some:?}"
        );
        let silent_on_risk = [
            TwoByTwoCounts::exact([0, n, 0, 3]),
            TwoByTwoCounts::exact([0, 0, 3, n]),
            TwoByTwoCounts::default(),
        ];
        let with_silent_on_risk: Vec<TwoByTwoCounts> = silent_on_risk.iter().chain(&some).copied().collect();
        assert_eq!(
            mantel_haenszel_risk_ratio(&some),
            mantel_haenszel_risk_ratio(&with_silent_on_risk),
            "{some:?}"
        );
        assert_eq!(
            cochran_mantel_haenszel(&some),
            cochran_mantel_haenszel(&with_silent),
            "{some:?}"
        );
        assert_eq!(homogeneity(&some), homogeneity(&with_silent), "{some:?}");
    }
}

#[test]
fn noise_slopes_match_numerical_derivatives() {
    // The variance that noise of one count adds, against the figure's change when that count moves.
    let base = TwoByTwoCounts::exact([4_000, 6_000, 3_000, 7_000]);
    let figures: [fn(&TwoByTwoCounts) -> Option<Estimate>; 4] = [
        risk_ratio,
        odds_ratio,
        |counts| mantel_haenszel_odds_ratio(&[*counts, TwoByTwoCounts::exact([900, 500, 800, 700])]),
        |counts| mantel_haenszel_risk_ratio(&[*counts, TwoByTwoCounts::exact([900, 500, 800, 700])]),
    ];
    let variance_of_log =
        |estimate: Estimate| ((estimate.upper / estimate.value).ln() / NORMAL_QUANTILE_975).powi(2);
    for (which, figure) in figures.iter().enumerate() {
        for cell in 0..4 {
            let with = |change: i64, variance: f64| {
                let mut counts = base;
                let one = match cell {
                    0 => &mut counts.both,
                    1 => &mut counts.when_only,
                    2 => &mut counts.then_only,
                    _ => &mut counts.neither,
                };
                one.n = one.n.saturating_add_signed(change);
                one.variance = variance;
                figure(&counts).unwrap()
            };
            let slope = (with(1, 0.0).value.ln() - with(-1, 0.0).value.ln()) / 2.0;
            let added = variance_of_log(with(0, 1_000.0)) - variance_of_log(with(0, 0.0));
            let expected = slope * slope * 1_000.0;
            assert!(
                (added - expected).abs() <= 1e-3 * expected + 1e-12,
                "figure {which}, cell {cell}: {added}, {expected}"
            );
        }
    }
}

#[test]
fn benjamini_hochberg_matches_its_definition() {
    let mut random = StdRng::seed_from_u64(10);
    for _ in 0..300 {
        let given: Vec<Option<f64>> = (0..random.random_range(0..30))
            .map(|_| random.random_ratio(4, 5).then(|| random.random_range(0.0..=1.0)))
            .collect();
        let tried = given.iter().flatten().count() as f64;
        for (p, corrected) in given.iter().zip(multiple_testing::benjamini_hochberg(&given)) {
            let Some(p) = p else {
                assert_eq!(corrected, None);
                continue;
            };
            // The least, over all p-values from this one up, of that value times the number tried over its rank.
            let rank = |value: f64| given.iter().flatten().filter(|one| **one <= value).count() as f64;
            let expected = given
                .iter()
                .flatten()
                .filter(|one| *one >= p)
                .map(|one| one * tried / rank(*one))
                .fold(1.0, f64::min);
            let corrected = corrected.unwrap();
            assert!(
                (corrected - expected).abs() < 1e-12 && corrected >= *p,
                "{given:?}: {p}, {corrected}"
            );
        }
    }
}

#[test]
fn two_by_two_residuals_differ_only_in_sign() {
    let mut random = StdRng::seed_from_u64(11);
    for _ in 0..1_000 {
        let [a, b, c, d] = random_table(&mut random, 6).cells().map(|cell| cell.n);
        let all = a + b + c + d;
        let residual = |n, row, column| independence::standardised_residual(n, row, column, all);
        let found = [
            residual(a, a + b, a + c),
            residual(b, a + b, b + d),
            residual(c, c + d, a + c),
            residual(d, c + d, b + d),
        ];
        let [Some(both), Some(when), Some(then), Some(neither)] = found else {
            assert!(
                [a + b, c + d, a + c, b + d].contains(&0),
                "{a} {b} {c} {d}: {found:?}"
            );
            continue;
        };
        for (one, other) in [(both, -when), (both, -then), (both, neither)] {
            assert!(
                (one - other).abs() < 1e-6 * one.abs().max(1.0),
                "{a} {b} {c} {d}: {found:?}"
            );
        }
        // Its square is Pearson's chi-squared, and so n times phi squared.
        let phi = phi(&TwoByTwoCounts::exact([a, b, c, d])).unwrap();
        assert_close(both * both, all as f64 * phi * phi, 1e-6);
    }
}

/// An estimate as the reference has it: the value and both ends of its interval, or null.
#[track_caller]
fn assert_matches_reference(found: Option<Estimate>, expected: &Value, case: &Value) {
    match (found, expected) {
        (None, Value::Null) => {}
        (Some(found), Value::Array(_)) => {
            let expected = parse_numbers(expected);
            for (found, expected) in [found.value, found.lower, found.upper].into_iter().zip(expected) {
                assert_close(found, expected, 1e-9);
            }
        }
        _ => panic!("{found:?} is not {expected} for {case}"),
    }
}

#[test]
fn pooled_estimates_match_statsmodels_on_random_strata() {
    let reference: Value = serde_json::from_str(include_str!("pooled_reference.json")).unwrap();
    let cases = reference["cases"].as_array().unwrap();
    let mut all_have_the_outcome = 0;
    for case in cases {
        let strata: Vec<TwoByTwoCounts> = case["strata"]
            .as_array()
            .unwrap()
            .iter()
            .map(parse_table)
            .collect();
        assert_matches_reference(mantel_haenszel_odds_ratio(&strata), &case["oddsRatio"], case);
        assert_matches_reference(mantel_haenszel_risk_ratio(&strata), &case["riskRatio"], case);
        match (cochran_mantel_haenszel(&strata), &case["test"]) {
            (None, Value::Null) => {}
            (Some(found), Value::Array(_)) => {
                let expected = parse_numbers(&case["test"]);
                assert_close(found.statistic, expected[0], 1e-9);
                assert_close(found.p_value, expected[1], 1e-9);
            }
            (found, expected) => panic!("{found:?} is not {expected} for {case}"),
        }
        all_have_the_outcome += strata
            .iter()
            .filter(|counts| is_informative_for_risk_ratio(counts) && !is_informative_for_odds_ratio(counts))
            .count();
    }
    assert!(
        all_have_the_outcome > 20,
        "{all_have_the_outcome} strata in which everybody has the outcome"
    );
}

#[test]
fn each_estimate_excludes_only_uninformative_strata() {
    let everybody = TwoByTwoCounts::exact([5, 0, 4, 0]);
    let nobody = TwoByTwoCounts::exact([0, 3, 0, 2]);
    let one_group = TwoByTwoCounts::exact([1, 1, 0, 0]);
    let nothing = TwoByTwoCounts::exact([0; 4]);
    let strata = [
        TwoByTwoCounts::exact([8, 5, 5, 12]),
        everybody,
        nobody,
        one_group,
        nothing,
    ];
    assert_eq!(
        ExcludedStrata::count(&strata, is_informative_for_odds_ratio),
        ExcludedStrata {
            strata: 3,
            initiatives: 16
        }
    );
    assert_eq!(
        ExcludedStrata::count(&strata, is_informative_for_risk_ratio),
        ExcludedStrata {
            strata: 2,
            initiatives: 7
        }
    );
    // What is left out changes nothing.
    let used = [strata[0], everybody];
    assert_eq!(
        mantel_haenszel_risk_ratio(&strata),
        mantel_haenszel_risk_ratio(&used)
    );
    assert_eq!(
        mantel_haenszel_odds_ratio(&strata),
        mantel_haenszel_odds_ratio(&used[..1])
    );
}
