//! Initiative records in files of each format, published at once.

use std::collections::HashMap;
use std::io::{Read, Seek};
use std::ops::ControlFlow;

use sea_orm::DatabaseConnection;
use uuid::Uuid;

use super::{ImportError, Remark, Tally};
use crate::change::Act;
use crate::error::Error;
use crate::initiative::publish::Proposal;
use crate::organisation::Found;
use wayin_records::finding::Finding;
use wayin_records::formats::file_record::{Cell, FileRecord, Item};
use wayin_records::formats::records;
use wayin_records::formats::records::{Limits, RecordFile, RecordFormat, Unread, Written};
use wayin_records::formats::{FileError, GoodRow, Refusal, Row};
use wayin_records::json_reader;
use wayin_records::record::{InitiativeRecord, OrganisationReference};
use wayin_records::spelling::fold;

/// Imports a file of records in JSON Lines, one whole record a line.
pub async fn import(
    db: &DatabaseConnection,
    act: &Act<'_>,
    input: impl Read + Seek + Send + 'static,
    remarks: &mut (dyn FnMut(Remark) + Send),
) -> Result<Tally, ImportError> {
    import_as(db, act, RecordFormat::JsonLines, input, remarks).await
}

/// Imports a file of records in any format.
pub async fn import_as(
    db: &DatabaseConnection,
    act: &Act<'_>,
    format: RecordFormat,
    input: impl Read + Seek + Send + 'static,
    remarks: &mut (dyn FnMut(Remark) + Send),
) -> Result<Tally, ImportError> {
    let opened = tokio::task::spawn_blocking(move || {
        let mut file = RecordFile::open(format, input, &Limits::NONE, Unread::Skip)?;
        let shared = file.shared_references(&Limits::NONE);
        Ok::<_, FileError>((file, shared))
    });
    let opened = opened.await;
    let (file, shared) =
        opened.map_err(|cause| Error::Internal(format!("a file could not be opened: {cause}")))??;
    let leads = identities(db, shared.leads()).await?;
    let repeated = shared.repeated(|lead| &leads[lead]);
    let tally = match file {
        RecordFile::Lines(input) => {
            let (rows, reading) =
                super::batches(move |notes, each| records::read(input, &repeated, notes, each));
            let propose = |written, _: &_| proposal(written);
            let tally = super::publish_rows(db, act, rows, propose, ToOwned::to_owned, remarks).await?;
            super::parsed(reading, remarks).await?;
            tally
        }
        file => {
            let (rows, reading) = super::batches(move |notes, each| {
                file.read_as_typed(&Limits::NONE, &repeated, Unread::Skip, notes, |item| {
                    let Some((row, read)) = row(item) else {
                        return ControlFlow::Continue(());
                    };
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
            let refusal = |_, record: &FileRecord, finding| about(record, finding);
            let tally = super::publish_where_they_stand(db, act, rows, propose, refusal, remarks).await?;
            super::parsed(reading, remarks).await?;
            tally
        }
    };
    Ok(tally)
}

/// What an organisation of a file is known by.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Identity {
    /// It is in the base.
    Known(Uuid),
    /// It is new, and has an identifier.
    Identified(String),
    /// It is new, and has a folded name at most.
    Named(Option<String>),
}

/// What the organisations of a file are known by: equal for two that publication takes for one.
async fn identities(
    db: &DatabaseConnection,
    organisations: &[OrganisationReference],
) -> Result<Vec<Identity>, Error> {
    let found = Found::look_up(db, organisations.iter()).await?;
    let folded = |one: &OrganisationReference| one.name.as_deref().map(fold);
    // Once the one that has an identifier is added, the other is found by the name of that.
    let mut identified = HashMap::new();
    for one in organisations.iter().filter(|one| found.id_of(one).is_none()) {
        if let (Some(identifier), Some(name)) = (&one.identifier, folded(one)) {
            identified.entry(name).or_insert(identifier);
        }
    }
    let identity = |one: &OrganisationReference| match (found.id_of(one), &one.identifier) {
        (Some(id), _) => Identity::Known(id),
        (None, Some(identifier)) => Identity::Identified(identifier.clone()),
        (None, None) => {
            let name = folded(one);
            let identifier = name.as_ref().and_then(|name| identified.get(name));
            identifier.map_or(Identity::Named(name), |one| Identity::Identified((*one).clone()))
        }
    };
    Ok(organisations.iter().map(identity).collect())
}

fn proposal((record, written_from): Written) -> Proposal {
    Proposal {
        record,
        grant: None,
        corrects: None,
        written_from,
        unstated: None,
    }
}

/// The record that a row is, with where its parts stand, or all that is wrong with it; none of what is no row.
fn row(item: Item) -> Option<(u64, Row<(InitiativeRecord, FileRecord)>)> {
    Some(match item {
        Item::Unread(_) => return None,
        Item::Stray(stray) => (stray.at.row, Err(vec![refusal(stray.at, stray.reason)])),
        Item::Record(mut typed) => {
            let document = std::mem::take(&mut typed.document);
            let reading = json_reader::read(document);
            let found = typed.with_own(reading.findings);
            let number = typed.at.row;
            let read = match reading.record {
                Some(record) if found.is_empty() => {
                    let warnings = std::mem::take(&mut typed.warnings).into_iter();
                    let warnings = warnings.map(|finding| about(&typed, finding)).collect();
                    Ok(GoodRow {
                        value: (record, typed),
                        warnings,
                    })
                }
                _ => Err(found.into_iter().map(|finding| about(&typed, finding)).collect()),
            };
            (number, read)
        }
    })
}

/// What was found in a record, in the words of its file.
fn about(record: &FileRecord, finding: Finding) -> Refusal {
    let Finding { path, reason, .. } = record.in_its_words(finding);
    refusal(record.cell_of(&path), reason)
}

fn refusal(at: Cell, reason: String) -> Refusal {
    Refusal {
        sheet: at.sheet,
        row: at.row,
        field: at.column.unwrap_or_default(),
        reason,
    }
}
