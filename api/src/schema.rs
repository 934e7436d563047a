//! The schema: every domain's queries merged, and the limits. The only file that
//! sees every domain.

#[cfg(test)]
mod promise;

use std::sync::{Arc, LazyLock};

use async_graphql::{Context, ID, MergedObject, MergedSubscription, Object, Result, SchemaBuilder};
use wayin_entity::Capability;

use crate::app::App;
use crate::audit::{
    self,
    graphql::{AuditEvent, AuditQuery},
};
use crate::auth::graphql::{Identify, ViewerQuery};
use crate::auth::issued_token;
use crate::auth::issued_token::graphql::{IssuedToken, TokenMutation, TokenQuery};
use crate::auth::member as members;
use crate::auth::member::graphql::{Member, MemberMutation, MemberQuery};
use crate::claim::graphql::{Claim, ClaimById, ClaimQuery};
use crate::claim::mutations::ClaimMutation;
use crate::crisis::graphql::{Crisis, CrisisById, CrisisQuery};
use crate::crisis::mutations::CrisisMutation;
use crate::error::Error;
use crate::graphql::error::ErrorCodes;
use crate::graphql::loader::{self, Waves};
use crate::graphql::node::Node;
use crate::graphql::operation::cost::{Introspection, Types};
use crate::graphql::operation::prepare::PrepareOperations;
use crate::graphql::operation::variables::InputTypes;
use crate::graphql::{app, member};
use crate::id::{self, NodeKind};
use crate::import::{
    graphql::{Import, ImportMutation, ImportQuery},
    job,
    subscription::ImportSubscription,
};
use crate::initiative::graphql::{
    FundingTerm, FundingTermById, Initiative, InitiativeById, InitiativeMutation, InitiativeQuery,
    InitiativeSubscription, Organisation, Place, RevisionQuery, Source, SourceById,
};
use crate::keeping::graphql::KeepingQuery;
use crate::meeting::graphql::{Meeting, MeetingById, MeetingQuery, Reflection, ReflectionById};
use crate::meeting::mutations::MeetingMutation;
use crate::merging::graphql::MergingMutation;
use crate::organisation::graphql::OrganisationQuery;
use crate::organisation::loaders::KnownOrganisation;
use crate::organisation::mutations::OrganisationMutation;
use crate::paging::MOST;
use crate::pattern::graphql::{PatternQuery, PatternSubscription};
use crate::place::graphql::PlaceQuery;
use crate::place::loaders::PlaceById;
use crate::place::mutations::PlaceMutation;
use crate::redaction::graphql::RedactionMutation;
use crate::submission::{
    self,
    graphql::{Submission, SubmissionMutation, SubmissionQuery},
    subscription::SubmissionSubscription,
};
use crate::vocabulary::graphql::{Term, TermById, VocabularyQuery};
use crate::vocabulary::mutations::TermMutation;

/// The queries.
#[derive(MergedObject, Default)]
pub struct Query(
    NodeQuery,
    ViewerQuery,
    VocabularyQuery,
    PlaceQuery,
    OrganisationQuery,
    InitiativeQuery,
    CrisisQuery,
    MeetingQuery,
    ClaimQuery,
    PatternQuery,
    SubmissionQuery,
    RevisionQuery,
    ImportQuery,
    AuditQuery,
    KeepingQuery,
    MemberQuery,
    TokenQuery,
);

/// The mutations.
#[derive(MergedObject, Default)]
pub struct Mutation(
    SubmissionMutation,
    ImportMutation,
    InitiativeMutation,
    OrganisationMutation,
    RedactionMutation,
    PlaceMutation,
    TermMutation,
    MeetingMutation,
    CrisisMutation,
    ClaimMutation,
    MemberMutation,
    MergingMutation,
    TokenMutation,
);

/// Events that are sent over a WebSocket. See `docs/live.md`.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    SubmissionSubscription,
    ImportSubscription,
    InitiativeSubscription,
    PatternSubscription,
);

/// The schema of the service.
pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The deepest that selections may be nested.
const DEEPEST: usize = 20;
/// The most fields that a query may select, each multiplied by nothing.
const MOST_FIELDS: usize = 500;
/// The most directives on one field.
const MOST_DIRECTIVES: usize = 10;

/// The schema in GraphQL's own language, and what is worked out of it: none of it changes while the process runs.
static SDL: LazyLock<String> = LazyLock::new(|| {
    let mut sdl = builder().finish().sdl();
    sdl.truncate(sdl.trim_end().len());
    sdl.push('\n');
    sdl
});
static TYPES: LazyLock<Arc<Types>> = LazyLock::new(|| Arc::new(Types::of(sdl())));
static INPUTS: LazyLock<Arc<InputTypes>> = LazyLock::new(|| Arc::new(InputTypes::of(sdl())));

