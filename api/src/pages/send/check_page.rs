//! The page that shows all answers of a record, and sends or discards it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::{Value, json};
use wayin_entity::{Capability, Labelled as _, MissingReason, SubmissionState};

use super::data::{DiscardRecordOperation, SubmissionData, SubmitRecordOperation};
use super::places::find_places;
use super::problems::describe_problems;
use super::questions::RecordStep;
use super::record_form::{PLACE_SEARCH, find_item, list_items, show_missing_reason, show_place};
use super::record_page::{
    ConflictView, ProblemLink, link_refusals, link_to_step, load_submission, save_record, show_conflicts,
    step_address,
};
use super::views::describe_answer;
use super::wording::describe_state;
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::form::CheckedForm;
use crate::pages::layout::Layout;
use crate::pages::operation::encode_parameter;
use crate::pages::record::data::ProblemData;
use crate::pages::record::wording::describe_title;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/send/records/{id}/check", get(show_check))
        .route("/send/records/{id}/submit", post(submit_record))
        .route("/send/records/{id}/rebase", post(rebase_record))
        .route(
            "/send/records/{id}/discard",
            get(confirm_discard).post(discard_record),
        )
}

#[derive(Template)]
#[template(path = "send/check.html")]
struct CheckTemplate {
    layout: Layout,
    heading: String,
    address: String,
    version: i32,
    /// The idempotency key of the forms.
    key: String,
    state: &'static str,
    state_kind: &'static str,
    is_open: bool,
    is_submitted: bool,
    review_note: Option<String>,
    problem_heading: &'static str,
    problems: Vec<ProblemLink>,
    warnings: Vec<ProblemLink>,
    conflicts: Vec<ConflictView>,
    /// The published record that has changed, with its present version. None if it was withdrawn.
    published: Option<(String, i32)>,
    sections: Vec<AnswerSection>,
}

/// The answers of a step.
struct AnswerSection {
    heading: &'static str,
    href: String,
    rows: Vec<AnswerRow>,
}

struct AnswerRow {
    label: String,
    value: String,
    href: String,
}

#[derive(Template)]
#[template(path = "send/discard.html")]
struct DiscardTemplate {
    layout: Layout,
    address: String,
    /// The address of the answers.
    back: String,
    title: String,
    version: i32,
    /// The idempotency key of the form.
    key: String,
    is_submitted: bool,
}

/// The version of the record that a page showed.
#[derive(Debug, Deserialize)]
struct VersionForm {
    #[serde(default)]
    version: Option<i32>,
    #[serde(default)]
    key: Option<String>,
}

/// The versions that a page with the changes of a published record showed.
#[derive(Debug, Deserialize)]
struct RebaseForm {
    version: i32,
    initiative: String,
    initiative_version: i32,
}

impl VersionForm {
    /// The input of a mutation of a submission.
    fn input(&self, id: &str) -> Value {
        json!({ "id": id, "version": self.version, "idempotencyKey": self.key })
    }
}

async fn show_check(
    visitor: Visitor,
    State(service): State<PageService>,
    Path(id): Path<String>,
) -> Result<Page<CheckTemplate>, PageError> {
    visitor.require(Capability::SubmitRecords)?;
    let submission = load_submission(&service, &visitor, &id).await?;
    let template = render_check(&service, &visitor, &submission, Vec::new(), Vec::new()).await?;
    Ok(Page::new(template))
}

async fn submit_record(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<VersionForm>,
) -> Result<Response, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::SubmitRecords)?;
    let variables = json!({ "input": fields.input(&id) });
    let sent: SubmitRecordOperation = service.execute(&visitor, variables).await?;
    let sent = sent.submit_for_review;
    if let Some(submission) = sent.submission {
        let address = format!("/send?done=submitted&record={}", encode_parameter(&submission.id));
        return Ok(Redirect::to(&address).into_response());
    }
    let submission = load_submission(&service, &visitor, &id).await?;
    let conflicts = show_conflicts(&submission.record, &sent.conflicts, "Before", "Now published");
    // The page lists the problems of the record itself.
    let is_about_input = |problem: &ProblemData| {
        let is_conflict = problem.code == "STALE_VERSION" && !conflicts.is_empty();
        problem.path.first().is_none_or(|first| first != "record") && !is_conflict
    };
    let about_input: Vec<ProblemData> = sent.problems.into_iter().filter(is_about_input).collect();
    let refusals = link_refusals(&submission.record, &about_input);
    let template = render_check(&service, &visitor, &submission, conflicts, refusals).await?;
    Ok(Page::unprocessable(template).into_response())
}

/// Saves the record as based on the published version whose changes the page showed.
async fn rebase_record(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<RebaseForm>,
) -> Result<Response, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::SubmitRecords)?;
    let submission = load_submission(&service, &visitor, &id).await?;
    let input = json!({
        "id": submission.id,
        "version": fields.version,
        "initiative": fields.initiative,
        "initiativeVersion": fields.initiative_version,
        "record": submission.record,
    });
    let saved = save_record(&service, &visitor, input).await?;
    if saved.submission.is_some() {
        return Ok(Redirect::to(&step_address(&id, RecordStep::Check)).into_response());
    }
    let refusals = link_refusals(&submission.record, &saved.problems);
    let template = render_check(&service, &visitor, &submission, Vec::new(), refusals).await?;
    Ok(Page::unprocessable(template).into_response())
}

