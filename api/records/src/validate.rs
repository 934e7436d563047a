//! What a record must meet before it is published: lengths, dates in order,
//! nothing named twice. The one place that says so, for every way in.

use std::collections::HashSet;

use chrono::{Datelike, Days, NaiveDate};
use wayin_vocabulary::{MissingReason, SourceKind};

use super::fields::FundingTermField;
use super::record::{FundingTerm, InitiativeRecord, OrganisationReference, SharingConsent, Source};
use crate::gss;
use crate::normalisation;
use crate::problem::{Problem, ProblemCode, Problems};
use crate::text::quote;
use crate::workbook::placeholder;

/// Writes every text in the form of [`normalisation`], makes empty ones absent, and currencies upper case.
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
            if inner.is_empty() {
                *optional = None;
            }
        }
    }
    fn normalise_with(optional: &mut Option<String>, spell: impl Fn(&str) -> String) {
        *optional = optional
            .take()
            .map(|given| spell(&given))
            .filter(|spelt| !spelt.is_empty());
    }
    fn organisation(reference: &mut OrganisationReference) {
        normalise_with(&mut reference.identifier, normalisation::normalise_org_id);
        normalise_with(&mut reference.name, normalisation::normalise_name);
    }
    normalise_optional(&mut record.external_ref);
    normalise_text(&mut record.title);
    normalise_optional(&mut record.summary);
    organisation(&mut record.lead_organisation);
    if let Some(place) = &mut record.place {
        // What is no code stays as it was written, for the message about it.
        normalise_with(&mut place.code, |code| {
            gss::parse_area_code(code).unwrap_or_else(|_| normalisation::normalise_identifier(code))
        });
        normalise_optional(&mut place.id);
        normalise_with(&mut place.name, normalisation::normalise_name);
        if place.code.is_none() && place.id.is_none() && place.name.is_none() {
            record.place = None;
        }
    }
    record
        .entry_points
        .iter_mut()
        .for_each(|taken| normalise_optional(&mut taken.motivation));
    record.challenges_faced.iter_mut().for_each(|faced| {
        normalise_optional(&mut faced.note);
        faced.reasons.sort_unstable();
        faced.reasons.dedup();
    });
    for term in &mut record.funding_terms {
        organisation(&mut term.funder);
        normalise_with(&mut term.grant_identifier, normalisation::normalise_identifier);
        normalise_optional(&mut term.programme);
        normalise_optional(&mut term.currency);
        if let Some(currency) = &mut term.currency
            && currency.len() == 3
        {
            currency.make_ascii_uppercase();
        }
        if term.duration_months.is_none() {
            term.duration_months = count_months(term.starts_on, term.ends_on);
        }
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

/// Removes identifiers that are only what people write who have no answer, such as "N/A", and warns about each.
pub fn remove_unknown_identifiers(record: &mut InitiativeRecord) -> Vec<Problem> {
    let mut warnings = Vec::new();
    let mut remove = |path: String, identifier: &mut Option<String>, may_be_missing: bool| {
        let given = identifier.take_if(|text| placeholder::parse_placeholder(text).is_some())?;
        let is_not_applicable = may_be_missing
            && placeholder::parse_placeholder(&given) == Some(placeholder::Placeholder::NotApplicable);
        let taken_as = if is_not_applicable {
            "not applicable"
        } else {
            "not known"
        };
        let reason = format!("{} is taken as {taken_as}", quote(given.trim()));
        warnings.push(Problem::new(ProblemCode::InvalidFormat, path, reason));
        is_not_applicable.then_some(MissingReason::NotApplicable)
    };
    let lead = &mut record.lead_organisation.identifier;
    remove("leadOrganisation/identifier".into(), lead, false);
    for (at, term) in record.funding_terms.iter_mut().enumerate() {
        let path = |field: &str| format!("fundingTerms/{at}/{field}");
        remove(path("funder/identifier"), &mut term.funder.identifier, false);
        let why = remove(path("grantIdentifier"), &mut term.grant_identifier, true);
        if let Some(why) = why {
            term.missing.insert(FundingTermField::GrantIdentifier, why);
        }
    }
    warnings
}

/// Whole months from the first day to the last, the last included; at least one.
pub fn count_months(first: Option<NaiveDate>, last: Option<NaiveDate>) -> Option<i32> {
    let (first, after) = (first?, last?.checked_add_days(Days::new(1))?);
    let months = (after.year() - first.year()) * 12 + after.month().cast_signed()
        - first.month().cast_signed()
        - i32::from(after.day() < first.day());
    (after > first).then(|| months.max(1))
}

/// Looks a [tidy](normalise_record) record over.
pub fn validate_record(record: &InitiativeRecord) -> Problems {
    let mut found = Problems::default();
    found.check_required("title", &record.title, 300);
    found.check_length("externalRef", record.external_ref.as_deref(), 200);
    found.check_length("summary", record.summary.as_deref(), 10_000);
    check_organisation(&mut found, "leadOrganisation", &record.lead_organisation);
    let names_its_grant = record.source.kind == SourceKind::GrantData
        && record
            .funding_terms
            .iter()
            .any(|term| term.grant_identifier.is_some());
    if record.external_ref.is_none() && !names_its_grant {
        found.add_error(
            ProblemCode::Required,
            "externalRef",
            "is needed, so that the record is known again when it is sent again",
        );
    }
    found.check_date("startedOn", record.started_on);
    found.check_date("endedOn", record.ended_on);
    found.check_date_order("endedOn", record.started_on, record.ended_on, "startedOn");
    if record.ongoing == Some(true) && record.ended_on.is_some() {
        found.add_error(
            ProblemCode::Contradictory,
            "ongoing",
            "cannot be true of an initiative that has ended",
        );
    }
    record.missing.check_unanswered("", record, &mut found);
    for (index, taken) in record.entry_points.iter().enumerate() {
        taken
            .missing
            .check_unanswered(&format!("entryPoints/{index}"), taken, &mut found);
        found.check_length(
            &format!("entryPoints/{index}/motivation"),
            taken.motivation.as_deref(),
            2_000,
        );
        found.check_date(&format!("entryPoints/{index}/takenOn"), taken.taken_on);
    }
    let mut seen = HashSet::new();
    for (index, faced) in record.challenges_faced.iter().enumerate() {
        found.check_length(
            &format!("challengesFaced/{index}/note"),
            faced.note.as_deref(),
            2_000,
        );
        found.check_date(&format!("challengesFaced/{index}/noticedOn"), faced.noticed_on);
        faced
            .missing
            .check_unanswered(&format!("challengesFaced/{index}"), faced, &mut found);
        if !seen.insert(faced.challenge) {
            found.add_error(
                ProblemCode::Duplicate,
                format!("challengesFaced/{index}/challenge"),
                format!("{} is named twice", faced.challenge.code()),
            );
        }
    }
    let mut seen = HashSet::new();
    for (index, changed) in record.conditions_changed.iter().enumerate() {
        changed
            .missing
            .check_unanswered(&format!("conditionsChanged/{index}"), changed, &mut found);
        if !seen.insert(changed.condition) {
            found.add_error(
                ProblemCode::Duplicate,
                format!("conditionsChanged/{index}/condition"),
                format!("{} is named twice", changed.condition.code()),
            );
        }
    }
    let mut seen = HashSet::new();
    for (index, term) in record.funding_terms.iter().enumerate() {
        let path = format!("fundingTerms/{index}");
        check_term(&mut found, &path, term);
        term.missing.check_unanswered(&path, term, &mut found);
        if let Some(identifier) = &term.grant_identifier
            && !seen.insert(identifier)
        {
            found.add_error(
                ProblemCode::Duplicate,
                format!("{path}/grantIdentifier"),
                format!("{identifier} is named twice"),
            );
        }
    }
    check_source(&mut found, &record.source);
    if let Some(sharing) = &record.sharing {
        found.check_length("sharing/confirmedBy", sharing.confirmed_by.as_deref(), 200);
        found.check_date("sharing/confirmedOn", sharing.confirmed_on);
        found.check_length("sharing/basis", sharing.basis.as_deref(), 2_000);
        found.check_length("sharing/licence", sharing.licence.as_deref(), 200);
    }
    found
}

/// Looks an organisation's own fields over; paths lead into the reference.
pub fn organisation(reference: &OrganisationReference) -> Vec<Problem> {
    let mut found = Problems::default();
    check_organisation(&mut found, "", reference);
    let within = |finding: Problem| Problem {
        path: finding.path.trim_start_matches('/').to_owned(),
        ..finding
    };
    found.errors.into_iter().map(within).collect()
}

fn check_organisation(found: &mut Problems, path: &str, reference: &OrganisationReference) {
    if reference.identifier.is_none() && reference.name.is_none() {
        found.add_error(ProblemCode::Required, path, "needs an identifier or a name");
    }
    let (name, identifier) = (reference.name.as_deref(), reference.identifier.as_deref());
    found.check_length(&format!("{path}/name"), name, 200);
    found.check_not_placeholder(&format!("{path}/name"), name, "name");
    found.check_length(&format!("{path}/identifier"), identifier, 100);
    found.check_not_placeholder(&format!("{path}/identifier"), identifier, "identifier");
}

fn check_term(found: &mut Problems, path: &str, term: &FundingTerm) {
    check_organisation(found, &format!("{path}/funder"), &term.funder);
    found.check_length(
        &format!("{path}/grantIdentifier"),
        term.grant_identifier.as_deref(),
        200,
    );
    found.check_not_placeholder(
        &format!("{path}/grantIdentifier"),
        term.grant_identifier.as_deref(),
        "identifier",
    );
    found.check_length(&format!("{path}/programme"), term.programme.as_deref(), 300);
    if let Some(currency) = &term.currency
        && !(currency.len() == 3 && currency.bytes().all(|letter| letter.is_ascii_uppercase()))
    {
        found.add_error(
            ProblemCode::InvalidFormat,
            format!("{path}/currency"),
            format!("“{currency}” is not an ISO 4217 code, such as GBP"),
        );
    }
    if term.amount_minor.is_some_and(|amount| amount < 0) {
        found.add_error(
            ProblemCode::OutOfRange,
            format!("{path}/amountMinor"),
            "cannot be negative",
        );
    }
    if term.amount_minor.is_some() && term.currency.is_none() {
        found.add_error(
            ProblemCode::Required,
            format!("{path}/currency"),
            "is needed where an amount is given",
        );
    }
    for (name, date) in [
        ("awardedOn", term.awarded_on),
        ("startsOn", term.starts_on),
        ("endsOn", term.ends_on),
    ] {
        found.check_date(&format!("{path}/{name}"), date);
    }
    found.check_date_order(
        &format!("{path}/endsOn"),
        term.starts_on,
        term.ends_on,
        "startsOn",
    );
    if term
        .duration_months
        .is_some_and(|months| !(1..=1_200).contains(&months))
    {
        found.add_error(
            ProblemCode::OutOfRange,
            format!("{path}/durationMonths"),
            "must lie between 1 and 1,200",
        );
    }
    if let (Some(given), Some(dated)) = (term.duration_months, count_months(term.starts_on, term.ends_on))
        && (given - dated).abs() > 1
    {
        found.add_warning(
            ProblemCode::Contradictory,
            format!("{path}/durationMonths"),
            format!("{given} months are given, but the dates make {dated}; what is given is kept"),
        );
    }
    match (term.upfront_research, term.upfront_research_months) {
        (_, Some(months)) if months < 1 => {
            found.add_error(
                ProblemCode::OutOfRange,
                format!("{path}/upfrontResearchMonths"),
                "must be at least 1",
            );
        }
        (Some(false), Some(_)) => {
            found.add_error(
                ProblemCode::Contradictory,
                format!("{path}/upfrontResearchMonths"),
                "are given, but upfrontResearch is false",
            );
        }
        _ => {}
    }
}

fn check_source(found: &mut Problems, source: &Source) {
    found.check_required("source/title", &source.title, 300);
    found.check_length("source/url", source.url.as_deref(), 2_000);
    found.check_date("source/datedOn", source.dated_on);
    found.check_length("source/licence", source.licence.as_deref(), 200);
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
        let found = organisation(&reference);
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
