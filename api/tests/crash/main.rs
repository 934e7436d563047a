//! Kills the server, and an import, without warning at random moments, on both databases. After
//! each restart every acknowledged mutation is stored completely, no other is stored in part, and
//! `wayin check` finds no violation.
//!
//! `WAYIN_CRASH_ROUNDS` says how often on each database, ten times where it does not, and
//! `WAYIN_CRASH_SEED` which moments are chosen; each run prints the seed that it went by.

mod base;
mod client;
#[path = "../../../tests/it/support/database.rs"]
mod database;
mod imports;
mod jobs;
#[path = "../../../tests/it/support/postgres.rs"]
mod postgres;
#[allow(
    dead_code,
    reason = "shared with the stories of the commands, which use all of it"
)]
#[path = "../commands/program.rs"]
mod program;
mod publications;

use std::process::ExitCode;
use std::sync::Arc;

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::{Builder, Runtime};
use wayin::clock::{Clock, SystemClock};

use base::CrashTestBase;
use database::{Databases, Kind};

/// The default number of rounds on each database.
const ROUNDS: u64 = 10;

/// A scenario on a database of its own, with a random generator and a number of rounds.
type Scenario = fn(&CrashTestBase, &mut CrashSchedule);

/// The random generator and the number of rounds.
struct CrashSchedule {
    moments: rand::rngs::StdRng,
    rounds: u64,
}

fn read_setting(name: &str) -> Option<u64> {
    let given = std::env::var(name).ok()?;
    let number = given.parse();
    Some(number.unwrap_or_else(|_| panic!("{name}={given} is not a number")))
}

fn main() -> ExitCode {
    let programs = postgres::find_programs();
    if programs.is_none() {
        if std::env::var("WAYIN_REQUIRE_POSTGRES").is_ok_and(|required| required == "1") {
            eprintln!(
                "Nothing was tested: PostgreSQL is asked for. {}",
                postgres::INSTALL_HINT
            );
            return ExitCode::FAILURE;
        }
        eprintln!("The PostgreSQL half is ignored. {}", postgres::INSTALL_HINT);
    }
    // Of ten rounds, two kill the import command, three kill a server that imports, and the others kill a server that publishes.
    let rounds = read_setting("WAYIN_CRASH_ROUNDS").unwrap_or(ROUNDS);
    let (of_imports, of_jobs) = ((rounds * 2).div_ceil(10), (rounds * 3) / 10);
    let plots: [(&str, Scenario, u64); 3] = [
        (
            "publications",
            publications::run_scenario,
            rounds - of_imports - of_jobs,
        ),
        ("imports", imports::run_scenario, of_imports),
        ("jobs", jobs::run_scenario, of_jobs),
    ];
    let now = SystemClock.now().timestamp_micros().unsigned_abs();
    let seed = read_setting("WAYIN_CRASH_SEED").unwrap_or(now);
    println!("The moments are chosen by WAYIN_CRASH_SEED={seed}.");
    let stage = Arc::new(ScenarioRunner {
        runtime: Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("a runtime starts"),
        databases: Databases::new(programs),
    });
    let mut trials = Vec::new();
    for (name, plot, rounds) in plots {
        for kind in Kind::ALL {
            let stage = Arc::clone(&stage);
            let is_ignored = !stage.databases.has(kind);
            let trial = Trial::test(format!("{name} [{kind}]"), move || {
                stage.run_scenario(kind, plot, seed, rounds)
            });
            trials.push(trial.with_ignored_flag(is_ignored));
        }
    }
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// What the scenarios share.
struct ScenarioRunner {
    runtime: Runtime,
    databases: Databases,
}

impl ScenarioRunner {
    fn run_scenario(&self, kind: Kind, plot: Scenario, seed: u64, rounds: u64) -> Result<(), Failed> {
        let database = self.runtime.block_on(self.databases.create(kind))?;
        let base = CrashTestBase::new(database.clone(), self.runtime.handle().clone());
        let moments = rand::SeedableRng::seed_from_u64(seed);
        plot(&base, &mut CrashSchedule { moments, rounds });
        self.runtime.block_on(self.databases.remove(database))
    }
}
