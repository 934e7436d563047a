//! What is asked of the engine, by whom, and over which records.

use wayin_vocabulary::Dimension;

use crate::predicate::InitiativePredicate;
use crate::visibility::Reader;

/// The fewest conditions of which pairs are made.
pub const MIN_PAIRED_CONDITIONS: usize = 2;
/// The most conditions of which pairs are made.
pub const MAX_PAIRED_CONDITIONS: usize = 40;

/// Which records are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "async-graphql", derive(async_graphql::Enum))]
pub enum RecordScope {
    /// All published records. Records that you cannot read in full are counted under disclosure control:
    /// small counts are suppressed, and other counts are changed slightly and rounded. Stewards can read
    /// all records and get exact counts.
    #[default]
    All,
    /// Only the records that you can read in full. Counts are exact.
    Visible,
}

/// Who asks, and over which records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Viewpoint {
    /// Who asks.
    pub reader: Reader,
    /// Over which records.
    pub scope: RecordScope,
}

impl Viewpoint {
    /// Whether records are counted that the reader may not read whole.
    pub fn is_controlled(self) -> bool {
        self.scope == RecordScope::All && self.reader != Reader::Steward
    }

    /// Whether nothing is hidden from the reader.
    pub fn can_view_all(self) -> bool {
        self.reader == Reader::Steward
    }
}

/// How often does `then` coincide with `when`, among whom, told apart by what?
#[derive(Clone, Debug)]
pub struct PatternQuery {
    /// The first condition.
    pub when: InitiativePredicate,
    /// The other.
    pub then: InitiativePredicate,
    /// Which initiatives are asked about: those of which this is TRUE.
    pub among: InitiativePredicate,
    /// The dimension to group by.
    pub by: Option<Dimension>,
    /// Who asks.
    pub viewpoint: Viewpoint,
}
