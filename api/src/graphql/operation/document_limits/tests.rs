use std::collections::HashMap;
use std::fmt::Write as _;

use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use super::{DocumentLimits, DocumentSize, measure_document};
use crate::error::DocumentLimitExceeded;

fn measure_unlimited(document: &str) -> DocumentSize {
    measure_document(document, &DocumentLimits::UNLIMITED).unwrap()
}

fn measure_error(document: &str) -> DocumentLimitExceeded {
    measure_document(document, &DocumentLimits::default()).unwrap_err()
}

#[test]
fn every_part_of_a_document_is_counted() {
    let document = r#"
        query Q($ids: [[ID!]!]! = [["a"]] @d, $flag: Boolean) @d {
          viewer { role }
          mine: initiatives(first: 3, where: {and: [{title: {contains: "} {"}}]}) @include(if: $flag) {
            ...Page @d
            ... on InitiativeConnection { totalCount }
            ... @skip(if: $flag) { pageInfo { endCursor } }
          }
          ...Root
          ... on Query { ... { places { totalCount } } }
        }
        fragment Page on InitiativeConnection { nodes { id title: summary } }
        fragment Root on Query { a: node(id: 1) { id } vocabulary { name } }
    "#;
    assert_eq!(
        measure_unlimited(document),
        DocumentSize {
            tokens: 143,
            depth: 4,
            nesting: 4,
            operations: 1,
            fragments: 2,
            // 14 in the operation, 3 in one fragment and 4 in the other.
            selections: 21,
            aliases: 3,
            directives: 5,
            root_fields: 5,
            // One for each token and one for each of the two spreads.
            steps: 145,
        }
    );
}

#[test]
fn doubling_fragments_are_rejected_after_few_steps() {
    for leaf in ["{ __typename }", "{ ...unknown }"] {
        let mut document = "query { ...f0 }".to_owned();
        for number in 0..30 {
            let next = number + 1;
            let _ = write!(
                document,
                " fragment f{number} on Query {{ ...f{next} ...f{next} }}"
            );
        }
        let _ = write!(document, " fragment f30 on Query {leaf}");
        assert!(document.len() < 2_000);
        assert_eq!(
            measure_error(&document),
            DocumentLimitExceeded::TooMany {
                what: "selections",
                most: 1_000
            }
        );
        let work = measure_unlimited(&document);
        assert!(work.selections > 1 << 30, "{work:?}");
        assert!(work.steps < 2 * work.tokens, "{work:?}");
    }
    // The number of expanded selections exceeds every integer type.
    let mut document = "query { ...f0 }".to_owned();
    for number in 0..200 {
        let next = number + 1;
        let _ = write!(
            document,
            " fragment f{number} on Query {{ ...f{next} ...f{next} }}"
        );
    }
    document.push_str(" fragment f200 on Query { __typename }");
    assert_eq!(measure_unlimited(&document).selections, usize::MAX);
}

#[test]
fn recursive_fragments_are_rejected() {
    for document in [
        "{ ...a } fragment a on Query { ...a }",
        "{ a } fragment a on Query { ...b } fragment b on Query { ...c } fragment c on Query { x { ...a } }",
    ] {
        assert!(
            matches!(measure_error(document), DocumentLimitExceeded::Cycle(_)),
            "{document}"
        );
    }
}

#[test]
fn endless_nesting_is_rejected() {
    let deep = |open: &str, close: &str| format!("{}{}", open.repeat(5_000), close.repeat(5_000));
    for document in [
        format!("{{ a(b: {}) }}", deep("[", "]")),
        format!("{{ a(b: {}) }}", deep("{a: ", "}")),
        format!("{{ a{} }}", deep("(", ")")),
        format!("query($a: {}) {{ a }}", deep("[", "]")),
        format!("{{ a @b(c: {}) }}", deep("[", "]")),
        format!("query @b(c: {}) {{ a }}", deep("[", "]")),
        deep("{ a", "}"),
        deep("{ ... ", "}"),
        deep("{ ... @a ", "}"),
        "{ a(b: ".to_owned() + &"[".repeat(5_000),
        "{".repeat(5_000),
    ] {
        let start: String = document.chars().take(30).collect();
        assert!(
            matches!(measure_error(&document), DocumentLimitExceeded::TooDeep { .. }),
            "{start}: {:?}",
            measure_error(&document)
        );
    }
    // The depth of a fragment is added to the depth of its spread.
    let mut document = "query { a { ...f0 } }".to_owned();
    for number in 0..20 {
        let next = number + 1;
        let _ = write!(document, " fragment f{number} on Query {{ a {{ ...f{next} }} }}");
    }
    document.push_str(" fragment f20 on Query { a }");
    assert_eq!(measure_unlimited(&document).depth, 22);
    assert!(matches!(
        measure_error(&document),
        DocumentLimitExceeded::TooDeep { .. }
    ));
}

