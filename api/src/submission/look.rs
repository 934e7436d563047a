//! Looks a submission's record over: everything that is not yet right in it, at once.

use std::collections::HashMap;

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{organisation, submission};

use super::Refusal;
use crate::change::Act;
use crate::error::Result;
use crate::initiative::organisations_visible_to;
use crate::initiative::publish::{self, Proposal};
use crate::name_suggestions::describe_nearest;
use crate::organisation::{Found, named_alike};
use crate::place::Gazetteer;
use wayin_engine::visibility::Reader;
use wayin_records::finding::{Finding, FindingCode};
use wayin_records::json_reader;
use wayin_records::json_reader::Reading;
use wayin_records::personal_data;
use wayin_records::record::{InitiativeRecord, OrganisationReference};
use wayin_records::spelling::is_storable;
use wayin_records::validate;
use wayin_records::validate::remove_unknown_identifiers;

/// The most bytes of a record, written as JSON.
const LONGEST_RECORD: usize = 200_000;

/// What was found in a submission's record.
#[derive(Debug, Default)]
pub struct Looked {
    /// What keeps it from being sent.
    pub errors: Vec<Finding>,
    /// What is worth a look.
    pub warnings: Vec<Finding>,
    /// What would be published; none where something stands against it.
    pub proposal: Option<Proposal>,
    /// Whether it is published so already.
    pub stands_so: bool,
}

/// Whether a document can be kept at all: an object, not longer than a record can be.
pub fn at_shape(document: &Value) -> Option<Refusal> {
    if !document.is_object() {
        let reason = "is not an object with the record's fields";
        return Some(Refusal::of(FindingCode::InvalidFormat, "record", reason));
    }
    let bytes = bytes_of(document);
    if bytes > LONGEST_RECORD {
        let reason = format!("has {bytes} bytes; at most {LONGEST_RECORD} are kept");
        return Some(Refusal::of(FindingCode::TooLong, "record", reason));
    }
    (!is_kept(document)).then(|| {
        let reason = "holds the character NUL (U+0000), which no base can keep";
        Refusal::of(FindingCode::InvalidFormat, "record", reason)
    })
}

