//! Reference data: places, organisations, terms, meetings, reflections, crises, claims and members. Every
//! save stores a complete revision. A save that was made from an older version is rejected.

pub mod document;
pub mod graphql;
pub mod partial;

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use sea_orm::{
    ActiveModelTrait, ActiveValue::Set, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel,
    ModelTrait, QueryFilter, QuerySelect,
};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{ReferenceKind, entity_revision};

use crate::change_log::ActionContext;
use crate::database::insert_all;
use crate::error::Result;
use crate::id::NodeKind;
use crate::idempotency::Rejection;
use crate::paging::{Paged, SortOrder};
use wayin_records::normalisation;
use wayin_records::normalisation::is_storable;
use wayin_records::problem::{Problem, ProblemCode, Problems};
use wayin_records::{diff, personal_data};

/// The number of rows or ids in one statement: SQLite binds at most 32,766 values.
const ROWS_PER_STATEMENT: usize = 1_000;

/// The reason of the first revision of an object that existed before it was first saved.
const INITIAL_VERSION_REASON: &str = "the state before the first save";

/// A saved object.
#[derive(Clone, Debug)]
pub struct SavedChange {
    pub subject: ReferenceKind,
    pub id: Uuid,
    /// The state before. None if the object is new.
    pub before: Option<CurrentDocument>,
    pub after: Value,
}

/// The current state of an object, and the time of its last change.
#[derive(Clone, Debug)]
pub struct CurrentDocument {
    pub document: Value,
    pub since: DateTime<Utc>,
}

impl CurrentDocument {
    /// Creates a current state.
    pub const fn new(document: Value, since: DateTime<Utc>) -> Self {
        Self { document, since }
    }

    /// Creates the state before a save, if the object existed.
    pub fn from_parts(document: Option<Value>, since: Option<DateTime<Utc>>) -> Option<Self> {
        document
            .zip(since)
            .map(|(document, since)| Self::new(document, since))
    }
}

/// Inserts a row or updates the existing one.
pub async fn upsert_row<M>(db: &impl ConnectionTrait, is_there: bool, row: M) -> Result<()>
where
    M: ModelTrait + IntoActiveModel<<M::Entity as EntityTrait>::ActiveModel>,
    M::Entity: EntityTrait<Model = M>,
    <M::Entity as EntityTrait>::ActiveModel: Send,
{
    let row = row.into_active_model().reset_all();
    if is_there {
        row.update(db).await?;
    } else {
        M::Entity::insert(row).exec_without_returning(db).await?;
    }
    Ok(())
}

/// The kind of reference data that a type of objects is. None if it is not reference data.
pub const fn find_reference_kind(kind: NodeKind) -> Option<ReferenceKind> {
    Some(match kind {
        NodeKind::Place => ReferenceKind::Place,
        NodeKind::Organisation => ReferenceKind::Organisation,
        NodeKind::Term => ReferenceKind::Term,
        NodeKind::Meeting => ReferenceKind::Meeting,
        NodeKind::Reflection => ReferenceKind::Reflection,
        NodeKind::Crisis => ReferenceKind::Crisis,
        NodeKind::Claim => ReferenceKind::Claim,
        NodeKind::Member => ReferenceKind::Member,
        NodeKind::Initiative
        | NodeKind::FundingTerm
        | NodeKind::Source
        | NodeKind::Submission
        | NodeKind::Import
        | NodeKind::IssuedToken
        | NodeKind::AuditEvent
        | NodeKind::Notice
        | NodeKind::Invitation
        | NodeKind::SavedQuestion => return None,
    })
}

