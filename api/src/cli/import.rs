//! `wayin import`.

use std::fs::File;
use std::io::{BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Subcommand;
use indicatif::{ProgressBar, ProgressStyle};
use sea_orm::DatabaseConnection;
use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{FileFormat, ImportKind};

use super::error::{CliError, ROWS_REJECTED_EXIT_CODE, describe_import_cause};
use super::file::open_file;
use super::opening::open_database;
use super::output::{print_line, print_note};
use super::send::{ModeArgument, SubmitCommand};
use crate::audit::{self, AuditRecord};
use crate::change_log::ActionContext;
use crate::clock::{Clock, SystemClock};
use crate::error::Error;
use crate::id::NodeKind;
use crate::import::{ImportError, Remark, Tally, detect_format, places, publish_file};
use wayin_records::formats::FileError;
use wayin_records::formats::format::FORMAT_DETECTION_BYTES;
use wayin_records::formats::grants as grant_files;

#[derive(Debug, Subcommand)]
pub enum ImportCommand {
    /// Places with GSS codes and what they lie within, from CSV.
    #[command(after_help = "Example:\n  wayin import places area_all_codes.csv")]
    Places {
        /// The file.
        file: PathBuf,
    },
    /// Published grants in the 360Giving Data Standard, from JSON, a table (.csv) or a workbook (.xlsx, .ods).
    #[command(after_help = "Example:\n  wayin import grants grants.json --licence CC-BY-4.0")]
    Grants {
        /// The file.
        file: PathBuf,
        /// The licence that the file may be reused under, where it does not say itself.
        #[arg(long)]
        licence: Option<String>,
    },
    /// Initiative records, from a workbook (.xlsx, .ods), a table (.csv) or JSON Lines.
    ///
    /// They are published at once, as a steward's act. With --mode they are imported for a member, as `importRecords` does.
    #[command(
        after_help = "Example:\n  wayin import records records.xlsx\n  wayin import records return.xlsx --mode submit --member ada --corrections corrections.xlsx"
    )]
    Records {
        /// The file.
        file: PathBuf,
        /// Whether the records of a member are saved as drafts or submitted for review.
        #[arg(long, requires = "member")]
        mode: Option<ModeArgument>,
        /// The `sub` of the member whose organisation's records they are.
        #[arg(long, requires = "mode")]
        member: Option<String>,
        /// The `iss` of the member; TOKEN_ISSUER where it is not said.
        #[arg(long, requires = "member")]
        issuer: Option<String>,
        /// Where to write a workbook of the rows that need corrections, each with its problems beside it.
        #[arg(long, requires = "mode")]
        corrections: Option<PathBuf>,
    },
}

impl ImportCommand {
    /// Does it.
    pub async fn run(self) -> Result<ExitCode, CliError> {
        if let Self::Records {
            file,
            mode: Some(mode),
            member: Some(subject),
            issuer,
            corrections,
        } = self
        {
            let sending = SubmitCommand {
                file,
                mode,
                subject,
                issuer,
                corrections,
            };
            return sending.run().await;
        }
        let (Self::Places { file } | Self::Grants { file, .. } | Self::Records { file, .. }) = &self;
        let name = file.file_name().map_or_else(
            || file.display().to_string(),
            |name| name.to_string_lossy().into(),
        );
        let opened = open_file(file)?;
        let bytes = file_length_bytes(&opened)?;
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
        let mut remarks = |remark: Remark| {
            let line = match remark {
                Remark::Note(note) => format!("{name}: {note}"),
                Remark::Refused(refusal) => format!("{name}, {refusal}"),
                Remark::Warning(warning) => {
                    format!(
                        "{name}, {}: worth a look: {}",
                        warning.describe_position(),
                        warning.reason
                    )
                }
            };
            bar.suspend(|| print_note!("{line}"));
        };
        let failed = |error| CliError::Import {
            file: name.clone(),
            error,
        };
        let outcome = match &self {
            Self::Places { .. } => {
                noted.record_start("importPlaces", bytes).await?;
                places::import(&db, &act, input, &mut remarks).await
            }
            Self::Records { .. } => {
                let kind = ImportKind::Records;
                let format = format_of(kind, file).map_err(failed)?;
                noted.record_start("importRecords", bytes).await?;
                publish_file(&db, &act, (kind, format), None, input, &mut remarks).await
            }
            Self::Grants { licence, .. } => {
                let kind = ImportKind::Grants360Giving;
                let format = format_of(kind, file).map_err(failed)?;
                // A package may describe itself behind its grants. To read it through first also refuses a file that
                // breaks off before any of it is published.
                let about = grant_files::read_package_info(BufReader::new(open_file(file)?), format);
                let about = about.map_err(|error| failed(error.into()))?;
                let licence = about.license.or_else(|| licence.clone());
                let unlicensed = licence.is_none();
                noted.record_start("importGrants", bytes).await?;
                let outcome = publish_file(&db, &act, (kind, format), licence, input, &mut remarks).await;
                if unlicensed && outcome.is_ok() {
                    print_note!("{name} does not say which licence it may be reused under; --licence does.");
                }
                outcome
            }
        };
        let ended = noted.record_end(&outcome).await;
        let tally = outcome.map_err(failed)?;
        ended?;
        bar.finish_and_clear();
        print_line!("{name}: {}", describe_tally(&tally));
        Ok(if tally.refused > 0 {
            ExitCode::from(ROWS_REJECTED_EXIT_CODE)
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// What the audit trail tells of a file that is published as it is read, in more than one transaction: that it
/// began, and what came of it. The file is not kept, so that its id leads to nothing but these two.
struct ImportAudit<'a> {
    db: &'a DatabaseConnection,
    act: &'a ActionContext<'a>,
    id: Uuid,
    file_name: &'a str,
}

impl ImportAudit<'_> {
    /// Before anything of it is taken.
    async fn record_start(&self, command: &str, bytes: u64) -> Result<(), Error> {
        let detail = json!({"fileName": self.file_name, "bytes": bytes});
        audit::append_event(self.db, self.act, command, self.new_event(detail)).await
    }

    /// After all of it was, or what was before it broke off.
    async fn record_end(&self, outcome: &Result<Tally, ImportError>) -> Result<(), Error> {
        let detail = match outcome {
            Ok(tally) => json!({
                "fileName": self.file_name, "added": tally.added, "altered": tally.altered,
                "unchanged": tally.unchanged, "refused": tally.refused,
            }),
            Err(error) => json!({"fileName": self.file_name, "failed": describe_import_cause(error)}),
        };
        audit::append_event(self.db, self.act, "endImport", self.new_event(detail)).await
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

fn describe_tally(tally: &Tally) -> String {
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

fn format_of(kind: ImportKind, file: &Path) -> Result<FileFormat, ImportError> {
    let mut start = Vec::new();
    let opened = File::open(file).map_err(FileError::from)?;
    opened
        .take(FORMAT_DETECTION_BYTES as u64)
        .read_to_end(&mut start)
        .map_err(FileError::from)?;
    Ok(detect_format(kind, &file.to_string_lossy(), &start)?)
}

/// A bar on a terminal, nothing elsewhere.
fn new_progress_bar(length: u64) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:40} {percent}% {bytes} of {total_bytes}, {eta} to go")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    ProgressBar::new(length).with_style(style)
}

/// How many bytes a file has.
fn file_length_bytes(file: &File) -> Result<u64, CliError> {
    let known = file.metadata();
    Ok(known
        .map_err(|cause| CliError::Io("the file".into(), cause))?
        .len())
}
