//! Conditions on what the base holds, free of GraphQL and of any database: the
//! one form that lists (by SQL), patterns (by the index) and plain words share.
//!
//! A [`Predicate`] joins tests with Kleene's `and`, `or` and `not`; a test looks
//! at one thing and is TRUE, FALSE or UNKNOWN of a record. The empty filter is
//! `All([])`, which is TRUE.

use chrono::NaiveDate;
use uuid::Uuid;
use wayin_records::fields::funding_term::FundingChoice;
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Choice, Condition as ConditionForChange,
    EntryPoint, OrganisationKind, Perspective, PlaceKind,
};

use crate::three_valued::Truth;

/// Tests joined by `and`, `or` and `not`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Predicate<T> {
    /// All of them; TRUE where there are none.
    All(Vec<Self>),
    /// Any of them; FALSE where there are none.
    Any(Vec<Self>),
    /// Not this one.
    Not(Box<Self>),
    /// One test.
    Test(T),
}

impl<T> Predicate<T> {
    /// The condition that is TRUE of everything.
    pub const ALWAYS_TRUE: Self = Self::All(Vec::new());

    /// Not this condition.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// Both conditions.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::All(mut parts), Self::All(more)) => {
                parts.extend(more);
                Self::All(parts)
            }
            (Self::All(mut parts), other) => {
                parts.push(other);
                Self::All(parts)
            }
            (one, other) => Self::All(vec![one, other]),
        }
    }

    /// Whether the condition holds, given what each test says.
    pub fn evaluate(&self, test: &mut impl FnMut(&T) -> Truth) -> Truth {
        match self {
            Self::All(parts) => parts
                .iter()
                .fold(Truth::True, |so_far, part| so_far.and(part.evaluate(test))),
            Self::Any(parts) => parts
                .iter()
                .fold(Truth::False, |so_far, part| so_far.or(part.evaluate(test))),
            Self::Not(part) => !part.evaluate(test),
            Self::Test(one) => test(one),
        }
    }

    /// Shows each test in it to `see`.
    pub fn for_each_test(&self, see: &mut impl FnMut(&T)) {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().for_each(|part| part.for_each_test(see)),
            Self::Not(part) => part.for_each_test(see),
            Self::Test(one) => see(one),
        }
    }

    /// The same condition of other tests.
    pub fn map<U>(self, to: &impl Fn(T) -> U) -> Predicate<U> {
        let all = |parts: Vec<Self>| parts.into_iter().map(|part| part.map(to)).collect();
        match self {
            Self::All(parts) => Predicate::All(all(parts)),
            Self::Any(parts) => Predicate::Any(all(parts)),
            Self::Not(part) => part.map(to).negated(),
            Self::Test(one) => Predicate::Test(to(one)),
        }
    }

    /// How many conditions there are in it, itself and those within tests included.
    pub fn count_nodes(&self, of_test: &impl Fn(&T) -> usize) -> usize {
        1 + match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().map(|part| part.count_nodes(of_test)).sum(),
            Self::Not(part) => part.count_nodes(of_test),
            Self::Test(one) => of_test(one),
        }
    }

    /// Whether `wanted` is so of any test in it.
    pub fn has_test(&self, wanted: &impl Fn(&T) -> bool) -> bool {
        match self {
            Self::All(parts) | Self::Any(parts) => parts.iter().any(|part| part.has_test(wanted)),
            Self::Not(part) => part.has_test(wanted),
            Self::Test(one) => wanted(one),
        }
    }
}

/// How a value that may not be known is compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Comparison<T> {
    /// It is one of these; never empty.
    OneOf(Vec<T>),
    /// It is less, or earlier.
    Less(T),
    /// It is at most this.
    AtMost(T),
    /// It is more, or later.
    More(T),
    /// It is at least this.
    AtLeast(T),
    /// Whether it is known at all; never UNKNOWN.
    Known(bool),
}

impl<T> Comparison<T> {
    /// The same comparison of other values.
    pub fn map<U>(&self, to: impl Fn(&T) -> U) -> Comparison<U> {
        match self {
            Self::OneOf(listed) => Comparison::OneOf(listed.iter().map(to).collect()),
            Self::Less(bound) => Comparison::Less(to(bound)),
            Self::AtMost(bound) => Comparison::AtMost(to(bound)),
            Self::More(bound) => Comparison::More(to(bound)),
            Self::AtLeast(bound) => Comparison::AtLeast(to(bound)),
            Self::Known(known) => Comparison::Known(*known),
        }
    }
}

impl<T: PartialOrd> Comparison<T> {
    /// What the comparison says of a value.
    pub fn evaluate(&self, value: Option<&T>) -> Truth {
        if let Self::Known(known) = self {
            return Truth::from(value.is_some() == *known);
        }
        let Some(value) = value else {
            return Truth::Unknown;
        };
        Truth::from(match self {
            Self::OneOf(listed) => listed.contains(value),
            Self::Less(bound) => value < bound,
            Self::AtMost(bound) => value <= bound,
            Self::More(bound) => value > bound,
            Self::AtLeast(bound) => value >= bound,
            Self::Known(_) => true,
        })
    }
}

