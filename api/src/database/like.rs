//! `LIKE` patterns.

/// Escapes a text so that a `LIKE` pattern with the escape character `\\` matches it literally.
pub fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
