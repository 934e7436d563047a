//! Tests of the whole service, each on SQLite and on PostgreSQL.
//!
//! `cargo test -p wayin-tests --test it -- NAME` runs those whose names contain NAME, and `-- --list` lists them all.
//! `docs/testing.md` says more.

// A test that is not registered is dead code.
#![deny(dead_code)]

use std::process::ExitCode;

mod absent;
mod access;
mod agreement;
mod audit_trail;
mod bodies;
mod browsers;
mod budgets;
mod checks;
mod connections;
mod corrections;
mod disclosure;
mod expiry;
mod exports;
mod files;
mod following;
mod grant_details;
mod grant_exports;
mod grants;
mod hostile;
mod http;
mod import_batches;
mod import_jobs;
mod import_turns;
mod imports;
mod issued;
mod issuers;
mod keeping;
mod lists;
mod live;
mod lookups;
mod many_rows;
mod mending;
mod migrations;
mod missing;
mod permissions;
mod questions;
mod records;
mod redactions;
mod registration;
mod repeated;
mod shared_references;
mod spellings;
mod spreadsheets;
mod statements;
mod submissions;
mod support;
mod tables;
mod takeovers;
mod tokens;
mod unanswered;
mod visibility;
mod vocabulary_migrations;
mod written_from;

fn main() -> ExitCode {
    support::run()
}
