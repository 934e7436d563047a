//! Imports that are stored as jobs. The file is stored in the database, and a worker writes its rows in batches. Each
//! batch is written in one transaction, together with the count of processed rows. So an import can continue after a
//! crash, and no row is processed twice.

pub(super) mod batch;
mod chunks;
pub mod corrections;
pub mod expiry;
pub(super) mod lease;
pub mod outcomes;
pub mod worker;

use std::fs::File;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, Select,
};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;
use wayin_entity::{
    Capability, FileFormat, ImportKind, ImportMode, ImportState, Role, import, import_outcome, organisation,
};

pub use self::chunks::{FileSummary, load_file, summarize_file};
use crate::auth::requester::AuthenticatedMember;
use crate::change_log::ActionContext;
use crate::error::Result;
use crate::paging::{Paged, SortOrder};
use wayin_records::formats::records::FileLimits;
use wayin_records::normalisation::is_storable;
use wayin_records::problem::{Problem, ProblemCode};

const MAX_NAME_CHARS: usize = 200;
const MAX_LICENCE_CHARS: usize = 200;
/// The maximum number of unfinished imports of one organisation, or of no organisation.
const MAX_UNFINISHED_IMPORTS: u64 = 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ImportSettings {
    pub limits: FileLimits,
    /// The number of rows after which an import yields to other waiting imports.
    pub rows_per_turn: usize,
}

impl ImportSettings {
    /// The limits of a file. Files that the command line publishes have no limits.
    pub fn file_limits(&self, mode: ImportMode) -> FileLimits {
        match mode {
            ImportMode::Draft | ImportMode::Submit => self.limits,
            ImportMode::Publish => FileLimits::UNLIMITED,
        }
    }
}

impl Default for ImportSettings {
    fn default() -> Self {
        Self {
            limits: FileLimits::default(),
            rows_per_turn: 10_000,
        }
    }
}

/// The state that the imports of a server share.
#[derive(Debug)]
pub struct ImportQueue {
    pub settings: ImportSettings,
    pub(super) queued: Notify,
    /// Limits how many corrections workbooks are written at the same time, because each reads a whole file again.
    pub writing: Semaphore,
}

const MAX_CONCURRENT_WORKBOOKS: usize = 2;

impl Default for ImportQueue {
    fn default() -> Self {
        Self::new(ImportSettings::default())
    }
}

impl ImportQueue {
    pub fn new(settings: ImportSettings) -> Self {
        Self {
            settings,
            queued: Notify::new(),
            writing: Semaphore::new(MAX_CONCURRENT_WORKBOOKS),
        }
    }

    /// Notifies the worker that an import was queued.
    pub fn notify_worker(&self) {
        self.queued.notify_one();
    }
}

/// What to do with the records of a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, async_graphql::Enum, clap::ValueEnum)]
pub enum ImportRecordsMode {
    /// Save all records as drafts.
    Draft,
    /// Submit the records that have no problems for review, and save the others as drafts.
    Submit,
}

/// Who sends a file to import.
#[derive(Clone, Copy, Debug)]
pub enum ImportSender<'a> {
    Member(&'a AuthenticatedMember, ImportRecordsMode),
    /// The command line, which publishes the file at once.
    CommandLine,
}

impl ImportSender<'_> {
    fn mode(self) -> ImportMode {
        match self {
            Self::Member(_, ImportRecordsMode::Draft) => ImportMode::Draft,
            Self::Member(_, ImportRecordsMode::Submit) => ImportMode::Submit,
            Self::CommandLine => ImportMode::Publish,
        }
    }

    fn member_id(self) -> Option<Uuid> {
        match self {
            Self::Member(member, _) => Some(member.id),
            Self::CommandLine => None,
        }
    }
}

/// A file to import.
#[derive(Debug)]
pub struct NewImport {
    pub kind: ImportKind,
    /// The organisation that the records or grants belong to. None for the member's own.
    pub organisation: Option<Uuid>,
    /// The licence of the grants, if the file does not state one.
    pub licence: Option<String>,
    pub file_name: String,
    pub format: FileFormat,
    /// The size of the file.
    pub bytes: u64,
}

