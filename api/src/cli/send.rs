//! `wayin import records --mode`: records that are sent in for a member, as over GraphQL.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use sea_orm::{ColumnTrait, DatabaseConnection, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use serde_json::json;
use uuid::Uuid;
use wayin_entity::{ImportKind, ImportMode, import, import_outcome};

use super::error::{CliError, ROWS_REJECTED_EXIT_CODE};
use super::file::open_file;
use super::member;
use super::opening::open_database;
use super::output::{print_line, print_note};
use crate::audit::{self, AuditRecord};
use crate::auth::requester::AuthenticatedMember;
use crate::change_log::ActionContext;
use crate::clock::SystemClock;
use crate::config::{read_environment, read_import_settings};
use crate::database;
use crate::id::NodeKind;
use crate::import::job::{self, corrections, worker::Worker};
use wayin_records::formats::records::FileLimits;
use wayin_records::problem::Problem;

/// How many rows are told of at once.
const ROWS_PER_PAGE: u64 = 1_000;

/// What becomes of records that are sent in.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ModeArgument {
    /// They are saved as drafts.
    Draft,
    /// Records without problems are submitted for review. The others are saved as drafts.
    Submit,
}

impl From<ModeArgument> for ImportMode {
    fn from(mode: ModeArgument) -> Self {
        match mode {
            ModeArgument::Draft => Self::Draft,
            ModeArgument::Submit => Self::Submit,
        }
    }
}

/// A file of records, for whom it is sent in, and where its corrections go.
#[derive(Debug)]
pub struct SubmitCommand {
    pub file: PathBuf,
    pub mode: ModeArgument,
    pub subject: String,
    pub issuer: Option<String>,
    pub corrections: Option<PathBuf>,
}

impl SubmitCommand {
    /// Keeps the file in the base, has it taken in, and tells what became of its rows.
    pub async fn run(self) -> Result<ExitCode, CliError> {
        let settings = read_import_settings(&read_environment)?;
        let limits = settings.limits;
        let mut content = open_file(&self.file)?;
        let name = self.file.display().to_string();
        let unreadable = |cause| CliError::Io(name.clone(), cause);
        let known = job::summarize_file(&mut content).map_err(unreadable)?;
        let named = self.file.file_name().unwrap_or_default().to_string_lossy();
        let format = crate::import::check_file(ImportKind::Records, &named, &known, &limits);
        let draft = job::NewImport {
            kind: ImportKind::Records,
            intent: self.mode.into(),
            organisation: None,
            licence: None,
            file_name: named.into_owned(),
            format: format.map_err(|problem| error_from_problem(&name, &problem))?,
            bytes: known.bytes,
        };
        let db = open_database().await?;
        let sender = find_submitter(&db, self.subject, self.issuer).await?;
        let act = ActionContext {
            clock: &SystemClock,
            member: Some(sender.id),
            reason: "sent on the command line",
        };
        let transaction = database::begin_write(&db).await?;
        let started = job::enqueue(&transaction, &act, &sender, draft, content).await?;
        let started = match started {
            Ok(import) => import,
            Err(problems) => return Err(error_from_problem(&name, &problems[0])),
        };
        let id = started.id;
        let event = AuditRecord {
            kind: NodeKind::Import,
            id,
            before: None,
            after: None,
            detail: json!({
                "kind": started.kind, "mode": started.mode, "fileName": started.file_name, "bytes": started.bytes,
                "sha256": known.sha256, "for": NodeKind::Member.encode_id(sender.id),
            }),
        };
        // Whoever runs a command need not be the member whose records they are.
        let act = ActionContext { member: None, ..act };
        audit::append_event(&transaction, &act, "importRecords", event).await?;
        database::commit(transaction).await?;
        let worker = Worker::new(&db, &SystemClock, settings);
        let ended = job::worker::run_until_ended(&worker, id).await?;
        let ended = ended.ok_or_else(|| CliError::InvalidArguments("The import is gone.".into()))?;
        print_row_problems(&db, &ended.file_name, id).await?;
        if let Some(path) = &self.corrections {
            write_corrections(&db, &ended, limits, path).await?;
        }
        print_line!("{}", describe_import(&ended));
        if let Some(reason) = &ended.failure_reason {
            return Err(CliError::InvalidArguments(format!(
                "{name} was not read to its end: {reason}"
            )));
        }
        Ok(if ended.invalid_count + ended.rejected_count > 0 {
            ExitCode::from(ROWS_REJECTED_EXIT_CODE)
        } else {
            ExitCode::SUCCESS
        })
    }
}

fn error_from_problem(name: &str, problem: &Problem) -> CliError {
    CliError::InvalidArguments(format!("{name} {}.", problem.reason))
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

/// Tells what was found in the rows, on standard error, in the order of the file.
async fn print_row_problems(db: &DatabaseConnection, name: &str, import: Uuid) -> Result<(), CliError> {
    use import_outcome::Column;
    let mut after = 0;
    loop {
        // Everything that is said of one row stands under one position.
        let positions: Vec<i64> = import_outcome::Entity::find()
            .select_only()
            .column(Column::Position)
            .distinct()
            .filter(Column::ImportId.eq(import))
            .filter(Column::Code.is_not_null())
            .filter(Column::Position.gt(after))
            .order_by_asc(Column::Position)
            .limit(ROWS_PER_PAGE)
            .into_tuple()
            .all(db)
            .await?;
        let Some(last) = positions.last() else {
            return Ok(());
        };
        let rows = import_outcome::Entity::find()
            .filter(Column::ImportId.eq(import))
            .filter(Column::Code.is_not_null())
            .filter(Column::Position.gt(after))
            .filter(Column::Position.lte(*last))
            .order_by_asc(Column::Position)
            .order_by_asc(Column::Id)
            .all(db)
            .await?;
        after = *last;
        for row in rows {
            let sheet = row
                .sheet
                .map(|sheet| format!(", sheet {sheet}"))
                .unwrap_or_default();
            let column = row.column.map(|column| format!(", {column}")).unwrap_or_default();
            let worth = if row.is_warning { "worth a look: " } else { "" };
            let message = row.message.unwrap_or_default();
            print_note!("{name}{sheet}, row {}{column}: {worth}{message}", row.row);
        }
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

fn describe_import(import: &import::Model) -> String {
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
        format!("{}: no rows.", import.file_name)
    } else {
        format!("{}: {}.", import.file_name, counts.join(", "))
    }
}
