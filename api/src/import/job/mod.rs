//! Imports as jobs: a file is kept in the base, and the service takes its rows in, batch by batch,
//! each batch in one transaction with the count of the rows that are done. So an import survives
//! whatever stops the service: what was done stays done, the rest goes on, and nothing is done twice.

mod batch;
pub mod expired;
mod file;
mod grants;
mod in_line;
mod reading;
mod records;
pub mod run;
pub mod to_mend;

use std::fs::File;

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, PaginatorTrait,
    QueryFilter, Select,
};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;
use wayin_entity::{
    Capability, FileFormat, ImportAs, ImportKind, ImportState, Role, import, import_outcome, organisation,
};

pub use self::file::{Kept, digest, put_together};
pub use self::reading::{ROWS_AT_ONCE, file_format};
use crate::auth::requester::Member;
use crate::change::Act;
use crate::error::Result;
use crate::paging::{Paged, Sort};
use wayin_records::finding::{Finding, FindingCode};
use wayin_records::formats::records::Limits;
use wayin_records::spelling::is_storable;

/// The most characters of a file's name that are kept.
const LONGEST_NAME: usize = 200;
/// The most characters of a licence.
const LONGEST_LICENCE: usize = 200;
/// The most imports of one organisation, or of none, that may be under way at once.
const MOST_UNDER_WAY: u64 = 20;

/// What can be set about imports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// What a file may hold.
    pub limits: Limits,
    /// After how many rows an import stands back for others that wait.
    pub rows_a_turn: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            rows_a_turn: 10_000,
        }
    }
}

/// What the imports of a running service share.
#[derive(Debug)]
pub struct Desk {
    /// What was set about them.
    pub settings: Settings,
    waiting: Notify,
    /// Whoever writes a list of what is to be mended, which reads the whole file again, holds one.
    pub writing: Semaphore,
}

/// How many lists of what is to be mended are written at once.
const LISTS_AT_ONCE: usize = 2;

impl Default for Desk {
    fn default() -> Self {
        Self::new(Settings::default())
    }
}

impl Desk {
    /// A desk with settings.
    pub fn new(settings: Settings) -> Self {
        Self {
            settings,
            waiting: Notify::new(),
            writing: Semaphore::new(LISTS_AT_ONCE),
        }
    }

    /// Tells the runner that an import waits.
    pub fn tell_waiting(&self) {
        self.waiting.notify_one();
    }
}

/// A file that is to be taken in.
#[derive(Debug)]
pub struct Draft {
    /// What it holds.
    pub kind: ImportKind,
    /// What becomes of its records.
    pub intent: ImportAs,
    /// The organisation whose records or grants they are; none for the member's own.
    pub organisation: Option<Uuid>,
    /// The licence of grants whose file does not say one.
    pub licence: Option<String>,
    /// The file's name.
    pub file_name: String,
    /// Its format.
    pub format: FileFormat,
    /// Its length in bytes.
    pub bytes: u64,
}

/// Whether a member may take in files of a kind at all.
pub fn may_import(role: Role, kind: ImportKind) -> bool {
    role.can(match kind {
        ImportKind::Records => Capability::SubmitRecords,
        ImportKind::Grants360Giving => Capability::ImportGrants,
    })
}

