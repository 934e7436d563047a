//! Finds out who sends a request.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;

use crate::app::App;
use crate::auth::member;
use crate::auth::requester::{AuthenticatedMember, Requester};
use crate::error::{Error, Result};

/// The `Authorization` header of a request, or its equivalent in a message of a WebSocket.
#[derive(Clone, Debug, Default)]
pub struct Authorization(Option<String>);

impl Authorization {
    /// The value of another source than the header.
    pub const fn new(text: String) -> Self {
        Self(Some(text))
    }

    /// Whether the client sent a value.
    pub const fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Takes the value out.
    pub const fn take(&mut self) -> Option<String> {
        self.0.take()
    }

    /// Returns the member that the value identifies, or why there is none.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database or the keys cannot be read.
    pub async fn authenticate(&self, app: &App) -> Result<Requester> {
        app.authenticate(self.0.as_deref()).await
    }

    /// Returns the member as the database has it now, for a connection that keeps it.
    ///
    /// # Errors
    /// [`Error::Unavailable`] if the database or the keys cannot be read.
    pub async fn authenticate_connection(&self, app: &App) -> Result<Requester> {
        member::authenticate(&app.db, &app.verifier, self.0.as_deref()).await
    }
}

impl<S: Sync> FromRequestParts<S> for Authorization {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(header::AUTHORIZATION);
        // A header that is not text is not `Bearer <token>` either.
        Ok(Self(
            header.map(|value| value.to_str().unwrap_or_default().to_owned()),
        ))
    }
}

/// The member of a link, or of a page that sends a file, as an extension of the request that the link or the page makes. It is
/// used instead of the `Authorization` header. Clients cannot set extensions: only [`crate::export_link`] and
/// [`crate::pages::download`] do.
#[derive(Clone, Debug)]
pub struct LinkRequester(pub AuthenticatedMember);

impl<S> FromRequestParts<S> for Requester
where
    Arc<App>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        if let Some(LinkRequester(member)) = parts.extensions.get() {
            return Ok(Self::Member(member.clone()));
        }
        let Ok(authorization) = Authorization::from_request_parts(parts, state).await;
        authorization.authenticate(&Arc::from_ref(state)).await
    }
}
