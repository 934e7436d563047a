//! Lists of initiatives: filtered, ordered, paged and counted on the index.
//!
//! A list has the initiatives for which a condition is TRUE and that the reader can see. Each chunk keeps the
//! [order of its rows](row_order) by each field. A page is merged from the chunks: from each, only the rows that
//! can be on the page are visited.

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

/// How much of an initiative a reader must see to find it by a condition, in an order. Otherwise a funder could learn from
/// a list what they cannot read. The id already shows when a record was published, as it contains the time.
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

/// The ids of the initiatives in a list, in their own order.
pub fn list_ids(context: EvaluationContext<'_>, query: &ListQuery) -> Result<Vec<Uuid>, Cancelled> {
    let rows = find_rows(context, query)?;
    let ids = rows
        .iter()
        .flat_map(|(chunk, rows)| rows.iter().map(|row| chunk.ids()[row]));
    Ok(ids.collect())
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
    let (snapshot, cache) = (context.newest, context.truth_cache);
    let chunks: Vec<&Chunk> = snapshot.chunks.iter().map(|chunk| &**chunk).collect();
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
