//! Attacks on disclosure control: how much askers learn of records that they may only count.
//!
//! `cargo bench -p wayin-tests --bench attacks` prints a table in Markdown, and a second one: what the classes keep known.
//! Two bases are attacked: the demonstration, and 100,000 generated records. Each is attacked with several secrets of the
//! instance, which decide the keys of the records. Further arguments come after `--`:
//!
//! - `--targets 100` is the number of targets of each attack for each secret, and `--secrets 12` the number of secrets.
//! - `--populations 2000` is the number of populations of the regression.
//! - `--base demo` or `--base large` attacks only one base, and `--attack PART` makes only the attacks whose names have
//!   this part.
//!
//! An attacker knows every key variable of every record (place, funders, dates, durations, amounts, id), but no protected
//! answer unless the attack says so. The secret of a target is its step of `DEFINING_AMBITIONS`. Attackers see disclosed
//! counts with scope `ALL`, less the records that they can read, of which they know everything.
//!
//! The table says how often an attack claims to be certain and is right, how often its guesses are right, and how often
//! someone would be who always guesses the commonest value of the target's class. A guess without information is this
//! value too. The excess is the mean difference of both, with the upper bound of its 95 % interval. Where the secret is the
//! new value of a changed record, or a number of records, the baseline is the likeliest one instead.

#![allow(missing_docs, reason = "a program of its own")]

#[allow(dead_code, reason = "shared with the other benches")]
#[path = "../fixtures/mod.rs"]
mod fixtures;

mod ask;
mod averaging;
mod bases;
mod conditions;
mod differencing;
mod keys;
mod known;
mod known_shares;
mod populations;
mod presence;
mod regression;
mod releases;
mod score;

use std::collections::BTreeMap;

use rand::SeedableRng as _;
use rand::rngs::StdRng;
use wayin_engine::index::Snapshot;

use self::bases::{AskerKind, Session, World, load_demonstration};
use self::score::{Attack, Tally};

/// The same allocator as in the command.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type BenchError = Box<dyn std::error::Error + Send + Sync>;

/// The number of targets of each attack for each secret and asker.
const TARGET_COUNT: usize = 100;
/// The number of secrets, each with other keys of the records.
const SECRET_COUNT: u64 = 12;
/// The number of populations of the regression.
const POPULATION_COUNT: usize = 2_000;
/// The number of records of a base that is not attacked.
const MEDIUM_COUNT: usize = 10_000;
/// The number of records of the large base.
const LARGE_COUNT: usize = 100_000;

/// How much each attack does.
#[derive(Clone, Copy, Debug)]
pub struct Sizes {
    pub targets: usize,
    pub populations: usize,
}

/// What is measured.
struct Settings {
    sizes: Sizes,
    secrets: u64,
    /// The only base; none for all.
    base: Option<String>,
    /// A part of the names of the attacks.
    attack: String,
}

impl Settings {
    fn read(mut arguments: impl Iterator<Item = String>) -> Result<Self, BenchError> {
        let mut settings = Self {
            sizes: Sizes {
                targets: TARGET_COUNT,
                populations: POPULATION_COUNT,
            },
            secrets: SECRET_COUNT,
            base: None,
            attack: String::new(),
        };
        while let Some(argument) = arguments.next() {
            let mut value = || arguments.next().unwrap_or_default();
            match argument.as_str() {
                "--targets" => settings.sizes.targets = value().parse()?,
                "--secrets" => settings.secrets = value().parse()?,
                "--populations" => settings.sizes.populations = value().parse()?,
                "--base" => settings.base = Some(value()),
                "--attack" => settings.attack = value(),
                _ => {}
            }
        }
        Ok(settings)
    }

    fn has_base(&self, name: &str) -> bool {
        self.base.as_deref().is_none_or(|base| base == name)
    }
}

fn main() -> Result<(), BenchError> {
    let settings = Settings::read(std::env::args().skip(1))?;
    println!(
        "| attack | asker | base | targets | certain (right/claimed) | guessed right | class majority | excess in points \
         | questions per target |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    let (mut notes, mut bases) = (Vec::new(), Vec::new());
    if settings.has_base("demo") {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let snapshot = runtime.block_on(load_demonstration())?;
        notes.extend(attack_base("demo", &snapshot, &settings));
        bases.push(("demo", snapshot));
    }
    if settings.has_base("large") {
        let snapshot = fixtures::build_snapshot(LARGE_COUNT);
        notes.extend(attack_base("large", &snapshot, &settings));
        bases.extend([
            ("medium", fixtures::build_snapshot(MEDIUM_COUNT)),
            ("large", snapshot),
        ]);
    }
    println!();
    notes.iter().for_each(|note| println!("- {note}"));
    println!();
    known_shares::print_head();
    bases
        .iter()
        .for_each(|(base, snapshot)| known_shares::print_base(base, snapshot));
    Ok(())
}

fn list_attacks(settings: &Settings) -> Vec<&'static Attack> {
    let attacks = [
        differencing::ATTACKS,
        averaging::ATTACKS,
        known::ATTACKS,
        presence::ATTACKS,
        releases::ATTACKS,
    ];
    let attacks = attacks.into_iter().flatten();
    attacks
        .filter(|attack| attack.name.contains(&settings.attack))
        .collect()
}

/// Makes all attacks on a base, and prints a row for each attack and asker. Returns the further results.
fn attack_base(base: &str, snapshot: &Snapshot, settings: &Settings) -> Vec<String> {
    let attacks = list_attacks(settings);
    let mut tallies: BTreeMap<(usize, AskerKind), Tally> = BTreeMap::new();
    for secret in 0..settings.secrets {
        let world = World::new(snapshot, secret);
        for kind in AskerKind::ALL {
            let session = Session::new(&world, kind, settings.sizes);
            for (number, attack) in attacks.iter().enumerate() {
                let mut random = StdRng::seed_from_u64(secret * 1_000 + number as u64);
                let tally = tallies.entry((number, kind)).or_default();
                (attack.run)(&session, &mut random, tally);
                tally.questions += session.asker.take_asked();
            }
        }
        eprintln!("{base}: {} of {} secrets", secret + 1, settings.secrets);
    }
    let mut notes = Vec::new();
    for ((number, kind), tally) in tallies.iter().filter(|(_, tally)| !tally.is_empty()) {
        let (attack, asker) = (attacks[*number].name, kind.name());
        println!("| {attack} | {asker} | {base} | {} |", tally.render());
        let of_tally = tally.list_notes().into_iter();
        notes.extend(of_tally.map(|note| format!("{attack}, {asker}, {base}: {note}")));
    }
    notes
}
