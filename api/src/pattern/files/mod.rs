//! Answers as files for spreadsheets: CSV, and workbooks for some kinds of answers. `docs/spreadsheets.md` explains both.
//!
//! `tables` is the model of both formats: the cells of a table, already rounded. `answers` builds the table and the
//! `details` of each kind of answer, and `readable` what a workbook shows besides. `csv` and `xlsx` write them.

mod answers;
mod csv;
mod details;
pub mod http;
mod parameters;
pub mod question;
mod readable;
mod tables;
mod xlsx;
