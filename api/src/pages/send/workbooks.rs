//! Files of records: a page to send one, and a page that follows its import.

use askama::Template;
use async_graphql::{Request, UploadValue, Variables};
use axum::Router;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;
use wayin_entity::{Capability, SubmissionState};

use super::data::{
    ImportData, ImportRowData, ListedImport, SendDraftsOperation, SendImportOperation, SendImportsOperation,
    SendWorkbookOperation, SubmitRecordOperation,
};
use super::questions::RecordStep;
use super::record_page::step_address;
use super::require_own_organisation;
use super::wording::{describe_outcome, show_count};
use crate::error::{BodyError, Error};
use crate::import::http::write_corrections;
use crate::multipart::{FileForm, MultipartError, MultipartLimits, read_file_form};
use crate::pages::answer::wording::format_day;
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::form::{CheckedForm, require_csrf, require_same_origin};
use crate::pages::layout::Layout;
use crate::pages::operation::{PageOperation as _, encode_parameter};
use crate::pages::record::data::ProblemData;
use crate::pages::record::wording::describe_import_state;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;
use crate::server::body::MAX_BODY_BYTES;
use crate::workbook_http::{PATH as TEMPLATE_PATH, send_workbook};

/// The files that can be sent.
const FILE_KINDS: &str = "a workbook (.xlsx or .ods), a table (.csv) or JSON Lines (.jsonl)";
/// The highest number of drafts that are sent for review at once.
const MAX_SENT_DRAFTS: usize = 50;

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/send/workbooks", get(show_workbooks).post(send_file))
        .route("/send/workbooks/{id}", get(show_import))
        .route("/send/workbooks/{id}/submit", post(submit_drafts))
        .route("/send/workbooks/{id}/corrections.xlsx", get(download_corrections))
}

#[derive(Template)]
#[template(path = "send/workbooks.html")]
struct WorkbooksTemplate {
    layout: Layout,
    template_path: &'static str,
    file_kinds: String,
    max_megabytes: u64,
    /// What is wrong with the file, or empty.
    problem: String,
    is_draft_chosen: bool,
    imports: Vec<ImportLink>,
    next_imports: Option<String>,
}

struct ImportLink {
    file_name: String,
    href: String,
    state: &'static str,
    state_kind: &'static str,
    sent_on: String,
    rows: String,
}

#[derive(Template)]
#[template(path = "send/workbook.html")]
struct WorkbookTemplate {
    layout: Layout,
    progress: ImportProgress,
    message: Option<String>,
}

#[derive(Template)]
#[template(path = "send/progress_fragment.html")]
struct ProgressFragment {
    progress: ImportProgress,
}

