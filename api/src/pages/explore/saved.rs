//! The questions that a member saved: the list, and the forms to save and to delete one.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use serde::{Deserialize, Serialize};
use serde_json::json;
use wayin_entity::Dimension;

use super::ExplorePage;
use super::form::Draft;
use super::question::Question;
use crate::pages::answer::address::{read_scope, scope_code};
use crate::pages::error::PageError;
use crate::pages::form::CheckedForm;
use crate::pages::operation::PageOperation;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SavedQuestionsOperation {
    saved_questions: SavedQuestionList,
}

#[derive(Debug, Deserialize, Serialize)]
struct SavedQuestionList {
    nodes: Vec<SavedQuestionData>,
}

#[derive(Debug, Deserialize, Serialize)]
struct SavedQuestionData {
    id: String,
    name: String,
    when: String,
    then: String,
    among: Option<String>,
    by: Option<Dimension>,
    scope: String,
}

impl PageOperation for SavedQuestionsOperation {
    const DOCUMENT: &'static str = include_str!("saved.graphql");
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SaveQuestionOperation {
    save_question: SaveOutcomeData,
}

#[derive(Debug, Deserialize, Serialize)]
struct SaveOutcomeData {
    problems: Vec<SaveProblemData>,
}

#[derive(Debug, Deserialize, Serialize)]
struct SaveProblemData {
    message: String,
    path: Vec<String>,
}

impl PageOperation for SaveQuestionOperation {
    const DOCUMENT: &'static str = include_str!("save.graphql");
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteSavedQuestionOperation {
    delete_saved_question: DeleteOutcomeData,
}

#[derive(Debug, Deserialize, Serialize)]
struct DeleteOutcomeData {
    problems: Vec<DeleteProblemData>,
}

#[derive(Debug, Deserialize, Serialize)]
struct DeleteProblemData {
    message: String,
}

impl PageOperation for DeleteSavedQuestionOperation {
    const DOCUMENT: &'static str = include_str!("delete.graphql");
}

/// A saved question in the list.
pub struct SavedQuestionView {
    pub id: String,
    pub name: String,
    pub href: String,
}

/// Loads the questions that the visitor saved. There are none without a session.
pub async fn load_saved(
    service: &PageService,
    visitor: &Visitor,
) -> Result<Vec<SavedQuestionView>, PageError> {
    if visitor.session.is_none() {
        return Ok(Vec::new());
    }
    let found: SavedQuestionsOperation = service.execute(visitor, json!({})).await?;
    Ok(found
        .saved_questions
        .nodes
        .into_iter()
        .map(SavedQuestionData::into_view)
        .collect())
}

impl SavedQuestionData {
    fn into_view(self) -> SavedQuestionView {
        let read = |text: &str| serde_json::from_str(text).ok();
        let question = Question {
            when: read(&self.when),
            then: read(&self.then),
            among: self.among.as_deref().and_then(read),
            by: self.by,
            scope: read_scope(&self.scope).unwrap_or_default(),
            ..Question::default()
        };
        SavedQuestionView {
            id: self.id,
            name: self.name,
            href: question.address(),
        }
    }
}

/// The parameter of an address after its question was saved.
pub const SAVED: &str = "saved";

/// The form that saves a question, as the page shows it.
pub struct SaveForm {
    /// The hidden fields.
    pub fields: Vec<(&'static str, String)>,
    pub name: String,
    /// What is wrong with the name. Empty if nothing is.
    pub error: String,
}

/// A name under which a question could not be saved. Both texts are empty if none was refused.
#[derive(Default)]
pub struct RefusedName {
    pub name: String,
    pub reason: String,
}

/// What the form below an answer sends.
#[derive(Debug, Deserialize)]
pub struct SaveFields {
    #[serde(default)]
    name: String,
    #[serde(default)]
    when: String,
    #[serde(default)]
    then: String,
    #[serde(default)]
    among: String,
    #[serde(default)]
    by: String,
    #[serde(default)]
    scope: String,
}

/// Saves the question of an answer, and shows it again.
pub async fn save(
    State(service): State<PageService>,
    CheckedForm { visitor, fields }: CheckedForm<SaveFields>,
) -> Result<Response, PageError> {
    let name = fields.name;
    let parameters = [
        ("when", fields.when),
        ("then", fields.then),
        ("among", fields.among),
        ("by", fields.by),
        ("scope", fields.scope),
    ];
    let parameters: Vec<(String, String)> = parameters
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    let (question, troubles) = Question::from_parameters(&parameters);
    if let Some(trouble) = troubles.into_iter().next() {
        return Err(visitor.failure(StatusCode::UNPROCESSABLE_ENTITY, trouble.message));
    }
    let input = json!({ "input": {
        "name": &name,
        "when": question.when,
        "then": question.then,
        "among": question.among,
        "by": question.by.map(Dimension::code),
        "scope": scope_code(question.scope),
    } });
    let saved: SaveQuestionOperation = service.execute(&visitor, input).await?;
    match saved.save_question.problems.into_iter().next() {
        None => Ok(Redirect::to(&format!("{}&{SAVED}=1", question.address())).into_response()),
        Some(problem) if problem.path == ["name"] => {
            let reason = if name.trim().is_empty() {
                "Enter a name for the question.".into()
            } else {
                format!("The name {}.", problem.message)
            };
            let page = ExplorePage {
                draft: Draft::from_question(question, Vec::new()),
                is_form: false,
                is_saved: false,
                refused: RefusedName { name, reason },
            };
            page.render(&service, visitor).await
        }
        Some(problem) => Err(visitor.failure(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("The question cannot be saved: {}.", problem.message),
        )),
    }
}

/// The form beside a saved question.
#[derive(Debug, Deserialize)]
pub struct DeleteFields {
    #[serde(default)]
    id: String,
}

/// Deletes a saved question.
pub async fn delete(
    State(service): State<PageService>,
    CheckedForm { visitor, fields }: CheckedForm<DeleteFields>,
) -> Result<Response, PageError> {
    let input = json!({ "input": { "id": fields.id } });
    let deleted: DeleteSavedQuestionOperation = service.execute(&visitor, input).await?;
    match deleted.delete_saved_question.problems.into_iter().next() {
        None => Ok(Redirect::to("/explore").into_response()),
        Some(problem) => Err(visitor.failure(
            StatusCode::NOT_FOUND,
            format!("The question cannot be deleted: {}.", problem.message),
        )),
    }
}
