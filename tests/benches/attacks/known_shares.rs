//! What the classes of hidden records keep known.

use chrono::{Datelike as _, TimeDelta};
use rand::SeedableRng as _;
use rand::rngs::StdRng;
use rand::seq::IndexedRandom as _;
use wayin_engine::disclosure::classes::key_variables::{ClassDescription, ClassKey, KeyPriority};
use wayin_engine::index::{IndexedInitiative, Snapshot};
use wayin_engine::visibility::Audience;

use crate::bases::Release;

/// Whether a description says something.
type IsSaid = fn(&ClassDescription) -> bool;

/// What a description can say, with a test whether it does.
const FACTS: [(&str, IsSaid); 4] = [
    ("short or longer funding", |one| one.is_funded_for_short.is_some()),
    ("region", |one| one.region.is_some()),
    ("five years of the start", |one| one.started_in.is_some()),
    ("year of the start", |one| {
        let years = one
            .started_in
            .as_ref()
            .map(|days| [days.start().year(), days.end().year()]);
        years.is_some_and(|[first, last]| first == last)
    }),
];

/// Prints the head of the table.
pub fn print_head() {
    let facts = FACTS.map(|(name, _)| format!("{name} known")).join(" | ");
    println!("| base | hidden from | records counted | classes | {facts} |");
    println!("|---|---|---|---|{}", "---|".repeat(FACTS.len()));
}

/// One in how many records changes, one after the other, before the shares are printed again.
const CHANGED_ONE_IN: usize = 10;

/// The most records of a base whose records change.
const MAX_CHANGED_BASE: usize = 10_000;

/// Prints the shares of a base, and those after some of its records have changed.
pub fn print_base(name: &str, snapshot: &Snapshot) {
    let mut release = Release::first(snapshot.clone());
    print_rows(name, &release);
    if snapshot.len() > MAX_CHANGED_BASE {
        return;
    }
    let rows: Vec<IndexedInitiative> = snapshot.chunks.iter().flat_map(|chunk| chunk.unpack()).collect();
    let mut random = StdRng::seed_from_u64(1);
    for row in rows.choose_multiple(&mut random, rows.len() / CHANGED_ONE_IN) {
        let mut changed = row.clone();
        changed.updated_at += TimeDelta::minutes(1);
        release = release.publish(vec![changed]);
    }
    print_rows(
        &format!("{name}, after one in {CHANGED_ONE_IN} has changed"),
        &release,
    );
}

/// Prints a row for each audience: of the hidden records that are counted and say a fact, the share whose class says it too.
fn print_rows(base: &str, release: &Release) {
    let priority = KeyPriority::default();
    let snapshot = &release.snapshot;
    for (audience, name) in [
        (Audience::Dashboards, "dashboards"),
        (Audience::Members, "members"),
    ] {
        let classes = &release.classes[audience as usize];
        let (mut count, mut said, mut known) = (0_u64, [0_u64; FACTS.len()], [0_u64; FACTS.len()]);
        for (position, chunk) in classes.counted().chunks.iter().enumerate() {
            for row in classes.find_classed_rows(position).iter() {
                count += 1;
                let own = ClassKey::of_record(chunk, row, &snapshot.places, priority).describe(priority);
                let description = classes.description_of(classes.class_of_rows(position)[row]);
                let described = description.map(|description| &classes.descriptions()[description]);
                for (fact, (_, is_said)) in FACTS.iter().enumerate() {
                    said[fact] += u64::from(is_said(&own));
                    known[fact] += u64::from(is_said(&own) && described.is_some_and(is_said));
                }
            }
        }
        let share = |fact: usize| format!("{:.0}%", 100.0 * known[fact] as f64 / said[fact] as f64);
        let shares = (0..FACTS.len()).map(share).collect::<Vec<_>>().join(" | ");
        let numbers = (0..).take(classes.class_count());
        let formed = numbers.filter(|class| classes.description_of(*class).is_some());
        println!("| {base} | {name} | {count} | {} | {shares} |", formed.count());
    }
}
