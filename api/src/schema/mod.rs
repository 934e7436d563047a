//! The schema: the queries, mutations and subscriptions of all domains, and its limits.

#[cfg(test)]
mod compatibility;
pub mod execute;

use std::sync::LazyLock;

use async_graphql::{Context, ID, MergedObject, MergedSubscription, Object, Result, SchemaBuilder};

use crate::audit::{
    self,
    graphql::{AuditEvent, AuditQuery},
};
use crate::auth::graphql::ViewerQuery;
use crate::auth::issued_token;
use crate::auth::issued_token::graphql::{IssuedToken, TokenMutation, TokenQuery};
use crate::auth::member as members;
use crate::auth::member::graphql::{Member, MemberMutation, MemberQuery};
use crate::auth::permission::RequesterKind;
use crate::auth::session::graphql::{Invitation, InvitationQuery, SessionMutation};
use crate::auth::session::invitation;
use crate::claim::graphql::{Claim, ClaimById, ClaimQuery};
use crate::claim::mutations::ClaimMutation;
use crate::crisis::graphql::{Crisis, CrisisById, CrisisQuery};
use crate::crisis::mutations::CrisisMutation;
use crate::error::Error;
use crate::export_link::graphql::ExportLinkMutation;
use crate::graphql::loader;
use crate::graphql::node::Node;
use crate::graphql::revision::RevisionQuery;
use crate::graphql::{app_from_context, require_member};
use crate::id::{self, NodeKind};
use crate::import::{
    graphql::{Import, ImportMutation, ImportQuery},
    job,
    subscription::ImportSubscription,
};
use crate::initiative::graphql::{
    FundingTerm, FundingTermById, Initiative, InitiativeById, InitiativeChangeQuery, InitiativeMutation,
    InitiativeQuery, InitiativeSubscription, NarrowingMutation, Organisation, Place, Source, SourceById,
};
use crate::meeting::graphql::{Meeting, MeetingById, MeetingQuery, Reflection, ReflectionById};
use crate::meeting::mutations::MeetingMutation;
use crate::notice::{
    self,
    graphql::{Notice, NoticeMutation, NoticeQuery},
};
use crate::organisation::graphql::OrganisationQuery;
use crate::organisation::loaders::VisibleOrganisationById;
use crate::organisation::merge::graphql::OrganisationMergeMutation;
use crate::organisation::mutations::OrganisationMutation;
use crate::paging::MAX_PAGE_ROWS;
use crate::pattern::graphql::{Answer, PatternQuery, PatternSubscription, QuestionCountQuery};
use crate::place::graphql::PlaceQuery;
use crate::place::loaders::PlaceById;
use crate::place::mutations::PlaceMutation;
use crate::redaction::graphql::RedactionMutation;
use crate::saved_question;
use crate::saved_question::graphql::{SavedQuestion, SavedQuestionMutation, SavedQuestionQuery};
use crate::submission::{
    self,
    graphql::{Submission, SubmissionQuery},
    mutations::SubmissionMutation,
    subscription::SubmissionSubscription,
};
use crate::vocabulary::graphql::{Term, TermById, VocabularyQuery};
use crate::vocabulary::mutations::TermMutation;

/// The queries.
// The queries and mutations are in groups, because the compiler nests one future in another for each member of a group.
#[derive(MergedObject, Default)]
pub struct Query(EvidenceQuery, PatternQuery, AdministrationQuery);

/// The queries of the records and of what they refer to.
#[derive(MergedObject, Default)]
struct EvidenceQuery(
    NodeQuery,
    VocabularyQuery,
    PlaceQuery,
    OrganisationQuery,
    InitiativeQuery,
    InitiativeChangeQuery,
    CrisisQuery,
    MeetingQuery,
    ClaimQuery,
);

/// The queries of submissions, members and the running of the service.
#[derive(MergedObject, Default)]
struct AdministrationQuery(
    ViewerQuery,
    SubmissionQuery,
    RevisionQuery,
    ImportQuery,
    AuditQuery,
    MemberQuery,
    TokenQuery,
    InvitationQuery,
    SavedQuestionQuery,
    QuestionCountQuery,
    NoticeQuery,
);

/// The mutations.
#[derive(MergedObject, Default)]
pub struct Mutation(EvidenceMutation, AdministrationMutation);

/// The mutations of the records and of what they refer to.
#[derive(MergedObject, Default)]
struct EvidenceMutation(
    SubmissionMutation,
    ImportMutation,
    InitiativeMutation,
    NarrowingMutation,
    PlaceMutation,
    TermMutation,
    MeetingMutation,
    CrisisMutation,
    ClaimMutation,
);

/// The mutations of organisations, members and the running of the service.
#[derive(MergedObject, Default)]
struct AdministrationMutation(
    OrganisationMutation,
    OrganisationMergeMutation,
    RedactionMutation,
    MemberMutation,
    TokenMutation,
    SessionMutation,
    SavedQuestionMutation,
    ExportLinkMutation,
    NoticeMutation,
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

fn schema_builder() -> SchemaBuilder<Query, Mutation, Subscription> {
    // No field returns the interface, so nothing else registers it.
    Schema::build(Query::default(), Mutation::default(), Subscription::default())
        .register_output_type::<Answer>()
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
    let (app, member, loader) = (
        app_from_context(ctx),
        require_member(ctx)?,
        loader::operation_loader(ctx),
    );
    // Fragments on the types of such objects are not checked, so no such object may be returned.
    let requester = RequesterKind::Member(member.role);
    if app.permissions.check_field(requester, kind.name(), "id").is_err() {
        return Ok(None);
    }
    Ok(match kind {
        NodeKind::Place => loader.load_one(PlaceById(id)).await?.map(|row| Place(row).into()),
        NodeKind::Organisation => loader
            .load_one(VisibleOrganisationById(id))
            .await?
            .map(|row| Organisation(row.into()).into()),
        NodeKind::Initiative => loader
            .load_one(InitiativeById(id))
            .await?
            .map(|row| Initiative::new(row).into()),
        NodeKind::FundingTerm => loader
            .load_one(FundingTermById(id))
            .await?
            .map(|row| FundingTerm(row.into()).into()),
        NodeKind::Source => loader
            .load_one(SourceById(id))
            .await?
            .map(|row| Source(row.into()).into()),
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
        NodeKind::Submission => submission::find_submission(&app.db, member, id)
            .await?
            .map(|row| Submission(row).into()),
        NodeKind::Import => job::find(&app.db, member, id)
            .await?
            .map(|row| Import(row).into()),
        NodeKind::Member => members::find_by_id(&app.db, id)
            .await?
            .map(|row| Member(row).into()),
        NodeKind::IssuedToken => {
            let row = issued_token::find_by_id(&app.db, id).await?;
            row.map(|row| IssuedToken(row).into())
        }
        NodeKind::Invitation => {
            let row = invitation::find_by_id(&app.db, id).await?;
            row.map(|row| Invitation(row).into())
        }
        NodeKind::SavedQuestion => {
            let row = saved_question::find_question(&app.db, member, id).await?;
            row.map(|row| SavedQuestion(row).into())
        }
        NodeKind::AuditEvent => {
            let row = audit::find_event(&app.db, id).await?;
            row.map(|row| AuditEvent(row).into())
        }
        NodeKind::Notice => {
            let row = notice::find_by_id(&app.db, id).await?;
            row.map(|row| Notice(row).into())
        }
    })
}
