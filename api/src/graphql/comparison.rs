//! The comparisons in filters, and how each becomes predicates. All parts of a comparison must be true. An
//! empty list and an empty comparison are errors.

use std::collections::HashSet;
use std::fmt;

use async_graphql::{ID, InputObject};
use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;
use wayin_entity::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, DeliveryTimeline, EntryPoint, OrganisationKind,
    Perspective, PlaceKind, ReportingBasis, ReportingFrequency, Restriction,
};

use crate::error::{Error, Result};
use crate::id::{self, NodeKind};
use wayin_engine::predicate::{Comparison, Predicate, SetComparison, TextComparison};
use wayin_records::normalisation::fold_name;

/// An amount in minor units of a currency: a 64-bit integer. Input can be a number or a string.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BigInt(pub i64);

/// A whole number of up to 64 bits. Output is a number. Input can be a number or a string.
#[async_graphql::Scalar]
impl async_graphql::ScalarType for BigInt {
    fn parse(value: async_graphql::Value) -> async_graphql::InputValueResult<Self> {
        let number = match &value {
            async_graphql::Value::Number(number) => number.as_i64(),
            async_graphql::Value::String(text) => text.parse().ok(),
            _ => None,
        };
        number
            .map(Self)
            .ok_or_else(|| async_graphql::InputValueError::expected_type(value))
    }

    fn to_value(&self) -> async_graphql::Value {
        async_graphql::Value::Number(self.0.into())
    }
}

/// A calendar date.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Date(pub NaiveDate);

/// Prints the date without the name of this type: idempotency keys that 0.1 stored depend on it.
impl fmt::Debug for Date {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, formatter)
    }
}

/// A date without a time, such as `2024-04-01`.
#[async_graphql::Scalar]
impl async_graphql::ScalarType for Date {
    fn parse(value: async_graphql::Value) -> async_graphql::InputValueResult<Self> {
        NaiveDate::parse(value)
            .map(Self)
            .map_err(async_graphql::InputValueError::propagate)
    }

    fn to_value(&self) -> async_graphql::Value {
        self.0.to_value()
    }
}

/// The tests of one comparison.
struct ComparisonTests<'a, T> {
    path: &'a str,
    found: Vec<Predicate<T>>,
}

impl<'a, T> ComparisonTests<'a, T> {
    const fn new(path: &'a str) -> Self {
        Self {
            path,
            found: Vec::new(),
        }
    }

    fn push(&mut self, test: Option<T>) {
        self.found.extend(test.map(Predicate::Test));
    }

    fn push_negated(&mut self, test: Option<T>) {
        self.found
            .extend(test.map(|test| Predicate::Test(test).negated()));
    }

    fn into_predicate(mut self) -> Result<Predicate<T>> {
        match self.found.len() {
            0 => Err(Error::bad_input(self.path, "says nothing to compare with")),
            1 => Ok(self.found.remove(0)),
            _ => Ok(Predicate::All(self.found)),
        }
    }
}

/// The maximum number of values in the list of a comparison.
const MAX_LISTED_VALUES: usize = 500;
/// The maximum number of characters in a text to compare with.
const MAX_TEXT_CHARACTERS: usize = 300;

/// Checks that the list of a comparison is neither empty nor too long.
pub fn require_not_empty<T>(path: &str, field: &str, list: Option<Vec<T>>) -> Result<Option<Vec<T>>> {
    match list.as_ref().map(Vec::len) {
        Some(0) => Err(Error::bad_input(path, format!("{field} is an empty list"))),
        Some(length) if length > MAX_LISTED_VALUES => Err(Error::bad_input(
            path,
            format!("{field} lists {length} values; at most {MAX_LISTED_VALUES} can be"),
        )),
        _ => Ok(list),
    }
}

/// Checks that a text to compare with is not too long.
fn require_length(path: &str, field: &str, text: &str) -> Result<()> {
    let length = text.chars().count();
    if length > MAX_TEXT_CHARACTERS {
        let reason =
            format!("{field} has {length} characters; at most {MAX_TEXT_CHARACTERS} can be compared with");
        return Err(Error::bad_input(path, reason));
    }
    Ok(())
}

