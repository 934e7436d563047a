//! Documents that try to overload a server, or to obtain too much information.

use std::fmt::Write as _;

/// A document that must be rejected at little cost.
pub struct HostileDocument {
    /// What the document tries.
    pub tries: &'static str,
    pub document: String,
    /// The code of the error.
    pub code: &'static str,
}

const TOO_EXPENSIVE: &str = "QUERY_TOO_EXPENSIVE";
const BAD_INPUT: &str = "BAD_USER_INPUT";

/// Fragments, each of which spreads the next one twice. The last one contains `last`.
fn doubling_fragments(count: usize, last: &str) -> String {
    let mut document = "{ ...f0 }".to_owned();
    for number in 0..count {
        let next = number + 1;
        write!(
            document,
            " fragment f{number} on Query {{ ...f{next} ...f{next} }}"
        )
        .unwrap();
    }
    write!(document, " fragment f{count} on Query {last}").unwrap();
    document
}

/// A number of texts, each made from its position.
fn repeat_numbered(count: usize, one: impl Fn(usize) -> String) -> String {
    (0..count).map(one).collect::<Vec<_>>().join(" ")
}

fn nest(open: &str, inside: &str, close: &str) -> String {
    format!("{}{inside}{}", open.repeat(5_000), close.repeat(5_000))
}

#[expect(clippy::too_many_lines, reason = "one entry for each thing that can be tried")]
pub fn list_documents() -> Vec<HostileDocument> {
    let mut hostile = Vec::new();
    let mut refused = |tries, code, document| {
        hostile.push(HostileDocument {
            tries,
            document,
            code,
        });
    };
    for (tries, document) in [
        (
            "eighteen fragments, each spreading the next twice",
            doubling_fragments(18, "{ __typename }"),
        ),
        (
            "forty such, the last spreading one that does not exist",
            doubling_fragments(40, "{ ...nowhere }"),
        ),
        (
            "ninety such, the last with a field that does not exist",
            doubling_fragments(90, "{ nothing }"),
        ),
        (
            "a fragment that spreads itself",
            "{ ...a } fragment a on Query { ...a }".to_owned(),
        ),
        (
            "fragments that spread each other in a ring",
            "{ ...a } fragment a on Query { ...b } fragment b on Query { ...c } fragment c on Query { ...a }"
                .to_owned(),
        ),
        (
            "a list 5,000 deep",
            format!("{{ nodes(ids: {}) {{ id }} }}", nest("[", "", "]")),
        ),
        (
            "an object 5,000 deep",
            format!(
                "{{ initiatives(filter: {}) {{ totalCount }} }}",
                nest("{and: ", "{}", "}")
            ),
        ),
        (
            "a type 5,000 deep",
            format!("query($a: {}) {{ viewer {{ role }} }}", nest("[", "ID", "]")),
        ),
        (
            "selections 5,000 deep",
            nest("{ places { nodes ", "{ id }", "} }"),
        ),
        (
            "inline fragments 5,000 deep",
            format!("{{ {} }}", nest("... { ", "__typename", " }")),
        ),
        (
            "10,000 directives on a field",
            format!("{{ __typename {} }}", "@a ".repeat(10_000)),
        ),
        (
            "10,000 directives that are known",
            format!("{{ __typename {} }}", "@skip(if: false) ".repeat(1_500)),
        ),
        (
            "more bytes than a document may have",
            format!("{{ __typename }} # {}", "x".repeat(70_000)),
        ),
        (
            "more tokens than a document may have",
            format!("{{ {} }}", "a ".repeat(20_000)),
        ),
        (
            "a thousand aliases of a pattern",
            format!(
                "{{ {} }}",
                repeat_numbered(1_000, |at| format!(
                    "a{at}: pattern(when: {{}}, then: {{}}) {{ summary {{ text }} }}"
                ))
            ),
        ),
        (
            "a thousand operations",
            repeat_numbered(1_000, |at| format!("query q{at} {{ __typename }}")),
        ),
        (
            "a thousand fragments",
            format!(
                "{{ __typename }} {}",
                repeat_numbered(1_000, |at| format!("fragment f{at} on Query {{ __typename }}"))
            ),
        ),
        (
            "nine hundred fields at the root",
            format!("{{ {} }}", "__typename ".repeat(900)),
        ),
    ] {
        refused(tries, TOO_EXPENSIVE, document);
    }
    for (tries, document) in [
        (
            "fields of one name that are each other's contradiction",
            format!(
                "{{ places {{ nodes {{ {} }} }} }}",
                repeat_numbered(45, |_| "a: name a: code name".to_owned())
            ),
        ),
        (
            "nine hundred fields that are not there",
            format!(
                "{{ viewer {{ {} }} }}",
                repeat_numbered(900, |at| format!("x{at}"))
            ),
        ),
        (
            "nine hundred arguments that are not there",
            format!(
                "{{ viewer({}) {{ role }} }}",
                repeat_numbered(900, |at| format!("x{at}: 1"))
            ),
        ),
        (
            "nine hundred variables that nothing uses",
            format!(
                "query({}) {{ viewer {{ role }} }}",
                repeat_numbered(900, |at| format!("$x{at}: ID"))
            ),
        ),
        (
            "a page of minus one",
            "{ initiatives(first: -1) { totalCount } }".to_owned(),
        ),
        (
            "a page of a billion",
            "{ initiatives(first: 1000000000) { totalCount } }".to_owned(),
        ),
        (
            "a page of a billion within a page of a billion",
            "{ places(first: 1000000000) { nodes { initiatives(last: 1000000000) { nodes { id } } } } }"
                .to_owned(),
        ),
        (
            "a page longer than any number",
            format!("{{ initiatives(first: {}) {{ totalCount }} }}", "9".repeat(5_000)),
        ),
        (
            "a thousand ids at once",
            format!("{{ nodes(ids: [{}]) {{ id }} }}", "\"a\" ".repeat(1_000)),
        ),
        (
            "a text that does not end",
            format!(
                "{{ initiatives(filter: {{title: {{contains: \"{}",
                "x".repeat(60_000)
            ),
        ),
        (
            "a block of text that does not end",
            format!("{{ node(id: \"\"\"{}", "\\\"\"\"".repeat(10_000)),
        ),
        (
            "a text of sixty thousand escapes",
            format!("{{ node(id: \"{}\") {{ id }} }}", "\\u0041".repeat(10_000)),
        ),
        ("nothing but commas", ",".repeat(60_000)),
        ("nothing but comments", "#\n".repeat(30_000)),
        (
            "characters of control",
            "{ __typename \u{0} \u{7} \u{feff} \u{1b}[2J }".to_owned(),
        ),
    ] {
        refused(tries, BAD_INPUT, document);
    }
    hostile
}
