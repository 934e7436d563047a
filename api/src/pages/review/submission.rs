//! The page of a submission: what is in it, what it changes, what is wrong with it, and what a steward can do.

use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wayin_entity::{Capability, SubmissionState, Visibility};

use super::places::{describe_place, find_place_names};
use super::wording::{describe_readers, describe_wait, find_visibility};
use crate::pages::answer::wording::format_day;
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::layout::Layout;
use crate::pages::layout::parts::FormProblems;
use crate::pages::operation::PageOperation;
use crate::pages::record::answers::{
    ChangeRow, FieldRemark, ReviewedSection, gather_remarks, list_answers, list_changes,
};
use crate::pages::record::data::{ChangeData, NamedOrganisation, ProblemData};
use crate::pages::record::wording::describe_title;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ReviewSubmissionOperation {
    submission: Option<SubmissionInReview>,
    audit_events: SubmittingEvents,
    requests: RequestEvents,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct SubmissionInReview {
    id: String,
    version: i32,
    state: SubmissionState,
    record: Value,
    submitted_at: Option<DateTime<Utc>>,
    review_note: Option<String>,
    initiative_version: Option<i32>,
    organisation: NamedOrganisation,
    initiative: Option<CorrectedInitiative>,
    problems: Vec<ProblemData>,
    warnings: Vec<ProblemData>,
    changes: Vec<ChangeData>,
}

#[derive(Debug, Deserialize, Serialize)]
struct CorrectedInitiative {
    id: String,
    version: Option<i32>,
    visibility: Visibility,
    place: Option<CorrectedPlace>,
}

#[derive(Debug, Deserialize, Serialize)]
struct CorrectedPlace {
    name: String,
}

#[derive(Debug, Deserialize, Serialize)]
struct SubmittingEvents {
    nodes: Vec<SubmittingEvent>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct SubmittingEvent {
    created_at: DateTime<Utc>,
    actor: Option<SubmittingMember>,
}

/// The latest request for changes.
#[derive(Debug, Deserialize, Serialize)]
struct RequestEvents {
    nodes: Vec<RequestEvent>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct RequestEvent {
    created_at: DateTime<Utc>,
    detail: Value,
}

#[derive(Debug, Deserialize, Serialize)]
struct SubmittingMember {
    subject: String,
    organisation: Option<NamedOrganisation>,
}

impl PageOperation for ReviewSubmissionOperation {
    const DOCUMENT: &'static str = include_str!("submission.graphql");
}

/// A request for changes that the partner has answered.
struct EarlierRequest {
    day: String,
    note: String,
}

#[derive(Template)]
#[template(path = "review/submission.html")]
pub struct SubmissionTemplate {
    layout: Layout,
    id: String,
    version: i32,
    /// The idempotency key of the forms.
    key: String,
    title: String,
    facts: Vec<(String, String)>,
    /// What a steward asked for before the record was sent in again.
    earlier_request: Option<EarlierRequest>,
    /// Why nothing can be decided. Empty if it can.
    settled: String,
    /// That the published record has changed since this was written. Empty if it has not.
    outdated: String,
    is_change: bool,
    changes: Vec<ChangeRow>,
    sections: Vec<ReviewedSection>,
    remarks: Vec<FieldRemark>,
    has_problems: bool,
    readers: String,
    previous_readers: String,
    /// What was typed, if it could not be done.
    entered: Decision,
    problems: FormProblems,
    /// What has changed in the published record since this was written.
    conflicts: Vec<ChangeRow>,
}

/// What a steward typed.
#[derive(Debug, Default)]
pub struct Decision {
    pub note: String,
    pub reason: String,
}

/// A decision that could not be carried out.
#[derive(Default)]
pub struct FailedDecision {
    pub entered: Decision,
    pub problems: FormProblems,
    pub conflicts: Vec<ChangeData>,
}

pub async fn show_submission(
    visitor: Visitor,
    State(service): State<PageService>,
    Path(id): Path<String>,
) -> Result<Page<SubmissionTemplate>, PageError> {
    visitor.require(Capability::ReviewSubmissions)?;
    render_submission(&service, &visitor, &id, StatusCode::OK, FailedDecision::default()).await
}

/// Renders the page of a submission, with what went wrong with a decision.
pub async fn render_submission(
    service: &PageService,
    visitor: &Visitor,
    id: &str,
    status: StatusCode,
    failed: FailedDecision,
) -> Result<Page<SubmissionTemplate>, PageError> {
    let variables = json!({ "id": id });
    let found: ReviewSubmissionOperation = service.execute(visitor, &variables).await?;
    let Some(submission) = found.submission else {
        return Err(visitor.not_found(
            "There is no such submission. It may have been deleted after a year without a change. Go back to Review.",
        ));
    };
    let title = describe_title(&submission.record);
    let mut remarks = gather_remarks(&submission.problems, &submission.warnings);
    let sections = list_answers(&submission.record, &mut remarks);
    let layout =
        visitor
            .layout(format!("Review: {title}"), "/review")
            .with_query(PageService::graphiql_address(
                ReviewSubmissionOperation::DOCUMENT,
                &variables,
            ));
    let places = find_place_names(service, visitor, &[&submission.record]).await?;
    let facts = list_facts(
        &submission,
        describe_place(&submission.record, &places),
        found.audit_events.nodes.first(),
        service.app.clock.now(),
    );
    let visibility = find_visibility(&submission.record);
    let template = SubmissionTemplate {
        layout,
        facts,
        key: service.app.clock.new_id().to_string(),
        earlier_request: found
            .requests
            .nodes
            .first()
            .filter(|_| submission.state == SubmissionState::Submitted)
            .and_then(EarlierRequest::from_event),
        settled: describe_settled(submission.state).to_owned(),
        outdated: describe_outdated(&submission),
        is_change: submission.initiative_version.is_some(),
        changes: list_changes(&submission.changes, &submission.record, &remarks),
        has_problems: !submission.problems.is_empty(),
        readers: describe_readers(visibility),
        previous_readers: submission
            .initiative
            .as_ref()
            .filter(|initiative| {
                submission.state == SubmissionState::Submitted && initiative.visibility != visibility
            })
            .map_or_else(String::new, |initiative| describe_readers(initiative.visibility)),
        entered: failed.entered,
        problems: failed.problems,
        conflicts: list_changes(&failed.conflicts, &submission.record, &[]),
        id: submission.id,
        version: submission.version,
        title,
        sections,
        remarks,
    };
    Ok(Page::with_status(status, template))
}

impl EarlierRequest {
    /// None if the note was not kept.
    fn from_event(event: &RequestEvent) -> Option<Self> {
        Some(Self {
            day: format_day(event.created_at),
            note: event.detail.pointer("/of/note")?.as_str()?.to_owned(),
        })
    }
}

fn list_facts(
    submission: &SubmissionInReview,
    place: String,
    event: Option<&SubmittingEvent>,
    now: DateTime<Utc>,
) -> Vec<(String, String)> {
    let mut facts = vec![
        ("Organisation".to_owned(), submission.organisation.name.clone()),
        ("Place".to_owned(), place),
    ];
    let published_place = submission
        .initiative
        .as_ref()
        .and_then(|initiative| initiative.place.as_ref());
    if let Some(place) = published_place {
        facts.push(("Place of the published record".into(), place.name.clone()));
    }
    if let Some(since) = submission.submitted_at {
        let sent = format!("{}, {} ago", format_day(since), describe_wait(since, now));
        facts.push(("Sent in".into(), sent));
    }
    // Records of a file are sent in by its import, which is no event of the record.
    let member = event.and_then(|event| event.actor.as_ref());
    let sender = member.map_or_else(
        || "An import of a file".to_owned(),
        |member| match &member.organisation {
            Some(organisation) => format!("{}, of {}", member.subject, organisation.name),
            None => member.subject.clone(),
        },
    );
    facts.push(("Sent in by".into(), sender));
    if let Some(note) = &submission.review_note {
        facts.push(("Your note to the partner".into(), note.clone()));
    }
    facts
}

const fn describe_settled(state: SubmissionState) -> &'static str {
    match state {
        SubmissionState::Submitted => "",
        SubmissionState::Draft => {
            "The partner is still writing this record. It comes to you when they send it."
        }
        SubmissionState::ChangesRequested => {
            "A steward asked for changes to this record. It comes back when the partner sends it again."
        }
        SubmissionState::Published => "This record is published. There is nothing left to decide.",
        SubmissionState::Discarded => "This record was discarded. There is nothing left to decide.",
    }
}

fn describe_outdated(submission: &SubmissionInReview) -> String {
    if submission.state != SubmissionState::Submitted {
        return String::new();
    }
    let Some(based_on) = submission.initiative_version else {
        return String::new();
    };
    let now = submission
        .initiative
        .as_ref()
        .and_then(|initiative| initiative.version);
    match now {
        Some(now) if now == based_on => String::new(),
        Some(now) => format!(
            "The published record has changed since this was written: it is at version {now}, and this is based on version \
             {based_on}. It cannot be published like this. Ask the partner to check it against the published record and to \
             send it again."
        ),
        None => "The record that this changes is no longer published. Ask the partner to send it in as a new record, or \
                 discard it."
            .into(),
    }
}
