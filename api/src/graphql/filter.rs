//! What the filters of all domains share: limits on depth and size, and the context in which names are looked
//! up.

use sea_orm::DatabaseConnection;

use crate::error::{Error, Result};
use wayin_engine::predicate::Predicate;
use wayin_engine::visibility::Reader;

/// The maximum depth of nested filters.
const MAX_FILTER_DEPTH: usize = 12;
/// The maximum number of conditions in a filter, including all its parts.
const MAX_FILTER_CONDITIONS: usize = 250;

/// Checks that a filter does not have too many conditions.
pub fn require_condition_count<T>(
    path: &str,
    condition: Predicate<T>,
    of_test: impl Fn(&T) -> usize,
) -> Result<Predicate<T>> {
    let weight = condition.count_nodes(&of_test);
    if weight > MAX_FILTER_CONDITIONS {
        return Err(Error::bad_input(
            path,
            format!("holds {weight} conditions; at most {MAX_FILTER_CONDITIONS} can be asked at once"),
        ));
    }
    Ok(condition)
}

/// The context of a filter: where its names are looked up, and its depth.
#[derive(Clone, Copy)]
pub struct FilterContext<'a> {
    /// The database.
    pub db: &'a DatabaseConnection,
    /// The reader. A filter only finds names that the reader may see.
    pub reader: Reader,
    depth: usize,
}

impl<'a> FilterContext<'a> {
    /// Creates the context of the outermost filter.
    pub const fn new(db: &'a DatabaseConnection, reader: Reader) -> Self {
        Self { db, reader, depth: 0 }
    }

    /// Returns the context of a nested filter. `path` is the path of the filter in the input.
    ///
    /// # Errors
    /// [`Error::BadInput`] if the filter is nested too deep.
    pub fn nested(self, path: &str) -> Result<Self> {
        if self.depth == MAX_FILTER_DEPTH {
            return Err(Error::bad_input(
                path,
                format!("filters are nested more than {MAX_FILTER_DEPTH} deep"),
            ));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

/// Formats the path of a field of an input.
pub fn field_path(path: &str, field: &str) -> String {
    format!("{path}.{field}")
}

/// Combines conditions so that all must be true. A single condition is returned unchanged.
pub fn all_of<T>(mut conditions: Vec<Predicate<T>>) -> Predicate<T> {
    if conditions.len() == 1 {
        conditions.remove(0)
    } else {
        Predicate::All(conditions)
    }
}

/// Combines the parts of a scope so that all must be true.
///
/// # Errors
/// [`Error::BadInput`] if there are no parts.
pub fn require_any_part<T>(path: &str, conditions: Vec<Predicate<T>>) -> Result<Predicate<T>> {
    if conditions.is_empty() {
        return Err(Error::bad_input(path, "says nothing to compare with"));
    }
    Ok(all_of(conditions))
}
