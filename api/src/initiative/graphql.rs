//! Initiatives over GraphQL. What one may not read does not show: a record that
//! one may only count is null, and of one that its funder may read in part the
//! rest is null or empty.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Object, Result, dataloader::Loader};
use chrono::{DateTime, NaiveDate, Utc};
use sea_orm::{
    ColumnTrait, EntityTrait, ExprTrait as _, QueryFilter, QueryOrder, Select,
    sea_query::{Expr, Query, SelectStatement},
};
use uuid::Uuid;
use wayin_entity::{
    Challenge, Change, Condition as ConditionForChange, DeliveryTimeline, EntryPoint, Perspective, Reason,
    ReportingBasis, ReportingFrequency, Restriction, SourceKind, Step, Visibility, challenge_faced,
    challenge_reason, condition_changed, entry_point_taken, funding_term, initiative, initiative_source,
    source,
};

use super::filter_input::{InitiativeFilter, Lookup};
use super::{InitiativeOrdering, SortedBy, filter, visible_to};
use crate::error::Error;
use crate::graphql::{
    app,
    comparison::BigInt,
    connection::{Connection, TotalCount, connection},
    decode,
    error::Shared,
    loader::{self, Loads},
    reader,
};
use crate::id::NodeKind;
use crate::organisation::graphql::{Organisation, OrganisationById};
use crate::paging::{self, Page, PageArguments, PageRequest};
use crate::place::graphql::{Direction, Place, PlaceById, initiatives_in};

/// The work of a place to change its system, as it is published.
#[derive(Clone, Debug)]
pub struct Initiative(pub initiative::Model);

impl Initiative {
    /// Whether the one who asks may read the whole of it. What is on the page was
    /// chosen for them already; only of an `AGGREGATE_ONLY` record may that be a part.
    async fn whole(&self, ctx: &Context<'_>) -> Result<bool> {
        let reader = reader(ctx)?;
        let row = &self.0;
        let leads = reader.organisation() == Some(row.lead_organisation_id);
        // Only those that are shared with funders hang on who funds them.
        let funds = row.shared_with_funders
            && !reader.reads_whole(row.visibility, row.shared_with_funders, leads, false)
            && match reader.organisation() {
                Some(organisation) => {
                    let terms = loader::of(ctx)
                        .load_one(TermsOf(row.id))
                        .await?
                        .unwrap_or_default();
                    terms.iter().any(|term| term.funder_id == organisation)
                }
                None => false,
            };
        Ok(reader.reads_whole(row.visibility, row.shared_with_funders, leads, funds))
    }

    async fn if_whole<T>(&self, ctx: &Context<'_>, value: Option<T>) -> Result<Option<T>> {
        Ok(if self.whole(ctx).await? { value } else { None })
    }
}

#[Object]
impl Initiative {
    /// The global id.
    pub async fn id(&self) -> ID {
        NodeKind::Initiative.id(self.0.id).into()
    }

    /// What it is called.
    async fn title(&self) -> &str {
        &self.0.title
    }

    /// The place it works in; null where that is not known.
    async fn place(&self, ctx: &Context<'_>) -> Result<Option<Place>> {
        let Some(id) = self.0.place_id else {
            return Ok(None);
        };
        Ok(loader::of(ctx).load_one(PlaceById(id)).await?.map(Place))
    }

    /// Whether you may read the whole record; where not, only title, place and your own funding terms show.
    async fn readable_whole(&self, ctx: &Context<'_>) -> Result<bool> {
        self.whole(ctx).await
    }

    /// What it does; null where not known, or not yours to see.
    async fn summary(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        self.if_whole(ctx, self.0.summary.as_deref()).await
    }

