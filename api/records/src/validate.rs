//! Rules that a record must meet before it is published. Every way in uses them: files, drafts and submissions.

use std::collections::HashSet;

use chrono::{Datelike, Days, NaiveDate};
use wayin_vocabulary::{MissingReason, SourceKind};

use crate::fields::FundingTermField;
use crate::gss_code;
use crate::normalisation;
use crate::problem::{Problem, ProblemCode, Problems};
use crate::record::{FundingTerm, InitiativeRecord, OrganisationReference, SharingConsent, Source};
use crate::text::quote;
use crate::workbook::placeholder::{Placeholder, parse_placeholder};

/// Normalises the texts of a record as [`normalisation`] describes, removes empty ones, writes currencies in upper case
/// and computes missing durations from the dates.
pub fn normalise_record(record: &mut InitiativeRecord) {
    fn normalise_text(text: &mut String) {
        let prose = normalisation::normalise_prose(text);
        if *prose != **text {
            *text = prose.into_owned();
        }
    }
    fn normalise_optional(optional: &mut Option<String>) {
        if let Some(inner) = optional {
            normalise_text(inner);
        }
        optional.take_if(|text| text.is_empty());
    }
    fn normalise_with(optional: &mut Option<String>, normalise: impl Fn(&str) -> String) {
        let normalised = optional.as_deref().map(normalise);
        *optional = normalised.filter(|text| !text.is_empty());
    }
    fn normalise_organisation(reference: &mut OrganisationReference) {
        normalise_with(&mut reference.identifier, normalisation::normalise_org_id);
        normalise_with(&mut reference.name, normalisation::normalise_name);
    }
    normalise_optional(&mut record.external_ref);
    normalise_text(&mut record.title);
    normalise_optional(&mut record.summary);
    normalise_organisation(&mut record.lead_organisation);
    if let Some(place) = &mut record.place {
        // An invalid code stays, so that the message about it can quote it.
        normalise_with(&mut place.code, |code| {
            gss_code::parse_area_code(code).unwrap_or_else(|_| normalisation::normalise_identifier(code))
        });
        normalise_optional(&mut place.id);
        normalise_with(&mut place.name, normalisation::normalise_name);
        if place.code.is_none() && place.id.is_none() && place.name.is_none() {
            record.place = None;
        }
    }
    for entry in &mut record.entry_points {
        normalise_optional(&mut entry.motivation);
    }
    for faced in &mut record.challenges_faced {
        normalise_optional(&mut faced.note);
        faced.reasons.sort_unstable();
        faced.reasons.dedup();
    }
    for term in &mut record.funding_terms {
        normalise_organisation(&mut term.funder);
        normalise_with(&mut term.grant_identifier, normalisation::normalise_identifier);
        normalise_optional(&mut term.programme);
        normalise_optional(&mut term.currency);
        if let Some(currency) = term.currency.as_mut().filter(|currency| currency.len() == 3) {
            currency.make_ascii_uppercase();
        }
        term.duration_months = term
            .duration_months
            .or_else(|| count_months(term.starts_on, term.ends_on));
    }
    normalise_text(&mut record.source.title);
    normalise_optional(&mut record.source.url);
    normalise_optional(&mut record.source.licence);
    if let Some(sharing) = &mut record.sharing {
        normalise_optional(&mut sharing.confirmed_by);
        normalise_optional(&mut sharing.basis);
        normalise_optional(&mut sharing.licence);
        if *sharing == SharingConsent::default() {
            record.sharing = None;
        }
    }
}

