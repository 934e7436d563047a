//! What a partner may do with a published record: change it, withdraw it, or let fewer people read it.

use askama::Template;
use axum::Router;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use wayin_entity::{Capability, Labelled as _, Visibility};

use super::data::{
    NarrowRecordOperation, PublishedRecord, SendLatestOperation, SendPublishedOperation,
    WithdrawRecordOperation,
};
use super::questions::RecordStep;
use super::record_page::{save_record, step_address};
use super::wording::describe_visibility;
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::form::CheckedForm;
use crate::pages::layout::Layout;
use crate::pages::layout::parts::{Choice, FormProblems};
use crate::pages::operation::encode_parameter;
use crate::pages::record::data::ProblemData;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/send/published/{id}/change", post(change_record))
        .route(
            "/send/published/{id}/withdraw",
            get(confirm_withdrawal).post(withdraw_record),
        )
        .route(
            "/send/published/{id}/readers",
            get(choose_readers).post(narrow_readers),
        )
}

#[derive(Debug, Deserialize)]
struct WithdrawalForm {
    #[serde(default)]
    reason: String,
    #[serde(default)]
    key: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct ReadersForm {
    #[serde(default)]
    visibility: String,
    /// Whether its funders may still read all of it. None if the form does not ask.
    #[serde(default)]
    funders: Option<String>,
    #[serde(default)]
    reason: String,
    /// The version of the record that the page showed.
    #[serde(default)]
    version: Option<i32>,
    #[serde(default)]
    key: Option<String>,
}

#[derive(Template)]
#[template(path = "send/withdraw.html")]
struct WithdrawTemplate {
    layout: Layout,
    title: String,
    address: String,
    /// The idempotency key of the form.
    key: String,
    reason: String,
    problems: FormProblems,
}

#[derive(Template)]
#[template(path = "send/readers.html")]
struct ReadersTemplate {
    layout: Layout,
    title: String,
    address: String,
    now: String,
    choices: Vec<Choice>,
    /// Whether to ask if its funders may still read all of it.
    asks_for_funders: bool,
    is_funders_chosen: bool,
    reason: String,
    version: Option<i32>,
    /// The idempotency key of the form.
    key: String,
    problems: FormProblems,
}

async fn confirm_withdrawal(
    visitor: Visitor,
    State(service): State<PageService>,
    Path(id): Path<String>,
) -> Result<Page<WithdrawTemplate>, PageError> {
    visitor.require(Capability::WithdrawRecords)?;
    let record = load_published(&service, &visitor, &id).await?;
    Ok(Page::new(render_withdrawal(
        &service,
        &visitor,
        record,
        String::new(),
        &[],
    )))
}

async fn withdraw_record(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<WithdrawalForm>,
) -> Result<Response, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::WithdrawRecords)?;
    let input = json!({ "id": id, "reason": fields.reason, "idempotencyKey": fields.key });
    let done: WithdrawRecordOperation = service.execute(&visitor, json!({ "input": input })).await?;
    let problems = done.withdraw_initiative.problems;
    if problems.is_empty() {
        return Ok(Redirect::to("/send?done=withdrawn").into_response());
    }
    let record = load_published(&service, &visitor, &id).await?;
    let template = render_withdrawal(&service, &visitor, record, fields.reason, &problems);
    Ok(Page::unprocessable(template).into_response())
}

async fn choose_readers(
    visitor: Visitor,
    State(service): State<PageService>,
    Path(id): Path<String>,
) -> Result<Page<ReadersTemplate>, PageError> {
    visitor.require(Capability::NarrowVisibility)?;
    let record = load_published(&service, &visitor, &id).await?;
    Ok(Page::new(render_readers(
        &service,
        &visitor,
        &record,
        ReadersForm::default(),
        &[],
    )))
}

async fn narrow_readers(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<ReadersForm>,
) -> Result<Response, PageError> {
    let (visitor, fields) = (form.visitor, form.fields);
    visitor.require(Capability::NarrowVisibility)?;
    let known = Visibility::ALL
        .iter()
        .find(|known| known.code() == fields.visibility);
    let mut input = json!({ "id": id, "version": fields.version, "idempotencyKey": fields.key });
    if let Some(visibility) = known {
        input["visibility"] = visibility.code().into();
    }
    if fields.funders.as_deref() == Some("no") {
        input["sharedWithFunders"] = false.into();
    }
    if !fields.reason.trim().is_empty() {
        input["reason"] = fields.reason.clone().into();
    }
    let problems = if known.is_none() && fields.funders.as_deref() != Some("no") {
        vec![ProblemData {
            code: "REQUIRED".into(),
            message: "choose who may still read the record".into(),
            path: vec!["visibility".into()],
        }]
    } else {
        let done: NarrowRecordOperation = service.execute(&visitor, json!({ "input": input })).await?;
        done.narrow_visibility.problems
    };
    if problems.is_empty() {
        return Ok(Redirect::to("/send?done=narrowed").into_response());
    }
    let record = load_published(&service, &visitor, &id).await?;
    let template = render_readers(&service, &visitor, &record, fields, &problems);
    Ok(Page::unprocessable(template).into_response())
}

