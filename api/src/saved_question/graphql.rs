//! Saved questions over GraphQL, for members.

use async_graphql::{Context, ID, InputObject, Json, Object, Result, SimpleObject};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};
use wayin_entity::{Dimension, saved_question};

use super::{QuestionArguments, delete_question, save_question, select_own};
use crate::graphql::{
    connection::NodeConnection, decode_argument, list::load_connection, mutation, problem::InputProblem,
    require_member,
};
use crate::id::NodeKind;
use crate::idempotency::{AuditRecord, MutationStart, Rejection};
use crate::paging::PageArguments;
use wayin_engine::query::RecordScope;

/// A question about two conditions that you saved to ask again. Only you can read it.
#[derive(Clone, Debug)]
pub struct SavedQuestion(pub saved_question::Model);

/// A question about two conditions that you saved to ask again. Only you can read it.
#[Object]
impl SavedQuestion {
    /// The global ID.
    pub async fn id(&self) -> ID {
        NodeKind::SavedQuestion.encode_id(self.0.id).into()
    }

    /// The name that you gave it.
    async fn name(&self) -> &str {
        &self.0.name
    }

    /// The first condition: an `InitiativeFilter` in JSON, as the files under `/export` take it.
    async fn when(&self) -> Result<String> {
        Ok(QuestionArguments::from_row(&self.0)?.when.to_string())
    }

    /// The second condition, in JSON.
    async fn then(&self) -> Result<String> {
        Ok(QuestionArguments::from_row(&self.0)?.then.to_string())
    }

    /// Which initiatives the question is about, in JSON. Null for all.
    async fn among(&self) -> Result<Option<String>> {
        let among = QuestionArguments::from_row(&self.0)?.among;
        Ok(among.map(|among| among.to_string()))
    }

    /// The dimension to group by. Null for no groups.
    async fn by(&self) -> Result<Option<Dimension>> {
        Ok(QuestionArguments::from_row(&self.0)?.by)
    }

    /// Which records are counted.
    async fn scope(&self) -> Result<RecordScope> {
        Ok(QuestionArguments::from_row(&self.0)?.scope.into())
    }

    /// When you saved it (UTC).
    async fn created_at(&self) -> DateTime<Utc> {
        self.0.created_at
    }
}

#[derive(Default)]
pub struct SavedQuestionQuery;

#[Object]
impl SavedQuestionQuery {
    /// The questions that you saved, latest first. Only you can read them.
    async fn saved_questions(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "Return the first n items: at most 100, 20 by default.")] first: Option<i32>,
        #[graphql(desc = "Return the items after this cursor.")] after: Option<String>,
        #[graphql(desc = "Return the last n items: at most 100.")] last: Option<i32>,
        #[graphql(desc = "Return the items before this cursor.")] before: Option<String>,
    ) -> Result<NodeConnection<SavedQuestion>> {
        let own = select_own(require_member(ctx)?);
        let page = PageArguments::new(first, after, last, before);
        load_connection(ctx, own, (), page, SavedQuestion).await
    }
}

