//! The parts of a record as GraphQL objects.

use async_graphql::{Context, ID, Object, Result, SimpleObject};
use serde_json::Value;
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Condition as ConditionForChange,
    DeliveryTimeline, EntryPoint, MissingReason, Perspective, ReportingBasis, ReportingFrequency,
    Restriction, SourceKind, challenge_faced, condition_changed, entry_point_taken, funding_term, source,
};

use super::loads::InitiativeById;
use super::{Initiative, Organisation};
use crate::error::Error;
use crate::graphql::comparison::Date;
use crate::graphql::{comparison::BigInt, loader};
use crate::id::NodeKind;
use crate::organisation::loaders::OrganisationById;
use wayin_records::fields::{ChallengeField, ConditionField, EntryPointField, Field, FundingTermField};
use wayin_records::missing::Missing;

/// The confirmation that a record may be shared.
#[derive(SimpleObject)]
pub struct SharingConsent {
    /// Who confirmed it; null where not said.
    pub confirmed_by: Option<String>,
    /// When; null where not said.
    pub confirmed_on: Option<Date>,
    /// On what basis; null where not said.
    pub basis: Option<String>,
    /// Under which licence it may be reused; null where not said.
    pub licence: Option<String>,
}

/// A field of a record, or of a part of one, that has no answer, and why.
#[derive(SimpleObject)]
pub struct MissingAnswer {
    /// The field's name, as records have it, such as `durationMonths`.
    field: &'static str,
    /// Why it has no answer.
    reason: MissingReason,
}

impl MissingAnswer {
    /// What the tables keep of a part's missing answers.
    pub fn all_of<F: Field>(kept: Option<&Value>) -> Result<Vec<Self>> {
        let missing = Missing::<F>::of_kept(kept)?;
        Ok(missing
            .each()
            .map(|(field, reason)| Self {
                field: field.name(),
                reason,
            })
            .collect())
    }
}

/// An entry point that an initiative took.
#[derive(Clone, Debug)]
pub struct EntryPointTaken(pub entry_point_taken::Model);

/// An entry point that an initiative took.
#[Object]
impl EntryPointTaken {
    /// Counts from 1 within the perspective; 1 is the way in.
    async fn position(&self) -> i32 {
        self.0.position
    }

    /// The entry point.
    async fn entry_point(&self) -> EntryPoint {
        self.0.entry_point
    }

    /// Whose view it is.
    async fn perspective(&self) -> Perspective {
        self.0.perspective
    }

    /// The day it was taken; null where not known.
    async fn taken_on(&self) -> Option<Date> {
        self.0.taken_on.map(Date)
    }

    /// Why it was taken; null where not known.
    async fn motivation(&self) -> Option<&str> {
        self.0.motivation.as_deref()
    }

    /// Why answers of it are missing, for each field of which that is said.
    async fn missing(&self) -> Result<Vec<MissingAnswer>> {
        MissingAnswer::all_of::<EntryPointField>(self.0.missing.as_ref())
    }
}

/// A challenge that an initiative met.
#[derive(Clone, Debug)]
pub struct ChallengeFaced {
    /// The row.
    pub row: challenge_faced::Model,
    /// Why its step went as it did.
    pub reasons: Vec<ChallengeReason>,
}

/// A challenge that an initiative met.
#[Object]
impl ChallengeFaced {
    /// The challenge.
    async fn challenge(&self) -> Challenge {
        self.row.challenge
    }

    /// What became of its step; null where not known.
    async fn step(&self) -> Option<ChallengeStep> {
        self.row.step
    }

    /// Why; empty where no reason is given.
    async fn reasons(&self) -> &[ChallengeReason] {
        &self.reasons
    }

    /// What happened; null where nothing is said.
    async fn note(&self) -> Option<&str> {
        self.row.note.as_deref()
    }

    /// The day it was noticed; null where not known.
    async fn noticed_on(&self) -> Option<Date> {
        self.row.noticed_on.map(Date)
    }

    /// Whose view it is; null where not known.
    async fn perspective(&self) -> Option<Perspective> {
        self.row.perspective
    }

    /// Why answers of it are missing, for each field of which that is said.
    async fn missing(&self) -> Result<Vec<MissingAnswer>> {
        MissingAnswer::all_of::<ChallengeField>(self.row.missing.as_ref())
    }
}

/// What became of a condition for change.
#[derive(Clone, Debug)]
pub struct ConditionChanged(pub condition_changed::Model);

/// What became of a condition for change.
#[Object]
impl ConditionChanged {
    /// The condition for change.
    async fn condition(&self) -> ConditionForChange {
        self.0.condition
    }

    /// What became of it; null where not known.
    async fn change(&self) -> Option<ChangeExtent> {
        self.0.change
    }

    /// Why answers of it are missing, for each field of which that is said.
    async fn missing(&self) -> Result<Vec<MissingAnswer>> {
        MissingAnswer::all_of::<ConditionField>(self.0.missing.as_ref())
    }
}