/// Saves what is published as a draft, to change it there. An open correction of the record is opened instead.
async fn change_record(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let visitor = form.visitor;
    visitor.require(Capability::SubmitRecords)?;
    let record = load_published(&service, &visitor, &id).await?;
    let latest: SendLatestOperation = service.execute(&visitor, json!({ "id": record.id })).await?;
    if let Some(open) = latest.submissions.nodes.first() {
        return Ok(Redirect::to(&step_address(&open.id, RecordStep::About)).into_response());
    }
    let latest = latest
        .revisions
        .and_then(|revisions| revisions.nodes.into_iter().next());
    let Some(latest) = latest else {
        return Err(visitor.not_found("There is no such published record of your organisation."));
    };
    let mut input = json!({
        "initiative": record.id,
        "initiativeVersion": latest.version,
        "record": latest.document,
    });
    if visitor.can(Capability::ActForAnyOrganisation) {
        input["organisation"] = json!(record.lead_organisation.map(|lead| lead.id));
    }
    let saved = save_record(&service, &visitor, input).await?;
    if let Some(submission) = saved.submission {
        return Ok(Redirect::to(&step_address(&submission.id, RecordStep::About)).into_response());
    }
    let reasons: Vec<String> = saved
        .problems
        .into_iter()
        .map(|problem| problem.message)
        .collect();
    let text = format!("The record cannot be changed: {}.", reasons.join("; "));
    Err(visitor.failure(axum::http::StatusCode::UNPROCESSABLE_ENTITY, text))
}

/// Loads a published record that the visitor's organisation leads, or any for stewards.
async fn load_published(
    service: &PageService,
    visitor: &Visitor,
    id: &str,
) -> Result<PublishedRecord, PageError> {
    let found: SendPublishedOperation = service.execute(visitor, json!({ "id": id })).await?;
    let own = found.viewer.organisation.map(|organisation| organisation.id);
    let acts_for_all = visitor.can(Capability::ActForAnyOrganisation);
    let is_own = |record: &PublishedRecord| {
        let lead = record.lead_organisation.as_ref().map(|lead| &lead.id);
        acts_for_all || (lead.is_some() && lead == own.as_ref())
    };
    found
        .initiative
        .filter(is_own)
        .ok_or_else(|| visitor.not_found("There is no such published record of your organisation."))
}

fn render_withdrawal(
    service: &PageService,
    visitor: &Visitor,
    record: PublishedRecord,
    reason: String,
    problems: &[ProblemData],
) -> WithdrawTemplate {
    WithdrawTemplate {
        layout: visitor.layout("Withdraw a record", "/send"),
        address: published_address(&record.id),
        title: record.title,
        key: service.app.clock.new_id().to_string(),
        reason,
        problems: list_action_problems(problems),
    }
}

fn render_readers(
    service: &PageService,
    visitor: &Visitor,
    record: &PublishedRecord,
    entered: ReadersForm,
    problems: &[ProblemData],
) -> ReadersTemplate {
    // The vocabulary is in the order from the most readers to the fewest.
    let narrower = Visibility::ALL
        .iter()
        .skip_while(|known| known.code() != record.visibility)
        .skip(1);
    let choices = narrower.map(|visibility| {
        let (code, label) = (visibility.code(), wayin_entity::to_heading(visibility.label()));
        Choice::new(code, label, code == entered.visibility).with_hint(visibility.definition())
    });
    ReadersTemplate {
        layout: visitor.layout("Who may read a record", "/send"),
        title: record.title.clone(),
        address: published_address(&record.id),
        now: describe_visibility(&record.visibility),
        choices: choices.collect(),
        asks_for_funders: record.shared_with_funders == Some(true),
        is_funders_chosen: entered.funders.is_some(),
        reason: entered.reason,
        version: record.version,
        key: service.app.clock.new_id().to_string(),
        problems: list_action_problems(problems),
    }
}

fn published_address(id: &str) -> String {
    format!("/send/published/{}", encode_parameter(id))
}

/// The problems of an action beside its fields.
fn list_action_problems(problems: &[ProblemData]) -> FormProblems {
    let mut found = FormProblems::default();
    for problem in problems {
        let message = problem.message.trim_end_matches('.');
        match problem.path.last().map_or("", String::as_str) {
            "reason" => found.push("reason", format!("The reason {message}.")),
            "visibility" => found.push("visibility", format!("Who may read it: {message}.")),
            "sharedWithFunders" => found.push("funders", format!("Its funders: {message}.")),
            "version" => found.push(
                "",
                "The record has changed since you opened this page. Read it again and decide then.",
            ),
            _ => found.push("", format!("The record {message}.")),
        }
    }
    found
}
