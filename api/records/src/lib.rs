//! Records of initiatives: their fields, validation and comparison, and the files of records, grants and places.
//!
//! The crate depends on no database, web server or GraphQL library. The feature `async-graphql` makes the enums that a
//! schema shows GraphQL enums.

pub mod diff;
pub mod fields;
pub mod formats;
pub mod gss_code;
pub mod json_reader;
pub mod missing;
pub mod money;
pub mod normalisation;
pub mod omitted;
mod paths;
pub mod personal_data;
pub mod place_draft;
pub mod problem;
pub mod record;
pub mod record_diff;
pub mod text;
pub mod validate;
pub mod whole_number;
pub mod workbook;
