//! What is asked of the engine, by whom, and over which records.

use wayin_vocabulary::Dimension;

use crate::predicate::InitiativeCondition;
use crate::visibility::Reader;

/// The fewest conditions of which pairs are made.
pub const MIN_PAIRED_CONDITIONS: usize = 2;
/// The most conditions of which pairs are made.
pub const MAX_PAIRED_CONDITIONS: usize = 40;

/// Which records are counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "async-graphql", derive(async_graphql::Enum))]
pub enum RecordScope {
    /// All that are published. Those that you may not read whole are counted under disclosure
    /// control: small counts are suppressed, others are moved a little and rounded. A steward
    /// reads everything, and gets exact counts.
    #[default]
    All,
    /// Those that you may read whole, exactly.
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
    pub fn reads_everything(self) -> bool {
        self.reader == Reader::Steward
    }
}

/// How often does `then` coincide with `when`, among whom, told apart by what?
#[derive(Clone, Debug)]
pub struct Question {
    /// The one condition.
    pub when: InitiativeCondition,
    /// The other.
    pub then: InitiativeCondition,
    /// Which initiatives are asked about: those of which this is TRUE.
    pub among: InitiativeCondition,
    /// What they are told apart by.
    pub by: Option<Dimension>,
    /// Who asks.
    pub viewpoint: Viewpoint,
}