/// Removes identifiers that are placeholders, such as "N/A", and returns a warning for each.
pub fn remove_unknown_identifiers(record: &mut InitiativeRecord) -> Vec<Problem> {
    let mut warnings = Vec::new();
    let mut remove = |path: String, identifier: &mut Option<String>, may_be_missing: bool| {
        let given = identifier.take_if(|text| parse_placeholder(text).is_some())?;
        let is_not_applicable =
            may_be_missing && parse_placeholder(&given) == Some(Placeholder::NotApplicable);
        let meaning = if is_not_applicable {
            "not applicable"
        } else {
            "not known"
        };
        let reason = format!("{} is taken as {meaning}", quote(given.trim()));
        warnings.push(Problem::new(ProblemCode::InvalidFormat, path, reason));
        is_not_applicable.then_some(MissingReason::NotApplicable)
    };
    let lead = &mut record.lead_organisation.identifier;
    remove("leadOrganisation/identifier".into(), lead, false);
    for (index, term) in record.funding_terms.iter_mut().enumerate() {
        let path = |field: &str| format!("fundingTerms/{index}/{field}");
        remove(path("funder/identifier"), &mut term.funder.identifier, false);
        if let Some(reason) = remove(path("grantIdentifier"), &mut term.grant_identifier, true) {
            term.missing.insert(FundingTermField::GrantIdentifier, reason);
        }
    }
    warnings
}

/// Counts the whole months from the first day to the last, both included. The result is at least 1.
pub fn count_months(first: Option<NaiveDate>, last: Option<NaiveDate>) -> Option<i32> {
    let (first, after) = (first?, last?.checked_add_days(Days::new(1))?);
    let months = (after.year() - first.year()) * 12 + after.month().cast_signed()
        - first.month().cast_signed()
        - i32::from(after.day() < first.day());
    (after > first).then(|| months.max(1))
}

/// Checks a [normalised](normalise_record) record.
pub fn validate_record(record: &InitiativeRecord) -> Problems {
    let mut found = Problems::default();
    found.check_required("title", &record.title, 300);
    found.check_length("externalRef", record.external_ref.as_deref(), 200);
    found.check_length("summary", record.summary.as_deref(), 10_000);
    found.add_below("leadOrganisation", check_organisation(&record.lead_organisation));
    let names_its_grant = record.source.kind == SourceKind::GrantData
        && record
            .funding_terms
            .iter()
            .any(|term| term.grant_identifier.is_some());
    if record.external_ref.is_none() && !names_its_grant {
        let reason = "is needed, so that the record is known again when it is sent again";
        found.add_error(ProblemCode::Required, "externalRef", reason);
    }
    found.check_date("startedOn", record.started_on);
    found.check_date("endedOn", record.ended_on);
    found.check_date_order("endedOn", record.started_on, record.ended_on, "startedOn");
    if record.ongoing == Some(true) && record.ended_on.is_some() {
        let reason = "cannot be true of an initiative that has ended";
        found.add_error(ProblemCode::Contradictory, "ongoing", reason);
    }
    record.missing.check_unanswered(record, &mut found);
    for (index, taken) in record.entry_points.iter().enumerate() {
        let mut part = Problems::default();
        taken.missing.check_unanswered(taken, &mut part);
        part.check_length("motivation", taken.motivation.as_deref(), 2_000);
        part.check_date("takenOn", taken.taken_on);
        found.add_below(&format!("entryPoints/{index}"), part);
    }
    let mut seen = HashSet::new();
    for (index, faced) in record.challenges_faced.iter().enumerate() {
        let mut part = Problems::default();
        part.check_length("note", faced.note.as_deref(), 2_000);
        part.check_date("noticedOn", faced.noticed_on);
        faced.missing.check_unanswered(faced, &mut part);
        part.check_unique("challenge", Some(faced.challenge.code()), &mut seen);
        found.add_below(&format!("challengesFaced/{index}"), part);
    }
    let mut seen = HashSet::new();
    for (index, changed) in record.conditions_changed.iter().enumerate() {
        let mut part = Problems::default();
        changed.missing.check_unanswered(changed, &mut part);
        part.check_unique("condition", Some(changed.condition.code()), &mut seen);
        found.add_below(&format!("conditionsChanged/{index}"), part);
    }
    let mut seen = HashSet::new();
    for (index, term) in record.funding_terms.iter().enumerate() {
        let mut part = check_term(term);
        term.missing.check_unanswered(term, &mut part);
        part.check_unique("grantIdentifier", term.grant_identifier.as_deref(), &mut seen);
        found.add_below(&format!("fundingTerms/{index}"), part);
    }
    found.add_below("source", check_source(&record.source));
    if let Some(sharing) = &record.sharing {
        found.check_length("sharing/confirmedBy", sharing.confirmed_by.as_deref(), 200);
        found.check_date("sharing/confirmedOn", sharing.confirmed_on);
        found.check_length("sharing/basis", sharing.basis.as_deref(), 2_000);
        found.check_length("sharing/licence", sharing.licence.as_deref(), 200);
    }
    found
}

