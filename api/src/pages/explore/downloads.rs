//! The files of an answer: its table and workbook, as the routes under `/export` send them, and its pictures.

use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;

use super::answer::AnswerPicture;
use super::operations::ExploreOperation;
use super::question::Question;
use crate::pages::answer::wording::build_footer;
use crate::pages::download::{PictureFormat, serve_file, serve_picture};
use crate::pages::error::PageError;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

type Parameters = Query<Vec<(String, String)>>;

pub async fn send_csv(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Parameters,
) -> Result<Response, PageError> {
    let question = read_question(&visitor, &parameters)?;
    serve_file(
        &service,
        &visitor,
        // A file that leaves the page says where its figures are from.
        &question.file_address("/export/pattern.csv", &[("preamble", "true")]),
    )
    .await
}

pub async fn send_workbook(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Parameters,
) -> Result<Response, PageError> {
    let question = read_question(&visitor, &parameters)?;
    serve_file(
        &service,
        &visitor,
        &question.file_address("/export/pattern.xlsx", &[]),
    )
    .await
}

pub async fn send_svg(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Parameters,
) -> Result<Response, PageError> {
    send_picture(&visitor, &service, &parameters, PictureFormat::Svg).await
}

pub async fn send_png(
    visitor: Visitor,
    State(service): State<PageService>,
    Query(parameters): Parameters,
) -> Result<Response, PageError> {
    send_picture(&visitor, &service, &parameters, PictureFormat::Png).await
}

/// Asks the question, and sends a picture of its answer that can be kept apart from the page.
async fn send_picture(
    visitor: &Visitor,
    service: &PageService,
    parameters: &[(String, String)],
    format: PictureFormat,
) -> Result<Response, PageError> {
    let question = read_question(visitor, parameters)?;
    let no_picture = || {
        visitor.not_found(
            "There is no such picture. Open the question on the page to explore and download it there.",
        )
    };
    let named = parameters.iter().find(|(name, _)| name == "picture");
    let kind = named.map_or(Some(AnswerPicture::Bars), |(_, name)| {
        AnswerPicture::from_name(name)
    });
    let kind = kind.ok_or_else(no_picture)?;
    let found: ExploreOperation = service.execute(visitor, question.answer_variables()).await?;
    let drawn = kind.draw(&found.pattern, question.by).ok_or_else(no_picture)?;
    let address = service.app.public_address(&question.address());
    let footer = build_footer(&found.pattern.pattern, question.by, &drawn.basis, address);
    let name = format!("wayin-{}", kind.name());
    serve_picture(service, visitor, &drawn.wide, &footer, (&name, format)).await
}

/// Reads a question that has both conditions.
fn read_question(visitor: &Visitor, parameters: &[(String, String)]) -> Result<Question, PageError> {
    let (question, troubles) = Question::from_parameters(parameters);
    if let Some(trouble) = troubles.into_iter().next() {
        return Err(visitor.failure(StatusCode::BAD_REQUEST, trouble.message));
    }
    if question.conditions().is_none() {
        return Err(visitor.failure(
            StatusCode::BAD_REQUEST,
            "A file needs two conditions. Build them on the page to explore, and download the file there.",
        ));
    }
    Ok(question)
}
