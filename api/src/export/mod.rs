//! The base into files: every published record, one whole record a line, as
//! [`crate::import::records`] reads them.

pub mod grants;

use std::io::Write;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use uuid::Uuid;
use wayin_entity::{initiative, revision};

use crate::error::{Error, Result};
use crate::initiative::record::InitiativeRecord;

/// How many records are read at once.
const AT_ONCE: u64 = 1_000;

/// Writes every published record, whoever may read it; answers how many.
/// To be called within a transaction that sees one moment.
pub async fn records(db: &impl ConnectionTrait, output: &mut (dyn Write + Send)) -> Result<u64> {
    let failed =
        |cause: std::io::Error| Error::BadInput(format!("the records could not be written: {cause}"));
    let mut written = 0;
    let mut after = Uuid::nil();
    loop {
        let page: Vec<(Uuid, i32)> = initiative::Entity::find()
            .filter(initiative::Column::Id.gt(after))
            .filter(initiative::Column::WithdrawnAt.is_null())
            .order_by_asc(initiative::Column::Id)
            .limit(AT_ONCE)
            .select_only()
            .columns([initiative::Column::Id, initiative::Column::Version])
            .into_tuple()
            .all(db)
            .await?;
        let Some((last, _)) = page.last() else {
            return Ok(written);
        };
        after = *last;
        let mut documents: Vec<(Uuid, i32, serde_json::Value)> = revision::Entity::find()
            .filter(revision::Column::InitiativeId.is_in(page.iter().map(|(id, _)| *id)))
            .select_only()
            .columns([
                revision::Column::InitiativeId,
                revision::Column::Version,
                revision::Column::Document,
            ])
            .into_tuple()
            .all(db)
            .await?;
        documents.retain(|(id, version, _)| page.contains(&(*id, *version)));
        documents.sort_unstable_by_key(|(id, ..)| *id);
        for (_, _, document) in documents {
            // Read back into a record, so that fields stand in the record's own order on every database.
            let record: InitiativeRecord = serde_json::from_value(document)
                .map_err(|cause| Error::Internal(format!("a revision is no record: {cause}")))?;
            serde_json::to_writer(&mut *output, &record).map_err(|cause| failed(cause.into()))?;
            output.write_all(b"\n").map_err(failed)?;
            written += 1;
        }
    }
}