async fn confirm_discard(
    visitor: Visitor,
    State(service): State<PageService>,
    Path(id): Path<String>,
) -> Result<Page<DiscardTemplate>, PageError> {
    visitor.require(Capability::SubmitRecords)?;
    let submission = load_submission(&service, &visitor, &id).await?;
    Ok(Page::new(DiscardTemplate {
        layout: visitor.layout("Discard a record", "/send"),
        address: record_address(&submission.id),
        back: step_address(&submission.id, RecordStep::Check),
        title: describe_title(&submission.record),
        version: submission.version,
        key: service.app.clock.new_id().to_string(),
        is_submitted: submission.state == SubmissionState::Submitted,
    }))
}

async fn discard_record(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<VersionForm>,
) -> Result<Response, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::SubmitRecords)?;
    let variables = json!({ "input": fields.input(&id) });
    let discarded: DiscardRecordOperation = service.execute(&visitor, variables).await?;
    if discarded.discard_submission.submission.is_some() {
        return Ok(Redirect::to("/send?done=discarded").into_response());
    }
    let submission = load_submission(&service, &visitor, &id).await?;
    let refusals = link_refusals(&submission.record, &discarded.discard_submission.problems);
    let template = render_check(&service, &visitor, &submission, Vec::new(), refusals).await?;
    Ok(Page::unprocessable(template).into_response())
}

fn record_address(id: &str) -> String {
    format!("/send/records/{}", encode_parameter(id))
}

async fn render_check(
    service: &PageService,
    visitor: &Visitor,
    submission: &SubmissionData,
    conflicts: Vec<ConflictView>,
    refusals: Vec<ProblemLink>,
) -> Result<CheckTemplate, PageError> {
    let (id, record) = (submission.id.as_str(), &submission.record);
    let mut problems = refusals;
    let found = describe_problems(record, &submission.problems);
    problems.extend(found.iter().map(|problem| link_to_step(id, problem)));
    let warnings = describe_problems(record, &submission.warnings);
    let place = find_places(service, visitor, &show_place(record), "").await?;
    let place = place
        .choices
        .into_iter()
        .find(|choice| choice.is_chosen && !choice.value.is_empty());
    let steps = RecordStep::ALL
        .into_iter()
        .filter(|step| *step != RecordStep::Check);
    let sections = steps.map(|step| AnswerSection {
        heading: step.label(),
        href: step_address(id, step),
        rows: list_answers(id, record, step, place.as_ref().map(|place| place.label.as_str())),
    });
    let (state, state_kind) = describe_state(submission.state);
    Ok(CheckTemplate {
        layout: visitor.layout(describe_title(record), "/send"),
        heading: describe_title(record),
        address: record_address(id),
        version: submission.version,
        key: service.app.clock.new_id().to_string(),
        state,
        state_kind,
        is_open: submission.is_open(),
        is_submitted: submission.state == SubmissionState::Submitted,
        review_note: submission.review_note.clone(),
        problem_heading: "Before you send it",
        problems,
        warnings: warnings.iter().map(|warning| link_to_step(id, warning)).collect(),
        conflicts,
        published: submission
            .initiative
            .as_ref()
            .and_then(|initiative| Some((initiative.id.clone(), initiative.version?))),
        sections: sections.collect(),
    })
}

/// The answers of a step in words.
fn list_answers(id: &str, record: &Value, step: RecordStep, place: Option<&str>) -> Vec<AnswerRow> {
    let address = step_address(id, step);
    let questions = step.questions();
    let mut rows = Vec::new();
    let mut add = |label: String, value: String, field: String| {
        if !value.is_empty() {
            rows.push(AnswerRow {
                label,
                value,
                href: format!("{address}#{field}"),
            });
        }
    };
    let Some(list) = step.list() else {
        for question in &questions {
            add(
                question.label.into(),
                describe_answer(record, question),
                question.name(),
            );
        }
        if step == RecordStep::About {
            let value = place.map_or_else(|| describe_reason(record, "place"), ToOwned::to_owned);
            add("Place".into(), value, PLACE_SEARCH.into());
        }
        return rows;
    };
    let codes = list.codes();
    for (at, item) in list_items(record, list, false).into_iter().enumerate() {
        if item.position.is_none() || !item.is_readable {
            continue;
        }
        let part = find_item(record, list, &item);
        let heading = codes
            .iter()
            .find(|(code, _)| item.code == Some(*code))
            .map_or_else(
                || format!("{} {}", list.item, at + 1),
                |(_, heading)| heading.clone(),
            );
        for question in &questions {
            let field = format!("{}.{}", item.name, question.name());
            let label = format!("{heading}: {}", question.label);
            add(label, describe_answer(part, question), field);
        }
    }
    let reason = describe_reason(record, list.field);
    add(
        "Why there is no answer".into(),
        reason,
        format!("missing.{}", list.field),
    );
    rows
}

fn describe_reason(record: &Value, field: &str) -> String {
    let reason = show_missing_reason(record, field);
    let found = MissingReason::ALL.iter().find(|known| known.code() == reason);
    found.map_or(reason, |reason| wayin_entity::to_heading(reason.label()))
}
