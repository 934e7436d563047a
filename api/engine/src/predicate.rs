//! Predicates on records, independent of GraphQL and of the database. Lists and patterns evaluate
//! them on the index, and summaries render them as text.
//!
//! A [`Predicate`] joins tests with `and`, `or` and `not` in Kleene's logic. Each test is TRUE, FALSE or UNKNOWN for a
//! record. The empty filter is `All([])`, which is TRUE.

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;
use wayin_records::fields::funding_term::FundingChoice;
use wayin_vocabulary::{
    Challenge, ChallengeReason, ChallengeStep, ChangeExtent, Choice, Condition as ConditionForChange,
    EntryPoint, OrganisationKind, Perspective, PlaceKind,
};

use crate::three_valued_logic::Truth;

/// Tests joined by `and`, `or` and `not`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Predicate<T> {
    /// TRUE if all parts are TRUE or if there are none.
    All(Vec<Self>),
    /// TRUE if any part is TRUE; FALSE if there are none.
    Any(Vec<Self>),
    /// The negation of a part.
    Not(Box<Self>),
    /// One test.
    Test(T),
}

impl<T> Predicate<T> {
    /// The predicate that is TRUE for every record.
    pub const ALWAYS_TRUE: Self = Self::All(Vec::new());

    /// The negation of this predicate.
    #[must_use]
    pub fn negated(self) -> Self {
        Self::Not(Box::new(self))
    }

    /// The conjunction of two predicates.
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

    /// Evaluates the predicate, given the value of each test.
    pub fn evaluate(&self, test: &mut impl FnMut(&T) -> Truth) -> Truth {
        match self {
            Self::All(parts) => Truth::all(parts.iter().map(|part| part.evaluate(test))),
            Self::Any(parts) => Truth::any(parts.iter().map(|part| part.evaluate(test))),
            Self::Not(part) => !part.evaluate(test),
            Self::Test(one) => test(one),
        }
    }

    /// Calls `visit` with each test.
    pub fn for_each_test<'p>(&'p self, visit: &mut impl FnMut(&'p T)) {
        match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().for_each(|part| part.for_each_test(visit));
            }
            Self::Not(part) => part.for_each_test(visit),
            Self::Test(one) => visit(one),
        }
    }

    /// Replaces each test.
    pub fn map<U>(self, to: &impl Fn(T) -> U) -> Predicate<U> {
        let all = |parts: Vec<Self>| parts.into_iter().map(|part| part.map(to)).collect();
        match self {
            Self::All(parts) => Predicate::All(all(parts)),
            Self::Any(parts) => Predicate::Any(all(parts)),
            Self::Not(part) => part.map(to).negated(),
            Self::Test(one) => Predicate::Test(to(one)),
        }
    }

    /// The number of nodes of the tree. `count_in_test` counts the nodes within a test.
    pub fn count_nodes(&self, count_in_test: &impl Fn(&T) -> usize) -> usize {
        1 + match self {
            Self::All(parts) | Self::Any(parts) => {
                parts.iter().map(|part| part.count_nodes(count_in_test)).sum()
            }
            Self::Not(part) => part.count_nodes(count_in_test),
            Self::Test(one) => count_in_test(one),
        }
    }

    /// Whether `matches` is true for any test.
    pub fn has_test(&self, matches: &impl Fn(&T) -> bool) -> bool {
        let mut found = false;
        self.for_each_test(&mut |test| found |= matches(test));
        found
    }
}

/// A comparison with a value that may be unknown.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Comparison<T> {
    /// It is one of these. Never empty.
    OneOf(Vec<T>),
    /// It is less than this, or earlier.
    Less(T),
    /// It is at most this.
    AtMost(T),
    /// It is more than this, or later.
    More(T),
    /// It is at least this.
    AtLeast(T),
    /// Whether it is known. Never UNKNOWN.
    Known(bool),
}

impl<T> Comparison<T> {
    /// Replaces each value.
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

    /// The values that it compares with.
    pub fn values(&self) -> &[T] {
        match self {
            Self::OneOf(listed) => listed,
            Self::Less(bound) | Self::AtMost(bound) | Self::More(bound) | Self::AtLeast(bound) => {
                std::slice::from_ref(bound)
            }
            Self::Known(_) => &[],
        }
    }
}

