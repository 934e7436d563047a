//! Funding terms as rows of their table: out of a record, into one, and the columns of choices.

use chrono::{DateTime, Utc};
use sea_orm::Value;
use uuid::Uuid;

use super::whole_records::{RebuildResult, missing_answers};
use wayin_entity::funding_term::{Column, Model};
use wayin_records::fields::funding_term::{ChoiceKind, FundingChoice};
use wayin_records::record::{FundingTerm, OrganisationReference};

/// What a row says beside the record.
pub struct RowIdentity {
    /// UUIDv7.
    pub id: Uuid,
    /// The initiative that was paid for.
    pub initiative_id: Uuid,
    /// The position in the record, counted from 1.
    pub position: i32,
    /// The organisation that gave the money.
    pub funder_id: Uuid,
    /// The SHA-256 of the grant that the term was imported from, in hexadecimal.
    pub grant_digest: Option<String>,
    /// When the row was first written (UTC).
    pub created_at: DateTime<Utc>,
    /// When the row was last written (UTC).
    pub updated_at: DateTime<Utc>,
}

/// The row of a term.
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

/// The term of a row.
///
/// # Errors
/// Where the row stores something else than why answers are missing.
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

/// The answers of a choice as its column stores them, in the order of their numbers.
pub fn choice_values(choice: FundingChoice) -> Vec<Value> {
    match choice.kind() {
        ChoiceKind::YesNo(_) => vec![false.into(), true.into()],
        ChoiceKind::Code(code) => {
            let words = code.vocabulary().words().iter();
            words.map(|word| word.code.into()).collect()
        }
    }
}
