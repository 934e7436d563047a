//! The parts of a record as GraphQL types.

use std::sync::Arc;

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use serde_json::Value;
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition as ConditionForChange,
    DeliveryTimeline, EntryPoint, MissingReason, Perspective, ReportingBasis, ReportingFrequency,
    Restriction, SourceKind, condition_changed, entry_point_taken, funding_term, source,
};

use super::loaders::InitiativeById;
use super::{Initiative, Organisation};
use crate::error::Error;
use crate::graphql::comparison::Date;
use crate::graphql::{comparison::BigInt, loader};
use crate::id::NodeKind;
use crate::organisation::loaders::OrganisationById;
use crate::store::whole_records::ChallengeRow;
use wayin_records::fields::{ChallengeField, ConditionField, EntryPointField, Field, FundingTermField};
use wayin_records::missing::MissingReasons;

/// The confirmation that a record can be shared.
#[derive(SimpleObject)]
pub struct SharingConsent {
    /// Who confirmed it. Null if not recorded.
    pub confirmed_by: Option<String>,
    /// The day it was confirmed. Null if not recorded.
    pub confirmed_on: Option<Date>,
    /// The basis on which the record can be shared. Null if not recorded.
    pub basis: Option<String>,
    /// The licence under which the record can be reused. Null if not recorded.
    pub licence: Option<String>,
}

/// A field without an answer, and the reason why.
#[derive(SimpleObject)]
pub struct MissingAnswer {
    /// The name of the field, such as `durationMonths`.
    field: &'static str,
    /// Why the answer is missing.
    reason: MissingReason,
}

impl MissingAnswer {
    /// Reads the missing reasons from the column of a part.
    pub fn list_from_json<F: Field>(kept: Option<&Value>) -> Result<Vec<Self>> {
        let missing = MissingReasons::<F>::from_json(kept)?;
        Ok(missing
            .iter()
            .map(|(field, reason)| Self {
                field: field.name(),
                reason,
            })
            .collect())
    }
}

/// An entry point that an initiative took.
#[derive(Clone, Debug)]
pub struct EntryPointTaken(pub Arc<entry_point_taken::Model>);

/// An entry point that an initiative took.
#[Object]
impl EntryPointTaken {
    /// The position within the perspective, from 1. Position 1 is the way in.
    async fn position(&self) -> i32 {
        self.0.position
    }

    /// The entry point.
    async fn entry_point(&self) -> EntryPoint {
        self.0.entry_point
    }

    /// Whose view this is.
    async fn perspective(&self) -> Perspective {
        self.0.perspective
    }

    /// The day the entry point was taken. Null if not known.
    async fn taken_on(&self) -> Option<Date> {
        self.0.taken_on.map(Date)
    }

    /// Why the entry point was taken. Null if not known.
    async fn motivation(&self) -> Option<&str> {
        self.0.motivation.as_deref()
    }

    /// Why answers in this object are missing, with one entry for each field that has a reason.
    async fn missing(&self) -> Result<Vec<MissingAnswer>> {
        MissingAnswer::list_from_json::<EntryPointField>(self.0.missing.as_ref())
    }
}

/// A challenge that an initiative faced.
#[derive(Clone, Debug)]
pub struct ChallengeFaced(pub Arc<ChallengeRow>);

/// A challenge that an initiative faced.
#[Object]
impl ChallengeFaced {
    /// The challenge.
    async fn challenge(&self) -> Challenge {
        self.0.row.challenge
    }

    /// Whether the initiative took the step that the challenge asks for. Null if not known.
    async fn step(&self) -> Option<ChallengeStep> {
        self.0.row.step
    }

    /// Why the step was rushed or skipped. Empty if no reason is recorded.
    async fn reasons(&self) -> &[ChallengeReason] {
        &self.0.reasons
    }

    /// What happened. Null if not recorded.
    async fn note(&self) -> Option<&str> {
        self.0.row.note.as_deref()
    }

    /// The day the challenge was noticed. Null if not known.
    async fn noticed_on(&self) -> Option<Date> {
        self.0.row.noticed_on.map(Date)
    }

    /// Whose view this is. Null if not known.
    async fn perspective(&self) -> Option<Perspective> {
        self.0.row.perspective
    }

    /// Why answers in this object are missing, with one entry for each field that has a reason.
    async fn missing(&self) -> Result<Vec<MissingAnswer>> {
        MissingAnswer::list_from_json::<ChallengeField>(self.0.row.missing.as_ref())
    }
}

/// How far a condition for change was altered.
#[derive(Clone, Debug)]
pub struct ConditionChanged(pub Arc<condition_changed::Model>);

/// How far a condition for change was altered.
#[Object]
impl ConditionChanged {
    /// The condition for change.
    async fn condition(&self) -> ConditionForChange {
        self.0.condition
    }

    /// How far the condition was altered. Null if not known.
    async fn change(&self) -> Option<ChangeExtent> {
        self.0.change
    }

