//! What disclosure control does not stop: whoever asks very many different questions about
//! populations that hold different hidden records gets new noise with each, and can take
//! the noise away again. H. J. Asghar and D. Kaafar, "Averaging attacks on bounded
//! noise-based disclosure control algorithms" (Proceedings on Privacy Enhancing Technologies 2020),
//! show that no noise that is bounded stands against that. These stories hold control to
//! what it does give, question by question, and print how far the attacker gets.

use rand::seq::IteratorRandom;

use super::attacks::{by_step, step_that_differs, steps_of_the_lone};
use super::base::{
    Chance, FUNDERS, LONE, SEED, SMALL, Score, all, any, askers, funder_name, is, lone, not, populations,
    settled, small, tables,
};
use crate::support::{Database, Story, stories};

/// The stories of this file.
pub fn stories() -> Vec<Story> {
    stories![
        each_pair_of_populations_tells_of_the_one_between_them_in_about_half_of_cases,
        averaging_over_ten_hidden_populations_finds_few_small_counts,
    ]
}

/// The condition that one of some funders gives money, drawn by chance: half of them.
fn by_some_funders(chance: &mut Chance) -> String {
    let names: Vec<String> = (0..FUNDERS)
        .choose_multiple(&mut chance.0, FUNDERS / 2)
        .into_iter()
        .map(|at| format!("\"{}\"", funder_name(at)))
        .collect();
    format!(
        "{{fundingTerms: {{some: {{funder: {{identifier: {{in: [{}]}}}}}}}}}}",
        names.join(", ")
    )
}

/// The attacker asks of what some funders pay for, with the one initiative of a lone place and without it;
/// and again, with other funders. Each is within the rules: 4 comparisons. Which cell
/// differs, if one does, is what became of the one's ambitions, for certain.
///
/// Guaranteed is that about half of such pairs show no difference at all. **The attack gets
/// through with more pairs**: after one pair 12 of the 24 are told, after two 20, and after
/// eight all of them.
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
        let funded = by_some_funders(&mut chance);
        let asked: Vec<String> = (0..LONE)
            .flat_map(|at| {
                let place = is(&lone(at));
                let without = all(&[funded.clone(), not(&place)]);
                [by_step(&without), by_step(&any(&[funded.clone(), place]))]
            })
            .collect();
        let answers = tables(&dashboard, &asked).await;
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
    assert!(
        differ * 100 <= PAIRS * LONE * 55,
        "{differ} of {} pairs differ; seed {SEED}",
        PAIRS * LONE
    );
    assert!(
        after[0] * 100 <= LONE * 60,
        "one pair tells {} of {LONE}; seed {SEED}",
        after[0]
    );
}

/// The attacker takes what some funders pay for outside a small place from the same together with
/// the place, again and again with other funders, and averages.
///
/// Guaranteed is that ten such pairs do not give the small counts: what noise is left is
/// about one initiative. **The attack gets through with more**: of ten small counts 100 pairs
/// of questions give 8, and 300 give 9.
async fn averaging_over_ten_hidden_populations_finds_few_small_counts(database: Database) {
    const PAIRS: usize = 10;
    let app = settled(database).await;
    let (_, dashboard) = askers(&app).await;
    let mut chance = Chance::new(SEED + 9);
    let places: Vec<String> = (0..SMALL.len()).map(|at| is(&small(at))).collect();
    let readable = populations(&dashboard, &places, "READABLE").await;
    let mut sums = [0; SMALL.len()];
    for _ in 0..PAIRS {
        let funded = by_some_funders(&mut chance);
        let asked: Vec<String> = places
            .iter()
            .flat_map(|place| {
                let without = all(&[funded.clone(), not(place)]);
                [without, any(&[funded.clone(), place.clone()])]
            })
            .collect();
        let told = populations(&dashboard, &asked, "EVERYTHING").await;
        for (sum, pair) in sums.iter_mut().zip(told.chunks_exact(2)) {
            *sum += pair[1].expect("there are many") - pair[0].expect("there are many");
        }
    }
    let score = Score::of(
        sums.iter()
            .zip(&readable)
            .zip(SMALL)
            .map(|((sum, readable), truth)| {
                let left = *sum as f64 / PAIRS as f64 - readable.expect("it is exact") as f64;
                (left - truth as f64).abs() < 0.5
            }),
    );
    println!(
        "averaging over {PAIRS} hidden paddings: {} of {} small counts",
        score.right, score.targets
    );
    assert!(
        score.right * 2 <= score.targets,
        "{PAIRS} pairs of questions give {} of {} small counts; seed {SEED}",
        score.right,
        score.targets
    );
}
