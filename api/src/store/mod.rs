//! Access to the tables that several domains share.

pub mod funding_terms;
pub mod predicate_sql;
pub mod record_cache;
pub mod revisions;
pub mod whole_records;
