//! A cache of answers by question. An answer is valid as long as the snapshots that it was computed from are the newest.

use std::any::Any;
use std::sync::Arc;

use moka::sync::Cache;
use wayin_engine::answer::{
    Associations, AssociationsQuery, Basis, ComparisonAnswer, ComparisonQuery, Distribution,
    DistributionQuery, FlowCounts, FlowsQuery, Grid, GridQuery, PatternAnswer,
};
use wayin_engine::query::PatternQuery;

/// The most bytes of all answers and their questions.
const MAX_BYTES: u64 = 8 << 20;
/// The approximate size of a cell, with the name of its group.
const CELL_BYTES: usize = 512;

/// A question, with everything that its answer depends on besides the records: also who asks.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Question {
    Pattern {
        query: PatternQuery,
        /// Whether to compute how concentrated the initiatives are.
        concentration: bool,
    },
    Grid(GridQuery),
    Distribution(DistributionQuery),
    Flows(FlowsQuery),
    Associations(AssociationsQuery),
    Comparison(ComparisonQuery),
}

/// An answer that the cache keeps.
pub trait CachedAnswer: Any + Clone + Send + Sync {
    /// The number of its cells.
    fn cell_count(&self) -> usize;

    /// Which records it is based on. None only for a grid that would be too large.
    fn basis(&self) -> Option<&Basis>;
}

impl CachedAnswer for PatternAnswer {
    fn cell_count(&self) -> usize {
        self.groups.as_ref().map_or(1, |groups| 1 + groups.tables.len())
    }

    fn basis(&self) -> Option<&Basis> {
        Some(&self.basis)
    }
}

impl CachedAnswer for Option<Grid> {
    fn cell_count(&self) -> usize {
        self.as_ref().map_or(0, |grid| grid.cells.len())
    }

    fn basis(&self) -> Option<&Basis> {
        self.as_ref().map(|grid| &grid.basis)
    }
}

impl CachedAnswer for Distribution {
    fn cell_count(&self) -> usize {
        self.bins.len()
    }

    fn basis(&self) -> Option<&Basis> {
        Some(&self.basis)
    }
}

impl CachedAnswer for FlowCounts {
    fn cell_count(&self) -> usize {
        self.flows.len()
    }

    fn basis(&self) -> Option<&Basis> {
        Some(&self.basis)
    }
}

impl CachedAnswer for Associations {
    fn cell_count(&self) -> usize {
        self.pairs.len()
    }

    fn basis(&self) -> Option<&Basis> {
        Some(&self.basis)
    }
}

impl CachedAnswer for ComparisonAnswer {
    fn cell_count(&self) -> usize {
        self.tables.len()
    }

    fn basis(&self) -> Option<&Basis> {
        Some(&self.basis)
    }
}

#[derive(Clone)]
struct CacheEntry {
    answer: Arc<dyn Any + Send + Sync>,
    bytes: u32,
}

/// The answers of the newest snapshots.
pub struct AnswerCache(Cache<(u64, Arc<Question>), CacheEntry>);

impl Default for AnswerCache {
    fn default() -> Self {
        let answers = Cache::builder()
            .max_capacity(MAX_BYTES)
            .weigher(|_, entry: &CacheEntry| entry.bytes);
        Self(answers.build())
    }
}

impl AnswerCache {
    /// The answer to a question from the state with a serial number. None if it is not known.
    pub fn get<A: CachedAnswer>(&self, state: u64, question: &Arc<Question>) -> Option<A> {
        let entry = self.0.get(&(state, Arc::clone(question)))?;
        entry.answer.downcast_ref::<A>().cloned()
    }

    /// Keeps an answer.
    pub fn insert<A: CachedAnswer>(&self, state: u64, question: Arc<Question>, answer: A) {
        // The text of a question is about as long as its predicates are large.
        let bytes = format!("{question:?}").len() + CELL_BYTES * (1 + answer.cell_count());
        let entry = CacheEntry {
            bytes: u32::try_from(bytes).unwrap_or(u32::MAX),
            answer: Arc::new(answer),
        };
        self.0.insert((state, question), entry);
    }

    /// Forgets all answers, as there is a new snapshot.
    pub fn clear(&self) {
        self.0.invalidate_all();
    }
}
