//! Records of initiatives: what a record holds, how it is validated and compared, and the files that records, grants and
//! places are read from and written to.
//!
//! Nothing here knows of a database, a web server or GraphQL. The feature `async-graphql` makes enums of a schema of the
//! enums that one shows.

pub mod diff;
pub mod fields;
pub mod formats;
pub mod gss;
mod integer_serde;
pub mod json_reader;
pub mod missing;
pub mod money;
pub mod normalisation;
pub mod omitted;
pub mod personal_data;
pub mod place_draft;
pub mod problem;
pub mod record;
pub mod text;
pub mod validate;
pub mod whole_number;
pub mod workbook;
