//! Tells stories: gives each a migrated database of its own, once of each kind.

use std::panic::{AssertUnwindSafe, resume_unwind};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::Arc;

use futures_util::FutureExt;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::{Builder, Runtime};

pub mod app;
pub mod builders;
pub mod complete_base;
pub mod database;
mod postgres;
pub mod reading;
pub mod socket;

pub use database::Database;
use database::{Kind, Shelf};

/// One test: what it is called, and what happens in it on a database of its own.
pub struct Story {
    /// The file and the function, as `migrations::a_base_goes_up_and_down`.
    pub name: String,
    /// What happens. It fails by panicking.
    pub plot: Plot,
}

type Plot = fn(Database) -> Pin<Box<dyn Future<Output = ()>>>;

/// Lists the stories of a file: `stories![a_story, another]`, beside functions
/// such as `async fn a_story(database: Database)`.
macro_rules! stories {
    ($($story:ident),+ $(,)?) => {
        vec![$($crate::support::Story {
            name: $crate::support::name_of(module_path!(), stringify!($story)),
            plot: |database| Box::pin($story(database)),
        }),+]
    };
}
pub(crate) use stories;

/// What a story is listed as: its path without the name of this program.
pub fn name_of(module: &str, story: &str) -> String {
    let file = module.split_once("::").map_or(module, |(_, file)| file);
    format!("{file}::{story}")
}

/// Tells the stories that the command line asks for, and says whether all went well.
pub fn tell(stories: impl IntoIterator<Item = Story>) -> ExitCode {
    let arguments = Arguments::from_args();
    let programs = postgres::find_programs();
    if programs.is_none() {
        if std::env::var("WAYIN_REQUIRE_POSTGRES").is_ok_and(|required| required == "1") {
            eprintln!(
                "Nothing was tested: WAYIN_REQUIRE_POSTGRES=1 asks for PostgreSQL. {}",
                postgres::HOW_TO_GET_IT
            );
            return ExitCode::FAILURE;
        }
        eprintln!("The PostgreSQL half is ignored. {}", postgres::HOW_TO_GET_IT);
    }

    let ignored = |kind| kind == Kind::Postgres && programs.is_none();
    let stage = Arc::new(Stage {
        runtime: Builder::new_multi_thread()
            .enable_all()
            .build()
            .expect("the machine lets a runtime start"),
        shelf: Shelf::new(programs.clone()),
    });
    let trials = stories
        .into_iter()
        .flat_map(|Story { name, plot }| {
            Kind::ALL.map(|kind| {
                let stage = Arc::clone(&stage);
                Trial::test(format!("{name} [{kind}]"), move || stage.tell(plot, kind))
                    .with_ignored_flag(ignored(kind))
            })
        })
        .collect();
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// What the stories share.
struct Stage {
    shelf: Shelf,
    runtime: Runtime,
}

impl Stage {
    fn tell(&self, plot: Plot, kind: Kind) -> Result<(), Failed> {
        self.runtime.block_on(async {
            let database = self.shelf.take(kind).await?;
            let told = AssertUnwindSafe(plot(database.clone())).catch_unwind();
            let told = told.await;
            let given_back = self.shelf.give_back(database).await;
            // What the story found counts for more than a failure to tidy up.
            told.unwrap_or_else(|panic| resume_unwind(panic));
            given_back
        })
    }
}
