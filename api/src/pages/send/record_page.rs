//! The form of a record in steps, which saves what is typed.

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use wayin_entity::Capability;

use super::data::{SaveRecordOperation, SavedRecord, SendRecordOperation, SubmissionData};
use super::funders::{ChosenFunder, MatchView, find_funder_matches, find_funder_names};
use super::places::{PlaceView, find_places};
use super::problems::{RecordProblem, describe_problems};
use super::questions::{RecordStep, is_required};
use super::record_form::{
    FormFields, PLACE, PLACE_SEARCH, apply_fields, list_items, remove_item, show_missing_reason, show_place,
};
use super::require_own_organisation;
use super::views::{
    FieldMessages, MissingView, QuestionsView, RecordItemView, StepLink, describe_answer, show_items,
    show_missing, show_questions,
};
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::form::CheckedForm;
use crate::pages::layout::Layout;
use crate::pages::operation::encode_parameter;
use crate::pages::record::answers::list_changes;
use crate::pages::record::data::{ChangeData, ProblemData};
use crate::pages::record::wording::describe_title;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

/// The media type that a module asks for to get a fragment instead of a page.
const FRAGMENT_MEDIA_TYPE: &str = "text/vnd.wayin.fragment+html";
/// The last part of the address of a record that is not saved yet.
const NEW_RECORD: &str = "new";

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/send/places", get(search_places))
        .route("/send/funders", get(search_funders))
        .route("/send/records/new", get(start_record).post(save_new_record))
        .route("/send/records/{id}", get(open_record))
        .route("/send/records/{id}/{step}", get(show_step).post(save_step))
}

/// Whether the answers are saved.
struct SaveStatus {
    /// `saved`, `unsaved`, `conflict` or `refused`.
    state: &'static str,
    version: i32,
    /// The id of the submission. Empty if there is none yet.
    submission: String,
    /// The address of the form.
    address: String,
    saved_at: Option<SavedAt>,
    text: String,
}

struct SavedAt {
    moment: String,
    clock: String,
}

/// A problem with a link to its field.
pub struct ProblemLink {
    /// Empty if the form has no such field.
    pub href: String,
    pub message: String,
}

/// A field that two people changed.
pub struct ConflictView {
    pub label: String,
    pub before_heading: &'static str,
    pub before: String,
    pub after_heading: &'static str,
    pub after: String,
}

/// The messages of a field, for the module to put beside it.
struct MessagesView {
    id: String,
    problems: Vec<String>,
    warnings: Vec<String>,
    matches: Vec<MatchView>,
}

#[derive(Template)]
#[template(path = "send/record.html")]
struct RecordTemplate {
    layout: Layout,
    member: String,
    /// None for a record that is not saved yet.
    record_title: Option<String>,
    /// Which step it is, such as "Step 1 of 7".
    step_number: String,
    heading: &'static str,
    introduction: &'static str,
    review_note: Option<String>,
    problem_heading: &'static str,
    problems: Vec<ProblemLink>,
    /// Whether the page says what is still missing.
    shows_missing: bool,
    conflicts: Vec<ConflictView>,
    steps: Vec<StepLink>,
    status: SaveStatus,
    /// The idempotency key of a record that is not saved yet. Empty for others.
    key: String,
    /// None for a step about a list.
    questions: Option<QuestionsView>,
    /// None on the other steps.
    place: Option<PlaceView>,
    is_place_required: bool,
    place_problems: Vec<String>,
    place_missing: Option<MissingView>,
    items: Vec<RecordItemView>,
    /// The names that the fields of funders offer. None on the other steps.
    funder_names: Option<Vec<String>>,
    list_missing: Option<MissingView>,
    /// What can be added to the list of the step.
    add_label: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "send/fragment.html")]
struct SavedFragment {
    problem_heading: &'static str,
    problems: Vec<ProblemLink>,
    status: SaveStatus,
    /// Empty if nothing is saved.
    steps: Vec<StepLink>,
    fields: Vec<MessagesView>,
}

