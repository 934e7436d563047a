//! The index keeps what it is given: rows packed and unpacked are the same, and a
//! snapshot that changes are applied to holds what a plain map would.

use std::collections::BTreeMap;

use chrono::{DateTime, Days, NaiveDate, TimeDelta, Utc};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, EntryPoint, MissingReason, Visibility,
};

use super::*;
use wayin_records::fields::funding_term::FundingChoice;
use wayin_records::fields::{FundingTermField, RecordField};

fn pick_optional<T: Copy>(random: &mut StdRng, of: &[T]) -> Option<T> {
    of.get(random.random_range(0..=of.len())).copied()
}

fn random_day(random: &mut StdRng) -> Option<NaiveDate> {
    let first = NaiveDate::from_ymd_opt(1999, 12, 31)?;
    random
        .random_ratio(2, 3)
        .then(|| first + Days::new(random.random_range(0..20_000)))
}

fn random_moment(random: &mut StdRng) -> DateTime<Utc> {
    DateTime::UNIX_EPOCH + TimeDelta::microseconds(random.random_range(0..1 << 51))
}

fn random_row(random: &mut StdRng, id: u128) -> IndexedInitiative {
    let mut row = random_empty_row(random, id);
    for field in [
        IndexedField::Record(RecordField::Place),
        IndexedField::Step(Challenge::DefiningAmbitions),
    ] {
        let why = pick_optional(random, MissingReason::ALL);
        row.missing.extend(why.map(|why| (field, why)));
    }
    for term in 0..row.terms.len() {
        for field in [FundingTermField::DurationMonths, FundingTermField::Renewable] {
            let why = pick_optional(random, MissingReason::ALL);
            let term = u32::try_from(term).unwrap();
            row.missing_in_terms.extend(why.map(|why| (term, field, why)));
        }
    }
    row
}

fn random_empty_row(random: &mut StdRng, id: u128) -> IndexedInitiative {
    IndexedInitiative {
        id: Uuid::from_u128(id),
        cell_key: random.random(),
        place: pick_optional(random, &[0, 1, 77]),
        lead: random.random_range(0..9),
        title: "ä title".repeat(random.random_range(0..4)).into(),
        published_at: random_moment(random),
        updated_at: random_moment(random),
        started_on: random_day(random),
        ended_on: random_day(random),
        ongoing: pick_optional(random, &[true, false]),
        visibility: Visibility::ALL[random.random_range(0..3)],
        shared_with_funders: random.random(),
        illustrative: random.random(),
        entry_points: std::array::from_fn(|_| match pick_optional(random, EntryPoint::ALL) {
            None => PerspectiveEntryPoints::default(),
            way_in => PerspectiveEntryPoints {
                way_in,
                later: random.random_range(0..16),
            },
        }),
        steps: std::array::from_fn(|_| pick_optional(random, ChallengeStep::ALL)),
        reasons: std::array::from_fn(|_| random.random_range(0..1 << ChallengeReason::ALL.len())),
        changes: std::array::from_fn(|_| pick_optional(random, ChangeExtent::ALL)),
        terms: (0..random.random_range(0..4))
            .map(|_| IndexedFundingTerm {
                funder: random.random_range(0..9),
                duration_months: pick_optional(random, &[1, 18, 600]),
                research_months: pick_optional(random, &[1, 6, 40]),
                amount_minor: pick_optional(random, &[0, 1, i64::MAX]),
                currency: pick_optional(random, &[*b"gbp", *b"eur"]),
                starts_on: random_day(random),
                choices: FundingChoice::ALL.map(|choice| {
                    let answers: Vec<u8> = (0..).take(choice.count_answers()).collect();
                    pick_optional(random, &answers)
                }),
            })
            .collect(),
        missing: Vec::new(),
        missing_in_terms: Vec::new(),
    }
}

#[test]
fn packed_rows_unpack_unchanged() {
    let mut random = StdRng::seed_from_u64(1);
    for count in [0, 1, 2, 65, 500] {
        let rows: Vec<IndexedInitiative> = (0..count).map(|id| random_row(&mut random, id)).collect();
        assert_eq!(Chunk::pack(&rows).unpack(), rows);
    }
}

#[test]
fn snapshot_matches_a_map_after_random_changes() {
    let mut random = StdRng::seed_from_u64(2);
    let (mut snapshot, mut map) = (Snapshot::default(), BTreeMap::new());
    for round in 0..12 {
        // The first rounds fill several chunks, the later ones change a few rows.
        let changes = if round < 3 { 3_000 } else { 40 };
        let rows: BTreeMap<u128, IndexedInitiative> = (0..changes)
            .map(|_| {
                let id = random.random_range(0..9_000);
                (id, random_row(&mut random, id))
            })
            .collect();
        let gone: Vec<u128> = (0..changes / 10)
            .map(|_| random.random_range(0..9_000))
            .filter(|id| !rows.contains_key(id))
            .collect();
        snapshot.apply(
            rows.values().cloned().collect(),
            gone.iter().copied().map(Uuid::from_u128).collect(),
        );
        map.extend(rows);
        gone.iter().for_each(|id| drop(map.remove(id)));
        let held: Vec<IndexedInitiative> = snapshot.chunks.iter().flat_map(|chunk| chunk.unpack()).collect();
        assert!(held.iter().eq(map.values()), "round {round}");
        assert_eq!(snapshot.len(), map.len());
        assert!(
            snapshot
                .chunks
                .iter()
                .all(|chunk| (1..=CHUNK_ROWS).contains(&chunk.len())),
            "round {round}"
        );
    }
}
