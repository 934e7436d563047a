//! The schema: the queries, mutations and subscriptions of all domains, and its limits.

#[cfg(test)]
mod compatibility;

use std::sync::{Arc, LazyLock};

use async_graphql::{Context, ID, MergedObject, MergedSubscription, Object, Result, SchemaBuilder};
use wayin_entity::Capability;

use crate::app::App;
use crate::audit::{
    self,
    graphql::{AuditEvent, AuditQuery},
};
use crate::auth::graphql::{IdentifyRequester, ViewerQuery};
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
use crate::graphql::loader::{self, BatchedLoading};
use crate::graphql::node::Node;
use crate::graphql::operation::cost::{FieldTypes, Introspection};
use crate::graphql::operation::prepare::PrepareOperations;
use crate::graphql::operation::variables::InputTypes;
use crate::graphql::revision::RevisionQuery;
use crate::graphql::{app_from_context, require_member};
use crate::id::{self, NodeKind};
use crate::import::{
    graphql::{Import, ImportMutation, ImportQuery},
    job,
    subscription::ImportSubscription,
};
use crate::initiative::graphql::{
    FundingTerm, FundingTermById, Initiative, InitiativeById, InitiativeMutation, InitiativeQuery,
    InitiativeSubscription, Organisation, Place, Source, SourceById,
};
use crate::meeting::graphql::{Meeting, MeetingById, MeetingQuery, Reflection, ReflectionById};
use crate::meeting::mutations::MeetingMutation;
use crate::organisation::graphql::OrganisationQuery;
use crate::organisation::loaders::VisibleOrganisationById;
use crate::organisation::merge::graphql::OrganisationMergeMutation;
use crate::organisation::mutations::OrganisationMutation;
use crate::paging::MAX_PAGE_ROWS;
use crate::pattern::graphql::{Answer, PatternQuery, PatternSubscription};
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
    OrganisationMergeMutation,
    TokenMutation,
);

/// Events that are sent over a WebSocket. See `docs/subscriptions.md`.
#[derive(MergedSubscription, Default)]
pub struct Subscription(
    SubmissionSubscription,
    ImportSubscription,
    InitiativeSubscription,
    PatternSubscription,
);

pub type Schema = async_graphql::Schema<Query, Mutation, Subscription>;

/// The maximum depth of selections.
const MAX_SELECTION_DEPTH: usize = 20;
/// The maximum number of selected fields.
const MAX_SELECTED_FIELDS: usize = 500;
/// The maximum number of directives on one field.
const MAX_DIRECTIVES: usize = 10;

/// The schema as SDL. It does not change while the process runs.
static SDL: LazyLock<String> = LazyLock::new(|| {
    let mut sdl = schema_builder().finish().sdl();
    sdl.truncate(sdl.trim_end().len());
    sdl.push('\n');
    sdl
});
static FIELD_TYPES: LazyLock<Arc<FieldTypes>> =
    LazyLock::new(|| Arc::new(FieldTypes::from_sdl(schema_sdl())));
static INPUT_TYPES: LazyLock<Arc<InputTypes>> =
    LazyLock::new(|| Arc::new(InputTypes::from_sdl(schema_sdl())));

fn schema_builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    // No field returns the interface, so nothing else registers it.
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .register_output_type::<Answer>()
}

/// Builds the schema of a running service. Every request carries its
/// [`Requester`](crate::auth::requester::Requester) or, over a WebSocket, a
/// [`SessionAuthorization`](crate::auth::graphql::SessionAuthorization).
pub fn build_schema(app: Arc<App>) -> Schema {
    let builder = match app.cost_control.settings.introspection {
        Introspection::Open => schema_builder(),
        Introspection::Closed => schema_builder().disable_introspection().disable_suggestions(),
    };
    builder
        .extension(ErrorCodes)
        .extension(PrepareOperations {
            costs: Arc::clone(&FIELD_TYPES),
            inputs: Arc::clone(&INPUT_TYPES),
            permissions: app.permissions.clone(),
        })
        .extension(IdentifyRequester)
        .extension(BatchedLoading)
        .limit_depth(MAX_SELECTION_DEPTH)
        .limit_complexity(MAX_SELECTED_FIELDS)
        .limit_directives(MAX_DIRECTIVES)
        .data(app.permissions.clone())
        .data(app)
        .finish()
}

/// The schema as SDL, as in `schema.graphql`.
pub fn schema_sdl() -> &'static str {
    &SDL
}

#[derive(Default)]
pub struct NodeQuery;

#[Object]
impl NodeQuery {
    /// Returns an object by its global ID. Null if it does not exist or you cannot read it.
    async fn node(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global ID of the object.")] id: ID,
    ) -> Result<Option<Node>> {
        find_node(ctx, "id", &id).await
    }

    /// Returns objects by their global IDs, in the same order. Null for each one that does not exist or
    /// that you cannot read.
    async fn nodes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global IDs, at most 100.")] ids: Vec<ID>,
    ) -> Result<Vec<Option<Node>>> {
        if ids.len() as u64 > MAX_PAGE_ROWS {
            return Err(Error::bad_input(
                "ids",
                format!("{} are asked for; at most {MAX_PAGE_ROWS} can be", ids.len()),
            )
            .into());
        }
        futures_util::future::try_join_all(ids.iter().map(|id| find_node(ctx, "ids", id))).await
    }
}

async fn find_node(ctx: &Context<'_>, argument: &str, id: &ID) -> Result<Option<Node>> {
    let unreadable = || Error::bad_input(argument, format!("{} is not a global id", id.as_str()));
    let (kind, id) = id::decode(id).ok_or_else(unreadable)?;
    let loader = loader::operation_loader(ctx);
    let can = |capability| Ok::<_, Error>(require_member(ctx)?.role.can(capability));
    Ok(match kind {
        NodeKind::Place => loader.load_one(PlaceById(id)).await?.map(|row| Place(row).into()),
        NodeKind::Organisation => loader
            .load_one(VisibleOrganisationById(id))
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
        NodeKind::Submission => {
            submission::find_submission(&app_from_context(ctx).db, require_member(ctx)?, id)
                .await?
                .map(|row| Submission(row).into())
        }
        NodeKind::Import => job::find(&app_from_context(ctx).db, require_member(ctx)?, id)
            .await?
            .map(|row| Import(row).into()),
        NodeKind::Member if can(Capability::ManageMembers)? => {
            members::find_by_id(&app_from_context(ctx).db, id)
                .await?
                .map(|row| Member(row).into())
        }
        NodeKind::IssuedToken if can(Capability::ManageMembers)? => {
            issued_token::find_by_id(&app_from_context(ctx).db, id)
                .await?
                .map(|row| IssuedToken(row).into())
        }
        NodeKind::AuditEvent if can(Capability::ReadAuditTrail)? => {
            audit::find_event(&app_from_context(ctx).db, id)
                .await?
                .map(|row| AuditEvent(row).into())
        }
        NodeKind::Member | NodeKind::IssuedToken | NodeKind::AuditEvent => None,
    })
}
