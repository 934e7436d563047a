//! Texts that a spreadsheet would take for something else, and how they are written so that
//! nothing is lost: with an apostrophe before them, which reading takes away again.

use super::placeholder;
use super::vocabulary::Vocabulary;

/// The first characters by which spreadsheets take a text for a formula, or drop what is
/// before one: those that OWASP lists, with the wide forms that some take for the same.
pub const FORMULA_PREFIXES: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '＠'];

/// The code of the reason for which an answer is missing, where a text is one.
pub fn parse_missing_reason(text: &str) -> Option<&'static str> {
    Vocabulary::MissingReason.find_term(text).map(|word| word.code)
}

/// Whether a text would be taken for a formula.
pub fn is_formula_like(text: &str) -> bool {
    text.starts_with(FORMULA_PREFIXES)
}

/// The text as a cell of words holds it, whose program takes no words for formulas.
pub fn escape_text(text: &str) -> String {
    if text.starts_with('\'') || parse_missing_reason(text).is_some() {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// The text as a cell of a flat file holds it, whose reader may take it for a formula.
pub fn escape_csv(text: &str) -> String {
    if is_formula_like(text) {
        format!("'{text}")
    } else {
        escape_text(text)
    }
}

/// The text as a cell holds it in a column where it would be read as no answer.
pub fn escape_placeholder(text: &str) -> Option<String> {
    placeholder::parse_placeholder(text).map(|_| format!("'{text}"))
}

/// The text as it was before it was written into either.
pub fn unescape(text: String) -> String {
    let is_escaped = |inner: &&str| {
        inner.starts_with('\'')
            || is_formula_like(inner)
            || parse_missing_reason(inner).is_some()
            || placeholder::parse_placeholder(inner).is_some()
    };
    let inner = text.strip_prefix('\'').filter(is_escaped);
    match inner {
        Some(inner) => inner.to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_round_trips() {
        for text in [
            "",
            "a",
            "=1",
            "+1",
            "-1",
            "@x",
            "'",
            "''",
            "'=1",
            "''=1",
            "'tis",
            "'withheld",
            "withheld",
            "NOT_ASKED",
            "'NOT_ASKED",
            "not asked",
            "\t1",
            "＝1",
            "Withheld by the funder",
            "N/A",
            "'N/A",
            "-",
            "?",
        ] {
            assert_eq!(unescape(escape_text(text)), text);
            assert_eq!(unescape(escape_csv(text)), text);
            assert!(!is_formula_like(&escape_csv(text)), "{text}");
            assert_eq!(parse_missing_reason(&escape_text(text)), None);
            let in_column = escape_placeholder(text);
            assert!(in_column.is_none_or(|in_column| unescape(in_column) == text));
        }
        // What people type so is taken as it is.
        assert_eq!(unescape("'tis".into()), "'tis");
    }
}
