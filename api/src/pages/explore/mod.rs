//! The page to explore: a question is built from rows, and answered.
//!
//! The address of a question has its filters in JSON, as the files under `/export` take them. The builder is a form that
//! sends its rows. The service turns them into filters and redirects to the address of the question.

pub mod answer;
pub mod builder;
pub mod conditions;
pub mod downloads;
pub mod examples;
pub mod form;
pub mod operations;
pub mod question;
pub mod saved;
pub mod template;
pub mod tree;

use askama::Template;
use async_graphql::ServerError;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};

use self::answer::{AnswerView, build_answer};
use self::builder::{BuilderTemplate, BuilderView, build_builder, describe_matching};
use self::examples::{ExampleQuestion, list_examples};
use self::form::{Draft, are_form_fields};
use self::operations::{ExploreChoicesOperation, ExploreCountOperation, ExploreOperation, ExploredPattern};
use self::question::Question;
use self::saved::{
    DeleteSavedQuestionOperation, RefusedName, SAVED, SaveForm, SaveQuestionOperation, SavedQuestionView,
    SavedQuestionsOperation, load_saved,
};
use super::answer::wording::{NOT_A_CAUSE, describe_question};
use super::document::Page;
use super::error::PageError;
use super::layout::Layout;
use super::operation::{OperationCheck, encode_parameter, error_code};
use super::service::PageService;
use super::visitor::Visitor;

/// The operations of the page.
pub const OPERATIONS: &[OperationCheck] = &[
    OperationCheck::of::<ExploreOperation>(),
    OperationCheck::of::<ExploreCountOperation>(),
    OperationCheck::of::<ExploreChoicesOperation>(),
    OperationCheck::of::<SavedQuestionsOperation>(),
    OperationCheck::of::<SaveQuestionOperation>(),
    OperationCheck::of::<DeleteSavedQuestionOperation>(),
];

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/explore", get(show_explore))
        .route("/explore/builder", get(show_builder))
        .route("/explore/save", post(saved::save))
        .route("/explore/delete", post(saved::delete))
        .route("/explore/download.csv", get(downloads::send_csv))
        .route("/explore/download.xlsx", get(downloads::send_workbook))
        .route("/explore/download.svg", get(downloads::send_svg))
        .route("/explore/download.png", get(downloads::send_png))
}

#[derive(Template)]
#[template(path = "explore/explore.html")]
struct ExploreTemplate {
    layout: Layout,
    /// The question in plain words if it has an answer.
    heading: String,
    builder: BuilderView,
    answer: Option<AnswerView>,
    /// What is the matter with the question. Empty if nothing is.
    problem: String,
    /// What is missing from the question. Empty if nothing is.
    missing: &'static str,
    /// The address to sign in. Empty if the visitor need not.
    sign_in_href: String,
    /// Questions to begin with. Empty if there is a question.
    examples: Vec<ExampleQuestion>,
    /// The questions that the member saved.
    saved: Vec<SavedQuestionView>,
    /// The form with which the member saves the question. None without an answer or a session.
    save_form: Option<SaveForm>,
    /// Whether the question was just saved.
    is_saved: bool,
}

/// The answer to a question, or why there is none.
#[derive(Default)]
struct Outcome {
    answer: Option<ExploredPattern>,
    problem: String,
    must_sign_in: bool,
    matching: String,
}

async fn show_explore(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let is_form = are_form_fields(&parameters);
    let draft = read_draft(&parameters);
    if is_form && draft.is_complete() {
        return Ok(Redirect::to(&draft.question.address()).into_response());
    }
    let is_saved = parameters.iter().any(|(name, _)| name == SAVED);
    let refused = RefusedName::default();
    let page = ExplorePage {
        draft,
        is_form,
        is_saved,
        refused,
    };
    page.render(&service, visitor).await
}

