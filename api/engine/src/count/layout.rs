//! Layouts: which cells each initiative belongs to, for patterns, grids, flows and distributions.

use wayin_vocabulary::{EntryPoint, Perspective};

use super::{PopulationCounter, contingency};
use crate::dimension::{Domain, iter_set_bits};
use crate::evaluate::PreparedPredicate;
use crate::index::Bitmap;

/// Means that a row has no cell.
pub const NO_CELL: u32 = u32::MAX;

/// How published cells are made from raw cells. Cells come in blocks; each published cell of a block is the sum of
/// some of its raw cells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockShape {
    /// One raw cell, published as it is.
    Plain,
    /// Real and illustrative records as raw cells. The published cells are all records, and the illustrative ones.
    IllustrativeApart,
    /// The nine combinations of two predicates. See [`contingency::PUBLISHED_CELLS_BY_RAW_CELL`].
    Counts3x3,
}

impl BlockShape {
    /// How many raw cells a block has.
    pub fn raw_cell_count(self) -> usize {
        self.published_cells_by_raw_cell().len()
    }

    /// How many published cells a block has.
    pub fn published_cell_count(self) -> usize {
        match self {
            Self::Plain => 1,
            Self::IllustrativeApart => 2,
            Self::Counts3x3 => 8,
        }
    }

    /// For each raw cell of a block, the published cells that it is part of.
    pub fn published_cells_by_raw_cell(self) -> &'static [&'static [u8]] {
        match self {
            Self::Plain => &[&[0]],
            Self::IllustrativeApart => &[&[0], &[0, 1]],
            Self::Counts3x3 => contingency::PUBLISHED_CELLS_BY_RAW_CELL,
        }
    }

    /// The published cells that a raw cell is part of, both numbered over the whole layout.
    pub fn published_cells_of(self, raw: usize) -> impl Iterator<Item = usize> {
        let first = raw / self.raw_cell_count() * self.published_cell_count();
        self.published_cells_by_raw_cell()[raw % self.raw_cell_count()]
            .iter()
            .map(move |cell| first + usize::from(*cell))
    }
}

/// The cells of each row of a chunk.
#[derive(Debug, Default)]
pub struct RowCells {
    /// Where each row's cells end; empty if every row has one entry.
    ends: Vec<u32>,
    cells: Vec<u32>,
}

impl RowCells {
    /// Resets the rows to one entry each, [`NO_CELL`], and returns the entries.
    pub fn reset_single(&mut self, rows: usize) -> &mut [u32] {
        self.ends.clear();
        self.cells.clear();
        self.cells.resize(rows, NO_CELL);
        &mut self.cells
    }

    /// Removes all rows. [`push`](Self::push) adds a row with any number of cells.
    pub fn reset_multiple(&mut self) {
        self.ends.clear();
        self.cells.clear();
    }

    /// Adds a row with its cells.
    pub fn push(&mut self, cells: impl IntoIterator<Item = u32>) {
        self.cells.extend(cells);
        self.end_row();
    }

    fn end_row(&mut self) {
        self.ends
            .push(u32::try_from(self.cells.len()).unwrap_or(u32::MAX));
    }

    /// Calls `visit` with each row of `rows` and each cell of the row.
    pub fn for_each(&self, rows: &Bitmap, mut visit: impl FnMut(usize, usize)) {
        if self.ends.is_empty() {
            rows.for_each(|row| {
                if self.cells[row] != NO_CELL {
                    visit(row, self.cells[row] as usize);
                }
            });
        } else {
            rows.for_each(|row| self.get(row).iter().for_each(|cell| visit(row, *cell as usize)));
        }
    }

    /// The one entry of each row; none if rows can have several cells.
    pub fn single_cells(&self) -> Option<&[u32]> {
        self.ends.is_empty().then_some(&self.cells)
    }

    /// The cells of a row.
    pub fn get(&self, row: usize) -> &[u32] {
        if self.ends.is_empty() {
            let cells = &self.cells[row..=row];
            return if cells[0] == NO_CELL { &[] } else { cells };
        }
        let start = row.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.cells[start as usize..self.ends[row] as usize]
    }

    /// Replaces the cells of some rows by those that `replacement` returns. Rows for which it returns none keep theirs.
    pub fn replace<'r>(&mut self, rows: &Bitmap, replacement: impl Fn(usize) -> Option<&'r [u32]>) {
        if self.ends.is_empty() {
            rows.for_each(|row| {
                if let Some(cells) = replacement(row) {
                    self.cells[row] = cells.first().copied().unwrap_or(NO_CELL);
                }
            });
            return;
        }
        let mut replaced = Self::default();
        for row in 0..self.ends.len() {
            let new = if rows.contains(row) {
                replacement(row)
            } else {
                None
            };
            replaced.push(new.unwrap_or_else(|| self.get(row)).iter().copied());
        }
        *self = replaced;
    }

    /// Replaces each cell of each row.
    fn map(&mut self, to: impl Fn(usize, u32) -> u32) {
        if self.ends.is_empty() {
            for (row, cell) in self.cells.iter_mut().enumerate() {
                if *cell != NO_CELL {
                    *cell = to(row, *cell);
                }
            }
            return;
        }
        let mut start = 0;
        for (row, end) in self.ends.iter().enumerate() {
            for cell in &mut self.cells[start..*end as usize] {
                *cell = to(row, *cell);
            }
            start = *end as usize;
        }
    }
}

