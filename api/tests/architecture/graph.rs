//! The graph of the files of a crate: which file names an item that another defines.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::PathBuf;

use crate::source::{Module, ModulePath};

/// The files that each file depends on, each with the first line that names it.
pub type Graph = BTreeMap<PathBuf, BTreeMap<PathBuf, usize>>;

/// The most re-exports that are followed to find an item.
const MAX_REEXPORTS: usize = 20;

/// What a path resolves to.
#[derive(Debug)]
enum Target {
    /// A module, which is not in itself something that code can depend on.
    Module,
    /// An item that a module defines.
    ItemOf(ModulePath),
}

/// The graph of the files of a crate.
///
/// A file depends on another where it names an item that the other defines: in a `use`, in a path anywhere in its code,
/// also within macros, or in a text of an attribute, such as serde's. A name is followed through re-exports to the file
/// that defines it. These are no dependencies:
/// - what a module re-exports from its own children and does not use itself;
/// - the name of a module on its own, without an item of it;
/// - anything in tests.
pub fn build_graph(modules: &BTreeMap<ModulePath, Module>) -> Graph {
    let mut graph = Graph::new();
    for (scope, module) in modules {
        let file_edges = graph.entry(module.file.clone()).or_default();
        let imports = module.imports.iter().map(|import| {
            let is_used = import
                .name
                .as_ref()
                .is_some_and(|name| module.words.contains(name));
            (
                &import.path,
                import.line,
                import.is_public && !is_used,
                import.name.is_none(),
            )
        });
        let paths = module
            .paths
            .iter()
            .map(|path| (&path.path, path.line, false, false));
        for (path, line, is_only_reexported, is_glob) in imports.chain(paths) {
            let Some(target) = resolve_path(modules, scope, path, MAX_REEXPORTS) else {
                continue;
            };
            let defined_in = match target {
                Target::ItemOf(defined_in) => defined_in,
                // A glob import depends on every item of the module.
                Target::Module if is_glob => match resolve_absolute(modules, scope, path, MAX_REEXPORTS) {
                    Some(path) if modules.contains_key(&path) => path,
                    _ => continue,
                },
                Target::Module => continue,
            };
            if is_only_reexported && defined_in.starts_with(scope) {
                continue;
            }
            let file = &modules[&defined_in].file;
            if *file != module.file {
                let first = file_edges.entry(file.clone()).or_insert(line);
                *first = line.min(*first);
            }
        }
    }
    graph
}

/// A path from the root of the crate; none for a path to another crate.
fn resolve_absolute(
    modules: &BTreeMap<ModulePath, Module>,
    scope: &ModulePath,
    path: &[String],
    steps: usize,
) -> Option<ModulePath> {
    let mut base = scope.clone();
    let mut rest = path;
    match path.first()?.as_str() {
        "crate" => {
            base.clear();
            rest = &rest[1..];
        }
        "self" => rest = &rest[1..],
        "super" => {
            while rest.first().is_some_and(|word| word == "super") {
                base.pop()?;
                rest = &rest[1..];
            }
        }
        first if modules[scope].children.contains(first) => {}
        first => {
            let import = modules[scope].imports.iter().find(|import| {
                import.name.as_deref() == Some(first)
                    && import.path.first().map(String::as_str) != Some(first)
            })?;
            let mut imported = resolve_absolute(modules, scope, &import.path, steps.checked_sub(1)?)?;
            imported.extend_from_slice(&rest[1..]);
            return Some(imported);
        }
    }
    base.extend_from_slice(rest);
    Some(base)
}

