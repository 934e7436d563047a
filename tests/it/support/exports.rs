//! Exports and imports of records.

use serde_json::Value;
use wayin::export::ExportFormat;
use wayin::import::{Remark, Tally};
use wayin::{database, export};
use wayin_entity::{FileFormat, ImportKind};

use super::app::TestApp;

/// Exports the records of a database as JSON Lines.
pub async fn export_json_lines(app: &TestApp) -> String {
    let moment = database::begin_read(&app.app.db).await.unwrap();
    let mut written = Vec::new();
    let count = export::export_records(&moment, &mut written).await.unwrap();
    moment.commit().await.unwrap();
    let text = String::from_utf8(written).unwrap();
    assert_eq!(text.lines().count() as u64, count);
    text
}

/// The records of an export without their versions, which each database counts itself.
pub fn remove_versions(exported: &str) -> Vec<Value> {
    let lines = exported.lines().map(|line| {
        let mut record: Value = serde_json::from_str(line).unwrap();
        let version = record.as_object_mut().unwrap().remove("version");
        assert!(version.is_some_and(|version| version.is_i64()), "{line}");
        record
    });
    lines.collect()
}

/// Exports the records of a database in a format.
pub async fn export_records_as(app: &TestApp, format: ExportFormat) -> Vec<u8> {
    let moment = database::begin_read(&app.app.db).await.unwrap();
    let mut written = Vec::new();
    export::export_records_as(&moment, format, &mut written)
        .await
        .unwrap();
    moment.commit().await.unwrap();
    written
}

/// Imports a file as the command line does; returns the tally and the messages.
pub async fn import_records_as(app: &TestApp, format: FileFormat, file: Vec<u8>) -> (Tally, Vec<String>) {
    let (tally, remarks) = import_with_remarks(app, format, file).await;
    let messages = remarks.into_iter().map(|remark| match remark {
        Remark::Refused(refusal) => refusal.to_string(),
        Remark::Warning(warning) => format!("worth a look: {warning}"),
        Remark::Note(note) => note,
    });
    (tally, messages.collect())
}

/// Imports a file as the command line does; returns the tally and the remarks.
pub async fn import_with_remarks(app: &TestApp, format: FileFormat, file: Vec<u8>) -> (Tally, Vec<Remark>) {
    let published = app.publish_file((ImportKind::Records, format), None, file).await;
    app.catch_up().await;
    published.unwrap()
}
