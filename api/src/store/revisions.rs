//! The revisions of records.

use std::collections::HashMap;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::revision;

use crate::database::is_in;
use crate::error::Result;
use crate::paging::{Paged, SortOrder};

/// Finds the record of an initiative at a version.
pub async fn find_document(
    db: &impl ConnectionTrait,
    initiative: Uuid,
    version: i32,
) -> Result<Option<Value>> {
    Ok(find_revision(db, initiative, version)
        .await?
        .map(|found| found.document))
}

/// Finds the revision of an initiative at a version.
pub async fn find_revision(
    db: &impl ConnectionTrait,
    initiative: Uuid,
    version: i32,
) -> Result<Option<revision::Model>> {
    Ok(revision::Entity::find()
        .filter(revision::Column::InitiativeId.eq(initiative))
        .filter(revision::Column::Version.eq(version))
        .one(db)
        .await?)
}

/// Loads the records of initiatives at given versions, by initiative and version.
pub async fn load_documents(
    db: &impl ConnectionTrait,
    initiatives: impl IntoIterator<Item = Uuid>,
    versions: impl IntoIterator<Item = i32>,
) -> Result<HashMap<(Uuid, i32), Value>> {
    let found = load_revisions(db, initiatives, versions).await?.into_iter();
    Ok(found.map(|(key, one)| (key, one.document)).collect())
}

/// Loads the revisions of initiatives at given versions, by initiative and version.
pub async fn load_revisions(
    db: &impl ConnectionTrait,
    initiatives: impl IntoIterator<Item = Uuid>,
    versions: impl IntoIterator<Item = i32>,
) -> Result<HashMap<(Uuid, i32), revision::Model>> {
    let initiatives: Vec<Uuid> = initiatives.into_iter().collect();
    if initiatives.is_empty() {
        return Ok(HashMap::new());
    }
    let found = revision::Entity::find()
        .filter(is_in(db, revision::Column::InitiativeId.into_expr(), initiatives))
        .filter(is_in(db, revision::Column::Version.into_expr(), versions))
        .all(db)
        .await?;
    let found = found.into_iter();
    Ok(found.map(|one| ((one.initiative_id, one.version), one)).collect())
}

/// Selects the newest revision of each initiative: the published record, or the last one before it was
/// withdrawn.
pub async fn newest_revisions(
    db: &impl ConnectionTrait,
    initiatives: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, revision::Model>> {
    let is_newest = "revision.version = (SELECT initiative.version FROM initiative \
                     WHERE initiative.id = revision.initiative_id)";
    let newest = revision::Entity::find()
        .filter(is_in(db, revision::Column::InitiativeId.into_expr(), initiatives))
        .filter(Expr::cust(is_newest))
        .all(db)
        .await?;
    Ok(newest.into_iter().map(|row| (row.initiative_id, row)).collect())
}

/// Loads the records of the [newest revisions](newest_revisions).
pub async fn load_newest_documents(
    db: &impl ConnectionTrait,
    initiatives: impl IntoIterator<Item = Uuid>,
) -> Result<HashMap<Uuid, Value>> {
    let newest = newest_revisions(db, initiatives).await?.into_iter();
    Ok(newest.map(|(id, row)| (id, row.document)).collect())
}

impl Paged for revision::Entity {
    type Order = ();
    const ID: Self::Column = revision::Column::Id;

    fn sort((): ()) -> SortOrder<Self::Column> {
        SortOrder {
            tag: "version-",
            column: revision::Column::Version,
            descending: true,
        }
    }
}
