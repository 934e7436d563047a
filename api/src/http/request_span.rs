//! What the log says of a request.

use std::fmt;

use axum::extract::Request;
use axum::http::Uri;
use tracing::Span;

use crate::auth::session::invitation::INVITATION_PATH;
use crate::auth::session::sign_in_link::SIGN_IN_PATH;
use crate::export_link::LINK_PATH;

/// The paths that a secret follows.
const SECRET_PATHS: [&str; 3] = [LINK_PATH, SIGN_IN_PATH, INVITATION_PATH];

/// Creates the span of a request, with its method, address and version.
pub fn create_request_span(request: &Request) -> Span {
    // The target of tower-http's own span, which this one replaces.
    tracing::debug_span!(
        target: "tower_http::trace::make_span",
        "request",
        method = %request.method(),
        uri = %LoggedAddress(request.uri()),
        version = ?request.version(),
    )
}

/// An address without the secret of a link, so that nobody can open the link from the log.
struct LoggedAddress<'a>(&'a Uri);

impl fmt::Display for LoggedAddress<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.0.path();
        match SECRET_PATHS.into_iter().find(|known| path.starts_with(known)) {
            Some(known) => write!(f, "{known}…"),
            None => self.0.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secret_of_a_link_is_not_logged() {
        for (address, logged) in [
            ("/export/link/wayin_link_abc", "/export/link/…"),
            ("https://example.org/export/link/abc?a=b", "/export/link/…"),
            ("/sign-in/wayin_sign_in_abc?next=%2F", "/sign-in/…"),
            ("/sign-in/oidc/callback?code=abc&state=def", "/sign-in/…"),
            ("/sign-in?next=%2Fsend", "/sign-in?next=%2Fsend"),
            ("/invitation/wayin_invitation_abc", "/invitation/…"),
            ("/export/grid.csv?rows=STEP", "/export/grid.csv?rows=STEP"),
        ] {
            assert_eq!(LoggedAddress(&address.parse().unwrap()).to_string(), logged);
        }
    }
}
