//! Classes have enough records of enough organisations, and stay as they are while their records do.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

use super::*;
use crate::index::{IndexedFundingTerm, IndexedInitiative};

const ORGANISATIONS: u32 = 30;

fn random_row(random: &mut StdRng, id: u128) -> IndexedInitiative {
    let term = |random: &mut StdRng| IndexedFundingTerm {
        funder: ORGANISATIONS + random.random_range(0..6),
        duration_months: [None, Some(12), Some(36)][random.random_range(0..3)],
        ..IndexedFundingTerm::default()
    };
    IndexedInitiative {
        lead: random.random_range(0..ORGANISATIONS),
        cell_key: random.random(),
        started_on: NaiveDate::from_ymd_opt(random.random_range(2015..2025), 1, 1),
        visibility: Visibility::ALL[random.random_range(0..3)],
        illustrative: random.random_ratio(1, 3),
        ongoing: [None, Some(false), Some(true)][random.random_range(0..3)],
        updated_at: DateTime::from_timestamp_micros(random.random_range(0..1 << 50)).unwrap(),
        terms: (0..random.random_range(0..3)).map(|_| term(random)).collect(),
        ..IndexedInitiative::open_without_answers(id)
    }
}

fn random_snapshot(random: &mut StdRng, count: u128) -> Snapshot {
    let mut snapshot = Snapshot::default();
    let rows = (1..=count).map(|id| random_row(random, id)).collect();
    snapshot.apply(rows, Vec::new());
    snapshot
}

/// The members of each class that is not dissolved.
fn list_members(snapshot: &Snapshot, classes: &HiddenClasses) -> HashMap<u32, BTreeSet<Uuid>> {
    let mut members: HashMap<u32, BTreeSet<Uuid>> = HashMap::new();
    for (position, chunk) in snapshot.chunks.iter().enumerate() {
        for row in classes.find_classed_rows(position).iter() {
            let class = classes.class_of_rows(position)[row];
            members.entry(class).or_default().insert(chunk.ids()[row]);
        }
    }
    members
}

/// Follows changes, and forms new classes.
fn follow(
    classes: &BothClasses,
    before: &Snapshot,
    after: &Snapshot,
    changed: &[Uuid],
    random: &mut StdRng,
) -> BothClasses {
    let followed = HiddenClasses::follow(classes, before, after, changed);
    let formed = HiddenClasses::form(&followed, after, || Uuid::from_u128(random.random()));
    formed.map_or(followed, |(classes, _)| classes)
}

fn find(snapshot: &Snapshot, id: Uuid) -> IndexedInitiative {
    let (chunk, row) = snapshot.find_row(id).expect("it is published");
    snapshot.chunks[chunk].unpack_row(row)
}

/// Whether some records are enough: counts those that each organisation does not know.
fn is_enough_naively(rows: &[IndexedInitiative]) -> bool {
    let known_by = |row: &IndexedInitiative, organisation: u32| {
        row.lead == organisation || row.terms.iter().any(|term| term.funder == organisation)
    };
    (0..ORGANISATIONS + 6).all(|organisation| {
        let others: Vec<&IndexedInitiative> =
            rows.iter().filter(|row| !known_by(row, organisation)).collect();
        let leads: BTreeSet<u32> = others.iter().map(|row| row.lead).collect();
        others.len() >= 10 && leads.len() >= 5
    })
}

fn assert_classes_hold(snapshot: &Snapshot, both: &[Arc<HiddenClasses>; 2]) {
    let of_members = list_members(snapshot, &both[Audience::Members as usize]);
    for classes in both {
        let audience = classes.audience;
        for (class, ids) in list_members(snapshot, classes) {
            let rows: Vec<IndexedInitiative> = ids.iter().map(|id| find(snapshot, *id)).collect();
            assert!(is_enough_naively(&rows), "{audience:?}, class {class}: {rows:?}");
            assert!(
                rows.iter().all(|row| !audience.can_view_fully(row.visibility)),
                "{audience:?}, class {class} has a record that everybody can read"
            );
            assert!(
                rows.iter().all(|row| row.illustrative == rows[0].illustrative),
                "{audience:?}, class {class} has illustrative and real records"
            );
            for within in of_members.values() {
                assert!(
                    ids.is_disjoint(within) || ids.is_superset(within),
                    "{audience:?}, class {class} divides a class of members"
                );
            }
        }
    }
}

#[test]
fn classes_have_enough_records_of_enough_organisations() {
    let mut random = StdRng::seed_from_u64(41);
    for count in [0, 1, 30, 100, 1_000, 6_000] {
        let snapshot = random_snapshot(&mut random, count);
        let classes = HiddenClasses::form_all(&snapshot);
        assert_classes_hold(&snapshot, &classes);
        let again = HiddenClasses::form_all(&snapshot);
        for (one, other) in classes.iter().zip(&again) {
            assert_eq!(
                one.class_of_row, other.class_of_row,
                "the same records give the same classes"
            );
        }
        if count >= 1_000 {
            let hidden = snapshot
                .chunks
                .iter()
                .map(|chunk| find_hidden_rows(Audience::Members, chunk).count());
            let classed: usize = list_members(&snapshot, &classes[1])
                .values()
                .map(BTreeSet::len)
                .sum();
            assert_eq!(
                classed as u64,
                hidden.sum::<u64>(),
                "every hidden record is in a class"
            );
        }
    }
}

