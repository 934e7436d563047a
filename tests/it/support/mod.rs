//! Runs the tests, each once on a migrated database of each kind.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::FutureExt;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::{Builder, Runtime};

pub mod answer_tables;
pub mod answer_workbooks;
pub mod app;
pub mod browser;
pub mod builders;
pub mod clock;
pub mod complete_base;
pub mod constraints;
pub mod database;
pub mod exports;
pub mod filled_lists;
pub mod grants;
pub mod http;
pub mod imports;
pub mod key_pairs;
pub mod oidc_issuer;
pub mod oracle;
pub mod places;
mod postgres;
pub mod records;
pub mod redaction;
pub mod reference_data;
pub mod rows;
pub mod schema;
pub mod socket;
pub mod submissions;
pub mod tokens;
pub mod visibility;
pub mod workbooks;

pub use database::Database;
use database::{Databases, Kind};

/// A registered test. It fails by panicking.
pub struct TestCase {
    /// The module of the test.
    pub module: &'static str,
    /// The function.
    pub function: &'static str,
    /// The function to run.
    pub run: TestRun,
}

inventory::collect!(TestCase);

type Outcome = Pin<Box<dyn Future<Output = ()>>>;

/// What a test needs.
#[derive(Clone, Copy)]
pub enum TestRun {
    /// A database. It runs on both kinds.
    OnDatabase(fn(Database) -> Outcome),
    /// Nothing. It runs once.
    Alone(fn() -> Outcome),
}

/// Registers functions such as `async fn a_test(database: Database)`, each of which runs on both databases.
macro_rules! tests_on_both_databases {
    ($($test:ident),+ $(,)?) => {
        $(inventory::submit! {
            $crate::support::TestCase {
                module: module_path!(),
                function: stringify!($test),
                run: $crate::support::TestRun::OnDatabase(|database| Box::pin($test(database))),
            }
        })+
    };
}
pub(crate) use tests_on_both_databases;

/// Registers functions such as `async fn a_test()`, each of which runs once.
macro_rules! tests_without_database {
    ($($test:ident),+ $(,)?) => {
        $(inventory::submit! {
            $crate::support::TestCase {
                module: module_path!(),
                function: stringify!($test),
                run: $crate::support::TestRun::Alone(|| Box::pin($test())),
            }
        })+
    };
}
pub(crate) use tests_without_database;

impl TestCase {
    /// All registered tests, sorted by name.
    pub fn all() -> Vec<&'static Self> {
        let mut all: Vec<_> = inventory::iter::<Self>.into_iter().collect();
        all.sort_by_key(|test| (test.module, test.function));
        all
    }

    /// The module, such as `migrations`.
    pub fn path(&self) -> &'static str {
        self.module.split_once("::").map_or(self.module, |(_, path)| path)
    }

    fn trials(&self, runner: &Arc<Runner>) -> Vec<Trial> {
        let name = format!("{}::{}", self.path(), self.function);
        match self.run {
            TestRun::Alone(run) => {
                let runner = Arc::clone(runner);
                vec![Trial::test(name, move || {
                    runner.runtime.block_on(run());
                    Ok(())
                })]
            }
            TestRun::OnDatabase(run) => {
                let trials = Kind::ALL.into_iter().map(|kind| {
                    let runner = Arc::clone(runner);
                    let is_ignored = !runner.databases.has(kind);
                    Trial::test(format!("{name} [{kind}]"), move || {
                        runner.run_on_database(run, kind)
                    })
                    .with_ignored_flag(is_ignored)
                });
                trials.collect()
            }
        }
    }
}

/// Runs the tests that the command line selects; returns whether all passed.
pub fn run() -> ExitCode {
    let arguments = Arguments::from_args();
    let programs = postgres::find_programs();
    if programs.is_none() {
        if std::env::var("WAYIN_REQUIRE_POSTGRES").is_ok_and(|required| required == "1") {
            eprintln!(
                "No test ran: WAYIN_REQUIRE_POSTGRES=1 asks for PostgreSQL. {}",
                postgres::INSTALL_HINT
            );
            return ExitCode::FAILURE;
        }
        eprintln!("The tests on PostgreSQL are ignored. {}", postgres::INSTALL_HINT);
    }
    let runner = Arc::new(Runner {
        runtime: Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("the machine can start a runtime"),
        databases: Databases::new(programs),
    });
    let trials = TestCase::all().into_iter().flat_map(|test| test.trials(&runner));
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// The state that tests share.
struct Runner {
    databases: Databases,
    runtime: Runtime,
}

impl Runner {
    fn run_on_database(&self, run: fn(Database) -> Outcome, kind: Kind) -> Result<(), Failed> {
        self.runtime.block_on(async {
            let database = self.databases.create(kind).await?;
            let outcome = AssertUnwindSafe(run(database.clone())).catch_unwind().await;
            let removed = self.databases.remove(database).await;
            // A failure of the test matters more than a failure of the clean-up.
            outcome.unwrap_or_else(|panic| resume_unwind(panic));
            removed
        })
    }
}