#[derive(Template)]
#[template(path = "send/place_choices.html")]
struct PlaceChoicesFragment {
    place: PlaceView,
}

#[derive(Template)]
#[template(path = "send/funder_names.html")]
struct FunderNamesFragment {
    funder_names: Vec<String>,
}

/// The view of a step.
#[derive(Debug, Default, Deserialize)]
struct StepParameters {
    /// Whether to show one more item.
    #[serde(default)]
    add: Option<String>,
    /// The places to search for.
    #[serde(default)]
    place: Option<String>,
    /// Whether to say what is still missing.
    #[serde(default)]
    check: Option<String>,
}

#[derive(Debug, Deserialize)]
struct PlaceParameters {
    #[serde(default)]
    place: String,
    #[serde(default)]
    chosen: String,
}

#[derive(Debug, Deserialize)]
struct FunderParameters {
    #[serde(default)]
    name: String,
}

/// What a step shows.
struct StepContent<'a> {
    step: RecordStep,
    /// None for a record that is not saved yet.
    submission: Option<&'a SubmissionData>,
    record: &'a Value,
    parameters: StepParameters,
    status: SaveStatus,
    conflicts: Vec<ConflictView>,
    /// Why the record as a whole was not saved.
    refusals: Vec<ProblemLink>,
}

/// Loads a submission that the visitor can see.
///
/// # Errors
/// A page that says that there is none.
pub async fn load_submission(
    service: &PageService,
    visitor: &Visitor,
    id: &str,
) -> Result<SubmissionData, PageError> {
    let found: SendRecordOperation = service.execute(visitor, json!({ "id": id })).await?;
    found
        .submission
        .ok_or_else(|| visitor.not_found("There is no such record, or it belongs to another organisation."))
}

/// Saves a record.
///
/// # Errors
/// A page, if the operation fails. Problems with the input are in the result.
pub async fn save_record(
    service: &PageService,
    visitor: &Visitor,
    input: Value,
) -> Result<SavedRecord, PageError> {
    let saved: SaveRecordOperation = service.execute(visitor, json!({ "input": input })).await?;
    Ok(saved.save_submission)
}

async fn start_record(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Query<StepParameters>,
) -> Result<Response, PageError> {
    require_own_organisation(&visitor)?;
    let record = json!({});
    let content = StepContent {
        step: RecordStep::About,
        submission: None,
        record: &record,
        parameters,
        status: SaveStatus::unsaved(None, RecordStep::About),
        conflicts: Vec::new(),
        refusals: Vec::new(),
    };
    Ok(Page::new(render_step(&service, &visitor, content).await?).into_response())
}

/// Opens the first step, or the answers if the record cannot be changed.
async fn open_record(Path(id): Path<String>) -> Redirect {
    Redirect::to(&step_address(&id, RecordStep::About))
}

async fn show_step(
    visitor: Visitor,
    State(service): State<PageService>,
    Path((id, slug)): Path<(String, String)>,
    Query(parameters): Query<StepParameters>,
) -> Result<Response, PageError> {
    visitor.require(Capability::SubmitRecords)?;
    let submission = load_submission(&service, &visitor, &id).await?;
    let step = find_step(&visitor, &slug)?;
    if step == RecordStep::Check || !submission.is_open() {
        return Ok(Redirect::to(&step_address(&id, RecordStep::Check)).into_response());
    }
    let content = StepContent {
        step,
        record: &submission.record,
        parameters,
        status: SaveStatus::unsaved(Some(&submission), step),
        submission: Some(&submission),
        conflicts: Vec::new(),
        refusals: Vec::new(),
    };
    Ok(Page::new(render_step(&service, &visitor, content).await?).into_response())
}