/// The imports that a member may see: to partners the records of their own organisation, to funders its grants,
/// to stewards all.
pub fn visible_to(member: &Member) -> Select<import::Entity> {
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

/// An import that a member may see.
pub async fn find(db: &impl ConnectionTrait, member: &Member, id: Uuid) -> Result<Option<import::Model>> {
    Ok(visible_to(member)
        .filter(import::Column::Id.eq(id))
        .one(db)
        .await?)
}

/// Keeps a file, to be taken in by the service. What stands against it is answered.
pub async fn start(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    member: &Member,
    draft: Draft,
    mut content: File,
) -> Result<Result<import::Model, Vec<Finding>>> {
    let organisation = match of_organisation(db, member, &draft).await? {
        Ok(organisation) => organisation,
        Err(finding) => return Ok(Err(vec![finding])),
    };
    let licence = draft.licence.map(|licence| licence.trim().to_owned());
    let licence = licence.filter(|licence| !licence.is_empty());
    if let Some(licence) = &licence
        && (licence.chars().count() > LONGEST_LICENCE || !is_storable(licence))
    {
        let reason = format!("has more than {LONGEST_LICENCE} characters, or one that no base can keep");
        return Ok(Err(vec![Finding::new(FindingCode::TooLong, "licence", reason)]));
    }
    if under_way(db, organisation).await? >= MOST_UNDER_WAY {
        let reason = format!("{MOST_UNDER_WAY} files are waiting already; send this one when they are done");
        return Ok(Err(vec![Finding::new(FindingCode::WrongState, "file", reason)]));
    }
    let now = act.now();
    let row = import::Model {
        id: act.clock.new_id(),
        member_id: member.id,
        organisation_id: organisation,
        kind: draft.kind,
        intent: draft.intent,
        file_name: named(&draft.file_name),
        format: draft.format,
        bytes: i64::try_from(draft.bytes).unwrap_or(i64::MAX),
        licence,
        state: ImportState::Waiting,
        refusal: None,
        notes: None,
        rows_done: 0,
        drafted: 0,
        sent: 0,
        published: 0,
        unchanged: 0,
        not_right: 0,
        refused: 0,
        warned: 0,
        runner: None,
        runner_until: None,
        attempts: 0,
        ended_at: None,
        expired_at: None,
        created_at: now,
        updated_at: now,
    };
    let row = row.into_active_model().insert(db).await?;
    file::keep(db, act, row.id, &mut content).await?;
    Ok(Ok(row))
}

/// How many imports of an organisation, or of none, have not ended.
async fn under_way(db: &impl ConnectionTrait, organisation: Option<Uuid>) -> Result<u64> {
    let of_it = match organisation {
        Some(id) => import::Column::OrganisationId.eq(id),
        None => import::Column::OrganisationId.is_null(),
    };
    Ok(import::Entity::find()
        .filter(of_it)
        .filter(import::Column::EndedAt.is_null())
        .count(db)
        .await?)
}

/// The organisation whose records or grants a file holds.
async fn of_organisation(
    db: &impl ConnectionTrait,
    member: &Member,
    draft: &Draft,
) -> Result<Result<Option<Uuid>, Finding>> {
    let refused = |code, reason: &str| Ok(Err(Finding::new(code, "organisation", reason)));
    if !may_import(member.role, draft.kind) {
        let reason = match draft.kind {
            ImportKind::Records => "records are for partners and stewards to send in",
            ImportKind::Grants360Giving => "grants are for funders and stewards to send in",
        };
        return Ok(Err(Finding::new(FindingCode::NotAllowed, "kind", reason)));
    }
    let for_any = member.role.can(Capability::ActForAnyOrganisation);
    let chosen = match (draft.organisation, member.organisation) {
        (Some(given), own) if for_any || own == Some(given) => given,
        (None, _) if for_any && draft.kind == ImportKind::Grants360Giving => return Ok(Ok(None)),
        (None, Some(own)) => own,
        (Some(_), _) => {
            return refused(
                FindingCode::NotAllowed,
                "is not the organisation that you act for",
            );
        }
        (None, None) => {
            return refused(
                FindingCode::Required,
                "is needed: you act for no organisation of your own",
            );
        }
    };
    match organisation::Entity::find_by_id(chosen).one(db).await? {
        Some(organisation) => Ok(Ok(Some(organisation.id))),
        None => refused(FindingCode::NotFound, "there is no such organisation"),
    }
}

/// A file's name without a path and without what no base can keep.
fn named(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let line = wayin_records::text::line(last).unwrap_or_else(|| "a file".into());
    wayin_records::text::cut(line, LONGEST_NAME)
}

impl Paged for import::Entity {
    type Order = ();
    const ID: Self::Column = import::Column::Id;

    fn sort((): ()) -> Sort<Self::Column> {
        Sort {
            tag: "created-",
            column: import::Column::CreatedAt,
            descending: true,
        }
    }
}

impl Paged for import_outcome::Entity {
    type Order = ();
    const ID: Self::Column = import_outcome::Column::Id;

    fn sort((): ()) -> Sort<Self::Column> {
        Sort {
            tag: "position",
            column: import_outcome::Column::Position,
            descending: false,
        }
    }
}
