//! Records as people keep them: in the sheets of a workbook, or in one flat table. What is
//! written here, [`crate::formats`] reads; both go by the one table of [`columns`].

pub mod columns;
pub mod corrections;
pub mod csv;
pub mod export;
pub mod format_cell;
pub mod formula_escape;
mod guidance;
mod layout;
mod lists;
pub mod parse_cell;
pub mod placeholder;
mod styles;
pub mod template;
pub mod vocabulary;
mod writer;

pub use crate::workbook::writer::WriteError;
