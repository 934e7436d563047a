//! What is wrong with an input, or worth a look: a code, the path of the field, and the reason in plain words.

use chrono::{Datelike, NaiveDate};
use serde::{Deserialize, Serialize};

use crate::normalisation::is_storable;
use crate::text::{PLAUSIBLE_YEARS, quote};
use crate::workbook::placeholder;

/// A kind of problem with an input.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
#[cfg_attr(
    feature = "async-graphql",
    derive(async_graphql::Enum),
    graphql(name = "UserErrorCode")
)]
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

/// Something about one field of a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What kind of thing it is.
    pub code: ProblemCode,
    /// Where: names and positions joined by `/`, such as `fundingTerms/0/endsOn`.
    pub path: String,
    /// What, in plain words.
    pub reason: String,
}

impl Problem {
    /// Something about the field at a path.
    pub fn new(code: ProblemCode, path: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            code,
            path: path.into(),
            reason: reason.into(),
        }
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// What was found in a record: what stops it, and what is only worth a look.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Problems {
    /// The record cannot be published so.
    pub errors: Vec<Problem>,
    /// The record can be published, but somebody should look.
    pub warnings: Vec<Problem>,
}

impl Problems {
    /// Something that stops it.
    pub fn add_error(&mut self, code: ProblemCode, path: impl Into<String>, reason: impl Into<String>) {
        self.errors.push(Problem::new(code, path, reason));
    }

    /// Adds something that is only worth a look.
    pub fn add_warning(&mut self, code: ProblemCode, path: impl Into<String>, reason: impl Into<String>) {
        self.warnings.push(Problem::new(code, path, reason));
    }

    /// A text that is needed, and has at most so many characters.
    pub fn check_required(&mut self, path: &str, text: &str, most: usize) {
        if text.is_empty() {
            self.add_error(ProblemCode::Required, path, "is needed");
        }
        self.check_length(path, Some(text), most);
    }

    /// A text that has at most so many characters, where there is one.
    pub fn check_length(&mut self, path: &str, text: Option<&str>, most: usize) {
        let length = text.map_or(0, |text| text.chars().count());
        if length > most {
            self.add_error(
                ProblemCode::TooLong,
                path,
                format!("has {length} characters; at most {most} are kept"),
            );
        }
        if !text.is_none_or(is_storable) {
            self.add_error(
                ProblemCode::InvalidFormat,
                path,
                "holds the character NUL (U+0000), which no base can keep",
            );
        }
    }

    /// A name or identifier, where there is one, that is not what people write who have no answer: different
    /// organisations would become one by it.
    pub fn check_not_placeholder(&mut self, path: &str, text: Option<&str>, what: &str) {
        if let Some(text) = text.filter(|text| placeholder::parse_placeholder(text).is_some()) {
            let reason = format!("{} is no {what}; leave it out where it is not known", quote(text));
            self.add_error(ProblemCode::InvalidFormat, path, reason);
        }
    }

    /// A date that can be right, where there is one.
    pub fn check_date(&mut self, path: &str, date: Option<NaiveDate>) {
        if let Some(date) = date.filter(|date| !PLAUSIBLE_YEARS.contains(&date.year())) {
            self.add_error(
                ProblemCode::OutOfRange,
                path,
                format!("{date} lies in the year {}, which cannot be right", date.year()),
            );
        }
    }

    /// A last date that is not before the first, where there are both.
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
            self.add_error(
                ProblemCode::OutOfOrder,
                path,
                format!("{last} is before {first_name}, {first}"),
            );
        }
    }
}
