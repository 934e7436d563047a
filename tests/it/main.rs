//! Stories about users of a Wayin base, each told on SQLite and on PostgreSQL.
//!
//! `cargo test -p wayin-tests -- NAME` tells those whose names contain NAME, and
//! `-- --list` lists them all.

use std::process::ExitCode;

mod exports;
mod grants;
mod imports;
mod migrations;
mod questions;
mod records;
mod support;
mod takeovers;

fn main() -> ExitCode {
    let stories = [
        exports::stories(),
        grants::stories(),
        imports::stories(),
        migrations::stories(),
        questions::stories(),
        records::stories(),
        takeovers::stories(),
    ];
    support::tell(stories.into_iter().flatten())
}
