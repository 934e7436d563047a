//! The invariants of the database, and their violations. `docs/integrity-check.md` describes each invariant.

use std::collections::BTreeMap;
use std::fmt;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    Database,
    Instance,
    Revisions,
    TablesMatchRevisions,
    DerivedValues,
    Withdrawn,
    ChangeLog,
    Submissions,
    Imports,
    ReferenceData,
    Names,
    Places,
    IdempotencyKeys,
    Audit,
    Tokens,
    Claims,
}

impl Invariant {
    /// All invariants in the order of the checks.
    pub const ALL: [Self; 16] = [
        Self::Database,
        Self::Instance,
        Self::Revisions,
        Self::TablesMatchRevisions,
        Self::DerivedValues,
        Self::Withdrawn,
        Self::ChangeLog,
        Self::Submissions,
        Self::Imports,
        Self::ReferenceData,
        Self::Names,
        Self::Places,
        Self::IdempotencyKeys,
        Self::Audit,
        Self::Tokens,
        Self::Claims,
    ];

    /// The name in the output and in `docs/integrity-check.md`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Instance => "instance",
            Self::Revisions => "revisions",
            Self::TablesMatchRevisions => "tables",
            Self::DerivedValues => "derived values",
            Self::Withdrawn => "withdrawn",
            Self::ChangeLog => "change log",
            Self::Submissions => "submissions",
            Self::Imports => "imports",
            Self::ReferenceData => "reference data",
            Self::Names => "names",
            Self::Places => "places",
            Self::IdempotencyKeys => "idempotency keys",
            Self::Audit => "audit",
            Self::Tokens => "tokens",
            Self::Claims => "claims",
        }
    }
}

/// A place where an invariant is violated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub invariant: Invariant,
    /// A sentence with the ids of the rows that are wrong.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.invariant.name(), self.message)
    }
}

/// The numbers of checked rows, and of violations.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntegritySummary {
    pub initiatives: u64,
    pub changes: u64,
    pub submissions: u64,
    pub imports: u64,
    pub places: u64,
    pub organisations: u64,
    pub violations: BTreeMap<Invariant, u64>,
}

impl IntegritySummary {
    pub fn violation_count(&self) -> u64 {
        self.violations.values().sum()
    }
}

pub(super) struct IntegrityChecker<'a> {
    pub(super) summary: IntegritySummary,
    pub(super) on_violation: &'a mut (dyn FnMut(Violation) + Send),
    pub(super) on_progress: &'a (dyn Fn(u64) + Sync),
}

impl IntegrityChecker<'_> {
    pub(super) fn report(&mut self, invariant: Invariant, sentence: String) {
        *self.summary.violations.entry(invariant).or_default() += 1;
        (self.on_violation)(Violation {
            invariant,
            message: sentence,
        });
    }
}