/// What the page shows.
struct ExplorePage {
    draft: Draft,
    /// Whether the draft is what people chose in the form, not a question of an address.
    is_form: bool,
    is_saved: bool,
    refused: RefusedName,
}

impl ExplorePage {
    async fn render(self, service: &PageService, visitor: Visitor) -> Result<Response, PageError> {
        let Self {
            draft,
            is_form,
            is_saved,
            refused,
        } = self;
        let outcome = if draft.is_complete() {
            ask(service, &visitor, &draft.question).await?
        } else {
            Outcome::default()
        };
        let choices = load_choices(service, &visitor).await?;
        let saved = load_saved(service, &visitor).await?;
        // Others can open the address too.
        let is_saved = is_saved && saved.iter().any(|entry| entry.href == draft.question.address());
        let words = outcome.answer.as_ref().map(|answer| &answer.pattern.conditions);
        let builder = build_builder(&draft, &choices, words, outcome.matching);
        let is_wrong =
            !refused.reason.is_empty() || !outcome.problem.is_empty() || !builder.problems.is_empty();
        let heading = words.map_or_else(|| "Explore".to_owned(), describe_question);
        let mut layout = visitor
            .layout(heading.clone(), "/explore")
            .with_scripts(&["explore.js", "copy.js"]);
        if draft.question.conditions().is_some() {
            layout = layout.with_query(draft.question.query_address());
        }
        let answer = outcome.answer.map(|answer| {
            build_answer(
                &draft.question,
                answer,
                &service.app.public_address(&draft.question.address()),
                service.app.clock.now(),
            )
        });
        let is_illustrative = answer
            .as_ref()
            .is_some_and(|answer| answer.pattern.is_illustrative());
        let template = ExploreTemplate {
            heading,
            layout: layout.with_illustrative_evidence(is_illustrative),
            examples: if draft.question.is_empty() && !is_form {
                list_examples()
            } else {
                Vec::new()
            },
            sign_in_href: if outcome.must_sign_in {
                format!("/sign-in?next={}", encode_parameter(&visitor.address))
            } else {
                String::new()
            },
            saved,
            save_form: (answer.is_some() && visitor.session.is_some()).then(|| SaveForm {
                fields: draft.question.list_parameters(),
                name: refused.name,
                error: refused.reason,
            }),
            is_saved,
            problem: outcome.problem,
            missing: describe_missing(&draft.question),
            builder,
            answer,
        };
        let status = if is_wrong {
            StatusCode::UNPROCESSABLE_ENTITY
        } else {
            StatusCode::OK
        };
        Ok(Page::with_status(status, template).into_response())
    }
}

/// The builder alone, after a change to its fields, for the module of the page.
async fn show_builder(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Query<Vec<(String, String)>>,
) -> Result<Response, PageError> {
    let draft = read_draft(&parameters);
    let matching = if draft.is_complete() && !draft.question.is_empty() {
        count_matching(&service, &visitor, &draft.question)
            .await?
            .matching
    } else {
        String::new()
    };
    let choices = load_choices(&service, &visitor).await?;
    let builder = build_builder(&draft, &choices, None, matching);
    Ok(Page::new(BuilderTemplate { builder }).into_response())
}

fn read_draft(parameters: &[(String, String)]) -> Draft {
    if are_form_fields(parameters) {
        return Draft::from_fields(parameters);
    }
    let (question, troubles) = Question::from_parameters(parameters);
    Draft::from_question(question, troubles)
}

/// Answers a question that has both conditions, and counts what matches an incomplete one.
async fn ask(service: &PageService, visitor: &Visitor, question: &Question) -> Result<Outcome, PageError> {
    let Some(variables) = question.answer_variables() else {
        return if question.is_empty() {
            Ok(Outcome::default())
        } else {
            count_matching(service, visitor, question).await
        };
    };
    let found: Result<ExploreOperation, ServerError> = service.try_execute(visitor, variables).await?;
    match found {
        Ok(found) => {
            let pattern = &found.pattern.pattern;
            Ok(Outcome {
                matching: describe_matching(
                    question,
                    &pattern.basis,
                    pattern.measured_table(),
                    pattern.precision(),
                ),
                answer: Some(found.pattern),
                ..Outcome::default()
            })
        }
        Err(error) => explain(visitor, &error),
    }
}

