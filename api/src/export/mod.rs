//! Exports every published record, in formats that [`crate::import`] reads.

pub mod grants;

use std::io::Write;

use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter};
use serde::Serialize;
use serde_json::Value;
use wayin_entity::{initiative, revision};

use crate::error::{Error, Result};
use crate::paging::KeysetScan;
use crate::store::revisions::newest_revisions;
use wayin_records::record::InitiativeRecord;
use wayin_records::workbook::RecordWorkbook;
use wayin_records::workbook::csv::{CsvRecordWriter, ListLengths};

const RECORDS_PER_PAGE: u64 = 1_000;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ExportFormat {
    /// One whole record on each line.
    #[default]
    Jsonl,
    /// One flat table.
    Csv,
    /// A workbook with a sheet for each list of a record.
    Xlsx,
}

impl ExportFormat {
    /// The format for the ending of a file's name.
    pub fn from_file_name(name: &str) -> Option<Self> {
        let (_, ending) = name.rsplit_once('.')?;
        match ending.to_ascii_lowercase().as_str() {
            "jsonl" | "ndjson" => Some(Self::Jsonl),
            "csv" => Some(Self::Csv),
            "xlsx" => Some(Self::Xlsx),
            _ => None,
        }
    }
}

/// Writes every published record, also hidden ones, as JSON lines. Returns their number. Call it within a
/// transaction that sees one moment.
pub async fn export_records(db: &impl ConnectionTrait, output: &mut (dyn Write + Send)) -> Result<u64> {
    let mut written = 0;
    for_each_record(db, |record| {
        serde_json::to_writer(&mut *output, &record)
            .map_err(|cause| export_error(std::io::Error::from(cause)))?;
        output.write_all(b"\n").map_err(export_error)?;
        written += 1;
        Ok(())
    })
    .await?;
    Ok(written)
}

/// [`export_records`] in any format.
pub async fn export_records_as(
    db: &impl ConnectionTrait,
    format: ExportFormat,
    output: &mut (dyn Write + Send),
) -> Result<u64> {
    match format {
        ExportFormat::Jsonl => export_records(db, output).await,
        ExportFormat::Csv => {
            // The longest lists decide the columns, so they are read first.
            let mut widths = ListLengths::default();
            for_each_record(db, |record| {
                widths.extend_for(&to_document(&record)?);
                Ok(())
            })
            .await?;
            let mut table = CsvRecordWriter::new(output, widths).map_err(export_error)?;
            let mut written = 0;
            for_each_record(db, |record| {
                written += 1;
                table.write_record(&to_document(&record)?).map_err(export_error)
            })
            .await?;
            table.finish().map_err(export_error)?;
            Ok(written)
        }
        ExportFormat::Xlsx => {
            let mut book = RecordWorkbook::for_export().map_err(export_error)?;
            let mut written = 0;
            for_each_record(db, |record| {
                written += 1;
                book.add_record(&to_document(&record)?, &[]).map_err(export_error)
            })
            .await?;
            book.finish(output).map_err(export_error)?;
            Ok(written)
        }
    }
}

fn export_error(cause: impl std::fmt::Display) -> Error {
    Error::BadInput(format!("the records could not be written: {cause}"))
}

/// A published record with its version.
#[derive(Serialize)]
struct VersionedRecord {
    #[serde(flatten)]
    record: InitiativeRecord,
    version: i32,
}

fn to_document(record: &VersionedRecord) -> Result<Value> {
    serde_json::to_value(record)
        .map_err(|cause| Error::Internal(format!("a record cannot be serialised: {cause}")))
}

/// Calls `each` with every published record, in the order in which they were first published.
async fn for_each_record(
    db: &impl ConnectionTrait,
    mut each: impl FnMut(VersionedRecord) -> Result<()>,
) -> Result<()> {
    let published = initiative::Entity::find().filter(initiative::Column::WithdrawnAt.is_null());
    let mut walk = KeysetScan::new(published, initiative::Column::Id, RECORDS_PER_PAGE);
    while let Some(ids) = walk.next_ids(db).await? {
        let newest = newest_revisions(db, ids).await?;
        let mut newest: Vec<_> = newest.into_values().collect();
        newest.sort_unstable_by_key(|revision| revision.initiative_id);
        for revision::Model {
            version, document, ..
        } in newest
        {
            // Deserialised into a record, so that both databases give the fields the same order.
            let record: InitiativeRecord = serde_json::from_value(document)
                .map_err(|cause| Error::Internal(format!("a revision is not a record: {cause}")))?;
            each(VersionedRecord { record, version })?;
        }
    }
    Ok(())
}
