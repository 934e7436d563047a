//! Tests that the schema is compatible with the last release: a client of that release can send the same
//! operations and read the responses, except for what was deprecated in a release.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use async_graphql::parser::parse_schema;
use async_graphql::parser::types::{
    BaseType, ConstDirective, FieldDefinition, InputValueDefinition, Type, TypeKind, TypeSystemDefinition,
};
use async_graphql::{Name, Positioned};

/// The types of a schema by name.
type SchemaTypes = BTreeMap<String, TypeKind>;

fn parse_types(sdl: &str) -> SchemaTypes {
    let document = parse_schema(sdl).unwrap();
    let types = document.definitions.into_iter().filter_map(|one| match one {
        TypeSystemDefinition::Type(one) => Some((one.node.name.node.to_string(), one.node.kind)),
        _ => None,
    });
    types.collect()
}

/// The breaking changes between a released schema and another, one line each.
fn find_breaking_changes(released: &str, now: &str) -> Vec<String> {
    let (released, now) = (parse_types(released), parse_types(now));
    let mut broken = Vec::new();
    for (name, was) in &released {
        let Some(is) = now.get(name) else {
            broken.push(format!("{name} is there no more"));
            continue;
        };
        match (was, is) {
            (TypeKind::Scalar, TypeKind::Scalar) => {}
            (TypeKind::Object(was), TypeKind::Object(is)) => {
                find_missing(
                    &mut broken,
                    name,
                    "implements",
                    &collect_names(&was.implements),
                    &collect_names(&is.implements),
                );
                compare_fields(&mut broken, name, &was.fields, &is.fields);
            }
            (TypeKind::Interface(was), TypeKind::Interface(is)) => {
                compare_fields(&mut broken, name, &was.fields, &is.fields);
            }
            (TypeKind::Union(was), TypeKind::Union(is)) => {
                find_missing(
                    &mut broken,
                    name,
                    "may be",
                    &collect_names(&was.members),
                    &collect_names(&is.members),
                );
            }
            (TypeKind::Enum(was), TypeKind::Enum(is)) => {
                let current = was
                    .values
                    .iter()
                    .filter(|value| !is_deprecated(&value.node.directives));
                let was: BTreeSet<String> = current.map(|value| value.node.value.node.to_string()).collect();
                let is = is
                    .values
                    .iter()
                    .map(|value| value.node.value.node.to_string())
                    .collect();
                find_missing(&mut broken, name, "has the value", &was, &is);
            }
            (TypeKind::InputObject(was), TypeKind::InputObject(is)) => {
                compare_inputs(&mut broken, name, &was.fields, &is.fields);
            }
            _ => broken.push(format!("{name} is of another kind")),
        }
    }
    broken
}

fn collect_names(named: &[Positioned<Name>]) -> BTreeSet<String> {
    named.iter().map(|name| name.node.to_string()).collect()
}

fn is_deprecated(directives: &[Positioned<ConstDirective>]) -> bool {
    directives.iter().any(|one| one.node.name.node == "deprecated")
}

fn find_missing(
    broken: &mut Vec<String>,
    of: &str,
    what: &str,
    was: &BTreeSet<String>,
    is: &BTreeSet<String>,
) {
    broken.extend(
        was.difference(is)
            .map(|gone| format!("{of} {what} {gone} no more")),
    );
}

fn compare_fields(
    broken: &mut Vec<String>,
    of: &str,
    was: &[Positioned<FieldDefinition>],
    is: &[Positioned<FieldDefinition>],
) {
    for was in was.iter().map(|field| &field.node) {
        let path = format!("{of}.{}", was.name.node);
        let Some(is) = is
            .iter()
            .map(|field| &field.node)
            .find(|is| is.name.node == was.name.node)
        else {
            if !is_deprecated(&was.directives) {
                broken.push(format!("{path} is there no more"));
            }
            continue;
        };
        if !is_output_compatible(&is.ty.node, &was.ty.node) {
            broken.push(format!(
                "{path} was of the type {} and is of {}",
                was.ty.node, is.ty.node
            ));
        }
        compare_inputs(broken, &path, &was.arguments, &is.arguments);
    }
}

/// Compares the arguments of a field or the fields of an input type.
fn compare_inputs(
    broken: &mut Vec<String>,
    of: &str,
    was: &[Positioned<InputValueDefinition>],
    is: &[Positioned<InputValueDefinition>],
) {
    let find = |among: &[Positioned<InputValueDefinition>], name: &Name| {
        among
            .iter()
            .map(|one| &one.node)
            .find(|one| one.name.node == *name)
            .cloned()
    };
    for was in was.iter().map(|one| &one.node) {
        let path = format!("{of}({})", was.name.node);
        match find(is, &was.name.node) {
            None if is_deprecated(&was.directives) => {}
            None => broken.push(format!("{path} is there no more")),
            // Inputs must accept what they accepted before, so the comparison is reversed.
            Some(is) if !is_output_compatible(&was.ty.node, &is.ty.node) => {
                broken.push(format!(
                    "{path} was of the type {} and is of {}",
                    was.ty.node, is.ty.node
                ));
            }
            Some(is)
                // The server decides about optional inputs without a default.
                if was.default_value.is_some()
                    && (is.default_value.is_some() || !is.ty.node.nullable)
                    && is.default_value.as_ref().map(|one| &one.node)
                        != was.default_value.as_ref().map(|one| &one.node) =>
            {
                broken.push(format!("{path} has another default"));
            }
            Some(_) => {}
        }
    }
    for is in is.iter().map(|one| &one.node) {
        let must_be_given = !is.ty.node.nullable && is.default_value.is_none();
        if must_be_given && find(was, &is.name.node).is_none() {
            broken.push(format!("{of}({}) must be given from now on", is.name.node));
        }
    }
}

