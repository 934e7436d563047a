//! Stories about users of a Wayin base, each told on SQLite and on PostgreSQL.
//!
//! `cargo test -p wayin-tests -- NAME` tells those whose names contain NAME, and
//! `-- --list` lists them all.

use std::process::ExitCode;

mod agreement;
mod http;
mod lists;
mod lookups;
mod migrations;
mod permissions;
mod questions;
mod statements;
mod support;
mod tokens;
mod visibility;

fn main() -> ExitCode {
    let stories = [
        migrations::stories(),
        questions::stories(),
        visibility::stories(),
        permissions::stories(),
        tokens::stories(),
        lists::stories(),
        lookups::stories(),
        statements::stories(),
        agreement::stories(),
        http::stories(),
    ];
    support::tell(stories.into_iter().flatten())
}
