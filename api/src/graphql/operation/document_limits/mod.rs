//! Limits on the size of a document, checked before the library parses it. The check reads the raw document
//! once, in linear time, and rejects it if it exceeds a limit.
//!
//! The GraphQL library takes exponential time for fragments that each spread the next one twice. Its
//! recursive parser runs out of stack on a document that is nested a thousand deep. So the library receives
//! only documents that were measured here.

pub mod escapes;
mod lexer;
mod measure;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_graphql::{ServerError, ServerResult, Variables};

pub use self::measure::{DocumentSize, measure_document, measure_value};
use crate::error::{DocumentLimitExceeded, Error};

/// The maximum sizes of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// The length in bytes.
    pub bytes: usize,
    /// The number of tokens: names, punctuators, numbers and strings.
    pub tokens: usize,
    /// The depth of nested selections, with fragments expanded.
    pub depth: usize,
    /// The depth of nested lists and objects in arguments, and of nested lists in the types of variables.
    pub nesting: usize,
    /// The number of operations.
    pub operations: usize,
    /// The number of fragments.
    pub fragments: usize,
    /// The number of fields and spreads of one operation or fragment. Each fragment counts as often as it is spread.
    pub selections: usize,
    /// The number of aliases.
    pub aliases: usize,
    /// The number of directives.
    pub directives: usize,
    /// The number of root fields of one operation, with fragments expanded.
    pub root_fields: usize,
}

impl DocumentLimits {
    /// No limits: the whole document is measured.
    pub const UNLIMITED: Self = Self {
        bytes: usize::MAX,
        tokens: usize::MAX,
        depth: usize::MAX,
        nesting: usize::MAX,
        operations: usize::MAX,
        fragments: usize::MAX,
        selections: usize::MAX,
        aliases: usize::MAX,
        directives: usize::MAX,
        root_fields: usize::MAX,
    };
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            bytes: 64 * 1024,
            tokens: 10_000,
            depth: 20,
            nesting: 24,
            operations: 10,
            fragments: 100,
            selections: 1_000,
            aliases: 100,
            directives: 100,
            root_fields: 50,
        }
    }
}

/// Checks that a document and its variables are within the limits, and that every escape in the document
/// represents a character. `is_measured` means that the document was measured before.
///
/// # Errors
/// The first limit that is exceeded, or the invalid escape.
pub fn check_limits(query: &str, variables: &Variables, is_measured: bool) -> ServerResult<()> {
    if let Err(refused) = escapes::resolve_escapes(query) {
        return Err(ServerError::new(refused.to_string(), Some(refused.position)));
    }
    check_sizes(query, variables, is_measured).map_err(|excess| {
        let mut error = ServerError::new(excess.to_string(), None);
        error.source = Some(Arc::new(Error::from(excess)));
        error
    })
}

fn check_sizes(query: &str, variables: &Variables, is_measured: bool) -> Result<(), DocumentLimitExceeded> {
    let limits = DocumentLimits::default();
    if !is_measured {
        measure_document(query, &limits)?;
    }
    variables
        .values()
        .try_for_each(|value| measure_value(value, &limits))
}
