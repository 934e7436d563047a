//! The pages of signing in with an issuer of OpenID Connect: the way there, and the way back.

use askama::Template;
use axum::Router;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use serde::Deserialize;
use wayin_entity::{Labelled as _, sign_in_attempt};

use super::responses::{charge_address, invitation_ended, respond_with_session};
use super::return_address::{NextAddress, choose_next};
use crate::auth::oidc::attempt::{AttemptPurpose, StartedAttempt, start_attempt, take_attempt};
use crate::auth::oidc::sign_in::{OidcOutcome, sign_in_subject};
use crate::auth::oidc::{CALLBACK_PATH, OidcError, OidcProvider, is_error_code};
use crate::auth::requester::Requester;
use crate::auth::session::CreatedSession;
use crate::error::Error;
use crate::pages::cookie::{read_sign_in_secret, session_cookie, sign_in_cookie};
use crate::pages::document::Page;
use crate::pages::error::PageError;
use crate::pages::layout::Layout;
use crate::pages::operation::encode_parameter;
use crate::pages::service::PageService;
use crate::pages::visitor::Visitor;

/// The path at which a sign-in begins.
const START_PATH: &str = "/sign-in/oidc";
const UNAVAILABLE_TEXT: &str = "The service with which you sign in cannot be reached at present. Try again in a minute, or ask a \
                                steward for a link.";

pub fn router() -> Router<PageService> {
    Router::new()
        .route(START_PATH, get(start_sign_in))
        .route(CALLBACK_PATH, get(finish_sign_in))
}

/// The address at which a sign-in begins that returns to a local path.
pub fn start_address(next: &str) -> String {
    with_next(START_PATH, next)
}

fn with_next(path: &str, next: &str) -> String {
    if next.is_empty() {
        path.to_owned()
    } else {
        format!("{path}?next={}", encode_parameter(next))
    }
}

/// What the issuer adds to the address when it sends the browser back.
#[derive(Deserialize)]
struct IssuerAnswer {
    #[serde(default)]
    state: String,
    code: Option<String>,
    /// The code of an error, such as `access_denied`.
    error: Option<String>,
    /// The issuer, if it follows RFC 9207.
    iss: Option<String>,
}

/// The page that sends the browser to the issuer.
#[derive(Debug, Template)]
#[template(path = "sign_in/leave.html")]
struct LeaveTemplate {
    layout: Layout,
    address: String,
}

/// The page that says why nobody is signed in, or who is.
#[derive(Debug, Template)]
#[template(path = "sign_in/outcome.html")]
struct OutcomeTemplate {
    layout: Layout,
    text: String,
    href: String,
    link: &'static str,
}

/// A sign-in that has begun: where it goes on, and the cookie that ties it to the browser.
struct IssuerVisit {
    address: String,
    cookie: HeaderValue,
}