/// How a text is compared; letters' case does not count, and what is held here is in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TextComparison {
    /// It is one of these; never empty.
    OneOf(Vec<String>),
    /// It contains this.
    Contains(String),
    /// It starts with this.
    StartsWith(String),
    /// Whether it is known at all; never UNKNOWN.
    Known(bool),
}

impl TextComparison {
    /// What the comparison says of a text that is in lower case.
    pub fn evaluate(&self, folded: Option<&str>) -> Truth {
        if let Self::Known(known) = self {
            return Truth::from(folded.is_some() == *known);
        }
        let Some(folded) = folded else {
            return Truth::Unknown;
        };
        Truth::from(match self {
            Self::OneOf(listed) => listed.iter().any(|one| one == folded),
            Self::Contains(part) => folded.contains(part.as_str()),
            Self::StartsWith(start) => folded.starts_with(start.as_str()),
            Self::Known(_) => true,
        })
    }
}

/// How a set of codes is compared; UNKNOWN where nothing is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SetComparison<T> {
    /// All of these are in it; never empty.
    IncludesAll(Vec<T>),
    /// One of these is in it; never empty.
    IncludesAny(Vec<T>),
    /// Whether anything is recorded; never UNKNOWN.
    Known(bool),
}

/// Something in the base that a condition names, with the words for it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamedReference {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// A crisis as a condition sees it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrisisPeriod {
    /// What it is called.
    pub name: String,
    /// Its first day.
    pub from: NaiveDate,
    /// Its last day; none while it goes on.
    pub to: Option<NaiveDate>,
    /// The places that it bears on; empty where it bears on all.
    pub places: Vec<Uuid>,
}

/// Which of an initiative's funding terms must meet a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// One of them.
    Some,
    /// All of them.
    Every,
    /// None of them.
    None,
}

/// A condition on initiatives.
pub type InitiativePredicate = Predicate<InitiativeTest>;
/// A condition on one funding term.
pub type FundingTermPredicate = Predicate<FundingTermTest>;
/// A condition on organisations.
pub type OrganisationPredicate = Predicate<OrganisationTest>;
/// A condition on places.
pub type PlacePredicate = Predicate<PlaceTest>;

/// One test of an initiative.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum InitiativeTest {
    /// It is one of these.
    Id(Vec<Uuid>),
    /// Its title.
    Title(TextComparison),
    /// Its place is this one.
    PlaceIs(NamedReference),
    /// Its place is this one, or lies within it.
    PlaceWithin(NamedReference),
    /// Whether its place is known.
    PlaceKnown(bool),
    /// The organisation that leads it.
    LeadOrganisation(OrganisationPredicate),
    /// The day it started.
    StartedOn(Comparison<NaiveDate>),
    /// The day it ended.
    EndedOn(Comparison<NaiveDate>),
    /// It was at work during a crisis, where the crisis was.
    ActiveDuring(CrisisPeriod),
    /// The first entry point of a perspective, or of any.
    WayIn(Option<Perspective>, WayInComparison),
    /// The entry points that a perspective, or any, took.
    EntryPoints(Option<Perspective>, SetComparison<EntryPoint>),
    /// What became of a challenge's step.
    Step(Challenge, Comparison<ChallengeStep>),
    /// Why a challenge's step went as it did.
    Reasons(Challenge, SetComparison<ChallengeReason>),
    /// What became of a condition for change.
    Change(ConditionForChange, Comparison<ChangeExtent>),
    /// The terms that its money came with.
    FundingTerms(Quantifier, FundingTermPredicate),
    /// Whether any funding term is recorded.
    FundingTermsRecorded(bool),
}

/// How a way in is compared.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum WayInComparison {
    /// It is one of these; never empty.
    OneOf(Vec<EntryPoint>),
    /// Whether one is recorded.
    Known(bool),
}

/// One test of a funding term.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FundingTermTest {
    /// The organisation that gave the money.
    Funder(OrganisationPredicate),
    /// Its length in months.
    DurationMonths(Comparison<i32>),
    /// Its amount in the currency's minor unit.
    AmountMinor(Comparison<i64>),
    /// Its currency.
    Currency(TextComparison),
    /// The planned first day.
    StartsOn(Comparison<NaiveDate>),
    /// One of its fields whose answer is a choice, by the numbers of its answers.
    Choice(FundingChoice, Comparison<u8>),
}

impl FundingTermTest {
    /// The test of a choice by its values.
    pub fn choice<T: Choice>(field: FundingChoice, comparison: &Comparison<T>) -> Self {
        Self::Choice(field, comparison.map(|value| value.number()))
    }
}

/// One test of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OrganisationTest {
    /// It is one of these.
    Id(Vec<NamedReference>),
    /// Its name.
    Name(TextComparison),
    /// Its org-id identifier.
    Identifier(TextComparison),
    /// What sort of organisation it is.
    Kind(Comparison<OrganisationKind>),
}

/// One test of a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PlaceTest {
    /// It is one of these.
    Id(Vec<Uuid>),
    /// Its name.
    Name(TextComparison),
    /// Its GSS code.
    Code(TextComparison),
    /// What sort of place it is.
    Kind(Comparison<PlaceKind>),
    /// It lies within this place, or is it.
    Within(NamedReference),
    /// Whether its code is in use, rather than retired.
    Current(bool),
}
