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

/// A text that is to be taken out.
#[derive(Clone, Debug, InputObject)]
pub struct RedactTextInput {
    /// The text as it is written, from 4 to 2,000 characters. It is found wherever it stands, also within words.
    /// While it is in the subject of a member who may act, or in a file that is being taken in, it is refused
    /// (`WRONG_STATE`): revoke the member first, or wait.
    text: String,
    /// Why, for the audit trail; without the text itself.
    reason: String,
    /// A key of your choice, by which the same mutation is known again for 24 hours; without the text itself.
    idempotency_key: Option<String>,
}

/// What came of taking a text out.
#[derive(SimpleObject)]
pub struct RedactTextPayload {
    /// How many records it was taken out of, withdrawn ones included; null where the input was refused.
    initiatives: Option<i32>,
    /// How many versions of records.
    revisions: Option<i32>,
    /// How many submissions.
    submissions: Option<i32>,
    /// How many events of the audit trail.
    audit_events: Option<i32>,
    /// How many versions of what stewards keep: places, organisations, terms, meetings, reflections, crises,
    /// claims, members.
    kept_versions: Option<i32>,
    /// How many imports: files that held it are deleted, and it is taken out of what is told of their rows.
    imports: Option<i32>,
    /// Everything that was wrong with the input; empty where it was done.
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
    /// Takes a text out of everything that the base keeps: records, their history, submissions, imports, what
    /// stewards keep and the audit trail. `[redacted]` is left in its place, with a number behind it where only that
    /// tells one thing from another; files that hold it are deleted. Codes and days of published records stay, and
    /// so do the codes of places and who issues tokens. For stewards.
    async fn redact_text(
        &self,
        ctx: &Context<'_>,
        #[graphql(desc = "What to take out, and why.")] mut input: RedactTextInput,
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
