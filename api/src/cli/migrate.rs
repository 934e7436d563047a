//! `wayin migrate`.

use std::io::IsTerminal as _;

use clap::Subcommand;
use sea_orm::DatabaseConnection;
use sea_orm_migration::MigratorTrait;
use wayin_migration::Migrator;

use super::error::CliError;
use super::open_database::connect_database;
use super::output::{format_count, print_line, print_note};
use crate::clock::{Clock, SystemClock};
use crate::config::{DatabaseConfig, read_environment};
use crate::instance;
use crate::normalise_database::{NormalisationSummary, normalise_stored_names};

#[derive(Debug, Subcommand)]
pub(super) enum MigrateCommand {
    /// Apply all pending migrations.
    #[command(after_help = "Example:\n  wayin migrate up")]
    Up,
    /// Revert the newest migrations, and delete everything in their tables.
    ///
    /// Asks for confirmation first. Without a terminal, `--yes` is required.
    #[command(after_help = "Example:\n  wayin migrate down --yes --steps 1")]
    Down {
        /// The number of migrations to revert.
        #[arg(long, default_value_t = 1)]
        steps: u32,
        /// Do not ask for confirmation.
        #[arg(long)]
        yes: bool,
    },
    /// Show which migrations are applied.
    #[command(after_help = "Example:\n  wayin migrate status")]
    Status,
}

/// Migrates a database, creates the row of the instance, and normalises the stored names and identifiers.
pub(super) async fn migrate_up(
    db: &DatabaseConnection,
    clock: &dyn Clock,
) -> Result<NormalisationSummary, CliError> {
    Migrator::up(db, None).await?;
    instance::ensure_instance(db, clock).await?;
    Ok(normalise_stored_names(db, clock).await?)
}

/// Asks for confirmation. Returns an error if the answer is not yes, or if there is no terminal to ask on.
fn confirm(steps: u32) -> Result<(), CliError> {
    let refused = |reason: &str| Err(CliError::InvalidArguments(reason.into()));
    if !std::io::stdin().is_terminal() {
        return refused("Taking migrations back deletes what their tables hold: say --yes to do so.");
    }
    print_note!(
        "This takes back {} and deletes everything in the tables of them. Write yes to go on:",
        format_count(steps, "migration")
    );
    let mut answer = String::new();
    std::io::stdin()
        .read_line(&mut answer)
        .map_err(|cause| CliError::Io("standard input".into(), cause))?;
    if answer.trim().eq_ignore_ascii_case("yes") {
        Ok(())
    } else {
        refused("Nothing was taken back.")
    }
}

pub(super) async fn run_migrate(command: MigrateCommand) -> Result<(), CliError> {
    let db = connect_database(&DatabaseConfig::read(&read_environment)?).await?;
    match command {
        MigrateCommand::Up => {
            let pending = Migrator::get_pending_migrations(&db).await?;
            let respelt = migrate_up(&db, &SystemClock).await?;
            print_line!("{} applied.", format_count(pending.len(), "migration"));
            if respelt.rows > 0 {
                print_line!(
                    "{} written in one spelling of names and identifiers.",
                    format_count(respelt.rows, "row")
                );
            }
            for clash in &respelt.conflicts {
                print_line!("To be merged: {clash}");
            }
        }
        MigrateCommand::Down { steps, yes } => {
            if !yes {
                confirm(steps)?;
            }
            let applied = Migrator::get_applied_migrations(&db).await?.len();
            Migrator::down(&db, Some(steps)).await?;
            let left = Migrator::get_applied_migrations(&db).await?.len();
            print_line!("{} taken back.", format_count(applied - left, "migration"));
        }
        MigrateCommand::Status => {
            for migration in Migrator::get_migration_with_status(&db).await? {
                print_line!(
                    "{:8} {}",
                    migration.status().to_string().to_lowercase(),
                    migration.name()
                );
            }
        }
    }
    Ok(())
}
