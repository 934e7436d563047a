//! The ids in the addresses of pages. Nothing is at an address with an id that nothing can have.

use axum::extract::{FromRequestParts as _, MatchedPath, RawPathParams, Request, State};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::middleware::Next;
use axum::response::Response;
use wayin_records::normalisation::is_storable;

use super::plain_errors::build_error_page;
use super::service::PageService;
use crate::id::{NodeKind, decode_as};

/// The parameter of the routes with an id.
const ID_PARAMETER: &str = "id";

/// The beginnings of the routes with an id, each with the kind of object that has the id.
const ID_KINDS: [(&str, NodeKind); 9] = [
    ("/review/imports/{id}", NodeKind::Import),
    ("/review/invitations/{id}", NodeKind::Invitation),
    ("/review/members/{id}", NodeKind::Member),
    ("/review/notices/{id}", NodeKind::Notice),
    ("/review/submissions/{id}", NodeKind::Submission),
    ("/review/tokens/{id}", NodeKind::IssuedToken),
    ("/send/published/{id}", NodeKind::Initiative),
    ("/send/records/{id}", NodeKind::Submission),
    ("/send/workbooks/{id}", NodeKind::Import),
];

/// The kind of object whose id the addresses of a route have. None for a route without an id.
pub fn find_id_kind(route: &str) -> Option<NodeKind> {
    let found = ID_KINDS.iter().find(|(start, _)| route.starts_with(start));
    found.map(|(_, kind)| *kind)
}

/// Shows the page for an address that does not exist, if a part of the address is no id of its kind or no text.
pub async fn refuse_wrong_ids(State(service): State<PageService>, request: Request, next: Next) -> Response {
    let (mut parts, body) = request.into_parts();
    if has_possible_parameters(&mut parts).await {
        return next.run(Request::from_parts(parts, body)).await;
    }
    build_error_page(parts, &service, StatusCode::NOT_FOUND).await
}

async fn has_possible_parameters(parts: &mut Parts) -> bool {
    let Some(route) = parts.extensions.get::<MatchedPath>().cloned() else {
        return true;
    };
    let Ok(parameters) = RawPathParams::from_request_parts(parts, &()).await else {
        return false;
    };
    let kind = find_id_kind(route.as_str());
    parameters.iter().all(|(name, value)| match kind {
        Some(kind) if name == ID_PARAMETER => decode_as(kind, value).is_some(),
        _ => is_storable(value),
    })
}