async fn count_matching(
    service: &PageService,
    visitor: &Visitor,
    question: &Question,
) -> Result<Outcome, PageError> {
    let variables = question.count_variables();
    let found: Result<ExploreCountOperation, ServerError> = service.try_execute(visitor, variables).await?;
    match found {
        Ok(counted) => Ok(Outcome {
            matching: describe_matching(
                question,
                &counted.pattern.basis,
                counted.pattern.measured_table(),
                counted.pattern.precision(),
            ),
            ..Outcome::default()
        }),
        Err(error) => explain(visitor, &error),
    }
}

/// Explains beside the builder what is the matter with a question. What the question has nothing to do with is a page of its
/// own.
fn explain(visitor: &Visitor, error: &ServerError) -> Result<Outcome, PageError> {
    match error_code(error) {
        Some("UNAUTHENTICATED") => Ok(Outcome {
            must_sign_in: true,
            ..Outcome::default()
        }),
        Some("BAD_USER_INPUT" | "DISCLOSURE_CONTROL" | "FORBIDDEN" | "QUERY_TOO_EXPENSIVE" | "NOT_FOUND") => {
            Ok(Outcome {
                problem: error.message.clone(),
                ..Outcome::default()
            })
        }
        _ => Err(visitor.operation_error(error)),
    }
}

/// What a question that was begun needs before it can be answered.
const fn describe_missing(question: &Question) -> &'static str {
    match (&question.when, &question.then) {
        (Some(_), Some(_)) => "",
        (None, Some(_)) => "Add a condition under “When an initiative…” to see an answer.",
        (Some(_), None) => "Add a condition under “…how often does it also…” to see an answer.",
        (None, None) if question.among.is_none() => "",
        (None, None) => "Add a condition to each of the first two parts to see an answer.",
    }
}

