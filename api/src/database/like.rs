//! Patterns of `LIKE`.

/// A text that a pattern of `LIKE` with `\\` as its escape character matches as it is.
pub fn escape_like(text: &str) -> String {
    text.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_")
}
