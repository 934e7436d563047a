//! Initiative records in JSON Lines, one whole record a line.

use std::io::Read;

use sea_orm::DatabaseConnection;

use super::parse::records;
use super::{ImportError, Remark, Tally};
use crate::change::Act;
use crate::initiative::publish::Proposal;

/// Imports a file of records.
pub async fn import(
    db: &DatabaseConnection,
    act: &Act<'_>,
    input: impl Read + Send + 'static,
    remarks: &mut (dyn FnMut(Remark) + Send),
) -> Result<Tally, ImportError> {
    let (rows, reading) = super::batches(move |each| records::read(input, each));
    let propose = |record, _: &_| Proposal {
        record,
        grant_digest: None,
        corrects: None,
    };
    let tally = super::publish_rows(db, act, rows, propose, ToOwned::to_owned, remarks).await?;
    super::parsed(reading).await?;
    Ok(tally)
}
