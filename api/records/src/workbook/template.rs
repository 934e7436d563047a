//! The template: an empty workbook of records with guidance, drop-downs, notes and an example.

use std::sync::LazyLock;

use serde_json::{Value, json};

use super::writer::{RecordWorkbook, WriteError};
use crate::fields::column::EXAMPLE;

/// Returns the template. It is written once.
pub fn template_bytes() -> Result<&'static [u8], &'static WriteError> {
    static BYTES: LazyLock<Result<Vec<u8>, WriteError>> = LazyLock::new(write_template);
    BYTES.as_deref()
}

pub(crate) fn write_template() -> Result<Vec<u8>, WriteError> {
    let mut book = RecordWorkbook::for_template()?;
    book.add_example(&example_record())?;
    let mut written = Vec::new();
    book.finish(&mut written)?;
    Ok(written)
}

/// Returns a made-up record with the fields that most records need.
pub fn example_record() -> Value {
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
