//! `wayin import`.

use std::io::{BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use sea_orm::DatabaseConnection;
use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::ImportKind;

use super::error::{CliError, ROWS_REJECTED_EXIT_CODE, describe_import_cause};
use super::file::open_file;
use super::import_job::{ImportJobCommand, MemberArguments};
use super::open_database::open_database;
use super::output::{print_line, print_note};
use crate::audit::{self, AuditRecord};
use crate::change_log::ActionContext;
use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::id::NodeKind;
use crate::import::job::ImportRecordsMode;
use crate::import::{ImportError, Remark, Tally, places};

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Import places with their GSS codes and parents, from CSV.
    #[command(after_help = "Example:\n  wayin import places area_all_codes.csv")]
    Places {
        /// The file to import.
        file: PathBuf,
    },
    /// Import published grants in the 360Giving Data Standard, from JSON, a table (.csv) or a workbook (.xlsx, .ods).
    #[command(after_help = "Example:\n  wayin import grants grants.json --licence CC-BY-4.0")]
    Grants {
        /// The file to import.
        file: PathBuf,
        /// The licence under which the grants can be reused. Used if the file does not state one.
        #[arg(long)]
        licence: Option<String>,
    },
    /// Import initiative records, from a workbook (.xlsx, .ods), a table (.csv) or JSON Lines.
    ///
    /// The records are published at once. With --mode, they are imported for a member, as by `importRecords`.
    #[command(
        after_help = "Example:\n  wayin import records records.xlsx\n  wayin import records return.xlsx --mode submit --member ada --corrections corrections.xlsx"
    )]
    Records {
        /// The file to import.
        file: PathBuf,
        /// Whether to save the records as drafts or submit them for review.
        #[arg(long, requires = "member")]
        mode: Option<ImportRecordsMode>,
        /// The `sub` of the tokens of the member whose organisation owns the records.
        #[arg(long, requires = "mode")]
        member: Option<String>,
        /// The `iss` of the member's tokens. The default is TOKEN_ISSUER.
        #[arg(long, requires = "member")]
        issuer: Option<String>,
        /// A workbook to write the rows to that need corrections, each with its problems beside it.
        #[arg(long, requires = "mode")]
        corrections: Option<PathBuf>,
    },
}

impl ImportCommand {
    pub async fn run(self) -> Result<ExitCode, CliError> {
        let (file, kind, licence, member, corrections) = match self {
            Self::Places { file } => return import_places(&file).await,
            Self::Grants { file, licence } => (file, ImportKind::Grants360Giving, licence, None, None),
            Self::Records {
                file,
                mode,
                member,
                issuer,
                corrections,
            } => {
                let member = mode.zip(member).map(|(mode, subject)| MemberArguments {
                    mode,
                    subject,
                    issuer,
                });
                (file, ImportKind::Records, None, member, corrections)
            }
        };
        let job = ImportJobCommand {
            file,
            kind,
            licence,
            member,
            corrections,
        };
        job.run().await
    }
}

async fn import_places(file: &Path) -> Result<ExitCode, CliError> {
    let name = file.file_name().unwrap_or_default().to_string_lossy();
    let opened = open_file(file)?;
    let metadata = opened
        .metadata()
        .map_err(|cause| CliError::Io(name.to_string(), cause))?;
    let bytes = metadata.len();
    let db = open_database().await?;
    let act = ActionContext {
        clock: &SystemClock,
        member: None,
        reason: "imported from a file",
    };
    let noted = ImportAudit {
        db: &db,
        act: &act,
        id: SystemClock.new_id(),
        file_name: &name,
    };
    let bar = new_progress_bar(bytes);
    let input = BufReader::with_capacity(1 << 16, bar.wrap_read(opened));
    let mut remarks = |remark: Remark| bar.suspend(|| print_remark(&name, &remark));
    noted.record_start(bytes).await?;
    let outcome = places::import(&db, &act, input, &mut remarks).await;
    let ended = noted.record_end(&outcome).await;
    let tally = outcome.map_err(|error| CliError::Import {
        file: name.to_string(),
        error,
    })?;
    ended?;
    bar.finish_and_clear();
    print_line!("{name}: {}", describe_tally(&tally));
    Ok(if tally.refused > 0 {
        ExitCode::from(ROWS_REJECTED_EXIT_CODE)
    } else {
        ExitCode::SUCCESS
    })
}

/// Prints a message about a file or one of its rows.
pub(super) fn print_remark(file_name: &str, remark: &Remark) {
    match remark {
        Remark::Note(note) => print_note!("{file_name}: {note}"),
        Remark::Refused(problem) => print_note!("{file_name}, {problem}"),
        Remark::Warning(warning) => {
            let position = warning.describe_position();
            print_note!("{file_name}, {position}: worth a look: {}", warning.reason);
        }
    }
}

/// The audit events of an import of places: its start and its end. They are not part of the transaction of the import.
/// The file is not stored, so only these two events have the id of the import.
struct ImportAudit<'a> {
    db: &'a DatabaseConnection,
    act: &'a ActionContext<'a>,
    id: Uuid,
    file_name: &'a str,
}

impl ImportAudit<'_> {
    /// Records the start, before any row is imported.
    async fn record_start(&self, bytes: u64) -> Result<(), Error> {
        let detail = json!({"fileName": self.file_name, "bytes": bytes});
        audit::append_event(self.db, self.act, "importPlaces", self.new_event(detail)).await?;
        Ok(())
    }

    /// Records the end, after a success or a failure.
    async fn record_end(&self, outcome: &Result<Tally, ImportError>) -> Result<(), Error> {
        let detail = match outcome {
            Ok(tally) => json!({
                "fileName": self.file_name, "added": tally.added, "altered": tally.altered,
                "unchanged": tally.unchanged, "refused": tally.refused,
            }),
            Err(error) => json!({"fileName": self.file_name, "failed": describe_import_cause(error)}),
        };
        audit::append_event(self.db, self.act, "endImport", self.new_event(detail)).await?;
        Ok(())
    }

    fn new_event(&self, detail: Value) -> AuditRecord {
        AuditRecord {
            kind: NodeKind::Import,
            id: self.id,
            before: None,
            after: None,
            detail,
        }
    }
}

pub(super) fn describe_tally(tally: &Tally) -> String {
    let Tally {
        added,
        altered,
        unchanged,
        refused,
        warned,
    } = tally;
    let mut text = format!("{added} added, {altered} altered, {unchanged} unchanged, {refused} refused");
    if *warned > 0 {
        use std::fmt::Write as _;
        let _ = write!(text, "; {warned} taken that are worth a look");
    }
    text.push('.');
    text
}

/// Creates a progress bar, which is hidden if standard error is not a terminal.
pub(super) fn new_progress_bar(length: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {percent}% {bytes} of {total_bytes}, {eta} to go")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}
