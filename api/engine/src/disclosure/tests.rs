//! Disclosed counts follow the rules for all counts and keys.

use std::collections::HashSet;
use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;

fn cell(readable: u64, hidden: u64, key: u8) -> RawCell {
    RawCell {
        visible: readable,
        hidden,
        key,
    }
}

#[test]
fn counts_under_ten_zero_included_are_suppressed_and_others_rounded() {
    let noise = PerturbationTable::default();
    for hidden in 0..200 {
        for key in 0..=255 {
            let found = disclose(&cell(0, hidden, key), &noise);
            let moved = hidden.cast_signed() + noise.get(hidden, key);
            match found.count {
                None => assert!(
                    moved < i64::from(MIN_CELL_COUNT)
                        && found.suppressed == Some(SuppressionRule::SmallCount),
                    "{hidden}, {key}"
                ),
                Some(count) => {
                    assert!(
                        moved >= i64::from(MIN_CELL_COUNT) && count.is_multiple_of(5) && count >= 10,
                        "{hidden}, {key}: {count}"
                    );
                    assert!(count.abs_diff(hidden) <= 7, "{hidden}, {key}: {count}");
                }
            }
        }
    }
}

#[test]
fn cell_key_perturbs_every_count_from_ten() {
    let noise = PerturbationTable::default();
    for hidden in (10..1_000).chain([10_000, 1_000_000, 10_000_001]) {
        let answers: HashSet<Option<u64>> = (0..=255)
            .map(|key| disclose(&cell(0, hidden, key), &noise).count)
            .collect();
        assert!(answers.len() > 1, "every key gives {answers:?} for {hidden}");
    }
}

#[test]
fn mean_over_all_keys_equals_the_count() {
    let noise = PerturbationTable::default();
    for hidden in 20..400_u64 {
        let answers = (0..=255).map(|key| disclose(&cell(0, hidden, key), &noise).count.unwrap() as f64);
        let values: Vec<f64> = answers.collect();
        let mean = values.iter().sum::<f64>() / 256.0;
        assert!((mean - hidden as f64).abs() < 0.3, "{hidden}: {mean}");
        let variance = values
            .iter()
            .map(|value| (value - hidden as f64).powi(2))
            .sum::<f64>()
            / 256.0;
        assert!((variance - 6.0).abs() < 1.5, "{hidden}: {variance}, said to be 6");
    }
}

#[test]
fn visible_records_do_not_affect_the_hidden_part() {
    let mut random = StdRng::seed_from_u64(12);
    let noise = PerturbationTable::default();
    for _ in 0..10_000 {
        let mut cell = cell(0, random.random_range(0..60), random.random());
        let alone = disclose(&cell, &noise);
        cell.visible = random.random_range(1..1_000);
        let with_readable = disclose(&cell, &noise);
        assert_eq!(with_readable.suppressed, alone.suppressed, "{cell:?}");
        let expected = alone.count.map(|hidden| cell.visible + hidden);
        assert_eq!(with_readable.count, expected, "{cell:?}");
        assert_eq!(with_readable.visible, cell.visible, "{cell:?}");
    }
}

/// The rule of "10 and 5" as the Office for National Statistics publishes it for its format:
/// what is made here equals, line for line, `data_files/ptable_10_5_rule.csv` of
/// ONSdigital/cell-key-perturbation (commit 6ea4686b, MIT licence). It is pure rounding.
#[test]
fn rounding_only_table_matches_the_ons_published_values() {
    let mut csv = "pcv,ckey,pvalue\n".to_owned();
    for count in 1..=750_i64 {
        let rounded = if count < 10 { 0 } else { (count + 2) / 5 * 5 };
        for key in 0..256 {
            writeln!(csv, "{count},{key},{}", rounded - count).unwrap();
        }
    }
    let noise = PerturbationTable::parse(csv.as_bytes()).unwrap();
    for (count, published) in [
        (1, None),
        (7, None),
        (9, None),
        (10, Some(10)),
        (11, Some(10)),
        (12, Some(10)),
        (13, Some(15)),
        (14, Some(15)),
        (17, Some(15)),
        (18, Some(20)),
        (751, Some(750)),
        (10_003, Some(10_005)),
    ] {
        assert_eq!(disclose(&cell(0, count, 77), &noise).count, published, "{count}");
    }
}
