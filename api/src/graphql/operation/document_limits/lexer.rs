//! Reads the tokens of a GraphQL document, as section 2.1 of the specification (October 2021) defines them,
//! in order and without backtracking.

/// A token, with only the distinctions that measuring needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LexerToken<'a> {
    /// A name or a keyword.
    Name(&'a str),
    /// One of the punctuators `{ } ( ) [ ] : = ! $ | & @`, or a character that does not belong to any token.
    Punctuator(char),
    /// `...`
    Spread,
    /// A number or a string.
    Literal,
}

/// Reads a document token by token. Returns invalid characters one by one; the parser reports them.
#[derive(Clone, Debug)]
pub struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    /// Creates a lexer at the beginning of a document.
    pub const fn new(document: &'a str) -> Self {
        Self { rest: document }
    }

    fn skip_ignored(&mut self) {
        loop {
            self.rest = self
                .rest
                .trim_start_matches([' ', '\t', '\n', '\r', ',', '\u{feff}']);
            if !self.rest.starts_with('#') {
                return;
            }
            self.rest = self.rest.find(['\n', '\r']).map_or("", |end| &self.rest[end..]);
        }
    }

    /// Takes a number of bytes, which must end at a character boundary.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        self.rest = rest;
        taken
    }

    fn take_while(&mut self, goes_on: impl Fn(u8) -> bool) -> &'a str {
        let end = self.rest.bytes().position(|byte| !goes_on(byte));
        self.take(end.unwrap_or(self.rest.len()))
    }

    /// Takes a string that starts here. A string without an end continues to the end of the line, or, for a
    /// block string, of the document.
    fn take_string(&mut self) {
        if let Some(block) = self.rest.strip_prefix("\"\"\"") {
            let mut from = 0;
            let end = loop {
                match block[from..].find("\"\"\"").map(|at| from + at) {
                    Some(at) if block[..at].ends_with('\\') => from = at + 3,
                    Some(at) => break at + 3,
                    None => break block.len(),
                }
            };
            self.rest = &block[end..];
            return;
        }
        let mut escaped = false;
        let end = self.rest[1..].bytes().position(|byte| match byte {
            b'\n' | b'\r' => true,
            _ if escaped => {
                escaped = false;
                false
            }
            b'\\' => {
                escaped = true;
                false
            }
            byte => byte == b'"',
        });
        // Includes both quotation marks.
        let whole = end.map_or(self.rest.len(), |end| end + 2);
        self.take(whole);
    }
}

impl<'a> Lexer<'a> {
    /// Returns the strings that are not block strings, each with its quotation marks and the byte offset of
    /// its start.
    pub fn strings(mut self) -> impl Iterator<Item = (usize, &'a str)> {
        let whole = self.rest;
        std::iter::from_fn(move || {
            loop {
                self.skip_ignored();
                let start = whole.len() - self.rest.len();
                self.next()?;
                let token = &whole[start..whole.len() - self.rest.len()];
                if token.starts_with('"') && !token.starts_with("\"\"\"") {
                    return Some((start, token));
                }
            }
        })
    }
}

impl<'a> Iterator for Lexer<'a> {
    type Item = LexerToken<'a>;

    fn next(&mut self) -> Option<LexerToken<'a>> {
        self.skip_ignored();
        let first = self.rest.chars().next()?;
        Some(match first {
            'a'..='z' | 'A'..='Z' | '_' => {
                LexerToken::Name(self.take_while(|byte| byte.is_ascii_alphanumeric() || byte == b'_'))
            }
            '0'..='9' | '-' => {
                self.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'+' | b'.'));
                LexerToken::Literal
            }
            '"' => {
                self.take_string();
                LexerToken::Literal
            }
            '.' if self.rest.starts_with("...") => {
                self.take(3);
                LexerToken::Spread
            }
            other => {
                self.take(other.len_utf8());
                LexerToken::Punctuator(other)
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn list_tokens(document: &str) -> Vec<LexerToken<'_>> {
        Lexer::new(document).collect()
    }

    #[test]
    fn document_is_split_into_tokens() {
        use LexerToken::{Literal, Name, Punctuator, Spread};
        let document = "\u{feff}query Q($a: [Int!] = [-1.5e+3]) { # a comment with { and \"\n\
                        a: b(c: \"}\\\"{\", d: \"\"\"{ \\\"\"\" { \"\"\") @e ...F, }";
        assert_eq!(
            list_tokens(document),
            [
                Name("query"),
                Name("Q"),
                Punctuator('('),
                Punctuator('$'),
                Name("a"),
                Punctuator(':'),
                Punctuator('['),
                Name("Int"),
                Punctuator('!'),
                Punctuator(']'),
                Punctuator('='),
                Punctuator('['),
                Literal,
                Punctuator(']'),
                Punctuator(')'),
                Punctuator('{'),
                Name("a"),
                Punctuator(':'),
                Name("b"),
                Punctuator('('),
                Name("c"),
                Punctuator(':'),
                Literal,
                Name("d"),
                Punctuator(':'),
                Literal,
                Punctuator(')'),
                Punctuator('@'),
                Name("e"),
                Spread,
                Name("F"),
                Punctuator('}'),
            ]
        );
    }

    #[test]
    fn invalid_documents_are_read_to_the_end() {
        for document in [
            "\"",
            "\"\"\"",
            "\"\\",
            "é{",
            "..",
            "\"é\\",
            "\"\"\"\\\"\"\"",
            "-",
            "#",
            "\0",
        ] {
            assert!(list_tokens(document).len() <= document.len(), "{document}");
        }
        assert_eq!(
            list_tokens("\"open\n{"),
            [LexerToken::Literal, LexerToken::Punctuator('{')]
        );
    }
}
