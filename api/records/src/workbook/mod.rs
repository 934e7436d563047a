//! Workbooks and tables of records. [`crate::formats`] reads the files that this module writes. The table of
//! [`columns`] defines both.

pub mod columns;
pub mod csv;
pub mod format_cell;
pub mod formula_escape;
mod guidance;
pub mod layout;
mod lists;
pub mod parse_cell;
pub mod placeholder;
mod sheet_header;
mod styles;
pub mod template;
pub mod vocabulary;
mod writer;

pub use crate::workbook::writer::{RecordWorkbook, WriteError};