impl<T: PartialOrd> Comparison<T> {
    /// Whether it is TRUE for a known value.
    pub fn matches(&self, value: &T) -> bool {
        self.evaluate(Some(value)) == Truth::True
    }

    /// Evaluates the comparison.
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

    /// Evaluates the comparison with a value of which only a range is known. UNKNOWN if it depends on the value.
    pub fn evaluate_range(&self, from: &T, to: &T) -> Truth {
        if let Self::OneOf(listed) = self
            && from != to
        {
            let is_possible = listed.iter().any(|value| (from..=to).contains(&value));
            return if is_possible { Truth::Unknown } else { Truth::False };
        }
        // The others are TRUE up to a value, or from it on.
        match (self.evaluate(Some(from)), self.evaluate(Some(to))) {
            (first, last) if first == last => first,
            _ => Truth::Unknown,
        }
    }
}

/// A comparison with a text, ignoring case. The texts here are in lower case.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum TextComparison {
    /// It is one of these. Never empty.
    OneOf(Vec<String>),
    /// It contains this.
    Contains(String),
    /// It starts with this.
    StartsWith(String),
    /// Whether it is known. Never UNKNOWN.
    Known(bool),
}

impl TextComparison {
    /// Evaluates the comparison with a text in lower case.
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

/// A comparison with a set of codes. UNKNOWN if nothing is recorded.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum SetComparison<T> {
    /// It includes all of these. Never empty.
    IncludesAll(Vec<T>),
    /// It includes at least one of these. Never empty.
    IncludesAny(Vec<T>),
    /// Whether anything is recorded. Never UNKNOWN.
    Known(bool),
}

/// A reference to a row, with its name for summaries.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct NamedReference {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
}

/// The period and the places of a crisis.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CrisisPeriod {
    /// Its name.
    pub name: String,
    /// Its first day.
    pub from: NaiveDate,
    /// Its last day; none if it has not ended.
    pub to: Option<NaiveDate>,
    /// The places that it affects; empty if it affects all places.
    pub places: Vec<Uuid>,
}

impl CrisisPeriod {
    /// Whether days lie in the period, given the first and the last one they can be. UNKNOWN if some can and others
    /// cannot.
    pub fn contains_range(&self, first: NaiveDate, last: NaiveDate) -> Truth {
        let is_since = Comparison::AtLeast(self.from).evaluate_range(&first, &last);
        let is_by_the_end = self.to.map_or(Truth::True, |to| {
            Comparison::AtMost(to).evaluate_range(&first, &last)
        });
        is_since.and(is_by_the_end)
    }
}

/// How many of an initiative's funding terms must match a predicate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Quantifier {
    /// At least one.
    Some,
    /// All.
    Every,
    /// None.
    None,
}

/// A predicate on initiatives.
pub type InitiativePredicate = Predicate<InitiativeTest>;
/// A predicate on one funding term.
pub type FundingTermPredicate = Predicate<FundingTermTest>;
/// A predicate on organisations.
pub type OrganisationPredicate = Predicate<OrganisationTest>;
/// A predicate on places.
pub type PlacePredicate = Predicate<PlaceTest>;

