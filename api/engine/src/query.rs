//! Queries to the engine: what is asked, by whom, and over which records.

use wayin_vocabulary::Dimension;

use crate::predicate::InitiativePredicate;
use crate::visibility::Reader;

/// The fewest conditions of an associations query.
pub const MIN_PAIRED_CONDITIONS: usize = 2;
/// The most conditions of an associations query.
pub const MAX_PAIRED_CONDITIONS: usize = 40;
/// The most groups of a comparison.
pub const MAX_COMPARED_GROUPS: usize = 10;

/// Which records are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "async-graphql", derive(async_graphql::Enum))]
pub enum RecordScope {
    /// All published records. Records that you cannot read in full are counted under disclosure control:
    /// conditions are decided for classes of such records, small counts are suppressed, and other counts
    /// are changed slightly and rounded. Stewards can read all records and get exact counts.
    #[default]
    All,
    /// Only the records that you can read in full. Counts are exact.
    Visible,
}

/// Who asks, over which records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Viewpoint {
    /// Who asks.
    pub reader: Reader,
    /// Which records are counted.
    pub scope: RecordScope,
}

impl Viewpoint {
    /// Whether disclosure control applies: records are counted that the reader cannot see.
    pub fn is_controlled(self) -> bool {
        self.scope == RecordScope::All && self.reader != Reader::Steward
    }

    /// Whether the reader can see all records.
    pub fn can_view_all(self) -> bool {
        self.reader == Reader::Steward
    }
}

/// How often does `then` coincide with `when`, overall and by group?
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PatternQuery {
    /// The first condition.
    pub when: InitiativePredicate,
    /// The second condition.
    pub then: InitiativePredicate,
    /// Selects the population: the initiatives for which it is TRUE.
    pub among: InitiativePredicate,
    /// The dimension to group by.
    pub by: Option<Dimension>,
    /// Who asks, over which records.
    pub viewpoint: Viewpoint,
}
