//! Predicates in negation normal form: "not" applies to tests alone, and constants are removed.
//!
//! De Morgan's laws hold for UNKNOWN too. In this form no phrase says "not" twice, and nested parts with the same
//! conjunction need no brackets.

use super::grammar::{Clause, Conjunction, join_clauses};
use super::values::deduplicate;
use crate::predicate::Predicate;

/// A predicate without negated or nested conjunctions. No part but the whole is a constant.
#[derive(PartialEq)]
pub enum NormalForm<'a, T> {
    /// A test; false if it is negated.
    Test(&'a T, bool),
    Joined(Conjunction, Vec<Self>),
}

impl<'a, T: PartialEq> NormalForm<'a, T> {
    /// The predicate, or its negation if `positive` is false.
    pub fn new(predicate: &'a Predicate<T>, positive: bool) -> Self {
        let (conjunction, parts) = match predicate {
            Predicate::Not(part) => return Self::new(part, !positive),
            Predicate::Test(test) => return Self::Test(test, positive),
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

    pub fn render(&self, render_test: &impl Fn(&T, bool) -> Clause) -> Clause {
        match self {
            Self::Test(test, positive) => render_test(test, *positive),
            Self::Joined(conjunction, parts) => join_clauses(
                *conjunction,
                parts.iter().map(|part| part.render(render_test)).collect(),
            ),
        }
    }
}
