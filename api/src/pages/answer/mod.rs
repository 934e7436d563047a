//! The answer to a question about two conditions, as pages show it.

pub mod address;
pub mod data;
pub mod pictures;
pub mod wording;
