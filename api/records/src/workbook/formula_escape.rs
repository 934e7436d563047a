//! Texts that a spreadsheet would take for something else, and how they are written so that
//! nothing is lost: with an apostrophe before them, which reading takes away again.

use super::not_known;
use super::vocabulary::Vocabulary;

/// The first characters by which spreadsheets take a text for a formula, or drop what is
/// before one: those that OWASP lists, with the wide forms that some take for the same.
pub const BEGINS_FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '＠'];

/// The code of the reason for which an answer is missing, where a text is one.
pub fn why_missing(text: &str) -> Option<&'static str> {
    Vocabulary::MissingReason.word(text).map(|word| word.code)
}

/// Whether a text would be taken for a formula.
pub fn is_like_a_formula(text: &str) -> bool {
    text.starts_with(BEGINS_FORMULA)
}

/// The text as a cell of words holds it, whose program takes no words for formulas.
pub fn in_words(text: &str) -> String {
    if text.starts_with('\'') || why_missing(text).is_some() {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// The text as a cell of a flat file holds it, whose reader may take it for a formula.
pub fn in_a_flat_file(text: &str) -> String {
    if is_like_a_formula(text) {
        format!("'{text}")
    } else {
        in_words(text)
    }
}

/// The text as a cell holds it in a column where it would be read as no answer.
pub fn in_a_column_of_answers(text: &str) -> Option<String> {
    not_known::find(text).map(|_| format!("'{text}"))
}

/// The text as it was before it was written into either.
pub fn undo(text: String) -> String {
    let is_escaped = |inner: &&str| {
        inner.starts_with('\'')
            || is_like_a_formula(inner)
            || why_missing(inner).is_some()
            || not_known::find(inner).is_some()
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
    fn every_text_comes_back_as_it_was() {
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
            assert_eq!(undo(in_words(text)), text);
            assert_eq!(undo(in_a_flat_file(text)), text);
            assert!(!is_like_a_formula(&in_a_flat_file(text)), "{text}");
            assert_eq!(why_missing(&in_words(text)), None);
            let in_column = in_a_column_of_answers(text);
            assert!(in_column.is_none_or(|in_column| undo(in_column) == text));
        }
        // What people type so is taken as it is.
        assert_eq!(undo("'tis".into()), "'tis");
    }
}
