//! Publishes the submissions of an import that have no problems, many at once.

use std::collections::HashSet;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wayin_entity::{Capability, SubmissionState};

use super::data::{CountedProblem, join_messages};
use super::decisions::{describe_conflict, publish_reviewed};
use super::paging::{ListLinks, ListPosition, ListWindow, non_empty};
use super::reviewed::find_reviewed;
use super::wording::{count_of, describe_readers, find_visibility};
use crate::pages::answer::wording::format_day;
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::form::CheckedForm;
use crate::pages::layout::Layout;
use crate::pages::operation::PageOperation;
use crate::pages::record::data::NamedOrganisation;
use crate::pages::record::wording::describe_title;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

/// How many submissions can be published at once. It is also the number of rows on a page.
const MAX_PUBLISHED_AT_ONCE: u32 = 100;

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/review/imports/{id}", get(show_import))
        .route("/review/imports/{id}/publish", post(publish_chosen))
}

#[derive(Debug, Deserialize, Serialize)]
pub struct ReviewImportOperation {
    import: Option<ReviewedImport>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewedImport {
    id: String,
    file_name: String,
    created_at: DateTime<Utc>,
    organisation: Option<NamedOrganisation>,
    created_by: Option<ImportingMember>,
    submitted_count: usize,
    rows: ReviewedRows,
}

#[derive(Debug, Deserialize, Serialize)]
struct ImportingMember {
    subject: String,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ReviewedRows {
    page_info: ListPosition,
    nodes: Vec<ReviewedRow>,
}

#[derive(Debug, Deserialize, Serialize)]
struct ReviewedRow {
    sheet: Option<String>,
    row: i64,
    submission: Option<ImportedSubmission>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct ImportedSubmission {
    id: String,
    version: i32,
    state: SubmissionState,
    record: Value,
    initiative_version: Option<i32>,
    problems: Vec<CountedProblem>,
    warnings: Vec<CountedProblem>,
}

impl PageOperation for ReviewImportOperation {
    const DOCUMENT: &'static str = include_str!("import.graphql");
}

#[derive(Debug, Default, Deserialize)]
pub struct ImportParameters {
    after: Option<String>,
    before: Option<String>,
}

#[derive(Template)]
#[template(path = "review/import.html")]
pub struct ImportTemplate {
    layout: Layout,
    id: String,
    key: String,
    file_name: String,
    facts: Vec<(String, String)>,
    error: &'static str,
    /// Those that can be published.
    ready: Vec<ImportedRow>,
    /// Those that have problems.
    not_ready: Vec<ImportedRow>,
    /// How many rows of this page are decided on. Empty if none.
    decided: String,
    links: ListLinks,
}

struct ImportedRow {
    /// The id of the submission and the version that is shown.
    value: String,
    href: String,
    title: String,
    /// The place of the row in the file.
    origin: String,
    readers: String,
    is_change: bool,
    problems: String,
    warnings: String,
}

#[derive(Template)]
#[template(path = "review/import_result.html")]
pub struct ImportResultTemplate {
    layout: Layout,
    id: String,
    published: String,
    refused: String,
    outcomes: Vec<BulkOutcome>,
}

struct BulkOutcome {
    href: String,
    title: String,
    is_published: bool,
    text: String,
}

async fn show_import(
    visitor: Visitor,
    State(service): State<PageService>,
    Path(id): Path<String>,
    Query(parameters): Query<ImportParameters>,
) -> Result<Page<ImportTemplate>, PageError> {
    visitor.require(Capability::ReviewSubmissions)?;
    let template = build_import(&service, &visitor, &id, parameters, "").await?;
    Ok(Page::new(template))
}

async fn build_import(
    service: &PageService,
    visitor: &Visitor,
    id: &str,
    parameters: ImportParameters,
    error: &'static str,
) -> Result<ImportTemplate, PageError> {
    let window = ListWindow::new(
        MAX_PUBLISHED_AT_ONCE,
        non_empty(parameters.after),
        non_empty(parameters.before),
    );
    let mut variables = json!(window);
    variables["id"] = json!(id);
    let found: ReviewImportOperation = service.execute(visitor, &variables).await?;
    let Some(import) = found.import else {
        return Err(visitor.not_found("There is no such import. Go back to Review."));
    };
    let path = format!("/review/imports/{}", import.id);
    let links = import.rows.page_info.links(&path, &[]);
    // A row has an entry for each of its warnings.
    let mut seen = HashSet::new();
    let (mut ready, mut not_ready, mut decided) = (Vec::new(), Vec::new(), 0);
    for row in import.rows.nodes {
        let Some(submission) = row.submission else {
            continue;
        };
        if !seen.insert(submission.id.clone()) {
            continue;
        }
        if submission.state != SubmissionState::Submitted {
            decided += 1;
            continue;
        }
        let has_problems = !submission.problems.is_empty();
        let row = build_row(submission, row.sheet, row.row);
        if has_problems {
            not_ready.push(row);
        } else {
            ready.push(row);
        }
    }
    let mut facts = vec![("Sent in".to_owned(), format_day(import.created_at))];
    if let Some(organisation) = import.organisation {
        facts.push(("Organisation".into(), organisation.name));
    }
    if let Some(member) = import.created_by {
        facts.push(("Sent in by".into(), member.subject));
    }
    facts.push((
        "Sent for review".into(),
        count_of(import.submitted_count, "record", "records"),
    ));
    let layout = visitor
        .layout(format!("Review: {}", import.file_name), "/review")
        .with_query(PageService::graphiql_address(
            ReviewImportOperation::DOCUMENT,
            &variables,
        ));
    Ok(ImportTemplate {
        layout,
        id: import.id,
        key: service.app.clock.new_id().to_string(),
        file_name: import.file_name,
        facts,
        error,
        ready,
        not_ready,
        decided: match decided {
            0 => String::new(),
            some => count_of(some, "record of this page is", "records of this page are"),
        },
        links,
    })
}

fn build_row(submission: ImportedSubmission, sheet: Option<String>, row: i64) -> ImportedRow {
    let count = |problems: &[CountedProblem], one: &str, many: &str| match problems.len() {
        0 => String::new(),
        some => count_of(some, one, many),
    };
    ImportedRow {
        value: format!("{}.{}", submission.id, submission.version),
        href: format!("/review/submissions/{}", submission.id),
        title: describe_title(&submission.record),
        origin: match sheet {
            Some(sheet) => format!("{sheet}, row {row}"),
            None => format!("Row {row}"),
        },
        readers: describe_readers(find_visibility(&submission.record)),
        is_change: submission.initiative_version.is_some(),
        problems: count(&submission.problems, "problem", "problems"),
        warnings: count(&submission.warnings, "warning", "warnings"),
    }
}

#[derive(Debug, Deserialize)]
struct PublishChosenFields {
    key: String,
    /// The ids of submissions, each with the version that the steward saw.
    #[serde(default)]
    chosen: Vec<String>,
}

async fn publish_chosen(
    State(service): State<PageService>,
    Path(id): Path<String>,
    form: CheckedForm<PublishChosenFields>,
) -> Result<Response, PageError> {
    let CheckedForm { visitor, fields } = form;
    visitor.require(Capability::ReviewSubmissions)?;
    let error = match fields.chosen.len() {
        0 => "Choose at least one record to publish.",
        many if many > MAX_PUBLISHED_AT_ONCE as usize => {
            "You can publish at most 100 records at once. Choose fewer."
        }
        _ => "",
    };
    if !error.is_empty() {
        let template = build_import(&service, &visitor, &id, ImportParameters::default(), error).await?;
        return Ok(Page::unprocessable(template).into_response());
    }
    let mut outcomes = Vec::new();
    for chosen in &fields.chosen {
        match publish_one(&service, &visitor, chosen, &fields.key).await {
            Ok(outcome) => outcomes.push(outcome),
            // What was published stays published, and the page must say so.
            Err(error @ PageError::SignIn { .. }) if outcomes.is_empty() => return Err(error),
            Err(error) => {
                let text = error.text();
                outcomes.push(BulkOutcome {
                    href: submission_address(chosen),
                    title: "A record".into(),
                    is_published: false,
                    text: format!("Not published. {text}"),
                });
                break;
            }
        }
    }
    let untried = fields.chosen.iter().skip(outcomes.len());
    outcomes.extend(untried.map(|chosen| BulkOutcome {
        href: submission_address(chosen),
        title: "A record".into(),
        is_published: false,
        text: "Not tried, because the one before could not be published. Publish it again.".into(),
    }));
    let published = outcomes.iter().filter(|outcome| outcome.is_published).count();
    let refused = outcomes.len() - published;
    Ok(Page::new(ImportResultTemplate {
        layout: visitor.layout("What was published", "/review"),
        id,
        published: count_of(published, "record is published", "records are published"),
        refused: match refused {
            0 => String::new(),
            some => count_of(some, "record is not published", "records are not published"),
        },
        outcomes,
    })
    .into_response())
}

/// Publishes one submission, if it is as the steward saw it.
async fn publish_one(
    service: &PageService,
    visitor: &Visitor,
    chosen: &str,
    key: &str,
) -> Result<BulkOutcome, PageError> {
    let href = submission_address(chosen);
    let refuse = |title: String, text: String| BulkOutcome {
        href: href.clone(),
        title,
        is_published: false,
        text,
    };
    let Some((id, version)) = parse_choice(chosen) else {
        let text = "Not published. The form was changed on its way. Open the page again.";
        return Ok(refuse("A record".into(), text.into()));
    };
    let Some(submission) = find_reviewed(service, visitor, id).await? else {
        return Ok(refuse(
            "A record".into(),
            "Not published. It does not exist any more.".into(),
        ));
    };
    let title = describe_title(&submission.record);
    let payload = publish_reviewed(service, visitor, (id, version), None, &format!("{key}-{id}")).await?;
    if payload.problems.is_empty() {
        return Ok(BulkOutcome {
            href,
            title,
            is_published: true,
            text: format!(
                "Published. {}",
                describe_readers(find_visibility(&submission.record))
            ),
        });
    }
    let conflict = payload.problems.iter().find_map(describe_conflict);
    let reason = conflict.map_or_else(|| join_messages(&payload.problems), ToOwned::to_owned);
    Ok(refuse(title, format!("Not published. {reason}")))
}

fn parse_choice(chosen: &str) -> Option<(&str, i32)> {
    let (id, version) = chosen.rsplit_once('.')?;
    Some((id, version.parse().ok()?))
}

fn submission_address(chosen: &str) -> String {
    let id = parse_choice(chosen).map_or("", |(id, _)| id);
    format!("/review/submissions/{id}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn choice_names_a_submission_and_its_version() {
        assert_eq!(parse_choice("Qabc_-.3"), Some(("Qabc_-", 3)));
        for wrong in ["", "Qabc", "Qabc.", "Qabc.x", "..."] {
            assert_eq!(parse_choice(wrong), None, "{wrong}");
        }
        assert_eq!(submission_address("Qabc.3"), "/review/submissions/Qabc");
    }
}