    /// The organisation that leads it; null where it is not yours to see.
    async fn lead_organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        if !self.whole(ctx).await? {
            return Ok(None);
        }
        Ok(loader::of(ctx)
            .load_one(OrganisationById(self.0.lead_organisation_id))
            .await?
            .map(Organisation))
    }

    /// The lead organisation's own id for it; null where it has none, or it is not yours to see.
    async fn external_ref(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        self.if_whole(ctx, self.0.external_ref.as_deref()).await
    }

    /// The day it started; null where not known, or not yours to see.
    async fn started_on(&self, ctx: &Context<'_>) -> Result<Option<NaiveDate>> {
        self.if_whole(ctx, self.0.started_on).await
    }

    /// The day it ended; null where not known, where it goes on, or where it is not yours to see.
    async fn ended_on(&self, ctx: &Context<'_>) -> Result<Option<NaiveDate>> {
        self.if_whole(ctx, self.0.ended_on).await
    }

    /// Whether it goes on, for one without an end; null where not known, or not yours to see.
    async fn ongoing(&self, ctx: &Context<'_>) -> Result<Option<bool>> {
        self.if_whole(ctx, self.0.ongoing).await
    }

    /// Who may read the record.
    async fn visibility(&self) -> Visibility {
        self.0.visibility
    }

    /// Whether its funders may read the whole of it; null where it is not yours to see.
    async fn shared_with_funders(&self, ctx: &Context<'_>) -> Result<Option<bool>> {
        self.if_whole(ctx, Some(self.0.shared_with_funders)).await
    }

    /// Whether it was made up to show how Wayin works, and is no evidence.
    async fn illustrative(&self) -> bool {
        self.0.illustrative
    }

    /// Counts the publications of the record, from 1; null where it is not yours to see.
    async fn version(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        self.if_whole(ctx, Some(self.0.version)).await
    }

    /// When it was first published (UTC); null where it is not yours to see.
    async fn published_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        self.if_whole(ctx, Some(self.0.published_at)).await
    }

    /// The entry points that it took, in order within each perspective; empty where none is recorded, or they are not yours to see.
    async fn entry_points(&self, ctx: &Context<'_>) -> Result<Vec<EntryPointTaken>> {
        if !self.whole(ctx).await? {
            return Ok(Vec::new());
        }
        let rows = loader::of(ctx)
            .load_one(EntryPointsOf(self.0.id))
            .await?
            .unwrap_or_default();
        Ok(rows.into_iter().map(EntryPointTaken).collect())
    }

    /// The challenges that it met; empty where none is recorded, or they are not yours to see.
    async fn challenges_faced(&self, ctx: &Context<'_>) -> Result<Vec<ChallengeFaced>> {
        if !self.whole(ctx).await? {
            return Ok(Vec::new());
        }
        Ok(loader::of(ctx)
            .load_one(ChallengesOf(self.0.id))
            .await?
            .unwrap_or_default())
    }

    /// What became of the conditions for change; empty where none is recorded, or they are not yours to see.
    async fn conditions_changed(&self, ctx: &Context<'_>) -> Result<Vec<ConditionChanged>> {
        if !self.whole(ctx).await? {
            return Ok(Vec::new());
        }
        let rows = loader::of(ctx)
            .load_one(ConditionsOf(self.0.id))
            .await?
            .unwrap_or_default();
        Ok(rows.into_iter().map(ConditionChanged).collect())
    }

    /// The terms that its money came with; empty where none is recorded. A funder that may read
    /// the record in part reads its own terms alone.
    async fn funding_terms(&self, ctx: &Context<'_>) -> Result<Vec<FundingTerm>> {
        let whole = self.whole(ctx).await?;
        let own = reader(ctx)?.organisation();
        let terms = loader::of(ctx)
            .load_one(TermsOf(self.0.id))
            .await?
            .unwrap_or_default();
        Ok(terms
            .into_iter()
            .filter(|term| whole || own == Some(term.funder_id))
            .map(FundingTerm)
            .collect())
    }

    /// Where the record's content comes from; empty where it is not yours to see.
    async fn sources(&self, ctx: &Context<'_>) -> Result<Vec<Source>> {
        if !self.whole(ctx).await? {
            return Ok(Vec::new());
        }
        let rows = loader::of(ctx)
            .load_one(SourcesOf(self.0.id))
            .await?
            .unwrap_or_default();
        Ok(rows.into_iter().map(Source).collect())
    }

    /// The confirmation that the record may be shared; null where there is none, or it is not yours to see.
    async fn sharing(&self, ctx: &Context<'_>) -> Result<Option<Sharing>> {
        let row = &self.0;
        let said = row.sharing_confirmed_by.is_some()
            || row.sharing_confirmed_on.is_some()
            || row.sharing_basis.is_some()
            || row.sharing_licence.is_some();
        let sharing = said.then(|| Sharing {
            confirmed_by: row.sharing_confirmed_by.clone(),
            confirmed_on: row.sharing_confirmed_on,
            basis: row.sharing_basis.clone(),
            licence: row.sharing_licence.clone(),
        });
        self.if_whole(ctx, sharing).await
    }
}

