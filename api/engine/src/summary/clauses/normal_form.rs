//! Predicates in negation normal form: "not" applies to tests alone, and constants are removed.
//!
//! De Morgan's laws hold for UNKNOWN too. In this form no phrase says "not" twice, and nested parts with the same
//! conjunction are one list.

use super::grammar::{Clause, Conjunction, join_clauses};
use super::values::deduplicate;
use crate::predicate::Predicate;

/// A test; false if it is negated.
pub type SignedTest<'a, T> = (&'a T, bool);

/// A predicate without negated or nested conjunctions. No part but the whole is a constant.
#[derive(PartialEq)]
pub enum NormalForm<'a, T> {
    Test(SignedTest<'a, T>),
    Joined(Conjunction, Vec<Self>),
}

impl<'a, T: PartialEq> NormalForm<'a, T> {
    /// The predicate, or its negation if `positive` is false.
    pub fn new(predicate: &'a Predicate<T>, positive: bool) -> Self {
        let (conjunction, parts) = match predicate {
            Predicate::Not(part) => return Self::new(part, !positive),
            Predicate::Test(test) => return Self::Test((test, positive)),
            Predicate::All(parts) if positive => (Conjunction::And, parts),
            Predicate::All(parts) => (Conjunction::Or, parts),
            Predicate::Any(parts) if positive => (Conjunction::Or, parts),
            Predicate::Any(parts) => (Conjunction::And, parts),
        };
        let mut flat = Vec::new();
        for part in parts.iter().map(|part| Self::new(part, positive)) {
            match part {
                Self::Joined(inner, parts) if inner == conjunction => flat.extend(parts),
                // TRUE decides an "or", and FALSE decides an "and".
                Self::Joined(inner, parts) if parts.is_empty() => return Self::Joined(inner, parts),
                part => flat.push(part),
            }
        }
        let mut flat = deduplicate(flat);
        if flat.len() == 1 {
            flat.remove(0)
        } else {
            Self::Joined(conjunction, flat)
        }
    }

    /// The value of a constant predicate; none if the value depends on the record.
    pub fn constant(&self) -> Option<bool> {
        match self {
            Self::Joined(conjunction, parts) if parts.is_empty() => Some(*conjunction == Conjunction::And),
            _ => None,
        }
    }

    /// Whether all tests match.
    pub fn all_tests(&self, matches: &impl Fn(SignedTest<'a, T>) -> bool) -> bool {
        match self {
            Self::Test(test) => matches(*test),
            Self::Joined(_, parts) => parts.iter().all(|part| part.all_tests(matches)),
        }
    }

    /// The tests and their conjunction; none if conjunctions are nested.
    pub fn list_tests(&self) -> Option<(Conjunction, Vec<SignedTest<'a, T>>)> {
        match self {
            Self::Test(test) => Some((Conjunction::And, vec![*test])),
            Self::Joined(conjunction, parts) => {
                let tests = parts.iter().map(|part| match part {
                    Self::Test(test) => Some(*test),
                    Self::Joined(..) => None,
                });
                Some((*conjunction, tests.collect::<Option<_>>()?))
            }
        }
    }

    /// `render_tests` renders tests with the conjunction that joins them, because the words of one can depend on
    /// another.
    pub fn render(
        &self,
        render_tests: &impl Fn(Conjunction, Vec<SignedTest<'a, T>>) -> Vec<Clause>,
    ) -> Clause {
        let conjunction = match self {
            Self::Test(_) => Conjunction::And,
            Self::Joined(conjunction, _) => *conjunction,
        };
        join_clauses(conjunction, self.render_parts(conjunction, render_tests))
    }

    /// The clauses that `conjunction` joins; one clause if it joins none.
    pub fn render_parts(
        &self,
        conjunction: Conjunction,
        render_tests: &impl Fn(Conjunction, Vec<SignedTest<'a, T>>) -> Vec<Clause>,
    ) -> Vec<Clause> {
        let parts = match self {
            Self::Test(test) => return render_tests(conjunction, vec![*test]),
            Self::Joined(inner, parts) if *inner == conjunction => parts,
            Self::Joined(..) => return vec![self.render(render_tests)],
        };
        let mut tests = Vec::new();
        let mut groups = Vec::new();
        for part in parts {
            match part {
                Self::Test(test) => tests.push(*test),
                Self::Joined(..) => groups.push(part.render(render_tests)),
            }
        }
        let mut clauses = render_tests(conjunction, tests);
        clauses.extend(groups);
        clauses
    }
}