fn builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
}

/// The schema over a running service. Every request brings its
/// [`Requester`](crate::auth::requester::Requester), or comes over a WebSocket with a
/// [`Session`](crate::auth::graphql::Session).
pub fn schema(app: Arc<App>) -> Schema {
    let builder = match app.costs.settings.introspection {
        Introspection::Open => builder(),
        Introspection::Closed => builder().disable_introspection().disable_suggestions(),
    };
    builder
        .extension(ErrorCodes)
        .extension(PrepareOperations {
            costs: Arc::clone(&TYPES),
            inputs: Arc::clone(&INPUTS),
            permissions: app.permissions.clone(),
        })
        .extension(Identify)
        .extension(Waves)
        .limit_depth(DEEPEST)
        .limit_complexity(MOST_FIELDS)
        .limit_directives(MOST_DIRECTIVES)
        .data(app.permissions.clone())
        .data(app)
        .finish()
}

/// The schema in GraphQL's own language, as `schema.graphql` holds it.
pub fn sdl() -> &'static str {
    &SDL
}

/// Objects by their global ids.
#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Returns an object by its global ID. Null if it does not exist or you cannot read it.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global ID.")] id: ID,
    ) -> Result<Option<Node>> {
        find(ctx, "id", &id).await
    }

    /// Returns objects by their global IDs, in the same order. Null for each one that does not exist or
    /// that you cannot read.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global IDs, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() as u64 > MOST {
            return Err(Error::bad_input(
                "ids",
                format!("{} are asked for; at most {MOST} can be", ids.len()),
            )
            .into());
        }
        futures_util::future::try_join_all(ids.iter().map(|id| find(ctx, "ids", id))).await
    }
}

async fn find(ctx: &Context<'_>, argument: &str, id: &ID) -> Result<Option<Node>> {
    let unreadable = || Error::bad_input(argument, format!("{} is not a global id", id.as_str()));
    let (kind, id) = id::decode(id).ok_or_else(unreadable)?;
    let loader = loader::of(ctx);
    let can = |capability| Ok::<_, Error>(member(ctx)?.role.can(capability));
    Ok(match kind {
        NodeKind::Place => loader.load_one(PlaceById(id)).await?.map(|row| Place(row).into()),
        NodeKind::Organisation => loader
            .load_one(KnownOrganisation(id))
            .await?
            .map(|row| Organisation(row).into()),
        NodeKind::Initiative => loader
            .load_one(InitiativeById(id))
            .await?
            .map(|row| Initiative(row).into()),
        NodeKind::FundingTerm => loader
            .load_one(FundingTermById(id))
            .await?
            .map(|row| FundingTerm(row).into()),
        NodeKind::Source => loader
            .load_one(SourceById(id))
            .await?
            .map(|row| Source(row).into()),
        NodeKind::Crisis => loader
            .load_one(CrisisById(id))
            .await?
            .map(|row| Crisis(row).into()),
        NodeKind::Meeting => loader
            .load_one(MeetingById(id))
            .await?
            .map(|row| Meeting(row).into()),
        NodeKind::Reflection => loader
            .load_one(ReflectionById(id))
            .await?
            .map(|row| Reflection(row).into()),
        NodeKind::Claim => loader.load_one(ClaimById(id)).await?.map(|row| Claim(row).into()),
        NodeKind::Term => loader.load_one(TermById(id)).await?.map(|row| Term(row).into()),
        NodeKind::Submission => submission::find(&app(ctx).db, member(ctx)?, id)
            .await?
            .map(|row| Submission(row).into()),
        NodeKind::Import => job::find(&app(ctx).db, member(ctx)?, id)
            .await?
            .map(|row| Import(row).into()),
        NodeKind::Member if can(Capability::ManageMembers)? => members::by_id(&app(ctx).db, id)
            .await?
            .map(|row| Member(row).into()),
        NodeKind::IssuedToken if can(Capability::ManageMembers)? => issued_token::by_id(&app(ctx).db, id)
            .await?
            .map(|row| IssuedToken(row).into()),
        NodeKind::AuditEvent if can(Capability::ReadAuditTrail)? => audit::by_id(&app(ctx).db, id)
            .await?
            .map(|row| AuditEvent(row).into()),
        NodeKind::Member | NodeKind::IssuedToken | NodeKind::AuditEvent => None,
    })
}
