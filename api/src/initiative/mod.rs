//! Initiatives: their records, and how one is published.

pub mod filter;
pub mod record;
