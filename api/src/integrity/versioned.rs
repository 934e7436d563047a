//! Checks the revisions of reference data: no version is missing, and the newest equals the current state.

use std::collections::{BTreeSet, HashMap};

use futures_util::TryStreamExt as _;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, QueryFilter, Statement,
    sea_query::Expr,
};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{
    ReferenceKind, claim, crisis, crisis_place, entity_revision, meeting, member, organisation,
    organisation_alias, place, place_parent, reflection, term,
};

use super::{IntegrityChecker, Invariant};
use crate::error::Result;
use crate::paging::KeysetScan;
use crate::redaction::REDACTION_MARKER;
use crate::reference_data::document;
use wayin_entity::to_heading;

const VERSIONS_PER_BATCH: u64 = 500;

pub(super) async fn check_versioned(
    db: &DatabaseTransaction,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    check_version_gaps(db, checking).await?;
    for subject in ReferenceKind::ALL {
        check_newest_versions(db, *subject, checking).await?;
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct VersionGapRow {
    subject: ReferenceKind,
    subject_id: Uuid,
    versions: i64,
    first: i32,
    last: i32,
}

async fn check_version_gaps(db: &DatabaseTransaction, checking: &mut IntegrityChecker<'_>) -> Result<()> {
    let ask = Statement::from_string(
        db.get_database_backend(),
        r#"SELECT "subject", "subject_id", COUNT(*) AS "versions", MIN("version") AS "first", MAX("version") AS "last"
           FROM "entity_revision" GROUP BY "subject", "subject_id"
           HAVING MIN("version") <> 1 OR MAX("version") <> COUNT(*) ORDER BY "subject", "subject_id""#,
    );
    let mut gaps = VersionGapRow::find_by_statement(ask).stream(db).await?;
    while let Some(gap) = gaps.try_next().await? {
        let sentence = format!(
            "{} {} has {} versions, from {} to {}.",
            to_heading(&gap.subject.code().to_lowercase()),
            gap.subject_id,
            gap.versions,
            gap.first,
            gap.last
        );
        checking.report(Invariant::ReferenceData, sentence);
    }
    Ok(())
}

/// Compares the newest revisions of one kind with the current state.
async fn check_newest_versions(
    db: &DatabaseTransaction,
    subject: ReferenceKind,
    checking: &mut IntegrityChecker<'_>,
) -> Result<()> {
    use entity_revision::Column;
    let is_newest = r#"NOT EXISTS (SELECT 1 FROM "entity_revision" AS "later" WHERE "later"."subject_id" = "entity_revision"."subject_id"
        AND "later"."subject" = "entity_revision"."subject" AND "later"."version" > "entity_revision"."version")"#;
    let every = entity_revision::Entity::find()
        .filter(Column::Subject.eq(subject))
        .filter(Expr::cust(is_newest));
    let mut walk = KeysetScan::new(every, Column::SubjectId, VERSIONS_PER_BATCH);
    while let Some(page) = walk.next_rows(db).await? {
        let ids: Vec<Uuid> = page.iter().map(|one| one.subject_id).collect();
        let current = load_current_documents(db, subject, &ids).await?;
        let merged = find_merged_organisations(db, subject, &ids).await?;
        for row in page {
            let (id, what) = (row.subject_id, to_heading(&subject.code().to_lowercase()));
            let wrong = match current.get(&id) {
                None if merged.contains(&id) => continue,
                None => format!("{what} {id} has versions, but does not exist."),
                // Redacted texts cannot be compared.
                Some(document)
                    if *document == row.document || row.document.to_string().contains(REDACTION_MARKER) =>
                {
                    continue;
                }
                Some(_) => format!("{what} {id} and its newest version, {}, differ.", row.version),
            };
            checking.report(Invariant::ReferenceData, wrong);
        }
    }
    Ok(())
}

/// Finds organisations that were merged into others.
async fn find_merged_organisations(
    db: &impl ConnectionTrait,
    subject: ReferenceKind,
    ids: &[Uuid],
) -> Result<BTreeSet<Uuid>> {
    if subject != ReferenceKind::Organisation {
        return Ok(BTreeSet::new());
    }
    let former = organisation_alias::Entity::find()
        .filter(organisation_alias::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    Ok(former.into_iter().map(|one| one.id).collect())
}

/// Loads the current state in the form of revisions.
async fn load_current_documents(
    db: &impl ConnectionTrait,
    subject: ReferenceKind,
    ids: &[Uuid],
) -> Result<HashMap<Uuid, Value>> {
    macro_rules! each {
        ($entity:ident, $written:expr) => {{
            let rows = $entity::Entity::find()
                .filter($entity::Column::Id.is_in(ids.iter().copied()))
                .all(db)
                .await?;
            rows.iter().map(|row| (row.id, $written(row))).collect()
        }};
    }
    Ok(match subject {
        ReferenceKind::Place => {
            let within = place_parent::Entity::find()
                .filter(place_parent::Column::PlaceId.is_in(ids.iter().copied()))
                .all(db)
                .await?;
            let within = group_ids(within.into_iter().map(|row| (row.place_id, row.parent_id)));
            let none = BTreeSet::new();
            each!(place, |row: &place::Model| document::place_document(
                row,
                within.get(&row.id).unwrap_or(&none)
            ))
        }
        ReferenceKind::Organisation => each!(organisation, document::organisation_document),
        ReferenceKind::Term => each!(term, document::term_document),
        ReferenceKind::Meeting => each!(meeting, document::meeting_document),
        ReferenceKind::Reflection => each!(reflection, document::reflection_document),
        ReferenceKind::Crisis => {
            let places = crisis_place::Entity::find()
                .filter(crisis_place::Column::CrisisId.is_in(ids.iter().copied()))
                .all(db)
                .await?;
            let places = group_ids(places.into_iter().map(|row| (row.crisis_id, row.place_id)));
            let none = BTreeSet::new();
            each!(crisis, |row: &crisis::Model| document::crisis_document(
                row,
                places.get(&row.id).unwrap_or(&none)
            ))
        }
        ReferenceKind::Claim => each!(claim, document::claim_document),
        ReferenceKind::Member => each!(member, document::member_document),
    })
}

fn group_ids(pairs: impl Iterator<Item = (Uuid, Uuid)>) -> HashMap<Uuid, BTreeSet<Uuid>> {
    let mut sets: HashMap<Uuid, BTreeSet<Uuid>> = HashMap::new();
    for (of, one) in pairs {
        sets.entry(of).or_default().insert(one);
    }
    sets
}
