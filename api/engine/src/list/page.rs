//! Pages: the rows of a list after or before a position.

use std::cmp::Ordering;

use uuid::Uuid;

use super::row_order::{ListOrder, RowPosition, SortKey, compare_in_list};
use super::{ListQuery, find_rows};
use crate::cancellation::Cancelled;
use crate::count::EvaluationContext;
use crate::index::{Bitmap, Chunk};

/// A list is sparse in a chunk if it has fewer than one in 16 of its rows. Comparing these rows is then faster than
/// walking through the sorted order.
const SPARSE_ROW_RATIO: u64 = 16;

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

/// An initiative on a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedInitiative {
    /// Where it is in the list.
    pub position: Position,
    /// The version of its record.
    pub version: i32,
}

/// A page of a list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Page {
    /// The initiatives, in the order of the list.
    pub rows: Vec<ListedInitiative>,
    /// Whether the window has more rows: after these, or before them if the page is read from the end.
    pub has_more: bool,
}

/// Finds a page of a list.
pub fn find_page(
    context: EvaluationContext<'_>,
    query: &ListQuery,
    window: &PageWindow,
) -> Result<Page, Cancelled> {
    let mut merge = PageMerge::new(window);
    for (chunk, rows) in find_rows(context, query)? {
        context.cancellation.check()?;
        merge.visit_chunk(chunk, &rows);
    }
    Ok(merge.into_page())
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

/// A row that may be on the page.
struct Candidate<'a> {
    chunk: &'a Chunk,
    row: usize,
    position: RowPosition<'a>,
}

/// The first rows of the window in the chunks that were visited, in the order in which the page is read.
struct PageMerge<'a> {
    window: &'a PageWindow,
    candidates: Vec<Candidate<'a>>,
}

impl<'a> PageMerge<'a> {
    fn new(window: &'a PageWindow) -> Self {
        Self {
            window,
            candidates: Vec::with_capacity(window.size + 2),
        }
    }

    fn visit_chunk(&mut self, chunk: &'a Chunk, rows: &Bitmap) {
        let row_count = rows.count();
        if row_count == 0 {
            return;
        }
        let window = self.window;
        let position = |row: usize| (chunk.sort_key(window.order.field, row), chunk.ids()[row]);
        let candidate = |row: usize| Candidate {
            chunk,
            row,
            position: position(row),
        };
        let is_sparse = row_count * SPARSE_ROW_RATIO < chunk.len() as u64;
        if is_sparse {
            for candidate in rows.iter().map(candidate) {
                if window.locate(candidate.position) == Ordering::Equal {
                    self.insert(candidate);
                }
            }
            return;
        }
        let in_order = chunk.row_orders.list(chunk, window.order, window.from_end);
        let from_start = in_order.iter_from(|row| window.locate(position(row)) == Ordering::Less);
        for candidate in from_start.filter(|row| rows.contains(*row)).map(candidate) {
            // The rows that follow in this chunk come later still.
            if window.locate(candidate.position) == Ordering::Greater || !self.insert(candidate) {
                return;
            }
        }
    }

    /// Inserts a row, unless the page is full of rows that come before it.
    fn insert(&mut self, candidate: Candidate<'a>) -> bool {
        let before =
            |kept: &Candidate<'_>| self.window.compare(kept.position, candidate.position) == Ordering::Less;
        // One row more than the page has shows whether others follow.
        let capacity = self.window.size + 1;
        if self.candidates.len() == capacity && self.candidates.last().is_some_and(before) {
            return false;
        }
        let index = self.candidates.partition_point(before);
        self.candidates.insert(index, candidate);
        self.candidates.truncate(capacity);
        true
    }

    fn into_page(mut self) -> Page {
        let has_more = self.candidates.len() > self.window.size;
        self.candidates.truncate(self.window.size);
        if self.window.from_end {
            self.candidates.reverse();
        }
        let rows = self.candidates.into_iter().map(|one| ListedInitiative {
            position: Position {
                key: one.position.0.to_owned(),
                id: one.position.1,
            },
            version: one.chunk.version(one.row),
        });
        Page {
            rows: rows.collect(),
            has_more,
        }
    }
}
