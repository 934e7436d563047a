//! Every version of a record that was published, as it then stood.

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde_json::Value;
use uuid::Uuid;
use wayin_entity::revision;

use crate::error::Result;
use crate::paging::{Key, Paged, Sort};

/// The record of an initiative at a version; none where there is no such version.
pub async fn document(db: &impl ConnectionTrait, initiative: Uuid, version: i32) -> Result<Option<Value>> {
    Ok(at(db, initiative, version).await?.map(|found| found.document))
}

/// A version of an initiative.
pub async fn at(
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

impl Paged for revision::Entity {
    type Order = ();
    const ID: Self::Column = revision::Column::Id;

    fn sort((): ()) -> Sort<Self::Column> {
        Sort {
            tag: "version-",
            column: Some(revision::Column::Version),
            looks: |key| matches!(key, Key::Number(_)),
            descending: true,
        }
    }

    fn key((): (), row: &Self::Model) -> Key {
        Key::Number(row.version.into())
    }

    fn id(row: &Self::Model) -> Uuid {
        row.id
    }
}
