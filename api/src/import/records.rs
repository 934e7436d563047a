//! Initiative records in files of each format, published at once.

use std::io::{Read, Seek};

use sea_orm::DatabaseConnection;

use super::parse::file_record::{Cell, FileRecord, Item};
use super::parse::records::{self, Limits, RecordFormat, Written};
use super::parse::{GoodRow, Refusal, Row};
use super::{ImportError, Remark, Tally};
use crate::change::Act;
use crate::initiative::document;
use crate::initiative::publish::Proposal;
use crate::initiative::record::InitiativeRecord;
use crate::initiative::validate::Finding;

/// Imports a file of records in JSON Lines, one whole record a line.
pub async fn import(
    db: &DatabaseConnection,
    act: &Act<'_>,
    input: impl Read + Seek + Send + 'static,
    remarks: &mut (dyn FnMut(Remark) + Send),
) -> Result<Tally, ImportError> {
    let (rows, reading) = super::batches(move |notes, each| records::read(input, notes, each));
    let propose = |written, _: &_| proposal(written);
    let tally = super::publish_rows(db, act, rows, propose, ToOwned::to_owned, remarks).await?;
    super::parsed(reading, remarks).await?;
    Ok(tally)
}

/// Imports a file of records in any format.
pub async fn import_as(
    db: &DatabaseConnection,
    act: &Act<'_>,
    format: RecordFormat,
    input: impl Read + Seek + Send + 'static,
    remarks: &mut (dyn FnMut(Remark) + Send),
) -> Result<Tally, ImportError> {
    if format == RecordFormat::JsonLines {
        return import(db, act, input, remarks).await;
    }
    let (rows, reading) = super::batches(move |notes, each| {
        records::read_as_typed(format, input, &Limits::NONE, notes, |item| {
            let (row, read) = row(item);
            each(row, read)
        })
    });
    let propose = |(record, stands): (InitiativeRecord, FileRecord), _: &_| {
        let proposal = Proposal {
            unstated: stands.unstated.clone(),
            ..proposal((record, stands.written_from()))
        };
        (proposal, stands)
    };
    let refusal =
        |_, stands: &FileRecord, Finding { path, reason, .. }| refusal(stands.cell_of(&path), reason);
    let tally = super::publish_where_they_stand(db, act, rows, propose, refusal, remarks).await?;
    super::parsed(reading, remarks).await?;
    Ok(tally)
}

fn proposal((record, written_from): Written) -> Proposal {
    Proposal {
        record,
        grant_digest: None,
        corrects: None,
        written_from,
        unstated: None,
    }
}

/// The record that a row is, with where its parts stand, or all that is wrong with it.
fn row(item: Item) -> (u64, Row<(InitiativeRecord, FileRecord)>) {
    match item {
        Item::Stray(stray) => (stray.at.row, Err(vec![refusal(stray.at, stray.reason)])),
        Item::Record(mut typed) => {
            let document = std::mem::take(&mut typed.document);
            let reading = document::read(document);
            let found = typed.with_own(reading.findings);
            let number = typed.at.row;
            let read = match reading.record {
                Some(record) if found.is_empty() => {
                    let warnings = std::mem::take(&mut typed.warnings).into_iter();
                    let warnings = warnings
                        .map(|Finding { path, reason, .. }| refusal(typed.cell_of(&path), reason))
                        .collect();
                    Ok(GoodRow {
                        value: (record, typed),
                        warnings,
                    })
                }
                _ => Err(found
                    .into_iter()
                    .map(|Finding { path, reason, .. }| refusal(typed.cell_of(&path), reason))
                    .collect()),
            };
            (number, read)
        }
    }
}

fn refusal(at: Cell, reason: String) -> Refusal {
    Refusal {
        sheet: at.sheet,
        row: at.row,
        field: at.column.unwrap_or_default(),
        reason,
    }
}
