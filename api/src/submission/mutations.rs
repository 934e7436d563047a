//! Mutations of submissions: saving, submitting for review, requesting changes, publishing and discarding.

use async_graphql::{Context, ID, InputObject, InputType, Json, Object, Result, SimpleObject};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wayin_entity::{SubmissionState, submission};

use super::graphql::Submission;
use super::{Rejection, SubmissionDraft, SubmissionTarget, TransitionResult};
use crate::app::App;
use crate::auth::requester::AuthenticatedMember;
use crate::error::Error;
use crate::graphql::{
    app_from_context, decode_argument, mutation,
    problem::{FieldChange, InputProblem},
    require_member,
};
use crate::id::NodeKind;
use crate::idempotency::{AuditRecord, MutationStart, RunningMutation};
use crate::instance::DisclosureKeys;
use crate::note;
use crate::place::Gazetteer;

/// Input to save a record as a draft.
#[derive(Clone, Debug, InputObject)]
pub struct SaveSubmissionInput {
    /// The submission to save the record in. Leave it out to create a submission.
    id: Option<ID>,
    /// The version of the submission that your edit is based on. If the submission has been saved since,
    /// the input is rejected and `conflicts` lists the differences.
    version: Option<i32>,
    /// The organisation that the record belongs to. The default is your own. Stewards name it here, because
    /// they act for no organisation.
    organisation: Option<ID>,
    /// The published record to correct. The default is the one with the same `externalRef`.
    initiative: Option<ID>,
    /// The version of the published record that your edit is based on. Required if you give `initiative`.
    initiative_version: Option<i32>,
    /// The record, with the fields listed in `docs/submitting-records.md`. It is stored exactly as you send it,
    /// even if it has problems.
    record: Json<Value>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result, and nothing is saved twice.
    idempotency_key: Option<String>,
}

