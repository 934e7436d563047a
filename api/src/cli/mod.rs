//! The command line. The doc comments of the commands and their arguments are the help texts.

mod check;
mod demo;
mod error;
mod file;
mod import;
mod import_job;
mod member;
mod migrate;
mod open_database;
pub mod output;
mod serve;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

pub use self::error::CliError;
use self::file::create_output;
use self::migrate::{MigrateCommand, run_migrate};
use self::open_database::open_database;
use self::output::{IgnoreClosedPipe, format_count, print_note};
use self::serve::run_serve;
use crate::config::{self, read_environment};
use crate::describe_failure::describe_io;
use crate::export::ExportFormat;
use crate::export::grants::{self, GrantExportOptions};
use crate::{database, export, schema};
use wayin_records::workbook::template;

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
    /// Serve the database that DATABASE_URL names.
    #[command(
        after_help = "Example:\n  DATABASE_URL=sqlite://wayin.db?mode=rwc TOKEN_ALGORITHM=EdDSA \\\n    TOKEN_PUBLIC_KEY_FILE=public.pem TOKEN_ISSUER=https://id.example.org \\\n    TOKEN_AUDIENCE=wayin wayin serve"
    )]
    Serve,
    /// Show what Wayin does: serve a temporary database of example evidence until you stop it.
    ///
    /// Prints the addresses, a sign-in link and a token for each role, and a command to try.
    #[command(after_help = "Example:\n  wayin demo --port 9000")]
    Demo {
        /// The port to listen on. If it is in use, the next free port is used.
        #[arg(long, default_value_t = 8000)]
        port: u16,
    },
    /// Apply or revert the migrations of the database, or show their status.
    #[command(subcommand, after_help = "Example:\n  wayin migrate status")]
    Migrate(MigrateCommand),
    /// Print the schema in the GraphQL schema definition language.
    #[command(after_help = "Example:\n  wayin schema > schema.graphql")]
    Schema,
    /// Add, list and revoke members, and create links that sign them in.
    #[command(
        subcommand,
        after_help = "Example:\n  wayin member add --subject ada --role STEWARD"
    )]
    Member(member::MemberCommand),
    /// Issue tokens with the configured key, list and revoke them.
    #[command(
        subcommand,
        after_help = "Example:\n  wayin token issue --subject ada --name \"Ada's dashboard\" --days 30"
    )]
    Token(member::TokenCommand),
    /// Import files and publish their content at once.
    ///
    /// Rows with problems are reported with their number, field and reason. The other rows
    /// are imported. The exit code is 3 if any row was left out. A file in the wrong format
    /// is rejected as a whole.
    #[command(
        subcommand,
        after_help = "Example:\n  wayin import grants grants.json --licence CC-BY-4.0"
    )]
    Import(import::ImportCommand),
    /// Check the integrity of the database that `DATABASE_URL` names.
    ///
    /// Each violation is printed as a sentence, with the ids of what it is about. The exit code
    /// is 4 if there are any. The command only reads, and all of it as of one moment, so you can
    /// check a database while it is served.
    #[command(after_help = "Example:\n  wayin check")]
    Check,
    /// Export published data to a file.
    #[command(
        subcommand,
        after_help = "Example:\n  wayin export records --output records.jsonl"
    )]
    Export(Export),
    /// Write the blank workbook for people to enter their records in.
    #[command(after_help = "Example:\n  wayin template records.xlsx")]
    Template {
        /// The workbook to write.
        file: PathBuf,
    },
}

#[derive(Debug, Subcommand)]
enum Export {
    /// Export funding terms as grants in the 360Giving Data Standard, as one JSON package.
    ///
    /// Only the terms of open records are written. Records that were made up to show how Wayin
    /// works are left out. What the standard has no field for is in an object `wayin` of each
    /// grant. Terms without an amount, a currency of the standard or the day of the award are
    /// left out. Their number is reported at the end.
    #[command(after_help = "Example:\n  wayin export grants --prefix 360G-ExampleTrust --output grants.json")]
    Grants {
        /// The file to write. The default is standard output.
        #[arg(long)]
        output: Option<PathBuf>,
        /// The prefix of the identifiers of grants that have none of their own: the prefix that
        /// 360Giving gave you as a publisher.
        #[arg(long, default_value = grants::WAYIN_IDENTIFIER_PREFIX, value_parser = clap::builder::NonEmptyStringValueParser::new())]
        prefix: String,
        /// Also write the terms of records that only members can read, or that are only counted.
        #[arg(long)]
        include_hidden: bool,
    },
    /// Export every published record, whatever its visibility.
    #[command(after_help = "Example:\n  wayin export records --output records.xlsx")]
    Records {
        /// The file to write. The default is standard output.
        #[arg(long)]
        output: Option<PathBuf>,
        /// The format. The default is that of the file's extension, or else jsonl.
        #[arg(long, value_enum)]
        format: Option<ExportFormat>,
    },
}