/// Checks the fields of an organisation. Paths begin at the reference.
pub fn check_organisation(reference: &OrganisationReference) -> Problems {
    let mut found = Problems::default();
    if reference.identifier.is_none() && reference.name.is_none() {
        found.add_error(ProblemCode::Required, "", "needs an identifier or a name");
    }
    let (name, identifier) = (reference.name.as_deref(), reference.identifier.as_deref());
    found.check_length("name", name, 200);
    found.check_not_placeholder("name", name, "name");
    found.check_length("identifier", identifier, 100);
    found.check_not_placeholder("identifier", identifier, "identifier");
    found
}

fn check_term(term: &FundingTerm) -> Problems {
    let mut found = Problems::default();
    found.add_below("funder", check_organisation(&term.funder));
    let identifier = term.grant_identifier.as_deref();
    found.check_length("grantIdentifier", identifier, 200);
    found.check_not_placeholder("grantIdentifier", identifier, "identifier");
    found.check_length("programme", term.programme.as_deref(), 300);
    let is_code = |text: &str| text.len() == 3 && text.bytes().all(|letter| letter.is_ascii_uppercase());
    if let Some(currency) = term.currency.as_deref().filter(|currency| !is_code(currency)) {
        let reason = format!("“{currency}” is not an ISO 4217 code, such as GBP");
        found.add_error(ProblemCode::InvalidFormat, "currency", reason);
    }
    if term.amount_minor.is_some_and(|amount| amount < 0) {
        found.add_error(ProblemCode::OutOfRange, "amountMinor", "cannot be negative");
    }
    if term.amount_minor.is_some() && term.currency.is_none() {
        found.add_error(
            ProblemCode::Required,
            "currency",
            "is needed where an amount is given",
        );
    }
    found.check_date("awardedOn", term.awarded_on);
    found.check_date("startsOn", term.starts_on);
    found.check_date("endsOn", term.ends_on);
    found.check_date_order("endsOn", term.starts_on, term.ends_on, "startsOn");
    if term
        .duration_months
        .is_some_and(|months| !(1..=1_200).contains(&months))
    {
        found.add_error(
            ProblemCode::OutOfRange,
            "durationMonths",
            "must lie between 1 and 1,200",
        );
    }
    if let (Some(given), Some(dated)) = (term.duration_months, count_months(term.starts_on, term.ends_on))
        && (given - dated).abs() > 1
    {
        let reason = format!("{given} months are given, but the dates make {dated}; what is given is kept");
        found.add_warning(ProblemCode::Contradictory, "durationMonths", reason);
    }
    match (term.upfront_research, term.upfront_research_months) {
        (_, Some(months)) if months < 1 => {
            found.add_error(
                ProblemCode::OutOfRange,
                "upfrontResearchMonths",
                "must be at least 1",
            );
        }
        (Some(false), Some(_)) => {
            let reason = "are given, but upfrontResearch is false";
            found.add_error(ProblemCode::Contradictory, "upfrontResearchMonths", reason);
        }
        _ => {}
    }
    found
}

