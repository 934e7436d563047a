//! What the filters of every domain have in common: how deep and how large they may be, and where they look up names.

use sea_orm::DatabaseConnection;

use crate::error::{Error, Result};
use wayin_engine::predicate::Predicate;
use wayin_engine::visibility::Reader;

/// How deep filters may be nested.
const MAX_FILTER_DEPTH: usize = 12;
/// How many conditions a filter may hold, all its parts counted.
const MAX_FILTER_CONDITIONS: usize = 250;

/// Refuses a filter that holds more conditions than one may ask at once.
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

/// Where a filter's names are looked up, and how deep it has gone.
#[derive(Clone, Copy)]
pub struct FilterContext<'a> {
    /// The base.
    pub db: &'a DatabaseConnection,
    /// Who asks: names are told only of what they may know of.
    pub reader: Reader,
    depth: usize,
}

impl<'a> FilterContext<'a> {
    /// The start of a filter.
    pub const fn new(db: &'a DatabaseConnection, reader: Reader) -> Self {
        Self { db, reader, depth: 0 }
    }

    /// One level further in.
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

/// The path of a field of an input.
pub fn field_path(path: &str, field: &str) -> String {
    format!("{path}.{field}")
}

/// One condition as itself, several as all of them.
pub fn all_of<T>(mut conditions: Vec<Predicate<T>>) -> Predicate<T> {
    if conditions.len() == 1 {
        conditions.remove(0)
    } else {
        Predicate::All(conditions)
    }
}

/// At least one part of a scope is needed.
pub fn require_any_part<T>(path: &str, conditions: Vec<Predicate<T>>) -> Result<Predicate<T>> {
    if conditions.is_empty() {
        return Err(Error::bad_input(path, "says nothing to compare with"));
    }
    Ok(all_of(conditions))
}
