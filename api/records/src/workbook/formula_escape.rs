//! Escapes texts that a spreadsheet or an import would read as something else, with an apostrophe that reading removes.

use super::placeholder;
use super::vocabulary::Vocabulary;

/// The first characters that make a text a formula in spreadsheets: those that OWASP lists, and their full-width forms,
/// which some programs treat alike.
pub const FORMULA_PREFIXES: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '＠'];

/// Parses a missing reason and returns its code.
pub fn parse_missing_reason(text: &str) -> Option<&'static str> {
    Vocabulary::MissingReason.find_term(text).map(|word| word.code)
}

/// Returns whether spreadsheets would read a text as a formula.
pub fn is_formula_like(text: &str) -> bool {
    text.starts_with(FORMULA_PREFIXES)
}

/// Escapes the text of a cell of a workbook, which cannot be read as a formula.
pub fn escape_text(text: &str) -> String {
    if text.starts_with('\'') || parse_missing_reason(text).is_some() {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// Escapes the text of a cell of a table, which may be read as a formula.
pub fn escape_csv(text: &str) -> String {
    if is_formula_like(text) {
        format!("'{text}")
    } else {
        escape_text(text)
    }
}

/// Escapes a placeholder in a column where it would be read as no answer.
pub fn escape_placeholder(text: &str) -> Option<String> {
    placeholder::parse_placeholder(text).map(|_| format!("'{text}"))
}

/// Removes the apostrophe of an escaped text.
pub fn unescape(text: String) -> String {
    let is_escaped = |inner: &&str| {
        inner.starts_with('\'')
            || is_formula_like(inner)
            || parse_missing_reason(inner).is_some()
            || placeholder::parse_placeholder(inner).is_some()
    };
    let inner = text.strip_prefix('\'').filter(is_escaped).map(ToOwned::to_owned);
    inner.unwrap_or(text)
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
        // Such a text does not need an apostrophe.
        assert_eq!(unescape("'tis".into()), "'tis");
    }
}
