//! Grants in the 360Giving Data Standard, as a JSON package, as CSV or as a workbook.
//!
//! Only what [`Grant`] holds is read: no address, telephone number, e-mail
//! address or other detail of a person ever leaves the file, and a grant to a
//! person is refused. Where the standard allows a list of recipients, funders,
//! programmes or planned dates, a record has room for the first of them; the others
//! are kept beside it. Rows that share an identifier are one grant.
//!
//! A grant must have what it is known by: its identifier, its title, and the names
//! of its recipient and its funder. Everything else may be missing. A value that
//! cannot be held is left out, and the row has a warning with the value in it; an
//! amount with more decimals than its currency has is rounded, half away from zero.
//! Titles, descriptions, names and programmes that are longer than a base holds are
//! cut at a word and end in an ellipsis.

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

/// Reads grants and hands each to `each`, which may end the reading early:
/// in JSON with its position in the list, in CSV with its line, in a workbook with its sheet and row.
/// A grant of several rows is handed over with the first of them, once the last has been read.
///
/// Answers with what the package says about itself, as far as it was read; that
/// may come after the grants, so that [`read_package_info`] exists for those who need it first.
/// Refuses the file whole where it is not valid, holds no list of grants, or
/// has no column for something that every grant must have.
pub fn read_grants(
    mut input: impl Read + Seek,
    format: FileFormat,
    limits: &FileLimits,
    notes: &mut Notes,
    mut each: impl FnMut(CellPosition, ParsedRowResult<Grant>) -> ControlFlow<()>,
) -> Result<PackageInfo, FileError> {
    let mut counts = RowCounts::default();
    let mut left = limits.rows;
    let counted = read_rows(
        &mut input,
        format,
        limits,
        ReadDepth::Identifier,
        &mut Notes::default(),
        &mut |_, row| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            counts.add(&row);
            ControlFlow::Continue(())
        },
    );
    // Any other fault shows again below, behind the rows before it.
    if let Err(error @ FileError::NotGrants(_)) = counted {
        return Err(error);
    }
    input.rewind()?;
    let mut merging = GrantMerger::new(counts, &mut each);
    let (mut left, mut outcome, mut is_stopped) = (limits.rows, Ok(()), false);
    let read = read_rows(
        &mut input,
        format,
        limits,
        ReadDepth::All,
        notes,
        &mut |at, row| {
            if left == 0 {
                outcome = Err(FileError::TooManyRows(limits.rows));
                return ControlFlow::Break(());
            }
            left -= 1;
            let next = merging.add_row(at, row);
            is_stopped |= next.is_break();
            next
        },
    );
    if !is_stopped {
        merging.finish();
    }
    outcome.and(read)
}

/// Reads the rows of grants, each for itself.
fn read_rows(
    input: &mut (impl Read + Seek),
    format: FileFormat,
    limits: &FileLimits,
    depth: ReadDepth,
    notes: &mut Notes,
    each: &mut dyn FnMut(CellPosition, GrantRow) -> ControlFlow<()>,
) -> Result<PackageInfo, FileError> {
    let none = |()| PackageInfo::default();
    match format {
        FileFormat::Json | FileFormat::JsonLines => {
            package::read_package(input, depth, notes, |row, grant| {
                each(CellPosition::row(row), grant)
            })
        }
        FileFormat::Csv => sheet::read_table(input, depth, notes, |row, grant| {
            each(CellPosition::row(row), grant)
        })
        .map(none),
        FileFormat::Xlsx | FileFormat::Ods => {
            workbook::read_workbook(input, format, limits, depth, notes, each).map(none)
        }
    }
}

/// Reads only what the package says about itself, passing over its grants.
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
