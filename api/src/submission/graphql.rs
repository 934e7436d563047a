//! Submissions as GraphQL types, and the queries for them.

use std::collections::HashMap;
use std::sync::Arc;

use async_graphql::{Context, Enum, ID, InputObject, Json, Object, Result};
use chrono::{DateTime, Utc};
use sea_orm::{ColumnTrait, QueryFilter};
use serde_json::Value;
use wayin_entity::{SubmissionState, organisation, submission};

use super::changes::find_changes;
use super::{SubmissionOrdering, select_visible, validate};
use crate::change_log::ActionContext;
use crate::error::Error;
use crate::graphql::order::Direction;
use crate::graphql::{
    app_from_context,
    connection::NodeConnection,
    decode_argument,
    error::SharedError,
    list::load_connection,
    loader::{self, LoaderContext, LoaderKey},
    problem::{FieldChange, InputProblem},
    require_member,
};
use crate::id::NodeKind;
use crate::initiative::graphql::{Initiative, InitiativeById, Organisation};
use crate::organisation::loaders::OrganisationById;
use crate::paging::PageArguments;
use crate::place::Gazetteer;

/// A whole record that is proposed for publication.
#[derive(Clone, Debug)]
pub struct Submission(pub submission::Model);

impl Submission {
    async fn load_organisation(&self, ctx: &Context<'_>) -> Result<Arc<organisation::Model>, Error> {
        let found = loader::operation_loader(ctx)
            .load_one(OrganisationById(self.0.organisation_id))
            .await?;
        found.ok_or_else(|| {
            Error::Internal(format!(
                "the organisation of submission {} does not exist",
                self.0.id
            ))
        })
    }

    async fn validate(&self, ctx: &Context<'_>) -> Result<validate::ValidatedSubmission, Error> {
        let app = app_from_context(ctx);
        let organisation = self.load_organisation(ctx).await?;
        let places = load_places(ctx).await?;
        let act = ActionContext {
            clock: &*app.clock,
            member: None,
            reason: "",
        };
        validate::validate_submission(&app.db, &act, &places, &organisation, &self.0).await
    }
}

async fn load_places(ctx: &Context<'_>) -> Result<Arc<Gazetteer>, Error> {
    let places = loader::operation_loader(ctx).load_one(AllPlaces).await?;
    Ok(places.unwrap_or_default())
}

/// A whole record that is proposed for publication.
#[Object]
impl Submission {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::Submission.encode_id(self.0.id).into()
    }

    /// The organisation that the record belongs to.
    async fn organisation(&self, ctx: &Context<'_>) -> Result<Organisation> {
        Ok(Organisation(self.load_organisation(ctx).await?))
    }

    /// The state.
    async fn state(&self) -> SubmissionState {
        self.0.state
    }

    /// The version number, which starts at 1 and increases with every save.
    async fn version(&self) -> i32 {
        self.0.version
    }

    /// The record, exactly as it was sent.
    async fn record(&self) -> Json<&Value> {
        Json(&self.0.document)
    }

    /// The problems that currently stop the record from being submitted. Empty if there are none, and after
    /// the submission is published or discarded.
    async fn problems(&self, ctx: &Context<'_>) -> Result<Vec<InputProblem>> {
        if self.is_settled() {
            return Ok(Vec::new());
        }
        let validated = self.validate(ctx).await?;
        Ok(validated.errors.into_iter().map(InputProblem::from).collect())
    }

    /// Warnings about the record, which do not stop it from being submitted. Empty after the submission is
    /// published or discarded.
    async fn warnings(&self, ctx: &Context<'_>) -> Result<Vec<InputProblem>> {
        if self.is_settled() {
            return Ok(Vec::new());
        }
        let validated = self.validate(ctx).await?;
        Ok(validated.warnings.into_iter().map(InputProblem::from).collect())
    }

    /// The published record that the submission corrects, or that was published from it. Null if there is
    /// none or it was withdrawn.
    async fn initiative(&self, ctx: &Context<'_>) -> Result<Option<Initiative>> {
        let Some(id) = self.0.initiative_id else {
            return Ok(None);
        };
        Ok(loader::operation_loader(ctx)
            .load_one(InitiativeById(id))
            .await?
            .map(Initiative::new))
    }

    /// The version of the published record that the submission is based on. Null if it corrects no
    /// published record.
    async fn initiative_version(&self) -> Option<i32> {
        self.0.initiative_version
    }

    /// The changes that the submission makes to the version it is based on. Empty if it corrects no
    /// published record. Another way to write the same value is no change. Positions in the paths are those
    /// in `record`; items that it has no longer come after its own.
    async fn changes(&self, ctx: &Context<'_>) -> Result<Vec<FieldChange>> {
        if self.0.initiative_id.is_none() {
            return Ok(Vec::new());
        }
        let organisation = self.load_organisation(ctx).await?;
        let places = load_places(ctx).await?;
        let found = find_changes(&app_from_context(ctx).db, &places, &organisation, &self.0).await?;
        Ok(found.into_iter().map(FieldChange::from).collect())
    }

    /// The steward's note on what to change. Null if no changes were requested since the record was last
    /// submitted.
    async fn review_note(&self) -> Option<&str> {
        self.0.review_note.as_deref()
    }

    /// When the submission was first saved (UTC).
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }

    /// When the submission was last saved or changed state (UTC).
    async fn updated_at(&self) -> DateTime<Utc> {
        self.0.updated_at
    }

    /// When the submission was last submitted for review (UTC). Null if never.
    async fn submitted_at(&self) -> Option<DateTime<Utc>> {
        self.0.submitted_at
    }

    /// When changes were last requested, or the submission was published or discarded (UTC). Null if never.
    async fn decided_at(&self) -> Option<DateTime<Utc>> {
        self.0.decided_at
    }

    /// When the submission will be deleted, unless it is saved or changes state before then (UTC). Null if
    /// it does not expire, such as during review and after publication.
    async fn expires_at(&self, ctx: &Context<'_>) -> Option<DateTime<Utc>> {
        app_from_context(ctx).expiry.submission_expires_at(&self.0)
    }
}

