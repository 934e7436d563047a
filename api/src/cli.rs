//! The command line: one subcommand each, whose doc comments are its help.

mod check;
mod demo;
mod import;
mod member;
mod opening;
pub mod output;
mod send;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use clap::{Parser, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use sea_orm::DatabaseConnection;
use sea_orm_migration::MigratorTrait;
use wayin_migration::Migrator;

use self::opening::{connect, open};
use self::output::{UnlessClosed, print_line, print_note};
use crate::app::App;
use crate::cause::{describe_database, describe_io};
use crate::clock::{Clock, SystemClock};
use crate::config::{self, ConfigError, DatabaseConfig, TokenConfig, environment};
use crate::error::Error;
use crate::export::ExportFormat;
use crate::export::grants::{self, Asked};
use crate::import::ImportError;
use crate::pattern::engine::Engine;
use crate::respell::{Respelt, respell};
use crate::workbook::template;
use crate::{base, database, export, schema, server};

/// Wayin: a shared evidence base for place-based systems change, behind one GraphQL API.
///
/// Settings are read from the environment, or from a file `.env` in the folder
/// that the command is run in; `.env.example` lists them all.
#[derive(Debug, Parser)]
#[command(version, after_help = "Example:\n  wayin demo")]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serve the base that DATABASE_URL names.
    #[command(
        after_help = "Example:\n  DATABASE_URL=sqlite://wayin.db?mode=rwc TOKEN_ALGORITHM=EdDSA \\\n    TOKEN_PUBLIC_KEY_FILE=public.pem TOKEN_ISSUER=https://id.example.org \\\n    TOKEN_AUDIENCE=wayin wayin serve"
    )]
    Serve,
    /// Show what Wayin does: a temporary base of example evidence, served until you stop it.
    ///
    /// Prints the addresses, a token for each role, and a command to try.
    #[command(after_help = "Example:\n  wayin demo --port 9000")]
    Demo {
        /// The port to listen on; the next free one where it is taken.
        #[arg(long, default_value_t = 8000)]
        port: u16,
    },
    /// Bring the base's tables up to date, back, or say where they are.
    #[command(subcommand, after_help = "Example:\n  wayin migrate status")]
    Migrate(Migrate),
    /// Print the schema in GraphQL's own language.
    #[command(after_help = "Example:\n  wayin schema > schema.graphql")]
    Schema,
    /// Add, list and revoke members.
    #[command(
        subcommand,
        after_help = "Example:\n  wayin member add --subject ada --role STEWARD"
    )]
    Member(member::Member),
    /// Issue tokens with the configured key, list and revoke them.
    #[command(
        subcommand,
        after_help = "Example:\n  wayin token issue --subject ada --name \"Ada's dashboard\" --days 30"
    )]
    Token(member::Token),
    /// Take files into the base; what they hold is published at once.
    ///
    /// Rows that are wrong are reported with their number, field and reason, the others
    /// are taken, and the command ends with 3 where any was left out. A file that is
    /// no such file is refused whole.
    #[command(
        subcommand,
        after_help = "Example:\n  wayin import grants grants.json --licence CC-BY-4.0"
    )]
    Import(import::Import),
    /// Verify the base that `DATABASE_URL` names: whether everything that is to hold of it does.
    ///
    /// Each thing that does not hold is printed as a sentence, with the ids of what it is about,
    /// and the command ends with 4 where there was any. It only reads, at one moment, so that a
    /// base can be checked while it is served.
    #[command(after_help = "Example:\n  wayin check")]
    Check,
    /// Write what the base publishes to a file.
    #[command(
        subcommand,
        after_help = "Example:\n  wayin export records --output records.jsonl"
    )]
    Export(Export),
    /// Write the workbook that people fill in to send records in.
    #[command(after_help = "Example:\n  wayin template records.xlsx")]
    Template {
        /// The file.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum Migrate {
    /// Apply every migration that is not applied yet.
    #[command(after_help = "Example:\n  wayin migrate up")]
    Up,
    /// Take back the newest migrations, with everything in their tables.
    #[command(after_help = "Example:\n  wayin migrate down --yes --steps 1")]
    ///
    /// It asks first. Where nobody can be asked, it needs `--yes`.
    Down {
        /// How many.
        #[arg(long, default_value_t = 1)]
        steps: u32,
        /// Do not ask.
        #[arg(long)]
        yes: bool,
    },
    /// Say which migrations are applied.
    #[command(after_help = "Example:\n  wayin migrate status")]
    Status,
}

