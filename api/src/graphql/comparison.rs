//! The comparisons that filters are made of, and how each becomes tests. All
//! parts of one comparison must hold. An empty list, and a comparison that says
//! nothing at all, are refused.

use std::collections::HashSet;

use async_graphql::{ID, InputObject};
use chrono::NaiveDate;
use uuid::Uuid;
use wayin_entity::{
    ChallengeReason, ChallengeStep, ChangeExtent, DeliveryTimeline, EntryPoint, OrganisationKind, PlaceKind,
    ReportingBasis, ReportingFrequency, Restriction,
};

use crate::error::{Error, Result};
use crate::id::{self, NodeKind};
use wayin_engine::predicate::{Comparison, Condition, SetComparison, TextComparison};
use wayin_records::spelling::fold;

/// A count of minor units of money: a 64-bit integer, as a number or as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BigInt(pub i64);

/// A whole number of up to 64 bits. Sent as a number; read from a number or from text.
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

/// A day of the calendar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Date(pub NaiveDate);

/// A date without a time, as `2024-04-01`.
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

/// Collects the tests of one comparison.
struct Tests<'a, T> {
    path: &'a str,
    found: Vec<Condition<T>>,
}

impl<'a, T> Tests<'a, T> {
    const fn new(path: &'a str) -> Self {
        Self {
            path,
            found: Vec::new(),
        }
    }

    fn put(&mut self, test: Option<T>) {
        self.found.extend(test.map(Condition::Test));
    }

    fn put_not(&mut self, test: Option<T>) {
        self.found
            .extend(test.map(|test| Condition::Test(test).negated()));
    }

    fn all(mut self) -> Result<Condition<T>> {
        match self.found.len() {
            0 => Err(Error::bad_input(self.path, "says nothing to compare with")),
            1 => Ok(self.found.remove(0)),
            _ => Ok(Condition::All(self.found)),
        }
    }
}

/// The most values that one comparison lists.
const MOST_LISTED: usize = 500;
/// The most characters of a text that is compared with.
const MOST_CHARACTERS: usize = 300;

/// A list that a comparison names, which must not be empty, nor too long.
pub fn not_empty<T>(path: &str, field: &str, list: Option<Vec<T>>) -> Result<Option<Vec<T>>> {
    match list.as_ref().map(Vec::len) {
        Some(0) => Err(Error::bad_input(path, format!("{field} is an empty list"))),
        Some(length) if length > MOST_LISTED => Err(Error::bad_input(
            path,
            format!("{field} lists {length} values; at most {MOST_LISTED} can be"),
        )),
        _ => Ok(list),
    }
}

/// A text that is compared with, which must not be too long.
fn not_too_long(path: &str, field: &str, text: &str) -> Result<()> {
    let length = text.chars().count();
    if length > MOST_CHARACTERS {
        let reason =
            format!("{field} has {length} characters; at most {MOST_CHARACTERS} can be compared with");
        return Err(Error::bad_input(path, reason));
    }
    Ok(())
}

