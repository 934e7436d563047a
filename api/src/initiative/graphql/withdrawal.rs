//! The withdrawal of published records over GraphQL.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use serde_json::json;

use super::direct_change::{DirectChange, DirectChangeResult, finish_change, load_replay};
use crate::error::Error;
use crate::graphql::{decode_argument, mutation, problem::InputProblem, require_member, revision::Revision};
use crate::id::NodeKind;
use crate::idempotency::{MutationStart, Rejection};
use crate::initiative::own_records::find_own_record;
use crate::initiative::publish;
use crate::note;

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
    fn from_outcome(outcome: Result<DirectChange, Rejection>) -> Self {
        match outcome {
            Ok(change) => Self {
                revision: change.revision,
                change_number: Some(change.change_number),
                problems: Vec::new(),
            },
            Err(refusal) => Self {
                revision: None,
                change_number: None,
                problems: refusal.problems.into_iter().map(InputProblem::from).collect(),
            },
        }
    }
}

#[derive(Default)]
pub struct InitiativeMutation;

#[Object]
impl InitiativeMutation {
    /// Withdraws a published record without review. Lists and counts leave it out at once; counts of hidden records
    /// leave it out later, so that they do not show what it says. Its revisions stay. For partners, records that
    /// their organisation leads and sent in: stewards get a notice. For stewards, all records.
    async fn withdraw_initiative(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The initiative and the reason.")] mut input: WithdrawInitiativeInput,
    ) -> Result<WithdrawInitiativePayload> {
        let (member, key) = (require_member(ctx)?, input.idempotency_key.take());
        let begun =
            mutation::begin_mutation::<DirectChangeResult>(ctx, "withdrawInitiative", key.as_deref(), &input)
                .await?;
        let running = match begun {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => {
                return Ok(WithdrawInitiativePayload::from_outcome(Err(problem.into())));
            }
            MutationStart::Replayed(answer) => {
                let outcome = load_replay(ctx, answer).await?;
                return Ok(WithdrawInitiativePayload::from_outcome(outcome));
            }
        };
        let id = decode_argument(NodeKind::Initiative, "input.id", &input.id)?;
        let reason = match note::validate_note("reason", &input.reason) {
            Ok(reason) => reason,
            Err(refusal) => return Ok(WithdrawInitiativePayload::from_outcome(Err(refusal))),
        };
        if let Err(problem) = find_own_record(running.db(), member, id).await? {
            return Ok(WithdrawInitiativePayload::from_outcome(Err(problem.into())));
        }
        let withdrawn = publish::withdraw_initiative(running.db(), &running.action(&reason), id).await?;
        let missing = || Error::Internal(format!("initiative {id} is locked, and cannot be found"));
        let versions = withdrawn.ok_or_else(missing)?;
        let change = finish_change(*running, member, id, versions, json!({"reason": reason})).await?;
        Ok(WithdrawInitiativePayload::from_outcome(Ok(change)))
    }
}
