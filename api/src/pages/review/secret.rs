//! A link or a token that is shown once. The response to the form shows it, so that it is in no address.

use askama::Template;

use crate::pages::layout::Layout;

#[derive(Template)]
#[template(path = "review/secret.html")]
pub struct SecretTemplate {
    pub layout: Layout,
    pub label: &'static str,
    pub secret: String,
    /// How to pass it on, in sentences.
    pub advice: Vec<String>,
    pub back_href: String,
    pub back_text: &'static str,
}

/// Advice for a link that the service gives as a path, because it does not know its own address.
pub fn advise_on_path(link: &str) -> Option<String> {
    link.starts_with('/').then(|| {
        "Write the address of this service before it, as you see it in your browser, such as https://wayin.example.org."
            .into()
    })
}