/// What became of a file so far.
struct ImportProgress {
    file_name: String,
    address: String,
    csrf: String,
    state: &'static str,
    state_kind: &'static str,
    is_running: bool,
    failure_reason: Option<String>,
    /// Whether no row of the file could be read.
    is_unread: bool,
    file_kinds: &'static str,
    template_path: &'static str,
    notes: Vec<String>,
    processed: String,
    counts: Vec<(&'static str, String)>,
    draft_count: i64,
    has_corrections: bool,
    sent_on: String,
    expires_on: Option<String>,
    rows: Vec<RowMessage>,
    next_rows: Option<String>,
}

/// A message about a row.
struct RowMessage {
    position: String,
    column: String,
    outcome: &'static str,
    message: String,
    is_warning: bool,
    /// The draft in which the row can be corrected.
    href: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
struct WorkbookParameters {
    #[serde(default)]
    after: Option<String>,
    /// Whether a module asks, which shows only what changes.
    #[serde(default)]
    fragment: Option<String>,
    /// How many drafts were sent last, and how many were not.
    #[serde(default)]
    sent: Option<u32>,
    #[serde(default)]
    kept: Option<u32>,
}

async fn show_workbooks(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Query<WorkbookParameters>,
) -> Result<Page<WorkbooksTemplate>, PageError> {
    require_own_organisation(&visitor)?;
    let after = parameters.after.as_deref();
    let template = render_workbooks(&service, &visitor, after, String::new(), false).await?;
    Ok(Page::new(template))
}

/// Stores a file and starts its import. The form is sent as `multipart/form-data`.
async fn send_file(
    visitor: Visitor,
    State(service): State<PageService>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, PageError> {
    require_same_origin(&headers)?;
    visitor.require(Capability::SubmitRecords)?;
    let form = read_form(&service, &headers, body).await;
    let FileForm { fields, file } = match form {
        Ok(form) => form,
        Err(cause) => return refuse_file(&service, &visitor, cause).await,
    };
    require_csrf(&visitor, fields.get("csrf").map_or("", String::as_str))?;
    require_own_organisation(&visitor)?;
    let is_draft = fields.get("mode").is_some_and(|mode| mode == "DRAFT");
    let Some(file) = file else {
        let problem = "Choose a workbook or another file of records.".to_owned();
        let template = render_workbooks(&service, &visitor, None, problem, is_draft).await?;
        return Ok(Page::unprocessable(template).into_response());
    };
    let file_name = file.filename.clone();
    let stored = import_file(&service, &visitor, file, is_draft).await?;
    if let Some(import) = stored.import_records.import {
        return Ok(Redirect::to(&import_address(&import.id)).into_response());
    }
    let problems = stored.import_records.problems.into_iter();
    let sentences: Vec<String> = problems
        .map(|problem| describe_refusal(&file_name, &problem))
        .collect();
    let template = render_workbooks(&service, &visitor, None, sentences.join(" "), is_draft).await?;
    Ok(Page::unprocessable(template).into_response())
}

/// Why a file is not taken.
fn describe_refusal(file_name: &str, problem: &ProblemData) -> String {
    let reason = problem.message.trim_end_matches('.');
    match (problem.code.as_str(), problem.path.last().map(String::as_str)) {
        // The reason is a sentence about the content of the file.
        ("INVALID_FORMAT", Some("file")) => {
            format!(
                "“{file_name}” is not a workbook or a table that can be read. Send {FILE_KINDS}. {reason}."
            )
        }
        ("WRONG_STATE", _) => format!("{}.", wayin_entity::to_heading(reason)),
        _ => format!("The file {reason}."),
    }
}

async fn show_import(
    visitor: Visitor,
    State(service): State<PageService>,
    Path(id): Path<String>,
    Query(parameters): Query<WorkbookParameters>,
) -> Result<Response, PageError> {
    visitor.require(Capability::SubmitRecords)?;
    let variables = json!({ "id": id, "after": parameters.after });
    let found: SendImportOperation = service.execute(&visitor, &variables).await?;
    let Some(import) = found.import else {
        return Err(visitor.not_found("There is no such file, or another organisation sent it."));
    };
    let query = PageService::graphiql_address(SendImportOperation::DOCUMENT, &variables);
    let layout = visitor
        .layout(import.file_name.clone(), "/send")
        .with_scripts(&["workbook.js"])
        .with_query(query);
    let progress = ImportProgress::new(import, layout.csrf.clone());
    if parameters.fragment.is_some() {
        return Ok(Page::new(ProgressFragment { progress }).into_response());
    }
    let message = parameters.sent.map(|sent| {
        let kept = parameters.kept.unwrap_or_default();
        format!("Drafts sent for review: {sent}. Drafts that have problems and stay drafts: {kept}.")
    });
    Ok(Page::new(WorkbookTemplate {
        layout,
        progress,
        message,
    })
    .into_response())
}

/// Sends the drafts of a file for review, one by one. Those with problems stay drafts.
async fn submit_drafts(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let visitor = form.visitor;
    visitor.require(Capability::SubmitRecords)?;
    let mut drafts: Vec<String> = Vec::new();
    let mut after = None;
    loop {
        let variables = json!({ "id": id, "after": after });
        let found: SendDraftsOperation = service.execute(&visitor, variables).await?;
        let Some(import) = found.import else {
            return Err(visitor.not_found("There is no such file, or another organisation sent it."));
        };
        let info = import.rows.page_info;
        for submission in import.rows.nodes.into_iter().filter_map(|row| row.submission) {
            if submission.state == SubmissionState::Draft && !drafts.contains(&submission.id) {
                drafts.push(submission.id);
            }
        }
        after = info.next().map(ToOwned::to_owned);
        if after.is_none() || drafts.len() >= MAX_SENT_DRAFTS {
            break;
        }
    }
    drafts.truncate(MAX_SENT_DRAFTS);
    let (mut sent, mut kept) = (0_u32, 0_u32);
    for draft in drafts {
        let variables = json!({ "input": { "id": draft } });
        let submitted: SubmitRecordOperation = service.execute(&visitor, variables).await?;
        if submitted.submit_for_review.submission.is_some() {
            sent += 1;
        } else {
            kept += 1;
        }
    }
    let address = format!("{}?sent={sent}&kept={kept}", import_address(&id));
    Ok(Redirect::to(&address).into_response())
}

/// The rows to correct, as a workbook.
async fn download_corrections(
    visitor: Visitor,
    State(service): State<PageService>,
    Path(id): Path<String>,
) -> Result<Response, PageError> {
    visitor.require(Capability::SubmitRecords)?;
    let file = write_corrections(&service.app, visitor.client_ip, &visitor.requester, &id).await?;
    match file {
        Some(file) => Ok(send_workbook(file, "corrections.xlsx")),
        None => Err(visitor.not_found("There is nothing to correct in this file.")),
    }
}

async fn read_form(
    service: &PageService,
    headers: &HeaderMap,
    body: Body,
) -> Result<FileForm, MultipartError> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let most = service.app.imports.settings.limits.bytes;
    let limits = MultipartLimits {
        max_operation_bytes: MAX_BODY_BYTES,
        // The mutation itself rejects a file that is slightly too large.
        max_file_bytes: most.saturating_add(MAX_BODY_BYTES as u64),
    };
    read_file_form(kind, body, limits).await
}

/// The page for a form that cannot be read.
async fn refuse_file(
    service: &PageService,
    visitor: &Visitor,
    cause: MultipartError,
) -> Result<Response, PageError> {
    match cause {
        MultipartError::LongFile => {
            let most = service.app.imports.settings.limits.bytes;
            let problem = format!(
                "{}.",
                wayin_entity::to_heading(&BodyError::FileTooLong { most }.to_string())
            );
            let template = render_workbooks(service, visitor, None, problem, false).await?;
            Ok(Page::with_status(StatusCode::PAYLOAD_TOO_LARGE, template).into_response())
        }
        MultipartError::Malformed(_) => Err(visitor.failure(
            StatusCode::BAD_REQUEST,
            "The form cannot be read. Open the page again and send the file again.",
        )),
        MultipartError::Body(unread) => Err(Error::from(unread).into()),
        MultipartError::Storage(cause) => Err(Error::Unavailable {
            message: "the file cannot be stored; try again shortly",
            cause: cause.to_string(),
        }
        .into()),
    }
}

/// Executes the mutation with the file, as a GraphQL multipart request does.
async fn import_file(
    service: &PageService,
    visitor: &Visitor,
    file: UploadValue,
    is_draft: bool,
) -> Result<SendWorkbookOperation, PageError> {
    let mode = if is_draft { "DRAFT" } else { "SUBMIT" };
    let variables = json!({ "input": { "file": null, "mode": mode } });
    let mut request =
        Request::new(SendWorkbookOperation::DOCUMENT).variables(Variables::from_json(variables));
    request.set_upload("variables.input.file", file);
    service.execute_request(visitor, request).await
}

fn import_address(id: &str) -> String {
    format!("/send/workbooks/{}", encode_parameter(id))
}

async fn render_workbooks(
    service: &PageService,
    visitor: &Visitor,
    after: Option<&str>,
    problem: String,
    is_draft_chosen: bool,
) -> Result<WorkbooksTemplate, PageError> {
    let found: SendImportsOperation = service.execute(visitor, json!({ "after": after })).await?;
    let next_imports = found
        .imports
        .page_info
        .next()
        .map(|after| format!("/send/workbooks?after={}#files", encode_parameter(after)));
    let show = |import: ListedImport| {
        let (state, state_kind) = describe_import_state(import.state);
        ImportLink {
            href: import_address(&import.id),
            file_name: import.file_name,
            state,
            state_kind,
            sent_on: format_day(import.created_at),
            rows: show_count(import.rows_processed),
        }
    };
    let records = found
        .imports
        .nodes
        .into_iter()
        .filter(|import| import.kind == "RECORDS");
    Ok(WorkbooksTemplate {
        layout: visitor
            .layout("Send a workbook", "/send")
            .with_scripts(&["workbook.js"]),
        template_path: TEMPLATE_PATH,
        file_kinds: wayin_entity::to_heading(FILE_KINDS),
        max_megabytes: service.app.imports.settings.limits.bytes / 1_000_000,
        problem,
        is_draft_chosen,
        imports: records.map(show).collect(),
        next_imports,
    })
}

impl ImportProgress {
    fn new(import: ImportData, csrf: String) -> Self {
        let (state, state_kind) = describe_import_state(import.state);
        let address = import_address(&import.id);
        let counts = [
            ("Saved as drafts", import.draft_count),
            ("Waiting for a steward", import.submitted_count),
            ("Published", import.published_count),
            ("The same as before", import.unchanged_count),
            ("With problems, saved as drafts", import.invalid_count),
            ("Not saved", import.rejected_count),
            ("Rows with a note to check", import.warning_count),
        ];
        let next_rows = import
            .rows
            .page_info
            .next()
            .map(|after| format!("{address}?after={}#rows", encode_parameter(after)));
        Self {
            csrf,
            state,
            state_kind,
            is_running: import.is_running(),
            is_unread: import.failure_reason.is_some() && import.rows_processed == 0,
            file_kinds: FILE_KINDS,
            template_path: TEMPLATE_PATH,
            failure_reason: import.failure_reason,
            notes: import.notes,
            processed: show_count(import.rows_processed),
            counts: counts
                .into_iter()
                .filter(|(_, count)| *count > 0)
                .map(|(what, count)| (what, show_count(count)))
                .collect(),
            draft_count: import.draft_count,
            has_corrections: import.corrections_url.is_some(),
            sent_on: format_day(import.created_at),
            expires_on: import.expires_at.map(format_day),
            rows: import.rows.nodes.into_iter().map(RowMessage::new).collect(),
            next_rows,
            file_name: import.file_name,
            address,
        }
    }
}

impl RowMessage {
    fn new(row: ImportRowData) -> Self {
        let position = match row.sheet {
            Some(sheet) => format!("{sheet}, row {}", row.row),
            None => format!("Row {}", row.row),
        };
        let open = row.submission.filter(|submission| {
            matches!(
                submission.state,
                SubmissionState::Draft | SubmissionState::ChangesRequested
            )
        });
        Self {
            position,
            column: row.column.unwrap_or_default(),
            outcome: describe_outcome(&row.outcome),
            message: row
                .message
                .map_or_else(String::new, |message| wayin_entity::to_heading(&message)),
            is_warning: row.is_warning,
            href: open.map(|submission| step_address(&submission.id, RecordStep::Check)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_sentences() {
        for (code, path, message, sentence) in [
            (
                "INVALID_FORMAT",
                "file",
                "The file is a PDF, which cannot be read.",
                "“food.pdf” is not a workbook or a table that can be read. Send a workbook (.xlsx or .ods), a table (.csv) or \
                 JSON Lines (.jsonl). The file is a PDF, which cannot be read.",
            ),
            (
                "TOO_LONG",
                "file",
                "has 9 bytes; at most 8 can be sent at once",
                "The file has 9 bytes; at most 8 can be sent at once.",
            ),
            (
                "WRONG_STATE",
                "file",
                "3 files are waiting already",
                "3 files are waiting already.",
            ),
        ] {
            let problem = ProblemData {
                code: code.into(),
                message: message.into(),
                path: vec!["input".into(), path.into()],
            };
            assert_eq!(describe_refusal("food.pdf", &problem), sentence);
        }
    }
}