    /// Why answers in this object are missing, with one entry for each field that has a reason.
    async fn missing(&self) -> Result<Vec<MissingAnswer>> {
        MissingAnswer::list_from_json::<ConditionField>(self.0.missing.as_ref())
    }
}

/// The terms of one sum of funding.
#[derive(Clone, Debug)]
pub struct FundingTerm(pub Arc<funding_term::Model>);

/// The terms of one sum of funding.
#[Object]
impl FundingTerm {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::FundingTerm.encode_id(self.0.id).into()
    }

    /// The initiative that was funded.
    async fn initiative(&self, ctx: &Context<'_>) -> Result<Option<Initiative>> {
        Ok(loader::operation_loader(ctx)
            .load_one(InitiativeById(self.0.initiative_id))
            .await?
            .map(Initiative::new))
    }

    /// The organisation that gave the money.
    async fn funder(&self, ctx: &Context<'_>) -> Result<Organisation> {
        let funder = loader::operation_loader(ctx)
            .load_one(OrganisationById(self.0.funder_id))
            .await?;
        let missing = || Error::Internal(format!("funder {} does not exist", self.0.funder_id));
        Ok(Organisation(funder.ok_or_else(missing)?))
    }

    /// The 360Giving grant identifier. Null if not known.
    async fn grant_identifier(&self) -> Option<&str> {
        self.0.grant_identifier.as_deref()
    }

    /// The funder's programme. Null if not known.
    async fn programme(&self) -> Option<&str> {
        self.0.programme.as_deref()
    }

    /// The ISO 4217 code of the currency. Null if not known.
    async fn currency(&self) -> Option<&str> {
        self.0.currency.as_deref()
    }

    /// The amount in the currency's minor unit, such as pence. Null if not known.
    async fn amount_minor(&self) -> Option<BigInt> {
        self.0.amount_minor.map(BigInt)
    }

    /// The day the grant was awarded. Null if not known.
    async fn awarded_on(&self) -> Option<Date> {
        self.0.awarded_on.map(Date)
    }

    /// The planned first day. Null if not known.
    async fn starts_on(&self) -> Option<Date> {
        self.0.starts_on.map(Date)
    }

    /// The planned last day. Null if not known.
    async fn ends_on(&self) -> Option<Date> {
        self.0.ends_on.map(Date)
    }

    /// The length in whole months, as recorded. If it is not recorded, it is computed from both dates,
    /// including the last day. Null if neither is known.
    async fn duration_months(&self) -> Option<i32> {
        self.0.duration_months
    }

    /// The entry point that the funder intended to fund. Null if not known.
    async fn intended_focus(&self) -> Option<EntryPoint> {
        self.0.intended_focus
    }

    /// Whether the money paid for research before the work. Null if not known.
    async fn upfront_research(&self) -> Option<bool> {
        self.0.upfront_research
    }

    /// The number of months of research before the work. Null if not known, or if there was none.
    async fn upfront_research_months(&self) -> Option<i32> {
        self.0.upfront_research_months
    }

    /// Whether the money paid for the extra time and resources that collaboration takes. Null if not known.
    async fn collaboration_resourced(&self) -> Option<bool> {
        self.0.collaboration_resourced
    }

    /// Whether the money can be used for any purpose. Null if not known.
    async fn restriction(&self) -> Option<Restriction> {
        self.0.restriction
    }

    /// How often the funder requires a report. Null if not known.
    async fn reporting_frequency(&self) -> Option<ReportingFrequency> {
        self.0.reporting_frequency
    }

    /// What the funder requires reports on. Null if not known.
    async fn reporting_basis(&self) -> Option<ReportingBasis> {
        self.0.reporting_basis
    }

    /// Whether the delivery timeline can change. Null if not known.
    async fn delivery_timeline(&self) -> Option<DeliveryTimeline> {
        self.0.delivery_timeline
    }

    /// Whether the funding can be renewed. Null if not known.
    async fn renewable(&self) -> Option<bool> {
        self.0.renewable
    }

    /// Whether the money also pays for work in other places. Null if not known.
    async fn multi_site(&self) -> Option<bool> {
        self.0.multi_site
    }

    /// Why answers in this object are missing, with one entry for each field that has a reason.
    async fn missing(&self) -> Result<Vec<MissingAnswer>> {
        MissingAnswer::list_from_json::<FundingTermField>(self.0.missing.as_ref())
    }
}

/// A source of a record.
#[derive(Clone, Debug)]
pub struct Source(pub Arc<source::Model>);

/// A source of a record.
#[Object]
impl Source {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Source.encode_id(self.0.id).into()
    }

    /// A kind of source.
    async fn kind(&self) -> SourceKind {
        self.0.kind
    }

    /// The title.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// The URL of the source. Null if not known.
    async fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// The date of the source. Null if not known.
    async fn dated_on(&self) -> Option<Date> {
        self.0.dated_on.map(Date)
    }

    /// The licence under which the source can be reused. Null if it states none.
    async fn licence(&self) -> Option<&str> {
        self.0.licence.as_deref()
    }
}