#[test]
fn each_limit_is_reported_by_name() {
    let fields = |count: usize| "a ".repeat(count);
    for (what, document) in [
        ("bytes", format!("{{ a }} #{}", "x".repeat(64 * 1024))),
        ("tokens", format!("{{ a(b: [{}]) }}", "1 ".repeat(10_000))),
        ("operations", "query { a }".repeat(11)),
        ("fragments", "fragment a on A { a }".repeat(101)),
        ("selections", format!("{{ a {{ {} }} }}", fields(1_000))),
        ("selections", format!("{{ a {{ {} }} }}", "...a ".repeat(1_000))),
        ("aliases", format!("{{ a {{ {} }} }}", "b: a ".repeat(101))),
        ("directives", format!("{{ a {} }}", "@a ".repeat(10_000 / 2 - 10))),
        ("directives", format!("query {} {{ a }}", "@a ".repeat(101))),
        (
            "directives",
            format!("query($a: B {}) {{ a }}", "@a ".repeat(101)),
        ),
        ("root fields", format!("{{ {} }}", fields(51))),
        ("root fields", format!("{{ ... on Query {{ {} }} }}", fields(51))),
        (
            "root fields",
            format!("{{ ...a ...a ...a }} fragment a on Query {{ {} }}", fields(17)),
        ),
    ] {
        let start: String = document.chars().take(30).collect();
        let refusal = measure_error(&document);
        assert!(
            matches!(refusal, DocumentLimitExceeded::TooMany { what: found, .. } if found == what),
            "{start}: {refusal:?} instead of {what}"
        );
    }
}

/// Generates a document. Returns it with the numbers of selections and root fields of its definitions with
/// all spreads expanded, computed recursively.
fn random_document(random: &mut StdRng) -> (String, usize, usize, usize) {
    struct GeneratedDefinition {
        text: String,
        spreads: Vec<(usize, usize, bool)>,
        own: usize,
        root: usize,
        depth: usize,
    }
    fn write_random_selections(
        random: &mut StdRng,
        later: std::ops::Range<usize>,
        depth: usize,
        is_root: bool,
        into: &mut GeneratedDefinition,
    ) {
        into.depth = into.depth.max(depth);
        into.text.push('{');
        for _ in 0..random.random_range(1..4) {
            into.own += 1;
            match random.random_range(0..5) {
                0 if !later.is_empty() => {
                    let spread = random.random_range(later.clone());
                    let _ = write!(into.text, "...f{spread} ");
                    into.spreads.push((spread, depth, is_root));
                }
                1 if depth < 4 => {
                    into.text
                        .push_str(["... on T ", "... ", "... @d "][random.random_range(0..3)]);
                    write_random_selections(random, later.clone(), depth + 1, is_root, into);
                }
                2 if depth < 4 => {
                    into.text
                        .push_str(["a", "on:a(b:{c:[1]})", "fragment"][random.random_range(0..3)]);
                    into.root += usize::from(is_root);
                    write_random_selections(random, later.clone(), depth + 1, false, into);
                }
                _ => {
                    into.text
                        .push_str(["a,", "a @d(x: \"}\") ", "query: on "][random.random_range(0..3)]);
                    into.root += usize::from(is_root);
                }
            }
        }
        into.text.push('}');
    }
    fn naive_total(
        made: &[GeneratedDefinition],
        of: usize,
        memory: &mut HashMap<usize, [usize; 3]>,
    ) -> [usize; 3] {
        let mut all = [made[of].own, made[of].root, made[of].depth];
        for (spread, depth, is_root) in &made[of].spreads {
            let brought = naive_total(made, *spread, memory);
            all[0] += brought[0];
            all[1] += if *is_root { brought[1] } else { 0 };
            all[2] = all[2].max(depth - 1 + brought[2]);
        }
        memory.insert(of, all);
        all
    }
    let count = random.random_range(0..6);
    let mut made = Vec::new();
    for number in 0..=count {
        let mut one = GeneratedDefinition {
            text: String::new(),
            spreads: Vec::new(),
            own: 0,
            root: 0,
            depth: 0,
        };
        // The last definition is the operation. A fragment spreads only later ones.
        let later = if number == count {
            0..count
        } else {
            number + 1..count
        };
        write_random_selections(random, later, 1, true, &mut one);
        made.push(one);
    }
    let mut memory = HashMap::new();
    for of in 0..made.len() {
        naive_total(&made, of, &mut memory);
    }
    let mut text = String::new();
    for (number, one) in made.iter().enumerate() {
        if number == count {
            text.push_str(["query Q($a: [B!] = [1]) @d ", "", "query"][random.random_range(0..3)]);
        } else {
            let _ = write!(text, "fragment f{number} on T ");
        }
        text.push_str(&one.text);
    }
    let most = |at: usize| memory.values().map(|total| total[at]).max().unwrap();
    (text, most(0), memory[&count][1], most(2))
}

#[test]
fn counts_match_expanded_fragments() {
    let mut random = StdRng::seed_from_u64(5);
    for _ in 0..2_000 {
        let (document, selections, root_fields, depth) = random_document(&mut random);
        let work = measure_unlimited(&document);
        assert_eq!(
            (work.selections, work.root_fields, work.depth),
            (selections, root_fields, depth),
            "{document}"
        );
    }
}

#[test]
fn measuring_takes_linear_time() {
    let mut random = StdRng::seed_from_u64(6);
    let parts = [
        "{", "}", "(", ")", "[", "]", "...", "a", "on", "fragment", "query", ":", "@", "$", "!", "=", "\"",
        "\"\"\"", "#", "\n", "\\", "é", "1", "-", "&", "|", " ", ".",
    ];
    for _ in 0..5_000 {
        let document: String = (0..random.random_range(0..60))
            .map(|_| parts[random.random_range(0..parts.len())])
            .collect();
        // A document with a cycle is an error, which is valid here.
        if let Ok(work) = measure_document(&document, &DocumentLimits::UNLIMITED) {
            assert!(work.steps <= 3 * document.len(), "{document}: {work:?}");
        }
    }
}
