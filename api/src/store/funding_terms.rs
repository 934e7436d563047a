//! Converts funding terms to rows of their table and back.

use chrono::{DateTime, Utc};
use sea_orm::Value;
use uuid::Uuid;

use super::whole_records::{RebuildResult, missing_answers};
use wayin_entity::funding_term::{Column, Model};
use wayin_records::fields::funding_term::{ChoiceKind, FundingChoice};
use wayin_records::record::{FundingTerm, OrganisationReference};

/// The columns of a row that the record does not contain.
pub struct RowIdentity {
    pub id: Uuid,
    pub initiative_id: Uuid,
    pub position: i32,
    pub funder_id: Uuid,
    pub grant_digest: Option<String>,
    pub created_at: DateTime<Utc>,
    pub updated_at: DateTime<Utc>,
}

pub fn row(term: &FundingTerm, identity: RowIdentity) -> Model {
    Model {
        id: identity.id,
        initiative_id: identity.initiative_id,
        position: identity.position,
        funder_id: identity.funder_id,
        grant_digest: identity.grant_digest,
        grant_identifier: term.grant_identifier.clone(),
        programme: term.programme.clone(),
        currency: term.currency.clone(),
        amount_minor: term.amount_minor,
        awarded_on: term.awarded_on,
        starts_on: term.starts_on,
        ends_on: term.ends_on,
        duration_months: term.duration_months,
        intended_focus: term.intended_focus,
        upfront_research: term.upfront_research,
        upfront_research_months: term.upfront_research_months,
        collaboration_resourced: term.collaboration_resourced,
        restriction: term.restriction,
        reporting_frequency: term.reporting_frequency,
        reporting_basis: term.reporting_basis,
        delivery_timeline: term.delivery_timeline,
        renewable: term.renewable,
        multi_site: term.multi_site,
        missing: term.missing.to_json(),
        created_at: identity.created_at,
        updated_at: identity.updated_at,
    }
}

/// Converts a row to a funding term.
///
/// # Errors
/// Fails if the missing reasons of the row cannot be read.
pub fn record(row: &Model, funder: OrganisationReference) -> RebuildResult<FundingTerm> {
    Ok(FundingTerm {
        funder,
        grant_identifier: row.grant_identifier.clone(),
        programme: row.programme.clone(),
        currency: row.currency.clone(),
        amount_minor: row.amount_minor,
        awarded_on: row.awarded_on,
        starts_on: row.starts_on,
        ends_on: row.ends_on,
        duration_months: row.duration_months,
        intended_focus: row.intended_focus,
        upfront_research: row.upfront_research,
        upfront_research_months: row.upfront_research_months,
        collaboration_resourced: row.collaboration_resourced,
        restriction: row.restriction,
        reporting_frequency: row.reporting_frequency,
        reporting_basis: row.reporting_basis,
        delivery_timeline: row.delivery_timeline,
        renewable: row.renewable,
        multi_site: row.multi_site,
        missing: missing_answers(row.missing.as_ref())?,
    })
}

/// The column of a choice.
pub const fn choice_column(choice: FundingChoice) -> Column {
    match choice {
        FundingChoice::IntendedFocus => Column::IntendedFocus,
        FundingChoice::UpfrontResearch => Column::UpfrontResearch,
        FundingChoice::CollaborationResourced => Column::CollaborationResourced,
        FundingChoice::Restriction => Column::Restriction,
        FundingChoice::ReportingFrequency => Column::ReportingFrequency,
        FundingChoice::ReportingBasis => Column::ReportingBasis,
        FundingChoice::DeliveryTimeline => Column::DeliveryTimeline,
        FundingChoice::Renewable => Column::Renewable,
        FundingChoice::MultiSite => Column::MultiSite,
    }
}

/// The codes of a choice as its column stores them, in the order of their numbers.
pub fn choice_values(choice: FundingChoice) -> Vec<Value> {
    match choice.kind() {
        ChoiceKind::YesNo(_) => vec![false.into(), true.into()],
        ChoiceKind::Code(code) => {
            let words = code.vocabulary().words().iter();
            words.map(|word| word.code.into()).collect()
        }
    }
}
