//! Access to the tables that several domains share.

pub mod revisions;
pub mod whole_records;
