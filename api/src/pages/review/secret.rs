//! A link or a token that is shown once. The response to the form shows it, so that it is in no address.

use askama::Template;
use axum::http::{HeaderMap, header};

use crate::pages::layout::Layout;
use crate::pages::layout::parts::FormProblems;
use crate::pages::record::data::ProblemData;
use crate::public_url::PublicUrl;

/// The module that adds a button to copy what is shown.
pub const SCRIPTS: &[&str] = &["copy.js"];

/// What to do if the form of a link is sent again, as when its answer is loaded again.
const SENT_BEFORE: &str = "This form was sent before. Its link was shown then and cannot be shown again, and no other link was \
                           created. To create another one, send the form from here.";

#[derive(Template)]
#[template(path = "review/secret.html")]
pub struct SecretTemplate {
    pub layout: Layout,
    pub label: &'static str,
    pub secret: String,
    /// What the button says that copies it, such as "Copy the link".
    pub copy_label: &'static str,
    /// How to pass it on, in sentences.
    pub advice: Vec<String>,
    pub back_href: String,
    pub back_text: &'static str,
}

/// Completes a link that the API gives as a path, because the setting `PUBLIC_URL` is missing. The browser that sent the form says
/// in `Origin` at which address it reaches the service. No other page can choose it, and unlike `Host` it has the scheme and stays
/// the same behind a proxy. Returns the path if the address is not one that `PUBLIC_URL` could have.
pub fn complete_link(link: String, headers: &HeaderMap) -> String {
    if !link.starts_with('/') {
        return link;
    }
    let origin = headers.get(header::ORIGIN).and_then(|value| value.to_str().ok());
    match origin.map(PublicUrl::parse) {
        Some(Ok(address)) => address.join(&link),
        _ => link,
    }
}

/// Advice for a link that is only a path, because the service does not know its own address.
pub fn advise_on_path(link: &str) -> Option<String> {
    link.starts_with('/').then(|| {
        "This service does not know its own address: whoever runs it must set PUBLIC_URL. Until then, make sure that the link begins \
         with the address at which people reach the service, such as https://wayin.example.org, before you send it."
            .into()
    })
}

/// The problems of a form that created a link before. None if its problems are others.
pub fn find_repeat(problems: &[ProblemData]) -> Option<FormProblems> {
    let is_repeat = problems
        .iter()
        .any(|problem| problem.code == "IDEMPOTENCY_KEY_REUSED");
    is_repeat.then(|| {
        let mut found = FormProblems::default();
        found.push("", SENT_BEFORE);
        found
    })
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    #[test]
    fn links_are_completed_with_the_address_in_the_browser() {
        for (link, origin, complete) in [
            (
                "/a",
                Some("https://Wayin.example.org"),
                "https://wayin.example.org/a",
            ),
            ("/a", Some("http://127.0.0.1:8000"), "http://127.0.0.1:8000/a"),
            ("/a", Some("http://wayin.example.org"), "/a"),
            ("/a", Some("null"), "/a"),
            ("/a", None, "/a"),
            (
                "https://wayin.example.org/a",
                Some("https://other.example"),
                "https://wayin.example.org/a",
            ),
        ] {
            let mut headers = HeaderMap::new();
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
            }
            let completed = complete_link(link.into(), &headers);
            assert_eq!(completed, complete, "{link} {origin:?}");
            assert_eq!(advise_on_path(&completed).is_some(), complete == "/a");
        }
    }
}
