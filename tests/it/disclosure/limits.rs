//! The known limits of disclosure control. An attacker who sends many different queries about populations with
//! different hidden records gets new noise with each query and can average it away. H. J. Asghar and D. Kaafar,
//! "Averaging attacks on bounded noise-based disclosure control algorithms" (Proceedings on Privacy Enhancing
//! Technologies 2020), show that no bounded noise prevents this. These tests assert what control guarantees for
//! each query, and print how far the attack gets.

use super::attacks::{find_differing_step, find_lone_steps, random_funder_filter, random_pairs_around_lone};
use super::fixture::{
    AttackScore, LONE_PLACES, RecordGenerator, SEED, SMALL_PLACE_COUNTS, all_of, any_of, create_clients,
    not_filter, place_is, query_populations, query_tables, small_place, start_with_records,
};
use crate::support::{Database, tests_on_both_databases};

tests_on_both_databases![
    differencing_succeeds_in_about_half_of_cases,
    averaging_ten_populations_finds_few_small_counts,
];

/// The attack of [`differencing_two_populations_does_not_reveal_a_record`](super::attacks), repeated with other
/// funders. Each query is allowed: it has 4 comparisons.
///
/// Control guarantees that each pair shows no difference in about half of the cases. **The attack succeeds with
/// more pairs**: each pair halves the number of unknown steps. Over twelve secrets of the instance, eight pairs
/// (sixteen queries for each target) reveal 283 of 288 steps with certainty, and all 24 steps with eight of the
/// secrets.
async fn differencing_succeeds_in_about_half_of_cases(database: Database) {
    const PAIR_COUNT: usize = 8;
    let app = start_with_records(database).await;
    let (steward, dashboard) = create_clients(&app).await;
    let truth = find_lone_steps(&steward).await;
    let mut chance = RecordGenerator::new(SEED + 9);
    let mut output = [false; LONE_PLACES];
    let mut after = Vec::new();
    let mut differ = 0;
    for _ in 0..PAIR_COUNT {
        let answers = query_tables(&dashboard, &random_pairs_around_lone(&mut chance)).await;
        for (at, pair) in answers.chunks_exact(2).enumerate() {
            if let Some(step) = find_differing_step(&pair[0], &pair[1]) {
                assert_eq!(step, truth[at], "no other cell can differ; seed {SEED}");
                output[at] = true;
                differ += 1;
            }
        }
        after.push(AttackScore::from_results(output).right);
    }
    println!(
        "pairs of populations that differ by one, with other funders: {after:?} of {LONE_PLACES} steps revealed"
    );
    // Three standard deviations above 0.48.
    assert!(
        differ * 100 <= PAIR_COUNT * LONE_PLACES * 60,
        "{differ} of {} pairs differ; seed {SEED}",
        PAIR_COUNT * LONE_PLACES
    );
}

/// The attacker subtracts the records that some funders pay for outside a small place from those including the
/// place, repeats this with other funders, and averages. There are five attempts.
///
/// Control guarantees that ten such pairs reveal a small count in about a third of the cases, because the
/// remaining noise has a standard deviation of one initiative: 205 of 600 over twelve secrets of the instance.
/// **The attack succeeds with more pairs**: the remaining noise decreases with the square root of the number of
/// pairs. 300 pairs of queries revealed 9 of ten small counts.
async fn averaging_ten_populations_finds_few_small_counts(database: Database) {
    const PAIR_COUNT: usize = 10;
    const ATTEMPTS: usize = 5;
    let app = start_with_records(database).await;
    let (_, dashboard) = create_clients(&app).await;
    let mut chance = RecordGenerator::new(SEED + 9);
    let places: Vec<String> = (0..SMALL_PLACE_COUNTS.len())
        .map(|at| place_is(&small_place(at)))
        .collect();
    let readable = query_populations(&dashboard, &places, "VISIBLE").await;
    let mut rights = Vec::new();
    for _ in 0..ATTEMPTS {
        for ((place, readable), truth) in places.iter().zip(&readable).zip(SMALL_PLACE_COUNTS) {
            let asked: Vec<String> = (0..PAIR_COUNT)
                .flat_map(|_| {
                    let funded = random_funder_filter(&mut chance);
                    let without = all_of(&[funded.clone(), not_filter(place)]);
                    [without, any_of(&[funded, place.clone()])]
                })
                .collect();
            let output = query_populations(&dashboard, &asked, "ALL").await;
            let sum: i64 = output
                .chunks_exact(2)
                .map(|pair| pair[1].expect("there are many") - pair[0].expect("there are many"))
                .sum();
            let left = sum as f64 / PAIR_COUNT as f64 - readable.expect("it is exact") as f64;
            // The average is a multiple of a half. The attacker would round it too.
            rights.push((left.round() - truth as f64).abs() < 0.5);
        }
    }
    let score = AttackScore::from_results(rights);
    println!(
        "averaging over {PAIR_COUNT} hidden paddings: {} of {} small counts",
        score.right, score.targets
    );
    // Three standard deviations above 0.35.
    assert!(
        score.right * 100 <= score.targets * 56,
        "{PAIR_COUNT} pairs of queries reveal {} of {} small counts; seed {SEED}",
        score.right,
        score.targets
    );
}