#[test]
fn classes_change_only_with_their_records_and_with_enough_of_them() {
    let mut random = StdRng::seed_from_u64(42);
    for _ in 0..6 {
        let mut snapshot = random_snapshot(&mut random, 1_500);
        let mut classes = HiddenClasses::form_all(&snapshot);
        for _ in 0..40 {
            let changed: BTreeSet<Uuid> = (0..random.random_range(1..4))
                .map(|_| Uuid::from_u128(random.random_range(1..1_600)))
                .collect();
            let (mut upserted, mut removed) = (Vec::new(), Vec::new());
            for id in &changed {
                match random.random_range(0..4) {
                    0 => removed.push(*id),
                    1 => {
                        // It is saved as it is.
                        if let Some((chunk, row)) = snapshot.find_row(*id) {
                            let row = snapshot.chunks[chunk].unpack_row(row);
                            upserted.push(row);
                        }
                    }
                    _ => upserted.push(random_row(&mut random, id.as_u128())),
                }
            }
            let mut after = snapshot.clone();
            after.apply(upserted, removed);
            let changed: Vec<Uuid> = changed.into_iter().collect();
            let followed = follow(&classes, &snapshot, &after, &changed, &mut random);
            assert_classes_hold(&after, &followed);
            for (old, new) in classes.iter().zip(&followed) {
                let (before, now) = (list_members(&snapshot, old), list_members(&after, new));
                for (class, ids) in &before {
                    let row = |of: &Snapshot, id: &Uuid| {
                        let (chunk, row) = of.find_row(*id)?;
                        Some(of.chunks[chunk].unpack_row(row))
                    };
                    let is_same = ids.iter().all(|id| row(&snapshot, id) == row(&after, id));
                    assert_eq!(
                        now.get(class) == Some(ids),
                        is_same,
                        "class {class} of {:?}",
                        old.audience
                    );
                    assert!(
                        is_same || !now.contains_key(class),
                        "a dissolved class keeps its number"
                    );
                }
            }
            (snapshot, classes) = (after, followed);
        }
    }
}

#[test]
fn new_records_wait_until_they_conceal_each_other() {
    let hidden = |number: u128, lead: u32| IndexedInitiative {
        lead,
        visibility: Visibility::AggregateOnly,
        ..IndexedInitiative::open_without_answers(number)
    };
    let mut random = StdRng::seed_from_u64(43);
    let mut snapshot = Snapshot::default();
    let mut classes = HiddenClasses::form_all(&snapshot);
    for number in 0..12 {
        let row = hidden(number, u32::try_from(number % 6).unwrap());
        let mut after = snapshot.clone();
        after.apply(vec![row.clone()], Vec::new());
        classes = follow(&classes, &snapshot, &after, &[row.id], &mut random);
        snapshot = after;
        let formed = list_members(&snapshot, &classes[1]).len();
        assert_eq!(formed, usize::from(number == 11), "after {} records", number + 1);
    }
    // A single change dissolves the class, and does not form another.
    let row = IndexedInitiative {
        updated_at: DateTime::from_timestamp_micros(1).unwrap(),
        ..hidden(3, 3)
    };
    let mut after = snapshot.clone();
    after.apply(vec![row.clone()], Vec::new());
    let changed = follow(&classes, &snapshot, &after, &[row.id], &mut random);
    assert!(list_members(&after, &changed[1]).is_empty());
}

#[test]
fn stored_classes_are_the_same_on_another_server() {
    let mut random = StdRng::seed_from_u64(44);
    let mut snapshot = random_snapshot(&mut random, 1_500);
    let none = HiddenClasses::none(&snapshot, KeyPriority::default());
    let (mut classes, mut stored) =
        HiddenClasses::form(&none, &snapshot, || Uuid::from_u128(random.random()))
            .expect("there are enough records");
    for _ in 0..60 {
        let id = random.random_range(1..=1_500);
        let row = random_row(&mut random, id);
        let mut after = snapshot.clone();
        after.apply(vec![row.clone()], Vec::new());
        classes = HiddenClasses::follow(&classes, &snapshot, &after, &[row.id]);
        if let Some((formed, new)) =
            HiddenClasses::form(&classes, &after, || Uuid::from_u128(random.random()))
        {
            classes = formed;
            stored.extend(new);
        }
        let obsolete: Vec<Uuid> = classes
            .iter()
            .flat_map(|classes| classes.list_obsolete())
            .collect();
        stored.retain(|class| !obsolete.contains(&class.id));
        snapshot = after;
        // Another server starts now.
        let started = HiddenClasses::add_stored(
            &HiddenClasses::none(&snapshot, KeyPriority::default()),
            &snapshot,
            &stored,
            AsOf::default(),
        );
        for (one, other) in classes.iter().zip(&started) {
            let as_sets = |classes: &HiddenClasses| -> BTreeSet<BTreeSet<Uuid>> {
                list_members(&snapshot, classes).into_values().collect()
            };
            assert_eq!(as_sets(one), as_sets(other), "{:?}", one.audience);
            let ids = |classes: &HiddenClasses| -> Vec<Uuid> {
                let order = classes.levels.order().iter();
                order.map(|number| classes.ids[*number as usize]).collect()
            };
            assert_eq!(
                (ids(one), one.levels.starts()),
                (ids(other), other.levels.starts())
            );
            assert_eq!(
                one.list_units(&snapshot, None)
                    .iter()
                    .map(|unit| unit.altered.clone())
                    .collect::<Vec<_>>(),
                other
                    .list_units(&snapshot, None)
                    .iter()
                    .map(|unit| unit.altered.clone())
                    .collect::<Vec<_>>(),
                "the same records are new or have changed"
            );
        }
    }
}
