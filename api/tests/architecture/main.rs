//! The files of the crate import from their own layer and the layers below, and not in large cycles.

mod graph;
mod source;

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use self::graph::Graph;

/// The most files in a cycle of imports. They must also be in one module directly under the root of the crate.
const MAX_CYCLE_FILES: usize = 6;

/// The layers from the bottom up. A file may import from its own layer and from those below it.
///
/// Each layer lists paths of modules. A path means the module and all modules within it, except those that another
/// layer lists.
const LAYERS: [(&str, &[&str]); 8] = [
    (
        "core",
        &[
            "auth/issuer_url",
            "auth/jwks",
            "auth/keys",
            "auth/visibility",
            "describe_failure",
            "change_log",
            "clock",
            "cors",
            "database",
            "error",
            "error_code",
            "etag",
            "id",
            "instance",
            "locks",
            "name_suggestions",
            "public_url",
            "secret",
            "server/settings",
            "vocabulary/mod",
        ],
    ),
    (
        "store",
        &[
            "audit/mod",
            "auth",
            "idempotency",
            "note",
            "notice/mod",
            "paging",
            "reference_data/document",
            "reference_data/mod",
            "reference_data/partial",
            "store",
        ],
    ),
    (
        "what GraphQL types are made with",
        &[
            "auth/permission",
            "graphql/as_of",
            "graphql/comparison",
            "graphql/connection",
            "graphql/error",
            "graphql/filter",
            "graphql/global_id",
            "graphql/input",
            "graphql/operation",
            "graphql/order",
            "graphql/problem",
            "graphql/request",
        ],
    ),
    (
        "domains",
        &[
            "claim",
            "crisis",
            "expiry",
            "export",
            "export_link",
            "grant_detail",
            "import",
            "initiative",
            "integrity",
            "meeting",
            "normalise_database",
            "organisation",
            "pattern",
            "place",
            "redaction",
            "saved_question",
            "submission",
            "subscriptions",
            "vocabulary",
        ],
    ),
    (
        "the running service",
        &[
            "app",
            "graphql",
            "graphql/operation/charge",
            "graphql/operation/cost",
            "graphql/operation/prepare",
            "import/job/worker",
        ],
    ),
    (
        "resolvers",
        &[
            "audit/graphql",
            "auth/graphql",
            "auth/issued_token/graphql",
            "auth/member/graphql",
            "auth/session/graphql",
            "claim/graphql",
            "claim/mutations",
            "crisis/graphql",
            "crisis/mutations",
            "export_link/graphql",
            "saved_question/graphql",
            "graphql/mutation",
            "graphql/node",
            "graphql/revision",
            "import/graphql",
            "import/subscription",
            "initiative/graphql",
            "meeting/graphql",
            "meeting/mutations",
            "notice/graphql",
            "organisation/graphql",
            "organisation/loaders",
            "organisation/merge/graphql",
            "organisation/mutations",
            "pattern/files",
            "pattern/graphql",
            "pattern/service",
            "place/graphql",
            "place/loaders",
            "place/mutations",
            "redaction/graphql",
            "reference_data/graphql",
            "schema",
            "submission/graphql",
            "submission/mutations",
            "submission/subscription",
            "vocabulary/graphql",
            "vocabulary/mutations",
        ],
    ),
    (
        "HTTP",
        &[
            "export_link/http",
            "graphiql",
            "http",
            "import/http",
            "multipart",
            "pages",
            "pattern/files/http",
            "server",
            "submission/http",
            "subscriptions/socket",
            "workbook_http",
        ],
    ),
    ("command line", &["cli", "config", "load_sample"]),
];

static GRAPH: LazyLock<Graph> = LazyLock::new(|| {
    let source_folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    graph::build_graph(&source::read_crate(&source_folder, "lib.rs"))
});

/// The position of the layer of a file.
fn find_layer(file: &Path) -> Option<usize> {
    let module = file.with_extension("");
    let claims = LAYERS
        .iter()
        .enumerate()
        .flat_map(|(layer, (_, paths))| paths.iter().map(move |path| (*path, layer)));
    claims
        .filter(|(path, _)| module.starts_with(path))
        .max_by_key(|(path, _)| path.len())
        .map(|(_, layer)| layer)
}

/// The module of a file directly under the root of the crate.
fn root_module(file: &Path) -> PathBuf {
    file.with_extension("").iter().take(1).collect()
}

