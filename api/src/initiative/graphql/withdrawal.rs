//! The withdrawal of published records over GraphQL.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::graphql::{
    app_from_context, decode_argument, mutation, problem::InputProblem, revision::Revision,
};
use crate::id::NodeKind;
use crate::idempotency::{AuditRecord, MutationStart};
use crate::initiative::publish;
use crate::note;
use crate::store::revisions;
use wayin_records::problem::{Problem, ProblemCode};

/// Input to withdraw a published record.
#[derive(Clone, Debug, InputObject)]
pub struct WithdrawInitiativeInput {
    /// The initiative.
    id: ID,
    /// The reason, at most 2,000 characters. It is stored with the last version of the record.
    reason: String,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// The result of withdrawing a record.
#[derive(SimpleObject)]
pub struct WithdrawInitiativePayload {
    /// The last version of the record, with the reason for the withdrawal. Null if the input was rejected.
    revision: Option<Revision>,
    /// The number of the change. Pass it as `minChangeNumber` to get patterns and lists that include the
    /// change.
    change_number: Option<i64>,
    /// The problems with the input. Empty if the mutation succeeded.
    problems: Vec<InputProblem>,
}

impl WithdrawInitiativePayload {
    fn from_problem(problem: Problem) -> Self {
        Self {
            revision: None,
            change_number: None,
            problems: vec![problem.into()],
        }
    }
}

#[derive(Serialize, Deserialize)]
struct WithdrawalResult {
    initiative: Uuid,
    version: i32,
    change: i64,
}

#[derive(Default)]
pub struct InitiativeMutation;

#[Object]
impl InitiativeMutation {
    /// Withdraws a published record. Lists and counts leave it out at once. Its revisions stay. For
    /// stewards.
    async fn withdraw_initiative(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The initiative and the reason.")] mut input: WithdrawInitiativeInput,
    ) -> Result<WithdrawInitiativePayload> {
        let (app, key) = (app_from_context(ctx), input.idempotency_key.take());
        let begun =
            mutation::begin_mutation::<WithdrawalResult>(ctx, "withdrawInitiative", key.as_deref(), &input)
                .await?;
        let running = match begun {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => return Ok(WithdrawInitiativePayload::from_problem(problem)),
            MutationStart::Replayed(answer) => {
                let revision = revisions::find_revision(&app.db, answer.initiative, answer.version).await?;
                return Ok(WithdrawInitiativePayload {
                    revision: revision.map(Revision::from),
                    change_number: Some(answer.change),
                    problems: Vec::new(),
                });
            }
        };
        let id = decode_argument(NodeKind::Initiative, "input.id", &input.id)?;
        let reason = match note::validate_note("reason", &input.reason) {
            Ok(reason) => reason,
            Err(refusal) => {
                return Ok(WithdrawInitiativePayload {
                    revision: None,
                    change_number: None,
                    problems: refusal.problems.into_iter().map(InputProblem::from).collect(),
                });
            }
        };
        let withdrawn = publish::withdraw_initiative(running.db(), &running.action(&reason), id).await?;
        let Some((before, after)) = withdrawn else {
            let reason = "there is no such published record";
            return Ok(WithdrawInitiativePayload::from_problem(Problem::new(
                ProblemCode::NotFound,
                "id",
                reason,
            )));
        };
        let revision = revisions::find_revision(running.db(), id, after).await?;
        let answer = WithdrawalResult {
            initiative: id,
            version: after,
            change: running.newest_change().await?,
        };
        let event = AuditRecord {
            kind: NodeKind::Initiative,
            id,
            before: Some(before),
            after: Some(after),
            detail: json!({"reason": reason}),
        };
        let change_number = Some(answer.change);
        running.finish(event, &answer).await?;
        Ok(WithdrawInitiativePayload {
            revision: revision.map(Revision::from),
            change_number,
            problems: Vec::new(),
        })
    }
}
