//! Who opens a page.

use async_graphql::ServerError;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::http::{Method, StatusCode, Uri, header};
use serde::{Deserialize, Serialize};
use wayin_entity::{Capability, Labelled as _, Role};

use super::answer::wording::format_day;
use super::cookie;
use super::error::{PageError, describe_error, heading_of};
use super::layout::{Layout, LayoutViewer, NavigationItem, PUBLIC_PAGES};
use super::operation::{OperationCheck, PageOperation, error_code};
use super::service::PageService;
use crate::auth::requester::{AuthenticatedMember, Requester};
use crate::auth::session::{self, BrowserSession};
use crate::error::{Error, TokenError};
use crate::error_code::ErrorCode;
use crate::graphql::operation::client_ip::ClientIp;

/// The visitor of a page: a member with a session, or someone without one.
#[derive(Clone, Debug)]
pub struct Visitor {
    pub requester: Requester,
    pub session: Option<BrowserSession>,
    pub client_ip: ClientIp,
    /// The path and the parameters of the request, to return to after signing in.
    pub address: String,
    /// The day of the request (UTC), in words.
    date: String,
    waiting: WaitingCounts,
}

/// How many things wait for the visitor.
#[derive(Clone, Copy, Debug, Default)]
struct WaitingCounts {
    /// Submissions to which a steward requested changes.
    send: Option<u32>,
    /// Submissions and notices that wait for a steward.
    review: Option<u32>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct WaitingOperation {
    #[serde(skip_serializing_if = "Option::is_none")]
    changes_requested: Option<Total>,
    #[serde(skip_serializing_if = "Option::is_none")]
    submitted: Option<Total>,
    #[serde(skip_serializing_if = "Option::is_none")]
    notices: Option<Total>,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Total {
    total_count: u32,
}

/// The operations, for the tests.
pub const OPERATIONS: &[OperationCheck] = &[OperationCheck::of::<WaitingOperation>()];

impl PageOperation for WaitingOperation {
    const DOCUMENT: &'static str = include_str!("layout/waiting.graphql");
}

impl FromRequestParts<PageService> for Visitor {
    type Rejection = PageError;

    async fn from_request_parts(parts: &mut Parts, service: &PageService) -> Result<Self, PageError> {
        let client_ip = parts.extensions.get::<ClientIp>().copied().unwrap_or_default();
        let now = service.app.clock.now();
        let session = match cookie::read_session_secret(&parts.headers, service.app.is_public_over_tls()) {
            Some(secret) => session::find_session(&service.app.db, &secret, now).await?,
            None => None,
        };
        let requester = session
            .as_ref()
            .map_or(Requester::Anonymous(TokenError::Missing), |session| {
                Requester::Member(session.member.clone())
            });
        let mut visitor = Self {
            requester,
            session,
            client_ip,
            address: find_return_address(parts),
            date: format_day(now),
            waiting: WaitingCounts::default(),
        };
        visitor.waiting = visitor.count_waiting(service).await;
        Ok(visitor)
    }
}

/// The local address to which the visitor returns after signing in: that of the request, or that of the page with the form
/// that the request sends.
fn find_return_address(parts: &Parts) -> String {
    let requested = parts.uri.path_and_query().map(ToString::to_string);
    if matches!(parts.method, Method::GET | Method::HEAD) {
        return requested.unwrap_or_else(|| "/".into());
    }
    let text = |name| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let referer: Option<Uri> = text(header::REFERER).and_then(|address| address.parse().ok());
    let is_local = |uri: &Uri| uri.authority().map(Authority::as_str) == text(header::HOST);
    let page = referer.filter(is_local);
    page.and_then(|uri| uri.path_and_query().map(ToString::to_string))
        .unwrap_or_else(|| "/".into())
}

impl Visitor {
    /// Returns the member.
    ///
    /// # Errors
    /// [`PageError::SignIn`] if the visitor has no session.
    pub fn member(&self) -> Result<&AuthenticatedMember, PageError> {
        match &self.requester {
            Requester::Member(member) => Ok(member),
            Requester::Anonymous(_) => Err(PageError::SignIn {
                next: self.address.clone(),
            }),
        }
    }

    /// Returns the member, who must have a capability.
    ///
    /// # Errors
    /// [`PageError::SignIn`] if the visitor has no session, and a page that says who can open it if the role is not enough.
    pub fn require(&self, capability: Capability) -> Result<&AuthenticatedMember, PageError> {
        let member = self.member()?;
        if member.role.can(capability) {
            return Ok(member);
        }
        let roles: Vec<String> = Role::with_capability(capability)
            .map(|role| format!("a {}", role.label()))
            .collect();
        let text = format!(
            "You are signed in as a {}. Only {} can open it.",
            member.role.label(),
            roles.join(" or ")
        );
        Err(self.failure(StatusCode::FORBIDDEN, text))
    }

    /// Whether the visitor may do something.
    pub fn can(&self, capability: Capability) -> bool {
        match &self.requester {
            Requester::Member(member) => member.role.can(capability),
            Requester::Anonymous(_) => false,
        }
    }

    /// The layout of a page. `path` is the item of the navigation to which it belongs.
    pub fn layout(&self, title: impl Into<String>, path: &'static str) -> Layout {
        Layout {
            title: title.into(),
            navigation: self.list_navigation(path),
            viewer: self.session.as_ref().map(|session| LayoutViewer {
                name: session.name.clone(),
                role: session.member.role.label().to_owned(),
            }),
            csrf: self
                .session
                .as_ref()
                .map(|session| session.csrf_token.clone())
                .unwrap_or_default(),
            date: self.date.clone(),
            ..Layout::default()
        }
    }

    /// A page that says what is the matter.
    pub fn failure(&self, status: StatusCode, text: impl Into<String>) -> PageError {
        PageError::new(self.layout(heading_of(status), ""), status, text)
    }

    /// A page for something that does not exist, or that the visitor cannot see.
    pub fn not_found(&self, text: impl Into<String>) -> PageError {
        self.failure(StatusCode::NOT_FOUND, text)
    }

    /// The page for an error of an operation.
    pub fn operation_error(&self, error: &ServerError) -> PageError {
        let code = error_code(error);
        if code == Some("UNAUTHENTICATED") {
            return PageError::SignIn {
                next: self.address.clone(),
            };
        }
        let status = code
            .and_then(ErrorCode::from_name)
            .map_or(StatusCode::INTERNAL_SERVER_ERROR, ErrorCode::status);
        let wait = error
            .extensions
            .as_ref()
            .and_then(|found| found.get("retryAfterSeconds"));
        let wait = match wait {
            Some(async_graphql::Value::Number(seconds)) => seconds.as_u64(),
            _ => None,
        };
        self.failure(status, describe_error(status, &error.message))
            .with_retry_after(wait)
    }

    /// The page for an error inside the service. The cause goes to the log.
    pub fn internal_error(&self, cause: String) -> PageError {
        PageError::from(Error::Internal(cause))
    }

    fn list_navigation(&self, path: &'static str) -> Vec<NavigationItem> {
        let everyone = PUBLIC_PAGES.into_iter().map(|(label, href)| (label, href, None));
        let members = [
            (Capability::ActForOrganisation, "Portfolio", "/portfolio", None),
            (Capability::SubmitRecords, "Send in", "/send", self.waiting.send),
            (
                Capability::ReviewSubmissions,
                "Review",
                "/review",
                self.waiting.review,
            ),
        ];
        let members = members
            .into_iter()
            .filter(|(capability, ..)| self.can(*capability))
            .map(|(_, label, href, count)| (label, href, count));
        everyone
            .chain(members)
            .map(|(label, href, count)| NavigationItem {
                label,
                href,
                is_current: href == path,
                count: count.filter(|count| *count > 0),
            })
            .collect()
    }

    /// Counts what waits for a member. Visitors without a session cost nothing here. A page is shown without the counts if they
    /// cannot be read, and a member who has asked too much at once can still sign out.
    async fn count_waiting(&self, service: &PageService) -> WaitingCounts {
        let reviews = self.can(Capability::ReviewSubmissions);
        let submits = self.can(Capability::SubmitRecords) && !reviews;
        if !reviews && !submits {
            return WaitingCounts::default();
        }
        let variables = serde_json::json!({ "submits": submits, "reviews": reviews });
        let Ok(found) = service.execute::<WaitingOperation>(self, variables).await else {
            return WaitingCounts::default();
        };
        let total = |count: &Option<Total>| count.as_ref().map(|count| count.total_count);
        WaitingCounts {
            send: total(&found.changes_requested),
            review: total(&found.submitted)
                .map(|submitted| submitted + total(&found.notices).unwrap_or_default()),
        }
    }
}
