//! What the filters of every domain have in common: how deep and how large they may be, and where they look up names.

use sea_orm::DatabaseConnection;

use crate::error::{Error, Result};
use wayin_engine::predicate::Condition;
use wayin_engine::visibility::Reader;

/// How deep filters may be nested.
const DEEPEST: usize = 12;
/// How many conditions a filter may hold, all its parts counted.
const MOST_CONDITIONS: usize = 250;

/// Refuses a filter that holds more conditions than one may ask at once.
pub fn not_too_many<T>(
    path: &str,
    condition: Condition<T>,
    of_test: impl Fn(&T) -> usize,
) -> Result<Condition<T>> {
    let weight = condition.weight(&of_test);
    if weight > MOST_CONDITIONS {
        return Err(Error::bad_input(
            path,
            format!("holds {weight} conditions; at most {MOST_CONDITIONS} can be asked at once"),
        ));
    }
    Ok(condition)
}

/// Where a filter's names are looked up, and how deep it has gone.
#[derive(Clone, Copy)]
pub struct Lookup<'a> {
    /// The base.
    pub db: &'a DatabaseConnection,
    /// Who asks: names are told only of what they may know of.
    pub reader: Reader,
    depth: usize,
}

impl<'a> Lookup<'a> {
    /// The start of a filter.
    pub const fn new(db: &'a DatabaseConnection, reader: Reader) -> Self {
        Self { db, reader, depth: 0 }
    }

    /// One level further in.
    pub fn deeper(self, path: &str) -> Result<Self> {
        if self.depth == DEEPEST {
            return Err(Error::bad_input(
                path,
                format!("filters are nested more than {DEEPEST} deep"),
            ));
        }
        Ok(Self {
            depth: self.depth + 1,
            ..self
        })
    }
}

/// The path of a field of an input.
pub fn at(path: &str, field: &str) -> String {
    format!("{path}.{field}")
}

/// One condition as itself, several as all of them.
pub fn only_or_all<T>(mut conditions: Vec<Condition<T>>) -> Condition<T> {
    if conditions.len() == 1 {
        conditions.remove(0)
    } else {
        Condition::All(conditions)
    }
}

/// At least one part of a scope is needed.
pub fn some_part<T>(path: &str, conditions: Vec<Condition<T>>) -> Result<Condition<T>> {
    if conditions.is_empty() {
        return Err(Error::bad_input(path, "says nothing to compare with"));
    }
    Ok(only_or_all(conditions))
}
