//! The pages on which people sign in, accept an invitation, and sign out.
//!
//! Opening a link shows whom it signs in and changes nothing. Only the form on its page uses the link up.

mod oidc;
mod responses;
mod return_address;

use askama::Template;
use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use self::responses::{charge_address, describe_position, invitation_ended, respond_with_session};
use self::return_address::NextAddress;
use super::cookie::removal_cookie;
use super::document::Page;
use super::error::PageError;
use super::form::{CheckedForm, SameOriginForm};
use super::layout::Layout;
use super::layout::parts::FormProblems;
use super::operation::encode_parameter;
use super::service::PageService;
use super::visitor::Visitor;
use crate::auth::oidc::attempt::AttemptPurpose;
use crate::auth::session;
use crate::auth::session::invitation::{
    AcceptingIdentity, INVITATION_PATH, InvitationOffer, accept_invitation, find_invitation,
    is_invitation_code,
};
use crate::auth::session::sign_in_link::{
    SIGN_IN_PATH, SignInOffer, find_sign_in_link, is_sign_in_code, redeem_sign_in_link,
};

pub fn router() -> Router<PageService> {
    Router::new()
        .route("/sign-in", get(show_sign_in).post(follow_pasted_link))
        .route(
            &format!("{SIGN_IN_PATH}{{code}}"),
            get(show_sign_in_link).post(use_sign_in_link),
        )
        .route(
            &format!("{INVITATION_PATH}{{code}}"),
            get(show_invitation).post(use_invitation),
        )
        .route("/sign-out", post(sign_out))
        .merge(oidc::router())
}

/// The address to which signing out leads.
const SIGNED_OUT_ADDRESS: &str = "/sign-in?done=signed-out";

#[derive(Debug, Default, Deserialize)]
struct SignInParameters {
    /// What was just done.
    #[serde(default)]
    done: Option<String>,
}

#[derive(Debug, Deserialize)]
struct PastedLink {
    #[serde(default)]
    link: String,
    #[serde(default)]
    next: String,
}

/// A form of which the service reads no field but the proof of its origin.
#[derive(Debug, Deserialize)]
struct NoFields {}

#[derive(Debug, Template)]
#[template(path = "sign_in/sign_in.html")]
struct SignInTemplate {
    layout: Layout,
    /// What the button of the issuer says. None if members sign in with links alone.
    oidc_label: Option<String>,
    oidc_address: String,
    link: String,
    next: String,
    problems: FormProblems,
    /// Whether the visitor has just signed out.
    has_signed_out: bool,
}

#[derive(Debug, Template)]
#[template(path = "sign_in/link.html")]
struct LinkTemplate {
    layout: Layout,
    address: String,
    name: String,
    /// The role, and the organisation if there is one, such as "a funder at the Ash Trust".
    position: String,
    next: String,
}

#[derive(Debug, Template)]
#[template(path = "sign_in/invitation.html")]
struct InvitationTemplate {
    layout: Layout,
    address: String,
    name: String,
    position: String,
    /// The last day on which the invitation can be accepted.
    last_day: String,
    /// What the button of the issuer says. None if members sign in with links alone.
    oidc_label: Option<String>,
}

/// What the button of the issuer says. None if members sign in with links alone.
fn find_oidc_label(service: &PageService) -> Option<String> {
    let provider = service.app.oidc.as_ref()?;
    Some(provider.label().to_owned())
}

fn sign_in_page(service: &PageService, visitor: &Visitor, next: String) -> SignInTemplate {
    SignInTemplate {
        layout: visitor.layout("Sign in", "/sign-in"),
        oidc_label: find_oidc_label(service),
        oidc_address: oidc::start_address(&next),
        link: String::new(),
        next,
        problems: FormProblems::default(),
        has_signed_out: false,
    }
}

async fn show_sign_in(
    State(service): State<PageService>,
    visitor: Visitor,
    Query(next): Query<NextAddress>,
    Query(parameters): Query<SignInParameters>,
) -> Page<SignInTemplate> {
    let has_signed_out = parameters.done.as_deref() == Some("signed-out") && visitor.session.is_none();
    Page::new(SignInTemplate {
        has_signed_out,
        ..sign_in_page(&service, &visitor, next.local())
    })
}

/// Opens the page of a link that the visitor pasted.
async fn follow_pasted_link(
    State(service): State<PageService>,
    visitor: Visitor,
    SameOriginForm { fields }: SameOriginForm<PastedLink>,
) -> Response {
    let PastedLink { link, next } = fields;
    let next = NextAddress { next }.local();
    match find_linked_path(&link) {
        Some(path) if next.is_empty() => Redirect::to(&path).into_response(),
        Some(path) => Redirect::to(&format!("{path}?next={}", encode_parameter(&next))).into_response(),
        None => {
            let mut page = sign_in_page(&service, &visitor, next);
            let message = if link.trim().is_empty() {
                "Enter the link that a steward sent you"
            } else {
                "Enter the whole link: it has /sign-in/ or /invitation/ in it, and a long code after that"
            };
            page.problems.push("link", message);
            page.link = link;
            Page::unprocessable(page).into_response()
        }
    }
}

/// The path of the page of a link, from the link or from its code alone.
fn find_linked_path(link: &str) -> Option<String> {
    let address = link.trim().split(['?', '#']).next().unwrap_or_default();
    let code = address.trim_end_matches('/').rsplit('/').next()?;
    if is_sign_in_code(code) {
        Some(format!("{SIGN_IN_PATH}{code}"))
    } else if is_invitation_code(code) {
        Some(format!("{INVITATION_PATH}{code}"))
    } else {
        None
    }
}