/// Whether a client that expects one type can read another.
fn is_output_compatible(of: &Type, expected: &Type) -> bool {
    (expected.nullable || !of.nullable)
        && match (&of.base, &expected.base) {
            (BaseType::Named(of), BaseType::Named(expected)) => of == expected,
            (BaseType::List(of), BaseType::List(expected)) => is_output_compatible(of, expected),
            _ => false,
        }
}

/// The last released schema and its version. The files of `docs/schema` are named after versions.
fn load_last_released() -> (Vec<u32>, String) {
    let folder = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/schema"));
    let released = std::fs::read_dir(folder).unwrap().filter_map(|file| {
        let path = file.unwrap().path();
        let version = path.file_name()?.to_str()?.strip_suffix(".graphql")?;
        let version = version
            .split('.')
            .map(str::parse)
            .collect::<Result<Vec<u32>, _>>();
        Some((version.expect("a file is named by its version"), path))
    });
    let (version, path) = released.max().expect("a schema was released");
    (version, std::fs::read_to_string(path).unwrap())
}

#[test]
fn released_schema_is_still_compatible() {
    let (version, released) = load_last_released();
    let broken = find_breaking_changes(&released, super::schema_sdl());
    assert!(
        broken.is_empty(),
        "the schema of version {version:?} promised more (deprecate first; docs/schema/README.md says how):\n{}",
        broken.join("\n")
    );
}

#[test]
fn every_breaking_change_is_detected() {
    const RELEASED_SDL: &str = "
        interface Node { id: ID! }
        type A implements Node { id: ID! name: String! old: Int @deprecated(reason: \"use name\") of(first: Int = 10, by: Way, was: Int @deprecated): [A!]! }
        union Any = A | B
        type B { a: A }
        enum Way { UP DOWN SIDEWAYS @deprecated }
        input Filter { and: [Filter!] way: Way! }
        scalar Day
        type Query { a(filter: Filter): A }";
    assert_eq!(
        find_breaking_changes(RELEASED_SDL, RELEASED_SDL),
        Vec::<String>::new()
    );
    // Compatible changes: removing deprecated fields, adding fields, making inputs optional, and making
    // outputs non-null.
    let more = RELEASED_SDL
        .replace(" old: Int @deprecated(reason: \"use name\")", " more: Int")
        .replace(", was: Int @deprecated", ", also: Int")
        .replace(" SIDEWAYS @deprecated", " ROUND")
        .replace("way: Way!", "way: Way not: Filter")
        .replace("type B { a: A }", "type B { a: A! }");
    assert_eq!(find_breaking_changes(RELEASED_SDL, &more), Vec::<String>::new());
    for (from, to, says) in [
        ("scalar Day", "", "Day is there no more"),
        ("scalar Day", "enum Day { MONDAY }", "Day is of another kind"),
        ("name: String!", "", "A.name is there no more"),
        (
            "name: String!",
            "name: String",
            "A.name was of the type String! and is of String",
        ),
        ("[A!]!", "[A]!", "A.of was of the type [A!]! and is of [A]!"),
        ("[A!]!", "A!", "A.of was of the type [A!]! and is of A!"),
        (", by: Way", "", "A.of(by) is there no more"),
        (
            "by: Way",
            "by: Way!",
            "A.of(by) was of the type Way and is of Way!",
        ),
        ("by: Way", "by: Int", "A.of(by) was of the type Way and is of Int"),
        ("= 10", "= 20", "A.of(first) has another default"),
        (
            "by: Way",
            "by: Way, to: Int!",
            "A.of(to) must be given from now on",
        ),
        ("type A implements Node", "type A", "A implements Node no more"),
        ("A | B", "A", "Any may be B no more"),
        ("DOWN", "", "Way has the value DOWN no more"),
        ("and: [Filter!]", "", "Filter(and) is there no more"),
        (
            "way: Way!",
            "way: Way! at: Int!",
            "Filter(at) must be given from now on",
        ),
        (
            "way: Way!",
            "way: Day!",
            "Filter(way) was of the type Way! and is of Day!",
        ),
    ] {
        let now = RELEASED_SDL.replacen(from, to, 1);
        assert_eq!(
            find_breaking_changes(RELEASED_SDL, &now),
            [says],
            "{from} -> {to}"
        );
    }
}
