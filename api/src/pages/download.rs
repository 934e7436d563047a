//! Files that pages link to: answers as CSV files and workbooks, pictures, and board papers.

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{HeaderName, HeaderValue, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tower::ServiceExt as _;

use super::chart::{Picture, PictureFooter, render_png, standalone_svg};
use super::error::PageError;
use super::service::PageService;
use super::visitor::Visitor;
use crate::auth::requester::Requester;
use crate::graphql::operation::cost::RateLimitKey;
use crate::graphql::operation::cost::weights::PNG_POINTS;
use crate::http::requester::LinkRequester;

/// The most bytes of an error that is read to show it as a page.
const MAX_ERROR_BYTES: usize = 64 << 10;
/// Pixels of a PNG for each unit of a picture.
const PNG_SCALE: f32 = 2.0;
/// A file that is opened in a tab of its own can load and run nothing.
const FILE_SECURITY_POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// Sends the file of an answer, such as `/export/compare.xlsx?portfolio=true&then=...`, as its own route would send it to
/// the visitor, with the token of the member if there is a session. The member pays, or the visitor's address.
///
/// # Errors
/// [`PageError::SignIn`] if only members can ask the question and the visitor has no session, and a page that says what is
/// the matter with the question.
pub async fn serve_file(
    service: &PageService,
    visitor: &Visitor,
    address: &str,
) -> Result<Response, PageError> {
    let files: Router = crate::pattern::files::http::router(Arc::clone(&service.app));
    let mut request = Request::get(address).body(Body::empty()).map_err(|cause| {
        visitor.internal_error(format!("the address of a file cannot be requested: {cause}"))
    })?;
    request.extensions_mut().insert(visitor.client_ip);
    if let Requester::Member(member) = &visitor.requester {
        request.extensions_mut().insert(LinkRequester(member.clone()));
    }
    let Ok(mut response) = files.oneshot(request).await;
    if response.status() == StatusCode::UNAUTHORIZED {
        return Err(PageError::SignIn {
            next: visitor.address.clone(),
        });
    }
    if !response.status().is_success() {
        return Err(read_failure(visitor, response).await);
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Turns the error of a file, which is JSON, into a page.
async fn read_failure(visitor: &Visitor, response: Response) -> PageError {
    let status = response.status();
    let wait = response.headers().get(header::RETRY_AFTER);
    let wait = wait.and_then(|seconds| seconds.to_str().ok()?.parse().ok());
    let body = to_bytes(response.into_body(), MAX_ERROR_BYTES)
        .await
        .unwrap_or_default();
    let body: serde_json::Value = serde_json::from_slice(&body).unwrap_or_default();
    let message = body["errors"][0]["message"].as_str();
    visitor
        .failure(
            status,
            message.unwrap_or("The file cannot be written. Try again."),
        )
        .with_retry_after(wait)
}

/// The formats of a picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PictureFormat {
    Svg,
    Png,
}

impl PictureFormat {
    /// Parses the ending of a file name, without its dot.
    pub fn from_ending(ending: &str) -> Option<Self> {
        match ending {
            "svg" => Some(Self::Svg),
            "png" => Some(Self::Png),
            _ => None,
        }
    }

    const fn ending(self) -> &'static str {
        match self {
            Self::Svg => "svg",
            Self::Png => "png",
        }
    }

    const fn media_type(self) -> &'static str {
        match self {
            Self::Svg => "image/svg+xml",
            Self::Png => "image/png",
        }
    }
}

/// Sends a picture as a file that says where its figures are from. `name` is the file name without its ending, of letters,
/// digits and hyphens.
///
/// # Errors
/// A page if the visitor has too few points for a PNG, or if it cannot be drawn.
pub async fn serve_picture(
    service: &PageService,
    visitor: &Visitor,
    picture: &Picture,
    footer: &PictureFooter,
    (name, format): (&str, PictureFormat),
) -> Result<Response, PageError> {
    let svg = standalone_svg(picture, footer);
    let bytes = match format {
        PictureFormat::Svg => svg.into_bytes(),
        PictureFormat::Png => draw_png(service, visitor, svg).await?,
    };
    let file_name = format!("{name}.{}", format.ending());
    serve_bytes(visitor, &file_name, format.media_type(), bytes)
}

/// Sends a file that a page has written. Its name has only letters, digits, hyphens and dots.
///
/// # Errors
/// A page if the name cannot be in a header.
pub fn serve_bytes(
    visitor: &Visitor,
    file_name: &str,
    media_type: &'static str,
    bytes: Vec<u8>,
) -> Result<Response, PageError> {
    let disposition = format!("attachment; filename=\"{file_name}\"");
    let headers: [(HeaderName, HeaderValue); 4] = [
        (header::CONTENT_TYPE, HeaderValue::from_static(media_type)),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&disposition)
                .map_err(|cause| visitor.internal_error(format!("a file cannot be named: {cause}")))?,
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        (header::CONTENT_SECURITY_POLICY, FILE_SECURITY_POLICY),
    ];
    Ok((headers, bytes).into_response())
}

/// Draws a PNG on another thread, because it takes a while.
async fn draw_png(service: &PageService, visitor: &Visitor, svg: String) -> Result<Vec<u8>, PageError> {
    pay_for_file(service, visitor, PNG_POINTS)?;
    let drawn = tokio::task::spawn_blocking(move || render_png(&svg, PNG_SCALE)).await;
    drawn
        .map_err(|cause| visitor.internal_error(format!("a picture was not drawn: {cause}")))?
        .map_err(|cause| visitor.internal_error(format!("a picture cannot be drawn: {cause}")))
}

/// Takes the points of a file from the member, or from the visitor's address.
///
/// # Errors
/// A page if there are too few points.
pub fn pay_for_file(service: &PageService, visitor: &Visitor, points: u32) -> Result<(), PageError> {
    let payer = RateLimitKey::from_request(Some(&visitor.requester), Some(&visitor.client_ip));
    let now = service.app.clock.now();
    service.app.cost_control.reserve(payer, now)?;
    service.app.cost_control.settle(payer, points, now)?;
    Ok(())
}