async fn show_sign_in_link(
    State(service): State<PageService>,
    visitor: Visitor,
    Path(code): Path<String>,
    Query(next): Query<NextAddress>,
) -> Result<Page<LinkTemplate>, PageError> {
    let found = find_sign_in_link(&service.app.db, &code, service.app.clock.now()).await?;
    let Some(SignInOffer {
        name,
        role,
        organisation,
    }) = found
    else {
        return Err(link_ended(&service, &visitor));
    };
    Ok(Page::new(LinkTemplate {
        layout: visitor.layout("Sign in", "/sign-in"),
        address: format!("{SIGN_IN_PATH}{code}"),
        position: describe_position(role, organisation.as_deref()),
        name,
        next: next.local(),
    }))
}

async fn use_sign_in_link(
    State(service): State<PageService>,
    visitor: Visitor,
    Path(code): Path<String>,
    SameOriginForm { fields }: SameOriginForm<NextAddress>,
) -> Result<Response, PageError> {
    let earlier = visitor.session.as_ref().map(|session| session.id);
    let created = redeem_sign_in_link(service.app.mutation_context(), &code, earlier).await?;
    let Some(created) = created else {
        return Err(link_ended(&service, &visitor));
    };
    respond_with_session(&service, &created, &fields.next).map_err(PageError::from)
}

async fn show_invitation(
    State(service): State<PageService>,
    visitor: Visitor,
    Path(code): Path<String>,
) -> Result<Page<InvitationTemplate>, PageError> {
    let found = find_invitation(&service.app.db, &code, service.app.clock.now()).await?;
    let Some(InvitationOffer {
        id: _,
        name,
        role,
        organisation,
        expires_at,
    }) = found
    else {
        return Err(invitation_ended(&service, &visitor));
    };
    Ok(Page::new(InvitationTemplate {
        layout: visitor.layout("Accept your invitation", "/sign-in"),
        address: format!("{INVITATION_PATH}{code}"),
        position: describe_position(role, organisation.as_deref()),
        name,
        last_day: expires_at.format("%-d %B %Y").to_string(),
        oidc_label: find_oidc_label(&service),
    }))
}

/// Accepts an invitation. Where members sign in with an issuer, the issuer identifies the person first.
async fn use_invitation(
    State(service): State<PageService>,
    visitor: Visitor,
    Path(code): Path<String>,
    headers: HeaderMap,
    SameOriginForm { fields: NoFields {} }: SameOriginForm<NoFields>,
) -> Result<Response, PageError> {
    if let Some(provider) = &service.app.oidc {
        let found = find_invitation(&service.app.db, &code, service.app.clock.now()).await?;
        let Some(offer) = found else {
            return Err(invitation_ended(&service, &visitor));
        };
        let purpose = AttemptPurpose {
            invitation: Some(offer.id),
            ..AttemptPurpose::default()
        };
        return oidc::leave_for_issuer(&service, &visitor, &headers, provider, purpose).await;
    }
    let earlier = visitor.session.as_ref().map(|session| session.id);
    let identity = AcceptingIdentity::OwnIssuer(service.app.invited_issuer().to_owned());
    let accepted = accept_invitation(service.app.mutation_context(), &code, identity, earlier).await?;
    let Some(created) = accepted else {
        return Err(invitation_ended(&service, &visitor));
    };
    respond_with_session(&service, &created, "").map_err(PageError::from)
}

/// Ends the session and removes its cookie. The module `session.js` deletes what this browser kept for the member, when the form
/// is sent.
async fn sign_out(
    State(service): State<PageService>,
    form: Result<CheckedForm<NoFields>, PageError>,
) -> Result<Response, PageError> {
    match form {
        Ok(CheckedForm { visitor, .. }) => {
            if let Some(session) = &visitor.session {
                session::end_session(&service.app.db, &*service.app.clock, session.id).await?;
            }
        }
        // The session has ended already.
        Err(PageError::SignIn { .. }) => {}
        Err(other) => return Err(other),
    }
    let cookie = removal_cookie(service.app.is_public_over_tls())?;
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(SIGNED_OUT_ADDRESS)).into_response())
}

fn link_ended(service: &PageService, visitor: &Visitor) -> PageError {
    let text = "It signs nobody in any more: it was used, its time has passed, or it is not complete. Ask a steward for another \
                link.";
    charge_address(service, visitor).unwrap_or_else(|| visitor.failure(StatusCode::GONE, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_links_lead_to_their_pages() {
        let code = format!("wayin_sign_in_{}", "A".repeat(43));
        let invitation = format!("wayin_invitation_{}", "A".repeat(43));
        for (pasted, path) in [
            (code.clone(), Some(format!("/sign-in/{code}"))),
            (format!(" /sign-in/{code} "), Some(format!("/sign-in/{code}"))),
            (
                format!("https://wayin.example.org/sign-in/{code}?next=%2Fsend#a"),
                Some(format!("/sign-in/{code}")),
            ),
            (
                format!("https://other.example/a/{code}/"),
                Some(format!("/sign-in/{code}")),
            ),
            (
                format!("http://127.0.0.1:8000/invitation/{invitation}"),
                Some(format!("/invitation/{invitation}")),
            ),
            (String::new(), None),
            ("/".into(), None),
            ("https://wayin.example.org/sign-in/".into(), None),
            (code[..40].to_owned(), None),
            ("https://example.org".into(), None),
        ] {
            assert_eq!(find_linked_path(&pasted), path, "{pasted}");
        }
    }
}
