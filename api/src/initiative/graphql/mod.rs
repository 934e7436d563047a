//! Initiatives over GraphQL. What a reader cannot read is hidden: a record that the reader can only count is
//! null, and the hidden fields of a partly visible record are null or empty.

mod changes;
mod direct_change;
mod lists;
mod loaders;
mod narrowing;
mod organisation;
mod parts;
mod place;
mod subscription;
mod withdrawal;

use std::sync::{Arc, OnceLock};

use async_graphql::{Context, ID, Object, Result};
use chrono::{DateTime, Utc};
use wayin_entity::{Visibility, initiative};

use self::loaders::PartsOfInitiative;
pub use self::{
    changes::InitiativeChangeQuery,
    lists::{FundingTermList, InitiativeOrder, load_initiatives, parse_window},
    loaders::{FundingTermById, InitiativeById, SourceById},
    narrowing::NarrowingMutation,
    organisation::Organisation,
    parts::{
        ChallengeFaced, ConditionChanged, EntryPointTaken, FundingTerm, MissingAnswer, SharingConsent, Source,
    },
    place::Place,
    subscription::InitiativeSubscription,
    withdrawal::InitiativeMutation,
};
use super::filter_input::InitiativeFilter;
use crate::graphql::comparison::Date;
use crate::graphql::filter::FilterContext;
use crate::graphql::{
    app_from_context, connection::IndexedConnection, decode_argument, loader, require_member, require_reader,
};
use crate::id::NodeKind;
use crate::organisation::loaders::OrganisationById;
use crate::paging::PageArguments;
use crate::place::loaders::PlaceById;
use crate::store::whole_records::InitiativeParts;
use wayin_engine::predicate::InitiativePredicate;
use wayin_records::fields::RecordField;

/// Published work in a place to change a system.
#[derive(Clone, Debug)]
pub struct Initiative {
    row: Arc<initiative::Model>,
    /// The parts of the record, once a field has needed them.
    parts: OnceLock<Arc<InitiativeParts>>,
}

impl Initiative {
    /// The initiative with a row that was loaded for the reader.
    pub const fn new(row: Arc<initiative::Model>) -> Self {
        Self {
            row,
            parts: OnceLock::new(),
        }
    }

    /// The parts of the record. The reader may not see all of them.
    async fn parts(&self, ctx: &Context<'_>) -> Result<&InitiativeParts> {
        if let Some(parts) = self.parts.get() {
            return Ok(parts);
        }
        let loaded = loader::operation_loader(ctx)
            .load_one(PartsOfInitiative(self.row.id))
            .await?;
        Ok(self.parts.get_or_init(|| loaded.unwrap_or_default()))
    }

    /// Returns the parts in one list, as objects. Empty if the reader cannot read the whole record.
    async fn list_if_fully_visible<P, T>(
        &self,
        ctx: &Context<'_>,
        list: fn(&InitiativeParts) -> &[Arc<P>],
        object: fn(Arc<P>) -> T,
    ) -> Result<Vec<T>> {
        if !self.has_full_access(ctx).await? {
            return Ok(Vec::new());
        }
        let parts = list(self.parts(ctx).await?);
        Ok(parts.iter().map(|part| object(Arc::clone(part))).collect())
    }

    /// Whether the reader can read the whole record. The row was already selected for the reader, so only an
    /// `AGGREGATE_ONLY` record can be partly visible.
    async fn has_full_access(&self, ctx: &Context<'_>) -> Result<bool> {
        let reader = require_reader(ctx)?;
        let row = &self.row;
        let leads = reader.organisation() == Some(row.lead_organisation_id);
        if reader.can_view_fully(row.visibility, row.shared_with_funders, leads, false) {
            return Ok(true);
        }
        // Only records that are shared with their funders depend on who funds them.
        let funds = row.shared_with_funders
            && match reader.organisation() {
                Some(organisation) => {
                    let terms = &self.parts(ctx).await?.funding_terms;
                    terms.iter().any(|term| term.funder_id == organisation)
                }
                None => false,
            };
        Ok(reader.can_view_fully(row.visibility, row.shared_with_funders, leads, funds))
    }