/// A test of an initiative.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum InitiativeTest {
    /// It is one of these.
    Id(Vec<Uuid>),
    /// Its title.
    Title(TextComparison),
    /// Its place is this one.
    PlaceIs(NamedReference),
    /// Its place is this one or lies within it.
    PlaceWithin(NamedReference),
    /// Whether its place is known.
    PlaceKnown(bool),
    /// Its lead organisation.
    LeadOrganisation(OrganisationPredicate),
    /// The day it started.
    StartedOn(Comparison<NaiveDate>),
    /// The day it ended.
    EndedOn(Comparison<NaiveDate>),
    /// When its record last changed.
    UpdatedAt(Comparison<DateTime<Utc>>),
    /// It was active during a crisis, in a place that the crisis affected.
    ActiveDuring(CrisisPeriod),
    /// It started during a crisis, in a place that the crisis affected.
    StartedDuring(CrisisPeriod),
    /// Some funding term starts during a crisis, and its place is one that the crisis affected. UNKNOWN if no term is
    /// recorded, or if no known first day lies in the period and the first day of some term is not known.
    FundedDuring(CrisisPeriod),
    /// The way in from one perspective, or from any.
    WayIn(Option<Perspective>, WayInComparison),
    /// The entry points taken from one perspective, or from any.
    EntryPoints(Option<Perspective>, SetComparison<EntryPoint>),
    /// What happened to the step of a challenge.
    Step(Challenge, Comparison<ChallengeStep>),
    /// The reasons for what happened to the step of a challenge.
    Reasons(Challenge, SetComparison<ChallengeReason>),
    /// How far a condition for change changed.
    Change(ConditionForChange, Comparison<ChangeExtent>),
    /// Its funding terms.
    FundingTerms(Quantifier, FundingTermPredicate),
    /// Whether any funding term is recorded.
    FundingTermsRecorded(bool),
}

/// A comparison with a way in.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum WayInComparison {
    /// It is one of these. Never empty.
    OneOf(Vec<EntryPoint>),
    /// Whether it is recorded. Never UNKNOWN.
    Known(bool),
}

/// A test of a funding term.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum FundingTermTest {
    /// Its funder.
    Funder(OrganisationPredicate),
    /// Its length in months.
    DurationMonths(Comparison<i32>),
    /// Its amount in the currency's minor unit.
    AmountMinor(Comparison<i64>),
    /// Its currency.
    Currency(TextComparison),
    /// Its planned first day.
    StartsOn(Comparison<NaiveDate>),
    /// A field whose answer is a choice. Compares the numbers of the answers.
    Choice(FundingChoice, Comparison<u8>),
}

impl FundingTermTest {
    /// A test of a choice, from a comparison with its values.
    pub fn choice<T: Choice>(field: FundingChoice, comparison: &Comparison<T>) -> Self {
        Self::Choice(field, comparison.map(|value| value.number()))
    }
}

/// A test of an organisation.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum OrganisationTest {
    /// It is one of these.
    Id(Vec<NamedReference>),
    /// Its name.
    Name(TextComparison),
    /// Its org-id identifier.
    Identifier(TextComparison),
    /// Its kind.
    Kind(Comparison<OrganisationKind>),
}

/// A test of a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum PlaceTest {
    /// It is one of these.
    Id(Vec<Uuid>),
    /// Its name.
    Name(TextComparison),
    /// Its GSS code.
    Code(TextComparison),
    /// Its kind.
    Kind(Comparison<PlaceKind>),
    /// It is this place or lies within it.
    Within(NamedReference),
    /// Whether its code is in use, not retired.
    Current(bool),
}

impl InitiativeTest {
    /// Whether the test only asks if something is recorded.
    pub fn asks_if_recorded(&self) -> bool {
        match self {
            Self::Title(TextComparison::Known(_))
            | Self::PlaceKnown(_)
            | Self::StartedOn(Comparison::Known(_))
            | Self::EndedOn(Comparison::Known(_))
            | Self::WayIn(_, WayInComparison::Known(_))
            | Self::EntryPoints(_, SetComparison::Known(_))
            | Self::Step(_, Comparison::Known(_))
            | Self::Reasons(_, SetComparison::Known(_))
            | Self::Change(_, Comparison::Known(_))
            | Self::FundingTermsRecorded(_) => true,
            Self::FundingTerms(_, terms) => !terms.has_test(&|test| !test.asks_if_recorded()),
            _ => false,
        }
    }
}

impl FundingTermTest {
    /// Whether the test only asks if something is recorded.
    fn asks_if_recorded(&self) -> bool {
        matches!(
            self,
            Self::DurationMonths(Comparison::Known(_))
                | Self::AmountMinor(Comparison::Known(_))
                | Self::StartsOn(Comparison::Known(_))
                | Self::Currency(TextComparison::Known(_))
                | Self::Choice(_, Comparison::Known(_))
        )
    }
}
