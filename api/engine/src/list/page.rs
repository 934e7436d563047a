//! Pages: the rows of a list after or before a position.

use std::cmp::Ordering;

use rayon::prelude::*;
use uuid::Uuid;

use super::row_order::{ListOrder, OrderedRows, RowPosition, SortKey, compare_in_list};
use super::{ListEvaluation, ListQuery};
use crate::cancellation::Cancelled;
use crate::count::EvaluationContext;
use crate::index::{Bitmap, Chunk};

/// A list is sparse in a chunk if it has fewer than one in 64 of its rows. Comparing these rows is then faster than
/// walking through the sorted order.
const SPARSE_ROW_RATIO: u64 = 64;
/// The chunks that are evaluated first. Twice as many follow each time, until the page is full.
const FIRST_CHUNKS: usize = 2;

/// The position of a row in a list. It stays valid when rows are inserted or removed.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Position {
    /// The value that the list is sorted by.
    pub key: SortKey,
    /// The id of the row.
    pub id: Uuid,
}

/// Which rows of a list are on a page.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PageWindow {
    /// The order of the list.
    pub order: ListOrder,
    /// The rows follow this position.
    pub after: Option<Position>,
    /// The rows precede this position.
    pub before: Option<Position>,
    /// The most rows.
    pub size: usize,
    /// The rows are the last of the window, not the first.
    pub from_end: bool,
}

/// A page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where each initiative is in the list, in order.
    pub rows: Vec<Position>,
    /// Whether the window has more rows: after these, or before them if the page is read from the end.
    pub has_more: bool,
    /// The number of rows of the whole list, if it was asked for.
    pub total: Option<u64>,
}

/// Finds a page of a list, and counts the list if `with_total`.
pub fn find_page(
    context: EvaluationContext<'_>,
    query: &ListQuery,
    window: &PageWindow,
    with_total: bool,
) -> Result<Page, Cancelled> {
    let list = ListEvaluation::new(context, query);
    let total = with_total.then(|| list.count()).transpose()?;
    merge_page(&list, window, total)
}

/// Counts the rows of a list.
pub fn count_listed(context: EvaluationContext<'_>, query: &ListQuery) -> Result<u64, Cancelled> {
    ListEvaluation::new(context, query).count()
}

fn merge_page(list: &ListEvaluation<'_>, window: &PageWindow, total: Option<u64>) -> Result<Page, Cancelled> {
    // In parallel, because a chunk sorts its rows when it is first asked for an order.
    let find_window = |position: usize| {
        list.context.cancellation.check()?;
        Ok(ChunkWindow::new(window, position, list.chunks[position]))
    };
    let windows = (0..list.chunks.len()).into_par_iter().map(find_window);
    let windows = windows.collect::<Result<Vec<Option<ChunkWindow<'_>>>, Cancelled>>()?;
    let mut pending: Vec<ChunkWindow<'_>> = windows.into_iter().flatten().collect();
    pending.sort_unstable_by(|one, other| window.compare(one.first, other.first));
    let mut pending = pending.as_slice();
    let mut merge = PageMerge::new(window);
    let mut chunk_count = FIRST_CHUNKS;
    while pending.first().is_some_and(|next| merge.accepts(next.first)) {
        let (next, others) = pending.split_at(chunk_count.min(pending.len()));
        let positions: Vec<usize> = next.iter().map(|chunk| chunk.position).collect();
        list.evaluate(&positions)?;
        for chunk in next {
            merge.visit_chunk(chunk, list.rows(chunk.position));
        }
        pending = others;
        chunk_count *= 2;
    }
    Ok(merge.into_page(total))
}

/// The rows of a chunk in the window of a page, in the order in which the page is read. Not all are in the list.
struct ChunkWindow<'a> {
    chunk: &'a Chunk,
    /// The position of the chunk in the index.
    position: usize,
    in_order: OrderedRows<'a>,
    /// The position of its first row.
    first: RowPosition<'a>,
}