/// The confirmation that a record may be shared.
#[derive(async_graphql::SimpleObject)]
pub struct Sharing {
    /// Who confirmed it; null where not said.
    confirmed_by: Option<String>,
    /// When; null where not said.
    confirmed_on: Option<NaiveDate>,
    /// On what basis; null where not said.
    basis: Option<String>,
    /// Under which licence it may be reused; null where not said.
    licence: Option<String>,
}

/// An entry point that an initiative took.
#[derive(Clone, Debug)]
pub struct EntryPointTaken(entry_point_taken::Model);

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
    async fn taken_on(&self) -> Option<NaiveDate> {
        self.0.taken_on
    }

    /// Why it was taken; null where not known.
    async fn motivation(&self) -> Option<&str> {
        self.0.motivation.as_deref()
    }
}

/// A challenge that an initiative met.
#[derive(Clone, Debug)]
pub struct ChallengeFaced {
    row: challenge_faced::Model,
    reasons: Vec<Reason>,
}

#[Object]
impl ChallengeFaced {
    /// The challenge.
    async fn challenge(&self) -> Challenge {
        self.row.challenge
    }

    /// What became of its step; null where not known.
    async fn step(&self) -> Option<Step> {
        self.row.step
    }

    /// Why; empty where no reason is given.
    async fn reasons(&self) -> &[Reason] {
        &self.reasons
    }

    /// What happened; null where nothing is said.
    async fn note(&self) -> Option<&str> {
        self.row.note.as_deref()
    }

    /// The day it was noticed; null where not known.
    async fn noticed_on(&self) -> Option<NaiveDate> {
        self.row.noticed_on
    }

    /// Whose view it is; null where not known.
    async fn perspective(&self) -> Option<Perspective> {
        self.row.perspective
    }
}

/// What became of a condition for change.
#[derive(Clone, Debug)]
pub struct ConditionChanged(condition_changed::Model);

#[Object]
impl ConditionChanged {
    /// The condition for change.
    async fn condition(&self) -> ConditionForChange {
        self.0.condition
    }

    /// What became of it; null where not known.
    async fn change(&self) -> Option<Change> {
        self.0.change
    }
}

/// The terms that one sum of money came with.
#[derive(Clone, Debug)]
pub struct FundingTerm(pub funding_term::Model);

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
    async fn awarded_on(&self) -> Option<NaiveDate> {
        self.0.awarded_on
    }

    /// The planned first day; null where not known.
    async fn starts_on(&self) -> Option<NaiveDate> {
        self.0.starts_on
    }

    /// The planned last day; null where not known.
    async fn ends_on(&self) -> Option<NaiveDate> {
        self.0.ends_on
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
}

