//! Sending in records: what a partner has sent, the form of a record, and files of records.

mod amounts;
mod check_page;
mod data;
mod funders;
mod places;
mod problems;
mod published;
mod questions;
mod record_form;
mod record_page;
mod views;
mod wording;
mod workbooks;

use askama::Template;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use chrono::{DateTime, Utc};
use serde::Deserialize;
use wayin_entity::{Capability, SubmissionState};

use self::data::{
    DiscardRecordOperation, ListedSubmission, NarrowRecordOperation, PageInfoData, SaveRecordOperation,
    SendDraftsOperation, SendFunderMatchesOperation, SendFunderNamesOperation, SendFunderOperation,
    SendImportOperation, SendImportsOperation, SendLatestOperation, SendOperation, SendPlaceOperation,
    SendPlacesOperation, SendPublishedOperation, SendRecordOperation, SendWorkbookOperation,
    SubmitRecordOperation, WithdrawRecordOperation,
};
use self::questions::RecordStep;
use self::record_page::step_address;
use self::wording::{describe_state, describe_visibility};
use super::answer::wording::format_day;
use super::document::Page;
use super::error::PageError;
use super::layout::Layout;
use super::operation::{OperationCheck, PageOperation as _, encode_parameter};
use super::record::wording::describe_title;
use super::service::PageService;
use super::visitor::Visitor;
use crate::submission::http::write_corrections;
use crate::workbook_http::send_workbook;

/// The operations of these pages, for the tests.
pub const OPERATIONS: &[OperationCheck] = &[
    OperationCheck::of::<SendOperation>(),
    OperationCheck::of::<SendRecordOperation>(),
    OperationCheck::of::<SaveRecordOperation>(),
    OperationCheck::of::<SubmitRecordOperation>(),
    OperationCheck::of::<DiscardRecordOperation>(),
    OperationCheck::of::<SendPlacesOperation>(),
    OperationCheck::of::<SendPlaceOperation>(),
    OperationCheck::of::<SendFunderNamesOperation>(),
    OperationCheck::of::<SendFunderMatchesOperation>(),
    OperationCheck::of::<SendFunderOperation>(),
    OperationCheck::of::<SendPublishedOperation>(),
    OperationCheck::of::<SendLatestOperation>(),
    OperationCheck::of::<WithdrawRecordOperation>(),
    OperationCheck::of::<NarrowRecordOperation>(),
    OperationCheck::of::<SendImportsOperation>(),
    OperationCheck::of::<SendImportOperation>(),
    OperationCheck::of::<SendDraftsOperation>(),
    OperationCheck::of::<SendWorkbookOperation>(),
];

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/send", get(show_sent))
        .route("/send/corrections.xlsx", get(download_corrections))
        .merge(record_page::router())
        .merge(check_page::router())
        .merge(published::router())
        .merge(workbooks::router())
}

/// Checks that the visitor may add records: a new record belongs to the organisation of its author.
///
/// # Errors
/// A page that says who can add records.
fn require_own_organisation(visitor: &Visitor) -> Result<(), PageError> {
    let member = visitor.require(Capability::SubmitRecords)?;
    if member.organisation.is_some() {
        return Ok(());
    }
    Err(visitor.failure(
        StatusCode::FORBIDDEN,
        "A record belongs to an organisation, and you act for none. Ask a partner of the organisation to add it. If the \
         organisation has no partner yet, invite one under Review, on the page Members and invitations.",
    ))
}

/// Which submissions and records to show.
#[derive(Debug, Default, Deserialize)]
struct SendParameters {
    /// A state of submissions. All of them if it is left out.
    #[serde(default)]
    state: Option<String>,
    #[serde(default)]
    after: Option<String>,
    #[serde(default)]
    records: Option<String>,
    /// What was done last.
    #[serde(default)]
    done: Option<String>,
    /// The id of the submission that was sent last.
    #[serde(default)]
    record: Option<String>,
}

