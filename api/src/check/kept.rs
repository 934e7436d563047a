//! What stewards keep: its versions without a gap, and the newest of them against what stands.

use std::collections::{BTreeSet, HashMap};

use futures_util::TryStreamExt as _;
use sea_orm::{
    ColumnTrait, ConnectionTrait, DatabaseTransaction, EntityTrait, FromQueryResult, QueryFilter, Statement,
    sea_query::Expr,
};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::{
    KeptSubject, claim, crisis, crisis_place, former_organisation, kept_revision, meeting, member,
    organisation, place, place_within, reflection, term,
};

use super::{Checking, Invariant};
use crate::error::Result;
use crate::keeping::document;
use crate::paging::Walk;
use crate::redaction::MARKER;
use wayin_entity::heading;

/// How many versions are looked at together.
const AT_ONCE: u64 = 500;

pub(super) async fn check(db: &DatabaseTransaction, checking: &mut Checking<'_>) -> Result<()> {
    gaps(db, checking).await?;
    for subject in KeptSubject::ALL {
        newest(db, *subject, checking).await?;
    }
    Ok(())
}

#[derive(FromQueryResult)]
struct Gap {
    subject: KeptSubject,
    subject_id: Uuid,
    versions: i64,
    first: i32,
    last: i32,
}

async fn gaps(db: &DatabaseTransaction, checking: &mut Checking<'_>) -> Result<()> {
    let ask = Statement::from_string(
        db.get_database_backend(),
        r#"SELECT "subject", "subject_id", COUNT(*) AS "versions", MIN("version") AS "first", MAX("version") AS "last"
           FROM "entity_revision" GROUP BY "subject", "subject_id"
           HAVING MIN("version") <> 1 OR MAX("version") <> COUNT(*) ORDER BY "subject", "subject_id""#,
    );
    let mut gaps = Gap::find_by_statement(ask).stream(db).await?;
    while let Some(gap) = gaps.try_next().await? {
        let sentence = format!(
            "{} {} has {} versions, from {} to {}.",
            heading(&gap.subject.code().to_lowercase()),
            gap.subject_id,
            gap.versions,
            gap.first,
            gap.last
        );
        checking.found(Invariant::Kept, sentence);
    }
    Ok(())
}

/// The newest version of everything of one sort, against what stands.
async fn newest(db: &DatabaseTransaction, subject: KeptSubject, checking: &mut Checking<'_>) -> Result<()> {
    use kept_revision::Column;
    let is_newest = r#"NOT EXISTS (SELECT 1 FROM "entity_revision" AS "later" WHERE "later"."subject_id" = "entity_revision"."subject_id"
        AND "later"."subject" = "entity_revision"."subject" AND "later"."version" > "entity_revision"."version")"#;
    let every = kept_revision::Entity::find()
        .filter(Column::Subject.eq(subject))
        .filter(Expr::cust(is_newest));
    let mut walk = Walk::new(every, Column::SubjectId, AT_ONCE);
    while let Some(page) = walk.rows(db).await? {
        let ids: Vec<Uuid> = page.iter().map(|one| one.subject_id).collect();
        let standing = standing(db, subject, &ids).await?;
        let merged = merged(db, subject, &ids).await?;
        for row in page {
            let (id, what) = (row.subject_id, heading(&subject.code().to_lowercase()));
            let wrong = match standing.get(&id) {
                None if merged.contains(&id) => continue,
                None => format!("{what} {id} has versions, and is not there."),
                // What a text was taken out of is no longer told apart from what stands.
                Some(stands) if *stands == row.document || row.document.to_string().contains(MARKER) => {
                    continue;
                }
                Some(_) => format!(
                    "{what} {id} and its newest version, {}, do not say the same.",
                    row.version
                ),
            };
            checking.found(Invariant::Kept, wrong);
        }
    }
    Ok(())
}

/// Organisations that were merged into others.
async fn merged(db: &impl ConnectionTrait, subject: KeptSubject, ids: &[Uuid]) -> Result<BTreeSet<Uuid>> {
    if subject != KeptSubject::Organisation {
        return Ok(BTreeSet::new());
    }
    let former = former_organisation::Entity::find()
        .filter(former_organisation::Column::Id.is_in(ids.iter().copied()))
        .all(db)
        .await?;
    Ok(former.into_iter().map(|one| one.id).collect())
}

/// What stands, written as versions are.
async fn standing(
    db: &impl ConnectionTrait,
    subject: KeptSubject,
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
        KeptSubject::Place => {
            let within = place_within::Entity::find()
                .filter(place_within::Column::PlaceId.is_in(ids.iter().copied()))
                .all(db)
                .await?;
            let within = sets(within.into_iter().map(|row| (row.place_id, row.parent_id)));
            let none = BTreeSet::new();
            each!(place, |row: &place::Model| document::of_place(
                row,
                within.get(&row.id).unwrap_or(&none)
            ))
        }
        KeptSubject::Organisation => each!(organisation, document::of_organisation),
        KeptSubject::Term => each!(term, document::of_term),
        KeptSubject::Meeting => each!(meeting, document::of_meeting),
        KeptSubject::Reflection => each!(reflection, document::of_reflection),
        KeptSubject::Crisis => {
            let places = crisis_place::Entity::find()
                .filter(crisis_place::Column::CrisisId.is_in(ids.iter().copied()))
                .all(db)
                .await?;
            let places = sets(places.into_iter().map(|row| (row.crisis_id, row.place_id)));
            let none = BTreeSet::new();
            each!(crisis, |row: &crisis::Model| document::of_crisis(
                row,
                places.get(&row.id).unwrap_or(&none)
            ))
        }
        KeptSubject::Claim => each!(claim, document::of_claim),
        KeptSubject::Member => each!(member, document::of_member),
    })
}

fn sets(pairs: impl Iterator<Item = (Uuid, Uuid)>) -> HashMap<Uuid, BTreeSet<Uuid>> {
    let mut sets: HashMap<Uuid, BTreeSet<Uuid>> = HashMap::new();
    for (of, one) in pairs {
        sets.entry(of).or_default().insert(one);
    }
    sets
}
