//! Stories about users of a Wayin base, each told on SQLite and on PostgreSQL.
//!
//! `cargo test -p wayin-tests -- NAME` tells those whose names contain NAME, and
//! `-- --list` lists them all.

use std::process::ExitCode;

mod imports;
mod migrations;
mod questions;
mod support;

fn main() -> ExitCode {
    let stories = [imports::stories(), migrations::stories(), questions::stories()];
    support::tell(stories.into_iter().flatten())
}