impl<'a> ChunkWindow<'a> {
    /// The rows of a chunk in the window; none if it has no such rows.
    fn new(window: &PageWindow, position: usize, chunk: &'a Chunk) -> Option<Self> {
        let row_position = |row: usize| (chunk.sort_key(window.order.field, row), chunk.ids()[row]);
        let in_order = chunk.row_orders.list(chunk, window.order, window.from_end);
        let in_order = in_order.skip_while(|row| window.locate(row_position(row)) == Ordering::Less);
        let first = row_position(in_order.iter().next()?);
        let is_in_window = window.locate(first) == Ordering::Equal;
        is_in_window.then_some(Self {
            chunk,
            position,
            in_order,
            first,
        })
    }
}

impl PageWindow {
    /// Compares two rows in the order in which the page is read.
    fn compare(&self, one: RowPosition<'_>, other: RowPosition<'_>) -> Ordering {
        let in_list = compare_in_list(self.order.descending, one, other);
        if self.from_end { in_list.reverse() } else { in_list }
    }

    /// Where a row is: before the window, in it or after it, as the page is read.
    fn locate(&self, row: RowPosition<'_>) -> Ordering {
        let (start, end) = if self.from_end {
            (&self.before, &self.after)
        } else {
            (&self.after, &self.before)
        };
        let compare_with = |position: &Position| self.compare(row, (position.key.borrow(), position.id));
        if start
            .as_ref()
            .is_some_and(|start| compare_with(start) != Ordering::Greater)
        {
            Ordering::Less
        } else if end
            .as_ref()
            .is_some_and(|end| compare_with(end) != Ordering::Less)
        {
            Ordering::Greater
        } else {
            Ordering::Equal
        }
    }
}

/// The first rows of the window in the chunks that were visited, in the order in which the page is read.
struct PageMerge<'a> {
    window: &'a PageWindow,
    rows: Vec<RowPosition<'a>>,
}

impl<'a> PageMerge<'a> {
    fn new(window: &'a PageWindow) -> Self {
        Self {
            window,
            rows: Vec::with_capacity(window.size + 2),
        }
    }

    /// Whether a row at a position would be on the page, or be the one that shows that others follow it.
    fn accepts(&self, position: RowPosition<'_>) -> bool {
        let is_before = |last: &RowPosition<'_>| self.window.compare(*last, position) == Ordering::Less;
        self.rows.len() < self.capacity() || !self.rows.last().is_some_and(is_before)
    }

    /// One row more than the page has shows whether others follow.
    const fn capacity(&self) -> usize {
        self.window.size + 1
    }

    fn visit_chunk(&mut self, in_window: &ChunkWindow<'a>, rows: &Bitmap) {
        let (chunk, window) = (in_window.chunk, self.window);
        let position = |row: usize| (chunk.sort_key(window.order.field, row), chunk.ids()[row]);
        let is_sparse = rows.count() * SPARSE_ROW_RATIO < chunk.len() as u64;
        if is_sparse {
            for position in rows.iter().map(position) {
                if window.locate(position) == Ordering::Equal {
                    self.insert(position);
                }
            }
            return;
        }
        let listed = in_window.in_order.iter().filter(|row| rows.contains(*row));
        for position in listed.map(position) {
            // The rows that follow in this chunk come later still.
            if window.locate(position) == Ordering::Greater || !self.insert(position) {
                return;
            }
        }
    }

    /// Inserts a row, unless the page is full of rows that come before it.
    fn insert(&mut self, position: RowPosition<'a>) -> bool {
        if !self.accepts(position) {
            return false;
        }
        let index = self
            .rows
            .partition_point(|kept| self.window.compare(*kept, position) == Ordering::Less);
        self.rows.insert(index, position);
        self.rows.truncate(self.capacity());
        true
    }

    fn into_page(mut self, total: Option<u64>) -> Page {
        let has_more = self.rows.len() > self.window.size;
        self.rows.truncate(self.window.size);
        if self.window.from_end {
            self.rows.reverse();
        }
        let rows = self.rows.into_iter().map(|(key, id)| Position {
            key: key.to_owned(),
            id,
        });
        Page {
            rows: rows.collect(),
            has_more,
            total,
        }
    }
}
