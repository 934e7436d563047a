//! The direction in which a list is sorted.

use async_graphql::Enum;

/// What a list is sorted from, and to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Enum)]
pub enum Direction {
    /// From the first letter, the earliest day, the least.
    #[default]
    Ascending,
    /// From the last letter, the latest day, the most. What is not known still comes last.
    Descending,
}
