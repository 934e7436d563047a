//! What must be true of a base, and what is found not to be.

use std::collections::BTreeMap;
use std::fmt;

/// What is to hold of a base.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// The database's own rules hold: its files are whole, and what a row refers to is there.
    Database,
    /// The base has one row of its own, with its secret.
    Instance,
    /// An initiative has a revision for every version from 1 to its own, and the newest is a whole record.
    Revisions,
    /// The newest revision says what the tables say, field by field.
    TablesMatchRevisions,
    /// What is worked out of a record and kept beside it is what it was worked out to be.
    DerivedValues,
    /// A withdrawn initiative holds no grant, and is otherwise as it was published.
    Withdrawn,
    /// The change log tells what became of everything, in an order in which it can have happened.
    ChangeLog,
    /// A submission holds what its state says.
    Submissions,
    /// An import counts what became of its rows, and has its file as long as it is kept.
    Imports,
    /// What stewards keep is as its newest version says, and has a version for each number up to it.
    ReferenceData,
    /// Names are kept in lower case too, for searching and sorting.
    Names,
    /// No place lies within itself, and who took over from a place is told to an end.
    Places,
    /// What was done under a key has its answer.
    IdempotencyKeys,
    /// The audit trail names members that there are.
    Audit,
    /// A token that was issued here is good for a year at most, and is used and revoked after it was issued.
    Tokens,
    /// A claim's stored pattern can be asked.
    Claims,
}

impl Invariant {
    /// Every one, in the order in which they are looked at.
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

    /// What it is about, in a word or two.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Instance => "base",
            Self::Revisions => "revisions",
            Self::TablesMatchRevisions => "tables",
            Self::DerivedValues => "worked out",
            Self::Withdrawn => "withdrawn",
            Self::ChangeLog => "change log",
            Self::Submissions => "submissions",
            Self::Imports => "imports",
            Self::ReferenceData => "reference data",
            Self::Names => "names",
            Self::Places => "places",
            Self::IdempotencyKeys => "answers",
            Self::Audit => "audit",
            Self::Tokens => "tokens",
            Self::Claims => "claims",
        }
    }
}

/// Something that does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// What it goes against.
    pub invariant: Invariant,
    /// What is wrong, as a plain sentence with the ids of what it is wrong of.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.invariant.name(), self.message)
    }
}

/// How much was looked at, and how much of it was wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntegritySummary {
    /// Initiatives, withdrawn ones included.
    pub initiatives: u64,
    /// Entries of the change log.
    pub changes: u64,
    /// Submissions.
    pub submissions: u64,
    /// Imports.
    pub imports: u64,
    /// Places.
    pub places: u64,
    /// Organisations.
    pub organisations: u64,
    /// What did not hold, and how often.
    pub violations: BTreeMap<Invariant, u64>,
}

impl IntegritySummary {
    /// How often something did not hold.
    pub fn violation_count(&self) -> u64 {
        self.violations.values().sum()
    }
}

/// A check that is under way.
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
