//! Operations: what is checked and computed before one is executed.
//!
//! [`prepare`] does this once for each operation, over every transport, in this order: the [rate
//! limit](rate_limit), [persisted queries](persisted_queries), [limits](document_limits) of the document, the
//! [document] and its [variables], the [cost] and, once the library has validated the document, the [access to
//! its fields](field_access). The execution has a [deadline].

mod absent_variables;
pub mod charge;
pub mod client_ip;
pub mod cost;
pub mod deadline;
mod directive_conditions;
pub mod document;
pub mod document_limits;
pub mod field_access;
pub mod field_types;
pub mod nul_characters;
pub mod persisted_queries;
pub mod prepare;
pub mod rate_limit;
pub mod subscription;
pub mod variables;