/// How many bytes a document has, written as JSON.
fn bytes_of(document: &Value) -> usize {
    struct Count(usize);
    impl std::io::Write for Count {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = Count(0);
    // Counting does not fail.
    let _ = serde_json::to_writer(&mut count, document);
    count.0
}

/// Whether a base can hold every text of a document, names of fields included.
pub fn is_kept(document: &Value) -> bool {
    match document {
        Value::String(text) => is_storable(text),
        Value::Array(values) => values.iter().all(is_kept),
        Value::Object(fields) => fields
            .iter()
            .all(|(name, value)| is_storable(name) && is_kept(value)),
        _ => true,
    }
}

/// A record as it reads by itself, whatever the base holds.
#[derive(Clone, Debug)]
pub struct ByItself {
    /// How it was read; the record is taken out of it.
    reading: Reading,
    /// The record, tidy; none where nothing like one is left.
    record: Option<InitiativeRecord>,
    /// What keeps it from being sent, by its place in the record.
    found: Vec<Finding>,
    /// What of it is not taken as it is written, by its place in the record.
    warnings: Vec<Finding>,
}

/// Reads a record of an organisation by itself.
pub fn by_itself(document: &Value, organisation: &organisation::Model) -> ByItself {
    // A record that does not say who leads it is led by the organisation whose it is.
    let lead = match &organisation.identifier {
        Some(identifier) => json!({"identifier": identifier}),
        None => json!({"name": organisation.name}),
    };
    let mut reading = json_reader::read_led_by(document, &lead);
    let mut record = reading.record.take();
    let warnings = record
        .as_mut()
        .map(remove_unknown_identifiers)
        .unwrap_or_default();
    // Without a name beside it, nobody else is meant by an identifier that is not known.
    if let Some(InitiativeRecord {
        lead_organisation: given,
        ..
    }) = &mut record
        && warnings
            .iter()
            .any(|one| one.path.starts_with("leadOrganisation/"))
        && given.name.is_none()
    {
        given.identifier.clone_from(&organisation.identifier);
        given.name = organisation
            .identifier
            .is_none()
            .then(|| organisation.name.clone());
    }
    record.iter_mut().for_each(validate::tidy);
    let found = record.as_ref().map(sent).unwrap_or_default();
    ByItself {
        reading,
        record,
        found,
        warnings,
    }
}

/// A record that is to be looked over.
#[derive(Debug)]
pub struct Proposed {
    /// The record, as it reads by itself.
    pub alone: ByItself,
    /// The initiative that it would replace.
    pub corrects: Option<Uuid>,
    /// The version of it that it says it was written from, where that is to be looked at.
    pub written_from: Option<i32>,
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
    let proposed = Proposed {
        alone: by_itself(&submission.document, organisation),
        corrects: submission.initiative_id,
        written_from: None,
    };
    let looked = at_all(db, act, places, organisation, vec![proposed]).await?;
    Ok(looked.into_iter().next().unwrap_or_default())
}

/// The same of many records of one organisation, each by itself.
pub async fn at_all(
    db: &impl ConnectionTrait,
    act: &Act<'_>,
    places: &Gazetteer,
    organisation: &organisation::Model,
    proposed: Vec<Proposed>,
) -> Result<Vec<Looked>> {
    let (mut all, mut read, mut proposals) = (Vec::new(), Vec::new(), Vec::new());
    for (at, proposed) in proposed.into_iter().enumerate() {
        let ByItself {
            reading,
            record,
            found,
            warnings,
        } = proposed.alone;
        all.push(Looked {
            errors: reading.findings.clone(),
            ..Looked::default()
        });
        if let Some(record) = record {
            read.push((at, reading, (found, warnings)));
            proposals.push(Proposal {
                record,
                grant: None,
                corrects: proposed.corrects,
                written_from: proposed.written_from,
                unstated: None,
            });
        }
    }
    let leads = proposals.iter().map(|one| &one.record.lead_organisation);
    let leads = Found::look_up(db, leads.filter(|lead| !is_called(lead, organisation))).await?;
    let funders = unknown_funders(db, organisation, &proposals).await?;
    let over = publish::look_over(db, act, places, &proposals).await?;
    let read = read.into_iter().zip(proposals).zip(over).zip(funders);
    for ((((at, reading, (mut found, mut warnings)), proposal), over), funders) in read {
        let looked = &mut all[at];
        if !is_of(&proposal.record.lead_organisation, organisation, &leads) {
            let reason = format!("is not {}, whose submission this is", organisation.name);
            found.push(Finding::new(FindingCode::NotAllowed, "leadOrganisation", reason));
        }
        found.extend(funders);
        found.extend(over.findings.errors);
        looked.errors.extend(as_sent(&reading, found));
        warnings.extend(over.findings.warnings);
        looked.warnings = as_sent(&reading, warnings).collect();
        looked.errors.sort_by(|a, b| a.path.cmp(&b.path));
        looked.stands_so = over.stands_so && looked.errors.is_empty();
        looked.proposal = looked.errors.is_empty().then_some(proposal);
    }
    Ok(all)
}

/// What was found, by its place in the document as it was sent, without what was found there already.
fn as_sent(reading: &Reading, found: Vec<Finding>) -> impl Iterator<Item = Finding> {
    found.into_iter().filter_map(|finding| {
        let path = reading.original(&finding.path)?;
        Some(Finding { path, ..finding })
    })
}

/// What a record that is sent must meet by itself, besides what every record must.
fn sent(record: &InitiativeRecord) -> Vec<Finding> {
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
    found
}

/// Of each record the funders that are named by a name alone which no organisation has: what was meant may
/// be there under another spelling. One with an identifier is added. Those are offered that members of the
/// organisation whose record it is may know of.
async fn unknown_funders(
    db: &impl ConnectionTrait,
    organisation: &organisation::Model,
    proposals: &[Proposal],
) -> Result<Vec<Vec<Finding>>> {
    let reader = Reader::Member {
        organisation: organisation.id,
    };
    let terms = proposals.iter().flat_map(|one| &one.record.funding_terms);
    let by_name = terms
        .map(|term| &term.funder)
        .filter(|funder| funder.identifier.is_none());
    let known = Found::look_up(db, by_name).await?;
    // A name that is misspelt is likely to be so in many records of a file.
    let mut alike: HashMap<&str, Vec<String>> = HashMap::new();
    let mut all = Vec::with_capacity(proposals.len());
    for proposal in proposals {
        let mut found = Vec::new();
        for (at, term) in proposal.record.funding_terms.iter().enumerate() {
            let (None, Some(name)) = (&term.funder.identifier, &term.funder.name) else {
                continue;
            };
            if known.check(&term.funder).is_ok() && known.named(&term.funder).is_none() {
                if !alike.contains_key(name.as_str()) {
                    alike.insert(
                        name,
                        named_alike(db, organisations_visible_to(reader), name).await?,
                    );
                }
                let near = describe_nearest(alike.get(name.as_str()).map_or(&[], Vec::as_slice));
                let reason = format!("no organisation is called {name}{near}; give its identifier to add it");
                let path = format!("fundingTerms/{at}/funder");
                found.push(Finding::new(FindingCode::NotFound, path, reason));
            }
        }
        all.push(found);
    }
    Ok(all)
}

/// Whether a reference means an organisation, also by what that was known as before it was merged.
fn is_of(reference: &OrganisationReference, organisation: &organisation::Model, leads: &Found) -> bool {
    is_called(reference, organisation) || leads.id_of(reference) == Some(organisation.id)
}

fn is_called(reference: &OrganisationReference, organisation: &organisation::Model) -> bool {
    match (&reference.identifier, &reference.name) {
        (Some(identifier), _) => organisation.identifier.as_ref() == Some(identifier),
        (None, Some(name)) => wayin_records::spelling::fold(name) == organisation.name_folded,
        // What has neither was found already.
        (None, None) => true,
    }
}
