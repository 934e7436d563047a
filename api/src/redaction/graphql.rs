//! Taking a text out of the base over GraphQL, for stewards.

use async_graphql::{Context, InputObject, InputType, Object, Result, SimpleObject};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Found;
use crate::graphql::{app, member, user_error::UserError};
use crate::id::NodeKind;
use crate::mutation::{self, Begun, Event, Sent};
use crate::note;
use wayin_records::finding::{Finding, FindingCode};

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
    /// The number of versions of records from which the text was removed. Null if the input was rejected.
    revisions: Option<i32>,
    /// The number of submissions from which the text was removed. Null if the input was rejected.
    submissions: Option<i32>,
    /// The number of audit events from which the text was removed. Null if the input was rejected.
    audit_events: Option<i32>,
    /// The number of versions of reference data (places, organisations, terms, meetings, reflections,
    /// crises, claims and members) from which the text was removed. Null if the input was rejected.
    kept_versions: Option<i32>,
    /// The number of imports from which the text was removed. Files that contained it are deleted, and it
    /// is removed from the lists of their rows. Null if the input was rejected.
    imports: Option<i32>,
    /// The problems with the input. Empty if the mutation succeeded.
    user_errors: Vec<UserError>,
}

#[derive(Serialize, Deserialize)]
struct Answer {
    initiatives: i32,
    revisions: i32,
    submissions: i32,
    audit_events: i32,
    #[serde(default)]
    kept_versions: i32,
    #[serde(default)]
    imports: i32,
}

impl From<Answer> for RedactTextPayload {
    fn from(answer: Answer) -> Self {
        Self {
            initiatives: Some(answer.initiatives),
            revisions: Some(answer.revisions),
            submissions: Some(answer.submissions),
            audit_events: Some(answer.audit_events),
            kept_versions: Some(answer.kept_versions),
            imports: Some(answer.imports),
            user_errors: Vec::new(),
        }
    }
}

fn refused(findings: impl IntoIterator<Item = Finding>) -> RedactTextPayload {
    RedactTextPayload {
        initiatives: None,
        revisions: None,
        submissions: None,
        audit_events: None,
        kept_versions: None,
        imports: None,
        user_errors: findings.into_iter().map(UserError::from).collect(),
    }
}

/// The mutation.
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
        let (app, member, key) = (app(ctx), member(ctx)?, input.idempotency_key.take());
        let sent = Sent {
            member,
            name: "redactText",
            key: key.as_deref(),
            input: input.to_value().to_string(),
        };
        let mut findings: Vec<_> = super::check(&input.text).into_iter().collect();
        if findings.is_empty() && key.as_ref().is_some_and(|key| key.contains(&input.text)) {
            let reason = "holds the text that is to be taken out, and would be kept";
            findings.push(Finding::new(FindingCode::InvalidFormat, "idempotencyKey", reason));
        }
        let mut found = Found::default();
        if findings.is_empty() {
            found.look(&app.db, app.clock.now(), &input.text).await?;
        }
        let running = match mutation::begin_alone::<Answer>(app.mutation_context(), sent).await? {
            Begun::Fresh(running) => running,
            Begun::Refused(finding) => return Ok(refused([finding])),
            Begun::Repeated(answer) => return Ok(answer.into()),
        };
        let reason = match note::validate("reason", &input.reason) {
            Ok(reason) => reason.replace(&input.text, super::MARKER),
            Err(refusal) => {
                findings.extend(refusal.findings);
                String::new()
            }
        };
        if findings.is_empty() {
            found.look(running.db(), app.clock.now(), &input.text).await?;
            findings = super::stands_against(running.db(), &found).await?;
        }
        if !findings.is_empty() {
            return Ok(refused(findings));
        }
        let act = running.act("redacted");
        let redacted = super::redact(running.db(), &act, &input.text, &found).await?;
        let small = |count: usize| i32::try_from(count).unwrap_or(i32::MAX);
        let answer = Answer {
            initiatives: small(redacted.initiatives),
            revisions: small(redacted.revisions),
            submissions: small(redacted.submissions),
            audit_events: small(redacted.events),
            kept_versions: small(redacted.kept),
            imports: small(redacted.imports),
        };
        let event = Event {
            // No one object is what it is about; the member who acts stands for it.
            kind: NodeKind::Member,
            id: member.id,
            before: None,
            after: None,
            // Of the text itself nothing stays.
            detail: json!({"reason": reason, "initiatives": answer.initiatives, "revisions": answer.revisions}),
        };
        running.finish(event, &answer).await?;
        Ok(answer.into())
    }
}