/// Where a record's content comes from.
#[derive(Clone, Debug)]
pub struct Source(pub source::Model);

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
    async fn dated_on(&self) -> Option<NaiveDate> {
        self.0.dated_on
    }

    /// The licence it may be reused under; null where it states none.
    async fn licence(&self) -> Option<&str> {
        self.0.licence.as_deref()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct EntryPointsOf(Uuid);

impl Loader<EntryPointsOf> for Loads {
    type Value = Vec<entry_point_taken::Model>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[EntryPointsOf],
    ) -> Result<HashMap<EntryPointsOf, Vec<entry_point_taken::Model>>, Shared> {
        let rows = entry_point_taken::Entity::find()
            .filter(entry_point_taken::Column::InitiativeId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(entry_point_taken::Column::Position)
            .all(&self.db)
            .await?;
        let mut found: HashMap<EntryPointsOf, Vec<entry_point_taken::Model>> = HashMap::new();
        for row in rows {
            found
                .entry(EntryPointsOf(row.initiative_id))
                .or_default()
                .push(row);
        }
        // Perspectives in the vocabulary's order, positions within them.
        found
            .values_mut()
            .for_each(|rows| rows.sort_by_key(|row| (row.perspective, row.position)));
        Ok(found)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ChallengesOf(Uuid);

impl Loader<ChallengesOf> for Loads {
    type Value = Vec<ChallengeFaced>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[ChallengesOf],
    ) -> Result<HashMap<ChallengesOf, Vec<ChallengeFaced>>, Shared> {
        let rows = challenge_faced::Entity::find()
            .filter(challenge_faced::Column::InitiativeId.is_in(keys.iter().map(|key| key.0)))
            .all(&self.db)
            .await?;
        let mut reasons: HashMap<Uuid, Vec<Reason>> = HashMap::new();
        for row in challenge_reason::Entity::find()
            .filter(challenge_reason::Column::ChallengeFacedId.is_in(rows.iter().map(|row| row.id)))
            .all(&self.db)
            .await?
        {
            reasons
                .entry(row.challenge_faced_id)
                .or_default()
                .push(row.reason);
        }
        let mut found: HashMap<ChallengesOf, Vec<ChallengeFaced>> = HashMap::new();
        for row in rows {
            let mut reasons = reasons.remove(&row.id).unwrap_or_default();
            reasons.sort_unstable();
            found
                .entry(ChallengesOf(row.initiative_id))
                .or_default()
                .push(ChallengeFaced { row, reasons });
        }
        found
            .values_mut()
            .for_each(|faced| faced.sort_by_key(|one| one.row.challenge));
        Ok(found)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct ConditionsOf(Uuid);

impl Loader<ConditionsOf> for Loads {
    type Value = Vec<condition_changed::Model>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[ConditionsOf],
    ) -> Result<HashMap<ConditionsOf, Vec<condition_changed::Model>>, Shared> {
        let rows = condition_changed::Entity::find()
            .filter(condition_changed::Column::InitiativeId.is_in(keys.iter().map(|key| key.0)))
            .all(&self.db)
            .await?;
        let mut found: HashMap<ConditionsOf, Vec<condition_changed::Model>> = HashMap::new();
        for row in rows {
            found
                .entry(ConditionsOf(row.initiative_id))
                .or_default()
                .push(row);
        }
        found
            .values_mut()
            .for_each(|rows| rows.sort_by_key(|row| row.condition));
        Ok(found)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct TermsOf(Uuid);

impl Loader<TermsOf> for Loads {
    type Value = Vec<funding_term::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[TermsOf]) -> Result<HashMap<TermsOf, Vec<funding_term::Model>>, Shared> {
        let rows = funding_term::Entity::find()
            .filter(funding_term::Column::InitiativeId.is_in(keys.iter().map(|key| key.0)))
            .order_by_asc(funding_term::Column::Position)
            .all(&self.db)
            .await?;
        let mut found: HashMap<TermsOf, Vec<funding_term::Model>> = HashMap::new();
        for row in rows {
            found.entry(TermsOf(row.initiative_id)).or_default().push(row);
        }
        Ok(found)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct SourcesOf(Uuid);

impl Loader<SourcesOf> for Loads {
    type Value = Vec<source::Model>;
    type Error = Shared;

    async fn load(&self, keys: &[SourcesOf]) -> Result<HashMap<SourcesOf, Vec<source::Model>>, Shared> {
        let rows = initiative_source::Entity::find()
            .filter(initiative_source::Column::InitiativeId.is_in(keys.iter().map(|key| key.0)))
            .find_also_related(source::Entity)
            .order_by_asc(source::Column::Title)
            .order_by_asc(source::Column::Id)
            .all(&self.db)
            .await?;
        let mut found: HashMap<SourcesOf, Vec<source::Model>> = HashMap::new();
        for (link, source) in rows {
            found
                .entry(SourcesOf(link.initiative_id))
                .or_default()
                .extend(source);
        }
        Ok(found)
    }
}

/// Loads an initiative by its id, where the reader may read at least a part of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct InitiativeById(pub Uuid);

impl Loader<InitiativeById> for Loads {
    type Value = initiative::Model;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[InitiativeById],
    ) -> Result<HashMap<InitiativeById, initiative::Model>, Shared> {
        let reader = self.reader()?;
        let rows = visible_to(reader, true)
            .filter(initiative::Column::Id.is_in(keys.iter().map(|key| key.0)))
            .all(&self.db)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (InitiativeById(row.id), row))
            .collect())
    }
}

/// Loads a funding term by its id, where the reader may read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FundingTermById(pub Uuid);

impl Loader<FundingTermById> for Loads {
    type Value = funding_term::Model;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[FundingTermById],
    ) -> Result<HashMap<FundingTermById, funding_term::Model>, Shared> {
        let reader = self.reader()?;
        let rows = super::terms_visible_to(reader)
            .filter(funding_term::Column::Id.is_in(keys.iter().map(|key| key.0)))
            .all(&self.db)
            .await?;
        Ok(rows
            .into_iter()
            .map(|row| (FundingTermById(row.id), row))
            .collect())
    }
}

/// Loads a source by its id, where the reader may read a record that it supports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct SourceById(pub Uuid);

impl Loader<SourceById> for Loads {
    type Value = source::Model;
    type Error = Shared;

    async fn load(&self, keys: &[SourceById]) -> Result<HashMap<SourceById, source::Model>, Shared> {
        let reader = self.reader()?;
        let mut readable = Query::select();
        readable
            .column((initiative_source::Entity, initiative_source::Column::SourceId))
            .from(initiative_source::Entity)
            .inner_join(
                initiative::Entity,
                Expr::col((initiative::Entity, initiative::Column::Id))
                    .equals((initiative_source::Entity, initiative_source::Column::InitiativeId)),
            )
            .and_where(super::visible_sql(reader, false));
        let rows = source::Entity::find()
            .filter(source::Column::Id.is_in(keys.iter().map(|key| key.0)))
            .filter(source::Column::Id.in_subquery(readable))
            .all(&self.db)
            .await?;
        Ok(rows.into_iter().map(|row| (SourceById(row.id), row)).collect())
    }
}

/// What initiatives are sorted by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum InitiativeOrderField {
    /// When it was first published.
    Published,
    /// The title.
    Title,
    /// The day it started.
    StartedOn,
    /// The day it ended.
    EndedOn,
}

/// The order of a list of initiatives.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct InitiativeOrder {
    /// What they are sorted by.
    pub field: InitiativeOrderField,
    /// In which direction.
    #[graphql(default)]
    pub direction: Direction,
}

