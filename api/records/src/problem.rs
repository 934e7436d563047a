//! Problems with an input: each has a code, the path of the field and the reason in plain words.

use std::collections::HashSet;

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::normalisation::is_storable;
use crate::paths;
use crate::text::{PLAUSIBLE_YEARS, quote};
use crate::workbook::placeholder;

/// A kind of problem with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(feature = "async-graphql", derive(async_graphql::Enum))]
pub enum ProblemCode {
    /// A required value is missing.
    Required,
    /// The value does not have the format of the field.
    InvalidFormat,
    /// The value is too long.
    TooLong,
    /// The value is outside the allowed range.
    OutOfRange,
    /// Two dates are in the wrong order.
    OutOfOrder,
    /// The same value is given twice.
    Duplicate,
    /// Two values contradict each other.
    Contradictory,
    /// The value refers to something that does not exist.
    NotFound,
    /// The value can refer to several things.
    Ambiguous,
    /// Another record has the same value, such as a slug or a reference.
    Conflict,
    /// The text looks like personal data.
    PersonalData,
    /// You are not allowed to do this.
    NotAllowed,
    /// The action is not possible in the current state.
    WrongState,
    /// The version that the input is based on is no longer the current one.
    StaleVersion,
    /// The idempotency key was used with another input.
    IdempotencyKeyReused,
    /// The published record has a value here, and the new record has none.
    Cleared,
}

/// A problem with one field of an input, or a warning about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// The kind of problem.
    pub code: ProblemCode,
    /// The path of the field: names and positions joined by `/`, such as `fundingTerms/0/endsOn`.
    pub path: String,
    /// The reason, as words that follow the name of the field.
    pub reason: String,
}

impl Problem {
    /// Creates a problem with the field at a path.
    pub fn new(code: ProblemCode, path: impl Into<String>, reason: impl Into<String>) -> Self {
        let (path, reason) = (path.into(), reason.into());
        Self { code, path, reason }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// The errors and warnings of an input.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// Reasons why the input is rejected.
    pub errors: Vec<Problem>,
    /// Things to check that do not stop the input.
    pub warnings: Vec<Problem>,
}

impl Problems {
    /// Adds an error.
    pub fn add_error(&mut self, code: ProblemCode, path: impl Into<String>, reason: impl Into<String>) {
        self.errors.push(Problem::new(code, path, reason));
    }

    /// Adds a warning.
    pub fn add_warning(&mut self, code: ProblemCode, path: impl Into<String>, reason: impl Into<String>) {
        self.warnings.push(Problem::new(code, path, reason));
    }

    /// Adds the problems of a part, whose paths begin at the part.
    pub(crate) fn add_below(&mut self, path: &str, part: Self) {
        let move_below = |problem: Problem| Problem {
            path: paths::join(path, &problem.path),
            ..problem
        };
        self.errors.extend(part.errors.into_iter().map(move_below));
        self.warnings.extend(part.warnings.into_iter().map(move_below));
    }

    /// Checks that a text is not empty and has at most `most` characters.
    pub fn check_required(&mut self, path: &str, text: &str, most: usize) {
        if text.trim().is_empty() {
            self.add_error(ProblemCode::Required, path, "is needed");
        }
        self.check_length(path, Some(text), most);
    }

    /// Checks that a text, if given, has at most `most` characters and can be stored.
    pub fn check_length(&mut self, path: &str, text: Option<&str>, most: usize) {
        let length = text.map_or(0, |text| text.chars().count());
        if length > most {
            let reason = format!("has {length} characters; the maximum is {most}");
            self.add_error(ProblemCode::TooLong, path, reason);
        }
        if !text.is_none_or(is_storable) {
            let reason = "contains the character NUL (U+0000), which cannot be stored";
            self.add_error(ProblemCode::InvalidFormat, path, reason);
        }
    }

    /// Checks that a name or identifier, if given, is not a placeholder such as "unknown", which would make one
    /// organisation of several.
    pub fn check_not_placeholder(&mut self, path: &str, text: Option<&str>, noun: &str) {
        if let Some(text) = text.filter(|text| placeholder::parse_placeholder(text).is_some()) {
            let reason = format!(
                "{} is not a valid {noun}; leave it out if it is not known",
                quote(text)
            );
            self.add_error(ProblemCode::InvalidFormat, path, reason);
        }
    }

    /// Checks that a value, if given, is not among those before it, and adds it to them.
    pub(crate) fn check_unique<'a>(
        &mut self,
        path: &str,
        value: Option<&'a str>,
        seen: &mut HashSet<&'a str>,
    ) {
        if let Some(value) = value.filter(|value| !seen.insert(value)) {
            self.add_error(ProblemCode::Duplicate, path, format!("{value} is named twice"));
        }
    }

    /// Checks that a date, if given, is in a plausible year.
    pub fn check_date(&mut self, path: &str, date: Option<NaiveDate>) {
        if let Some(date) = date.filter(|date| !PLAUSIBLE_YEARS.contains(&date.year())) {
            let reason = format!("{date} lies in the year {}, which cannot be right", date.year());
            self.add_error(ProblemCode::OutOfRange, path, reason);
        }
    }

    /// Checks that the last date is not before the first, if both are given.
    pub fn check_date_order(
        &mut self,
        path: &str,
        first: Option<NaiveDate>,
        last: Option<NaiveDate>,
        first_name: &str,
    ) {
        if let (Some(first), Some(last)) = (first, last)
            && last < first
        {
            let reason = format!("{last} is before {first_name}, {first}");
            self.add_error(ProblemCode::OutOfOrder, path, reason);
        }
    }
}