#[derive(Debug, Subcommand)]
enum Export {
    /// Funding terms as grants in the 360Giving Data Standard, one JSON package.
    ///
    /// Only the terms of open records are written, and none of records that were made up to show
    /// how Wayin works. What the standard has no field for stands in an object `wayin` of each
    /// grant. Terms that lack an amount, a currency of the standard or the day of the award are
    /// left out; how many were is said at the end.
    #[command(after_help = "Example:\n  wayin export grants --prefix 360G-ExampleTrust --output grants.json")]
    Grants {
        /// The file; standard output where none is named.
        #[arg(long)]
        output: Option<PathBuf>,
        /// What identifiers begin with of grants that have none of their own: the prefix that
        /// 360Giving gave you as a publisher.
        #[arg(long, default_value = grants::OWN_PREFIX, value_parser = clap::builder::NonEmptyStringValueParser::new())]
        prefix: String,
        /// Write the terms of records too that are for members, or only counted.
        #[arg(long)]
        hidden_too: bool,
    },
    /// Every published record, whoever may read it.
    #[command(after_help = "Example:\n  wayin export records --output records.xlsx")]
    Records {
        /// The file; standard output where none is named.
        #[arg(long)]
        output: Option<PathBuf>,
        /// The format; where none is named, the one that the file's name ends in, or else jsonl.
        #[arg(long, value_enum)]
        format: Option<ExportFormat>,
    },
}