impl InitiativeOrdering {
    fn of(order: Option<InitiativeOrder>) -> Self {
        let Some(order) = order else {
            return Self {
                by: SortedBy::Published,
                descending: true,
            };
        };
        let by = match order.field {
            InitiativeOrderField::Published => SortedBy::Published,
            InitiativeOrderField::Title => SortedBy::Title,
            InitiativeOrderField::StartedOn => SortedBy::StartedOn,
            InitiativeOrderField::EndedOn => SortedBy::EndedOn,
        };
        Self {
            by,
            descending: order.direction == Direction::Descending,
        }
    }
}

/// The initiatives that something else lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InitiativeList {
    /// Those in a place, or within it.
    InPlace(Uuid),
    /// Those that an organisation leads.
    LedBy(Uuid),
}

impl InitiativeList {
    const fn parent(self) -> Uuid {
        match self {
            Self::InPlace(id) | Self::LedBy(id) => id,
        }
    }

    /// Who leads a record is not among the parts that its funders read.
    const fn parts_too(self) -> bool {
        matches!(self, Self::InPlace(_))
    }

    const fn with_parent(self, id: Uuid) -> Self {
        match self {
            Self::InPlace(_) => Self::InPlace(id),
            Self::LedBy(_) => Self::LedBy(id),
        }
    }

    fn links(self, parents: &[Uuid]) -> SelectStatement {
        match self {
            Self::InPlace(_) => initiatives_in(parents),
            Self::LedBy(_) => {
                let mut links = Query::select();
                links
                    .expr_as(Expr::col(initiative::Column::LeadOrganisationId), "parent")
                    .expr_as(Expr::col(initiative::Column::Id), "child")
                    .from(initiative::Entity)
                    .and_where(initiative::Column::LeadOrganisationId.is_in(parents.iter().copied()));
                links
            }
        }
    }
}

/// Loads a page of a list of initiatives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct InitiativesOf {
    list: InitiativeList,
    request: Arc<PageRequest<InitiativeOrdering>>,
}

