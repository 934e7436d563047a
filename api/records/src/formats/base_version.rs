//! The version of the published record on which a row of a file is based. Exports write it among the fields of the
//! record, but it is not one of them.

use serde_json::Value;

use super::file_record::FileRecord;
use crate::fields::column::VERSION_PATH;
use crate::problem::{Problem, ProblemCode};

/// Parses the number of a version.
pub(super) fn parse_version(version: &Value) -> Result<i32, Problem> {
    let number = version.as_i64().and_then(|number| i32::try_from(number).ok());
    number.filter(|number| *number >= 1).ok_or_else(|| {
        let reason = format!("{version} is not the number of a version, a whole number from 1 on");
        Problem::new(ProblemCode::InvalidFormat, VERSION_PATH, reason)
    })
}

/// Moves the version from the fields of a record to the record itself.
pub(super) fn extract_version(record: &mut FileRecord) {
    let fields = record.document.as_object_mut();
    let version = fields.and_then(|fields| fields.remove(VERSION_PATH));
    record.version = version.filter(|version| !version.is_null());
    if let Some(Err(problem)) = record.version.as_ref().map(parse_version)
        && !record.problems.iter().any(|found| found.path == problem.path)
    {
        record.problems.push(problem);
    }
}
