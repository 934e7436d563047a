//! The words of the field: terms that stewards define.

pub mod graphql;
pub mod mutations;
pub mod term;