/// The places that a search finds, for the module to show while one types.
async fn search_places(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Query<PlaceParameters>,
) -> Result<Response, PageError> {
    visitor.require(Capability::SubmitRecords)?;
    let place = find_places(&service, &visitor, &parameters.chosen, &parameters.place).await?;
    Ok(Page::new(PlaceChoicesFragment { place }).into_response())
}

/// The names of funders that a search finds, for the module to offer while one types.
async fn search_funders(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Query<FunderParameters>,
) -> Result<Response, PageError> {
    visitor.require(Capability::SubmitRecords)?;
    let funder_names = find_funder_names(&service, &visitor, &parameters.name).await?;
    Ok(Page::new(FunderNamesFragment { funder_names }).into_response())
}

async fn save_new_record(
    State(service): State<PageService>,
    headers: HeaderMap,
    form: CheckedForm<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let (visitor, fields) = (form.visitor, FormFields(form.fields));
    require_own_organisation(&visitor)?;
    let edit = RecordEdit::new(RecordStep::About, fields, &headers);
    edit.save(&service, &visitor, None).await
}

async fn save_step(
    State(service): State<PageService>,
    Path((id, slug)): Path<(String, String)>,
    headers: HeaderMap,
    form: CheckedForm<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let (visitor, fields) = (form.visitor, FormFields(form.fields));
    visitor.require(Capability::SubmitRecords)?;
    let step = find_step(&visitor, &slug)?;
    let submission = load_submission(&service, &visitor, &id).await?;
    let edit = RecordEdit::new(step, fields, &headers);
    edit.save(&service, &visitor, Some(submission)).await
}

/// What a form of a step asks to save.
struct RecordEdit {
    step: RecordStep,
    fields: FormFields,
    /// Whether a module sent it, which shows only what changes.
    is_background: bool,
}

impl RecordEdit {
    fn new(step: RecordStep, fields: FormFields, headers: &HeaderMap) -> Self {
        let accepted = headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
        let is_background = accepted.is_some_and(|accepted| accepted.contains(FRAGMENT_MEDIA_TYPE))
            || fields.text("fragment") == "1";
        Self {
            step,
            fields,
            is_background,
        }
    }

    async fn save(
        self,
        service: &PageService,
        visitor: &Visitor,
        current: Option<SubmissionData>,
    ) -> Result<Response, PageError> {
        let before = current
            .as_ref()
            .map_or_else(|| json!({}), |current| current.record.clone());
        let mut record = before.clone();
        let mut fields = self.fields.clone();
        if self.is_background || fields.text("action") == "find-place" {
            // Who searches has not answered yet.
            fields.0.retain(|(name, _)| name != PLACE_SEARCH);
        }
        apply_fields(&mut record, self.step, &fields);
        if let Some(name) = self.fields.text("action").strip_prefix("remove:") {
            remove_item(&mut record, name);
        }
        if let Some(chosen) = ChosenFunder::from_action(self.fields.text("action")) {
            chosen.apply(service, visitor, &mut record).await?;
        }
        if record == before {
            return self.respond_unchanged(service, visitor, current).await;
        }
        let version: i32 = self.fields.text("version").parse().unwrap_or_default();
        let input = if let Some(current) = &current {
            json!({ "id": current.id, "version": version, "record": record })
        } else {
            let key = Some(self.fields.text("key")).filter(|key| !key.is_empty());
            json!({ "record": record, "idempotencyKey": key })
        };
        let saved = save_record(service, visitor, input).await?;
        if let Some(submission) = saved.submission {
            return self.respond_saved(service, visitor, submission).await;
        }
        let is_stale = saved
            .problems
            .iter()
            .any(|problem| problem.code == "STALE_VERSION");
        let conflicts = show_conflicts(&record, &saved.conflicts, "Saved by somebody else", "Your answer");
        let refusals = if is_stale && !conflicts.is_empty() {
            Vec::new()
        } else {
            link_refusals(&record, &saved.problems)
        };
        self.respond_refused(service, visitor, current, &record, conflicts, refusals)
            .await
    }

