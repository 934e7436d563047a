//! The version that a row of a file says it was written from. It is no part of the record: an export
//! writes it beside the record's fields, and here it is taken from among them.

use serde_json::Value;

use super::file_record::FileRecord;
use crate::fields::column::VERSION_PATH;
use crate::problem::{Problem, ProblemCode};

/// Takes the version from among a document's fields; none where nothing is said.
pub(super) fn take_version(document: &mut Value) -> Option<Value> {
    let said = document.as_object_mut()?.remove(VERSION_PATH)?;
    Some(said).filter(|said| !said.is_null())
}

/// The number of a version, or what is wrong with it.
pub(super) fn parse_version(said: &Value) -> Result<i32, Problem> {
    let number = said.as_i64().and_then(|number| i32::try_from(number).ok());
    number.filter(|number| *number >= 1).ok_or_else(|| {
        let reason = format!("{said} is not the number of a version, a whole number from 1 on");
        Problem::new(ProblemCode::InvalidFormat, VERSION_PATH, reason)
    })
}

/// Sets aside which version a record was written from.
pub(super) fn extract_version(record: &mut FileRecord) {
    record.version = take_version(&mut record.document);
    if let Some(Err(finding)) = record.version.as_ref().map(parse_version)
        && !record.problems.iter().any(|found| found.path == finding.path)
    {
        record.problems.push(finding);
    }
}
