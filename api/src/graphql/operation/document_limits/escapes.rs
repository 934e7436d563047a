//! Unicode escapes in the strings of a document. The GraphQL specification (September 2025, 2.9.4) has two
//! forms that the library's parser does not support: `\u{1F308}`, and the surrogate pair `\uD83C\uDF08`, as
//! JSON encoders write it. Before a document is parsed, they are replaced by the characters that they
//! represent.

use std::borrow::Cow;
use std::fmt::Write as _;

use async_graphql::Pos;

use super::lexer::Lexer;

/// The number of digits in an escape without braces.
const UNICODE_ESCAPE_DIGITS: usize = 4;

/// An escape that does not represent a character.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the escape {escape} is not a character: {reason}")]
pub struct EscapeError {
    escape: String,
    reason: &'static str,
    /// The position of the escape.
    pub position: Pos,
}

/// Replaces the escapes that the parser does not support. Shorter strings are followed by spaces, so that the
/// rest of the line keeps its columns.
///
/// # Errors
/// The first escape that does not represent a character.
pub fn resolve_escapes(document: &str) -> Result<Cow<'_, str>, EscapeError> {
    if !document.contains("\\u") {
        return Ok(Cow::Borrowed(document));
    }
    let mut resolved = String::with_capacity(document.len());
    let mut copied = 0;
    for (start, text) in Lexer::new(document).strings() {
        if !text.contains("\\u") {
            continue;
        }
        let rewritten = rewrite_string(text).map_err(|(at, escape, reason)| EscapeError {
            escape: escape.to_owned(),
            reason,
            position: position_after(&document[..start + at]),
        })?;
        if let Cow::Owned(rewritten) = rewritten {
            resolved.push_str(&document[copied..start]);
            resolved.push_str(&rewritten);
            // Only an escape with one digit is shorter than its replacement.
            let left = text.chars().count().saturating_sub(rewritten.chars().count());
            resolved.extend(std::iter::repeat_n(' ', left));
            copied = start + text.len();
        }
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(document));
    }
    resolved.push_str(&document[copied..]);
    Ok(Cow::Owned(resolved))
}

/// Finds the first escape in the strings of a JSON text that does not represent a character.
pub fn find_invalid_in_json(json: &str) -> Option<EscapeError> {
    let (at, escape, reason) = rewrite_string(json).err()?;
    Some(EscapeError {
        escape: escape.to_owned(),
        reason,
        position: position_after(&json[..at]),
    })
}

/// Returns the position of the text that follows `before`.
fn position_after(before: &str) -> Pos {
    let line = before.matches('\n').count() + before.replace("\r\n", "\n").matches('\r').count();
    let column = before.rsplit(['\n', '\r']).next().unwrap_or_default();
    Pos {
        line: line + 1,
        column: column.chars().count() + 1,
    }
}

/// Replaces the escapes in a string with quotation marks that the parser does not support. If an escape does
/// not represent a character, returns its byte offset, its text and the reason.
fn rewrite_string(text: &str) -> Result<Cow<'_, str>, (usize, &str, &'static str)> {
    let mut rewritten = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find('\\') {
        let start = at + found;
        let after = &text[start + 1..];
        if !after.starts_with('u') {
            // The next character is escaped. An unterminated string can end here.
            at = start + 1 + after.chars().next().map_or(0, char::len_utf8);
            continue;
        }
        let (escape, character) =
            read_escape(&text[start..]).map_err(|(escape, reason)| (start, escape, reason))?;
        at = start + escape.len();
        // The parser supports escapes with four digits itself.
        if let Some(character) = character {
            rewritten.push_str(&text[copied..start]);
            if u32::from(character) > 0xFFFF {
                rewritten.push(character);
            } else {
                let _ = write!(rewritten, "\\u{:04X}", u32::from(character));
            }
            copied = at;
        }
    }
    if copied == 0 {
        return Ok(Cow::Borrowed(text));
    }
    rewritten.push_str(&text[copied..]);
    Ok(Cow::Owned(rewritten))
}

