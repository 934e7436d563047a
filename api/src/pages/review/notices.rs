//! Notices of what partners did with published records without review.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use axum::routing::post;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wayin_entity::{Capability, Visibility};

use super::data::join_messages;
use super::wording::describe_readers;
use crate::pages::answer::wording::format_day;
use crate::pages::error::PageError;
use crate::pages::form::CheckedForm;
use crate::pages::operation::PageOperation;
use crate::pages::record::data::{NamedOrganisation, ProblemData};
use crate::pages::record::wording::describe_title;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

pub fn router() -> Router<PageService> {
    Router::new().route("/review/notices/{id}/acknowledge", post(acknowledge))
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenNotices {
    pub total_count: u32,
    pub nodes: Vec<OpenNotice>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenNotice {
    id: String,
    created_at: DateTime<Utc>,
    event: NoticedEvent,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct NoticedEvent {
    action: String,
    subject_id: Option<String>,
    detail: Value,
    actor: Option<NoticedActor>,
}

#[derive(Debug, Deserialize, Serialize)]
struct NoticedActor {
    subject: String,
    organisation: Option<NamedOrganisation>,
}

#[derive(Debug, Deserialize, Serialize)]
pub struct NoticedRecordOperation {
    revisions: Option<NoticedRevisions>,
}

#[derive(Debug, Deserialize, Serialize)]
struct NoticedRevisions {
    nodes: Vec<NoticedRevision>,
}

#[derive(Debug, Deserialize, Serialize)]
struct NoticedRevision {
    document: Value,
}

impl PageOperation for NoticedRecordOperation {
    const DOCUMENT: &'static str = include_str!("noticed_record.graphql");
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct AcknowledgeNoticeOperation {
    acknowledge_notice: AcknowledgedNotice,
}

#[derive(Debug, Deserialize, Serialize)]
struct AcknowledgedNotice {
    problems: Vec<ProblemData>,
}

impl PageOperation for AcknowledgeNoticeOperation {
    const DOCUMENT: &'static str = include_str!("acknowledge_notice.graphql");
}

/// A notice in words.
#[derive(Debug)]
pub struct NoticeRow {
    pub action: String,
    /// What was done, in a sentence.
    pub text: String,
    /// Why, in the words of the partner. Empty if they gave no reason.
    pub reason: String,
    pub day: String,
}

/// Describes open notices, with the titles of their records.
pub async fn describe_notices(
    service: &PageService,
    visitor: &Visitor,
    notices: Vec<OpenNotice>,
) -> Result<Vec<NoticeRow>, PageError> {
    let mut rows = Vec::new();
    for notice in notices {
        let title = match &notice.event.subject_id {
            Some(id) => find_noticed_title(service, visitor, id).await?,
            None => None,
        };
        let title = title.unwrap_or_else(|| "a record".into());
        rows.push(NoticeRow {
            action: format!("/review/notices/{}/acknowledge", notice.id),
            text: describe_event(&notice.event, &title),
            reason: notice.event.detail["reason"].as_str().unwrap_or_default().into(),
            day: format_day(notice.created_at),
        });
    }
    Ok(rows)
}

/// The title of the latest version of a record. A withdrawn record still has its versions.
async fn find_noticed_title(
    service: &PageService,
    visitor: &Visitor,
    id: &str,
) -> Result<Option<String>, PageError> {
    let found: NoticedRecordOperation = service.execute(visitor, json!({ "id": id })).await?;
    let latest = found
        .revisions
        .and_then(|revisions| revisions.nodes.into_iter().next());
    Ok(latest.map(|revision| format!("\u{201c}{}\u{201d}", describe_title(&revision.document))))
}

fn describe_event(event: &NoticedEvent, title: &str) -> String {
    let who = match &event.actor {
        Some(NoticedActor {
            organisation: Some(organisation),
            ..
        }) => organisation.name.clone(),
        Some(actor) => actor.subject.clone(),
        None => "Somebody on the command line".into(),
    };
    if event.action == "withdrawInitiative" {
        return format!("{who} withdrew {title}. It is no longer published.");
    }
    let visibility: Option<Visibility> =
        serde_json::from_value(event.detail["visibility"]["after"].clone()).ok();
    let shared = &event.detail["sharedWithFunders"];
    let mut text = format!("{who} let fewer people read {title}.");
    if let Some(visibility) = visibility {
        text.push(' ');
        text.push_str(&describe_readers(visibility));
    }
    if shared["before"] == true && shared["after"] == false {
        text.push_str(" Its funders no longer read it whole.");
    }
    text
}

#[derive(Deserialize)]
struct AcknowledgeFields {}

async fn acknowledge(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<AcknowledgeFields>,
) -> Result<Redirect, PageError> {
    let visitor = form.visitor;
    visitor.require(Capability::ReviewSubmissions)?;
    let variables = json!({"input": {"id": id}});
    let done: AcknowledgeNoticeOperation = service.execute(&visitor, variables).await?;
    let problems = done.acknowledge_notice.problems;
    // Another steward may have seen it first, which leaves nothing to do.
    if let Some(problem) = problems.iter().find(|problem| problem.code != "WRONG_STATE") {
        let text = join_messages(std::slice::from_ref(problem));
        return Err(visitor.failure(StatusCode::CONFLICT, text));
    }
    Ok(Redirect::to("/review#notices"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(action: &str, detail: Value) -> NoticedEvent {
        NoticedEvent {
            action: action.into(),
            subject_id: None,
            detail,
            actor: Some(NoticedActor {
                subject: "someone".into(),
                organisation: Some(NamedOrganisation {
                    id: "O".into(),
                    name: "Foresight".into(),
                }),
            }),
        }
    }

    #[test]
    fn notices_say_what_was_done() {
        let withdrawn = event("withdrawInitiative", json!({"reason": "No"}));
        assert_eq!(
            describe_event(&withdrawn, "a record"),
            "Foresight withdrew a record. It is no longer published."
        );
        let narrowed = event(
            "narrowVisibility",
            json!({
                "visibility": {"before": "OPEN", "after": "MEMBERS"},
                "sharedWithFunders": {"before": true, "after": false},
            }),
        );
        assert_eq!(
            describe_event(&narrowed, "a record"),
            "Foresight let fewer people read a record. For members: partners and funders can read the record. \
             Its funders no longer read it whole."
        );
    }
}
