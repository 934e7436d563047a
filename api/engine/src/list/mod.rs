//! Lists of initiatives: filtered, ordered, paged and counted on the index.
//!
//! A list has the initiatives for which a condition is TRUE and that the reader can see. Each chunk keeps the
//! [order of its rows](row_order) by each field. A page is merged from the chunks: where many rows of a
//! chunk are in the list, only those that can be on the page are compared.

mod page;
pub mod row_order;
#[cfg(test)]
mod tests;

use rayon::prelude::*;
use uuid::Uuid;

pub use self::page::{ListedInitiative, Page, PageWindow, Position, find_page};
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
    let has_any = |chunk: &Chunk| {
        let (first, last) = (chunk.ids()[0], chunk.ids()[chunk.len() - 1]);
        ids.get(ids.partition_point(|id| *id < first))
            .is_some_and(|id| *id <= last)
    };
    let rows = find_rows_in(context, query, has_any)?;
    let in_chunk = |(chunk, rows): &(&Chunk, Bitmap)| -> Vec<Uuid> {
        let found = rows.iter().map(|row| chunk.ids()[row]);
        found.filter(|id| ids.binary_search(id).is_ok()).collect()
    };
    Ok(rows.iter().flat_map(in_chunk).collect())
}

/// The number of initiatives in a list.
pub fn count_listed(context: EvaluationContext<'_>, query: &ListQuery) -> Result<u64, Cancelled> {
    let rows = find_rows(context, query)?;
    Ok(rows.iter().map(|(_, rows)| rows.count()).sum())
}

/// The rows of a list, by chunk.
fn find_rows<'a>(
    context: EvaluationContext<'a>,
    query: &ListQuery,
) -> Result<Vec<(&'a Chunk, Bitmap)>, Cancelled> {
    find_rows_in(context, query, |_| true)
}

/// The rows of a list in some chunks.
fn find_rows_in<'a>(
    context: EvaluationContext<'a>,
    query: &ListQuery,
    includes: impl Fn(&Chunk) -> bool,
) -> Result<Vec<(&'a Chunk, Bitmap)>, Cancelled> {
    let (snapshot, cache) = (context.newest, context.truth_cache);
    let chunks = snapshot.chunks.iter().map(|chunk| &**chunk);
    let chunks: Vec<&Chunk> = chunks.filter(|chunk| includes(chunk)).collect();
    let condition = PreparedPredicate::new(&query.condition, snapshot, cache, chunks.len());
    let visible = (query.reader != Reader::Steward)
        .then(|| PreparedPredicate::visible_to(query.reader, query.required, snapshot, cache, chunks.len()));
    let find_in_chunk = |(position, chunk): (usize, &&'a Chunk)| {
        context.cancellation.check()?;
        let matching = condition.evaluate(position, chunk);
        let rows = match &visible {
            Some(visible) => matching
                .true_rows
                .intersection(&visible.evaluate(position, chunk).true_rows),
            None => matching.into_owned().true_rows,
        };
        Ok((*chunk, rows))
    };
    let rows = chunks
        .par_iter()
        .enumerate()
        .map(find_in_chunk)
        .collect::<Result<_, _>>()?;
    for predicate in std::iter::once(&condition).chain(&visible) {
        predicate.cache_results(&chunks, cache);
    }
    Ok(rows)
}