    /// There is nothing new to save.
    async fn respond_unchanged(
        self,
        service: &PageService,
        visitor: &Visitor,
        current: Option<SubmissionData>,
    ) -> Result<Response, PageError> {
        if let Some(current) = current {
            return self.respond_saved(service, visitor, current).await;
        }
        let record = json!({});
        let refusals = vec![ProblemLink {
            href: "#title".into(),
            message: "Write something first, such as the title.".into(),
        }];
        self.respond_refused(service, visitor, None, &record, Vec::new(), refusals)
            .await
    }

    async fn respond_saved(
        self,
        service: &PageService,
        visitor: &Visitor,
        submission: SubmissionData,
    ) -> Result<Response, PageError> {
        let status = SaveStatus::saved(&submission, self.step, service.app.clock.now());
        if self.is_background {
            let fragment = self
                .render_fragment(service, visitor, &submission, status)
                .await?;
            return Ok(Page::new(fragment).into_response());
        }
        let address = step_address(&submission.id, self.step);
        let action = self.fields.text("action");
        if action == "find-place" {
            let search = encode_parameter(self.fields.text(PLACE_SEARCH).trim());
            return Ok(Redirect::to(&format!("{address}?place={search}#place-choices")).into_response());
        }
        if action.starts_with("remove:") {
            return Ok(Redirect::to(&address).into_response());
        }
        if let Some(chosen) = ChosenFunder::from_action(action) {
            return Ok(Redirect::to(&format!("{address}#{}", chosen.field())).into_response());
        }
        let mistakes = describe_problems(&submission.record, &submission.problems);
        if mistakes
            .iter()
            .any(|problem| problem.step == Some(self.step) && !problem.is_missing)
        {
            let content = StepContent {
                step: self.step,
                record: &submission.record,
                parameters: self.parameters(),
                status,
                submission: Some(&submission),
                conflicts: Vec::new(),
                refusals: Vec::new(),
            };
            return Ok(Page::unprocessable(render_step(service, visitor, content).await?).into_response());
        }
        let next = match action {
            "add" => format!(
                "{address}?add=1#{}",
                name_of_next_item(&submission.record, self.step)
            ),
            "leave" => "/send".to_owned(),
            _ => step_address(&submission.id, self.step.next()),
        };
        Ok(Redirect::to(&next).into_response())
    }

    /// What changes on the page when a module has saved the form.
    async fn render_fragment(
        &self,
        service: &PageService,
        visitor: &Visitor,
        submission: &SubmissionData,
        status: SaveStatus,
    ) -> Result<SavedFragment, PageError> {
        let (record, step, shows_missing) = (&submission.record, self.step, self.shows_missing());
        let all = describe_problems(record, &submission.problems);
        let own: Vec<RecordProblem> = all
            .iter()
            .filter(|problem| problem.step == Some(step) && (shows_missing || !problem.is_missing))
            .cloned()
            .collect();
        let warnings = describe_problems(record, &submission.warnings);
        let matches = if step == RecordStep::Funding {
            find_funder_matches(service, visitor, record, &submission.problems).await?
        } else {
            Vec::new()
        };
        let messages = FieldMessages {
            problems: &own,
            warnings: &warnings,
            matches: &matches,
        };
        let mut fields = Vec::new();
        let mut shown = Vec::new();
        if let Some(list) = step.list() {
            // The page may have an item that is still empty.
            for item in show_items(record, step, true, &messages) {
                shown.extend(item.questions.into_fields());
            }
            fields.push(MessagesView::of_missing(show_missing(
                record,
                "",
                list.field,
                step.label(),
                &messages,
            )));
        } else {
            shown = show_questions(record, "", step, &messages).into_fields();
        }
        for field in shown {
            fields.push(MessagesView {
                id: field.id,
                problems: field.problems,
                warnings: field.warnings,
                matches: field.matches,
            });
            fields.extend(field.missing.map(MessagesView::of_missing));
        }
        if step == RecordStep::About {
            fields.push(MessagesView {
                id: PLACE.into(),
                problems: messages_of(&own, PLACE),
                warnings: messages_of(&warnings, PLACE),
                matches: Vec::new(),
            });
            fields.push(MessagesView::of_missing(show_missing(
                record, "", PLACE, "Place", &messages,
            )));
        }
        Ok(SavedFragment {
            problem_heading: "There is a problem",
            problems: own.iter().map(link_on_page).collect(),
            status,
            steps: list_steps(Some(submission), record, step, &all),
            fields,
        })
    }

