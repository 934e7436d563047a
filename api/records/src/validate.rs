//! What a record must meet before it is published: lengths, dates in order,
//! nothing named twice. The one place that says so, for every way in.

use std::collections::HashSet;

use chrono::{Datelike, Days, NaiveDate};
use wayin_vocabulary::{MissingReason, SourceKind};

use super::fields::FundingTermField;
use super::record::{FundingTerm, InitiativeRecord, OrganisationReference, SharingConsent, Source};
use crate::finding::{Finding, FindingCode, Findings};
use crate::gss;
use crate::spelling;
use crate::text::quoted;
use crate::workbook::not_known;

/// Writes every text in the form of [`spelling`], makes empty ones absent, and currencies upper case.
pub fn tidy(record: &mut InitiativeRecord) {
    fn text(text: &mut String) {
        let prose = spelling::prose(text);
        if *prose != **text {
            *text = prose.into_owned();
        }
    }
    fn optional(optional: &mut Option<String>) {
        if let Some(inner) = optional {
            text(inner);
            if inner.is_empty() {
                *optional = None;
            }
        }
    }
    fn spelt(optional: &mut Option<String>, spell: impl Fn(&str) -> String) {
        *optional = optional
            .take()
            .map(|given| spell(&given))
            .filter(|spelt| !spelt.is_empty());
    }
    fn organisation(reference: &mut OrganisationReference) {
        spelt(&mut reference.identifier, spelling::org_id);
        spelt(&mut reference.name, spelling::name);
    }
    optional(&mut record.external_ref);
    text(&mut record.title);
    optional(&mut record.summary);
    organisation(&mut record.lead_organisation);
    if let Some(place) = &mut record.place {
        // What is no code stays as it was written, for the message about it.
        spelt(&mut place.code, |code| {
            gss::area_code(code).unwrap_or_else(|_| spelling::identifier(code))
        });
        optional(&mut place.id);
        spelt(&mut place.name, spelling::name);
        if place.code.is_none() && place.id.is_none() && place.name.is_none() {
            record.place = None;
        }
    }
    record
        .entry_points
        .iter_mut()
        .for_each(|taken| optional(&mut taken.motivation));
    record.challenges_faced.iter_mut().for_each(|faced| {
        optional(&mut faced.note);
        faced.reasons.sort_unstable();
        faced.reasons.dedup();
    });
    for term in &mut record.funding_terms {
        organisation(&mut term.funder);
        spelt(&mut term.grant_identifier, spelling::identifier);
        optional(&mut term.programme);
        optional(&mut term.currency);
        if let Some(currency) = &mut term.currency
            && currency.len() == 3
        {
            currency.make_ascii_uppercase();
        }
        if term.duration_months.is_none() {
            term.duration_months = months_between(term.starts_on, term.ends_on);
        }
    }
    text(&mut record.source.title);
    optional(&mut record.source.url);
    optional(&mut record.source.licence);
    if let Some(sharing) = &mut record.sharing {
        optional(&mut sharing.confirmed_by);
        optional(&mut sharing.basis);
        optional(&mut sharing.licence);
        if *sharing == SharingConsent::default() {
            record.sharing = None;
        }
    }
}

/// Removes identifiers that are only what people write who have no answer, such as "N/A", and warns about each.
pub fn remove_unknown_identifiers(record: &mut InitiativeRecord) -> Vec<Finding> {
    let mut warnings = Vec::new();
    let mut remove = |path: String, identifier: &mut Option<String>, may_be_missing: bool| {
        let given = identifier.take_if(|text| not_known::find(text).is_some())?;
        let is_not_applicable =
            may_be_missing && not_known::find(&given) == Some(not_known::NotKnown::NotApplicable);
        let taken_as = if is_not_applicable {
            "not applicable"
        } else {
            "not known"
        };
        let reason = format!("{} is taken as {taken_as}", quoted(given.trim()));
        warnings.push(Finding::new(FindingCode::InvalidFormat, path, reason));
        is_not_applicable.then_some(MissingReason::NotApplicable)
    };
    let lead = &mut record.lead_organisation.identifier;
    remove("leadOrganisation/identifier".into(), lead, false);
    for (at, term) in record.funding_terms.iter_mut().enumerate() {
        let path = |field: &str| format!("fundingTerms/{at}/{field}");
        remove(path("funder/identifier"), &mut term.funder.identifier, false);
        let why = remove(path("grantIdentifier"), &mut term.grant_identifier, true);
        if let Some(why) = why {
            term.missing.say(FundingTermField::GrantIdentifier, why);
        }
    }
    warnings
}

