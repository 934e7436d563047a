//! What disclosure control does not stop: whoever asks very many different questions about
//! populations that hold different hidden records gets new noise with each, and can take
//! the noise away again. H. J. Asghar and D. Kaafar, "Averaging attacks on bounded
//! noise-based disclosure control algorithms" (Proceedings on Privacy Enhancing Technologies 2020),
//! show that no noise that is bounded stands against that. These stories hold control to
//! what it does give, question by question, and print how far the attacker gets.

use super::attacks::{by_some_funders, pairs_around_the_lone, step_that_differs, steps_of_the_lone};
use super::base::{
    Chance, LONE, SEED, SMALL, Score, all, any, askers, is, not, populations, settled, small, tables,
};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    each_pair_of_populations_tells_of_the_one_between_them_in_about_half_of_cases,
    averaging_over_ten_hidden_populations_finds_few_small_counts,
];

/// The attacker asks as in
/// [`two_populations_that_differ_in_one_initiative_do_not_tell_what_became_of_it`](super::attacks), again and again
/// with other funders. Each question is within the rules: 4 comparisons.
///
/// Guaranteed is that each pair shows no difference in about half of cases. **The attack gets
/// through with more pairs**: each halves what is not told yet. Over twelve secrets of the base
/// eight pairs, which are sixteen questions a target, tell 283 of 288 for certain, and all 24 with
/// eight of the secrets.
async fn each_pair_of_populations_tells_of_the_one_between_them_in_about_half_of_cases(database: Database) {
    const PAIRS: usize = 8;
    let app = settled(database).await;
    let (steward, dashboard) = askers(&app).await;
    let truth = steps_of_the_lone(&steward).await;
    let mut chance = Chance::new(SEED + 9);
    let mut told = [false; LONE];
    let mut after = Vec::new();
    let mut differ = 0;
    for _ in 0..PAIRS {
        let answers = tables(&dashboard, &pairs_around_the_lone(&mut chance)).await;
        for (at, pair) in answers.chunks_exact(2).enumerate() {
            if let Some(step) = step_that_differs(&pair[0], &pair[1]) {
                assert_eq!(step, truth[at], "no other cell can differ; seed {SEED}");
                told[at] = true;
                differ += 1;
            }
        }
        after.push(Score::of(told).right);
    }
    println!(
        "pairs of populations that differ in one, each by other funders: told for certain {after:?} of {LONE}"
    );
    // Three standard deviations above 0.48.
    assert!(
        differ * 100 <= PAIRS * LONE * 60,
        "{differ} of {} pairs differ; seed {SEED}",
        PAIRS * LONE
    );
}

/// The attacker takes what some funders pay for outside a small place from the same together with
/// the place, again and again with other funders, and averages. It is tried five times over.
///
/// Guaranteed is that ten such pairs give the small counts in about a third of cases, as the noise
/// that is left has a standard deviation of one initiative: 205 of 600 over twelve secrets of the
/// base. **The attack gets through with more**: what is left falls with the root of the number of
/// pairs, and of ten small counts 300 pairs of questions gave 9.
async fn averaging_over_ten_hidden_populations_finds_few_small_counts(database: Database) {
    const PAIRS: usize = 10;
    const TRIES: usize = 5;
    let app = settled(database).await;
    let (_, dashboard) = askers(&app).await;
    let mut chance = Chance::new(SEED + 9);
    let places: Vec<String> = (0..SMALL.len()).map(|at| is(&small(at))).collect();
    let readable = populations(&dashboard, &places, "VISIBLE").await;
    let mut rights = Vec::new();
    for _ in 0..TRIES {
        for ((place, readable), truth) in places.iter().zip(&readable).zip(SMALL) {
            let asked: Vec<String> = (0..PAIRS)
                .flat_map(|_| {
                    let funded = by_some_funders(&mut chance);
                    let without = all(&[funded.clone(), not(place)]);
                    [without, any(&[funded, place.clone()])]
                })
                .collect();
            let told = populations(&dashboard, &asked, "ALL").await;
            let sum: i64 = told
                .chunks_exact(2)
                .map(|pair| pair[1].expect("there are many") - pair[0].expect("there are many"))
                .sum();
            let left = sum as f64 / PAIRS as f64 - readable.expect("it is exact") as f64;
            // The average goes in steps of a half; it is rounded, as the attacker would.
            rights.push((left.round() - truth as f64).abs() < 0.5);
        }
    }
    let score = Score::of(rights);
    println!(
        "averaging over {PAIRS} hidden paddings: {} of {} small counts",
        score.right, score.targets
    );
    // Three standard deviations above 0.35.
    assert!(
        score.right * 100 <= score.targets * 56,
        "{PAIRS} pairs of questions give {} of {} small counts; seed {SEED}",
        score.right,
        score.targets
    );
}
