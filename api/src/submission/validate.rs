//! Validates the record of a submission, and finds all problems at once.

use std::collections::HashMap;

use sea_orm::ConnectionTrait;
use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{organisation, submission};

use super::Rejection;
use crate::change_log::ActionContext;
use crate::error::Result;
use crate::initiative::publish::{self, Proposal};
use crate::initiative::select_visible_organisations;
use crate::name_suggestions::describe_nearest;
use crate::organisation::{OrganisationLookup, find_similar_names};
use crate::place::Gazetteer;
use wayin_engine::visibility::Reader;
use wayin_records::json_reader;
use wayin_records::json_reader::ReadResult;
use wayin_records::normalisation::is_storable;
use wayin_records::personal_data;
use wayin_records::problem::{Problem, ProblemCode};
use wayin_records::record::{InitiativeRecord, OrganisationReference};
use wayin_records::validate;
use wayin_records::validate::remove_unknown_identifiers;

/// The maximum length of a record as JSON.
const MAX_RECORD_BYTES: usize = 200_000;

/// The result of validating a submission's record.
#[derive(Debug, Default)]
pub struct ValidatedSubmission {
    /// The problems that prevent submission.
    pub errors: Vec<Problem>,
    pub warnings: Vec<Problem>,
    /// The record to publish. None if it has errors.
    pub proposal: Option<Proposal>,
    /// Whether the same record is already published.
    pub is_unchanged: bool,
}

/// Checks that a document can be stored: it must be an object of limited size.
pub fn check_shape(document: &Value) -> Option<Rejection> {
    if !document.is_object() {
        let reason = "is not an object with the record's fields";
        return Some(Rejection::from_problem(
            ProblemCode::InvalidFormat,
            "record",
            reason,
        ));
    }
    let bytes = count_json_bytes(document);
    if bytes > MAX_RECORD_BYTES {
        let reason = format!("has {bytes} bytes; the maximum is {MAX_RECORD_BYTES}");
        return Some(Rejection::from_problem(ProblemCode::TooLong, "record", reason));
    }
    (!is_storable_document(document)).then(|| {
        let reason = "contains the character NUL (U+0000), which cannot be stored";
        Rejection::from_problem(ProblemCode::InvalidFormat, "record", reason)
    })
}

