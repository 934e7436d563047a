//! The queue of submissions that wait for a steward, the open notices and the latest imports.

use askama::Template;
use axum::extract::{Query, State};
use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use wayin_entity::{Capability, ImportState, SubmissionState};

use super::data::CountedProblem;
use super::notices::{NoticeRow, OpenNotices, describe_notices};
use super::organisations::{FoundOrganisation, NO_ORGANISATION, OrganisationMatch, find_organisations};
use super::paging::{ListLinks, ListPosition, ListWindow, build_address, non_empty};
use super::places::{PlaceNames, describe_place, find_place_names};
use super::reviewed::find_reviewed;
use super::wording::{count_of, describe_readers, describe_wait, find_visibility};
use crate::pages::answer::wording::format_day;
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::layout::Layout;
use crate::pages::operation::PageOperation;
use crate::pages::record::data::NamedOrganisation;
use crate::pages::record::wording::{describe_import_state, describe_title};
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

const QUEUE_PAGE_SIZE: u32 = 20;

#[derive(Debug, Deserialize, Serialize)]
pub struct ReviewQueueOperation {
    submissions: QueuedSubmissions,
    notices: OpenNotices,
    imports: RecentImports,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct QueuedSubmissions {
    total_count: usize,
    page_info: ListPosition,
    nodes: Vec<QueuedSubmission>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct QueuedSubmission {
    id: String,
    record: Value,
    organisation: NamedOrganisation,
    submitted_at: Option<DateTime<Utc>>,
    initiative_version: Option<i32>,
    problems: Vec<CountedProblem>,
    warnings: Vec<CountedProblem>,
}

#[derive(Debug, Deserialize, Serialize)]
struct RecentImports {
    nodes: Vec<RecentImport>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct RecentImport {
    id: String,
    file_name: String,
    state: ImportState,
    created_at: DateTime<Utc>,
    organisation: Option<NamedOrganisation>,
    rows_processed: usize,
    submitted_count: usize,
    published_count: usize,
    draft_count: usize,
    unchanged_count: usize,
    invalid_count: usize,
    rejected_count: usize,
}

impl PageOperation for ReviewQueueOperation {
    const DOCUMENT: &'static str = include_str!("queue.graphql");
}

/// The parameters of the address of the queue.
#[derive(Debug, Default, Deserialize)]
pub struct QueueParameters {
    /// The id of an organisation.
    organisation: Option<String>,
    /// The name of an organisation, as somebody typed it.
    find: Option<String>,
    after: Option<String>,
    before: Option<String>,
    /// The id of the submission that was just decided on.
    done: Option<String>,
}

#[derive(Template)]
#[template(path = "review/queue.html")]
pub struct QueueTemplate {
    layout: Layout,
    /// What was just done. Empty if nothing was.
    message: String,
    caption: String,
    rows: Vec<QueueRow>,
    links: ListLinks,
    find: String,
    /// Why the organisation cannot be found. Empty if it can.
    find_error: String,
    /// The name of the only organisation that is shown. Empty if all are.
    only: String,
    choices: Vec<OrganisationLink>,
    notice_count: u32,
    has_older_notices: bool,
    notices: Vec<NoticeRow>,
    imports: Vec<RecentImportRow>,
    manages_members: bool,
}

struct QueueRow {
    href: String,
    title: String,
    place: String,
    organisation: String,
    organisation_href: String,
    wait: String,
    is_change: bool,
    /// How many problems it has. Empty if none.
    problems: String,
    warnings: String,
}

struct OrganisationLink {
    href: String,
    label: String,
}

struct RecentImportRow {
    href: String,
    file_name: String,
    organisation: String,
    day: String,
    state: &'static str,
    state_kind: &'static str,
    counts: String,
    waits: bool,
}

/// Which organisation the queue is limited to.
#[derive(Default)]
struct OrganisationChoice {
    id: Option<String>,
    name: String,
    error: String,
    choices: Vec<OrganisationLink>,
}

pub async fn show_queue(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Query<QueueParameters>,
) -> Result<Page<QueueTemplate>, PageError> {
    visitor.require(Capability::ReviewSubmissions)?;
    let find = parameters.find.unwrap_or_default();
    let chosen = choose_organisation(&service, &visitor, non_empty(parameters.organisation), &find).await?;
    let window = ListWindow::new(
        QUEUE_PAGE_SIZE,
        non_empty(parameters.after),
        non_empty(parameters.before),
    );
    let mut variables = json!(window);
    variables["organisation"] = json!(chosen.id);
    let found: ReviewQueueOperation = service.execute(&visitor, &variables).await?;
    let message = match non_empty(parameters.done) {
        Some(id) => describe_decision(&service, &visitor, &id).await?,
        None => String::new(),
    };
    let now = service.app.clock.now();
    let records: Vec<&Value> = found.submissions.nodes.iter().map(|one| &one.record).collect();
    let places = find_place_names(&service, &visitor, &records).await?;
    let id = chosen.id.clone().unwrap_or_default();
    let only = match (&chosen.id, found.submissions.nodes.first()) {
        (Some(_), Some(first)) => first.organisation.name.clone(),
        (Some(_), None) if chosen.name.is_empty() => "this organisation".into(),
        _ => chosen.name,
    };
    let links = found
        .submissions
        .page_info
        .links("/review", &[("organisation", &id)]);
    let layout = visitor
        .layout("Review", "/review")
        .with_query(PageService::graphiql_address(
            ReviewQueueOperation::DOCUMENT,
            &variables,
        ));
    Ok(Page::new(QueueTemplate {
        layout,
        message,
        caption: describe_queue_length(found.submissions.total_count),
        rows: found
            .submissions
            .nodes
            .iter()
            .map(|submission| build_row(submission, &places, now))
            .collect(),
        links,
        find,
        find_error: chosen.error,
        only,
        choices: chosen.choices,
        notice_count: found.notices.total_count,
        has_older_notices: found.notices.nodes.len() < found.notices.total_count as usize,
        notices: describe_notices(&service, &visitor, found.notices.nodes).await?,
        imports: found.imports.nodes.into_iter().map(build_import_row).collect(),
        manages_members: visitor.can(Capability::ManageMembers),
    }))
}

async fn choose_organisation(
    service: &PageService,
    visitor: &Visitor,
    id: Option<String>,
    find: &str,
) -> Result<OrganisationChoice, PageError> {
    if find.trim().is_empty() {
        return Ok(OrganisationChoice {
            id,
            ..OrganisationChoice::default()
        });
    }
    let link = |organisation: FoundOrganisation| OrganisationLink {
        href: build_address("/review", [("organisation", organisation.id.as_str())]),
        label: organisation.label(),
    };
    Ok(match find_organisations(service, visitor, find).await? {
        OrganisationMatch::One(organisation) => OrganisationChoice {
            id: Some(organisation.id),
            name: organisation.name,
            ..OrganisationChoice::default()
        },
        OrganisationMatch::Several(found) => OrganisationChoice {
            choices: found.into_iter().map(link).collect(),
            ..OrganisationChoice::default()
        },
        OrganisationMatch::None => OrganisationChoice {
            error: NO_ORGANISATION.into(),
            ..OrganisationChoice::default()
        },
    })
}

fn build_row(submission: &QueuedSubmission, places: &PlaceNames, now: DateTime<Utc>) -> QueueRow {
    let record = &submission.record;
    let count = |problems: &[CountedProblem], one, many| match problems.len() {
        0 => String::new(),
        some => count_of(some, one, many),
    };
    QueueRow {
        href: format!("/review/submissions/{}", submission.id),
        title: describe_title(record),
        place: describe_place(record, places),
        organisation: submission.organisation.name.clone(),
        organisation_href: build_address("/review", [("organisation", submission.organisation.id.as_str())]),
        wait: submission
            .submitted_at
            .map_or_else(String::new, |since| describe_wait(since, now)),
        is_change: submission.initiative_version.is_some(),
        problems: count(&submission.problems, "problem", "problems"),
        warnings: count(&submission.warnings, "warning", "warnings"),
    }
}

fn build_import_row(import: RecentImport) -> RecentImportRow {
    let counts = [
        (import.submitted_count, "sent for review"),
        (import.published_count, "published"),
        (import.draft_count, "saved as drafts"),
        (import.unchanged_count, "the same as before"),
        (import.invalid_count, "with problems"),
        (import.rejected_count, "not saved"),
    ];
    let parts: Vec<String> = counts
        .into_iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| count_of(count, what, what))
        .collect();
    let rows = count_of(import.rows_processed, "row", "rows");
    let (state, state_kind) = describe_import_state(import.state);
    RecentImportRow {
        href: format!("/review/imports/{}", import.id),
        file_name: import.file_name,
        organisation: import
            .organisation
            .map_or_else(|| "Several funders".into(), |organisation| organisation.name),
        day: format_day(import.created_at),
        state,
        state_kind,
        counts: if parts.is_empty() {
            rows
        } else {
            format!("{rows}: {}", parts.join(", "))
        },
        waits: import.submitted_count > 0,
    }
}

fn describe_queue_length(count: usize) -> String {
    match count {
        0 => "Nothing waits for review".into(),
        1 => "1 record waits for review".into(),
        _ => count_of(count, "", "records wait for review"),
    }
}

/// Says what was decided on a submission, by its present state.
async fn describe_decision(service: &PageService, visitor: &Visitor, id: &str) -> Result<String, PageError> {
    let Some(submission) = find_reviewed(service, visitor, id).await? else {
        return Ok(String::new());
    };
    let title = format!("\u{201c}{}\u{201d}", describe_title(&submission.record));
    let organisation = &submission.organisation.name;
    Ok(match submission.state {
        SubmissionState::Published => format!(
            "{title} by {organisation} is published. {}",
            describe_readers(find_visibility(&submission.record))
        ),
        SubmissionState::ChangesRequested => {
            format!("You asked {organisation} to change {title}. It comes back when they send it again.")
        }
        SubmissionState::Discarded => format!("{title} by {organisation} is discarded."),
        SubmissionState::Submitted | SubmissionState::Draft => String::new(),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn queue_shows_names_of_places() {
        let submission = |place: Value| QueuedSubmission {
            id: "B1".into(),
            record: json!({"title": "Food", "place": place}),
            organisation: NamedOrganisation {
                id: "O1".into(),
                name: "Foresight".into(),
            },
            submitted_at: Some(DateTime::UNIX_EPOCH),
            initiative_version: Some(2),
            problems: Vec::new(),
            warnings: Vec::new(),
        };
        let places = HashMap::from([("E06000001".to_owned(), "Hartlepool".to_owned())]);
        for (place, shown) in [
            (json!({"name": "Leeds"}), "Leeds"),
            (json!({"code": "E06000001"}), "Hartlepool"),
            (json!({"code": "E99"}), "E99"),
            (json!(null), "No place"),
        ] {
            let row = build_row(&submission(place), &places, DateTime::UNIX_EPOCH);
            assert_eq!(row.place, shown);
            assert!(row.is_change && row.problems.is_empty());
        }
    }

    #[test]
    fn queue_length_is_in_words() {
        assert_eq!(describe_queue_length(1), "1 record waits for review");
        assert_eq!(describe_queue_length(1_200), "1,200 records wait for review");
    }
}
