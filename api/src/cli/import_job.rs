//! `wayin import records` and `wayin import grants`. The file is stored as an import, as over GraphQL, but this process
//! runs the import.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::process::ExitCode;
use std::time::Duration;

use indicatif::ProgressBar;
use sea_orm::DatabaseConnection;
use serde_json::json;
use wayin_entity::{ImportKind, import};

use super::error::{CliError, ROWS_REJECTED_EXIT_CODE};
use super::file::open_file;
use super::import::{describe_tally, new_progress_bar, print_remark};
use super::member;
use super::open_database::open_database;
use super::output::{print_line, print_note};
use crate::audit::{self, AuditRecord};
use crate::auth::requester::AuthenticatedMember;
use crate::change_log::ActionContext;
use crate::clock::SystemClock;
use crate::config::{read_environment, read_import_settings};
use crate::database;
use crate::id::NodeKind;
use crate::import::job::outcomes::load_remarks;
use crate::import::job::worker::{Worker, run_until_ended};
use crate::import::job::{self, FileSummary, ImportRecordsMode, ImportSender, NewImport, corrections};
use crate::import::{Remark, Tally};
use crate::locks::{AdvisoryLock, LockMode, acquire_lock};
use wayin_records::formats::records::FileLimits;
use wayin_records::problem::Problem;

/// The number of rows whose problems are loaded and reported together.
const ROWS_PER_PAGE: u64 = 1_000;
/// How often the problems of newly processed rows are reported.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// The arguments of `wayin import records` and `wayin import grants`.
#[derive(Debug)]
pub struct ImportJobCommand {
    pub file: PathBuf,
    pub kind: ImportKind,
    pub licence: Option<String>,
    /// The member who sends the file. None if the file is published directly.
    pub member: Option<MemberArguments>,
    /// The path of the corrections workbook to write.
    pub corrections: Option<PathBuf>,
}

/// The member for whom a file is imported, and the mode.
#[derive(Debug)]
pub struct MemberArguments {
    pub mode: ImportRecordsMode,
    pub subject: String,
    pub issuer: Option<String>,
}

impl ImportJobCommand {
    /// Stores the file as an import, runs the import to its end, and reports the outcomes of the rows.
    pub async fn run(self) -> Result<ExitCode, CliError> {
        let settings = read_import_settings(&read_environment)?;
        let limits = match self.member {
            Some(_) => settings.limits,
            None => FileLimits::UNLIMITED,
        };
        let mut content = open_file(&self.file)?;
        let unreadable = |cause| CliError::Io(self.file.display().to_string(), cause);
        let summary = job::summarize_file(&mut content).map_err(unreadable)?;
        let name = self.file.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        let format = crate::import::check_file(self.kind, &name, &summary, &limits);
        let new = NewImport {
            kind: self.kind,
            organisation: None,
            licence: self.licence,
            file_name: name.clone(),
            format: format.map_err(|problem| error_from_problem(&name, &problem))?,
            bytes: summary.bytes,
        };
        let db = open_database().await?;
        let member = match self.member {
            Some(member) => Some((
                find_submitter(&db, member.subject, member.issuer).await?,
                member.mode,
            )),
            None => None,
        };
        let sender = member
            .as_ref()
            .map_or(ImportSender::CommandLine, |(member, mode)| {
                ImportSender::Member(member, *mode)
            });
        let import = find_or_enqueue(&db, sender, new, content, &summary).await?;
        let bar = new_progress_bar(summary.bytes);
        let worker = Worker::new(&db, &SystemClock, settings).with_progress(bar.clone());
        let ended = run_and_report(&worker, &db, &bar, &import).await?;
        bar.finish_and_clear();
        for note in ended.notes.iter().flat_map(|notes| notes.lines()) {
            print_remark(&name, &Remark::Note(note.to_owned()));
        }
        if let Some(path) = &self.corrections {
            write_corrections(&db, &ended, limits, path).await?;
        }
        if ended.failure_reason.is_none() || ended.rows_processed > 0 {
            match sender {
                ImportSender::Member(..) => print_line!("{name}: {}", describe_counts(&ended)),
                ImportSender::CommandLine => print_line!("{name}: {}", describe_tally(&Tally::from(&ended))),
            }
        }
        if let Some(reason) = &ended.failure_reason {
            return Err(CliError::InvalidArguments(format!("{name}: {reason}")));
        }
        Ok(if ended.invalid_count + ended.rejected_count > 0 {
            ExitCode::from(ROWS_REJECTED_EXIT_CODE)
        } else {
            ExitCode::SUCCESS
        })
    }
}

