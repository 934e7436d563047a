//! Published grants in the 360Giving Data Standard. Each grant becomes a record with one funding term, and its
//! recipient becomes the lead organisation. What the grant does not say stays unknown.

use wayin_entity::{OrganisationKind, SourceKind, Visibility};

use crate::export::grants as export;
use crate::grant_detail::GrantDetail;
use crate::initiative::publish::{Proposal, PublishedGrant};
use crate::place::Gazetteer;
use crate::store::whole_records::place_reference;
use wayin_records::fields::FundingTermField;
use wayin_records::formats::grants::{Grant, Party, WayinTerms};
use wayin_records::missing::MissingReasons;
use wayin_records::record::{FundingTerm, InitiativeRecord, OrganisationReference, Source};

/// The field of the grant, in the standard, that a field of the record comes from.
pub(super) fn field(path: &str) -> String {
    let of_term = path
        .strip_prefix("fundingTerms/")
        .and_then(|path| path.split_once('/'));
    match of_term.map_or(path, |(_, field)| field) {
        "summary" => "description",
        "grantIdentifier" => "id",
        "programme" => "grantProgramme/0/title",
        "amountMinor" => "amountAwarded",
        "awardedOn" => "awardDate",
        "startsOn" => "plannedDates/0/startDate",
        "endsOn" => "plannedDates/0/endDate",
        "durationMonths" => "plannedDates/0/duration",
        "source/url" => "dataSource",
        own if FundingTermField::find_beyond_grant_standard(own).is_some() => return format!("wayin/{own}"),
        missing if missing.starts_with("missing/") => return format!("wayin/{missing}"),
        "source/licence" => "license",
        path => {
            let renamed = [
                ("leadOrganisation", "recipientOrganization/0"),
                ("funder", "fundingOrganization/0"),
            ];
            let renamed = renamed.into_iter().find_map(|(ours, theirs)| {
                let rest = path.strip_prefix(ours)?.replace("/identifier", "/id");
                Some(format!("{theirs}{rest}"))
            });
            return renamed.unwrap_or_else(|| path.to_owned());
        }
    }
    .to_owned()
}

/// Converts a grant to a record. The record says no more than the grant does.
pub fn proposal(grant: &Grant, places: &Gazetteer, licence: Option<&str>) -> Proposal {
    let WayinTerms(own) = grant.wayin_terms.clone().unwrap_or_default();
    let term = FundingTerm {
        funder: named(&grant.funder, Some(OrganisationKind::Funder)),
        grant_identifier: Some(grant.identifier.clone()),
        programme: grant.programme.clone(),
        currency: grant.currency.clone(),
        amount_minor: grant.amount_minor,
        awarded_on: grant.awarded_on,
        starts_on: grant.starts_on,
        ends_on: grant.ends_on,
        duration_months: grant.duration_months,
        ..own
    };
    let record = InitiativeRecord {
        external_ref: None,
        title: grant.title.clone(),
        summary: grant.description.clone(),
        place: GrantDetail::from_grant(grant)
            .find_place(places)
            .map(place_reference),
        lead_organisation: named(&grant.recipient, None),
        started_on: None,
        ended_on: None,
        ongoing: None,
        visibility: Visibility::Open,
        shared_with_funders: false,
        illustrative: false,
        entry_points: Vec::new(),
        challenges_faced: Vec::new(),
        conditions_changed: Vec::new(),
        funding_terms: vec![term],
        source: Source {
            kind: SourceKind::GrantData,
            title: format!("Grants published by {}", grant.funder.name),
            url: grant.data_source.clone(),
            dated_on: None,
            licence: licence.map(ToOwned::to_owned),
        },
        sharing: None,
        missing: MissingReasons::default(),
    };
    Proposal {
        record,
        grant: Some(PublishedGrant {
            digest: grant.digest(),
            detail: GrantDetail::from_grant(grant),
        }),
        corrects: None,
        base_version: None,
        omitted: None,
    }
}

/// The reference of a record to a party of the grant.
pub(super) fn named(party: &Party, kind: Option<OrganisationKind>) -> OrganisationReference {
    OrganisationReference {
        // An identifier that an export generated from the name says no more than the name.
        identifier: party
            .identifier
            .clone()
            .filter(|identifier| !export::is_generated_identifier(identifier)),
        name: Some(party.name.clone()),
        kind,
    }
}
