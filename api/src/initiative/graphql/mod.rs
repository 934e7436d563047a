//! Initiatives over GraphQL. What one may not read does not show: a record that
//! one may only count is null, and of one that its funder may read in part the
//! rest is null or empty.

mod lists;
mod loads;
mod organisation;
mod parts;
mod place;
mod revisions;
mod subscription;

use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use sea_orm::{QueryFilter, Select};
use wayin_entity::{Visibility, initiative};

use self::loads::{ChallengesOf, ConditionsOf, EntryPointsOf, SourcesOf, TermsOf};
pub use self::{
    lists::{FundingTermList, InitiativeList, InitiativeOrder},
    loads::{FundingTermById, InitiativeById, SourceById},
    organisation::Organisation,
    parts::{
        ChallengeFaced, ConditionChanged, EntryPointTaken, FundingTerm, MissingAnswer, SharingConsent, Source,
    },
    place::Place,
    revisions::{InitiativeMutation, Revision, RevisionQuery},
    subscription::InitiativeSubscription,
};
use super::filter_input::InitiativeFilter;
use super::{InitiativeOrdering, filter, touches_no_more_than_a_part, visible_to};
use crate::graphql::comparison::Date;
use crate::graphql::filter::Lookup;
use crate::graphql::{app, connection::Connection, decode, list::list, loader, reader};
use crate::id::NodeKind;
use crate::organisation::loaders::OrganisationById;
use crate::paging::PageArguments;
use crate::place::loaders::PlaceById;
use wayin_records::fields::RecordField;

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

/// The work of a place to change its system, as it is published.
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
    async fn is_fully_visible(&self, ctx: &Context<'_>) -> Result<bool> {
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
    async fn started_on(&self, ctx: &Context<'_>) -> Result<Option<Date>> {
        self.if_whole(ctx, self.0.started_on.map(Date)).await
    }

    /// The day it ended; null where not known, where it goes on, or where it is not yours to see.
    async fn ended_on(&self, ctx: &Context<'_>) -> Result<Option<Date>> {
        self.if_whole(ctx, self.0.ended_on.map(Date)).await
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
    async fn is_illustrative(&self) -> bool {
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
    async fn sharing(&self, ctx: &Context<'_>) -> Result<Option<SharingConsent>> {
        let row = &self.0;
        let said = row.sharing_confirmed_by.is_some()
            || row.sharing_confirmed_on.is_some()
            || row.sharing_basis.is_some()
            || row.sharing_licence.is_some();
        let sharing = said.then(|| SharingConsent {
            confirmed_by: row.sharing_confirmed_by.clone(),
            confirmed_on: row.sharing_confirmed_on.map(Date),
            basis: row.sharing_basis.clone(),
            licence: row.sharing_licence.clone(),
        });
        self.if_whole(ctx, sharing).await
    }

    /// Why answers of the record itself are missing, for each field of which that is said; its parts
    /// say it of theirs. Empty where nothing is said, or it is not yours to see.
    async fn missing(&self, ctx: &Context<'_>) -> Result<Vec<MissingAnswer>> {
        if !self.whole(ctx).await? {
            return Ok(Vec::new());
        }
        MissingAnswer::all_of::<RecordField>(self.0.missing.as_ref())
    }
}

/// The initiatives that the one who asks may read, of which a filter is TRUE. Those that a funder may read
/// in part are among them where the filter touches no more than that part, and `order_shows_a_part`.
async fn listed(
    ctx: &Context<'_>,
    filter: Option<InitiativeFilter>,
    order_shows_a_part: bool,
) -> Result<Select<initiative::Entity>> {
    let reader = reader(ctx)?;
    let lookup = Lookup::new(&app(ctx).db, reader);
    let condition = filter
        .unwrap_or_default()
        .condition(lookup, "filter".into())
        .await?;
    let parts_too = order_shows_a_part && touches_no_more_than_a_part(&condition);
    Ok(visible_to(reader, parts_too).filter(filter::initiatives(&condition, true)))
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
        let order = InitiativeOrdering::of(order_by);
        let select = listed(ctx, filter, order.shows_no_more_than_a_part()).await?;
        let page = PageArguments::new(first, after, last, before);
        list(ctx, select, order, page, Initiative).await
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