fn resolve_path(
    modules: &BTreeMap<ModulePath, Module>,
    scope: &ModulePath,
    path: &[String],
    steps: usize,
) -> Option<Target> {
    let steps = steps.checked_sub(1)?;
    let path = resolve_absolute(modules, scope, path, steps)?;
    let mut at = ModulePath::new();
    for (index, word) in path.iter().enumerate() {
        let module = &modules[&at];
        let is_last = index + 1 == path.len();
        if module.children.contains(word) && !(is_last && module.items.contains(word)) {
            at.push(word.clone());
            continue;
        }
        if module.items.contains(word) {
            return Some(Target::ItemOf(at));
        }
        let imported = module
            .imports
            .iter()
            .find(|import| import.name.as_ref() == Some(word));
        if let Some(import) = imported {
            let mut target = resolve_absolute(modules, &at, &import.path, steps)?;
            target.extend_from_slice(&path[index + 1..]);
            target.insert(0, "crate".into());
            return resolve_path(modules, &ModulePath::new(), &target, steps);
        }
        for glob in module.imports.iter().filter(|import| import.name.is_none()) {
            let Some(mut target) = resolve_absolute(modules, &at, &glob.path, steps) else {
                continue;
            };
            let has_word = modules.get(&target).is_some_and(|module| {
                module.items.contains(word)
                    || module.children.contains(word)
                    || module
                        .imports
                        .iter()
                        .any(|import| import.name.as_ref() == Some(word))
            });
            if has_word {
                target.extend_from_slice(&path[index..]);
                target.insert(0, "crate".into());
                return resolve_path(modules, &ModulePath::new(), &target, steps);
            }
        }
        return Some(Target::ItemOf(at));
    }
    Some(Target::Module)
}

/// The strongly connected components of more than one file, largest first (Tarjan's algorithm).
pub fn find_cycles(graph: &Graph) -> Vec<BTreeSet<PathBuf>> {
    let mut search = Search {
        graph,
        index: BTreeMap::new(),
        low: BTreeMap::new(),
        stack: Vec::new(),
        found: Vec::new(),
    };
    for file in graph.keys() {
        if !search.index.contains_key(file) {
            search.visit(file);
        }
    }
    search.found.sort_by_key(|cycle| std::cmp::Reverse(cycle.len()));
    search.found
}

struct Search<'a> {
    graph: &'a Graph,
    index: BTreeMap<&'a PathBuf, usize>,
    low: BTreeMap<&'a PathBuf, usize>,
    stack: Vec<&'a PathBuf>,
    found: Vec<BTreeSet<PathBuf>>,
}

impl<'a> Search<'a> {
    fn visit(&mut self, file: &'a PathBuf) {
        let index = self.index.len();
        self.index.insert(file, index);
        self.low.insert(file, index);
        self.stack.push(file);
        for next in self.graph[file].keys() {
            let reached = if !self.index.contains_key(next) {
                self.visit(next);
                self.low[next]
            } else if self.stack.contains(&next) {
                self.index[next]
            } else {
                continue;
            };
            let low = self.low[file].min(reached);
            self.low.insert(file, low);
        }
        if self.low[file] == index {
            let start = self.stack.iter().position(|found| *found == file).unwrap();
            let cycle: BTreeSet<PathBuf> = self.stack.split_off(start).into_iter().cloned().collect();
            if cycle.len() > 1 {
                self.found.push(cycle);
            }
        }
    }
}

/// A shortest cycle, as files in order.
pub fn find_shortest_cycle(graph: &Graph, cycle: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
    let ways = cycle.iter().filter_map(|start| {
        let mut came_from: BTreeMap<&PathBuf, &PathBuf> = BTreeMap::new();
        let mut queue = VecDeque::from([start]);
        while let Some(file) = queue.pop_front() {
            for next in graph[file].keys().filter(|next| cycle.contains(*next)) {
                if next == start {
                    let mut way = vec![file.clone()];
                    let mut at = file;
                    while at != start {
                        at = came_from[at];
                        way.push(at.clone());
                    }
                    way.reverse();
                    return Some(way);
                }
                if !came_from.contains_key(next) {
                    came_from.insert(next, file);
                    queue.push_back(next);
                }
            }
        }
        None
    });
    ways.min_by_key(Vec::len).unwrap()
}
