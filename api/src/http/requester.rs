//! Who is asking.

use std::convert::Infallible;
use std::sync::Arc;

use axum::extract::{FromRef, FromRequestParts};
use axum::http::header;
use axum::http::request::Parts;

use crate::app::App;
use crate::auth::member;
use crate::auth::requester::Requester;
use crate::error::{Error, Result};

/// What a client says about who it is: the `Authorization` header of a request, or the same in a message of a WebSocket.
#[derive(Clone, Debug, Default)]
pub struct Authorization(Option<String>);

impl Authorization {
    /// What a client says other than in a header.
    pub const fn new(text: String) -> Self {
        Self(Some(text))
    }

    /// Whether the client says anything.
    pub const fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// Takes what the client says, and leaves nothing.
    pub const fn take(&mut self) -> Option<String> {
        self.0.take()
    }

    /// The member whom it proves, or why it proves none.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where that cannot be determined.
    pub async fn authenticate(&self, app: &App) -> Result<Requester> {
        member::authenticate(&app.db, &app.verifier, self.0.as_deref()).await
    }
}

impl<S: Sync> FromRequestParts<S> for Authorization {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let header = parts.headers.get(header::AUTHORIZATION);
        // A header that is no text is no `Bearer <token>` either.
        Ok(Self(
            header.map(|value| value.to_str().unwrap_or_default().to_owned()),
        ))
    }
}

impl<S> FromRequestParts<S> for Requester
where
    Arc<App>: FromRef<S>,
    S: Send + Sync,
{
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self> {
        let Ok(authorization) = Authorization::from_request_parts(parts, state).await;
        authorization.authenticate(&Arc::from_ref(state)).await
    }
}
