//! The first sheet of a workbook, which explains the others.

use rust_xlsxwriter::Workbook;

use super::columns::SHEETS;
use super::layout;
use super::styles::CellFormats;
use super::writer::WriteError;
use crate::fields::column::{EXAMPLE, GUIDANCE, REFERENCE};

const GUIDANCE_WIDTH_CHARACTERS: u16 = 110;

/// The workbook that the guidance explains.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum GuidanceKind {
    Template,
    /// Records of an import that were rejected.
    Corrections,
    /// Records of which a steward requested changes.
    ChangesRequested,
}

/// Lists the lines, each with whether it is a heading.
fn list_lines(kind: GuidanceKind) -> Vec<(bool, String)> {
    let heading = |text: &str| (true, text.to_owned());
    let line = |text: &str| (false, text.to_owned());
    let mut lines = vec![heading("Initiative records for Wayin")];
    match kind {
        GuidanceKind::Template => {}
        GuidanceKind::Corrections => lines.extend([
            heading("What to do with this file"),
            line("This file holds everything that you sent and that could not be imported. In each row, the column \"What to fix\" says what is wrong and where, and the cells in question are marked. Correct them and send this file again; the column \"What to fix\" is not read. Records that were imported are not in this file and need not be sent again."),
            line("A row on one of the other sheets whose reference is marked belongs to no record of your file. If the record it belongs to was taken, copy all rows of that record into this file too: a record that is sent again replaces the one before."),
            line("The sheet \"Not read\", where there is one, lists cells from which nothing was read, such as those of a column with an unknown title. Copy what you need from it to where it belongs; the sheet itself is not read."),
        ]),
        GuidanceKind::ChangesRequested => lines.extend([
            heading("What to do with this file"),
            line("This file holds the records that a steward returned to you. In each row of the sheet Initiatives, the column \"What to fix\" has the steward's note, and below it everything else that keeps the record from being sent. Correct the records and send this file again; the column \"What to fix\" is not read. Rows that you delete stay returned: their records can be sent another time."),
        ]),
    }
    lines.extend([
        heading("How it works"),
        line("Each initiative has one row on the sheet Initiatives. Whatever an initiative has several of is on the other sheets, one in each row:"),
    ]);
    for sheet in &SHEETS[1..] {
        lines.push((
            false,
            format!("    {}: a row is {}.", sheet.name, sheet.row_description),
        ));
    }
    lines.extend([
        (false, format!("\"{REFERENCE}\" holds the sheets together: give each initiative a name or number of your own, and write the same in every row that belongs to it, on every sheet. When you send a record with the same reference again, it replaces the one before.")),
        (false, format!("The rows with the reference {EXAMPLE} show how it is done. They are made up, and are not read: leave them, or delete them.")),
        heading("Where you do not know"),
        line("Leave the cell empty. Not known is never taken for no."),
        line("Where you can say why an answer is missing, write it into the cell: Not asked, No reply, Withheld, or Not applicable."),
        heading("What to write"),
        line("Most columns that ask for a choice have a drop-down. Point at a column's title to read what belongs in it."),
        line("Days: as 2021-04-01, or as a date of your spreadsheet program. Amounts: the number alone, with the currency beside it. Several reasons: with semicolons between them."),
        line("Name nobody. An e-mail address, a telephone number or a full postcode in a text keeps a record from being sent."),
        line("Write a value in every row that it holds for: of merged cells, only the first is read. You may add columns and sheets of your own; they are not read, and a note says so. A formula counts as its value when the file was last saved."),
        heading("When you are done"),
        line("Save the file as .xlsx or .ods, without a password, and send it in. The outcome of each row is reported. Rows that cannot be imported come back in a file like this one, with the reasons beside them."),
    ]);
    lines
}

/// Writes the sheet of guidance.
pub(super) fn write_sheet(
    workbook: &mut Workbook,
    formats: &CellFormats,
    kind: GuidanceKind,
) -> Result<(), WriteError> {
    let worksheet = workbook.add_worksheet();
    worksheet.set_name(GUIDANCE)?;
    worksheet.set_column_width(0, GUIDANCE_WIDTH_CHARACTERS)?;
    worksheet.set_screen_gridlines(false);
    layout::set_up_pages(worksheet, GUIDANCE_WIDTH_CHARACTERS);
    for ((is_heading, text), row) in list_lines(kind).iter().zip(0..) {
        let format = if *is_heading {
            &formats.heading
        } else {
            &formats.paragraph
        };
        worksheet.write_string_with_format(row, 0, text, format)?;
        layout::fit_guidance_height(worksheet, row, text, GUIDANCE_WIDTH_CHARACTERS, *is_heading)?;
    }
    Ok(())
}