#[derive(Template)]
#[template(path = "send/send.html")]
struct SendTemplate {
    layout: Layout,
    /// None for a visitor who acts for no organisation.
    organisation: Option<String>,
    message: Option<&'static str>,
    /// What was just sent.
    sent: Option<SentNotice>,
    /// The steward's requests. Members who act for no organisation have none.
    inbox_count: u32,
    inbox: Vec<InboxItem>,
    has_older_requests: bool,
    tabs: Vec<StateTab>,
    /// What to say if no submission is listed.
    no_submissions: &'static str,
    submissions: Vec<SentRow>,
    submission_count: u32,
    next_submissions: Option<String>,
    is_first_page: bool,
    records: Vec<RecordRow>,
    record_count: u32,
    next_records: Option<String>,
    is_first_page_of_records: bool,
}

/// A record that was just sent, to say what happens next.
struct SentNotice {
    title: String,
    address: String,
    is_published: bool,
}

struct InboxItem {
    title: String,
    href: String,
    note: String,
    asked_on: Option<String>,
}

struct StateTab {
    label: &'static str,
    href: String,
    is_current: bool,
}

struct SentRow {
    title: String,
    href: String,
    state: &'static str,
    state_kind: &'static str,
    /// What happened last, with its date.
    event: String,
    /// When it is deleted. None if it is kept.
    expiry: Option<String>,
}

struct RecordRow {
    title: String,
    address: String,
    visibility: String,
    published_on: Option<String>,
    updated_on: Option<String>,
}

async fn show_sent(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Query<SendParameters>,
) -> Result<Page<SendTemplate>, PageError> {
    let member = visitor.require(Capability::SubmitRecords)?;
    let state = STATES
        .iter()
        .find(|(code, _)| parameters.state.as_deref() == Some(*code));
    let states = state.map(|(code, _)| [*code]);
    let variables = serde_json::json!({
        "states": states,
        "after": parameters.after,
        "recordsAfter": parameters.records,
        "hasOrganisation": member.organisation.is_some(),
    });
    let found: SendOperation = service.execute(&visitor, &variables).await?;
    let sent = match &parameters.record {
        Some(id) => find_sent(&service, &visitor, id).await?,
        None => None,
    };
    let chosen = state.map(|(code, _)| *code);
    let inbox = found.inbox.nodes.into_iter().map(|returned| InboxItem {
        title: describe_title(&returned.record),
        // The note and all answers, each with a link to change it.
        href: step_address(&returned.id, RecordStep::Check),
        note: returned.review_note.unwrap_or_default(),
        asked_on: returned.decided_at.map(format_day),
    });
    let next_submissions = found
        .submissions
        .page_info
        .next()
        .map(|after| send_address(chosen, Some(("after", after))));
    let records = found.records;
    let next_records = records
        .as_ref()
        .and_then(|records| next_page_of_records(&records.page_info, chosen));
    let record_count = records.as_ref().map_or(0, |records| records.total_count);
    let rows = records.map_or_else(Vec::new, |records| records.nodes);
    let rows = rows.into_iter().map(|record| RecordRow {
        title: record.title,
        address: format!("/send/published/{}", encode_parameter(&record.id)),
        visibility: describe_visibility(&record.visibility),
        published_on: record.published_at.map(format_day),
        updated_on: record
            .updated_at
            .map(format_day)
            .filter(|day| record.published_at.map(format_day).as_ref() != Some(day)),
    });
    let layout = visitor
        .layout("Send in records", "/send")
        .with_query(PageService::graphiql_address(SendOperation::DOCUMENT, &variables));
    Ok(Page::new(SendTemplate {
        layout,
        organisation: found.viewer.organisation.map(|organisation| organisation.name),
        message: parameters.done.as_deref().and_then(describe_done),
        sent,
        has_older_requests: inbox.len() < found.inbox.total_count as usize,
        inbox_count: found.inbox.total_count,
        inbox: inbox.collect(),
        tabs: list_tabs(chosen),
        no_submissions: match chosen {
            None => "You have not sent or started a record yet.",
            Some(_) => "No record is in this state.",
        },
        submission_count: found.submissions.total_count,
        submissions: found.submissions.nodes.into_iter().map(show_submission).collect(),
        next_submissions,
        is_first_page: parameters.after.is_none(),
        records: rows.collect(),
        record_count,
        next_records,
        is_first_page_of_records: parameters.records.is_none(),
    }))
}