macro_rules! ordered_comparison {
    ($(#[doc = $about:literal])+ $name:ident($input:ty => $value:ty, $read:expr)) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, Default, InputObject)]
        pub struct $name {
            /// Equal to this value.
            pub eq: Option<$input>,
            /// Not equal to this value.
            pub ne: Option<$input>,
            /// Equal to one of these values. An empty list is an error.
            #[graphql(name = "in")]
            pub is_in: Option<Vec<$input>>,
            /// Less than this value; for dates, before this day.
            pub lt: Option<$input>,
            /// At most this value; for dates, on or before this day.
            pub lte: Option<$input>,
            /// Greater than this value; for dates, after this day.
            pub gt: Option<$input>,
            /// At least this value; for dates, on or after this day.
            pub gte: Option<$input>,
            /// Whether the value is known. This comparison is never UNKNOWN.
            pub is_known: Option<bool>,
        }

        impl $name {
            /// Converts the comparison to a predicate, with tests that `test` builds.
            pub fn into_predicate<T>(self, path: &str, test: impl Fn(Comparison<$value>) -> T) -> Result<Predicate<T>> {
                let read: fn($input) -> $value = $read;
                let mut tests = ComparisonTests::new(path);
                tests.push(self.eq.map(|one| test(Comparison::OneOf(vec![read(one)]))));
                tests.push_negated(self.ne.map(|one| test(Comparison::OneOf(vec![read(one)]))));
                let listed = require_not_empty(path, "in", self.is_in)?;
                tests.push(listed.map(|list| test(Comparison::OneOf(list.into_iter().map(read).collect()))));
                tests.push(self.lt.map(|one| test(Comparison::Less(read(one)))));
                tests.push(self.lte.map(|one| test(Comparison::AtMost(read(one)))));
                tests.push(self.gt.map(|one| test(Comparison::More(read(one)))));
                tests.push(self.gte.map(|one| test(Comparison::AtLeast(read(one)))));
                tests.push(self.is_known.map(|known| test(Comparison::Known(known))));
                tests.into_predicate()
            }
        }
    };
}

ordered_comparison! {
    /// Compares a whole number. UNKNOWN if the record has no value.
    IntComparison(i32 => i32, |one| one)
}
ordered_comparison! {
    /// Compares an amount of money, in the currency's minor unit. UNKNOWN if the record has no value.
    BigIntComparison(BigInt => i64, |one| one.0)
}
ordered_comparison! {
    /// Compares a date, such as `2021-04-01`. UNKNOWN if the record has no value.
    DateComparison(Date => NaiveDate, |one| one.0)
}

/// Compares a moment, such as `2026-04-01T12:00:00Z`.
#[derive(Clone, Debug, Default, InputObject)]
pub struct MomentComparison {
    /// Before this moment.
    pub lt: Option<DateTime<Utc>>,
    /// At or before this moment.
    pub lte: Option<DateTime<Utc>>,
    /// After this moment.
    pub gt: Option<DateTime<Utc>>,
    /// At or after this moment.
    pub gte: Option<DateTime<Utc>>,
}

impl MomentComparison {
    /// Converts the comparison to a predicate, with tests that `test` builds.
    pub fn into_predicate<T>(
        self,
        path: &str,
        test: impl Fn(Comparison<DateTime<Utc>>) -> T,
    ) -> Result<Predicate<T>> {
        let mut tests = ComparisonTests::new(path);
        tests.push(self.lt.map(|one| test(Comparison::Less(one))));
        tests.push(self.lte.map(|one| test(Comparison::AtMost(one))));
        tests.push(self.gt.map(|one| test(Comparison::More(one))));
        tests.push(self.gte.map(|one| test(Comparison::AtLeast(one))));
        tests.into_predicate()
    }
}

macro_rules! code_comparisons {
    ($($(#[doc = $about:literal])+ $name:ident($code:ty))+) => {
        $(
            $(#[doc = $about])+
            #[derive(Clone, Debug, Default, InputObject)]
            pub struct $name {
                /// Equal to this value.
                pub eq: Option<$code>,
                /// Not equal to this value.
                pub ne: Option<$code>,
                /// Equal to one of these values. An empty list is an error.
                #[graphql(name = "in")]
                pub is_in: Option<Vec<$code>>,
                /// Whether the value is known. This comparison is never UNKNOWN.
                pub is_known: Option<bool>,
            }

            impl $name {
                /// Converts the comparison to a predicate, with tests that `test` builds.
                pub fn into_predicate<T>(self, path: &str, test: impl Fn(Comparison<$code>) -> T) -> Result<Predicate<T>> {
                    let mut tests = ComparisonTests::new(path);
                    tests.push(self.eq.map(|one| test(Comparison::OneOf(vec![one]))));
                    tests.push_negated(self.ne.map(|one| test(Comparison::OneOf(vec![one]))));
                    tests.push(require_not_empty(path, "in", self.is_in)?.map(|list| test(Comparison::OneOf(list))));
                    tests.push(self.is_known.map(|known| test(Comparison::Known(known))));
                    tests.into_predicate()
                }
            }
        )+
    };
}

code_comparisons! {
    /// Compares whether a step was taken. UNKNOWN if the record has no value.
    ChallengeStepComparison(ChallengeStep)
    /// Compares how far a condition for change was altered. UNKNOWN if the record has no value.
    ChangeExtentComparison(ChangeExtent)
    /// Compares an entry point. UNKNOWN if the record has no value.
    EntryPointComparison(EntryPoint)
    /// Compares a restriction. UNKNOWN if the record has no value.
    RestrictionComparison(Restriction)
    /// Compares how often the funder requires a report. UNKNOWN if the record has no value.
    ReportingFrequencyComparison(ReportingFrequency)
    /// Compares what the funder requires reports on. UNKNOWN if the record has no value.
    ReportingBasisComparison(ReportingBasis)
    /// Compares a delivery timeline. UNKNOWN if the record has no value.
    DeliveryTimelineComparison(DeliveryTimeline)
    /// Compares a kind of organisation. UNKNOWN if not known.
    OrganisationKindComparison(OrganisationKind)
    /// Compares a kind of place.
    PlaceKindComparison(PlaceKind)
    /// Compares a perspective.
    PerspectiveComparison(Perspective)
    /// Compares a challenge. UNKNOWN if there is no value.
    ChallengeComparison(Challenge)
}

/// Compares a yes-or-no value. UNKNOWN if the record has no value.
#[derive(Clone, Debug, Default, InputObject)]
pub struct BooleanComparison {
    /// Equal to this value.
    pub eq: Option<bool>,
    /// Whether the value is known. This comparison is never UNKNOWN.
    pub is_known: Option<bool>,
}

impl BooleanComparison {
    /// Converts the comparison to a predicate, with tests that `test` builds.
    pub fn into_predicate<T>(self, path: &str, test: impl Fn(Comparison<bool>) -> T) -> Result<Predicate<T>> {
        let mut tests = ComparisonTests::new(path);
        tests.push(self.eq.map(|one| test(Comparison::OneOf(vec![one]))));
        tests.push(self.is_known.map(|known| test(Comparison::Known(known))));
        tests.into_predicate()
    }
}

/// Compares a text. Ignores upper and lower case, how accents and spaces are encoded, repeated spaces, and
/// spaces at the start and end. UNKNOWN if there is no value.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "TextComparison")]
pub struct TextComparisonInput {
    /// Equal to this value.
    pub eq: Option<String>,
    /// Not equal to this value.
    pub ne: Option<String>,
    /// Equal to one of these values. An empty list is an error.
    #[graphql(name = "in")]
    pub is_in: Option<Vec<String>>,
    /// Contains this text. An empty text is an error.
    pub contains: Option<String>,
    /// Starts with this text. An empty text is an error.
    pub starts_with: Option<String>,
    /// Whether there is a value. This comparison is never UNKNOWN.
    pub is_known: Option<bool>,
}

impl TextComparisonInput {
    /// Converts the comparison of a name or title to a predicate, with tests that `test` builds.
    pub fn into_predicate<T>(self, path: &str, test: impl Fn(TextComparison) -> T) -> Result<Predicate<T>> {
        self.into_folded_predicate(path, fold_name, test)
    }

    /// Converts the comparison to a predicate, with tests that `test` builds. `fold` normalises each text for
    /// comparison.
    pub fn into_folded_predicate<T>(
        self,
        path: &str,
        fold: impl Fn(&str) -> String,
        test: impl Fn(TextComparison) -> T,
    ) -> Result<Predicate<T>> {
        let some = |field: &str, text: Option<String>| match text.map(|text| fold(&text)) {
            Some(text) if text.is_empty() => Err(Error::bad_input(path, format!("{field} is an empty text"))),
            text => Ok(text),
        };
        let texts = [
            ("eq", &self.eq),
            ("ne", &self.ne),
            ("contains", &self.contains),
            ("startsWith", &self.starts_with),
        ];
        let texts = texts
            .into_iter()
            .filter_map(|(field, text)| Some((field, text.as_ref()?)));
        for (field, text) in texts.chain(self.is_in.iter().flatten().map(|text| ("in", text))) {
            require_length(path, field, text)?;
        }
        let mut tests = ComparisonTests::new(path);
        tests.push(self.eq.map(|one| test(TextComparison::OneOf(vec![fold(&one)]))));
        tests.push_negated(self.ne.map(|one| test(TextComparison::OneOf(vec![fold(&one)]))));
        let listed = require_not_empty(path, "in", self.is_in)?;
        tests
            .push(listed.map(|list| test(TextComparison::OneOf(list.iter().map(|one| fold(one)).collect()))));
        tests.push(some("contains", self.contains)?.map(|part| test(TextComparison::Contains(part))));
        tests
            .push(some("startsWith", self.starts_with)?.map(|start| test(TextComparison::StartsWith(start))));
        tests.push(self.is_known.map(|known| test(TextComparison::Known(known))));
        tests.into_predicate()
    }
}

/// Compares global IDs.
#[derive(Clone, Debug, Default, InputObject)]
pub struct IdComparison {
    /// Equal to this ID.
    pub eq: Option<ID>,
    /// Not equal to this ID.
    pub ne: Option<ID>,
    /// Equal to one of these values. An empty list is an error.
    #[graphql(name = "in")]
    pub is_in: Option<Vec<ID>>,
}

impl IdComparison {
    /// Converts the comparison of ids of one type to a predicate, with tests that `test` builds.
    pub fn into_predicate<T>(
        self,
        path: &str,
        kind: NodeKind,
        test: impl Fn(Vec<Uuid>) -> T,
    ) -> Result<Predicate<T>> {
        let read = |id: &ID| {
            id::decode_as(kind, id).ok_or_else(|| {
                Error::bad_input(
                    path,
                    format!("{} is not the id of a {}", id.as_str(), kind.name()),
                )
            })
        };
        let mut tests = ComparisonTests::new(path);
        tests.push(self.eq.as_ref().map(read).transpose()?.map(|one| test(vec![one])));
        tests.push_negated(self.ne.as_ref().map(read).transpose()?.map(|one| test(vec![one])));
        let listed = require_not_empty(path, "in", self.is_in)?;
        let listed = listed
            .map(|list| list.iter().map(read).collect::<Result<HashSet<_>>>())
            .transpose()?;
        tests.push(listed.map(|list| test(list.into_iter().collect())));
        tests.into_predicate()
    }
}

macro_rules! set_comparisons {
    ($($(#[doc = $about:literal])+ $name:ident($code:ty))+) => {
        $(
            $(#[doc = $about])+
            #[derive(Clone, Debug, Default, InputObject)]
            pub struct $name {
                /// Includes all of these values. An empty list is an error.
                pub includes: Option<Vec<$code>>,
                /// Includes at least one of these values. An empty list is an error.
                pub includes_any: Option<Vec<$code>>,
                /// Whether any value is recorded. This comparison is never UNKNOWN.
                pub is_known: Option<bool>,
            }

            impl $name {
                /// Converts the comparison to a predicate, with tests that `test` builds.
                pub fn into_predicate<T>(self, path: &str, test: impl Fn(SetComparison<$code>) -> T) -> Result<Predicate<T>> {
                    let mut tests = ComparisonTests::new(path);
                    let all = require_not_empty(path, "includes", self.includes)?;
                    tests.push(all.map(|codes| test(SetComparison::IncludesAll(codes))));
                    let any = require_not_empty(path, "includesAny", self.includes_any)?;
                    tests.push(any.map(|codes| test(SetComparison::IncludesAny(codes))));
                    tests.push(self.is_known.map(|known| test(SetComparison::Known(known))));
                    tests.into_predicate()
                }
            }
        )+
    };
}

set_comparisons! {
    /// Compares the reasons why a step was rushed or skipped. UNKNOWN if none is recorded.
    ChallengeReasonsComparison(ChallengeReason)
}