/// Assigns the initiatives of a chunk to cells.
pub trait Layout: Sync {
    /// The shape of each block of cells.
    fn shape(&self) -> BlockShape;
    /// How many blocks of cells there are.
    fn block_count(&self) -> usize;
    /// Writes the cells of every row of the chunk at a position.
    fn write_cells(&self, counter: &PopulationCounter<'_>, position: usize, into: &mut RowCells);
}

/// Two predicates, for each group of a dimension.
pub struct ByGroupLayout<'a> {
    /// The first predicate.
    pub when: &'a PreparedPredicate<'a>,
    /// The second predicate.
    pub then: &'a PreparedPredicate<'a>,
    /// The dimension.
    pub by: &'a Domain,
}

impl Layout for ByGroupLayout<'_> {
    fn shape(&self) -> BlockShape {
        BlockShape::Counts3x3
    }

    fn block_count(&self) -> usize {
        self.by.groups().len()
    }

    fn write_cells(&self, counter: &PopulationCounter<'_>, position: usize, into: &mut RowCells) {
        let row_count = counter.context().newest.chunks[position].len();
        let when = counter.evaluate(self.when, position);
        let codes = contingency::compute_cell_codes(&when, &counter.evaluate(self.then, position), row_count);
        counter.write_groups(self.by, position, into);
        into.map(|row, group| group * 9 + u32::from(codes[row]));
    }
}

/// All initiatives, or the groups of a dimension, with the illustrative ones counted separately.
pub struct IllustrativeApartLayout<'a> {
    /// The dimension; none for all initiatives together.
    pub by: Option<&'a Domain>,
}

impl Layout for IllustrativeApartLayout<'_> {
    fn shape(&self) -> BlockShape {
        BlockShape::IllustrativeApart
    }

    fn block_count(&self) -> usize {
        self.by.map_or(1, |domain| domain.groups().len())
    }

    fn write_cells(&self, counter: &PopulationCounter<'_>, position: usize, into: &mut RowCells) {
        let chunk = &counter.context().newest.chunks[position];
        match self.by {
            Some(domain) => counter.write_groups(domain, position, into),
            None => into.reset_single(chunk.len()).fill(0),
        }
        into.map(|row, group| group * 2 + u32::from(chunk.illustrative.contains(row)));
    }
}

/// Every group of one dimension crossed with every group of another.
pub struct CrossedLayout<'a> {
    /// The dimension of the rows.
    pub rows: &'a Domain,
    /// The dimension of the columns.
    pub columns: &'a Domain,
}

impl Layout for CrossedLayout<'_> {
    fn shape(&self) -> BlockShape {
        BlockShape::Plain
    }

    fn block_count(&self) -> usize {
        self.rows.groups().len() * self.columns.groups().len()
    }

    fn write_cells(&self, counter: &PopulationCounter<'_>, position: usize, into: &mut RowCells) {
        let chunk = &counter.context().newest.chunks[position];
        let (mut rows, mut columns) = (RowCells::default(), RowCells::default());
        counter.write_groups(self.rows, position, &mut rows);
        counter.write_groups(self.columns, position, &mut columns);
        let width = u32::try_from(self.columns.groups().len()).unwrap_or(u32::MAX);
        if let (Some(rows), Some(columns)) = (rows.single_cells(), columns.single_cells()) {
            let cells = into.reset_single(chunk.len());
            for ((cell, row), column) in cells.iter_mut().zip(rows).zip(columns) {
                *cell = row * width + column;
            }
            return;
        }
        into.reset_multiple();
        for index in 0..chunk.len() {
            for row in rows.get(index) {
                into.cells
                    .extend(columns.get(index).iter().map(|column| row * width + column));
            }
            into.end_row();
        }
    }
}

const ENTRY_POINT_COUNT: usize = EntryPoint::ALL.len();
/// The flows from one way in: one to each entry point, and one of the initiatives that stayed.
pub const FLOWS_PER_WAY_IN: usize = ENTRY_POINT_COUNT + 1;
/// The last cell of a way in: the initiatives that stayed.
const STAYED_CELL: u32 = 4;
const _: () = assert!(ENTRY_POINT_COUNT == STAYED_CELL as usize);

/// Flows from each way in of one perspective to each later entry point: [`FLOWS_PER_WAY_IN`] blocks for each way in.
pub struct FlowsLayout {
    /// The perspective.
    pub perspective: Perspective,
}

impl Layout for FlowsLayout {
    fn shape(&self) -> BlockShape {
        BlockShape::IllustrativeApart
    }

    fn block_count(&self) -> usize {
        ENTRY_POINT_COUNT * FLOWS_PER_WAY_IN
    }

    fn write_cells(&self, counter: &PopulationCounter<'_>, position: usize, into: &mut RowCells) {
        let chunk = &counter.context().newest.chunks[position];
        // The first block of each row's way in, and its later entry points as bits.
        let (mut first, mut went) = (vec![NO_CELL; chunk.len()], vec![0; chunk.len()]);
        for (from, rows) in (0..).zip(chunk.ways_in[self.perspective as usize].all()) {
            rows.for_each(|row| first[row] = from * (STAYED_CELL + 1));
        }
        for (to, rows) in chunk.later[self.perspective as usize].all().iter().enumerate() {
            rows.for_each(|row| went[row] |= 1 << to);
        }
        into.reset_multiple();
        for row in 0..chunk.len() {
            let illustrative = u32::from(chunk.illustrative.contains(row));
            let to = if went[row] == 0 {
                1 << STAYED_CELL
            } else {
                went[row]
            };
            let to = if first[row] == NO_CELL { 0 } else { to };
            into.push(iter_set_bits(to).map(|to| (first[row] + to) * 2 + illustrative));
        }
        counter.clear_left_out(into, position);
    }
}
