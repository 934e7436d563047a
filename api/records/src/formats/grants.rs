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

mod draft;
mod further;
mod grant;
mod merge;
mod package;
mod sheet;
mod whole;
mod workbook;

use std::io::{Read, Seek};
use std::ops::ControlFlow;

use wayin_vocabulary::FileFormat;

use self::draft::GrantRow;
pub use self::further::{Further, Period};
use self::grant::Depth;
pub use self::grant::{Grant, Location, OwnTerms, PackageInfo, Party};
use self::merge::{Merging, RowCounts};
use super::file_record::Cell;
use super::records::Limits;
use super::{FileError, Notes, Row};

/// Reads grants and hands each to `each`, which may end the reading early:
/// in JSON with its position in the list, in CSV with its line, in a workbook with its sheet and row.
/// A grant of several rows is handed over with the first of them, once the last has been read.
///
/// Answers with what the package says about itself, as far as it was read; that
/// may come after the grants, so that [`about`] exists for those who need it first.
/// Refuses the file whole where it is not valid, holds no list of grants, or
/// has no column for something that every grant must have.
pub fn read(
    mut input: impl Read + Seek,
    format: FileFormat,
    limits: &Limits,
    notes: &mut Notes,
    mut each: impl FnMut(Cell, Row<Grant>) -> ControlFlow<()>,
) -> Result<PackageInfo, FileError> {
    let mut counts = RowCounts::default();
    let mut left = limits.rows;
    let counted = read_rows(
        &mut input,
        format,
        limits,
        Depth::Identifier,
        &mut Notes::default(),
        &mut |_, row| {
            if left == 0 {
                return ControlFlow::Break(());
            }
            left -= 1;
            counts.count(&row);
            ControlFlow::Continue(())
        },
    );
    // Any other fault shows again below, behind the rows before it.
    if let Err(error @ FileError::NotGrants(_)) = counted {
        return Err(error);
    }
    input.rewind()?;
    let mut merging = Merging::new(counts, &mut each);
    let (mut left, mut outcome, mut is_stopped) = (limits.rows, Ok(()), false);
    let read = read_rows(&mut input, format, limits, Depth::All, notes, &mut |at, row| {
        if left == 0 {
            outcome = Err(FileError::TooManyRows(limits.rows));
            return ControlFlow::Break(());
        }
        left -= 1;
        let next = merging.take(at, row);
        is_stopped |= next.is_break();
        next
    });
    if !is_stopped {
        merging.end();
    }
    outcome.and(read)
}

/// Reads the rows of grants, each for itself.
fn read_rows(
    input: &mut (impl Read + Seek),
    format: FileFormat,
    limits: &Limits,
    depth: Depth,
    notes: &mut Notes,
    each: &mut dyn FnMut(Cell, GrantRow) -> ControlFlow<()>,
) -> Result<PackageInfo, FileError> {
    let none = |()| PackageInfo::default();
    match format {
        FileFormat::Json | FileFormat::JsonLines => {
            package::read(input, depth, notes, |row, grant| each(Cell::of_row(row), grant))
        }
        FileFormat::Csv => {
            sheet::read(input, depth, notes, |row, grant| each(Cell::of_row(row), grant)).map(none)
        }
        FileFormat::Xlsx | FileFormat::Ods => {
            workbook::read(input, format, limits, depth, notes, each).map(none)
        }
    }
}

/// Reads only what the package says about itself, passing over its grants.
pub fn about(input: impl Read + Seek, format: FileFormat) -> Result<PackageInfo, FileError> {
    match format {
        FileFormat::Json | FileFormat::JsonLines => package::about(input),
        FileFormat::Csv | FileFormat::Xlsx | FileFormat::Ods => Ok(PackageInfo::default()),
    }
}

#[cfg(test)]
mod row_tests;
#[cfg(test)]
mod tests;