/// Reads the escape at the start of a text and the character that it represents. The character is None if the
/// parser reads the escape itself or rejects it.
fn read_escape(text: &str) -> Result<(&str, Option<char>), (&str, &'static str)> {
    let after = &text[2..];
    if let Some(braced) = after.strip_prefix('{') {
        let digits = braced.find(|letter: char| !letter.is_ascii_hexdigit());
        let digits = digits.unwrap_or(braced.len());
        if digits == 0 || !braced[digits..].starts_with('}') {
            let end = 3 + digits;
            return Err((&text[..end], "it is written \\u{, digits from 0 to F, and }"));
        }
        let escape = &text[..=3 + digits];
        let number = braced[..digits].trim_start_matches('0');
        let number = u32::from_str_radix(if number.is_empty() { "0" } else { number }, 16);
        return match number {
            Ok(0xD800..=0xDFFF) => Err((escape, "it is half of a pair of surrogates")),
            Ok(number) => match char::from_u32(number) {
                Some(character) => Ok((escape, Some(character))),
                None => Err((escape, "the last character is \\u{10FFFF}")),
            },
            Err(_) => Err((escape, "the last character is \\u{10FFFF}")),
        };
    }
    let Some(first) = parse_four_digits(after) else {
        return Ok((&text[..2], None));
    };
    let escape = &text[..2 + UNICODE_ESCAPE_DIGITS];
    match first {
        0xD800..=0xDBFF => {
            let second = text[2 + UNICODE_ESCAPE_DIGITS..]
                .strip_prefix("\\u")
                .and_then(parse_four_digits);
            match second {
                Some(second @ 0xDC00..=0xDFFF) => {
                    let number = 0x10000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                    Ok((&text[..2 * (2 + UNICODE_ESCAPE_DIGITS)], char::from_u32(number)))
                }
                _ => Err((
                    escape,
                    "it is the first half of a pair of surrogates, and the second does not follow",
                )),
            }
        }
        0xDC00..=0xDFFF => Err((
            escape,
            "it is the second half of a pair of surrogates, and the first is not before it",
        )),
        _ => Ok((escape, None)),
    }
}

fn parse_four_digits(text: &str) -> Option<u32> {
    let digits = text.get(..UNICODE_ESCAPE_DIGITS)?;
    let are_digits = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
    are_digits.then(|| u32::from_str_radix(digits, 16).ok())?
}

#[cfg(test)]
mod tests {
    use async_graphql::parser::parse_query;
    use async_graphql::parser::types::Selection;
    use async_graphql_value::Value;
    use proptest::prelude::*;

    use super::*;

    /// Parses a document and returns the string argument of its first field.
    fn parse_argument(document: &str) -> String {
        let resolved = resolve_escapes(document).unwrap();
        let parsed = parse_query(&resolved).unwrap_or_else(|cause| panic!("{document}: {cause}"));
        let (_, operation) = parsed.operations.iter().next().unwrap();
        let Selection::Field(field) = &operation.node.selection_set.node.items[0].node else {
            panic!("{document} begins with a field");
        };
        match &field.node.arguments[0].1.node {
            Value::String(text) => text.clone(),
            other => panic!("{document} has {other:?}"),
        }
    }

