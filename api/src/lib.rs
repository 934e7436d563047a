//! Wayin: a shared evidence base for place-based systems change, behind one GraphQL API.

pub mod auth;
pub mod clock;
pub mod condition;
pub mod database;
pub mod error;
pub mod example;
pub mod initiative;
pub mod pattern;
pub mod truth;
pub mod vocabulary;