/// Whether a role may import files of a kind.
pub fn may_import(role: Role, kind: ImportKind) -> bool {
    role.can(match kind {
        ImportKind::Records => Capability::SubmitRecords,
        ImportKind::Grants360Giving => Capability::ImportGrants,
    })
}

/// The imports that a member may see. Partners see the imports of their organisation's records, funders see the imports
/// of their organisation's grants, and stewards see all imports.
pub fn visible_to(member: &AuthenticatedMember) -> Select<import::Entity> {
    let all = import::Entity::find();
    match member.organisation {
        _ if member.role.can(Capability::ActForAnyOrganisation) => all,
        Some(own) => {
            let kinds = ImportKind::ALL
                .iter()
                .filter(|kind| may_import(member.role, **kind));
            all.filter(import::Column::OrganisationId.eq(own))
                .filter(import::Column::Kind.is_in(kinds.copied()))
        }
        None => all.filter(import::Column::Id.is_null()),
    }
}

/// Finds an import that the member may see.
pub async fn find(
    db: &impl ConnectionTrait,
    member: &AuthenticatedMember,
    id: Uuid,
) -> Result<Option<import::Model>> {
    Ok(visible_to(member)
        .filter(import::Column::Id.eq(id))
        .one(db)
        .await?)
}

/// Stores a file for a worker to import, or returns why the file is rejected.
pub async fn enqueue(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    sender: ImportSender<'_>,
    new: NewImport,
    mut content: File,
) -> Result<Result<import::Model, Vec<Problem>>> {
    let organisation = match sender {
        ImportSender::Member(member, _) => match find_organisation(db, member, &new).await? {
            Ok(organisation) => organisation,
            Err(problem) => return Ok(Err(vec![problem])),
        },
        ImportSender::CommandLine => None,
    };
    let licence = clean_licence(new.licence.as_deref());
    if let Some(licence) = &licence
        && (licence.chars().count() > MAX_LICENCE_CHARS || !is_storable(licence))
    {
        let reason = format!("has more than {MAX_LICENCE_CHARS} characters, or one that no base can keep");
        return Ok(Err(vec![Problem::new(ProblemCode::TooLong, "licence", reason)]));
    }
    if sender.member_id().is_some() && count_unfinished(db, organisation).await? >= MAX_UNFINISHED_IMPORTS {
        let reason =
            format!("{MAX_UNFINISHED_IMPORTS} files are waiting already; send this one when they are done");
        return Ok(Err(vec![Problem::new(ProblemCode::WrongState, "file", reason)]));
    }
    let now = act.now();
    let row = import::Model {
        id: act.clock.new_id(),
        member_id: sender.member_id(),
        organisation_id: organisation,
        kind: new.kind,
        mode: sender.mode(),
        file_name: clean_file_name(&new.file_name),
        format: new.format,
        bytes: i64::try_from(new.bytes).unwrap_or(i64::MAX),
        licence,
        state: ImportState::Queued,
        failure_reason: None,
        notes: None,
        rows_processed: 0,
        draft_count: 0,
        submitted_count: 0,
        published_count: 0,
        added_count: Some(0),
        unchanged_count: 0,
        invalid_count: 0,
        rejected_count: 0,
        warning_count: 0,
        runner: None,
        runner_until: None,
        attempts: 0,
        ended_at: None,
        expired_at: None,
        created_at: now,
        updated_at: now,
    };
    let row = row.into_active_model().insert(db).await?;
    chunks::store_file(db, act, row.id, &mut content).await?;
    Ok(Ok(row))
}

