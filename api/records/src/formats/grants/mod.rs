//! Reads grants in the 360Giving Data Standard from JSON packages, CSV files and workbooks.
//!
//! Only the fields of [`Grant`] are read. Addresses, telephone numbers, e-mail addresses and other personal data are not,
//! and a grant to a person is rejected. If a grant has several recipients, funders, programmes or planned dates, a record
//! has room for the first of each, and the others are additional items. Rows that share an identifier are one grant.
//!
//! A grant needs an identifier, a title, and the names of its recipient and its funder. Any other invalid value is left
//! out with a warning. An amount with more decimals than its currency is rounded half away from zero. Titles,
//! descriptions, names and programmes that are too long are cut at a word and end in an ellipsis.

mod additional;
mod completion;
mod grant;
mod merge;
mod package;
mod row_parser;
mod sheet;
mod workbook;

use std::io::{Read, Seek};
use std::ops::ControlFlow;

use wayin_vocabulary::FileFormat;

pub use self::additional::{AdditionalItems, Period};
use self::grant::ReadDepth;
pub use self::grant::{Grant, Location, PackageInfo, Party, WayinTerms};
use self::merge::{GrantMerger, RowCounts};
use self::row_parser::GrantRow;
use super::file_record::CellPosition;
use super::records::FileLimits;
use super::{FileError, Notes, ParsedRowResult};

/// Reads grants and calls `each` with the position of each grant and the grant. `each` may end the reading early. The
/// position is that in the list in JSON, the line in CSV, and the sheet and row in a workbook. A grant of several rows
/// has the position of the first, and is returned after the last.
///
/// Returns the information about the package, as far as it was read. It may be after the grants in the file, and
/// [`read_package_info`] reads it first. Fails if the file is not valid, has no list of grants, or has no column for a
/// field that every grant needs.
pub fn read_grants(
    mut input: impl Read + Seek,
    format: FileFormat,
    limits: &FileLimits,
    notes: &mut Notes,
    mut each: impl FnMut(CellPosition, ParsedRowResult<Grant>) -> ControlFlow<()>,
) -> Result<PackageInfo, FileError> {
    let mut counts = RowCounts::default();
    let (depth, mut no_notes) = (ReadDepth::Identifier, Notes::default());
    let counted = read_rows(&mut input, format, limits, depth, &mut no_notes, &mut |_, row| {
        counts.add(&row);
        ControlFlow::Continue(())
    });
    // Other errors occur again below, after the rows before them.
    if let Err(error @ FileError::NotGrants(_)) = counted {
        return Err(error);
    }
    input.rewind()?;
    let mut merger = GrantMerger::new(counts, &mut each);
    let mut is_stopped = false;
    let read = read_rows(
        &mut input,
        format,
        limits,
        ReadDepth::All,
        notes,
        &mut |at, row| {
            let next = merger.add_row(at, row);
            is_stopped |= next.is_break();
            next
        },
    );
    if !is_stopped {
        merger.finish();
    }
    read
}

/// Reads the rows of grants without merging them.
fn read_rows(
    input: &mut (impl Read + Seek),
    format: FileFormat,
    limits: &FileLimits,
    depth: ReadDepth,
    notes: &mut Notes,
    each: &mut dyn FnMut(CellPosition, GrantRow) -> ControlFlow<()>,
) -> Result<PackageInfo, FileError> {
    let (mut rows, mut is_over_limit) = (0, false);
    let mut each = |position, row| {
        rows += 1;
        is_over_limit = rows > limits.rows;
        if is_over_limit {
            ControlFlow::Break(())
        } else {
            each(position, row)
        }
    };
    let read = match format {
        FileFormat::Json | FileFormat::JsonLines => {
            package::read_package(input, depth, notes, |row, grant| {
                each(CellPosition::row(row), grant)
            })
        }
        FileFormat::Csv => sheet::read_table(input, depth, notes, |row, grant| {
            each(CellPosition::row(row), grant)
        })
        .map(|()| PackageInfo::default()),
        FileFormat::Xlsx | FileFormat::Ods => {
            workbook::read_workbook(input, format, limits, depth, notes, &mut each)
                .map(|()| PackageInfo::default())
        }
    };
    if is_over_limit {
        return Err(FileError::TooManyRows(limits.rows));
    }
    read
}

/// Reads the information about the package and skips its grants.
pub fn read_package_info(input: impl Read + Seek, format: FileFormat) -> Result<PackageInfo, FileError> {
    match format {
        FileFormat::Json | FileFormat::JsonLines => package::read_package_info(input),
        FileFormat::Csv | FileFormat::Xlsx | FileFormat::Ods => Ok(PackageInfo::default()),
    }
}

#[cfg(test)]
mod row_tests;
#[cfg(test)]
mod tests;
