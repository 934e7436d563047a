//! Narrowing who may read published records over GraphQL.

use async_graphql::{Context, ID, InputObject, Object, Result, SimpleObject};
use serde_json::{Value, json};
use uuid::Uuid;
use wayin_entity::{Visibility, initiative};

use super::direct_change::{DirectChange, DirectChangeResult, finish_change, load_replay};
use crate::auth::requester::AuthenticatedMember;
use crate::error::Error;
use crate::graphql::{
    decode_argument, mutation,
    problem::{FieldChange, InputProblem},
    require_member,
    revision::Revision,
};
use crate::id::NodeKind;
use crate::idempotency::{MutationStart, Rejection, RunningMutation};
use crate::initiative::own_records::find_own_record;
use crate::initiative::publish;
use crate::note;
use crate::store::revisions;
use wayin_engine::visibility::Readership;
use wayin_records::diff;
use wayin_records::problem::{Problem, ProblemCode};

/// The reason of a version that was narrowed without a reason. Every version has a reason.
const NO_REASON: &str = "visibility narrowed";

/// Input to narrow who may read a published record. Give `visibility`, `sharedWithFunders` or both.
#[derive(Clone, Debug, InputObject)]
pub struct NarrowVisibilityInput {
    /// The initiative.
    id: ID,
    /// The version of the record that your decision is based on. If the record has changed since, the input is
    /// rejected and `conflicts` lists the differences. If you leave the version out, the current version is narrowed,
    /// whatever it is.
    version: Option<i32>,
    /// The new visibility. The default is the current one.
    visibility: Option<Visibility>,
    /// Whether the record's funders may read all of it if its visibility is `AGGREGATE_ONLY`. The default is the
    /// current value.
    shared_with_funders: Option<bool>,
    /// The reason, at most 2,000 characters. It is stored with the new version of the record.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// The result of narrowing who may read a record.
#[derive(SimpleObject)]
pub struct NarrowVisibilityPayload {
    /// The new version of the record. Null if the input was rejected.
    revision: Option<Revision>,
    /// The number of the change. Pass it as `minChangeNumber` to get patterns and lists that include the
    /// change.
    change_number: Option<i64>,
    /// The differences between the version that your decision is based on and the current one, if the record has
    /// changed.
    conflicts: Vec<FieldChange>,
    /// The problems with the input. Empty if the mutation succeeded.
    problems: Vec<InputProblem>,
}

impl NarrowVisibilityPayload {
    fn from_outcome(outcome: Result<DirectChange, Rejection>) -> Self {
        match outcome {
            Ok(change) => Self {
                revision: change.revision,
                change_number: Some(change.change_number),
                conflicts: Vec::new(),
                problems: Vec::new(),
            },
            Err(refusal) => Self {
                revision: None,
                change_number: None,
                conflicts: refusal.conflicts.into_iter().map(FieldChange::from).collect(),
                problems: refusal.problems.into_iter().map(InputProblem::from).collect(),
            },
        }
    }
}

#[derive(Default)]
pub struct NarrowingMutation;

#[Object]
impl NarrowingMutation {
    /// Narrows who may read a published record, at once and without review. The record gets a new version. To let more
    /// readers in, submit a correction. For partners, records that their organisation leads and sent in: stewards get
    /// a notice. For stewards, all records.
    async fn narrow_visibility(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The initiative, and who may still read it.")] mut input: NarrowVisibilityInput,
    ) -> Result<NarrowVisibilityPayload> {
        let (member, key) = (require_member(ctx)?, input.idempotency_key.take());
        let begun =
            mutation::begin_mutation::<DirectChangeResult>(ctx, "narrowVisibility", key.as_deref(), &input)
                .await?;
        let running = match begun {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => {
                return Ok(NarrowVisibilityPayload::from_outcome(Err(problem.into())));
            }
            MutationStart::Replayed(answer) => {
                let outcome = load_replay(ctx, answer).await?;
                return Ok(NarrowVisibilityPayload::from_outcome(outcome));
            }
        };
        let id = decode_argument(NodeKind::Initiative, "input.id", &input.id)?;
        let (versions, detail) = match narrow_record(&running, member, id, &input).await? {
            Ok(narrowed) => narrowed,
            Err(refusal) => return Ok(NarrowVisibilityPayload::from_outcome(Err(refusal))),
        };
        let change = finish_change(*running, member, id, versions, detail).await?;
        Ok(NarrowVisibilityPayload::from_outcome(Ok(change)))
    }
}

/// The versions of a record before and after it was narrowed, and the detail for the audit event.
type NarrowedRecord = ((i32, i32), Value);

/// Narrows who may read a record, or returns why not.
async fn narrow_record(
    running: &RunningMutation<'_>,
    member: &AuthenticatedMember,
    id: Uuid,
    input: &NarrowVisibilityInput,
) -> Result<Result<NarrowedRecord, Rejection>, Error> {
    let given = input.reason.as_deref();
    let reason = match given
        .map(|reason| note::validate_note("reason", reason))
        .transpose()
    {
        Ok(reason) => reason,
        Err(refusal) => return Ok(Err(refusal)),
    };
    let before = match find_own_record(running.db(), member, id).await? {
        Ok(before) => before,
        Err(problem) => return Ok(Err(problem.into())),
    };
    if let Some(refusal) = find_version_conflict(running, &before, input.version).await? {
        return Ok(Err(refusal));
    }
    let from = Readership {
        visibility: before.visibility,
        shared_with_funders: before.shared_with_funders,
    };
    let to = Readership {
        visibility: input.visibility.unwrap_or(from.visibility),
        shared_with_funders: input.shared_with_funders.unwrap_or(from.shared_with_funders),
    };
    if !to.is_narrower_than(from) {
        return Ok(Err(refuse_readership(from, input).into()));
    }
    let action = running.action(reason.as_deref().unwrap_or(NO_REASON));
    let versions = publish::narrow_readership(running.db(), &action, &before, to).await?;
    let detail = json!({
        "reason": reason,
        "visibility": {"before": from.visibility, "after": to.visibility},
        "sharedWithFunders": {"before": from.shared_with_funders, "after": to.shared_with_funders},
    });
    Ok(Ok((versions, detail)))
}

/// Whether the record has changed since the version that the decision is based on.
async fn find_version_conflict(
    running: &RunningMutation<'_>,
    current: &initiative::Model,
    based_on: Option<i32>,
) -> Result<Option<Rejection>, Error> {
    let Some(based_on) = based_on.filter(|version| *version != current.version) else {
        return Ok(None);
    };
    let newest = current.version;
    if !(1..newest).contains(&based_on) {
        let reason = format!("there is no version {based_on}; the newest is {newest}");
        let refusal = Rejection::from_problem(ProblemCode::OutOfRange, "version", reason);
        return Ok(Some(refusal));
    }
    let before = revisions::find_document(running.db(), current.id, based_on).await?;
    let after = revisions::find_document(running.db(), current.id, newest).await?;
    let reason = format!(
        "the published record is at version {newest} now; this is based on version {based_on}. `conflicts` lists the changes; take them into account and send `version: {newest}`"
    );
    Ok(Some(Rejection {
        problems: vec![Problem::new(ProblemCode::StaleVersion, "version", reason)],
        conflicts: diff::find_differences(&before.unwrap_or_default(), &after.unwrap_or_default()),
    }))
}

/// Describes why a readership is not narrower than the current one.
fn refuse_readership(current: Readership, input: &NarrowVisibilityInput) -> Problem {
    let path = if input.visibility.is_none() && input.shared_with_funders.is_some() {
        "sharedWithFunders"
    } else {
        "visibility"
    };
    let shared = if current.shared_with_funders {
        " and is shared with its funders"
    } else {
        ""
    };
    let reason = format!(
        "does not narrow who may read the record, which is {}{shared} now; to let more readers in, submit a correction of the record for review",
        current.visibility.code()
    );
    Problem::new(ProblemCode::NotAllowed, path, reason)
}