/// Finds an unfinished import of the same file by the same sender for the same organisation, whose process was stopped.
pub async fn find_unfinished(
    db: &impl ConnectionTrait,
    sender: ImportSender<'_>,
    new: &NewImport,
    file: &FileSummary,
) -> Result<Option<import::Model>> {
    use import::Column;
    let organisation = match sender {
        ImportSender::Member(member, _) => match find_organisation(db, member, new).await? {
            Ok(organisation) => organisation,
            // Storing the file says what is wrong.
            Err(_) => return Ok(None),
        },
        ImportSender::CommandLine => None,
    };
    let unfinished = import::Entity::find()
        .filter(Column::EndedAt.is_null())
        .filter(Column::Kind.eq(new.kind))
        .filter(Column::Mode.eq(sender.mode()))
        .filter(Column::Format.eq(new.format))
        .filter(Column::Bytes.eq(new.bytes));
    for import in unfinished.all(db).await? {
        let is_same = import.member_id == sender.member_id()
            && import.organisation_id == organisation
            && import.licence == clean_licence(new.licence.as_deref())
            && chunks::load_summary(db, import.id).await?.as_ref() == Some(file);
        if is_same {
            return Ok(Some(import));
        }
    }
    Ok(None)
}

fn clean_licence(licence: Option<&str>) -> Option<String> {
    let licence = licence?.trim();
    (!licence.is_empty()).then(|| licence.to_owned())
}

/// Counts the unfinished imports that members sent for an organisation, or for none.
async fn count_unfinished(db: &impl ConnectionTrait, organisation: Option<Uuid>) -> Result<u64> {
    let of_it = match organisation {
        Some(id) => import::Column::OrganisationId.eq(id),
        None => import::Column::OrganisationId.is_null(),
    };
    Ok(import::Entity::find()
        .filter(of_it)
        .filter(import::Column::MemberId.is_not_null())
        .filter(import::Column::EndedAt.is_null())
        .count(db)
        .await?)
}

/// Finds the organisation that the records or grants in a file belong to, or returns why the member may not send them.
async fn find_organisation(
    db: &impl ConnectionTrait,
    member: &AuthenticatedMember,
    new: &NewImport,
) -> Result<Result<Option<Uuid>, Problem>> {
    let refused = |code, reason: &str| Ok(Err(Problem::new(code, "organisation", reason)));
    if !may_import(member.role, new.kind) {
        let reason = match new.kind {
            ImportKind::Records => "records are for partners and stewards to send in",
            ImportKind::Grants360Giving => "grants are for funders and stewards to send in",
        };
        return Ok(Err(Problem::new(ProblemCode::NotAllowed, "kind", reason)));
    }
    let for_any = member.role.can(Capability::ActForAnyOrganisation);
    let chosen = match (new.organisation, member.organisation) {
        (Some(given), own) if for_any || own == Some(given) => given,
        (None, _) if for_any && new.kind == ImportKind::Grants360Giving => return Ok(Ok(None)),
        (None, Some(own)) => own,
        (Some(_), _) => {
            return refused(
                ProblemCode::NotAllowed,
                "is not the organisation that you act for",
            );
        }
        (None, None) => {
            return refused(
                ProblemCode::Required,
                "is needed: you act for no organisation of your own",
            );
        }
    };
    match organisation::Entity::find_by_id(chosen).one(db).await? {
        Some(organisation) => Ok(Ok(Some(organisation.id))),
        None => refused(ProblemCode::NotFound, "there is no such organisation"),
    }
}

/// Removes the path from a file's name, and characters that a database cannot store.
fn clean_file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let line = wayin_records::text::clean_line(last).unwrap_or_else(|| "a file".into());
    wayin_records::text::truncate(line, MAX_NAME_CHARS)
}

impl Paged for import::Entity {
    type Order = ();
    const ID: Self::Column = import::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "created-",
            column: import::Column::CreatedAt,
            descending: true,
        }
    }
}

impl Paged for import_outcome::Entity {
    type Order = ();
    const ID: Self::Column = import_outcome::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "position",
            column: import_outcome::Column::Position,
            descending: false,
        }
    }
}
