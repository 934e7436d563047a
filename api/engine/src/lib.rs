//! The pattern engine: how often two conditions coincide, where it is different, and how sure we are.
//!
//! A [`predicate`] is TRUE, FALSE or UNKNOWN for a record ([`three_valued_logic`]). It is [evaluated](evaluate) on the columns
//! of an [`index`], as bitmaps. The initiatives in each cell are [counted](count), and the counts pass through
//! [`disclosure`] control. The result is an [`answer`]: counts, [`measures`] from [`statistics`], a [`verdict`], a
//! [comparison of groups](group_comparison), a [`summary`] in plain words, and [`cautions`].
//!
//! The crate does not depend on a database, a web server or GraphQL. The feature `async-graphql` derives GraphQL enums
//! for the enums that a schema needs.

pub mod answer;
pub mod cancellation;
pub mod cautions;
pub mod count;
pub mod dimension;
pub mod disclosure;
pub mod evaluate;
pub mod group_comparison;
pub mod index;
pub mod list;
pub mod measures;
pub mod predicate;
pub mod predicate_cache;
pub mod query;
pub mod statistics;
pub mod summary;
pub mod three_valued_logic;
pub mod verdict;
pub mod visibility;