/// Whole months from the first day to the last, the last included; at least one.
pub fn months_between(first: Option<NaiveDate>, last: Option<NaiveDate>) -> Option<i32> {
    let (first, after) = (first?, last?.checked_add_days(Days::new(1))?);
    let months = (after.year() - first.year()) * 12 + after.month().cast_signed()
        - first.month().cast_signed()
        - i32::from(after.day() < first.day());
    (after > first).then(|| months.max(1))
}

/// Looks a [tidy] record over.
pub fn check(record: &InitiativeRecord) -> Findings {
    let mut found = Findings::default();
    found.required("title", &record.title, 300);
    found.length("externalRef", record.external_ref.as_deref(), 200);
    found.length("summary", record.summary.as_deref(), 10_000);
    check_organisation(&mut found, "leadOrganisation", &record.lead_organisation);
    let names_its_grant = record.source.kind == SourceKind::GrantData
        && record
            .funding_terms
            .iter()
            .any(|term| term.grant_identifier.is_some());
    if record.external_ref.is_none() && !names_its_grant {
        found.error(
            FindingCode::Required,
            "externalRef",
            "is needed, so that the record is known again when it is sent again",
        );
    }
    found.date("startedOn", record.started_on);
    found.date("endedOn", record.ended_on);
    found.in_order("endedOn", record.started_on, record.ended_on, "startedOn");
    if record.ongoing == Some(true) && record.ended_on.is_some() {
        found.error(
            FindingCode::Contradictory,
            "ongoing",
            "cannot be true of an initiative that has ended",
        );
    }
    record.missing.check("", record, &mut found);
    for (index, taken) in record.entry_points.iter().enumerate() {
        taken
            .missing
            .check(&format!("entryPoints/{index}"), taken, &mut found);
        found.length(
            &format!("entryPoints/{index}/motivation"),
            taken.motivation.as_deref(),
            2_000,
        );
        found.date(&format!("entryPoints/{index}/takenOn"), taken.taken_on);
    }
    let mut seen = HashSet::new();
    for (index, faced) in record.challenges_faced.iter().enumerate() {
        found.length(
            &format!("challengesFaced/{index}/note"),
            faced.note.as_deref(),
            2_000,
        );
        found.date(&format!("challengesFaced/{index}/noticedOn"), faced.noticed_on);
        faced
            .missing
            .check(&format!("challengesFaced/{index}"), faced, &mut found);
        if !seen.insert(faced.challenge) {
            found.error(
                FindingCode::Duplicate,
                format!("challengesFaced/{index}/challenge"),
                format!("{} is named twice", faced.challenge.code()),
            );
        }
    }
    let mut seen = HashSet::new();
    for (index, changed) in record.conditions_changed.iter().enumerate() {
        changed
            .missing
            .check(&format!("conditionsChanged/{index}"), changed, &mut found);
        if !seen.insert(changed.condition) {
            found.error(
                FindingCode::Duplicate,
                format!("conditionsChanged/{index}/condition"),
                format!("{} is named twice", changed.condition.code()),
            );
        }
    }
    let mut seen = HashSet::new();
    for (index, term) in record.funding_terms.iter().enumerate() {
        let path = format!("fundingTerms/{index}");
        check_term(&mut found, &path, term);
        term.missing.check(&path, term, &mut found);
        if let Some(identifier) = &term.grant_identifier
            && !seen.insert(identifier)
        {
            found.error(
                FindingCode::Duplicate,
                format!("{path}/grantIdentifier"),
                format!("{identifier} is named twice"),
            );
        }
    }
    check_source(&mut found, &record.source);
    if let Some(sharing) = &record.sharing {
        found.length("sharing/confirmedBy", sharing.confirmed_by.as_deref(), 200);
        found.date("sharing/confirmedOn", sharing.confirmed_on);
        found.length("sharing/basis", sharing.basis.as_deref(), 2_000);
        found.length("sharing/licence", sharing.licence.as_deref(), 200);
    }
    found
}

/// Looks an organisation's own fields over; paths lead into the reference.
pub fn organisation(reference: &OrganisationReference) -> Vec<Finding> {
    let mut found = Findings::default();
    check_organisation(&mut found, "", reference);
    let within = |finding: Finding| Finding {
        path: finding.path.trim_start_matches('/').to_owned(),
        ..finding
    };
    found.errors.into_iter().map(within).collect()
}

fn check_organisation(found: &mut Findings, path: &str, reference: &OrganisationReference) {
    if reference.identifier.is_none() && reference.name.is_none() {
        found.error(FindingCode::Required, path, "needs an identifier or a name");
    }
    let (name, identifier) = (reference.name.as_deref(), reference.identifier.as_deref());
    found.length(&format!("{path}/name"), name, 200);
    found.known(&format!("{path}/name"), name, "name");
    found.length(&format!("{path}/identifier"), identifier, 100);
    found.known(&format!("{path}/identifier"), identifier, "identifier");
}