/// The crises and regions to choose from. Visitors without a session cannot list places.
async fn load_choices(
    service: &PageService,
    visitor: &Visitor,
) -> Result<ExploreChoicesOperation, PageError> {
    let variables = serde_json::json!({ "isMember": visitor.session.is_some() });
    service.execute(visitor, variables).await
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;
    use serde_json::{Value, json};

    use super::*;

    /// An answer with two groups, of which the second may not be shown.
    fn answer() -> ExploreOperation {
        let share = |value: Value| json!({"numerator": 264, "denominator": 463, "value": value, "lower": 0.52, "upper": 0.62});
        let hidden =
            json!({"numerator": null, "denominator": null, "value": null, "lower": null, "upper": null});
        let table = json!({"population": 2000, "both": 264, "whenOnly": 199, "thenOnly": 163, "neither": 423, "unknown": 951});
        let group = |label: &str, rate: Value| {
            json!({
                "key": label, "label": label, "basis": "ALL", "rateWhen": rate, "rateOtherwise": rate,
            })
        };
        let estimate = |value: f64| json!({"value": value, "lower": 1.3, "upper": 2.4});
        let pattern = json!({
            "summary": {
                "headline": "They go together: 57 in 100 <did>.", "basis": null, "certainty": "Quite sure.",
                "unknowns": "About 950 are not known.", "where": null,
            },
            "conditions": {"when": "had short funding", "then": "skipped their ambitions", "among": null},
            "verdict": "CLEAR_DIFFERENCE", "visibleVerdict": "CLEAR_DIFFERENCE", "basis": "ALL", "scope": "ALL",
            "table": table, "visibleTable": table,
            "rateWhen": share(json!(0.57)), "rateOtherwise": share(json!(0.28)),
            "riskRatio": estimate(2.0),
            "adjusted": {"riskRatio": estimate(1.6), "groupsLeftOut": 1},
            "cautions": [
                {"code": "NOT_A_SAMPLE", "text": "The records are not a sample."},
                {"code": "PERTURBED", "text": "Counts are rounded."},
            ],
            "asOf": {"changeNumber": 7, "changedAt": "2026-11-30T10:00:00Z"}, "licence": "CC-BY-4.0",
            "groups": {"totalCount": 2, "nodes": [group("North West", share(json!(0.7))), group("Wales", hidden)]},
        });
        serde_json::from_value(json!({"pattern": pattern})).unwrap()
    }

    /// The texts of a page, without its tags: a picture has numbers in them that say where its parts are.
    fn join_texts(html: &str) -> String {
        let texts = html.split('<').filter_map(|part| Some(part.split_once('>')?.1));
        texts.collect::<Vec<_>>().join(" ")
    }

    fn question() -> Question {
        Question {
            when: Some(json!({"fundedByMe": true})),
            then: Some(json!({"ledByMe": true})),
            by: Some(wayin_entity::Dimension::Region),
            ..Question::default()
        }
    }

    #[test]
    fn page_shows_the_answer_and_its_files() {
        let draft = Draft::from_question(question(), Vec::new());
        let choices: ExploreChoicesOperation =
            serde_json::from_value(json!({"crises": {"nodes": []}})).unwrap();
        let answer = build_answer(
            &question(),
            answer().pattern,
            "https://wayin.example/explore?when=x",
            DateTime::UNIX_EPOCH,
        );
        let html = ExploreTemplate {
            layout: Layout::default(),
            heading: describe_question(&answer.pattern.conditions),
            builder: build_builder(
                &draft,
                &choices,
                Some(&answer.pattern.conditions),
                "About 467.".into(),
            ),
            answer: Some(answer),
            problem: String::new(),
            missing: "",
            sign_in_href: String::new(),
            examples: Vec::new(),
            saved: vec![SavedQuestionView {
                id: "Q1".into(),
                name: "My <question>".into(),
                href: question().address(),
            }],
            save_form: Some(SaveForm {
                fields: question().list_parameters(),
                name: String::new(),
                error: String::new(),
            }),
            is_saved: false,
        }
        .render()
        .unwrap();
        for part in [
            "They go together: 57 in 100 ",
            "In words: initiatives that had short funding.",
            "<svg",
            "/explore/download.xlsx?when=",
            "picture=mosaic",
            "sort=name#groups",
            "were 1.6 times as likely (1.3 to 2.4). Compared with all others, 2.0 times.",
            "One group is left out",
            "The records are not a sample.",
            "About 950 are not known.",
            "<h1>Of the initiatives that had short funding, how many skipped their ambitions?</h1>",
            "about 260 of 460",
            "Picture of the areas (PNG)",
            "Answer as a workbook (XLSX)",
            "30 November 2026 (change 7)",
            "read on 1 January 1970. https://wayin.example/explore?when=x.",
            "About 467.",
            "action=\"/explore/save\"",
            "name=\"by\" value=\"REGION\"",
            "action=\"/explore/delete\"",
        ] {
            assert!(html.contains(part), "{part} is not in {html}");
        }
        for part in ["<did>", "style="] {
            assert!(!html.contains(part), "{part} is in {html}");
        }
        let texts = join_texts(&html);
        for count in ["264", "463", "951"] {
            assert!(!texts.contains(count), "{count} is in {texts}");
        }
        let (answered, builder) = (html.find("id=\"answer\""), html.find("id=\"builder\""));
        assert!(answered < builder, "the answer comes first in {html}");
    }

    #[test]
    fn page_says_what_is_missing() {
        assert_eq!(describe_missing(&question()), "");
        assert_eq!(describe_missing(&Question::default()), "");
        let begun = Question {
            then: None,
            ..question()
        };
        assert!(describe_missing(&begun).contains("how often does it also"));
    }
}
