//! What stewards keep (places, organisations, terms, meetings, reflections, crises, claims, members): every
//! save leaves the whole of it as a revision, and one that was written from an older version is refused.

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

/// How many rows one statement inserts, and how many ids it asks for: SQLite binds at most 32,766 values.
const ROWS_PER_STATEMENT: usize = 1_000;

/// Why the first version of something is kept that stood before anybody saved it.
const INITIAL_VERSION_REASON: &str = "the state before the first save";

/// Something that was saved.
#[derive(Clone, Debug)]
pub struct SavedChange {
    /// What sort of thing it is.
    pub subject: ReferenceKind,
    /// Which one.
    pub id: Uuid,
    /// As it stood before; none where it is new.
    pub before: Option<CurrentDocument>,
    /// As it stands now.
    pub after: Value,
}

/// Something as it stands, and since when.
#[derive(Clone, Debug)]
pub struct CurrentDocument {
    /// The whole of it.
    pub document: Value,
    /// When it was last altered.
    pub since: DateTime<Utc>,
}

impl CurrentDocument {
    /// Something that stands so since then.
    pub const fn new(document: Value, since: DateTime<Utc>) -> Self {
        Self { document, since }
    }

    /// Something that stood, where it did.
    pub fn from_parts(document: Option<Value>, since: Option<DateTime<Utc>>) -> Option<Self> {
        document
            .zip(since)
            .map(|(document, since)| Self::new(document, since))
    }
}

/// Puts a row in, or in the place of the one that is there.
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

/// What sort of thing a kind of objects is, where stewards keep it.
pub const fn subject_of_kind(kind: NodeKind) -> Option<ReferenceKind> {
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
        | NodeKind::AuditEvent => return None,
    })
}

/// The versions at which things stand. One that has no revision yet stands at its first.
pub async fn load_versions(
    db: &impl ConnectionTrait,
    ids: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, i32>> {
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let mut versions: HashMap<Uuid, i32> = ids.iter().map(|id| (*id, 1)).collect();
    versions.extend(load_written_versions(db, &ids).await?);
    Ok(versions)
}

/// The version at which a thing stands.
pub async fn load_version(db: &impl ConnectionTrait, id: Uuid) -> Result<i32> {
    Ok(load_versions(db, [id]).await?.get(&id).copied().unwrap_or(1))
}

/// The newest versions that were written, of those things that have any.
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

/// Writes the revisions of what was saved, each thing once, for the reason of the act. What stood before
/// anybody saved it gets its first version too.
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

/// A thing at a version; none where there is no such version.
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

/// What a save names: an object that is there, and the version of it that was written from.
#[derive(Clone, Copy, Debug, Default)]
pub struct SaveTarget {
    /// Which object; none for a new one.
    pub id: Option<Uuid>,
    /// The version; none where it does not matter.
    pub version: Option<i32>,
}

/// Why a save cannot be made, if it cannot: what was `found` wrong, an object that is not there, a version
/// that stands no more. `standing` is the object as it stands, `what` the word for it.
pub async fn find_save_error(
    db: &impl ConnectionTrait,
    target: SaveTarget,
    standing: Option<&Value>,
    what: &str,
    mut found: Problems,
) -> Result<Option<Rejection>> {
    let mut conflicts = Vec::new();
    match (target.id, standing) {
        (Some(_), None) => found.add_error(ProblemCode::NotFound, "id", format!("there is no such {what}")),
        (Some(id), Some(standing)) => {
            if let Some(stale) = find_version_conflict(db, id, standing, target.version).await? {
                found.errors.extend(stale.problems);
                conflicts = stale.conflicts;
            }
        }
        (None, _) if target.version.is_some() => {
            let reason = "goes with an object that is there already";
            found.add_error(ProblemCode::Contradictory, "version", reason);
        }
        (None, _) => {}
    }
    Ok((!found.errors.is_empty()).then_some(Rejection {
        problems: found.errors,
        conflicts,
    }))
}

/// The most characters of a short name in addresses.
const MAX_SLUG_CHARACTERS: usize = 100;

/// A short name in addresses and conditions: small letters, digits, and single hyphens within.
pub fn check_slug(found: &mut Problems, slug: &str) {
    found.check_required("slug", slug, MAX_SLUG_CHARACTERS);
    let well_formed = slug.split('-').all(|part| {
        !part.is_empty()
            && part
                .bytes()
                .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
    });
    if !slug.is_empty() && !well_formed {
        let reason = "is made of small letters, digits and single hyphens, such as cost-of-living";
        found.add_error(ProblemCode::InvalidFormat, "slug", reason);
    }
}

/// A text that is needed, has at most so many characters, and holds no personal data.
pub fn check_text(found: &mut Problems, path: &str, text: &str, most: usize) {
    found.check_required(path, text, most);
    found.errors.extend(personal_data::check_text(path, text));
}

/// An address on the web.
pub fn check_url(found: &mut Problems, path: &str, address: Option<&str>) {
    found.check_length(path, address, 2_000);
    let well_formed = |address: &str| {
        let rest = address
            .strip_prefix("https://")
            .or_else(|| address.strip_prefix("http://"));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
    };
    if address.is_some_and(|address| !well_formed(address)) {
        let reason = "is no address that begins with https:// or http://";
        found.add_error(ProblemCode::InvalidFormat, path, reason);
    }
}

/// Finds out whether another row than the one that is saved has a value that only one can have.
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
    // What no base can hold, none has; and it is found wrong already.
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

/// A text without what surrounds it; none where nothing is left.
pub fn trim_text(text: Option<String>) -> Option<String> {
    let text = normalisation::normalise_prose(&text?).into_owned();
    (!text.is_empty()).then_some(text)
}

/// Why a save of something that stands so cannot be made, where it was written from another version than
/// stands: what changed in between.
pub async fn find_version_conflict(
    db: &impl ConnectionTrait,
    id: Uuid,
    standing: &Value,
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
    let reason = format!("version {from} was written over; the newest is {newest}");
    Ok(Some(Rejection {
        problems: vec![Problem::new(ProblemCode::StaleVersion, "version", reason)],
        conflicts: diff::find_differences(&before.document, standing),
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
