//! Bringing files of places, grants and records into a base.

pub mod parse;