/// Finds the unfinished import of the same file, or stores the file and records an audit event.
async fn find_or_enqueue(
    db: &DatabaseConnection,
    sender: ImportSender<'_>,
    new: NewImport,
    content: File,
    summary: &FileSummary,
) -> Result<import::Model, CliError> {
    // The person who runs the command need not be the member who owns the records.
    let act = ActionContext {
        clock: &SystemClock,
        member: None,
        reason: "sent on the command line",
    };
    let name = new.file_name.clone();
    let transaction = database::begin_write(db).await?;
    acquire_lock(
        &transaction,
        LockMode::Exclusive,
        AdvisoryLock::CommandLineImports,
    )
    .await?;
    if let Some(import) = job::find_unfinished(&transaction, sender, &new, summary).await? {
        print_note!("{name}: an earlier import of this file has not ended. It continues.");
        return Ok(import);
    }
    let import = match job::enqueue(&transaction, &act, sender, new, content).await? {
        Ok(import) => import,
        Err(problems) => return Err(error_from_problem(&name, &problems[0])),
    };
    let event = AuditRecord {
        kind: NodeKind::Import,
        id: import.id,
        before: None,
        after: None,
        detail: json!({
            "kind": import.kind, "mode": import.mode, "fileName": import.file_name, "bytes": import.bytes,
            "sha256": summary.sha256, "for": import.member_id.map(|id| NodeKind::Member.encode_id(id)),
        }),
    };
    audit::append_event(&transaction, &act, "importRecords", event).await?;
    database::commit(transaction).await?;
    Ok(import)
}

/// Runs an import to its end. Reports the problems of its rows while it runs.
async fn run_and_report(
    worker: &Worker<'_>,
    db: &DatabaseConnection,
    bar: &ProgressBar,
    import: &import::Model,
) -> Result<import::Model, CliError> {
    let mut position = 0;
    let mut running = pin!(run_until_ended(worker, import.id));
    let ended = loop {
        tokio::select! {
            ended = &mut running => break ended?,
            () = tokio::time::sleep(REPORT_INTERVAL) => {
                // The next report has the same rows again. Only the last one must succeed.
                if let Err(cause) = report_problems(db, bar, import, &mut position).await {
                    tracing::warn!(%cause, "the problems of rows cannot be reported yet");
                }
            }
        }
    };
    report_problems(db, bar, import, &mut position).await?;
    ended.ok_or_else(|| CliError::InvalidArguments("The import is gone.".into()))
}

fn error_from_problem(name: &str, problem: &Problem) -> CliError {
    CliError::InvalidArguments(format!("{name}: {}", problem.reason))
}

async fn find_submitter(
    db: &DatabaseConnection,
    subject: String,
    issuer: Option<String>,
) -> Result<AuthenticatedMember, CliError> {
    let subject = member::resolve_subject(subject, issuer)?;
    let found = crate::auth::member::find_by_subject(db, &subject).await?;
    let found = found.filter(|found| found.revoked_at.is_none());
    let found = found.ok_or_else(|| {
        CliError::InvalidArguments(format!("There is no member {} who may act.", subject.subject))
    })?;
    Ok(AuthenticatedMember {
        id: found.id,
        subject: found.subject,
        role: found.role,
        organisation: found.organisation_id,
        token: None,
    })
}

/// Reports the problems and warnings of the rows after a position, in the order of the file.
async fn report_problems(
    db: &DatabaseConnection,
    bar: &ProgressBar,
    import: &import::Model,
    position: &mut i64,
) -> Result<(), CliError> {
    loop {
        let remarks = load_remarks(db, import.id, position, ROWS_PER_PAGE).await?;
        if remarks.is_empty() {
            return Ok(());
        }
        bar.suspend(|| {
            remarks
                .iter()
                .for_each(|remark| print_remark(&import.file_name, remark));
        });
    }
}

async fn write_corrections(
    db: &DatabaseConnection,
    import: &import::Model,
    limits: FileLimits,
    path: &Path,
) -> Result<(), CliError> {
    let failed = |cause| CliError::Io(path.display().to_string(), cause);
    if !corrections::has_corrections(db, import).await? {
        print_note!("Nothing needs corrections: {} was not written.", path.display());
        return Ok(());
    }
    if let Some(mut written) = corrections::write_workbook(db, import, limits).await? {
        let mut file = BufWriter::new(File::create(path).map_err(failed)?);
        std::io::copy(&mut written, &mut file).map_err(failed)?;
        std::io::Write::flush(&mut file).map_err(failed)?;
    }
    Ok(())
}

fn describe_counts(import: &import::Model) -> String {
    let counts = [
        (import.published_count, "published"),
        (import.submitted_count, "sent in"),
        (import.draft_count, "kept as drafts"),
        (import.unchanged_count, "unchanged"),
        (import.invalid_count, "saved as drafts with problems to fix"),
        (import.rejected_count, "refused"),
    ];
    let counts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    if counts.is_empty() {
        "no rows.".into()
    } else {
        format!("{}.", counts.join(", "))
    }
}
