//! Looks a submission's record over: everything that is not yet right in it, at once.

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use wayin_entity::{organisation, submission};

use super::Refusal;
use crate::change::Act;
use crate::error::Result;
use crate::initiative::document::{self, Reading};
use crate::initiative::personal_data;
use crate::initiative::publish::{self, Proposal};
use crate::initiative::record::{InitiativeRecord, OrganisationReference};
use crate::initiative::validate::{self, Finding, FindingCode, can_be_held};
use crate::organisation::{Found, named_alike};
use crate::place::{Gazetteer, nearest};

/// The most bytes of a record, written as JSON.
const LONGEST_RECORD: usize = 200_000;
/// The most characters of a note.
const LONGEST_NOTE: usize = 2_000;

/// What was found in a submission's record.
#[derive(Debug, Default)]
pub struct Looked {
    /// What keeps it from being sent.
    pub errors: Vec<Finding>,
    /// What is worth a look.
    pub warnings: Vec<Finding>,
    /// What would be published; none where something stands against it.
    pub proposal: Option<Proposal>,
}

/// Whether a document can be kept at all: an object, not longer than a record can be.
pub fn at_shape(document: &Value) -> Option<Refusal> {
    if !document.is_object() {
        let reason = "is not an object with the record's fields";
        return Some(Refusal::of(FindingCode::Malformed, "record", reason));
    }
    let text = document.to_string();
    if text.len() > LONGEST_RECORD {
        let reason = format!("has {} bytes; at most {LONGEST_RECORD} are kept", text.len());
        return Some(Refusal::of(FindingCode::TooLong, "record", reason));
    }
    (!is_kept(document)).then(|| {
        let reason = "holds the character NUL (U+0000), which no base can keep";
        Refusal::of(FindingCode::Malformed, "record", reason)
    })
}

/// Whether a base can hold every text of a document, names of fields included.
fn is_kept(document: &Value) -> bool {
    match document {
        Value::String(text) => can_be_held(text),
        Value::Array(values) => values.iter().all(is_kept),
        Value::Object(fields) => fields
            .iter()
            .all(|(name, value)| can_be_held(name) && is_kept(value)),
        _ => true,
    }
}

/// A note that says why, trimmed.
pub fn at_note(path: &str, note: &str) -> Result<String, Refusal> {
    let note = note.trim();
    let length = note.chars().count();
    if note.is_empty() {
        return Err(Refusal::of(FindingCode::Required, path, "is needed: say why"));
    }
    if length > LONGEST_NOTE {
        let reason = format!("has {length} characters; at most {LONGEST_NOTE} are kept");
        return Err(Refusal::of(FindingCode::TooLong, path, reason));
    }
    if !can_be_held(note) {
        let reason = "holds the character NUL (U+0000), which no base can keep";
        return Err(Refusal::of(FindingCode::Malformed, path, reason));
    }
    Ok(note.to_owned())
}

/// Everything about a submission's record: its shape, what a record must meet, what one that is
/// sent must say besides, and what it names.
pub async fn at(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    places: &Gazetteer,
    organisation: &organisation::Model,
    submission: &submission::Model,
) -> Result<Looked> {
    let mut document = submission.document.clone();
    lead_by(&mut document, organisation);
    let mut reading = document::read(document);
    let mut looked = Looked {
        errors: std::mem::take(&mut reading.findings),
        ..Looked::default()
    };
    let Some(mut record) = reading.record.take() else {
        return Ok(looked);
    };
    reading.findings = looked.errors.clone();
    validate::tidy(&mut record);
    let mut found = sent(&record, organisation);
    let proposal = Proposal {
        record,
        grant_digest: None,
        corrects: submission.initiative_id,
    };
    let of_record = publish::look_over(db, act, places, &proposal).await?;
    found.extend(unknown_funders(db, &proposal.record).await?);
    found.extend(of_record.errors);
    looked.errors.extend(as_sent(&reading, found));
    looked.warnings = as_sent(&reading, of_record.warnings).collect();
    looked.errors.sort_by(|a, b| a.path.cmp(&b.path));
    looked.proposal = looked.errors.is_empty().then_some(proposal);
    Ok(looked)
}

/// A record that does not say who leads it is led by the organisation whose it is.
fn lead_by(document: &mut Value, organisation: &organisation::Model) {
    if let Value::Object(fields) = document {
        let lead = fields.entry("leadOrganisation").or_insert(Value::Null);
        if lead.is_null() {
            *lead = match &organisation.identifier {
                Some(identifier) => json!({"identifier": identifier}),
                None => json!({"name": organisation.name}),
            };
        }
    }
}

/// What was found, by its place in the document as it was sent, without what was found there already.
fn as_sent(reading: &Reading, found: Vec<Finding>) -> impl Iterator<Item = Finding> {
    found.into_iter().filter_map(|finding| {
        let path = reading.original(&finding.path)?;
        Some(Finding { path, ..finding })
    })
}

/// What a record that is sent must meet besides what every record must.
fn sent(record: &InitiativeRecord, organisation: &organisation::Model) -> Vec<Finding> {
    let mut found = personal_data::check(record);
    let mut required = |path: &str, reason: &str| {
        found.push(Finding::new(FindingCode::Required, path, reason));
    };
    if record.place.is_none() {
        required("place", "is needed: where the initiative works");
    }
    let sharing = record.sharing.clone().unwrap_or_default();
    if sharing.basis.is_none() {
        required(
            "sharing/basis",
            "is needed: the basis on which the record may be shared",
        );
    }
    if sharing.licence.is_none() {
        required(
            "sharing/licence",
            "is needed: the licence under which the record may be reused",
        );
    }
    if !is_of(&record.lead_organisation, organisation) {
        let reason = format!("is not {}, whose submission this is", organisation.name);
        found.push(Finding::new(FindingCode::NotAllowed, "leadOrganisation", reason));
    }
    found
}

/// Funders that are named by a name alone which no organisation has: what was meant may be there
/// under another spelling. One with an identifier is added.
async fn unknown_funders(db: &impl ConnectionTrait, record: &InitiativeRecord) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let known = Found::look_up(db, record.funding_terms.iter().map(|term| &term.funder)).await?;
    for (at, term) in record.funding_terms.iter().enumerate() {
        let (None, Some(name)) = (&term.funder.identifier, &term.funder.name) else {
            continue;
        };
        if known.check(&term.funder).is_ok() && known.id_of(&term.funder).is_none() {
            let alike = named_alike(db, name).await?;
            let reason = format!(
                "no organisation is called {name}{}; give its identifier to add it",
                nearest(&alike)
            );
            let path = format!("fundingTerms/{at}/funder");
            found.push(Finding::new(FindingCode::NotFound, path, reason));
        }
    }
    Ok(found)
}

fn is_of(reference: &OrganisationReference, organisation: &organisation::Model) -> bool {
    match (&reference.identifier, &reference.name) {
        (Some(identifier), _) => organisation.identifier.as_ref() == Some(identifier),
        (None, Some(name)) => crate::condition::fold(name) == organisation.name_folded,
        // What has neither was found already.
        (None, None) => true,
    }
}
