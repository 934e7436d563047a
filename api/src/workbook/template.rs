//! The workbook that people fill in: guidance in plain words, the sheets with their drop-downs
//! and notes, and an example.

use std::io::Write;
use std::sync::LazyLock;

use serde_json::{Value, json};

use super::book::{Book, Purpose, WriteError};
use super::columns::{EXAMPLE, REFERENCE, SHEETS};

/// Writes the template.
pub fn write(output: impl Write + Send) -> Result<(), WriteError> {
    let mut book = Book::new(Purpose::Template, &guidance(false))?;
    book.add_example(&example())?;
    book.finish(output)
}

/// The template, written once.
pub fn bytes() -> Result<&'static [u8], &'static WriteError> {
    static BYTES: LazyLock<Result<Vec<u8>, WriteError>> = LazyLock::new(|| {
        let mut written = Vec::new();
        write(&mut written).map(|()| written)
    });
    BYTES.as_deref()
}

/// The sheet that explains the others, a line each, and whether it is a heading.
pub(super) fn guidance(is_correction: bool) -> Vec<(bool, String)> {
    let heading = |text: &str| (true, text.to_owned());
    let line = |text: &str| (false, text.to_owned());
    let mut lines = vec![heading("Initiative records for Wayin")];
    if is_correction {
        lines.extend([
            heading("What to do with this file"),
            line("This file holds everything that you sent and that could not be taken. In each row, the column \"What to mend\" says what is wrong and where, and the cells in question are marked. Correct them and send this file again; the column \"What to mend\" is not read. Records that were taken are not in this file and need not be sent again."),
            line("A row on one of the other sheets whose reference is marked belongs to no record of your file. If the record it belongs to was taken, copy all rows of that record into this file too: a record that is sent again replaces the one before."),
            line("The sheet \"Not read\", where there is one, lists cells from which nothing was read, such as those of a column with an unknown title. Copy what you need from it to where it belongs; the sheet itself is not read."),
        ]);
    }
    lines.extend([
        heading("How it works"),
        line("Each initiative has one row on the sheet Initiatives. What there may be several of stands on the other sheets, each in a row of its own:"),
    ]);
    for sheet in &SHEETS[1..] {
        lines.push((false, format!("    {}: a row is {}.", sheet.name, sheet.row)));
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
        line("Write a value in every row that it holds for: of merged cells, only the first is read. You may add columns and sheets of your own; they are not read, and you are told so. A formula counts as what it came to when the file was last saved."),
        heading("When you are done"),
        line("Save the file as .xlsx or .ods, without a password, and send it in. You are told of each row what became of it; rows that cannot be taken come back in a file like this one, with what to mend beside them."),
    ]);
    lines
}

/// A made-up record that uses what most records need.
pub fn example() -> Value {
    json!({
        "externalRef": EXAMPLE,
        "title": "Made-up example: a food partnership",
        "summary": "This row is an example and is not read.",
        "place": {"name": "Birmingham"},
        "leadOrganisation": {"name": "A made-up charity", "kind": "DELIVERY_ORGANISATION"},
        "startedOn": "2021-04-01",
        "ongoing": true,
        "visibility": "MEMBERS",
        "source": {"kind": "SELF_REPORT", "title": "Yearly return 2021"},
        "sharing": {"basis": "The partnership's board agreed on 3 May", "licence": "CC-BY-4.0"},
        "missing": {"conditionsChanged": "NOT_ASKED"},
        "entryPoints": [
            {"entryPoint": "COLLABORATION", "perspective": "PRACTITIONER", "takenOn": "2021-04-01", "motivation": "Everybody was asking for it."},
            {"entryPoint": "ROOT_CAUSES", "perspective": "PRACTITIONER"},
        ],
        "challengesFaced": [
            {"challenge": "DEFINING_AMBITIONS", "step": "SKIPPED", "reasons": ["SHORT_FUNDING", "STAFF_CAPACITY"], "note": "There was no time to agree what to aim for."},
        ],
        "conditionsChanged": [{"condition": "GOVERNANCE", "change": "PARTLY"}],
        "fundingTerms": [
            {"funder": {"name": "A made-up funder"}, "currency": "GBP", "amountMinor": 1_500_000, "startsOn": "2021-04-01", "endsOn": "2022-03-31",
             "durationMonths": 12, "upfrontResearch": false, "reportingFrequency": "QUARTERLY", "missing": {"renewable": "NO_REPLY"}},
        ],
    })
}