impl InitiativesOf {
    /// A page of a list as a connection.
    pub async fn connection(
        ctx: &Context<'_>,
        list: InitiativeList,
        order: Option<InitiativeOrder>,
        arguments: PageArguments,
    ) -> Result<Connection<Initiative>> {
        let order = InitiativeOrdering::of(order);
        let request = PageRequest::new::<initiative::Entity>(order, &arguments)?;
        let key = Self {
            list,
            request: Arc::new(request.clone()),
        };
        let page = loader::of(ctx)
            .load_one(key)
            .await?
            .unwrap_or_else(|| paging::nothing(&request));
        let loads = Arc::clone(loader::of(ctx));
        let total = TotalCount::new(move || {
            let loads = Arc::clone(&loads);
            async move {
                Ok(loads
                    .load_one(CountOfInitiatives { list, order })
                    .await?
                    .unwrap_or(0))
            }
        });
        Ok(connection::<initiative::Entity, _>(
            page, order, total, Initiative,
        ))
    }
}

impl Loader<InitiativesOf> for Loads {
    type Value = Page<initiative::Model>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[InitiativesOf],
    ) -> Result<HashMap<InitiativesOf, Page<initiative::Model>>, Shared> {
        let reader = self.reader()?;
        let mut loaded = HashMap::new();
        for places in [true, false] {
            let of_kind = keys
                .iter()
                .filter(|key| matches!(key.list, InitiativeList::InPlace(_)) == places);
            let Some(kind) = of_kind.clone().next().map(|key| key.list) else {
                continue;
            };
            for (request, parents) in loader::by_request(of_kind.map(|key| (&key.request, key.list.parent())))
            {
                let order: InitiativeOrdering = request.order();
                let select = visible_to(reader, kind.parts_too() && order.shows_no_more_than_a_part());
                let pages = paging::pages_by_parent(&self.db, select, kind.links(&parents), &request).await?;
                for (parent, page) in pages {
                    let list = kind.with_parent(parent);
                    loaded.insert(
                        InitiativesOf {
                            list,
                            request: Arc::clone(&request),
                        },
                        page,
                    );
                }
            }
        }
        Ok(loaded)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CountOfInitiatives {
    list: InitiativeList,
    order: InitiativeOrdering,
}

impl Loader<CountOfInitiatives> for Loads {
    type Value = u64;
    type Error = Shared;

    async fn load(&self, keys: &[CountOfInitiatives]) -> Result<HashMap<CountOfInitiatives, u64>, Shared> {
        let reader = self.reader()?;
        let mut groups: HashMap<(bool, bool), Vec<CountOfInitiatives>> = HashMap::new();
        for key in keys {
            let places = matches!(key.list, InitiativeList::InPlace(_));
            let parts_too = key.list.parts_too() && key.order.shows_no_more_than_a_part();
            groups.entry((places, parts_too)).or_default().push(*key);
        }
        let mut counted = HashMap::new();
        for ((_, parts_too), keys) in groups {
            let parents: Vec<Uuid> = keys.iter().map(|key| key.list.parent()).collect();
            let links = keys[0].list.links(&parents);
            let counts = paging::counts_by_parent(&self.db, visible_to(reader, parts_too), links).await?;
            counted.extend(
                keys.iter()
                    .filter_map(|key| Some((*key, *counts.get(&key.list.parent())?))),
            );
        }
        Ok(counted)
    }
}

/// Loads a page of the funding terms that an organisation gave.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FundingTermsOf {
    funder: Uuid,
    request: Arc<PageRequest<()>>,
}

impl FundingTermsOf {
    /// A page of them as a connection.
    pub async fn connection(
        ctx: &Context<'_>,
        funder: Uuid,
        arguments: PageArguments,
    ) -> Result<Connection<FundingTerm>> {
        let request = PageRequest::new::<funding_term::Entity>((), &arguments)?;
        let key = Self {
            funder,
            request: Arc::new(request.clone()),
        };
        let page = loader::of(ctx)
            .load_one(key)
            .await?
            .unwrap_or_else(|| paging::nothing(&request));
        let loads = Arc::clone(loader::of(ctx));
        let total = TotalCount::new(move || {
            let loads = Arc::clone(&loads);
            async move { Ok(loads.load_one(CountOfFundingTerms(funder)).await?.unwrap_or(0)) }
        });
        Ok(connection::<funding_term::Entity, _>(
            page,
            (),
            total,
            FundingTerm,
        ))
    }
}

