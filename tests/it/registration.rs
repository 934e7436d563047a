//! No test is left out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::{TestCase, tests_without_database};

tests_without_database![every_file_that_registers_tests_is_part_of_this_program];

#[expect(clippy::unused_async, reason = "every test is an async function")]
async fn every_file_that_registers_tests_is_part_of_this_program() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("it");
    let registered: BTreeSet<_> = TestCase::all()
        .into_iter()
        .map(|test| test.path().replace("::", "/"))
        .collect();
    let mut files = Vec::new();
    list_files(&root, &mut files);
    for file in files {
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

fn list_files(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            list_files(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
}
