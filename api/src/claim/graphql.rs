//! Claims over GraphQL.

use async_graphql::{Context, ID, Json, Object, Result, SimpleObject};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use uuid::Uuid;
use wayin_entity::{Dimension, claim};

use crate::auth::requester::Requester;
use crate::error::Error;
use crate::graphql::loader::operation_loader;
use crate::graphql::{
    app_from_context,
    connection::NodeConnection,
    input,
    list::load_connection,
    loader::{self, RowLoaderKey},
};
use crate::id::NodeKind;
use crate::initiative::filter_input::InitiativeFilter;
use crate::meeting::graphql::{Reflection, ReflectionById};
use crate::paging::PageArguments;
use crate::pattern::asker::Asker;
use crate::pattern::graphql::{Pattern, selects_cautions};
use crate::pattern::service::{PatternInput, PatternService};
use crate::reference_data::graphql::load_version;
use wayin_engine::query::RecordScope;

/// A statement in plain words that the evidence base can test.
#[derive(Clone, Debug)]
pub struct Claim(pub claim::Model);

/// A statement in plain words that the evidence base can test.
#[Object]
impl Claim {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Claim.encode_id(self.0.id).into()
    }

    /// The version number: 1 at first, one more with every save. Only stewards can read it.
    async fn version(&self, ctx: &Context<'_>) -> Result<i32> {
        load_version(ctx, self.0.id).await
    }

    /// The short name, used in URLs.
    async fn slug(&self) -> &str {
        &self.0.slug
    }

    /// The statement in plain words.
    async fn statement(&self) -> &str {
        &self.0.statement
    }

    /// The reflection, a comment made at a meeting, that the claim comes from. Null if there is none.
    async fn reflection(&self, ctx: &Context<'_>) -> Result<Option<Reflection>> {
        let Some(id) = self.0.reflection_id else {
            return Ok(None);
        };
        Ok(loader::operation_loader(ctx)
            .load_one(ReflectionById(id))
            .await?
            .map(Reflection))
    }

    /// The question that tests the claim. You can ask it yourself, or change it.
    async fn question(&self) -> ClaimQuestion {
        let Self(claim) = self;
        ClaimQuestion {
            when: Json(claim.pattern_when.clone()),
            then: Json(claim.pattern_then.clone()),
            among: claim.pattern_among.clone().map(Json),
            by: claim.pattern_by,
        }
    }

    /// The current evidence for the claim, as a pattern. Without a token, you get the answer of a dashboard
    /// with scope ALL, but no groups of single places or organisations. Scope VISIBLE needs a token.
    async fn pattern(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
        #[graphql(desc = "Wait until the answer includes this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<Pattern> {
        Ok(self
            .load_pattern(ctx, self.0.pattern_by, scope, min_change_number)
            .await?)
    }

    /// The same evidence by the year in which the initiatives started: the groups are the years. Without a
    /// token, you get the answer of a dashboard with scope ALL.
    async fn trend(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which records are counted.", default)] scope: RecordScope,
        #[graphql(desc = "Wait until the answer includes this change, up to 2 seconds.")]
        min_change_number: Option<i64>,
    ) -> Result<Pattern> {
        let by = Some(Dimension::YearStarted);
        Ok(self.load_pattern(ctx, by, scope, min_change_number).await?)
    }
}

/// The arguments of `pattern` for a claim. Each filter is an `InitiativeFilter`.
#[derive(SimpleObject)]
pub struct ClaimQuestion {
    /// The first condition.
    when: Json<serde_json::Value>,
    /// The second condition.
    then: Json<serde_json::Value>,
    /// Which initiatives the claim is about. Null for all.
    among: Option<Json<serde_json::Value>>,
    /// The dimension to group by. Null for no groups.
    by: Option<Dimension>,
}

impl Claim {
    /// Asks the stored question. Without a token, it is answered as for a dashboard.
    async fn load_pattern(
        &self,
        ctx: &Context<'_>,
        by: Option<Dimension>,
        scope: RecordScope,
        min_change_number: Option<i64>,
    ) -> Result<Pattern, Error> {
        let Self(claim) = self;
        let asker = Asker::of_claim(ctx.data_unchecked::<Requester>(), scope)?;
        let input = PatternInput {
            when: parse_stored_filter(claim, "when", &claim.pattern_when)?,
            then: parse_stored_filter(claim, "then", &claim.pattern_then)?,
            among: claim
                .pattern_among
                .as_ref()
                .map(|among| parse_stored_filter(claim, "among", among))
                .transpose()?,
            by: by.filter(|by| asker.can_group_by(*by)),
            concentration: selects_cautions(ctx),
        };
        let service = PatternService::new(app_from_context(ctx), asker, scope, min_change_number)
            .within_operation(operation_loader(ctx).view());
        Box::pin(Pattern::load(&service, input)).await
    }
}

/// Parses a stored filter document, which has the form that clients send.
fn parse_stored_filter(
    claim: &claim::Model,
    part: &str,
    document: &serde_json::Value,
) -> Result<InitiativeFilter, Error> {
    input::parse_input(part, document.clone())
        .map_err(|cause| Error::Internal(format!("claim {}, {cause}", claim.slug)))
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClaimById(pub Uuid);

impl RowLoaderKey for ClaimById {
    type Table = claim::Entity;
    const ID: claim::Column = claim::Column::Id;

    fn id(self) -> Uuid {
        self.0
    }
}

#[derive(Default)]
pub struct ClaimQuery;

#[Object]
impl ClaimQuery {
    /// Claims: statements by members of the community of practice that the evidence base can test. Needs no
    /// token.
    async fn claims(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<Claim>> {
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, claim::Entity::find(), (), page, Claim).await
    }

    /// Returns one claim. Null if none has this slug. Needs no token.
    async fn claim(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The slug of the claim, such as `short-funding-skips-ambitions`.")] slug: String,
    ) -> Result<Option<Claim>> {
        let found = claim::Entity::find()
            .filter(claim::Column::Slug.eq(slug))
            .one(&app_from_context(ctx).db)
            .await;
        Ok(found.map_err(Error::from)?.map(Claim))
    }
}
