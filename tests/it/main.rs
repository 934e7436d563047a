//! Stories about users of a Wayin base, each told on SQLite and on PostgreSQL.
//!
//! `cargo test -p wayin-tests -- NAME` tells those whose names contain NAME, and
//! `-- --list` lists them all.

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
mod written_from;

fn main() -> ExitCode {
    let stories = [
        migrations::stories(),
        many_rows::stories(),
        questions::stories(),
        imports::stories(),
        absent::stories(),
        bodies::stories(),
        connections::stories(),
        import_batches::stories(),
        import_jobs::stories(),
        import_turns::stories(),
        grants::stories(),
        grant_details::stories(),
        tables::stories(),
        takeovers::stories(),
        records::stories(),
        exports::stories(),
        missing::stories(),
        files::stories(),
        mending::stories(),
        unanswered::stories(),
        corrections::stories(),
        shared_references::stories(),
        written_from::stories(),
        visibility::stories(),
        permissions::stories(),
        tokens::stories(),
        issuers::stories(),
        issued::stories(),
        lists::stories(),
        lookups::stories(),
        statements::stories(),
        access::stories(),
        agreement::stories(),
        following::stories(),
        disclosure::stories(),
        http::stories(),
        browsers::stories(),
        hostile::stories(),
        spellings::stories(),
        spreadsheets::stories(),
        submissions::stories(),
        repeated::stories(),
        audit_trail::stories(),
        redactions::stories(),
        live::stories(),
        keeping::stories(),
        expiry::stories(),
        checks::stories(),
        grant_exports::stories(),
        budgets::stories(),
    ];
    support::tell(stories.into_iter().flatten())
}