/// Input to submit a record for review.
#[derive(Clone, Debug, InputObject)]
pub struct SubmitForReviewInput {
    /// The submission.
    id: ID,
    /// The version of the submission that you read. If the submission has changed since, the input is rejected with
    /// `STALE_VERSION`.
    version: Option<i32>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// Input to publish a submission.
#[derive(Clone, Debug, InputObject)]
pub struct PublishSubmissionInput {
    /// The submission.
    id: ID,
    /// The version of the submission that you read. If the submission has changed since, the input is rejected with
    /// `STALE_VERSION`.
    version: Option<i32>,
    /// The reason, stored with the new version of the record.
    reason: Option<String>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// Input to request changes to a submission.
#[derive(Clone, Debug, InputObject)]
pub struct RequestChangesInput {
    /// The submission.
    id: ID,
    /// The version of the submission that you read. If the submission has changed since, the input is rejected with
    /// `STALE_VERSION`.
    version: Option<i32>,
    /// What to change, for the people who wrote the record. At most 2,000 characters.
    note: String,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

/// Input to discard a submission.
#[derive(Clone, Debug, InputObject)]
pub struct DiscardSubmissionInput {
    /// The submission.
    id: ID,
    /// The version of the submission that you read. If the submission has changed since, the input is rejected with
    /// `STALE_VERSION`.
    version: Option<i32>,
    /// An idempotency key that you choose. A repeat with the same key within 24 hours returns the first
    /// result.
    idempotency_key: Option<String>,
}

macro_rules! payloads {
    ($($(#[doc = $about:literal])+ $payload:ident;)+) => {$(
        $(#[doc = $about])+
        #[derive(SimpleObject)]
        pub struct $payload {
            /// The submission as saved. Null if the input was rejected: `problems` says why.
            submission: Option<Submission>,
            /// The number of the change that published the record. Pass it as `minChangeNumber` to get
            /// patterns and lists that include the change. Null if nothing was published.
            change_number: Option<i64>,
            /// The changes that conflict with your input. If the published record has changed since the
            /// version that your edit is based on, these are the differences between that version and the
            /// current one. If the draft has changed, its older versions are not stored: these are all
            /// fields in which your input (`after`) differs from the current draft (`before`), including
            /// your own edits.
            conflicts: Vec<FieldChange>,
            /// The problems with the input. Empty if the mutation succeeded.
            problems: Vec<InputProblem>,
        }

        impl From<SubmissionOutcome> for $payload {
            fn from(done: SubmissionOutcome) -> Self {
                match done {
                    SubmissionOutcome::Moved(submission, change_number) => Self {
                        submission: Some(Submission(submission)),
                        change_number,
                        conflicts: Vec::new(),
                        problems: Vec::new(),
                    },
                    SubmissionOutcome::Rejected(refusal) => Self {
                        submission: None,
                        change_number: None,
                        conflicts: refusal.conflicts.into_iter().map(FieldChange::from).collect(),
                        problems: refusal.problems.into_iter().map(InputProblem::from).collect(),
                    },
                }
            }
        }
    )+};
}

payloads! {
    /// The result of saving a submission.
    SaveSubmissionPayload;
    /// The result of submitting a record for review.
    SubmitForReviewPayload;
    /// The result of requesting changes.
    RequestChangesPayload;
    /// The result of publishing a submission.
    PublishSubmissionPayload;
    /// The result of discarding a submission.
    DiscardSubmissionPayload;
}

/// The result of a mutation.
enum SubmissionOutcome {
    Moved(submission::Model, Option<i64>),
    Rejected(Rejection),
}

/// The stored result of a mutation, for a repeat under its key.
#[derive(Serialize, Deserialize)]
struct StoredSubmissionResult {
    submission: submission::Model,
    change: Option<i64>,
}

#[derive(Default)]
pub struct SubmissionMutation;

#[Object]
impl SubmissionMutation {
    /// Saves a record as a draft, exactly as you send it, even if it has problems: `problems` lists them.
    /// Send the whole record: it replaces the published record that it corrects. Fields that you leave out
    /// are cleared, and a `CLEARED` warning names each of them. For partners and stewards.
    async fn save_submission(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The values to save.")] mut input: SaveSubmissionInput,
    ) -> Result<SaveSubmissionPayload> {
        let key = input.idempotency_key.take();
        let text = input.to_value().to_string();
        let running = match begin_mutation(ctx, "saveSubmission", key.as_deref(), text).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let corrects = match (&input.initiative, input.initiative_version) {
            (None, None) => None,
            (Some(id), Some(version)) => Some((
                decode_argument(NodeKind::Initiative, "input.initiative", id)?,
                version,
            )),
            _ => {
                let reason = "initiative and initiativeVersion go together";
                return Err(Error::bad_input("input", reason).into());
            }
        };
        let of = |kind, path: &str, id: &Option<ID>| {
            id.as_ref().map(|id| decode_argument(kind, path, id)).transpose()
        };
        let draft = SubmissionDraft {
            submission: of(NodeKind::Submission, "input.id", &input.id)?,
            version: input.version,
            organisation: of(NodeKind::Organisation, "input.organisation", &input.organisation)?,
            corrects,
            record: input.record.0,
        };
        let moved = super::save_submission(
            running.db(),
            &running.action("saved"),
            require_member(ctx)?,
            draft,
        )
        .await?;
        Ok(
            finish_mutation(*running, moved, RecordWrite::NewVersion, Value::Null)
                .await?
                .into(),
        )
    }

    /// Submits a record for review if it has no problems. Otherwise the submission does not change, and
    /// `problems` says why. If the organisation publishes without review, the record is
    /// published. For partners and stewards.
    async fn submit_for_review(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The submission.")] mut input: SubmitForReviewInput,
    ) -> Result<SubmitForReviewPayload> {
        let key = input.idempotency_key.take();
        let running = match begin_decision(ctx, "submitForReview", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let target = decode_target(&input.id, input.version)?;
        let places = Gazetteer::load(running.db()).await?;
        let keys = DisclosureKeys::load(running.db()).await?;
        let act = running.action("submitted by an organisation that publishes without review");
        let moved =
            super::submit_for_review(running.db(), &act, &places, &keys, require_member(ctx)?, target)
                .await?;
        Ok(
            finish_mutation(*running, moved, RecordWrite::Unchanged, Value::Null)
                .await?
                .into(),
        )
    }

    /// Returns a submission to its organisation with a note that says what to change. For stewards.
    async fn request_changes(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The submission and the note.")] mut input: RequestChangesInput,
    ) -> Result<RequestChangesPayload> {
        let key = input.idempotency_key.take();
        let running = match begin_decision(ctx, "requestChanges", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let target = decode_target(&input.id, input.version)?;
        let act = running.action("returned");
        let moved =
            super::request_changes(running.db(), &act, require_member(ctx)?, target, &input.note).await?;
        let detail = json!({"note": input.note});
        Ok(finish_mutation(*running, moved, RecordWrite::Unchanged, detail)
            .await?
            .into())
    }

    /// Publishes a submission. In one transaction, the record replaces the published one, gets a new
    /// version and is added to the change log. For stewards.
    async fn publish_submission(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The submission.")] mut input: PublishSubmissionInput,
    ) -> Result<PublishSubmissionPayload> {
        let key = input.idempotency_key.take();
        let running = match begin_decision(ctx, "publishSubmission", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let target = decode_target(&input.id, input.version)?;
        let reason = input.reason.as_deref().unwrap_or("submitted and reviewed");
        let reason = match note::validate_note("reason", reason) {
            Ok(reason) => reason,
            Err(refusal) => return Ok(SubmissionOutcome::Rejected(refusal).into()),
        };
        let places = Gazetteer::load(running.db()).await?;
        let keys = DisclosureKeys::load(running.db()).await?;
        let moved = {
            let act = running.action(&reason);
            super::publish_submission(running.db(), &act, &places, &keys, require_member(ctx)?, target)
                .await?
        };
        Ok(
            finish_mutation(*running, moved, RecordWrite::Unchanged, json!({"reason": reason}))
                .await?
                .into(),
        )
    }

    /// Discards a submission that is not published. For partners and stewards.
    async fn discard_submission(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The submission.")] mut input: DiscardSubmissionInput,
    ) -> Result<DiscardSubmissionPayload> {
        let key = input.idempotency_key.take();
        let running = match begin_decision(ctx, "discardSubmission", key.as_deref(), &input).await? {
            Ok(running) => running,
            Err(done) => return Ok(done.into()),
        };
        let target = decode_target(&input.id, input.version)?;
        let moved = super::discard_submission(
            running.db(),
            &running.action("discarded"),
            require_member(ctx)?,
            target,
        )
        .await?;
        Ok(
            finish_mutation(*running, moved, RecordWrite::Unchanged, Value::Null)
                .await?
                .into(),
        )
    }
}

fn decode_target(id: &ID, version: Option<i32>) -> Result<SubmissionTarget> {
    Ok(SubmissionTarget {
        id: decode_argument(NodeKind::Submission, "input.id", id)?,
        version,
    })
}

/// Begins a decision on a submission, as [`begin_mutation`]. An absent `version` is no part of the digest of the input, so that
/// keys that were used before the input had this field stay valid.
async fn begin_decision<'a>(
    ctx: &Context<'a>,
    name: &'static str,
    key: Option<&'a str>,
    input: &impl InputType,
) -> Result<Result<Box<RunningMutation<'a>>, SubmissionOutcome>> {
    let mut input = input.to_value();
    if let async_graphql::Value::Object(fields) = &mut input
        && fields.get("version") == Some(&async_graphql::Value::Null)
    {
        fields.shift_remove("version");
    }
    begin_mutation(ctx, name, key, input.to_string()).await
}

/// Begins a mutation with its input as text. A repeat, or a mutation that cannot run, returns its result.
async fn begin_mutation<'a>(
    ctx: &Context<'a>,
    name: &'static str,
    key: Option<&'a str>,
    input: String,
) -> Result<Result<Box<RunningMutation<'a>>, SubmissionOutcome>> {
    let started = mutation::begin_mutation_with_text::<StoredSubmissionResult>(ctx, name, key, input).await?;
    Ok(match started {
        MutationStart::New(running) => Ok(running),
        MutationStart::Rejected(problem) => Err(SubmissionOutcome::Rejected(problem.into())),
        MutationStart::Replayed(answer) => {
            Err(load_stored_result(app_from_context(ctx), require_member(ctx)?, answer).await?)
        }
    })
}

/// Loads the result of a repeat: the submission as it was, if the member can still see it.
async fn load_stored_result(
    app: &App,
    member: &AuthenticatedMember,
    answer: StoredSubmissionResult,
) -> Result<SubmissionOutcome, Error> {
    let stored = answer.submission;
    let Some(now) = super::find_submission(&app.db, member, stored.id).await? else {
        return Ok(SubmissionOutcome::Rejected(super::not_found_error()));
    };
    // The organisation may have been merged into another since.
    let row = submission::Model {
        organisation_id: now.organisation_id,
        ..stored
    };
    Ok(SubmissionOutcome::Moved(row, answer.change))
}

/// Whether a mutation wrote a new version of the submission's record.
enum RecordWrite {
    NewVersion,
    Unchanged,
}

async fn finish_mutation(
    running: RunningMutation<'_>,
    moved: TransitionResult,
    wrote: RecordWrite,
    detail: Value,
) -> Result<SubmissionOutcome, Error> {
    let row = match moved {
        Ok(row) => row,
        Err(refusal) => return Ok(SubmissionOutcome::Rejected(refusal)),
    };
    let change = match row.state {
        SubmissionState::Published => Some(running.newest_change().await?),
        _ => None,
    };
    let event = AuditRecord {
        kind: NodeKind::Submission,
        id: row.id,
        before: match wrote {
            RecordWrite::NewVersion => (row.version > 1).then_some(row.version - 1),
            RecordWrite::Unchanged => Some(row.version),
        },
        after: Some(row.version),
        detail: json!({
            "state": row.state,
            "initiative": row.initiative_id.map(|id| NodeKind::Initiative.encode_id(id)),
            "of": detail,
        }),
    };
    let answer = StoredSubmissionResult {
        submission: row,
        change,
    };
    running.finish(event, &answer).await?;
    Ok(SubmissionOutcome::Moved(answer.submission, change))
}
