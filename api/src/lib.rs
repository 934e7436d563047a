//! Wayin: a shared evidence base for place-based systems change, behind one GraphQL API.
//!
//! # Crates
//! - `wayin_vocabulary`: the closed vocabularies.
//! - [`wayin_records`]: records, their validation, and the files that hold records, grants and places.
//! - [`wayin_engine`]: predicates, the index, counting, statistics, disclosure control and summaries.
//! - [`wayin_sample`]: the illustrative evidence of the demonstration.
//! - `wayin_entity` and `wayin_migration`: the tables and their history.
//! - this one: the service.
//!
//! # Flows
//! A request: [`server`] -> [`http`] (who asks) -> a domain's `graphql` (types and resolvers) -> the domain -> the tables.
//! A change: [`import`] or [`submission`] -> [`initiative::publish`] -> [`change_log`] (the log) -> [`pattern::loader`] -> the
//! index of the engine.
//!
//! # Modules
//! | where | what |
//! |---|---|
//! | [`cli`], [`config`] | the commands and their settings |
//! | [`server`], [`http`], [`cors`], [`multipart`], [`graphiql`] | routes, errors as responses, cross-origin requests, uploads, the explorer |
//! | [`graphql::operation`] | the preparation of an operation: limits, variables, cost, rate limit, deadline |
//! | [`schema`], [`app`], [`graphql`] | the schema, what every request is given, what GraphQL types are made with |
//! | [`auth`] | issuers and their keys, tokens, members, permissions, visibility in SQL |
//! | [`initiative`], [`submission`], [`import`], [`export`], [`redaction`], [`expiry`] | records: publication, review, files in and out, erasure, what is deleted after a time |
//! | [`place`], [`organisation`], [`crisis`], [`meeting`], [`claim`], [`vocabulary`], [`reference_data`] | the other domains, and what their mutations share |
//! | [`pattern`] | the engine's service: loading the index, asking, answers over GraphQL and as CSV files |
//! | [`subscriptions`] | subscriptions |
//! | [`idempotency`], [`audit`], [`note`] | idempotency, the audit log, notes to a change |
//! | [`integrity`] | the integrity check |
//! | [`store`] | tables that several domains share: whole records, their revisions |
//! | [`database`], [`locks`], [`paging`], [`change_log`], [`instance`], [`id`], [`error`], [`clock`] | what the domains are built on |
//! | [`load_sample`] | loads the evidence of the demonstration, which is in [`wayin_sample`] |

pub mod app;
pub mod audit;
pub mod auth;
mod cause;
pub mod change_log;
pub mod claim;
pub mod cli;
pub mod clock;
pub mod config;
pub mod cors;
pub mod crisis;
pub mod database;
pub mod error;
pub mod error_code;
mod etag;
pub mod expiry;
pub mod export;
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
pub mod normalise;
pub mod note;
pub mod organisation;
pub mod paging;
pub mod pattern;
pub mod place;
pub mod redaction;
pub mod reference_data;
pub mod schema;
pub mod server;
pub mod store;
pub mod submission;
pub mod subscriptions;
pub mod vocabulary;
mod workbook_http;
