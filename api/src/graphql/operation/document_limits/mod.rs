//! What a query may cost before anything looks at it closely: a guard that goes over the raw document
//! once, in time linear in its length, and refuses what is too much of anything.
//!
//! The GraphQL library parses and validates what it is given, and takes exponential time for fragments that each
//! spread the next one twice; a parser that calls itself runs out of stack on what is nested a thousand deep. So
//! nothing goes to the library that has not been measured here.

pub mod escapes;
mod lexer;
mod measure;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use async_graphql::{ServerError, ServerResult, Variables};

pub use self::measure::{DocumentSize, measure_document, measure_value};
use crate::error::{DocumentLimitExceeded, Error};

/// The most of everything that a document may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// Its length in bytes.
    pub bytes: usize,
    /// Its tokens: names, marks, numbers and texts.
    pub tokens: usize,
    /// How deep selections are nested, with what fragments bring.
    pub depth: usize,
    /// How deep lists and objects among the arguments, and lists among the types of variables, are nested.
    pub nesting: usize,
    /// Its operations.
    pub operations: usize,
    /// Its fragments.
    pub fragments: usize,
    /// The fields and spreads of an operation or a fragment, each fragment counted as often as it is spread.
    pub selections: usize,
    /// Its aliases.
    pub aliases: usize,
    /// Its directives.
    pub directives: usize,
    /// The fields of an operation itself, with what fragments bring.
    pub root_fields: usize,
}

impl DocumentLimits {
    /// None: all that there is of everything is measured.
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

/// Whether a document and its variables are within the limits, and every escape in it stands for a character.
/// `is_measured` is true of a document that was measured before.
///
/// # Errors
/// The first limit that is exceeded, or the escape.
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
