//! Tests of the whole service, each on SQLite and on PostgreSQL.
//!
//! `cargo test -p wayin-tests --test it -- NAME` runs those whose names contain NAME, and `-- --list` lists them all.
//! `docs/testing.md` says more.

// A test that is not registered is dead code.
#![deny(dead_code)]

use std::process::ExitCode;

mod access;
mod answer_cache;
mod audit_trail;
mod base_of_0_1;
mod browser_headers;
mod browser_sessions;
mod bulk_import;
mod change_log;
mod comparison_files;
mod comparisons;
mod connections;
mod correction_workbooks;
mod corrections;
mod csv_encodings;
mod disclosure;
mod documented_answers;
mod expiry;
mod explore_page;
mod export_links;
mod exports;
mod filters;
mod grant_details;
mod grant_exports;
mod grant_merging;
mod grants;
mod hostile;
mod http;
mod idempotency;
mod import_batches;
mod import_fairness;
mod import_jobs;
mod import_publication;
mod imports;
mod initiative_records;
mod integrity;
mod issued_tokens;
mod json_rows;
mod list_views;
mod migrations;
mod missing_reasons;
mod normalisation;
mod oidc_sign_in;
mod omitted_fields;
mod optimistic_locking;
mod oracle;
mod own_organisation;
mod own_records;
mod page_routes;
mod pagination;
mod pattern_csv;
mod pattern_queries;
mod pattern_workbooks;
mod permissions;
mod placeholders;
mod public_questions;
mod query_counts;
mod rate_limits;
mod reading_pages;
mod record_cache;
mod record_changes;
mod record_files;
mod redactions;
mod reference_data;
mod reflections;
mod registration;
mod request_bodies;
mod review_pages;
mod send_pages;
mod shared_references;
mod submissions;
mod subscriptions;
mod support;
mod token_issuers;
mod tokens;
mod transactions;
mod visibility;
mod vocabulary_migrations;

fn main() -> ExitCode {
    support::run()
}
