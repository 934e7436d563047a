//! The pages for people, at `/`: HTML that the service renders.
//!
//! Each page has a folder with its handlers, its template and its GraphQL operations. A page asks the schema for what it
//! shows, as the visitor, so it can show nothing that the API would not.

pub mod address_id;
pub mod answer;
pub mod assets;
pub mod chart;
pub mod claims;
pub mod cookie;
pub mod crises;
pub mod document;
pub mod download;
pub mod error;
pub mod explore;
pub mod form;
pub mod layout;
pub mod operation;
#[cfg(test)]
mod operation_tests;
mod plain_errors;
pub mod portfolio;
pub mod record;
pub mod review;
pub mod send;
pub mod service;
pub mod sign_in;
pub mod visitor;
pub mod words;

use axum::http::{HeaderValue, header};
use axum::response::Response;
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use self::address_id::refuse_wrong_ids;
use self::operation::OperationCheck;
use self::plain_errors::{answer_unknown_address, show_errors_as_pages};
use self::service::PageService;
use crate::http::response::panic_response;

/// The routes of all pages and of their files, and what answers addresses that no route of the service has.
pub fn router<S: Clone + Send + Sync + 'static>(service: PageService) -> Router<S> {
    Router::new()
        .merge(claims::router())
        .merge(portfolio::router())
        .merge(words::router())
        .merge(crises::router())
        .merge(explore::router())
        .merge(review::router())
        .merge(send::router())
        .merge(sign_in::router())
        .merge(assets::router())
        .fallback(answer_unknown_address)
        .layer(middleware::from_fn_with_state(service.clone(), refuse_wrong_ids))
        .layer(CatchPanicLayer::custom(panic_response))
        .layer(middleware::from_fn_with_state(
            service.clone(),
            show_errors_as_pages,
        ))
        .layer(middleware::map_response(add_referrer_policy))
        .with_state(service)
}

/// Lets forms and links say to this origin from which page they come. Other origins learn nothing. A redirect also needs the
/// header, as its policy applies to the page to which it leads.
async fn add_referrer_policy(mut response: Response) -> Response {
    response
        .headers_mut()
        .entry(header::REFERRER_POLICY)
        .or_insert(HeaderValue::from_static("same-origin"));
    response
}

/// All operations of the pages, for the tests.
pub fn list_operations() -> impl Iterator<Item = &'static OperationCheck> {
    [
        visitor::OPERATIONS,
        claims::OPERATIONS,
        portfolio::OPERATIONS,
        words::OPERATIONS,
        crises::OPERATIONS,
        explore::OPERATIONS,
        review::OPERATIONS,
        send::OPERATIONS,
    ]
    .into_iter()
    .flatten()
}
