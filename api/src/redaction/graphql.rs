//! Redaction over GraphQL, for stewards.

use async_graphql::{Context, InputObject, InputType, Object, Result, SimpleObject};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::RedactionMatches;
use crate::graphql::{app_from_context, loader::operation_loader, problem::InputProblem, require_member};
use crate::id::NodeKind;
use crate::idempotency::{self, AuditRecord, MutationRequest, MutationStart};
use crate::note;
use wayin_records::problem::{Problem, ProblemCode};

/// Input to remove a text from everything that is stored.
#[derive(Clone, Debug, InputObject)]
pub struct RedactTextInput {
    /// The text to remove, exactly as it is written, from 4 to 2,000 characters. It is also found inside
    /// words. The input is rejected (`WRONG_STATE`) if the text is in the subject of an active member or in
    /// a file that is being imported. Revoke the member first, or wait until the import ends.
    text: String,
    /// The reason, for the audit trail. Do not include the text to remove.
    reason: String,
    /// An idempotency key that you choose, without the text to remove. A repeat with the same key within 24
    /// hours returns the first result.
    idempotency_key: Option<String>,
}

/// The result of removing a text.
#[derive(SimpleObject)]
pub struct RedactTextPayload {
    /// The number of records from which the text was removed, including withdrawn ones. Null if the input
    /// was rejected.
    initiatives: Option<i32>,
    /// The number of versions of records and of reference data (places, organisations, terms, meetings,
    /// reflections, crises, claims and members) from which the text was removed. Null if the input was
    /// rejected.
    revisions: Option<i32>,
    /// The number of submissions from which the text was removed. Null if the input was rejected.
    submissions: Option<i32>,
    /// The number of audit events from which the text was removed. Null if the input was rejected.
    audit_events: Option<i32>,
    /// The number of imports from which the text was removed. Files that contained it are deleted, and it
    /// is removed from the lists of their rows. Null if the input was rejected.
    imports: Option<i32>,
    /// The problems with the input. Empty if the mutation succeeded.
    problems: Vec<InputProblem>,
}

#[derive(Serialize, Deserialize)]
struct StoredRedactionResult {
    initiatives: i32,
    revisions: i32,
    submissions: i32,
    audit_events: i32,
    /// Those of reference data. Results from before 0.2 have them under the other name, if they do.
    #[serde(default, alias = "kept_versions")]
    reference_revisions: i32,
    #[serde(default)]
    imports: i32,
}

impl From<StoredRedactionResult> for RedactTextPayload {
    fn from(answer: StoredRedactionResult) -> Self {
        Self {
            initiatives: Some(answer.initiatives),
            revisions: Some(answer.revisions.saturating_add(answer.reference_revisions)),
            submissions: Some(answer.submissions),
            audit_events: Some(answer.audit_events),
            imports: Some(answer.imports),
            problems: Vec::new(),
        }
    }
}

fn reject_redaction(problems: impl IntoIterator<Item = Problem>) -> RedactTextPayload {
    RedactTextPayload {
        initiatives: None,
        revisions: None,
        submissions: None,
        audit_events: None,
        imports: None,
        problems: problems.into_iter().map(InputProblem::from).collect(),
    }
}

#[derive(Default)]
pub struct RedactionMutation;

#[Object]
impl RedactionMutation {
    /// Removes a text from everything that is stored: records, revisions, submissions, imports, reference
    /// data and the audit trail. `[redacted]` replaces it, with a number where values must stay distinct.
    /// Files that contain it are deleted. Codes and dates of published records stay, and so do the codes of
    /// places and the issuers of tokens. For stewards.
    async fn redact_text(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "The text to remove, and the reason.")] mut input: RedactTextInput,
    ) -> Result<RedactTextPayload> {
        let (app, member, key) = (
            app_from_context(ctx),
            require_member(ctx)?,
            input.idempotency_key.take(),
        );
        operation_loader(ctx).view().forget().await;
        let sent = MutationRequest {
            member,
            name: "redactText",
            key: key.as_deref(),
            input: input.to_value().to_string(),
        };
        let mut problems: Vec<_> = super::validate_text(&input.text).into_iter().collect();
        if problems.is_empty() && key.as_ref().is_some_and(|key| key.contains(&input.text)) {
            let reason = "contains the text to remove, and would be stored";
            problems.push(Problem::new(ProblemCode::InvalidFormat, "idempotencyKey", reason));
        }
        let mut found = RedactionMatches::default();
        if problems.is_empty() {
            found.search(&app.db, app.clock.now(), &input.text).await?;
        }
        let running = match idempotency::begin_exclusive_mutation::<StoredRedactionResult>(
            app.mutation_context(),
            sent,
        )
        .await?
        {
            MutationStart::New(running) => running,
            MutationStart::Rejected(problem) => return Ok(reject_redaction([problem])),
            MutationStart::Replayed(answer) => return Ok(answer.into()),
        };
        let reason = match note::validate_note("reason", &input.reason) {
            Ok(reason) => reason.replace(&input.text, super::REDACTION_MARKER),
            Err(refusal) => {
                problems.extend(refusal.problems);
                String::new()
            }
        };
        if problems.is_empty() {
            found.search(running.db(), app.clock.now(), &input.text).await?;
            problems = super::find_obstacles(running.db(), &found).await?;
        }
        if !problems.is_empty() {
            return Ok(reject_redaction(problems));
        }
        let act = running.action("redacted");
        let redacted = super::redact_text(running.db(), &act, &input.text, &found).await?;
        let small = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let answer = StoredRedactionResult {
            initiatives: small(redacted.initiatives),
            revisions: small(redacted.revisions),
            submissions: small(redacted.submissions),
            audit_events: small(redacted.audit_events),
            reference_revisions: small(redacted.reference_versions),
            imports: small(redacted.imports),
        };
        let event = AuditRecord {
            // A redaction has no single subject, so it is recorded with the member who acts.
            kind: NodeKind::Member,
            id: member.id,
            before: None,
            after: None,
            // The audit event does not contain the text.
            detail: json!({"reason": reason, "initiatives": answer.initiatives, "revisions": answer.revisions}),
        };
        running.finish(event, &answer).await?;
        Ok(answer.into())
    }
}