    #[test]
    fn escapes_are_resolved() {
        for (written, expected) in [
            (r#""\uD83C\uDF08""#, "🌈"),
            (r#""a\ud83c\udf08b\u{1f308}c""#, "a🌈b🌈c"),
            (r#""\u{1F308}\u{41}""#, "🌈A"),
            (r#""\u{0000000041}""#, "A"),
            (r#""\u{1}\u{A}\u{22}\u{5c}""#, "\u{1}\n\"\\"),
            (r#""\u00e9\\u{1F308}""#, "é\\u{1F308}"),
        ] {
            let document = format!("{{ a(b: {written}) }}");
            assert_eq!(parse_argument(&document), expected, "{written}");
        }
        // Block strings and comments have no escapes.
        for untouched in [
            r#"{ a(b: """\uD83C \u{1}""") }"#,
            "{ a } # \\uD83C",
            r#"{ a(b: "\\uD83C") }"#,
        ] {
            assert_eq!(resolve_escapes(untouched), Ok(Cow::Borrowed(untouched)));
        }
    }

    #[test]
    fn resolved_strings_keep_columns() {
        let document = "{ a(b: \"\\uD83C\\uDF08\") nothing(: 1) }";
        let resolved = resolve_escapes(document).unwrap();
        assert_eq!(
            resolved.chars().position(|one| one == 'n'),
            document.chars().position(|one| one == 'n')
        );
    }

    #[test]
    fn invalid_escapes_are_reported_with_their_position() {
        for (document, escape, line, column) in [
            ("{ a(b: \"\\uD83C\") }", "\\uD83C", 1, 9),
            ("{\n  a(b: \"é\\uDF08\") }", "\\uDF08", 2, 10),
            ("{\r\n\r\n a(b: \"\\uD83Cx\") }", "\\uD83C", 3, 8),
            ("{ a(b: \"\\uD83C\\uD83C\") }", "\\uD83C", 1, 9),
            ("{ a(b: \"\\u{D83C}\") }", "\\u{D83C}", 1, 9),
            ("{ a(b: \"\\u{110000}\") }", "\\u{110000}", 1, 9),
            ("{ a(b: \"\\u{FFFFFFFFFFFF}\") }", "\\u{FFFFFFFFFFFF}", 1, 9),
            ("{ a(b: \"\\u{}\") }", "\\u{", 1, 9),
            ("{ a(b: \"\\u{12\") }", "\\u{12", 1, 9),
        ] {
            let refused = resolve_escapes(document).unwrap_err();
            assert_eq!(refused.escape, escape, "{document}");
            assert_eq!(refused.position, Pos { line, column }, "{document}");
        }
    }

    #[test]
    fn lone_surrogates_in_json_are_found() {
        for (json, expected) in [
            (r#"{"a": "\\ud83d"}"#, None),
            (r#"{"a": "\ud83d\ude00"}"#, None),
            ("{\n\"a\": \"\\ud83d\"}", Some((2, 7))),
            (r#"{"a": "\ude00"}"#, Some((1, 8))),
        ] {
            let found = find_invalid_in_json(json).map(|found| (found.position.line, found.position.column));
            assert_eq!(found, expected, "{json}");
        }
    }

    proptest! {
        /// Every text is unchanged if a JSON encoder writes it, and if it is written as escapes in braces.
        #[test]
        fn every_text_is_read_as_it_was_written(text in any::<String>()) {
            let mut json = String::new();
            let mut braced = String::new();
            for unit in text.encode_utf16() {
                write!(json, "\\u{unit:04x}").unwrap();
            }
            for letter in text.chars() {
                write!(braced, "\\u{{{:x}}}", u32::from(letter)).unwrap();
            }
            for written in [json, braced] {
                let document = format!("{{ a(b: \"{written}\") }}");
                prop_assert_eq!(&parse_argument(&document), &text);
                // Resolving a second time changes nothing.
                let resolved = resolve_escapes(&document).unwrap();
                prop_assert_eq!(resolve_escapes(&resolved).unwrap(), resolved.as_ref());
            }
        }

        #[test]
        fn no_document_is_too_odd(document in "[\\\\\"u{}dDaA0-9cC \n#é]{0,40}") {
            if let Ok(resolved) = resolve_escapes(&document) {
                let most = document.len() + document.matches("\\u{").count();
                prop_assert!(resolved.len() <= most, "{}", resolved);
            }
        }
    }
}