fn check_term(found: &mut Findings, path: &str, term: &FundingTerm) {
    check_organisation(found, &format!("{path}/funder"), &term.funder);
    found.length(
        &format!("{path}/grantIdentifier"),
        term.grant_identifier.as_deref(),
        200,
    );
    found.known(
        &format!("{path}/grantIdentifier"),
        term.grant_identifier.as_deref(),
        "identifier",
    );
    found.length(&format!("{path}/programme"), term.programme.as_deref(), 300);
    if let Some(currency) = &term.currency
        && !(currency.len() == 3 && currency.bytes().all(|letter| letter.is_ascii_uppercase()))
    {
        found.error(
            FindingCode::InvalidFormat,
            format!("{path}/currency"),
            format!("“{currency}” is not an ISO 4217 code, such as GBP"),
        );
    }
    if term.amount_minor.is_some_and(|amount| amount < 0) {
        found.error(
            FindingCode::OutOfRange,
            format!("{path}/amountMinor"),
            "cannot be negative",
        );
    }
    if term.amount_minor.is_some() && term.currency.is_none() {
        found.error(
            FindingCode::Required,
            format!("{path}/currency"),
            "is needed where an amount is given",
        );
    }
    for (name, date) in [
        ("awardedOn", term.awarded_on),
        ("startsOn", term.starts_on),
        ("endsOn", term.ends_on),
    ] {
        found.date(&format!("{path}/{name}"), date);
    }
    found.in_order(
        &format!("{path}/endsOn"),
        term.starts_on,
        term.ends_on,
        "startsOn",
    );
    if term
        .duration_months
        .is_some_and(|months| !(1..=1_200).contains(&months))
    {
        found.error(
            FindingCode::OutOfRange,
            format!("{path}/durationMonths"),
            "must lie between 1 and 1,200",
        );
    }
    if let (Some(given), Some(dated)) = (term.duration_months, months_between(term.starts_on, term.ends_on))
        && (given - dated).abs() > 1
    {
        found.warning(
            FindingCode::Contradictory,
            format!("{path}/durationMonths"),
            format!("{given} months are given, but the dates make {dated}; what is given is kept"),
        );
    }
    match (term.upfront_research, term.upfront_research_months) {
        (_, Some(months)) if months < 1 => {
            found.error(
                FindingCode::OutOfRange,
                format!("{path}/upfrontResearchMonths"),
                "must be at least 1",
            );
        }
        (Some(false), Some(_)) => {
            found.error(
                FindingCode::Contradictory,
                format!("{path}/upfrontResearchMonths"),
                "are given, but upfrontResearch is false",
            );
        }
        _ => {}
    }
}

fn check_source(found: &mut Findings, source: &Source) {
    found.required("source/title", &source.title, 300);
    found.length("source/url", source.url.as_deref(), 2_000);
    found.date("source/datedOn", source.dated_on);
    found.length("source/licence", source.licence.as_deref(), 200);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    #[test]
    fn words_for_no_answer_are_no_organisation() {
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
    fn words_for_no_answer_are_removed_from_identifiers() {
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
        let why = terms[0].missing.why(FundingTermField::GrantIdentifier);
        assert_eq!(why, Some(MissingReason::NotApplicable));
        assert_eq!(remove_unknown_identifiers(&mut record), []);
    }

    #[test]
    fn months_count_the_last_day() {
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
                months_between(Some(day(first)), Some(day(last))),
                months,
                "{first} to {last}"
            );
        }
        assert_eq!(months_between(None, Some(day("2015-07-01"))), None);
    }

    #[test]
    fn every_problem_is_found_at_once_and_says_where() {
        let mut record: InitiativeRecord = serde_json::from_str(
            r#"{"title": " ", "leadOrganisation": {}, "startedOn": "2020-02-01", "endedOn": "2020-01-01",
                "challengesFaced": [{"challenge": "DEFINING_AMBITIONS"}, {"challenge": "DEFINING_AMBITIONS"}],
                "fundingTerms": [{"funder": {"name": "A"}, "currency": "pounds", "amountMinor": -1,
                    "startsOn": "2020-01-01", "endsOn": "2020-12-31", "durationMonths": 24}],
                "source": {"kind": "SELF_REPORT", "title": "return"}}"#,
        )
        .unwrap();
        tidy(&mut record);
        let found = check(&record);
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
            [Finding::new(
                FindingCode::Contradictory,
                "fundingTerms/0/durationMonths",
                "24 months are given, but the dates make 12; what is given is kept",
            )]
        );
    }
}