fn given_by(funders: &[Uuid]) -> SelectStatement {
    let mut links = Query::select();
    links
        .expr_as(Expr::col(funding_term::Column::FunderId), "parent")
        .expr_as(Expr::col(funding_term::Column::Id), "child")
        .from(funding_term::Entity)
        .and_where(funding_term::Column::FunderId.is_in(funders.iter().copied()));
    links
}

impl Loader<FundingTermsOf> for Loads {
    type Value = Page<funding_term::Model>;
    type Error = Shared;

    async fn load(
        &self,
        keys: &[FundingTermsOf],
    ) -> Result<HashMap<FundingTermsOf, Page<funding_term::Model>>, Shared> {
        let reader = self.reader()?;
        let mut loaded = HashMap::new();
        for (request, funders) in loader::by_request(keys.iter().map(|key| (&key.request, key.funder))) {
            let select = super::terms_visible_to(reader);
            for (funder, page) in
                paging::pages_by_parent(&self.db, select, given_by(&funders), &request).await?
            {
                loaded.insert(
                    FundingTermsOf {
                        funder,
                        request: Arc::clone(&request),
                    },
                    page,
                );
            }
        }
        Ok(loaded)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct CountOfFundingTerms(Uuid);

impl Loader<CountOfFundingTerms> for Loads {
    type Value = u64;
    type Error = Shared;

    async fn load(&self, keys: &[CountOfFundingTerms]) -> Result<HashMap<CountOfFundingTerms, u64>, Shared> {
        let reader = self.reader()?;
        let funders: Vec<Uuid> = keys.iter().map(|key| key.0).collect();
        let select = super::terms_visible_to(reader);
        let counts = paging::counts_by_parent(&self.db, select, given_by(&funders)).await?;
        Ok(counts
            .into_iter()
            .map(|(funder, count)| (CountOfFundingTerms(funder), count))
            .collect())
    }
}

/// The initiatives that the base publishes.
#[derive(Default)]
pub struct InitiativeQuery;

#[Object]
impl InitiativeQuery {
    /// The initiatives that you may read, of which the filter is TRUE. A record that a funder
    /// may read in part is listed where neither the filter nor the order touches the rest of it.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of a connection")]
    async fn initiatives(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which ones; all where nothing is said.")] filter: Option<InitiativeFilter>,
        #[graphql(desc = "The order; the newest first where nothing is said.")] order_by: Option<
            InitiativeOrder,
        >,
        #[graphql(desc = "The first so many, at most 100; 20 where nothing is said.")] first: Option<i32>,
        #[graphql(desc = "After this cursor.")] after: Option<String>,
        #[graphql(desc = "The last so many, at most 100.")] last: Option<i32>,
        #[graphql(desc = "Before this cursor.")] before: Option<String>,
    ) -> Result<Connection<Initiative>> {
        let reader = reader(ctx)?;
        let db = app(ctx).db.clone();
        let order = InitiativeOrdering::of(order_by);
        let request = PageRequest::new::<initiative::Entity>(
            order,
            &PageArguments {
                first,
                after,
                last,
                before,
            },
        )?;
        let condition = filter
            .unwrap_or_default()
            .condition(Lookup::new(&db), "filter".into())
            .await?;
        let parts_too = super::touches_no_more_than_a_part(&condition) && order.shows_no_more_than_a_part();
        let select: Select<initiative::Entity> =
            visible_to(reader, parts_too).filter(filter::initiatives(&condition, true));
        let page = paging::page(&db, select.clone(), &request).await?;
        let total = TotalCount::new(move || {
            let (db, select) = (db.clone(), select.clone());
            async move { paging::count(&db, select).await }
        });
        Ok(connection::<initiative::Entity, _>(
            page, order, total, Initiative,
        ))
    }

    /// One initiative; null where there is none that you may read.
    async fn initiative(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global id.")] id: ID,
    ) -> Result<Option<Initiative>> {
        let id = decode(NodeKind::Initiative, "id", &id)?;
        Ok(loader::of(ctx)
            .load_one(InitiativeById(id))
            .await?
            .map(Initiative))
    }
}