/// The states by which submissions can be listed.
const STATES: &[(&str, &str)] = &[
    ("DRAFT", "Drafts"),
    ("SUBMITTED", "Waiting"),
    ("CHANGES_REQUESTED", "Changes requested"),
    ("PUBLISHED", "Published"),
    ("DISCARDED", "Discarded"),
];

fn list_tabs(chosen: Option<&str>) -> Vec<StateTab> {
    let all = StateTab {
        label: "All",
        href: send_address(None, None),
        is_current: chosen.is_none(),
    };
    let by_state = STATES.iter().map(|&(code, label)| StateTab {
        label,
        href: send_address(Some(code), None),
        is_current: chosen == Some(code),
    });
    std::iter::once(all).chain(by_state).collect()
}

fn next_page_of_records(info: &PageInfoData, state: Option<&str>) -> Option<String> {
    let after = info.next()?;
    Some(format!(
        "{}#records",
        send_address(state, Some(("records", after)))
    ))
}

fn send_address(state: Option<&str>, cursor: Option<(&str, &str)>) -> String {
    let parameters: Vec<String> = [state.map(|state| ("state", state)), cursor]
        .into_iter()
        .flatten()
        .map(|(name, value)| format!("{name}={}", encode_parameter(value)))
        .collect();
    if parameters.is_empty() {
        "/send".to_owned()
    } else {
        format!("/send?{}", parameters.join("&"))
    }
}

fn show_submission(submission: ListedSubmission) -> SentRow {
    let (state, state_kind) = describe_state(submission.state);
    let step = match submission.state {
        SubmissionState::Draft | SubmissionState::ChangesRequested => RecordStep::About,
        _ => RecordStep::Check,
    };
    let on = |words: &str, moment: Option<DateTime<Utc>>| {
        format!(
            "{words} on {}",
            format_day(moment.unwrap_or(submission.updated_at))
        )
    };
    let event = match submission.state {
        SubmissionState::Draft => on("Saved", None),
        SubmissionState::Submitted => on("Sent", submission.submitted_at),
        SubmissionState::ChangesRequested => on("Returned", submission.decided_at),
        SubmissionState::Published => on("Published", submission.decided_at),
        SubmissionState::Discarded => on("Discarded", submission.decided_at),
    };
    SentRow {
        title: describe_title(&submission.record),
        href: step_address(&submission.id, step),
        state,
        state_kind,
        event,
        expiry: submission.expires_at.map(|moment| {
            let is_open = step == RecordStep::About;
            let condition = if is_open {
                ", or longer if you save it again"
            } else {
                ""
            };
            format!("Kept until {}{condition}", format_day(moment))
        }),
    }
}

/// What was done, for the top of the page.
fn describe_done(done: &str) -> Option<&'static str> {
    Some(match done {
        "discarded" => "The record is discarded.",
        "withdrawn" => "The record is withdrawn. It is no longer published.",
        "narrowed" => "Fewer people can read the record now.",
        _ => return None,
    })
}

/// Finds the record that was just sent. None if it is a draft again, or gone.
async fn find_sent(
    service: &PageService,
    visitor: &Visitor,
    id: &str,
) -> Result<Option<SentNotice>, PageError> {
    let found: SendRecordOperation = service.execute(visitor, serde_json::json!({ "id": id })).await?;
    Ok(found.submission.and_then(|submission| {
        let is_published = match submission.state {
            SubmissionState::Submitted => false,
            SubmissionState::Published => true,
            _ => return None,
        };
        Some(SentNotice {
            title: describe_title(&submission.record),
            address: step_address(&submission.id, RecordStep::Check),
            is_published,
        })
    }))
}

/// The records that stewards returned, as a workbook.
async fn download_corrections(
    visitor: Visitor,
    State(service): State<PageService>,
) -> Result<Response, PageError> {
    visitor.require(Capability::SubmitRecords)?;
    let file = write_corrections(&service.app, visitor.client_ip, &visitor.requester, None).await?;
    match file {
        Some(file) => Ok(send_workbook(file, "corrections.xlsx")),
        None => Err(visitor.not_found("No steward has asked you for changes.")),
    }
}
