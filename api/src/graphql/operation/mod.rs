//! Operations: what is checked and computed before one is executed.
//!
//! [`prepare`] does this once for each operation, over every transport, in this order: the [rate
//! limit](rate_limit), [persisted queries](persisted_queries), [limits](document_limits) of the document, the
//! [document] and its [variables], and the [cost]. During execution it applies the [deadline] and the
//! permissions of the fields.

mod absent_variables;
pub mod charge;
pub mod client_ip;
pub mod cost;
pub mod deadline;
mod directive_conditions;
pub mod document;
pub mod document_limits;
pub mod nul_characters;
pub mod persisted_queries;
pub mod prepare;
pub mod rate_limit;
pub mod subscription;
pub mod variables;
