//! The direction in which a list is sorted.

use async_graphql::Enum;

/// The direction in which a list is sorted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Enum)]
pub enum Direction {
    /// From A to Z, earliest to latest, lowest to highest.
    #[default]
    Asc,
    /// From Z to A, latest to earliest, highest to lowest. Unknown values still come last.
    Desc,
}