fn check_source(source: &Source) -> Problems {
    let mut found = Problems::default();
    found.check_required("title", &source.title, 300);
    found.check_length("url", source.url.as_deref(), 2_000);
    found.check_date("datedOn", source.dated_on);
    found.check_length("licence", source.licence.as_deref(), 200);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn placeholders_are_not_organisations() {
        let reference = OrganisationReference {
            identifier: Some("N/A".into()),
            name: Some("unknown".into()),
            ..OrganisationReference::default()
        };
        let found = check_organisation(&reference).errors;
        let paths: Vec<&str> = found.iter().map(|one| one.path.as_str()).collect();
        assert_eq!(paths, ["name", "identifier"], "{found:?}");
    }

    #[test]
    fn placeholders_are_removed_from_identifiers() {
        let mut record: InitiativeRecord = serde_json::from_str(
            r#"{"title": "T", "leadOrganisation": {"identifier": "unknown", "name": "L"},
                "fundingTerms": [
                    {"funder": {"name": "F", "identifier": "GB-CHC-1"}, "grantIdentifier": " N/A"},
                    {"funder": {"name": "G", "identifier": "N/A"}, "grantIdentifier": "tbc"}],
                "source": {"kind": "SELF_REPORT", "title": "return"}}"#,
        )
        .unwrap();
        let warnings: Vec<String> = remove_unknown_identifiers(&mut record)
            .into_iter()
            .map(|one| format!("{}: {}", one.path, one.reason))
            .collect();
        assert_eq!(
            warnings,
            [
                "leadOrganisation/identifier: \"unknown\" is taken as not known",
                "fundingTerms/0/grantIdentifier: \"N/A\" is taken as not applicable",
                "fundingTerms/1/funder/identifier: \"N/A\" is taken as not known",
                "fundingTerms/1/grantIdentifier: \"tbc\" is taken as not known",
            ]
        );
        let terms = &record.funding_terms;
        assert_eq!(record.lead_organisation.identifier, None);
        assert_eq!(terms[0].funder.identifier.as_deref(), Some("GB-CHC-1"));
        assert_eq!(
            (&terms[1].funder.identifier, &terms[1].grant_identifier),
            (&None, &None)
        );
        let why = terms[0].missing.get(FundingTermField::GrantIdentifier);
        assert_eq!(why, Some(MissingReason::NotApplicable));
        assert_eq!(remove_unknown_identifiers(&mut record), []);
    }

    #[test]
    fn count_months_includes_the_last_day() {
        for (first, last, months) in [
            ("2015-07-01", "2016-06-30", Some(12)),
            ("2015-07-01", "2016-07-01", Some(12)),
            ("2015-07-15", "2015-08-14", Some(1)),
            ("2015-07-15", "2015-07-20", Some(1)),
            ("2015-01-31", "2015-02-28", Some(1)),
            ("2016-02-29", "2017-02-28", Some(12)),
            ("2015-07-01", "2015-06-01", None),
        ] {
            assert_eq!(
                count_months(Some(date(first)), Some(date(last))),
                months,
                "{first} to {last}"
            );
        }
        assert_eq!(count_months(None, Some(date("2015-07-01"))), None);
    }

    #[test]
    fn every_problem_is_reported_with_its_path() {
        let mut record: InitiativeRecord = serde_json::from_str(
            r#"{"title": " ", "leadOrganisation": {}, "startedOn": "2020-02-01", "endedOn": "2020-01-01",
                "challengesFaced": [{"challenge": "DEFINING_AMBITIONS"}, {"challenge": "DEFINING_AMBITIONS"}],
                "fundingTerms": [{"funder": {"name": "A"}, "currency": "pounds", "amountMinor": -1,
                    "startsOn": "2020-01-01", "endsOn": "2020-12-31", "durationMonths": 24}],
                "source": {"kind": "SELF_REPORT", "title": "return"}}"#,
        )
        .unwrap();
        normalise_record(&mut record);
        let found = validate_record(&record);
        let paths: Vec<&str> = found.errors.iter().map(|error| error.path.as_str()).collect();
        assert_eq!(
            paths,
            [
                "title",
                "leadOrganisation",
                "externalRef",
                "endedOn",
                "challengesFaced/1/challenge",
                "fundingTerms/0/currency",
                "fundingTerms/0/amountMinor",
            ]
        );
        assert_eq!(
            found.warnings,
            [Problem::new(
                ProblemCode::Contradictory,
                "fundingTerms/0/durationMonths",
                "24 months are given, but the dates make 12; what is given is kept",
            )]
        );
    }
}
