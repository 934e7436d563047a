//! Every test is registered, and none imports from another test file.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{TestCase, tests_without_database};

tests_without_database![
    every_test_file_is_registered,
    no_test_file_imports_from_another,
    imports_from_other_test_files_are_found,
];

async fn every_test_file_is_registered() {
    let root = test_root();
    let registered: BTreeSet<_> = TestCase::all()
        .into_iter()
        .map(|test| test.path().replace("::", "/"))
        .collect();
    for file in list_files(&root) {
        let content = fs::read_to_string(&file).unwrap();
        let registers = content.lines().any(|line| {
            line.starts_with("tests_on_both_databases![") || line.starts_with("tests_without_database![")
        });
        let module = file.strip_prefix(&root).unwrap().with_extension("");
        let module = module.to_str().unwrap().trim_end_matches("/mod");
        assert!(
            !registers || registered.contains(module),
            "{} registers tests, and no `mod` names it",
            file.display()
        );
    }
}

async fn no_test_file_imports_from_another() {
    let root = test_root();
    let mut imports = Vec::new();
    for file in list_files(&root) {
        let path = file.strip_prefix(&root).unwrap().with_extension("");
        let own = path.iter().next().unwrap().to_str().unwrap();
        // The root declares the modules, and this file contains such paths as text.
        if ["support", "main", "registration"].contains(&own) {
            continue;
        }
        let depth = path.iter().filter(|part| *part != "mod").count();
        let content = fs::read_to_string(&file).unwrap();
        for (line, module) in find_crate_paths(&content, depth) {
            if !["support", own].contains(&module.as_str()) {
                imports.push(format!("{}:{line} uses crate::{module}", file.display()));
            }
        }
    }
    assert!(
        imports.is_empty(),
        "move what several test files use to tests/it/support:\n{}",
        imports.join("\n")
    );
}

async fn imports_from_other_test_files_are_found() {
    let content = "use crate::support::app::TestApp;
use crate::records::record;
use crate::{
    files::{export, import},
    grants,
};
    crate::tokens::issue(); // crate::comments
    let text = \"$crate::x\"; my_crate::y();
use super::complaints;
use super::super::lists::filled;
";
    let expected = [
        (1, "support"),
        (2, "records"),
        (3, "files"),
        (3, "grants"),
        (7, "tokens"),
        (10, "lists"),
    ];
    let expected = expected.map(|(line, module)| (line, module.to_owned()));
    assert_eq!(find_crate_paths(content, 2), expected);
}

/// The first segment of every path that starts at the crate, with its line number. `depth` is how many levels
/// the module is below the crate.
fn find_crate_paths(content: &str, depth: usize) -> Vec<(usize, String)> {
    let ways_to_the_crate = ["crate::".to_owned(), "super::".repeat(depth)];
    let mut found = Vec::new();
    let mut offset = 0;
    for (number, line) in (1..).zip(content.split_inclusive('\n')) {
        let code = line.split("//").next().unwrap_or_default();
        for way in &ways_to_the_crate {
            for (at, _) in code.match_indices(way) {
                let continues =
                    code[..at].ends_with(|before: char| before.is_alphanumeric() || "_$:".contains(before));
                if !continues {
                    let segments = first_segments(&content[offset + at + way.len()..]);
                    found.extend(segments.into_iter().map(|segment| (number, segment)));
                }
            }
        }
        offset += line.len();
    }
    found
}

/// The first segment of a path, or of each path of a group in braces.
fn first_segments(path: &str) -> Vec<String> {
    let name = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|one| one.is_alphanumeric() || *one == '_')
            .collect()
    };
    let Some(group) = path.strip_prefix('{') else {
        return vec![name(path)];
    };
    let mut depth = 0_usize;
    let mut segments = vec![name(group)];
    for (at, one) in group.char_indices() {
        match one {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => segments.push(name(&group[at + 1..])),
            _ => {}
        }
    }
    segments.retain(|segment| !segment.is_empty());
    segments
}

fn test_root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("it")
}

fn list_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(list_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}