/// Sends the browser to the issuer.
async fn start_sign_in(
    State(service): State<PageService>,
    visitor: Visitor,
    headers: HeaderMap,
    Query(next): Query<NextAddress>,
) -> Result<Response, PageError> {
    let Some(provider) = &service.app.oidc else {
        return Err(no_provider(&visitor));
    };
    let next = next.local();
    let purpose = AttemptPurpose {
        next: &next,
        invitation: None,
    };
    let visit = begin_visit(&service, &visitor, &headers, provider, purpose).await?;
    let headers = [
        (header::SET_COOKIE, visit.cookie),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    Ok((headers, Redirect::to(&visit.address)).into_response())
}

/// Sends the browser to the issuer after a form. Browsers apply `form-action` to redirects of a form too, also to those of the
/// issuer, so the answer is a page that goes on by itself.
pub async fn leave_for_issuer(
    service: &PageService,
    visitor: &Visitor,
    headers: &HeaderMap,
    provider: &OidcProvider,
    purpose: AttemptPurpose<'_>,
) -> Result<Response, PageError> {
    let visit = begin_visit(service, visitor, headers, provider, purpose).await?;
    let refresh = HeaderValue::from_str(&format!("0; url={}", visit.address))
        .map_err(|cause| Error::Internal(format!("the address of the issuer cannot be sent: {cause}")))?;
    let page = Page::new(LeaveTemplate {
        layout: visitor.layout("Continue to sign in", "/sign-in"),
        address: visit.address,
    });
    let headers = [(header::SET_COOKIE, visit.cookie), (header::REFRESH, refresh)];
    Ok((headers, page).into_response())
}

async fn begin_visit(
    service: &PageService,
    visitor: &Visitor,
    headers: &HeaderMap,
    provider: &OidcProvider,
    purpose: AttemptPurpose<'_>,
) -> Result<IssuerVisit, PageError> {
    if let Some(error) = charge_address(service, visitor) {
        return Err(error);
    }
    let is_over_tls = service.app.is_public_over_tls();
    let (db, clock) = (&service.app.db, &*service.app.clock);
    let secret = read_sign_in_secret(headers, is_over_tls);
    let attempt: StartedAttempt = start_attempt(db, clock, purpose, secret).await?;
    let address = provider
        .authorisation_address(&attempt)
        .await
        .map_err(|error| issuer_unavailable(visitor, &error))?;
    Ok(IssuerVisit {
        address: address.into(),
        cookie: sign_in_cookie(&attempt.browser_secret, is_over_tls)?,
    })
}

/// Signs in whom the issuer sends back.
async fn finish_sign_in(
    State(service): State<PageService>,
    visitor: Visitor,
    answer: Result<Query<IssuerAnswer>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, PageError> {
    let Some(provider) = &service.app.oidc else {
        return Err(no_provider(&visitor));
    };
    let Ok(Query(answer)) = answer else {
        return Ok(attempt_ended(&service, &visitor));
    };
    let secret = read_sign_in_secret(&headers, service.app.is_public_over_tls()).unwrap_or_default();
    let now = service.app.clock.now();
    let taken = take_attempt(&service.app.db, &answer.state, &secret, now).await?;
    let Some(attempt) = taken else {
        return Ok(attempt_ended(&service, &visitor));
    };
    let code = match read_code(provider, answer) {
        Ok(code) => code,
        Err(error) => return Ok(issuer_refused(&visitor, &attempt, error.as_deref())),
    };
    let subject = match provider.identify(&attempt, &code).await {
        Ok(subject) => subject,
        Err(error) => return Ok(not_identified(&visitor, &attempt, provider, &error)),
    };
    let earlier = visitor.session.as_ref().map(|session| session.id);
    let context = service.app.mutation_context();
    let outcome = sign_in_subject(context, subject, attempt.invitation_id, earlier).await?;
    Ok(match outcome {
        OidcOutcome::SignedIn(created) => respond_with_session(&service, &created, &attempt.next)?,
        OidcOutcome::AlreadyMember(created) => already_member(&service, visitor, &created)?,
        OidcOutcome::NotMember => not_member(&visitor),
        OidcOutcome::Revoked => no_member_any_more(&visitor),
        OidcOutcome::InvitationEnded => return Err(invitation_ended(&service, &visitor)),
    })
}

/// The code of an answer, or the code of its error, if it has one that can be logged.
fn read_code(provider: &OidcProvider, answer: IssuerAnswer) -> Result<String, Option<String>> {
    if answer.iss.is_some_and(|issuer| issuer != provider.issuer()) {
        tracing::warn!(issuer = provider.issuer(), "another issuer answered a sign-in");
        return Err(None);
    }
    match (answer.error, answer.code) {
        (None, Some(code)) if !code.is_empty() => Ok(code),
        (error, _) => {
            let error = error.filter(|error| is_error_code(error));
            tracing::info!(issuer = provider.issuer(), error, "the issuer signed nobody in");
            Err(error)
        }
    }
}

fn no_provider(visitor: &Visitor) -> PageError {
    visitor.not_found("You sign in with a link here. Ask a steward for one.")
}

fn issuer_unavailable(visitor: &Visitor, error: &OidcError) -> PageError {
    tracing::warn!(%error, "nobody can sign in with the issuer at present");
    visitor.failure(StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE_TEXT)
}

/// The page for a sign-in that nobody began, that has ended, or that another browser began.
fn attempt_ended(service: &PageService, visitor: &Visitor) -> Response {
    if let Some(error) = charge_address(service, visitor) {
        return error.into_response();
    }
    let text = "This sign-in has ended: it took longer than ten minutes, it was finished before, or it began in another browser. \
                To accept an invitation, open its link again.";
    let title = "Start again to sign in";
    outcome_page(
        visitor,
        StatusCode::BAD_REQUEST,
        title,
        text,
        "/sign-in",
        "Sign in",
    )
}

fn issuer_refused(visitor: &Visitor, attempt: &sign_in_attempt::Model, error: Option<&str>) -> Response {
    let (status, text) = match error {
        Some("access_denied") => (
            StatusCode::FORBIDDEN,
            "You stopped, or the service with which you sign in did not let you in. If you did not stop, ask the people who run \
             that service.",
        ),
        Some("temporarily_unavailable" | "server_error") => (
            StatusCode::SERVICE_UNAVAILABLE,
            "The service with which you sign in is busy or has a fault. Try again in a minute.",
        ),
        _ => (
            StatusCode::BAD_REQUEST,
            "The service with which you sign in did not say who you are. Try again. If it happens again, tell a steward.",
        ),
    };
    way_back(visitor, attempt, status, text)
}

fn not_identified(
    visitor: &Visitor,
    attempt: &sign_in_attempt::Model,
    provider: &OidcProvider,
    error: &OidcError,
) -> Response {
    tracing::warn!(issuer = provider.issuer(), %error, "a sign-in with the issuer failed");
    let (status, text) = match error {
        OidcError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, UNAVAILABLE_TEXT),
        _ => (
            StatusCode::FORBIDDEN,
            "The service with which you sign in sent an answer that is not valid for this sign-in. Try again. If it happens \
             again, tell a steward.",
        ),
    };
    way_back(visitor, attempt, status, text)
}

/// A page from which the person can try again. The address of an invitation is not stored, so the person opens it again.
fn way_back(visitor: &Visitor, attempt: &sign_in_attempt::Model, status: StatusCode, text: &str) -> Response {
    let again = if attempt.invitation_id.is_some() {
        " To accept your invitation, open its link again."
    } else {
        ""
    };
    let href = with_next("/sign-in", &attempt.next);
    let text = format!("{text}{again}");
    outcome_page(
        visitor,
        status,
        "You are not signed in",
        text,
        href,
        "Back to sign in",
    )
}

fn not_member(visitor: &Visitor) -> Response {
    let text = "The service with which you sign in knows you, but you are not a member of this evidence base. Ask a steward for \
                an invitation, open its link, and sign in from there.";
    let title = "You are not a member yet";
    outcome_page(
        visitor,
        StatusCode::FORBIDDEN,
        title,
        text,
        "/",
        "Go to the claims",
    )
}

fn no_member_any_more(visitor: &Visitor) -> Response {
    let text = "Your membership has ended. If you should be a member, ask a steward for an invitation.";
    let title = "You are no longer a member";
    outcome_page(
        visitor,
        StatusCode::FORBIDDEN,
        title,
        text,
        "/",
        "Go to the claims",
    )
}

/// Signs the member in, and says that the invitation is still open.
fn already_member(
    service: &PageService,
    mut visitor: Visitor,
    created: &CreatedSession,
) -> Result<Response, Error> {
    let cookie = session_cookie(&created.secret, service.app.is_public_over_tls())?;
    let role = created.session.member.role;
    visitor.requester = Requester::Member(created.session.member.clone());
    visitor.session = Some(created.session.clone());
    let text = format!(
        "You are signed in as {}, a {}. The invitation was not used, and your role is the same as before. If it should be \
         another one, ask a steward to change it.",
        created.session.name,
        role.label()
    );
    let title = "You are a member already";
    let page = outcome_page(
        &visitor,
        StatusCode::OK,
        title,
        text,
        choose_next("", role),
        "Continue",
    );
    Ok(([(header::SET_COOKIE, cookie)], page).into_response())
}

fn outcome_page(
    visitor: &Visitor,
    status: StatusCode,
    title: &str,
    text: impl Into<String>,
    href: impl Into<String>,
    link: &'static str,
) -> Response {
    let template = OutcomeTemplate {
        layout: visitor.layout(title, "/sign-in"),
        text: text.into(),
        href: href.into(),
        link,
    };
    Page::with_status(status, template).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sign_in_returns_to_the_page_that_was_wanted() {
        assert_eq!(start_address(""), "/sign-in/oidc");
        assert_eq!(start_address("/send?a=b"), "/sign-in/oidc?next=%2Fsend%3Fa%3Db");
    }
}
