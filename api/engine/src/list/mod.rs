//! Lists of initiatives: filtered, ordered, paged and counted on the index.
//!
//! A list has the initiatives for which a condition is TRUE and that the reader can see. Each chunk keeps the
//! [order of its rows](row_order) by each field. A page is merged from the chunks whose rows can be on it, so a page of
//! the newest initiatives is found in the few newest chunks. Only a total needs every chunk.

mod page;
pub mod row_order;
#[cfg(test)]
mod tests;

use std::sync::OnceLock;

use rayon::prelude::*;
use uuid::Uuid;

pub use self::page::{Page, PageWindow, Position, count_listed, find_page};
pub use self::row_order::{ListOrder, SortField, SortKey};
use crate::cancellation::Cancelled;
use crate::count::EvaluationContext;
use crate::evaluate::PreparedPredicate;
use crate::index::{Bitmap, Chunk};
use crate::predicate::{InitiativePredicate, InitiativeTest};
use crate::visibility::{Reader, VisiblePart};

/// Which initiatives are in a list.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ListQuery {
    /// It is TRUE for the initiatives in the list.
    pub condition: InitiativePredicate,
    /// Who reads the list.
    pub reader: Reader,
    /// How much of an initiative the reader must see, so that it is in the list.
    pub required: VisiblePart,
}

/// How much of an initiative a reader must see to find it by a condition, in an order. A funder must not learn from a
/// list what they cannot read. The id already shows when a record was published, as it contains the time.
pub fn required_part(condition: &InitiativePredicate, order: ListOrder) -> VisiblePart {
    let needs_whole = condition.has_test(&|test| {
        !matches!(
            test,
            InitiativeTest::Id(_)
                | InitiativeTest::Title(_)
                | InitiativeTest::PlaceIs(_)
                | InitiativeTest::PlaceWithin(_)
                | InitiativeTest::PlaceKnown(_)
        )
    });
    if needs_whole || !matches!(order.field, SortField::Published | SortField::Title) {
        VisiblePart::Whole
    } else {
        VisiblePart::Any
    }
}

/// Which of some initiatives are in a list, sorted by id. Visits only the chunks that have one of them.
pub fn select_listed(
    context: EvaluationContext<'_>,
    query: &ListQuery,
    ids: &[Uuid],
) -> Result<Vec<Uuid>, Cancelled> {
    let mut ids = ids.to_vec();
    ids.sort_unstable();
    ids.dedup();
    let list = ListEvaluation::new(context, query);
    let has_any = |position: &usize| {
        let in_chunk = list.chunks[*position].ids();
        let (first, last) = (in_chunk[0], in_chunk[in_chunk.len() - 1]);
        ids.get(ids.partition_point(|id| *id < first))
            .is_some_and(|id| *id <= last)
    };
    let positions: Vec<usize> = (0..list.chunks.len()).filter(has_any).collect();
    list.evaluate(&positions)?;
    let in_chunk = |position: usize| {
        let chunk_ids = list.chunks[position].ids();
        list.rows(position).iter().map(|row| chunk_ids[row])
    };
    let listed = positions.into_iter().flat_map(in_chunk);
    Ok(listed.filter(|id| ids.binary_search(id).is_ok()).collect())
}

/// A list that is evaluated chunk by chunk, where its rows are needed.
struct ListEvaluation<'a> {
    context: EvaluationContext<'a>,
    chunks: Vec<&'a Chunk>,
    condition: PreparedPredicate<'a>,
    /// What the reader can see; none if they can see everything.
    visible: Option<PreparedPredicate<'static>>,
    /// The rows of the list in each chunk.
    rows: Vec<OnceLock<Bitmap>>,
}

impl<'a> ListEvaluation<'a> {
    fn new(context: EvaluationContext<'a>, query: &'a ListQuery) -> Self {
        let (snapshot, cache) = (context.newest, context.truth_cache);
        let chunks: Vec<&Chunk> = snapshot.chunks.iter().map(|chunk| &**chunk).collect();
        let visible_to =
            || PreparedPredicate::visible_to(query.reader, query.required, snapshot, cache, chunks.len());
        Self {
            context,
            condition: PreparedPredicate::new(&query.condition, snapshot, cache, chunks.len()),
            visible: (query.reader != Reader::Steward).then(visible_to),
            rows: std::iter::repeat_with(OnceLock::new).take(chunks.len()).collect(),
            chunks,
        }
    }

    /// Evaluates chunks in parallel. They are given by their positions.
    fn evaluate(&self, positions: &[usize]) -> Result<(), Cancelled> {
        positions.par_iter().try_for_each(|position| {
            self.context.cancellation.check()?;
            self.rows(*position);
            Ok(())
        })
    }

    /// The number of rows of the list.
    fn count(&self) -> Result<u64, Cancelled> {
        let all: Vec<usize> = (0..self.chunks.len()).collect();
        self.evaluate(&all)?;
        Ok(all.into_iter().map(|position| self.rows(position).count()).sum())
    }

    /// The rows of the list in the chunk at a position.
    fn rows(&self, position: usize) -> &Bitmap {
        self.rows[position].get_or_init(|| {
            let chunk = self.chunks[position];
            let matching = self.condition.evaluate(position, chunk);
            match &self.visible {
                Some(visible) => matching
                    .true_rows
                    .intersection(&visible.evaluate(position, chunk).true_rows),
                None => matching.into_owned().true_rows,
            }
        })
    }
}

impl Drop for ListEvaluation<'_> {
    /// Stores the results of slow tests, for the next evaluation.
    fn drop(&mut self) {
        for predicate in std::iter::once(&self.condition).chain(&self.visible) {
            predicate.cache_results(&self.chunks, self.context.truth_cache);
        }
    }
}
