//! What the pages of signing in answer with.

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use wayin_entity::{Labelled as _, Role};

use super::return_address::choose_next;
use crate::auth::session::CreatedSession;
use crate::error::Error;
use crate::graphql::operation::cost::RateLimitKey;
use crate::pages::cookie::session_cookie;
use crate::pages::error::PageError;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

/// Gives the browser the session, and sends it to the next page.
pub fn respond_with_session(
    service: &PageService,
    created: &CreatedSession,
    next: &str,
) -> Result<Response, Error> {
    let cookie = session_cookie(&created.secret, service.app.is_public_over_tls())?;
    let next = choose_next(next, created.session.member.role);
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(next)).into_response())
}

pub fn invitation_ended(service: &PageService, visitor: &Visitor) -> PageError {
    let text = "This invitation cannot be accepted any more: it was accepted or revoked, its time has passed, or its link is not \
                complete. Ask the steward who invited you for another one. If you accepted it before, ask for a link to sign in.";
    charge_address(service, visitor).unwrap_or_else(|| visitor.failure(StatusCode::GONE, text))
}

/// Charges the address of a visitor, who guessed a code or began a sign-in. Returns the error if it has spent its limit.
pub fn charge_address(service: &PageService, visitor: &Visitor) -> Option<PageError> {
    let payer = RateLimitKey::from_request(None, Some(&visitor.client_ip));
    let charged = service.app.cost_control.reserve(payer, service.app.clock.now());
    charged.err().map(PageError::from)
}

/// Describes a role and an organisation in the middle of a sentence.
pub fn describe_position(role: Role, organisation: Option<&str>) -> String {
    match organisation {
        Some(organisation) => format!("a {} at {organisation}", role.label()),
        None => format!("a {}", role.label()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_words() {
        assert_eq!(
            describe_position(Role::Funder, Some("the Ash Trust")),
            "a funder at the Ash Trust"
        );
        assert_eq!(describe_position(Role::Steward, None), "a steward");
    }
}