/// Input to save a question. The arguments are those of `pattern`.
#[derive(Clone, Debug, InputObject)]
pub struct SaveQuestionInput {
    /// A name by which you recognise the question. It is at most 200 characters long, without an email address or a telephone
    /// number.
    name: String,
    /// The first condition: an `InitiativeFilter` as JSON.
    when: Json<Value>,
    /// The second condition: an `InitiativeFilter` as JSON.
    then: Json<Value>,
    /// The initiatives to count: an `InitiativeFilter` as JSON. If there is none, all are counted.
    among: Option<Json<Value>>,
    /// The dimension to group by.
    by: Option<Dimension>,
    /// Which records are counted. The default is all.
    scope: Option<RecordScope>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// Input to delete a saved question.
#[derive(Clone, Debug, InputObject)]
pub struct DeleteSavedQuestionInput {
    /// The global ID of the question.
    id: ID,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// The result of saving a question.
#[derive(SimpleObject)]
pub struct SaveQuestionPayload {
    /// The saved question. Null if the input was rejected.
    saved_question: Option<SavedQuestion>,
    /// The problems with the input. Empty if the mutation succeeded.
    problems: Vec<InputProblem>,
}

/// The result of deleting a saved question.
#[derive(SimpleObject)]
pub struct DeleteSavedQuestionPayload {
    /// The question as it was. Null if the input was rejected.
    saved_question: Option<SavedQuestion>,
    /// The problems with the input. Empty if the mutation succeeded.
    problems: Vec<InputProblem>,
}

macro_rules! payload_constructors {
    ($payload:ident) => {
        impl $payload {
            fn from_rejection(refusal: Rejection) -> Self {
                Self {
                    saved_question: None,
                    problems: refusal.problems.into_iter().map(Into::into).collect(),
                }
            }

            const fn from_row(row: saved_question::Model) -> Self {
                Self {
                    saved_question: Some(SavedQuestion(row)),
                    problems: Vec::new(),
                }
            }
        }
    };
}

payload_constructors!(SaveQuestionPayload);
payload_constructors!(DeleteSavedQuestionPayload);

#[derive(Default)]
pub struct SavedQuestionMutation;

#[Object]
impl SavedQuestionMutation {
    /// Saves a question about two conditions, so that you can ask it again. You can save 100.
    async fn save_question(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The question and its name.")] mut input: SaveQuestionInput,
    ) -> Result<SaveQuestionPayload> {
        let key = input.idempotency_key.take();
        let begun =
            mutation::begin_mutation::<saved_question::Model>(ctx, "saveQuestion", key.as_deref(), &input);
        let running = match begun.await? {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => {
                return Ok(SaveQuestionPayload::from_rejection(problem.into()));
            }
            MutationStart::Replayed(row) => return Ok(SaveQuestionPayload::from_row(row)),
        };
        let question = QuestionArguments {
            when: input.when.0,
            then: input.then.0,
            among: input.among.map(|among| among.0),
            by: input.by,
            scope: input.scope.unwrap_or_default().into(),
        };
        let (act, member) = (running.action(""), require_member(ctx)?);
        let row = match save_question(running.db(), &act, member, input.name, &question).await? {
            Ok(row) => row,
            Err(refusal) => return Ok(SaveQuestionPayload::from_rejection(refusal)),
        };
        running.finish(build_event(&row), &row).await?;
        Ok(SaveQuestionPayload::from_row(row))
    }

    /// Deletes a question that you saved.
    async fn delete_saved_question(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The question.")] mut input: DeleteSavedQuestionInput,
    ) -> Result<DeleteSavedQuestionPayload> {
        let key = input.idempotency_key.take();
        let begun = mutation::begin_mutation::<saved_question::Model>(
            ctx,
            "deleteSavedQuestion",
            key.as_deref(),
            &input,
        );
        let running = match begun.await? {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => {
                return Ok(DeleteSavedQuestionPayload::from_rejection(problem.into()));
            }
            MutationStart::Replayed(row) => return Ok(DeleteSavedQuestionPayload::from_row(row)),
        };
        let id = decode_argument(NodeKind::SavedQuestion, "input.id", &input.id)?;
        let row = match delete_question(running.db(), require_member(ctx)?, id).await? {
            Ok(row) => row,
            Err(refusal) => return Ok(DeleteSavedQuestionPayload::from_rejection(refusal)),
        };
        running.finish(build_event(&row), &row).await?;
        Ok(DeleteSavedQuestionPayload::from_row(row))
    }
}

/// The event in the audit trail. It does not say what the member asks.
fn build_event(row: &saved_question::Model) -> AuditRecord {
    AuditRecord {
        kind: NodeKind::SavedQuestion,
        id: row.id,
        before: None,
        after: None,
        detail: json!({}),
    }
}
