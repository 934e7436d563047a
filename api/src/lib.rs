//! Wayin: a shared evidence base for place-based systems change, behind one GraphQL API.
//! `docs/architecture.md` describes the crates, the layers, the flows and where to change what.

#![allow(
    missing_docs,
    reason = "an application: the lint of the schema checks the descriptions of GraphQL types"
)]

pub mod app;
pub mod audit;
pub mod auth;
pub mod change_log;
pub mod claim;
pub mod cli;
pub mod clock;
pub mod config;
pub mod cors;
pub mod crisis;
pub mod database;
mod describe_failure;
pub mod error;
pub mod error_code;
mod etag;
pub mod expiry;
pub mod export;
pub mod export_link;
pub mod grant_detail;
pub mod graphiql;
pub mod graphql;
pub mod http;
pub mod id;
pub mod idempotency;
pub mod import;
pub mod initiative;
pub mod instance;
pub mod integrity;
pub mod load_sample;
pub mod locks;
pub mod meeting;
pub mod multipart;
mod name_suggestions;
pub mod normalise_database;
pub mod note;
pub mod notice;
pub mod organisation;
pub mod pages;
pub mod paging;
pub mod pattern;
pub mod place;
pub mod public_url;
pub mod redaction;
pub mod reference_data;
pub mod saved_question;
pub mod schema;
mod secret;
pub mod server;
pub mod store;
pub mod submission;
pub mod subscriptions;
pub mod vocabulary;
mod workbook_http;
