//! The glossary: terms that stewards define.

pub mod graphql;
pub mod mutations;
pub mod term;