    async fn if_fully_visible<T>(&self, ctx: &Context<'_>, value: Option<T>) -> Result<Option<T>> {
        Ok(if self.has_full_access(ctx).await? {
            value
        } else {
            None
        })
    }
}

/// Published work in a place to change a system.
#[Object]
impl Initiative {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Initiative.encode_id(self.row.id).into()
    }

    /// The title.
    async fn title(&self) -> &str {
        &self.row.title
    }

    /// The place where the initiative works. Null if not known.
    async fn place(&self, ctx: &Context<'_>) -> Result<Option<Place>> {
        let Some(id) = self.row.place_id else {
            return Ok(None);
        };
        Ok(loader::operation_loader(ctx)
            .load_one(PlaceById(id))
            .await?
            .map(Place))
    }

    /// Whether you can read the whole record. If not, you see only its title, its place, its visibility,
    /// `isIllustrative` and your own organisation's funding terms.
    async fn is_fully_visible(&self, ctx: &Context<'_>) -> Result<bool> {
        self.has_full_access(ctx).await
    }

    /// What the initiative does. Null if not known or not visible to you.
    async fn summary(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        self.if_fully_visible(ctx, self.row.summary.as_deref()).await
    }

    /// The lead organisation. Null if not visible to you.
    async fn lead_organisation(&self, ctx: &Context<'_>) -> Result<Option<Organisation>> {
        if !self.has_full_access(ctx).await? {
            return Ok(None);
        }
        Ok(loader::operation_loader(ctx)
            .load_one(OrganisationById(self.row.lead_organisation_id))
            .await?
            .map(Organisation))
    }

    /// The lead organisation's own reference for the initiative. Null if there is none or it is not visible
    /// to you.
    async fn external_ref(&self, ctx: &Context<'_>) -> Result<Option<&str>> {
        self.if_fully_visible(ctx, self.row.external_ref.as_deref()).await
    }

    /// The day the initiative started. Null if not known or not visible to you.
    async fn started_on(&self, ctx: &Context<'_>) -> Result<Option<Date>> {
        self.if_fully_visible(ctx, self.row.started_on.map(Date)).await
    }

    /// The day the initiative ended. Null if it is continuing, not known or not visible to you.
    async fn ended_on(&self, ctx: &Context<'_>) -> Result<Option<Date>> {
        self.if_fully_visible(ctx, self.row.ended_on.map(Date)).await
    }

    /// Whether the initiative is continuing, if it has no end date. Null if not known or not visible to
    /// you.
    async fn ongoing(&self, ctx: &Context<'_>) -> Result<Option<bool>> {
        self.if_fully_visible(ctx, self.row.ongoing).await
    }

    /// Who can read the record.
    async fn visibility(&self) -> Visibility {
        self.row.visibility
    }

    /// Whether the funders of the initiative can read the whole record. Null if not visible to you.
    async fn shared_with_funders(&self, ctx: &Context<'_>) -> Result<Option<bool>> {
        self.if_fully_visible(ctx, Some(self.row.shared_with_funders))
            .await
    }

    /// Whether the record is made up to show how Wayin works. Do not use it as evidence.
    async fn is_illustrative(&self) -> bool {
        self.row.illustrative
    }

    /// The version number: the number of times that the record was published. Null if not visible to you.
    async fn version(&self, ctx: &Context<'_>) -> Result<Option<i32>> {
        self.if_fully_visible(ctx, Some(self.row.version)).await
    }

    /// When the record was first published (UTC). Null if not visible to you.
    async fn published_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        self.if_fully_visible(ctx, Some(self.row.published_at)).await
    }

    /// When the record last changed (UTC). A publication, a redaction, and a change of an organisation that it names can
    /// change it. Null if not visible to you.
    async fn updated_at(&self, ctx: &Context<'_>) -> Result<Option<DateTime<Utc>>> {
        self.if_fully_visible(ctx, Some(self.row.updated_at)).await
    }

    /// The entry points that the initiative took, in order within each perspective. Empty if none is
    /// recorded or they are not visible to you.
    async fn entry_points(&self, ctx: &Context<'_>) -> Result<Vec<EntryPointTaken>> {
        self.list_if_fully_visible(ctx, |parts| &parts.entry_points, EntryPointTaken)
            .await
    }

    /// The challenges that the initiative faced. Empty if none is recorded or they are not visible to you.
    async fn challenges_faced(&self, ctx: &Context<'_>) -> Result<Vec<ChallengeFaced>> {
        self.list_if_fully_visible(ctx, |parts| &parts.challenges, ChallengeFaced)
            .await
    }

    /// How far the conditions for change were altered. Empty if none is recorded or they are not visible to
    /// you.
    async fn conditions_changed(&self, ctx: &Context<'_>) -> Result<Vec<ConditionChanged>> {
        self.list_if_fully_visible(ctx, |parts| &parts.conditions, ConditionChanged)
            .await
    }

    /// The terms of its funding. Empty if none is recorded. A funder that can read only part of the record
    /// sees only its own terms.
    async fn funding_terms(&self, ctx: &Context<'_>) -> Result<Vec<FundingTerm>> {
        let whole = self.has_full_access(ctx).await?;
        let own = require_reader(ctx)?.organisation();
        let parts = self.parts(ctx).await?;
        let visible = parts
            .funding_terms
            .iter()
            .filter(|term| whole || own == Some(term.funder_id));
        Ok(visible.cloned().map(FundingTerm).collect())
    }

    /// The sources of the record. Empty if they are not visible to you.
    async fn sources(&self, ctx: &Context<'_>) -> Result<Vec<Source>> {
        self.list_if_fully_visible(ctx, |parts| &parts.sources, Source)
            .await
    }

    /// The confirmation that the record can be shared. Null if there is none or it is not visible to you.
    async fn sharing(&self, ctx: &Context<'_>) -> Result<Option<SharingConsent>> {
        let row = &self.row;
        let is_recorded = row.sharing_confirmed_by.is_some()
            || row.sharing_confirmed_on.is_some()
            || row.sharing_basis.is_some()
            || row.sharing_licence.is_some();
        let sharing = is_recorded.then(|| SharingConsent {
            confirmed_by: row.sharing_confirmed_by.clone(),
            confirmed_on: row.sharing_confirmed_on.map(Date),
            basis: row.sharing_basis.clone(),
            licence: row.sharing_licence.clone(),
        });
        self.if_fully_visible(ctx, sharing).await
    }

    /// Why answers in the record itself are missing, with one entry for each field that has a reason. The
    /// objects in the record have their own lists. Empty if no reason is recorded or it is not visible to
    /// you.
    async fn missing(&self, ctx: &Context<'_>) -> Result<Vec<MissingAnswer>> {
        if !self.has_full_access(ctx).await? {
            return Ok(Vec::new());
        }
        MissingAnswer::list_from_json::<RecordField>(self.row.missing.as_ref())
    }
}

