//! Why answers of the example's records are missing. It is counted out, not drawn: what is
//! missing stays what it was.

use wayin_vocabulary::MissingReason;

use wayin_records::fields::{ChallengeField, Field, FundingTermField, RecordField};
use wayin_records::record::InitiativeRecord;

/// The fields of funding terms that people are asked about.
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

/// Says of most answers that the record with this number lacks why it does.
pub fn add_missing_reasons(number: u32, record: &mut InitiativeRecord) {
    let mut next = number;
    let mut why = || {
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
            && let Some(why) = why()
        {
            record.missing.insert(field, why);
        }
    }
    for faced in &mut record.challenges_faced {
        if faced.step.is_none()
            && let Some(why) = why()
        {
            faced.missing.insert(ChallengeField::Step, why);
        }
    }
    for term in &mut record.funding_terms {
        for field in ASKED_FUNDING_TERM_FIELDS {
            // Both dates tell the length.
            let dated = term.starts_on.is_some() && term.ends_on.is_some();
            let follows = field == FundingTermField::DurationMonths && dated;
            if !field.is_given(term)
                && !follows
                && let Some(why) = why()
            {
                term.missing.insert(field, why);
            }
        }
    }
}
