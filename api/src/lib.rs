//! Wayin: a shared evidence base for place-based systems change, behind one GraphQL API.

pub mod app;
pub mod auth;
pub mod base;
pub mod change;
pub mod claim;
pub mod clock;
pub mod condition;
pub mod crisis;
pub mod database;
pub mod error;
pub mod example;
pub mod graphql;
pub mod id;
pub mod import;
pub mod initiative;
pub mod meeting;
pub mod organisation;
pub mod paging;
pub mod pattern;
pub mod place;
pub mod schema;
pub mod truth;
pub mod vocabulary;