/// Why a command did not do what it was asked to: a plain sentence.
#[derive(Debug, thiserror::Error)]
pub enum CliError {
    /// A setting is missing or malformed.
    #[error("{0}")]
    Config(#[from] ConfigError),
    /// The base could not do it.
    #[error("{}", with_cause(.0))]
    Base(#[from] Error),
    /// A file could not be taken.
    #[error("{file}: {}", import_cause(.error))]
    Import {
        /// The file.
        file: String,
        /// Why.
        error: ImportError,
    },
    /// A file or an address could not be used.
    #[error("{}", with_io_cause(.0, .1))]
    Io(String, std::io::Error),
    /// What was asked for makes no sense.
    #[error("{0}")]
    Asked(String),
}

impl From<sea_orm::DbErr> for CliError {
    fn from(cause: sea_orm::DbErr) -> Self {
        Self::Base(cause.into())
    }
}

/// Whoever runs a command may see the cause, which clients of the API may not.
fn with_cause(error: &Error) -> String {
    match error.shared() {
        Error::Database(cause) => format!("The database cannot be used: {}", describe_database(cause)),
        Error::Internal(cause) => format!("Something went wrong inside: {cause}"),
        other => other.to_string(),
    }
}

fn with_io_cause(file: &str, cause: &std::io::Error) -> String {
    format!("{file}: {}", describe_io(Path::new(file), cause))
}

fn import_cause(error: &ImportError) -> String {
    match error {
        ImportError::Base(error) => with_cause(error),
        ImportError::File(error) => error.to_string(),
    }
}

/// How a command ends where a file was taken but for some rows.
const SOME_REFUSED: u8 = 3;

impl Cli {
    /// Runs the command, and closes the base that it opened, also where it fails.
    pub async fn run(self, env_file: EnvFile) -> Result<ExitCode, CliError> {
        let serves = matches!(self.command, Command::Serve | Command::Demo { .. });
        for warning in env_file.warnings() {
            print_note!("Warning: {warning}");
        }
        let done = self.execute().await;
        opening::close_all().await;
        if serves && done.is_ok() {
            tracing::info!("stopped");
        }
        match output::failure() {
            Some(cause) if done.is_ok() => Err(CliError::Io("standard output".into(), cause)),
            _ => done,
        }
    }

    async fn execute(self) -> Result<ExitCode, CliError> {
        match self.command {
            Command::Serve => {
                start_log()?;
                serve().await?;
            }
            Command::Demo { port } => {
                start_log()?;
                demo::run(port).await?;
            }
            Command::Migrate(command) => migrate(command).await?,
            Command::Schema => UnlessClosed(std::io::stdout())
                .write_all(schema::sdl().as_bytes())
                .map_err(|cause| CliError::Io("The schema could not be printed".into(), cause))?,
            Command::Member(command) => command.run().await?,
            Command::Token(command) => command.run().await?,
            Command::Import(command) => return command.run().await,
            Command::Check => return check::run().await,
            Command::Export(Export::Grants {
                output,
                prefix,
                hidden_too,
            }) => export_grants(output, &prefix, hidden_too).await?,
            Command::Export(Export::Records { output, format }) => export_records(output, format).await?,
            Command::Template { file } => write_template(&file)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn start_log() -> Result<(), CliError> {
    let filter = config::log(&environment)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(has_colours())
        // A log that nobody reads any more is no reason to stop.
        .log_internal_errors(false)
        .init();
    for warning in environment("LOG")
        .iter()
        .flat_map(|filter| config::log_warnings(filter))
    {
        // Such a filter may leave this out of the log too.
        print_note!("Warning: {warning}");
    }
    Ok(())
}

/// Whether the log has colour codes: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
fn has_colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stderr().is_terminal() && !refused
}

/// What the file `.env` sets.
#[derive(Debug, Default)]
pub struct EnvFile {
    names: Vec<String>,
    problem: Option<String>,
}

impl EnvFile {
    /// Loads the file, if there is one. What the environment sets already wins.
    pub fn load() -> Self {
        let mut loaded = Self::default();
        for setting in dotenvy::dotenv_iter().into_iter().flatten() {
            loaded.names.extend(setting.ok().map(|(name, _)| name));
        }
        loaded.problem = match dotenvy::dotenv() {
            Err(dotenvy::Error::LineParse(..)) => {
                Some("A line of the file .env cannot be read; it and the lines after it are ignored.".into())
            }
            Err(dotenvy::Error::Io(cause)) if cause.kind() != std::io::ErrorKind::NotFound => Some(format!(
                "The file .env cannot be read: {}.",
                describe_io(Path::new(".env"), &cause)
            )),
            _ => None,
        };
        loaded
    }

    /// What is wrong with it, and with the names in the environment.
    fn warnings(&self) -> Vec<String> {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        let mut warnings = config::name_warnings(environment, &self.names);
        warnings.extend(self.problem.clone());
        warnings
    }
}

/// Waits for the signal to stop, and logs it. From then on the process ends within `limit`.
async fn stop_signal(limit: Duration) {
    server::asked_to_end().await;
    tracing::info!("stopping");
    // A thread of its own ends the process even if the runtime is held up.
    std::thread::spawn(move || {
        std::thread::sleep(limit);
        print_note!("The service did not stop within STOP_SECONDS, and is ended.");
        std::process::exit(1);
    });
}

/// Migrates a base, gives it its own row, and writes what it holds in one spelling.
async fn migrate_up(db: &DatabaseConnection, clock: &dyn Clock) -> Result<Respelt, CliError> {
    Migrator::up(db, None).await?;
    base::ensure(db, clock).await?;
    Ok(respell(db, clock).await?)
}

async fn serve() -> Result<(), CliError> {
    // Every setting is checked before anything is opened.
    let tokens = TokenConfig::read(&environment)?;
    let verifier = tokens.verifier()?;
    let issuing = tokens.issuing()?;
    let bind = config::bind(&environment)?;
    let engine = Arc::new(Engine::new(config::engine(&environment)?)?);
    let imports = config::imports(&environment)?;
    let expiry = config::expiry(&environment)?;
    let origins = config::origins(&environment)?;
    let costs = config::costs(&environment)?;
    let http = config::http(&environment)?;
    let stop_within = http.stop;
    let db = open().await?;
    // An issuer that does not answer holds nothing up for long.
    verifier.follow().await;
    let app = App::new(db, verifier, Arc::new(SystemClock), engine)
        .with_issuing(issuing)
        .with_imports(imports)
        .with_expiry(expiry)
        .with_origins(origins)
        .with_costs(costs)
        .with_http(http);
    let app = Arc::new(app);
    let listener = server::bind(bind, false).await.map_err(|cause| {
        CliError::Config(ConfigError::Malformed(
            "BIND",
            format!("{bind}: {}", describe_io(Path::new(""), &cause)),
        ))
    })?;
    tracing::info!("serving on http://{bind}/graphql");
    // Shown on a terminal alone.
    let reading = ProgressBar::new_spinner().with_message("initiatives read");
    reading.set_style(
        ProgressStyle::with_template("{spinner} {human_pos} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_spinner()),
    );
    let progress = move |read: usize| reading.set_position(read as u64);
    server::serve(app, listener, stop_signal(stop_within), progress)
        .await
        .map_err(|cause| CliError::Io(bind.to_string(), cause))
}

/// Asks whether migrations are to be taken back.
fn confirm(steps: u32) -> Result<(), CliError> {
    let refused = |reason: &str| Err(CliError::Asked(reason.into()));
    if !std::io::stdin().is_terminal() {
        return refused("Taking migrations back deletes what their tables hold: say --yes to do so.");
    }
    print_note!(
        "This takes back {} and deletes everything in the tables of them. Write yes to go on:",
        counted(steps, "migration")
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

async fn migrate(command: Migrate) -> Result<(), CliError> {
    let db = connect(&DatabaseConfig::read(&environment)?).await?;
    match command {
        Migrate::Up => {
            let pending = Migrator::get_pending_migrations(&db).await?;
            let respelt = migrate_up(&db, &SystemClock).await?;
            print_line!("{} applied.", counted(pending.len(), "migration"));
            if respelt.rows > 0 {
                print_line!(
                    "{} written in one spelling of names and identifiers.",
                    counted(respelt.rows, "row")
                );
            }
            for clash in &respelt.clashes {
                print_line!("To be merged: {clash}");
            }
        }
        Migrate::Down { steps, yes } => {
            if !yes {
                confirm(steps)?;
            }
            let applied = Migrator::get_applied_migrations(&db).await?.len();
            Migrator::down(&db, Some(steps)).await?;
            let left = Migrator::get_applied_migrations(&db).await?.len();
            print_line!("{} taken back.", counted(applied - left, "migration"));
        }
        Migrate::Status => {
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

/// So many of something, in words that agree.
fn counted(count: impl TryInto<u64>, noun: &str) -> String {
    match count.try_into().unwrap_or(u64::MAX) {
        1 => format!("1 {noun}"),
        count => format!("{count} {noun}s"),
    }
}

/// A file to write to, or standard output where none is named, with what it is called.
fn create(output: Option<PathBuf>) -> Result<(String, Box<dyn Write + Send>), CliError> {
    Ok(match output {
        None => (
            "standard output".into(),
            Box::new(std::io::BufWriter::new(UnlessClosed(std::io::stdout()))),
        ),
        Some(path) => {
            let name = path.display().to_string();
            let file = std::fs::File::create(&path).map_err(|cause| CliError::Io(name.clone(), cause))?;
            (name, Box::new(std::io::BufWriter::new(file)))
        }
    })
}

/// Opens a file that is to be read; a folder is none.
fn open_file(file: &Path) -> Result<std::fs::File, CliError> {
    let failed = |cause| CliError::Io(file.display().to_string(), cause);
    let opened = std::fs::File::open(file).map_err(failed)?;
    if opened.metadata().map_err(failed)?.is_dir() {
        return Err(CliError::Asked(format!(
            "{} is a folder, not a file.",
            file.display()
        )));
    }
    Ok(opened)
}

async fn export_grants(output: Option<PathBuf>, prefix: &str, hidden_too: bool) -> Result<(), CliError> {
    let db = open().await?;
    let (name, mut to) = create(output)?;
    let moment = database::begin_reading(&db).await?;
    let exported = grants::grants(&moment, Asked { prefix, hidden_too }, &mut to).await?;
    moment.commit().await?;
    to.flush().map_err(|cause| CliError::Io(name, cause))?;
    for (count, reason) in [
        (
            exported.hidden,
            "as their records are not open; --hidden-too writes them",
        ),
        (
            exported.illustrative,
            "as their records were made up to show how Wayin works",
        ),
        (
            exported.incomplete,
            "as they lack an amount, a currency of the standard or the day of the award",
        ),
    ] {
        if count > 0 {
            print_note!("{} left out, {reason}.", counted(count, "funding term"));
        }
    }
    if exported.written == 0 {
        return Err(CliError::Asked(
            "No grant was written: the base has no funding term that can be, and the standard has no package \
             without a grant."
                .into(),
        ));
    }
    print_note!("{} written.", counted(exported.written, "grant"));
    Ok(())
}

async fn export_records(output: Option<PathBuf>, format: Option<ExportFormat>) -> Result<(), CliError> {
    let named = output
        .as_deref()
        .and_then(Path::to_str)
        .and_then(ExportFormat::of);
    let format = format.or(named).unwrap_or_default();
    let db = open().await?;
    let (name, mut to) = create(output)?;
    let moment = database::begin_reading(&db).await?;
    let written = export::records_as(&moment, format, &mut to).await?;
    moment.commit().await?;
    to.flush().map_err(|cause| CliError::Io(name, cause))?;
    print_note!("{} written.", counted(written, "record"));
    Ok(())
}

fn write_template(file: &Path) -> Result<(), CliError> {
    let named = file.extension().and_then(std::ffi::OsStr::to_str);
    if !named.is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx")) {
        return Err(CliError::Asked(
            "The template is a workbook: name a file that ends in .xlsx.".into(),
        ));
    }
    let failed = |cause| CliError::Io(file.display().to_string(), cause);
    let written = template::bytes().map_err(|error| CliError::Asked(error.to_string()))?;
    std::fs::write(file, written).map_err(failed)
}
