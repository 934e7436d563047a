//! Records as people keep them: in the sheets of a workbook, or in one flat table. What is
//! written here, [`crate::import::parse`] reads; both go by the one table of [`columns`].

mod book;
pub mod columns;
pub mod corrected;
pub mod escaped;
pub mod export;
pub mod flat;
mod formats;
mod guidance;
pub mod http;
mod layout;
mod lists;
pub mod not_known;
pub mod shown;
pub mod template;
pub mod typed;
pub mod vocabulary;

pub use book::WriteError;