    /// The view of the page that sent the form.
    fn parameters(&self) -> StepParameters {
        StepParameters {
            check: self.shows_missing().then(String::new),
            ..StepParameters::default()
        }
    }

    fn shows_missing(&self) -> bool {
        self.fields.text("check") == "1"
    }

    async fn respond_refused(
        self,
        service: &PageService,
        visitor: &Visitor,
        current: Option<SubmissionData>,
        record: &Value,
        conflicts: Vec<ConflictView>,
        refusals: Vec<ProblemLink>,
    ) -> Result<Response, PageError> {
        let mut status = SaveStatus::unsaved(current.as_ref(), self.step);
        let is_conflict = !conflicts.is_empty();
        (status.state, status.text) = if is_conflict {
            let text =
                "Not saved: somebody else has changed this record. Press “Save and continue” to see both.";
            ("conflict", text.into())
        } else {
            ("refused", "Not saved.".into())
        };
        let code = if is_conflict {
            StatusCode::CONFLICT
        } else {
            StatusCode::UNPROCESSABLE_ENTITY
        };
        if self.is_background {
            // The form keeps the version that it was opened with, so that it is still a conflict when it is sent.
            let version: i32 = self.fields.text("version").parse().unwrap_or_default();
            let fragment = SavedFragment {
                problem_heading: "There is a problem",
                problems: refusals,
                status: SaveStatus { version, ..status },
                steps: Vec::new(),
                fields: Vec::new(),
            };
            return Ok(Page::with_status(code, fragment).into_response());
        }
        let shown = current.map(|current| SubmissionData {
            record: record.clone(),
            ..current
        });
        let content = StepContent {
            step: self.step,
            submission: shown.as_ref(),
            record,
            parameters: self.parameters(),
            status,
            conflicts,
            refusals,
        };
        Ok(Page::with_status(code, render_step(service, visitor, content).await?).into_response())
    }
}

impl SaveStatus {
    /// The status before anything is typed.
    fn unsaved(submission: Option<&SubmissionData>, step: RecordStep) -> Self {
        Self {
            state: "unsaved",
            version: submission.map_or(0, |submission| submission.version),
            submission: submission.map_or_else(String::new, |submission| submission.id.clone()),
            address: submission.map_or_else(
                || format!("/send/records/{NEW_RECORD}"),
                |submission| step_address(&submission.id, step),
            ),
            saved_at: None,
            text: String::new(),
        }
    }

    fn saved(submission: &SubmissionData, step: RecordStep, now: chrono::DateTime<chrono::Utc>) -> Self {
        Self {
            state: "saved",
            saved_at: Some(SavedAt {
                moment: now.to_rfc3339_opts(chrono::SecondsFormat::Secs, true),
                clock: now.format("%H:%M").to_string(),
            }),
            ..Self::unsaved(Some(submission), step)
        }
    }
}

/// The address of a step of a record.
pub fn step_address(id: &str, step: RecordStep) -> String {
    format!("/send/records/{}/{}", encode_parameter(id), step.slug())
}

fn find_step(visitor: &Visitor, slug: &str) -> Result<RecordStep, PageError> {
    RecordStep::from_slug(slug).ok_or_else(|| visitor.not_found("The form has no such step."))
}