/// Loads current versions. An object without revisions has version 1.
pub async fn load_versions(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, i32>> {
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut versions: HashMap<Uuid, i32> = ids.iter().map(|id| (*id, 1)).collect();
    versions.extend(load_written_versions(db, &ids).await?);
    Ok(versions)
}

/// Loads the current version of an object.
pub async fn load_version(db: &impl ConnectionTrait, id: Uuid) -> Result<i32> {
    Ok(load_versions(db, [id]).await?.get(&id).copied().unwrap_or(1))
}

/// Loads the newest versions of the objects that have revisions.
async fn load_written_versions(db: &impl ConnectionTrait, ids: &[Uuid]) -> Result<HashMap<Uuid, i32>> {
    let mut versions = HashMap::new();
    for piece in ids.chunks(ROWS_PER_STATEMENT) {
        let found: Vec<(Uuid, i32)> = entity_revision::Entity::find()
            .select_only()
            .column(entity_revision::Column::SubjectId)
            .column_as(entity_revision::Column::Version.max(), "version")
            .filter(entity_revision::Column::SubjectId.is_in(piece.iter().copied()))
            .group_by(entity_revision::Column::SubjectId)
            .into_tuple()
            .all(db)
            .await?;
        versions.extend(found);
    }
    Ok(versions)
}

/// Writes one revision of each saved object, with the reason of the action. An object that existed before its
/// first save gets a revision of the state before, too.
pub async fn write_revisions(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    saves: Vec<SavedChange>,
) -> Result<()> {
    let known: Vec<Uuid> = saves
        .iter()
        .filter(|save| save.before.is_some())
        .map(|save| save.id)
        .collect();
    let written = load_written_versions(db, &known).await?;
    let mut rows = Vec::with_capacity(saves.len());
    for save in saves {
        let row = |version, document, member_id, reason: &str, at| entity_revision::ActiveModel {
            id: Set(act.clock.new_id()),
            subject: Set(save.subject),
            subject_id: Set(save.id),
            version: Set(version),
            document: Set(document),
            member_id: Set(member_id),
            reason: Set(reason.to_owned()),
            created_at: Set(at),
            updated_at: Set(at),
        };
        let version = match (written.get(&save.id), save.before) {
            (Some(newest), _) => newest + 1,
            (None, None) => 1,
            (None, Some(before)) => {
                rows.push(row(
                    1,
                    before.document,
                    None,
                    INITIAL_VERSION_REASON,
                    before.since,
                ));
                2
            }
        };
        rows.push(row(version, save.after, act.member, act.reason, act.now()));
    }
    insert_all(db, rows).await?;
    Ok(())
}

/// Finds the revision of an object at a version.
pub async fn find_revision(
    db: &impl ConnectionTrait,
    id: Uuid,
    version: i32,
) -> Result<Option<entity_revision::Model>> {
    Ok(entity_revision::Entity::find()
        .filter(entity_revision::Column::SubjectId.eq(id))
        .filter(entity_revision::Column::Version.eq(version))
        .one(db)
        .await?)
}

/// The object that a save changes, and its base version.
#[derive(Clone, Copy, Debug, Default)]
pub struct SaveTarget {
    /// None for a new object.
    pub id: Option<Uuid>,
    /// None to replace any version.
    pub version: Option<i32>,
}

/// Finds why a save cannot be made: problems that were `found` before, an unknown object, or an old base
/// version. `current` is the current object, `what` the word for it.
pub async fn find_save_error(
    db: &impl ConnectionTrait,
    target: SaveTarget,
    current: Option<&Value>,
    what: &str,
    mut found: Problems,
) -> Result<Option<Rejection>> {
    let mut conflicts = Vec::new();
    match (target.id, current) {
        (Some(_), None) => found.add_error(ProblemCode::NotFound, "id", format!("there is no such {what}")),
        (Some(id), Some(current)) => {
            if let Some(stale) = find_version_conflict(db, id, current, target.version).await? {
                found.errors.extend(stale.problems);
                conflicts = stale.conflicts;
            }
        }
        (None, _) if target.version.is_some() => {
            let reason = "is only allowed with an existing object";
            found.add_error(ProblemCode::Contradictory, "version", reason);
        }
        (None, _) => {}
    }
    Ok((!found.errors.is_empty()).then_some(Rejection {
        problems: found.errors,
        conflicts,
    }))
}

/// The maximum length of a slug.
const MAX_SLUG_CHARACTERS: usize = 100;

/// Checks a slug: lower-case letters, digits, and single hyphens between them.
pub fn check_slug(found: &mut Problems, slug: &str) {
    found.check_required("slug", slug, MAX_SLUG_CHARACTERS);
    let well_formed = slug.split('-').all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    if !slug.is_empty() && !well_formed {
        let reason = "must consist of lower-case letters, digits and single hyphens, such as cost-of-living";
        found.add_error(ProblemCode::InvalidFormat, "slug", reason);
    }
}

/// Checks a required text: its length, and that it contains no personal data.
pub fn check_text(found: &mut Problems, path: &str, text: &str, most: usize) {
    found.check_required(path, text, most);
    found.errors.extend(personal_data::check_text(path, text));
}

/// Checks a web address.
pub fn check_url(found: &mut Problems, path: &str, address: Option<&str>) {
    found.check_length(path, address, 2_000);
    let well_formed = |address: &str| {
        let rest = address
            .strip_prefix("https://")
            .or_else(|| address.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
    };
    if address.is_some_and(|address| !well_formed(address)) {
        let reason = "is not an address that begins with https:// or http://";
        found.add_error(ProblemCode::InvalidFormat, path, reason);
    }
}

/// Checks that no other row has a value that must be unique.
pub async fn check_unique<E: EntityTrait>(
    db: &impl ConnectionTrait,
    found: &mut Problems,
    path: &str,
    (column, value): (E::Column, &str),
    (id_column, own): (E::Column, Option<Uuid>),
) -> Result<()>
where
    E::Model: Send + Sync,
{
    // A value that cannot be stored is already reported.
    if value.is_empty() || !is_storable(value) {
        return Ok(());
    }
    let mut same = E::find().filter(column.eq(value));
    if let Some(own) = own {
        same = same.filter(id_column.ne(own));
    }
    if same.one(db).await?.is_some() {
        found.add_error(
            ProblemCode::Conflict,
            path,
            format!("{value} is another's already"),
        );
    }
    Ok(())
}

/// Trims a text. None if nothing is left.
pub fn trim_text(text: Option<String>) -> Option<String> {
    let text = normalisation::normalise_prose(&text?).into_owned();
    (!text.is_empty()).then_some(text)
}

/// Finds the changes since the base version, if it is not the current version.
pub async fn find_version_conflict(
    db: &impl ConnectionTrait,
    id: Uuid,
    current: &Value,
    written_from: Option<i32>,
) -> Result<Option<Rejection>> {
    let Some(from) = written_from else {
        return Ok(None);
    };
    let newest = load_version(db, id).await?;
    if from == newest {
        return Ok(None);
    }
    let Some(before) = find_revision(db, id, from).await? else {
        let reason = format!("there is no version {from}; the newest is {newest}");
        return Ok(Some(Rejection::from_problem(
            ProblemCode::NotFound,
            "version",
            reason,
        )));
    };
    let reason = format!("version {from} was replaced; the newest is {newest}");
    Ok(Some(Rejection {
        problems: vec![Problem::new(ProblemCode::StaleVersion, "version", reason)],
        conflicts: diff::find_differences(&before.document, current),
    }))
}

impl Paged for entity_revision::Entity {
    type Order = ();
    const ID: Self::Column = entity_revision::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "version-",
            column: entity_revision::Column::Version,
            descending: true,
        }
    }
}