impl Submission {
    fn is_settled(&self) -> bool {
        matches!(
            self.0.state,
            SubmissionState::Published | SubmissionState::Discarded
        )
    }
}

/// Loads all places once for all submissions that an operation validates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct AllPlaces;

impl LoaderKey for AllPlaces {
    type Value = Arc<Gazetteer>;

    async fn load(
        context: &LoaderContext,
        _: &[AllPlaces],
    ) -> Result<HashMap<AllPlaces, Arc<Gazetteer>>, SharedError> {
        let places = Gazetteer::load(&context.db).await?;
        Ok(HashMap::from([(AllPlaces, Arc::new(places))]))
    }
}

/// Filters submissions.
#[derive(Clone, Debug, Default, InputObject)]
pub struct SubmissionFilter {
    /// Only submissions in one of these states. The default is all states.
    states: Option<Vec<SubmissionState>>,
    /// Only submissions of this organisation.
    organisation: Option<ID>,
    /// Only submissions that correct this published record, or from which it was published.
    initiative: Option<ID>,
}

/// The fields by which submissions can be sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
pub enum SubmissionOrderField {
    /// When the submission was last saved or changed state.
    UpdatedAt,
}

/// The order of a list of submissions.
#[derive(Clone, Copy, Debug, InputObject)]
pub struct SubmissionOrder {
    /// The field to sort by.
    field: SubmissionOrderField,
    /// The direction of the order.
    #[graphql(default)]
    direction: Direction,
}

#[derive(Default)]
pub struct SubmissionQuery;

#[Object]
impl SubmissionQuery {
    /// The submissions of your organisation, or of all organisations for stewards. For partners and
    /// stewards.
    #[expect(clippy::too_many_arguments, reason = "they are the arguments of a connection")]
    async fn submissions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Which submissions to return. By default, all that you can see.")] filter: Option<
            SubmissionFilter,
        >,
        #[graphql(desc = "The sort order. By default, the latest update comes first.")] order_by: Option<
            SubmissionOrder,
        >,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<Submission>> {
        let order = SubmissionOrdering {
            descending: order_by.is_none_or(|order| order.direction == Direction::Desc),
        };
        let mut select = select_visible(require_member(ctx)?);
        let filter = filter.unwrap_or_default();
        if let Some(states) = filter.states {
            select = select.filter(submission::Column::State.is_in(states));
        }
        if let Some(id) = filter.organisation {
            let id = decode_argument(NodeKind::Organisation, "filter.organisation", &id)?;
            let id = crate::organisation::alias::resolve_id(&app_from_context(ctx).db, id).await?;
            select = select.filter(submission::Column::OrganisationId.eq(id));
        }
        if let Some(id) = filter.initiative {
            let id = decode_argument(NodeKind::Initiative, "filter.initiative", &id)?;
            select = select.filter(submission::Column::InitiativeId.eq(id));
        }
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, select, order, page, Submission).await
    }

    /// Returns one submission. Null if it does not exist or you cannot see it. For partners and stewards.
    async fn submission(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The global ID of the submission.")] id: ID,
    ) -> Result<Option<Submission>> {
        let id = decode_argument(NodeKind::Submission, "id", &id)?;
        Ok(
            super::find_submission(&app_from_context(ctx).db, require_member(ctx)?, id)
                .await?
                .map(Submission),
        )
    }
}