/// The terms that one sum of money came with.
#[derive(Clone, Debug)]
pub struct FundingTerm(pub funding_term::Model);

/// The terms that one sum of money came with.
#[Object]
impl FundingTerm {
    /// The global id.
    pub async fn id(&self) -> ID {
        NodeKind::FundingTerm.id(self.0.id).into()
    }

    /// The initiative that was paid for.
    async fn initiative(&self, ctx: &Context<'_>) -> Result<Option<Initiative>> {
        Ok(loader::of(ctx)
            .load_one(InitiativeById(self.0.initiative_id))
            .await?
            .map(Initiative))
    }

    /// The organisation that gave the money.
    async fn funder(&self, ctx: &Context<'_>) -> Result<Organisation> {
        let funder = loader::of(ctx)
            .load_one(OrganisationById(self.0.funder_id))
            .await?;
        let missing = || Error::Internal(format!("funder {} is not there", self.0.funder_id));
        Ok(Organisation(funder.ok_or_else(missing)?))
    }

    /// The 360Giving grant identifier; null where none is known.
    async fn grant_identifier(&self) -> Option<&str> {
        self.0.grant_identifier.as_deref()
    }

    /// The funder's programme; null where not known.
    async fn programme(&self) -> Option<&str> {
        self.0.programme.as_deref()
    }

    /// The ISO 4217 code of the money; null where not known.
    async fn currency(&self) -> Option<&str> {
        self.0.currency.as_deref()
    }

    /// The amount in the currency's minor unit, such as pence; null where not known.
    async fn amount_minor(&self) -> Option<BigInt> {
        self.0.amount_minor.map(BigInt)
    }

    /// The day the decision was made; null where not known.
    async fn awarded_on(&self) -> Option<Date> {
        self.0.awarded_on.map(Date)
    }

    /// The planned first day; null where not known.
    async fn starts_on(&self) -> Option<Date> {
        self.0.starts_on.map(Date)
    }

    /// The planned last day; null where not known.
    async fn ends_on(&self) -> Option<Date> {
        self.0.ends_on.map(Date)
    }

    /// The length in whole months: as given, else from both dates, the last day included; null where neither is known.
    async fn duration_months(&self) -> Option<i32> {
        self.0.duration_months
    }

    /// The entry point that the funder meant to fund; null where not known.
    async fn intended_focus(&self) -> Option<EntryPoint> {
        self.0.intended_focus
    }

    /// Whether research before the work was paid for; null where not known.
    async fn upfront_research(&self) -> Option<bool> {
        self.0.upfront_research
    }

    /// How many months of it; null where not known or none.
    async fn upfront_research_months(&self) -> Option<i32> {
        self.0.upfront_research_months
    }

    /// Whether the extra time and resource of working together was paid for; null where not known.
    async fn collaboration_resourced(&self) -> Option<bool> {
        self.0.collaboration_resourced
    }

    /// Whether the money may be used for anything; null where not known.
    async fn restriction(&self) -> Option<Restriction> {
        self.0.restriction
    }

    /// How often the funder asks for a report; null where not known.
    async fn reporting_frequency(&self) -> Option<ReportingFrequency> {
        self.0.reporting_frequency
    }

    /// What is reported on; null where not known.
    async fn reporting_basis(&self) -> Option<ReportingBasis> {
        self.0.reporting_basis
    }

    /// Whether the plan may move; null where not known.
    async fn delivery_timeline(&self) -> Option<DeliveryTimeline> {
        self.0.delivery_timeline
    }

    /// Whether the funding may be renewed; null where not known.
    async fn renewable(&self) -> Option<bool> {
        self.0.renewable
    }

    /// Whether the money also pays for work in other places; null where not known.
    async fn multi_site(&self) -> Option<bool> {
        self.0.multi_site
    }

    /// Why answers of it are missing, for each field of which that is said.
    async fn missing(&self) -> Result<Vec<MissingAnswer>> {
        MissingAnswer::all_of::<FundingTermField>(self.0.missing.as_ref())
    }
}

/// Where a record's content comes from.
#[derive(Clone, Debug)]
pub struct Source(pub source::Model);

/// Where a record's content comes from.
#[Object]
impl Source {
    /// The global id.
    pub async fn id(&self) -> ID {
        NodeKind::Source.id(self.0.id).into()
    }

    /// What sort of source it is.
    async fn kind(&self) -> SourceKind {
        self.0.kind
    }

    /// What it is called.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// Where it can be read; null where not known.
    async fn url(&self) -> Option<&str> {
        self.0.url.as_deref()
    }

    /// The day it bears; null where not known.
    async fn dated_on(&self) -> Option<Date> {
        self.0.dated_on.map(Date)
    }

    /// The licence it may be reused under; null where it states none.
    async fn licence(&self) -> Option<&str> {
        self.0.licence.as_deref()
    }
}
