//! What the log says of a request.

use std::fmt;

use axum::extract::Request;
use axum::http::Uri;
use tracing::Span;

use crate::export_link::LINK_PATH;

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
        if self.0.path().starts_with(LINK_PATH) {
            write!(f, "{LINK_PATH}…")
        } else {
            self.0.fmt(f)
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
            ("/export/grid.csv?rows=STEP", "/export/grid.csv?rows=STEP"),
        ] {
            assert_eq!(LoggedAddress(&address.parse().unwrap()).to_string(), logged);
        }
    }
}
