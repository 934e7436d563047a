//! Adds missing reasons to records. They follow from the number of the record and not from random draws, so that they do
//! not change the other draws.

use wayin_records::fields::{ChallengeField, Field, FundingTermField, RecordField};
use wayin_records::record::InitiativeRecord;
use wayin_vocabulary::MissingReason;

/// The fields of funding terms that can have a missing reason.
const ASKED_FUNDING_TERM_FIELDS: [FundingTermField; 8] = [
    FundingTermField::DurationMonths,
    FundingTermField::IntendedFocus,
    FundingTermField::UpfrontResearch,
    FundingTermField::CollaborationResourced,
    FundingTermField::Restriction,
    FundingTermField::ReportingFrequency,
    FundingTermField::ReportingBasis,
    FundingTermField::DeliveryTimeline,
];

/// Adds a reason to most missing answers of a record.
pub fn add_missing_reasons(number: u32, record: &mut InitiativeRecord) {
    let mut next = number;
    let mut next_reason = || {
        next += 1;
        match next % 10 {
            0..=3 => Some(MissingReason::NotAsked),
            4 | 5 => Some(MissingReason::NoReply),
            6 => Some(MissingReason::Withheld),
            _ => None,
        }
    };
    for field in [RecordField::EntryPoints, RecordField::FundingTerms] {
        if !field.is_given(record)
            && let Some(reason) = next_reason()
        {
            record.missing.insert(field, reason);
        }
    }
    for faced in &mut record.challenges_faced {
        if faced.step.is_none()
            && let Some(reason) = next_reason()
        {
            faced.missing.insert(ChallengeField::Step, reason);
        }
    }
    for term in &mut record.funding_terms {
        for field in ASKED_FUNDING_TERM_FIELDS {
            // The duration follows from both dates.
            let has_dates = term.starts_on.is_some() && term.ends_on.is_some();
            let is_implied = field == FundingTermField::DurationMonths && has_dates;
            if !field.is_given(term)
                && !is_implied
                && let Some(reason) = next_reason()
            {
                term.missing.insert(field, reason);
            }
        }
    }
}