impl Cli {
    /// Runs the command. Closes the databases that it opened, even if it fails.
    pub async fn run(self, env_file: EnvFile) -> Result<ExitCode, CliError> {
        if let Some(problem) = env_file.problem {
            return Err(CliError::InvalidArguments(problem));
        }
        let serves = matches!(self.command, Command::Serve | Command::Demo { .. });
        for warning in env_file.warnings() {
            print_note!("Warning: {warning}");
        }
        let done = self.execute().await;
        open_database::close_all().await;
        if serves && done.is_ok() {
            tracing::info!("stopped");
        }
        match output::take_write_error() {
            Some(cause) if done.is_ok() => Err(CliError::Io("standard output".into(), cause)),
            _ => done,
        }
    }

    async fn execute(self) -> Result<ExitCode, CliError> {
        match self.command {
            Command::Serve => {
                start_log()?;
                run_serve().await?;
            }
            Command::Demo { port } => {
                start_log()?;
                demo::run_demo(port).await?;
            }
            Command::Migrate(command) => run_migrate(command).await?,
            Command::Schema => IgnoreClosedPipe(std::io::stdout())
                .write_all(schema::schema_sdl().as_bytes())
                .map_err(|cause| CliError::Io("The schema could not be printed".into(), cause))?,
            Command::Member(command) => command.run().await?,
            Command::Token(command) => command.run().await?,
            Command::Import(command) => return command.run().await,
            Command::Check => return check::run_check().await,
            Command::Export(Export::Grants {
                output,
                prefix,
                include_hidden,
            }) => export_grants(output, &prefix, include_hidden).await?,
            Command::Export(Export::Records { output, format }) => export_records(output, format).await?,
            Command::Template { file } => write_template(&file)?,
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn start_log() -> Result<(), CliError> {
    let filter = config::read_log_filter(&read_environment)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(has_colours())
        // The command continues if nothing reads the log any more.
        .log_internal_errors(false)
        .init();
    for warning in read_environment("LOG")
        .iter()
        .flat_map(|filter| config::list_log_filter_warnings(filter))
    {
        // Not logged, because such a filter may hide the warning itself.
        print_note!("Warning: {warning}");
    }
    Ok(())
}

/// Whether the log has colour codes: on a terminal, unless `NO_COLOR` is set (<https://no-color.org>).
fn has_colours() -> bool {
    let refused = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stderr().is_terminal() && !refused
}

/// The settings in the file `.env`.
#[derive(Debug, Default)]
pub struct EnvFile {
    names: Vec<String>,
    /// Why the file cannot be read.
    problem: Option<String>,
}

impl EnvFile {
    /// Loads the file, if there is one. Variables that are already set in the environment take precedence.
    pub fn load() -> Self {
        let mut loaded = Self::default();
        for setting in dotenvy::dotenv_iter().into_iter().flatten() {
            loaded.names.extend(setting.ok().map(|(name, _)| name));
        }
        loaded.problem = match dotenvy::dotenv() {
            Err(dotenvy::Error::LineParse(..)) => Some(describe_unreadable_line()),
            Err(dotenvy::Error::Io(cause)) if cause.kind() != std::io::ErrorKind::NotFound => Some(format!(
                "The file .env cannot be read: {}.",
                describe_io(Path::new(".env"), &cause)
            )),
            _ => None,
        };
        loaded
    }

    /// Warnings about names of settings in the file and in the environment.
    fn warnings(&self) -> Vec<String> {
        let environment = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        config::name_warnings(environment, &self.names)
    }
}

/// Describes which line of the file `.env` cannot be read. Does not quote the line, because it may contain a secret.
fn describe_unreadable_line() -> String {
    let working_directory = std::env::current_dir().unwrap_or_default();
    let file = working_directory
        .ancestors()
        .map(|folder| folder.join(".env"))
        .find(|file| file.is_file())
        .unwrap_or_else(|| PathBuf::from(".env"));
    let content = std::fs::read_to_string(&file).unwrap_or_default();
    let ends: Vec<usize> = content
        .match_indices('\n')
        .map(|(at, end)| at + end.len())
        .collect();
    // A quoted value can span several lines, so this looks for the longest part that can be read.
    let is_read =
        |end: usize| dotenvy::from_read_iter(&content.as_bytes()[..end]).all(|setting| setting.is_ok());
    let line = 1 + ends
        .iter()
        .rposition(|end| is_read(*end))
        .map_or(0, |last| last + 1);
    format!(
        "The file {} cannot be read: line {line} is not a setting. Write NAME=value, with quotation marks around a value that has \
         spaces, # or quotation marks in it.",
        file.display()
    )
}

/// Returns an error if the file extension of the output is for another format than the one that is written.
fn reject_file_ending(output: Option<&Path>, known: &[&str], advice: &str) -> Result<(), CliError> {
    let ending = output
        .and_then(Path::extension)
        .map(std::ffi::OsStr::to_string_lossy);
    match ending {
        Some(ending) if !known.iter().any(|known| ending.eq_ignore_ascii_case(known)) => Err(
            CliError::InvalidArguments(format!("No file that ends in .{ending} is written: {advice}.")),
        ),
        _ => Ok(()),
    }
}

async fn export_grants(output: Option<PathBuf>, prefix: &str, include_hidden: bool) -> Result<(), CliError> {
    reject_file_ending(
        output.as_deref(),
        &["json"],
        "grants are written as JSON; name a file that ends in .json",
    )?;
    let db = open_database().await?;
    let (name, mut to) = create_output(output)?;
    let moment = database::begin_read(&db).await?;
    let exported = grants::export_grants(
        &moment,
        GrantExportOptions {
            prefix,
            include_hidden,
        },
        &mut to,
    )
    .await?;
    moment.commit().await?;
    to.flush().map_err(|cause| CliError::Io(name, cause))?;
    for (count, reason) in [
        (
            exported.hidden,
            "as their records are not open; --include-hidden writes them",
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
            print_note!("{} left out, {reason}.", format_count(count, "funding term"));
        }
    }
    if exported.written == 0 {
        return Err(CliError::InvalidArguments(
            "No grant was written: the base has no funding term that can be, and the standard has no package \
             without a grant."
                .into(),
        ));
    }
    print_note!("{} written.", format_count(exported.written, "grant"));
    Ok(())
}

async fn export_records(output: Option<PathBuf>, format: Option<ExportFormat>) -> Result<(), CliError> {
    if format.is_none() {
        let advice = "name one that ends in .jsonl, .csv or .xlsx, or give --format";
        reject_file_ending(output.as_deref(), &["jsonl", "ndjson", "csv", "xlsx"], advice)?;
    }
    let named = output
        .as_deref()
        .and_then(Path::to_str)
        .and_then(ExportFormat::from_file_name);
    let format = format.or(named).unwrap_or_default();
    let db = open_database().await?;
    let (name, mut to) = create_output(output)?;
    let moment = database::begin_read(&db).await?;
    let written = export::export_records_as(&moment, format, &mut to).await?;
    moment.commit().await?;
    to.flush().map_err(|cause| CliError::Io(name, cause))?;
    print_note!("{} written.", format_count(written, "record"));
    Ok(())
}

fn write_template(file: &Path) -> Result<(), CliError> {
    let named = file.extension().and_then(std::ffi::OsStr::to_str);
    if !named.is_some_and(|ending| ending.eq_ignore_ascii_case("xlsx")) {
        return Err(CliError::InvalidArguments(
            "The template is a workbook: name a file that ends in .xlsx.".into(),
        ));
    }
    let failed = |cause| CliError::Io(file.display().to_string(), cause);
    let written =
        template::template_bytes().map_err(|error| CliError::InvalidArguments(error.to_string()))?;
    std::fs::write(file, written).map_err(failed)
}