async fn render_step(
    service: &PageService,
    visitor: &Visitor,
    content: StepContent<'_>,
) -> Result<RecordTemplate, PageError> {
    let StepContent { step, record, .. } = content;
    let found = content
        .submission
        .map(|submission| submission.problems.as_slice());
    let found = found.unwrap_or_default();
    let all = describe_problems(record, found);
    let warnings = content
        .submission
        .map(|submission| submission.warnings.as_slice());
    let warnings = describe_problems(record, warnings.unwrap_or_default());
    let shows_missing = content.parameters.check.is_some();
    let own: Vec<RecordProblem> = all
        .iter()
        .filter(|problem| problem.step == Some(step) && (shows_missing || !problem.is_missing))
        .cloned()
        .collect();
    let (mut matches, mut funder_names) = (Vec::new(), None);
    if step == RecordStep::Funding {
        matches = find_funder_matches(service, visitor, record, found).await?;
        funder_names = Some(find_funder_names(service, visitor, "").await?);
    }
    let messages = FieldMessages {
        problems: &own,
        warnings: &warnings,
        matches: &matches,
    };
    let mut problems = content.refusals;
    problems.extend(own.iter().map(link_on_page));
    let place = if step == RecordStep::About {
        let search = content.parameters.place.as_deref().unwrap_or_default();
        Some(find_places(service, visitor, &show_place(record), search).await?)
    } else {
        None
    };
    let is_about = place.is_some();
    let list = step.list();
    let is_extended = content.parameters.add.is_some();
    let member = visitor.member()?.id.to_string();
    let record_title = content.submission.map(|_| describe_title(record));
    let title = record_title.as_deref().unwrap_or("Add a record");
    let layout = visitor
        .layout(format!("{}: {title}", step.label()), "/send")
        .with_scripts(&["send.js"]);
    Ok(RecordTemplate {
        layout,
        record_title,
        member,
        step_number: describe_position(step),
        heading: step.label(),
        introduction: step.introduction(),
        review_note: content
            .submission
            .and_then(|submission| submission.review_note.clone()),
        problem_heading: "There is a problem",
        problems,
        shows_missing,
        conflicts: content.conflicts,
        steps: list_steps(content.submission, record, step, &all),
        status: content.status,
        key: if content.submission.is_none() {
            service.app.clock.new_id().to_string()
        } else {
            String::new()
        },
        questions: list
            .is_none()
            .then(|| show_questions(record, "", step, &messages)),
        place,
        is_place_required: is_required(PLACE),
        place_problems: messages_of(&own, PLACE),
        place_missing: is_about.then(|| show_missing(record, "", PLACE, "Place", &messages)),
        items: show_items(record, step, is_extended, &messages),
        funder_names,
        list_missing: list.map(|list| show_missing(record, "", list.field, step.label(), &messages)),
        add_label: list.filter(|list| list.key.is_none()).map(|list| list.item),
    })
}

fn describe_position(step: RecordStep) -> String {
    let steps = RecordStep::ALL;
    let at = steps.iter().position(|known| *known == step).unwrap_or_default();
    format!("Step {} of {}", at + 1, steps.len())
}

impl MessagesView {
    fn of_missing(missing: MissingView) -> Self {
        Self {
            id: missing.id,
            problems: missing.problems,
            warnings: Vec::new(),
            matches: Vec::new(),
        }
    }
}

fn messages_of(found: &[RecordProblem], field: &str) -> Vec<String> {
    let own = found.iter().filter(|problem| problem.field == field);
    own.map(|problem| problem.message.clone()).collect()
}

fn link_on_page(problem: &RecordProblem) -> ProblemLink {
    ProblemLink {
        href: match problem.anchor() {
            "" => String::new(),
            anchor => format!("#{anchor}"),
        },
        message: problem.message.clone(),
    }
}