/// Turns a filter into a condition. Without a filter, the condition is TRUE for every initiative.
async fn parse_condition(ctx: &Context<'_>, filter: Option<InitiativeFilter>) -> Result<InitiativePredicate> {
    let names = FilterContext::for_member(&app_from_context(ctx).db, require_member(ctx)?);
    let filter = filter.unwrap_or_default();
    Ok(filter.into_predicate(names, "filter".into()).await?)
}

#[derive(Default)]
pub struct InitiativeQuery;

#[Object]
impl InitiativeQuery {
    /// The initiatives that you can read and for which the filter is TRUE. A record that a funder can read
    /// only in part is included if the filter and the order use only that part.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of a connection")]
    async fn initiatives(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which initiatives to return. By default, all that you can see.")] filter: Option<
            InitiativeFilter,
        >,
        #[graphql(desc = "The sort order. By default, the newest publication comes first.")] order_by: Option<
            InitiativeOrder,
        >,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
        #[graphql(desc = "Wait until the list includes this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<IndexedConnection<Initiative>> {
        let condition = parse_condition(ctx, filter).await?;
        let page = PageArguments::new(first, after, last, before);
        Ok(load_initiatives(ctx, condition, order_by, page, min_change_number).await?)
    }

    /// Returns one initiative. Null if it does not exist or you cannot read it.
    async fn initiative(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global ID of the initiative.")] id: ID,
    ) -> Result<Option<Initiative>> {
        let id = decode_argument(NodeKind::Initiative, "id", &id)?;
        Ok(loader::operation_loader(ctx)
            .load_one(InitiativeById(id))
            .await?
            .map(Initiative::new))
    }
}
