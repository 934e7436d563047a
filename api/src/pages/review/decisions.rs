//! Decisions of stewards on submissions: publish, ask for changes, discard.

use axum::Router;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wayin_entity::Capability;

use super::data::DecisionPayload;
use super::paging::build_address;
use super::submission::{Decision, FailedDecision, render_submission, show_submission};
use crate::pages::error::PageError;
use crate::pages::form::CheckedForm;
use crate::pages::layout::parts::FormProblems;
use crate::pages::operation::PageOperation;
use crate::pages::record::data::ProblemData;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/review/submissions/{id}", get(show_submission))
        .route("/review/submissions/{id}/publish", post(publish))
        .route("/review/submissions/{id}/return", post(request_changes))
        .route("/review/submissions/{id}/discard", post(discard))
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PublishReviewedOperation {
    publish_submission: DecisionPayload,
}

impl PageOperation for PublishReviewedOperation {
    const DOCUMENT: &'static str = include_str!("publish.graphql");
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RequestReviewedChangesOperation {
    request_changes: DecisionPayload,
}

impl PageOperation for RequestReviewedChangesOperation {
    const DOCUMENT: &'static str = include_str!("request_changes.graphql");
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DiscardReviewedOperation {
    discard_submission: DecisionPayload,
}

impl PageOperation for DiscardReviewedOperation {
    const DOCUMENT: &'static str = include_str!("discard.graphql");
}

#[derive(Debug, Deserialize)]
struct PublishFields {
    version: i32,
    key: String,
    #[serde(default)]
    reason: String,
}

#[derive(Debug, Deserialize)]
struct RequestChangesFields {
    version: i32,
    key: String,
    #[serde(default)]
    note: String,
}

#[derive(Debug, Deserialize)]
struct DiscardFields {
    version: i32,
    key: String,
}

/// Publishes a version of a submission. A repeat with the same key does it once.
pub async fn publish_reviewed(
    service: &PageService,
    visitor: &Visitor,
    (id, version): (&str, i32),
    reason: Option<&str>,
    key: &str,
) -> Result<DecisionPayload, PageError> {
    let input = json!({"id": id, "version": version, "reason": reason, "idempotencyKey": key});
    let done: PublishReviewedOperation = service.execute(visitor, json!({ "input": input })).await?;
    Ok(done.publish_submission)
}

async fn publish(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<PublishFields>,
) -> Result<Response, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::ReviewSubmissions)?;
    let entered = Decision {
        reason: fields.reason.clone(),
        ..Decision::default()
    };
    let reason = Some(fields.reason.trim()).filter(|reason| !reason.is_empty());
    let payload = publish_reviewed(&service, &visitor, (&id, fields.version), reason, &fields.key).await?;
    finish(&service, &visitor, &id, entered, payload).await
}

async fn request_changes(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<RequestChangesFields>,
) -> Result<Response, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::ReviewSubmissions)?;
    let entered = Decision {
        note: fields.note.clone(),
        ..Decision::default()
    };
    if fields.note.trim().is_empty() {
        let mut problems = FormProblems::default();
        problems.push("note", "Say what the partner should change.");
        let failed = FailedDecision {
            entered,
            problems,
            conflicts: Vec::new(),
        };
        let page =
            render_submission(&service, &visitor, &id, StatusCode::UNPROCESSABLE_ENTITY, failed).await?;
        return Ok(page.into_response());
    }
    let input = json!({
        "id": id, "version": fields.version, "note": fields.note, "idempotencyKey": fields.key,
    });
    let done: RequestReviewedChangesOperation = service.execute(&visitor, json!({ "input": input })).await?;
    finish(&service, &visitor, &id, entered, done.request_changes).await
}

async fn discard(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<DiscardFields>,
) -> Result<Response, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::ReviewSubmissions)?;
    let input = json!({"id": id, "version": fields.version, "idempotencyKey": fields.key});
    let done: DiscardReviewedOperation = service.execute(&visitor, json!({ "input": input })).await?;
    finish(
        &service,
        &visitor,
        &id,
        Decision::default(),
        done.discard_submission,
    )
    .await
}

/// Goes back to the queue, or shows the page again with what is wrong.
async fn finish(
    service: &PageService,
    visitor: &Visitor,
    id: &str,
    entered: Decision,
    payload: DecisionPayload,
) -> Result<Response, PageError> {
    if payload.problems.is_empty() {
        return Ok(Redirect::to(&build_address("/review", [("done", id)])).into_response());
    }
    let mut problems = FormProblems::default();
    let mut status = StatusCode::UNPROCESSABLE_ENTITY;
    for problem in &payload.problems {
        let field = match problem.record_path().as_str() {
            "note" => "note",
            "reason" => "reason",
            _ => "",
        };
        if let Some(conflict) = describe_conflict(problem) {
            status = StatusCode::CONFLICT;
            problems.push("", conflict);
        } else {
            problems.push(field, problem.sentence());
        }
    }
    let failed = FailedDecision {
        entered,
        problems,
        conflicts: payload.conflicts,
    };
    let page = render_submission(service, visitor, id, status, failed).await?;
    Ok(page.into_response())
}

/// Why a decision comes too late. None for other problems.
pub fn describe_conflict(problem: &ProblemData) -> Option<&'static str> {
    match (problem.code.as_str(), problem.record_path().as_str()) {
        ("STALE_VERSION", "version") => {
            Some("The partner has changed this record since you opened it. Read it again and decide then.")
        }
        ("STALE_VERSION", _) => Some(
            "The published record has changed since this was written, so it cannot be published. Ask the partner to take the \
             changes into account and to send the record again.",
        ),
        ("WRONG_STATE", _) => Some("This record was decided on already, or the partner took it back."),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn late_decisions_say_what_to_do() {
        let problem = |code: &str, path: &str| ProblemData {
            code: code.into(),
            message: "is late".into(),
            path: vec![path.into()],
        };
        let conflict = |code, path| describe_conflict(&problem(code, path)).unwrap_or_default();
        assert!(conflict("STALE_VERSION", "version").starts_with("The partner has changed"));
        assert!(conflict("STALE_VERSION", "id").starts_with("The published record has changed"));
        assert!(conflict("WRONG_STATE", "id").contains("decided on already"));
        assert_eq!(conflict("TOO_LONG", "note"), "");
    }
}