/// The length of a document as JSON.
fn count_json_bytes(document: &Value) -> usize {
    struct ByteCounter(usize);
    impl std::io::Write for ByteCounter {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0 += bytes.len();
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut count = ByteCounter(0);
    // Writing to a counter does not fail.
    let _ = serde_json::to_writer(&mut count, document);
    count.0
}

/// Whether a database can store all texts of a document, including the names of fields.
pub fn is_storable_document(document: &Value) -> bool {
    match document {
        Value::String(text) => is_storable(text),
        Value::Array(values) => values.iter().all(is_storable_document),
        Value::Object(fields) => fields
            .iter()
            .all(|(name, value)| is_storable(name) && is_storable_document(value)),
        _ => true,
    }
}

/// A record that has been validated without the database.
#[derive(Clone, Debug)]
pub struct ParsedSubmission {
    /// The result of reading the document, without the record.
    reading: ReadResult,
    /// The normalised record. None if the document cannot be read as a record.
    record: Option<InitiativeRecord>,
    /// The errors, with their paths in the record.
    problems: Vec<Problem>,
    /// The warnings about values that are not read as written, with their paths.
    warnings: Vec<Problem>,
}

impl ParsedSubmission {
    /// The normalised record. None if a part of the document cannot be read.
    pub fn into_record(self) -> Option<InitiativeRecord> {
        self.record.filter(|_| self.reading.problems.is_empty())
    }
}

/// Reads and validates a record of an organisation without the database.
pub fn parse_submission(document: &Value, organisation: &organisation::Model) -> ParsedSubmission {
    // The default lead organisation is the submission's organisation.
    let lead = match &organisation.identifier {
        Some(identifier) => json!({"identifier": identifier}),
        None => json!({"name": organisation.name}),
    };
    let mut reading = json_reader::read_with_default_lead(document, &lead);
    let mut record = reading.record.take();
    let warnings = record
        .as_mut()
        .map(remove_unknown_identifiers)
        .unwrap_or_default();
    // An unknown identifier without a name cannot identify another organisation.
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
    record.iter_mut().for_each(validate::normalise_record);
    let found = record.as_ref().map(check_submission_rules).unwrap_or_default();
    ParsedSubmission {
        reading,
        record,
        problems: found,
        warnings,
    }
}

/// A record to validate.
#[derive(Debug)]
pub struct UnvalidatedRecord {
    /// The result of [`parse_submission`].
    pub parsed: ParsedSubmission,
    /// The initiative that it would replace.
    pub corrects: Option<Uuid>,
    /// The base version to compare with the published one, if any.
    pub base_version: Option<i32>,
}

/// Validates the record of a submission: its form, the rules for all records and for submissions, and
/// everything that it names.
pub async fn validate_submission(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    places: &Gazetteer,
    organisation: &organisation::Model,
    submission: &submission::Model,
) -> Result<ValidatedSubmission> {
    let proposed = UnvalidatedRecord {
        parsed: parse_submission(&submission.document, organisation),
        corrects: submission.initiative_id,
        base_version: None,
    };
    let validated = validate_all(db, act, places, organisation, vec![proposed]).await?;
    Ok(validated.into_iter().next().unwrap_or_default())
}

/// Validates many records of one organisation, each by itself.
pub async fn validate_all(
    db: &impl ConnectionTrait,
    act: &ActionContext<'_>,
    places: &Gazetteer,
    organisation: &organisation::Model,
    proposed: Vec<UnvalidatedRecord>,
) -> Result<Vec<ValidatedSubmission>> {
    let (mut all, mut read, mut proposals) = (Vec::new(), Vec::new(), Vec::new());
    for (at, proposed) in proposed.into_iter().enumerate() {
        let ParsedSubmission {
            reading,
            record,
            problems: found,
            warnings,
        } = proposed.parsed;
        all.push(ValidatedSubmission {
            errors: reading.problems.clone(),
            ..ValidatedSubmission::default()
        });
        if let Some(record) = record {
            read.push((at, reading, (found, warnings)));
            proposals.push(Proposal {
                record,
                grant: None,
                corrects: proposed.corrects,
                base_version: proposed.base_version,
                omitted: None,
            });
        }
    }
    let leads = proposals.iter().map(|one| &one.record.lead_organisation);
    let leads = OrganisationLookup::load(
        db,
        leads.filter(|lead| !has_name_or_identifier(lead, organisation)),
    )
    .await?;
    let funders = find_unknown_funders(db, organisation, &proposals).await?;
    let over = publish::validate_proposals(db, act, places, &proposals).await?;
    let read = read.into_iter().zip(proposals).zip(over).zip(funders);
    for ((((at, reading, (mut found, mut warnings)), proposal), over), funders) in read {
        let validated = &mut all[at];
        if !is_reference_to(&proposal.record.lead_organisation, organisation, &leads) {
            let reason = format!(
                "is not {}, the organisation of this submission",
                organisation.name
            );
            found.push(Problem::new(ProblemCode::NotAllowed, "leadOrganisation", reason));
        }
        found.extend(funders);
        found.extend(over.problems.errors);
        validated.errors.extend(map_to_original_paths(&reading, found));
        warnings.extend(over.problems.warnings);
        validated.warnings = map_to_original_paths(&reading, warnings).collect();
        validated.errors.sort_by(|a, b| a.path.cmp(&b.path));
        validated.is_unchanged = over.is_unchanged && validated.errors.is_empty();
        validated.proposal = validated.errors.is_empty().then_some(proposal);
    }
    Ok(all)
}

/// Translates the paths of problems to those of the original document. Skips problems that reading has
/// already reported.
fn map_to_original_paths(reading: &ReadResult, found: Vec<Problem>) -> impl Iterator<Item = Problem> {
    found.into_iter().filter_map(|problem| {
        let path = reading.original_path(&problem.path)?;
        Some(Problem { path, ..problem })
    })
}

/// The rules that apply only to submitted records.
fn check_submission_rules(record: &InitiativeRecord) -> Vec<Problem> {
    let mut found = personal_data::find_personal_data(record);
    let mut required = |path: &str, reason: &str| {
        found.push(Problem::new(ProblemCode::Required, path, reason));
    };
    if record.place.is_none() {
        required("place", "is required: where the initiative works");
    }
    let sharing = record.sharing.clone().unwrap_or_default();
    if sharing.basis.is_none() {
        required(
            "sharing/basis",
            "is required: the basis on which the record can be shared",
        );
    }
    if sharing.licence.is_none() {
        required(
            "sharing/licence",
            "is required: the licence under which the record can be reused",
        );
    }
    found
}

/// Lists the fields that a record needs before it is submitted, as paths. Those of an item of a list are at position 0.
pub fn list_required_fields() -> Vec<String> {
    let mut reading = json_reader::read_document(json!({
        "leadOrganisation": {"name": "A"}, "source": {}, "entryPoints": [{}], "challengesFaced": [{}],
        "conditionsChanged": [{}], "fundingTerms": [{}],
    }));
    let mut problems = reading.problems.clone();
    if let Some(mut record) = reading.record.take() {
        validate::normalise_record(&mut record);
        let mut found = validate::validate_record(&record).errors;
        found.extend(check_submission_rules(&record));
        problems.extend(map_to_original_paths(&reading, found));
    }
    let required = problems
        .into_iter()
        .filter(|problem| problem.code == ProblemCode::Required);
    required.map(|problem| problem.path).collect()
}

/// Finds the funders with only a name that no organisation has, which may be a misspelling. A funder with an
/// identifier would be added. Suggests organisations that members of the submission's organisation can see.
async fn find_unknown_funders(
    db: &impl ConnectionTrait,
    organisation: &organisation::Model,
    proposals: &[Proposal],
) -> Result<Vec<Vec<Problem>>> {
    let reader = Reader::Member {
        organisation: organisation.id,
    };
    let terms = proposals.iter().flat_map(|one| &one.record.funding_terms);
    let by_name = terms
        .map(|term| &term.funder)
        .filter(|funder| funder.identifier.is_none());
    let known = OrganisationLookup::load(db, by_name).await?;
    // The same misspelt name is likely to be in many records of a file.
    let mut alike: HashMap<&str, Vec<String>> = HashMap::new();
    let mut all = Vec::with_capacity(proposals.len());
    for proposal in proposals {
        let mut found = Vec::new();
        for (at, term) in proposal.record.funding_terms.iter().enumerate() {
            let (None, Some(name)) = (&term.funder.identifier, &term.funder.name) else {
                continue;
            };
            if known.validate(&term.funder).is_ok() && known.find(&term.funder).is_none() {
                if !alike.contains_key(name.as_str()) {
                    alike.insert(
                        name,
                        find_similar_names(db, select_visible_organisations(reader), name).await?,
                    );
                }
                let near = describe_nearest(alike.get(name.as_str()).map_or(&[], Vec::as_slice));
                let reason = format!("no organisation is called {name}{near}; give its identifier to add it");
                let path = format!("fundingTerms/{at}/funder");
                found.push(Problem::new(ProblemCode::NotFound, path, reason));
            }
        }
        all.push(found);
    }
    Ok(all)
}

/// Whether a reference means an organisation, by its current or former names and identifiers.
fn is_reference_to(
    reference: &OrganisationReference,
    organisation: &organisation::Model,
    leads: &OrganisationLookup,
) -> bool {
    has_name_or_identifier(reference, organisation) || leads.find_id(reference) == Some(organisation.id)
}

fn has_name_or_identifier(reference: &OrganisationReference, organisation: &organisation::Model) -> bool {
    match (&reference.identifier, &reference.name) {
        (Some(identifier), _) => organisation.identifier.as_ref() == Some(identifier),
        (None, Some(name)) => wayin_records::normalisation::fold_name(name) == organisation.name_folded,
        // A reference without identifier and name is already reported.
        (None, None) => true,
    }
}
