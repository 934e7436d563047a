//! Classes have enough records of enough organisations, and stay as they are while their records do.

use std::collections::{BTreeSet, HashMap};

use chrono::{DateTime, NaiveDate, Utc};
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

/// The members of each class that is not dissolved, as they are counted.
fn list_members(classes: &HiddenClasses) -> HashMap<u32, Vec<IndexedInitiative>> {
    let mut members: HashMap<u32, Vec<IndexedInitiative>> = HashMap::new();
    for (position, chunk) in classes.counted().chunks.iter().enumerate() {
        for row in classes.find_classed_rows(position).iter() {
            let class = classes.class_of_rows(position)[row];
            members.entry(class).or_default().push(chunk.unpack_row(row));
        }
    }
    members
}

/// A version of a record.
type Version = (Uuid, DateTime<Utc>);

fn list_versions<'a>(rows: impl IntoIterator<Item = &'a IndexedInitiative>) -> BTreeSet<Version> {
    rows.into_iter().map(|row| (row.id, row.updated_at)).collect()
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
    let formed = HiddenClasses::form(&followed, || Uuid::from_u128(random.random()));
    formed.map_or(followed, |formation| formation.classes)
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

fn assert_classes_hold(both: &BothClasses) {
    let of_members = list_members(&both[Audience::Members as usize]);
    for classes in both {
        let audience = classes.audience;
        for (class, rows) in list_members(classes) {
            assert!(is_enough_naively(&rows), "{audience:?}, class {class}: {rows:?}");
            assert!(
                rows.iter().all(|row| !audience.can_view_fully(row.visibility)),
                "{audience:?}, class {class} has a record that everybody can read"
            );
            assert!(
                rows.iter().all(|row| row.illustrative == rows[0].illustrative),
                "{audience:?}, class {class} has illustrative and real records"
            );
            let versions = list_versions(&rows);
            assert_eq!(
                versions.len(),
                rows.len(),
                "{audience:?}, class {class} counts a record twice"
            );
            for within in of_members.values().map(list_versions) {
                assert!(
                    versions.is_disjoint(&within) || versions.is_superset(&within),
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
        assert_classes_hold(&classes);
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
            let classed: usize = list_members(&classes[1]).values().map(Vec::len).sum();
            assert_eq!(
                classed as u64,
                hidden.sum::<u64>(),
                "every hidden record is in a class"
            );
        }
    }
}

/// Random changes of some records: these are changed, saved as they are, added or removed.
fn change_randomly(random: &mut StdRng, snapshot: &Snapshot) -> (Snapshot, Vec<Uuid>) {
    let changed: BTreeSet<Uuid> = (0..random.random_range(1..20))
        .map(|_| Uuid::from_u128(random.random_range(1..1_600)))
        .collect();
    let (mut upserted, mut removed) = (Vec::new(), Vec::new());
    for id in &changed {
        match random.random_range(0..4) {
            0 => removed.push(*id),
            1 => {
                if let Some((chunk, row)) = snapshot.find_row(*id) {
                    upserted.push(snapshot.chunks[chunk].unpack_row(row));
                }
            }
            _ => upserted.push(random_row(random, id.as_u128())),
        }
    }
    let mut after = snapshot.clone();
    after.apply(upserted, removed);
    (after, changed.into_iter().collect())
}

#[test]
fn what_is_counted_changes_by_enough_records_together() {
    let mut random = StdRng::seed_from_u64(42);
    let mut replaced_count = 0;
    for _ in 0..2 {
        let mut snapshot = random_snapshot(&mut random, 1_500);
        let mut classes = HiddenClasses::form_all(&snapshot);
        let descriptions = classes[1].descriptions().len();
        for _ in 0..80 {
            let (after, changed) = change_randomly(&mut random, &snapshot);
            let followed = follow(&classes, &snapshot, &after, &changed, &mut random);
            assert_classes_hold(&followed);
            for (old, new) in classes.iter().zip(&followed) {
                let (before, now) = (list_members(old), list_members(new));
                let [counted_before, counted_now] =
                    [&before, &now].map(|classes| list_versions(classes.values().flatten()));
                for (class, rows) in &before {
                    let is_same = now
                        .get(class)
                        .is_none_or(|now| list_versions(now) == list_versions(rows));
                    assert!(is_same, "class {class} of {:?} has changed", old.audience);
                }
                let is_readable = |row: &IndexedInitiative| {
                    let newest = after.find_row(row.id);
                    newest.is_some_and(|(chunk, at)| !is_hidden(old.audience, &after.chunks[chunk], at))
                };
                let is_left = |row: &&IndexedInitiative| {
                    !counted_now.contains(&(row.id, row.updated_at)) && !is_readable(row)
                };
                let left: Vec<&IndexedInitiative> = before.values().flatten().filter(is_left).collect();
                for (class, rows) in now.iter().filter(|(class, _)| !before.contains_key(class)) {
                    replaced_count += 1;
                    let is_new =
                        |row: &&IndexedInitiative| !counted_before.contains(&(row.id, row.updated_at));
                    let mut altered: Vec<IndexedInitiative> = rows.iter().filter(is_new).cloned().collect();
                    let ids: BTreeSet<Uuid> = altered.iter().map(|row| row.id).collect();
                    let gone = left.iter().filter(|row| !ids.contains(&row.id));
                    altered.extend(gone.map(|row| (*row).clone()));
                    assert!(
                        is_enough_naively(&altered),
                        "class {class} of {:?} has {} changed records",
                        old.audience,
                        altered.len()
                    );
                }
            }
            (snapshot, classes) = (after, followed);
        }
        assert!(
            classes[1].descriptions().len() * 2 > descriptions,
            "changes leave {} of {descriptions} descriptions",
            classes[1].descriptions().len()
        );
    }
    assert!(
        replaced_count > 20,
        "only {replaced_count} classes were formed after changes"
    );
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
        let formed = list_members(&classes[1]).len();
        assert_eq!(formed, usize::from(number == 11), "after {} records", number + 1);
    }
    // Records that change are counted as they were, until enough have changed.
    let counted = list_versions(list_members(&classes[1]).values().flatten());
    for number in 0..12 {
        let row = IndexedInitiative {
            updated_at: DateTime::from_timestamp_micros(1).unwrap(),
            ..hidden(number, u32::try_from(number % 6).unwrap())
        };
        let mut after = snapshot.clone();
        after.apply(vec![row.clone()], Vec::new());
        classes = follow(&classes, &snapshot, &after, &[row.id], &mut random);
        snapshot = after;
        for classes in &classes {
            let now = list_versions(list_members(classes).values().flatten());
            assert_eq!(now.len(), 12, "each is counted once");
            assert_eq!(now == counted, number < 11, "after {} changes", number + 1);
        }
    }
}

#[test]
fn stored_classes_are_the_same_on_another_server() {
    let mut random = StdRng::seed_from_u64(44);
    let mut snapshot = random_snapshot(&mut random, 1_500);
    let none = HiddenClasses::none(&snapshot, KeyPriority::default());
    let first =
        HiddenClasses::form(&none, || Uuid::from_u128(random.random())).expect("there are enough records");
    let (mut classes, mut stored) = (first.classes, first.new);
    // Another server that follows each change, and reads each release.
    let mut second = classes.clone();
    for _ in 0..60 {
        let (after, changed) = change_randomly(&mut random, &snapshot);
        classes = HiddenClasses::follow(&classes, &snapshot, &after, &changed);
        second = HiddenClasses::follow(&second, &snapshot, &after, &changed);
        if let Some(formation) = HiddenClasses::form(&classes, || Uuid::from_u128(random.random())) {
            classes = formation.classes;
            stored.extend(formation.new);
            stored.retain(|class| !formation.replaced.contains(&class.id));
        }
        snapshot = after;
        let all_ids = stored.iter().map(|class| class.id).collect();
        second = HiddenClasses::add_stored(&second, &stored, &all_ids, Vec::new(), AsOf::default());
        // A third server starts now.
        let none = HiddenClasses::none(&snapshot, KeyPriority::default());
        let old_rows: Vec<IndexedInitiative> = classes[0]
            .list_frozen_chunks()
            .iter()
            .flat_map(|chunk| chunk.unpack())
            .collect();
        let old: BTreeSet<Uuid> = HiddenClasses::list_old_members(&none, &snapshot, &stored)
            .iter()
            .map(|old| old.id)
            .collect();
        let frozen: BTreeSet<Uuid> = old_rows.iter().map(|row| row.id).collect();
        assert!(old == frozen, "other records are loaded as they were");
        let third = HiddenClasses::add_stored(&none, &stored, &all_ids, old_rows, AsOf::default());
        for other in [&second, &third] {
            for (one, other) in classes.iter().zip(other) {
                let as_sets = |classes: &HiddenClasses| -> BTreeSet<BTreeSet<Version>> {
                    list_members(classes).values().map(list_versions).collect()
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
                    one.count_waiting(),
                    other.count_waiting(),
                    "the same records wait"
                );
            }
        }
    }
}