/// A problem with a link to its field on the page of its step.
pub fn link_to_step(id: &str, problem: &RecordProblem) -> ProblemLink {
    let href = problem.step.map_or_else(String::new, |step| {
        let address = step_address(id, step);
        match problem.anchor() {
            "" => format!("{address}?check=1"),
            anchor => format!("{address}?check=1#{anchor}"),
        }
    });
    ProblemLink {
        href,
        message: problem.message.clone(),
    }
}

/// Why the input as a whole was refused.
pub fn link_refusals(record: &Value, problems: &[ProblemData]) -> Vec<ProblemLink> {
    let link = |problem: &ProblemData| {
        let (href, message) = match (problem.code.as_str(), problem.record_path().as_str()) {
            ("IDEMPOTENCY_KEY_REUSED", _) => (
                "/send?state=DRAFT#submissions",
                "This form made a draft already, with other answers. Open that draft. Or save this form again to make \
                 another record.",
            ),
            ("STALE_VERSION", "version") => (
                "",
                "Somebody else has changed this record since you opened it. Read it again, and decide then.",
            ),
            ("WRONG_STATE", _) => (
                "",
                "This is not possible any more: the record was sent, published or discarded in the meantime.",
            ),
            (_, "id") => {
                let about_record = ProblemData {
                    path: Vec::new(),
                    ..problem.clone()
                };
                return describe_problems(record, &[about_record])
                    .iter()
                    .map(link_on_page)
                    .collect();
            }
            _ => {
                return describe_problems(record, std::slice::from_ref(problem))
                    .iter()
                    .map(link_on_page)
                    .collect();
            }
        };
        vec![ProblemLink {
            href: href.to_owned(),
            message: message.to_owned(),
        }]
    };
    problems.iter().flat_map(link).collect()
}

/// The fields that differ, in words.
pub fn show_conflicts(
    record: &Value,
    conflicts: &[ChangeData],
    before_heading: &'static str,
    after_heading: &'static str,
) -> Vec<ConflictView> {
    let show = |answer: Option<String>| answer.unwrap_or_else(|| "No answer".to_owned());
    list_changes(conflicts, record, &[])
        .into_iter()
        .map(|row| ConflictView {
            label: row.label,
            before_heading,
            before: show(row.before),
            after_heading,
            after: show(row.after),
        })
        .collect()
}

fn name_of_next_item(record: &Value, step: RecordStep) -> String {
    let items = step.list().map(|list| list_items(record, list, true));
    let last = items.and_then(|items| items.into_iter().next_back());
    last.map_or_else(String::new, |item| item.name)
}

/// The steps of the form. A record that is not saved yet has only the first.
fn list_steps(
    submission: Option<&SubmissionData>,
    record: &Value,
    current: RecordStep,
    problems: &[RecordProblem],
) -> Vec<StepLink> {
    let link = |step: RecordStep| {
        let has_problems = problems.iter().any(|problem| problem.step == Some(step));
        let is_done = !has_problems && has_answers(record, step);
        let state = if is_done {
            "complete"
        } else if has_problems {
            "not complete"
        } else if step == RecordStep::Check {
            "to do"
        } else {
            "no answers yet"
        };
        StepLink {
            label: step.label(),
            href: submission.map_or_else(String::new, |submission| step_address(&submission.id, step)),
            is_done,
            state,
            is_current: step == current,
        }
    };
    RecordStep::ALL.into_iter().map(link).collect()
}

fn has_answers(record: &Value, step: RecordStep) -> bool {
    match step.list() {
        Some(list) => {
            let items = record.get(list.field).and_then(Value::as_array);
            items.is_some_and(|items| !items.is_empty())
                || !show_missing_reason(record, list.field).is_empty()
        }
        None => step
            .questions()
            .iter()
            .any(|question| !describe_answer(record, question).is_empty()),
    }
}
