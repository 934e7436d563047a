//! The GraphQL interface of all answers about patterns.

use async_graphql::Interface;

use super::parts::{Caution, DisclosureControl};
use super::{Associations, Comparison, Distribution, EntryPointFlows, Pattern, PatternGrid};
use crate::graphql::as_of::AsOf;
use wayin_engine::query::RecordScope;

/// An answer about patterns: counts of initiatives, and what they are based on.
#[derive(Interface)]
#[allow(
    clippy::duplicated_attributes,
    reason = "two fields of the interface have the same type"
)]
#[graphql(
    field(
        name = "cautions",
        ty = "Vec<Caution>",
        desc = "Cautions to consider before you use this answer."
    ),
    field(
        name = "basis",
        ty = "RecordScope",
        desc = "Which records the figures are computed from. VISIBLE if too many counts of scope ALL are suppressed."
    ),
    field(name = "scope", ty = "RecordScope", desc = "Which records were counted."),
    field(
        name = "disclosure",
        ty = "DisclosureControl",
        desc = "How disclosure control changed the answer."
    ),
    field(
        name = "as_of",
        ty = "AsOf",
        desc = "The newest change that this answer includes."
    ),
    field(
        name = "licence",
        ty = "String",
        desc = "The licence under which you can reuse the answer."
    )
)]
pub enum Answer {
    /// A pattern.
    Pattern(Pattern),
    /// A grid.
    PatternGrid(PatternGrid),
    /// A distribution.
    Distribution(Distribution),
    /// Pairs of conditions.
    Associations(Associations),
    /// Groups compared with the rest.
    Comparison(Comparison),
    /// Moves between entry points.
    EntryPointFlows(EntryPointFlows),
}