#[test]
fn files_import_only_from_their_own_layer_and_below() {
    let mut faults = String::new();
    for (file, imports) in &*GRAPH {
        if file == Path::new("lib.rs") {
            continue;
        }
        let Some(layer) = find_layer(file) else {
            let _ = writeln!(faults, "{} is in no layer", file.display());
            continue;
        };
        for (imported, line) in imports {
            let Some(above) = find_layer(imported).filter(|other| *other > layer) else {
                continue;
            };
            let _ = writeln!(
                faults,
                "{}:{line} (\"{}\") imports from {} (\"{}\")",
                file.display(),
                LAYERS[layer].0,
                imported.display(),
                LAYERS[above].0,
            );
        }
    }
    assert!(
        faults.is_empty(),
        "imports against the order of layers:\n{faults}"
    );
}

#[test]
fn every_path_of_a_layer_names_a_module() {
    for (name, paths) in LAYERS {
        for path in paths {
            let is_found = GRAPH.keys().any(|file| file.with_extension("").starts_with(path));
            assert!(is_found, "{path} of the layer \"{name}\" names no module");
        }
    }
}

#[test]
fn cycles_of_imports_are_small_and_within_one_module() {
    let mut faults = String::new();
    for cycle in graph::find_cycles(&GRAPH) {
        let modules: BTreeSet<PathBuf> = cycle.iter().map(|file| root_module(file)).collect();
        if cycle.len() <= MAX_CYCLE_FILES && modules.len() == 1 {
            continue;
        }
        let _ = writeln!(faults, "a cycle of {} files:", cycle.len());
        for file in &cycle {
            let _ = writeln!(faults, "    {}", file.display());
        }
        let _ = writeln!(faults, "  one of the shortest ways round:");
        let way = graph::find_shortest_cycle(&GRAPH, &cycle);
        for (file, next) in way.iter().zip(way.iter().cycle().skip(1)) {
            let line = GRAPH[file][next];
            let _ = writeln!(
                faults,
                "    {}:{line} imports from {}",
                file.display(),
                next.display()
            );
        }
    }
    assert!(
        faults.is_empty(),
        "at most {MAX_CYCLE_FILES} files of one module may import each other:\n{faults}"
    );
}

#[test]
fn graph_follows_every_way_of_naming_an_item() {
    let folder = tempfile::tempdir().unwrap();
    let write = |file: &str, text: &str| {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("lib.rs", "mod a; mod b; mod c; mod d;");
    write(
        "a/mod.rs",
        "mod inner; mod other; pub use self::inner::Inner; pub use self::other::*;",
    );
    write("a/inner.rs", "pub struct Inner; fn f() { super::super::d::g(); }");
    write(
        "a/other.rs",
        "pub const OTHER: u8 = 1; fn f() -> u8 { crate::c::C }",
    );
    write(
        "b.rs",
        "use crate::a::{self, Inner}; use crate::c; fn f() -> u8 { a::OTHER }",
    );
    write(
        "c.rs",
        "pub const C: u8 = 1; macro_rules! m { () => { $crate::b::f() }; }
         #[cfg(test)] mod tests { use crate::a::Inner; } #[cfg(test)] use crate::d::g;",
    );
    write(
        "d.rs",
        "pub fn g() {} #[serde(with = \"crate::c\")] struct S; mod inline { use super::super::b::f; }",
    );
    let graph = graph::build_graph(&source::read_crate(folder.path(), "lib.rs"));
    let edges: Vec<String> = graph
        .iter()
        .flat_map(|(file, imports)| {
            imports
                .keys()
                .map(|imported| format!("{} -> {}", file.display(), imported.display()))
        })
        .collect();
    assert_eq!(
        edges,
        [
            "a/inner.rs -> d.rs",
            "a/other.rs -> c.rs",
            "b.rs -> a/inner.rs",
            "b.rs -> a/other.rs",
            "c.rs -> b.rs",
            "d.rs -> b.rs",
        ]
    );
    let cycles = graph::find_cycles(&graph);
    assert_eq!(cycles.len(), 1, "{cycles:?}");
    assert_eq!(cycles[0].len(), 5, "{cycles:?}");
    assert_eq!(graph::find_shortest_cycle(&graph, &cycles[0]).len(), 3);
}
