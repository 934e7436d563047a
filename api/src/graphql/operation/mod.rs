//! Operations: what is checked and worked out before one is executed.
//!
//! [`prepare`] does it once, whichever way an operation came, in this order: the [rate limit](rate_limit), [persisted
//! queries](persisted_queries), [limits](document_limits) of the document, the [document] and its [variables], the [cost], and while it is
//! executed its [deadline] and the permissions of its fields.

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