macro_rules! ordered_comparison {
    ($(#[doc = $about:literal])+ $name:ident($input:ty => $value:ty, $read:expr)) => {
        $(#[doc = $about])+
        #[derive(Clone, Debug, Default, InputObject)]
        pub struct $name {
            /// It is this.
            pub eq: Option<$input>,
            /// It is not this.
            pub ne: Option<$input>,
            /// It is one of these; an empty list is refused.
            #[graphql(name = "in")]
            pub is_in: Option<Vec<$input>>,
            /// It is less than this, or before it.
            pub lt: Option<$input>,
            /// It is at most this, or not after it.
            pub lte: Option<$input>,
            /// It is more than this, or after it.
            pub gt: Option<$input>,
            /// It is at least this, or not before it.
            pub gte: Option<$input>,
            /// Whether it is known at all: the one comparison that is never UNKNOWN.
            pub is_known: Option<bool>,
        }

        impl $name {
            /// The comparison as tests of `test`.
            pub fn condition<T>(self, path: &str, test: impl Fn(Comparison<$value>) -> T) -> Result<Condition<T>> {
                let read: fn($input) -> $value = $read;
                let mut tests = Tests::new(path);
                tests.put(self.eq.map(|one| test(Comparison::OneOf(vec![read(one)]))));
                tests.put_not(self.ne.map(|one| test(Comparison::OneOf(vec![read(one)]))));
                let listed = not_empty(path, "in", self.is_in)?;
                tests.put(listed.map(|list| test(Comparison::OneOf(list.into_iter().map(read).collect()))));
                tests.put(self.lt.map(|one| test(Comparison::Less(read(one)))));
                tests.put(self.lte.map(|one| test(Comparison::AtMost(read(one)))));
                tests.put(self.gt.map(|one| test(Comparison::More(read(one)))));
                tests.put(self.gte.map(|one| test(Comparison::AtLeast(read(one)))));
                tests.put(self.is_known.map(|known| test(Comparison::Known(known))));
                tests.all()
            }
        }
    };
}

ordered_comparison! {
    /// How a whole number is compared; UNKNOWN where the record does not say.
    IntComparison(i32 => i32, |one| one)
}
ordered_comparison! {
    /// How a sum of money is compared, in the currency's minor unit; UNKNOWN where the record does not say.
    BigIntComparison(BigInt => i64, |one| one.0)
}
ordered_comparison! {
    /// How a day is compared, as `2021-04-01`; UNKNOWN where the record does not say.
    DateComparison(Date => NaiveDate, |one| one.0)
}

macro_rules! code_comparisons {
    ($($(#[doc = $about:literal])+ $name:ident($code:ty))+) => {
        $(
            $(#[doc = $about])+
            #[derive(Clone, Debug, Default, InputObject)]
            pub struct $name {
                /// It is this.
                pub eq: Option<$code>,
                /// It is not this.
                pub ne: Option<$code>,
                /// It is one of these; an empty list is refused.
                #[graphql(name = "in")]
                pub is_in: Option<Vec<$code>>,
                /// Whether it is known at all: the one comparison that is never UNKNOWN.
                pub is_known: Option<bool>,
            }

            impl $name {
                /// The comparison as tests of `test`.
                pub fn condition<T>(self, path: &str, test: impl Fn(Comparison<$code>) -> T) -> Result<Condition<T>> {
                    let mut tests = Tests::new(path);
                    tests.put(self.eq.map(|one| test(Comparison::OneOf(vec![one]))));
                    tests.put_not(self.ne.map(|one| test(Comparison::OneOf(vec![one]))));
                    tests.put(not_empty(path, "in", self.is_in)?.map(|list| test(Comparison::OneOf(list))));
                    tests.put(self.is_known.map(|known| test(Comparison::Known(known))));
                    tests.all()
                }
            }
        )+
    };
}

code_comparisons! {
    /// How what became of a step is compared; UNKNOWN where the record does not say.
    ChallengeStepComparison(ChallengeStep)
    /// How what became of a condition for change is compared; UNKNOWN where the record does not say.
    ChangeExtentComparison(ChangeExtent)
    /// How an entry point is compared; UNKNOWN where the record does not say.
    EntryPointComparison(EntryPoint)
    /// How a restriction is compared; UNKNOWN where the record does not say.
    RestrictionComparison(Restriction)
    /// How a frequency of reporting is compared; UNKNOWN where the record does not say.
    ReportingFrequencyComparison(ReportingFrequency)
    /// How what is reported on is compared; UNKNOWN where the record does not say.
    ReportingBasisComparison(ReportingBasis)
    /// How a delivery timeline is compared; UNKNOWN where the record does not say.
    DeliveryTimelineComparison(DeliveryTimeline)
    /// How a kind of organisation is compared; UNKNOWN where it is not known.
    OrganisationKindComparison(OrganisationKind)
    /// How a kind of place is compared.
    PlaceKindComparison(PlaceKind)
}

/// How a yes or no is compared; UNKNOWN where the record does not say.
#[derive(Clone, Debug, Default, InputObject)]
pub struct BooleanComparison {
    /// It is so, or is not so.
    pub eq: Option<bool>,
    /// Whether it is known at all: the one comparison that is never UNKNOWN.
    pub is_known: Option<bool>,
}

impl BooleanComparison {
    /// The comparison as tests of `test`.
    pub fn condition<T>(self, path: &str, test: impl Fn(Comparison<bool>) -> T) -> Result<Condition<T>> {
        let mut tests = Tests::new(path);
        tests.put(self.eq.map(|one| test(Comparison::OneOf(vec![one]))));
        tests.put(self.is_known.map(|known| test(Comparison::Known(known))));
        tests.all()
    }
}

/// How a text is compared. Letters' case does not count, nor how accents and spaces are encoded; runs of spaces
/// count as one space, and surrounding space does not count. UNKNOWN where there is none.
#[derive(Clone, Debug, Default, InputObject)]
#[graphql(name = "TextComparison")]
pub struct TextComparisonInput {
    /// It is this.
    pub eq: Option<String>,
    /// It is not this.
    pub ne: Option<String>,
    /// It is one of these; an empty list is refused.
    #[graphql(name = "in")]
    pub is_in: Option<Vec<String>>,
    /// It contains this; an empty text is refused.
    pub contains: Option<String>,
    /// It starts with this; an empty text is refused.
    pub starts_with: Option<String>,
    /// Whether there is one at all: the one comparison that is never UNKNOWN.
    pub is_known: Option<bool>,
}

impl TextComparisonInput {
    /// The comparison of a name or a title as tests of `test`.
    pub fn condition<T>(self, path: &str, test: impl Fn(TextComparison) -> T) -> Result<Condition<T>> {
        self.spelt(path, fold, test)
    }

    /// The comparison as tests of `test`, of texts that `fold` writes as they are compared.
    pub fn spelt<T>(
        self,
        path: &str,
        fold: impl Fn(&str) -> String,
        test: impl Fn(TextComparison) -> T,
    ) -> Result<Condition<T>> {
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
            not_too_long(path, field, text)?;
        }
        let mut tests = Tests::new(path);
        tests.put(self.eq.map(|one| test(TextComparison::OneOf(vec![fold(&one)]))));
        tests.put_not(self.ne.map(|one| test(TextComparison::OneOf(vec![fold(&one)]))));
        let listed = not_empty(path, "in", self.is_in)?;
        tests.put(listed.map(|list| test(TextComparison::OneOf(list.iter().map(|one| fold(one)).collect()))));
        tests.put(some("contains", self.contains)?.map(|part| test(TextComparison::Contains(part))));
        tests.put(some("startsWith", self.starts_with)?.map(|start| test(TextComparison::StartsWith(start))));
        tests.put(self.is_known.map(|known| test(TextComparison::Known(known))));
        tests.all()
    }
}

/// Which ids are meant.
#[derive(Clone, Debug, Default, InputObject)]
pub struct IdComparison {
    /// It is this one.
    pub eq: Option<ID>,
    /// It is not this one.
    pub ne: Option<ID>,
    /// It is one of these; an empty list is refused.
    #[graphql(name = "in")]
    pub is_in: Option<Vec<ID>>,
}

impl IdComparison {
    /// The comparison as tests of `test`, of ids of one type.
    pub fn condition<T>(
        self,
        path: &str,
        kind: NodeKind,
        test: impl Fn(Vec<Uuid>) -> T,
    ) -> Result<Condition<T>> {
        let read = |id: &ID| {
            id::decode_as(kind, id).ok_or_else(|| {
                Error::bad_input(
                    path,
                    format!("{} is not the id of a {}", id.as_str(), kind.name()),
                )
            })
        };
        let mut tests = Tests::new(path);
        tests.put(self.eq.as_ref().map(read).transpose()?.map(|one| test(vec![one])));
        tests.put_not(self.ne.as_ref().map(read).transpose()?.map(|one| test(vec![one])));
        let listed = not_empty(path, "in", self.is_in)?;
        let listed = listed
            .map(|list| list.iter().map(read).collect::<Result<HashSet<_>>>())
            .transpose()?;
        tests.put(listed.map(|list| test(list.into_iter().collect())));
        tests.all()
    }
}

macro_rules! set_comparisons {
    ($($(#[doc = $about:literal])+ $name:ident($code:ty))+) => {
        $(
            $(#[doc = $about])+
            #[derive(Clone, Debug, Default, InputObject)]
            pub struct $name {
                /// All of these are among them; an empty list is refused.
                pub includes: Option<Vec<$code>>,
                /// One of these is among them; an empty list is refused.
                pub includes_any: Option<Vec<$code>>,
                /// Whether any is recorded at all: the one comparison that is never UNKNOWN.
                pub is_known: Option<bool>,
            }

            impl $name {
                /// The comparison as tests of `test`.
                pub fn condition<T>(self, path: &str, test: impl Fn(SetComparison<$code>) -> T) -> Result<Condition<T>> {
                    let mut tests = Tests::new(path);
                    let all = not_empty(path, "includes", self.includes)?;
                    tests.put(all.map(|codes| test(SetComparison::IncludesAll(codes))));
                    let any = not_empty(path, "includesAny", self.includes_any)?;
                    tests.put(any.map(|codes| test(SetComparison::IncludesAny(codes))));
                    tests.put(self.is_known.map(|known| test(SetComparison::Known(known))));
                    tests.all()
                }
            }
        )+
    };
}

set_comparisons! {
    /// How the reasons for what became of a step are compared; UNKNOWN where none is given.
    ChallengeReasonsComparison(ChallengeReason)
}
